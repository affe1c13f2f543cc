"""A video descriptor without weights, for the distances between sets of videos (role `video`).

Three groups of features with a meaning, 115 numbers in 37 families: what is in the picture (`content`), how it changes
with time (`order`), and how things move (`motion`, from the flow backend). No training, no fit to the videos at hand,
no download. docs/benchmarks/descriptor.md compares it with five alternatives and shows what it reacts to.

What it cannot do: it knows no objects and no meaning, and no distance between sets sees the reversal of a process that
looks alike in both directions. A number that it helped to make is to be compared only with numbers of the same name.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from motionbench.backends.classical.opencv import single_thread
from motionbench.backends.descriptor.content import content
from motionbench.backends.descriptor.motion import motion
from motionbench.backends.descriptor.order import order
from motionbench.backends.descriptor.planes import planes
from motionbench.backends.descriptor.scale import DIMENSIONS, FAMILIES, embedding
from motionbench.errors import VideoError
from motionbench.types import Backend, Features, Inputs

__all__ = ["DESCRIPTOR", "DIMENSIONS", "FAMILIES", "MIN_FRAMES", "describe"]

MIN_FRAMES = 5  # second differences over two frames on either side


def describe(frames: NDArray[np.uint8], times: NDArray[np.float64], uv: NDArray[np.float32]) -> NDArray[np.float32]:
    """The descriptor of one video.

    Args:
        frames: uint8 [T, H, W, 3] RGB, T >= 5, any size and aspect: all features are measured on pictures of
            128, 64 and 32 pixels squared of the same aspect.
        times: float64 [T] seconds, strictly increasing; rates are per second, lags are in seconds.
        uv: float32 [T-1, H, W, 2], flow from each frame to the next in pixels.

    Returns:
        float32 [115], finite, each coordinate of about unit size and below 7.1. The same bits for the same input on
        one machine.

    Raises:
        VideoError: fewer than 5 frames.
    """
    if len(frames) < MIN_FRAMES:
        raise VideoError(
            f"the descriptor needs at least {MIN_FRAMES} frames, the video has {len(frames)}", "Give a longer video."
        )
    with single_thread():
        pictures = planes(frames)
        return embedding({**content(pictures), **order(pictures, times), **motion(uv, times)})


def compute(inputs: Inputs, upstream: Mapping[str, Features]) -> Features:
    """The descriptor of a clip (`embedding`, see `describe`); reads the flow."""
    video = inputs.clip.video
    return {"embedding": describe(video.frames, video.times, upstream["flow"]["uv"])}


DESCRIPTOR = Backend(
    name="descriptor", role="video", recipe=2, load=lambda: compute, requires=("flow",), min_frames=MIN_FRAMES
)
