"""What a denoiser learns: where on the way from video to noise a sample is put, what is asked, how errors weigh.

Two objectives. Flow matching (Lipman et al. 2023): x_t = (1 - s) x + s n, velocity n - x, s from 0 (video) to 1
(noise); the network says the velocity ("flow") or the video itself ("sample"). V-prediction with zero terminal SNR
(Salimans & Ho 2022; Lin et al. 2024): x_t = a x + b n, v = a n - b x over 1,000 steps whose last one is pure noise.
"""

from __future__ import annotations

import typing as t

import torch
from diffusers import DDIMScheduler
from torch import Tensor

from ttm_ref.settings import ObjectiveSettings

TIMESTEPS = 1000


class Noised(t.NamedTuple):
    """noisy and target [B, C, T, h, w]; timestep [B] in 0..1000 as the denoiser reads it; weight [B]."""

    noisy: Tensor
    target: Tensor
    timestep: Tensor
    weight: Tensor


def noised(clean: Tensor, settings: ObjectiveSettings, generator: torch.Generator) -> Noised:
    """Put clean latents [B, C, T, h, w] at random places on the way to noise.

    Args:
        generator: on the CPU; all draws come from it, so they do not depend on the device.
    """
    noise = torch.randn(clean.shape, generator=generator).to(clean)
    full = torch.rand(len(clean), generator=generator) < settings.noise_share
    if settings.kind == "v_prediction":
        return _v_prediction(clean, noise, full, generator)
    normal = torch.randn(len(clean), generator=generator) * settings.time_std + settings.time_mean
    sigma = torch.where(full, 1.0, torch.sigmoid(normal)).to(clean)
    wide = sigma.view(-1, 1, 1, 1, 1)
    noisy = (1.0 - wide) * clean + wide * noise
    if settings.prediction_type == "flow":
        return Noised(noisy, noise - clean, sigma * TIMESTEPS, torch.ones_like(sigma))
    # The error of the velocity is that of the video over sigma; the square, 1 / sigma^2, would let near-clean samples
    # rule, so its root is taken and bounded.
    return Noised(noisy, clean, sigma * TIMESTEPS, 1.0 / sigma.clamp(min=settings.weight_floor))


def zero_snr_scheduler() -> DDIMScheduler:
    """The scheduler of the v-prediction models: the last of 1,000 steps is pure noise and sampling starts there."""
    return DDIMScheduler(
        num_train_timesteps=TIMESTEPS,
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="linear",
        prediction_type="v_prediction",
        rescale_betas_zero_snr=True,
        timestep_spacing="trailing",
        clip_sample=False,
        set_alpha_to_one=False,
    )


def _v_prediction(clean: Tensor, noise: Tensor, full: Tensor, generator: torch.Generator) -> Noised:
    scheduler = zero_snr_scheduler()
    step = torch.randint(0, TIMESTEPS, (len(clean),), generator=generator)
    step = torch.where(full, TIMESTEPS - 1, step).to(clean.device)
    noisy, target = scheduler.add_noise(clean, noise, step), scheduler.get_velocity(clean, noise, step)
    return Noised(noisy, target, step, torch.ones(len(clean)).to(clean))
