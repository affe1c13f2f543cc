"""Videos to normalised latents and back, whatever the autoencoder: one door for three classes.

| class | time | normalisation |
|---|---|---|
| `AutoencoderKLWan` | causal: frame 0, then 4 frames a latent frame | `latents_mean`, `latents_std`, one a channel |
| `AutoencoderKL` | frame by frame | one `scaling_factor` (and `shift_factor`) |
| `PatchAutoencoder` | frame by frame | `latents_mean`, `latents_std`, one a channel |

Latents are the posterior's mean: conditions and targets must not differ from one reading to the next.
"""

from __future__ import annotations

import typing as t

import torch
from diffusers import AutoencoderKL, AutoencoderKLWan
from torch import Tensor

from motionbench.errors import ConfigError
from ttm_ref.vae import FACTOR, PatchAutoencoder

# diffusers is not typed: for a type checker the first two are anything.
Autoencoder: t.TypeAlias = AutoencoderKL | AutoencoderKLWan | PatchAutoencoder


def encode(vae: Autoencoder, video: Tensor) -> Tensor:
    """Normalised latents [B, C, T, h, w] of a video [B, 3, F, H, W] in [-1, 1].

    Raises:
        ConfigError: an autoencoder of another class.
        ValueError: frames or sides that the autoencoder cannot take.
    """
    latent_shape(vae, *video.shape[2:])
    if isinstance(vae, AutoencoderKLWan):
        mean = vae.encode(video).latent_dist.mode()
    elif isinstance(vae, AutoencoderKL):
        mean = _unfold(vae.encode(_fold(video)).latent_dist.mode(), len(video))
    else:
        mean = _unfold(vae.encode(_fold(video))[0], len(video))
    shift, scale = _normalisation(vae, mean)
    return t.cast(Tensor, (mean - shift) / scale)


def decode(vae: Autoencoder, latents: Tensor) -> Tensor:
    """The video [B, 3, F, H, W], clamped to [-1, 1], of normalised latents [B, C, T, h, w]."""
    shift, scale = _normalisation(vae, latents)
    latents = latents * scale + shift
    if isinstance(vae, AutoencoderKLWan):
        video = vae.decode(latents).sample
    elif isinstance(vae, AutoencoderKL):
        video = _unfold(vae.decode(_fold(latents)).sample, len(latents))
    else:
        video = _unfold(vae.decode(_fold(latents)), len(latents))
    return t.cast(Tensor, video.clamp(-1.0, 1.0))


def latent_shape(vae: Autoencoder, frames: int, height: int, width: int) -> tuple[int, int, int, int]:
    """(C, T, h, w) of the latents of `frames` pictures of height x width.

    Raises:
        ConfigError: an autoencoder of another class.
        ValueError: frames or sides that the autoencoder cannot take.
    """
    if isinstance(vae, AutoencoderKLWan):
        channels, factor, stride = vae.config.z_dim, vae.config.scale_factor_spatial, vae.config.scale_factor_temporal
    elif isinstance(vae, AutoencoderKL):
        channels, factor, stride = vae.config.latent_channels, 2 ** (len(vae.config.block_out_channels) - 1), 1
    elif isinstance(vae, PatchAutoencoder):
        channels, factor, stride = vae.config.latent_channels, FACTOR, 1
    else:
        raise ConfigError(
            f"{type(vae).__name__} is no autoencoder that ttm_ref knows",
            "use AutoencoderKL, AutoencoderKLWan or PatchAutoencoder",
        )
    if (frames - 1) % stride or frames < 1:
        raise ValueError(f"{frames} frames: this autoencoder takes {stride}k + 1")
    if height % factor or width % factor:
        raise ValueError(f"{height} x {width} pixels: both sides must be multiples of {factor}")
    return channels, (frames - 1) // stride + 1, height // factor, width // factor


def _fold(video: Tensor) -> Tensor:
    """[B, C, F, H, W] to [B * F, C, H, W]."""
    return video.transpose(1, 2).flatten(0, 1)


def _unfold(frames: Tensor, batch: int) -> Tensor:
    """[B * F, C, H, W] to [B, C, F, H, W]."""
    return frames.reshape(batch, -1, *frames.shape[1:]).transpose(1, 2)


def _normalisation(vae: Autoencoder, like: Tensor) -> tuple[Tensor, Tensor]:
    """Shift and scale that broadcast over [B, C, T, h, w]."""
    if isinstance(vae, AutoencoderKL):
        shift, scale = [vae.config.shift_factor or 0.0], [1.0 / vae.config.scaling_factor]
    else:
        channels = like.shape[1]
        shift, scale = vae.config.latents_mean or [0.0] * channels, vae.config.latents_std or [1.0] * channels
    return tuple(torch.tensor(v).to(like).view(1, -1, 1, 1, 1) for v in (shift, scale))  # type: ignore[return-value]
