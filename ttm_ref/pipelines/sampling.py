"""Steps from noise to a sample, for both families: flow matching (Euler) and v-prediction (DDIM).

| `denoiser.config.prediction_type` | scheduler | what the network's output means |
|---|---|---|
| flow | FlowMatchEulerDiscreteScheduler | velocity, noise - sample |
| sample | FlowMatchEulerDiscreteScheduler | the sample itself |
| v_prediction | DDIMScheduler, zero terminal SNR, trailing | v of Salimans and Ho 2022 |

In flow matching x = (1 - s) sample + s noise with s from 1 to 0; the network is told 1000 s.
"""

from __future__ import annotations

import math
import typing as t
from collections.abc import Callable

import numpy as np
import torch
from diffusers import DDIMScheduler, FlowMatchEulerDiscreteScheduler
from diffusers.callbacks import MultiPipelineCallbacks, PipelineCallback
from diffusers.utils.torch_utils import randn_tensor
from torch import Tensor

from motionbench.errors import ConfigError

Scheduler: t.TypeAlias = DDIMScheduler | FlowMatchEulerDiscreteScheduler
Generators: t.TypeAlias = torch.Generator | list[torch.Generator] | None
StepEnd: t.TypeAlias = Callable[[t.Any, int, Tensor, dict[str, t.Any]], dict[str, t.Any]]
SCHEDULES = ("power", "linear_quadratic")
POWER = 1.5
THRESHOLD = 0.025  # of the linear-quadratic schedule: its first half moves by this much noise in all
# Without these, noise never is pure noise, or the first step does not start from it (Lin et al. 2024).
DDIM_NEEDS = {
    "prediction_type": "v_prediction",
    "rescale_betas_zero_snr": True,
    "timestep_spacing": "trailing",
    "clip_sample": False,
}


def sigmas(schedule: str, steps: int) -> list[float]:
    """Noise levels s_0 = 1 > s_1 > ... of the steps; the last step ends at 0, which is not in the list.

    "power": 1 - (i / steps)^1.5. "linear_quadratic" (Polyak et al. 2024, Movie Gen, section 3.4.2): half of the steps
    evenly from 1 to 0.975, then quadratically to 0.

    Raises:
        ConfigError: an unknown schedule, or fewer steps than 1.
    """
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 1:
        raise ConfigError(f"num_inference_steps is {steps!r}", "it is a whole number from 1")
    if schedule not in SCHEDULES:
        raise ConfigError(f"unknown schedule {schedule!r}", f"schedules are {' and '.join(SCHEDULES)}")
    if schedule == "power" or steps == 1:
        return [1.0 - (i / steps) ** POWER for i in range(steps)]
    from diffusers.pipelines.mochi.pipeline_mochi import linear_quadratic_schedule

    return t.cast("list[float]", linear_quadratic_schedule(steps, THRESHOLD))


def start(scheduler: Scheduler, prediction: str, schedule: str, steps: int, device: torch.device) -> Tensor:
    """Set the scheduler up and return its timesteps [steps].

    Args:
        prediction: the network's `prediction_type`.
        schedule: a name of `SCHEDULES`; DDIM has its own and ignores it.

    Raises:
        ConfigError: scheduler and network do not fit each other, or the scheduler would alter the schedule.
    """
    levels = sigmas(schedule, steps)
    kind = DDIMScheduler if prediction == "v_prediction" else FlowMatchEulerDiscreteScheduler
    if not isinstance(scheduler, kind):
        raise ConfigError(
            f"a network that predicts {prediction!r} cannot be sampled with {type(scheduler).__name__}",
            f"use {kind.__name__}",
        )
    if isinstance(scheduler, DDIMScheduler):
        wrong = [f"{key}={value!r}" for key, value in DDIM_NEEDS.items() if scheduler.config[key] != value]
        if wrong:
            raise ConfigError("the DDIMScheduler does not start at pure noise", f"it needs {', '.join(wrong)}")
        if steps > scheduler.config.num_train_timesteps:
            raise ConfigError(f"{steps} steps, but DDIM has {scheduler.config.num_train_timesteps}")
        scheduler.set_timesteps(steps, device=device)
        return t.cast(Tensor, scheduler.timesteps)
    _start_flow(scheduler, levels, device)
    return t.cast(Tensor, scheduler.timesteps)


def _start_flow(scheduler: FlowMatchEulerDiscreteScheduler, levels: list[float], device: torch.device) -> None:
    config = scheduler.config
    if not config.use_dynamic_shifting and not config.stochastic_sampling:
        scheduler.set_timesteps(sigmas=levels, device=device)
        scheduler.set_begin_index(0)
        if np.allclose(scheduler.sigmas.cpu().numpy(), [*levels, 0.0], atol=1e-6):
            return
    raise ConfigError(
        "the FlowMatchEulerDiscreteScheduler would alter the schedule", "build it with shift=1.0 and nothing else"
    )


def advance(scheduler: Scheduler, prediction: str, output: Tensor, timestep: Tensor, latents: Tensor) -> Tensor:
    """One step: latents at `timestep` (one of `start`'s, in order) to latents at the next one, float32 both."""
    if prediction == "sample":
        output = (latents - output) / scheduler.sigmas[scheduler.step_index or 0]
    return t.cast(Tensor, scheduler.step(output, timestep, latents, return_dict=False)[0])


def check_noise(scale: float) -> None:
    """Raises ConfigError where `scale` is no standard deviation."""
    if isinstance(scale, bool) or not isinstance(scale, (int, float)) or not 0 <= scale < math.inf:
        raise ConfigError(f"initial_noise is {scale!r}", "it is a number from 0; 1 is what the networks are trained on")


def noise(
    shape: tuple[int, ...], generator: Generators, latents: Tensor | None, device: torch.device, scale: float = 1.0
) -> Tensor:
    """Normal float32 of deviation `scale`, the same for every dtype of the networks; or the given latents, unscaled."""
    if latents is None:
        if isinstance(generator, list) and len(generator) != shape[0]:
            raise ConfigError(f"{len(generator)} generators for {shape[0]} videos")
        return t.cast(Tensor, scale * randn_tensor(shape, generator=generator, device=device, dtype=torch.float32))
    if tuple(latents.shape) != shape:
        raise ConfigError(f"latents of shape {tuple(latents.shape)}, expected {shape}")
    return latents.to(device, torch.float32)


def called(
    pipeline: t.Any, callback: StepEnd, inputs: list[str], index: int, timestep: Tensor, latents: Tensor
) -> Tensor:
    """The latents after `callback_on_step_end`, which may replace them."""
    if isinstance(callback, (PipelineCallback, MultiPipelineCallbacks)):
        inputs = callback.tensor_inputs
    unknown = set(inputs) - set(pipeline._callback_tensor_inputs)
    if unknown:
        raise ConfigError(f"callbacks get no {', '.join(sorted(unknown))}", "callback_on_step_end gets latents")
    returned = callback(pipeline, index, timestep, dict.fromkeys(inputs, latents))
    return t.cast(Tensor, (returned or {}).get("latents", latents))
