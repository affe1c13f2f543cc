"""Short tracks, seeded anew every half second, so that survival does not depend on how long a clip is."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from motionbench.backends.classical.appearance import patches
from motionbench.backends.classical.follow import RADIUS, Footing, follow
from motionbench.backends.classical.opencv import single_thread
from motionbench.backends.classical.seeds import seed_frame
from motionbench.errors import VideoError
from motionbench.types import Backend, Features, Inputs

SECONDS = 0.5


def window_steps(fps: float) -> int:
    """Steps of a window: half a second, at least one."""
    return max(1, round(SECONDS * fps))


def window_starts(frames: int, steps: int) -> list[int]:
    """First frames of the windows: end to end, and a last one that ends at the last frame of the clip.

    The last one may overlap its neighbour; without it an object that is lost in the last frames would go unseen.
    """
    last = frames - 1 - steps
    return sorted({*range(0, last + 1, steps), last})


def windows(inputs: Inputs, upstream: Mapping[str, Features]) -> Features:
    """Tracks over half-second windows, seeded in the carried masks and on the background; needs `flow` and `masks`.

    Returns:
        xy float32 [N, L, 2] pixels; visible bool [N, L], true in a window's first frame; object_ids int64 [N], 0 for
        the background; start int64 [N], the first frame of the track's window. L = steps + 1.

    Raises:
        VideoError: the clip is shorter than one window.
    """
    frames = inputs.clip.video.frames
    steps = window_steps(inputs.clip.fps)
    if len(frames) < steps + 1:
        raise VideoError(
            f"a window of {SECONDS} s needs {steps + 1} frames, the clip has {len(frames)}", "Give a longer video."
        )
    flow, masks = upstream["flow"], upstream["masks"]
    with single_thread():
        footing = Footing.of(frames, flow["uv"], flow["uv_back"])
        parts = [_window(footing, masks, start, steps) for start in window_starts(len(frames), steps)]
    xy, visible, owners, start = (np.concatenate(part) for part in zip(*parts, strict=True))
    return {"xy": xy, "visible": visible, "object_ids": owners, "start": start}


def _window(
    footing: Footing, masks: Features, start: int, steps: int
) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.int64], NDArray[np.int64]]:
    points, owners = seed_frame(footing.greys[start], masks["values"][:, start], masks["object_ids"])
    xy = np.empty((len(points), steps + 1, 2), np.float32)
    visible = np.ones((len(points), steps + 1), np.bool_)
    xy[:, 0] = points
    seeded = before = patches(footing.frames[start], points, RADIUS)
    for step in range(steps):
        xy[:, step + 1], trusted, before = follow(footing, start + step, xy[:, step], before, seeded)
        visible[:, step + 1] = visible[:, step] & trusted
    return xy, visible, owners, np.full(len(points), start, np.int64)


LK_WINDOWS = Backend(
    name="lk-windows",
    role="windows",
    recipe=1,
    load=lambda: windows,
    requires=("flow", "masks"),
    inputs=("masks",),
    min_frames=2,
)
