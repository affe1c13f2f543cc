"""What pipelines return."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from diffusers.utils import BaseOutput
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from motionbench.errors import ConfigError
from ttm_ref.pipelines.pictures import to_bytes

Frames = NDArray[np.float32] | list[list[Image.Image]] | Tensor | None


@dataclass
class VideoOutput(BaseOutput):  # type: ignore[misc]
    """Videos.

    Attributes:
        frames: for output_type "np" float32 [B, F, H, W, 3] in [0, 1]; for "pil" B lists of F pictures; for "latent"
            the normalised latents [B, C, T, h, w].
    """

    frames: Frames


@dataclass
class MotionOutput(BaseOutput):  # type: ignore[misc]
    """Mask trajectories.

    Attributes:
        masks: for each sample bool [K, F, H, W], plane k is object k, frame 0 is the given mask; None for "latent"
            and where the trajectory is flow.
        frames: the colour-coded video that they were read from, as in `VideoOutput`; None for output_type "mask".
    """

    masks: list[NDArray[np.bool_]] | None
    frames: Frames


def check_output_type(output_type: str, known: tuple[str, ...]) -> None:
    """Raises ConfigError for an output type that is not among the known ones."""
    if output_type not in known:
        raise ConfigError(f"output_type is {output_type!r}", f"one of {', '.join(known)}")


def as_frames(videos: NDArray[np.float32], output_type: str) -> Frames:
    """Videos float32 [B, F, H, W, 3] in [0, 1] as "np" or "pil"."""
    if output_type == "np":
        return videos
    return [[Image.fromarray(frame) for frame in video] for video in to_bytes(videos)]
