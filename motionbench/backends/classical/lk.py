"""Point tracks through a whole clip, seeded in frame 0."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from motionbench.backends.classical.appearance import patches
from motionbench.backends.classical.dis import dense_flow
from motionbench.backends.classical.follow import RADIUS, Footing, follow
from motionbench.backends.classical.opencv import single_thread
from motionbench.backends.classical.seeds import seed_frame
from motionbench.types import Backend, Features, Inputs


def _track(footing: Footing, points: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    frames = footing.frames
    xy = np.empty((len(points), len(frames), 2), np.float32)
    visible = np.ones((len(points), len(frames)), np.bool_)
    xy[:, 0] = points
    seeded = before = patches(frames[0], xy[:, 0], RADIUS)
    for at in range(len(frames) - 1):
        xy[:, at + 1], trusted, before = follow(footing, at, xy[:, at], before, seeded)
        visible[:, at + 1] = visible[:, at] & trusted
    return xy, visible


def track_points(
    frames: NDArray[np.uint8], points: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Follow points of frame 0 through a clip.

    Args:
        frames: uint8 [T, H, W, 3] RGB, T at least 2.
        points: float32 [N, 2], x and y in pixels of frame 0 (an integer is a pixel's centre).

    Returns:
        xy float32 [N, T, 2] in pixels, xy[:, 0] being `points`; visible bool [N, T], true in frame 0.

    Raises:
        VideoError: fewer than two frames.
    """
    uv, uv_back = dense_flow(frames)
    with single_thread():
        return _track(Footing.of(frames, uv, uv_back), np.asarray(points, np.float32).reshape(-1, 2))


def tracks(inputs: Inputs, upstream: Mapping[str, Features]) -> Features:
    """Tracks seeded in the object masks and on the background of frame 0; needs `flow`.

    Returns:
        xy float32 [N, T, 2] pixels; visible bool [N, T]; object_ids int64 [N], 0 for the background. Without masks
        only the background, then the whole picture, is seeded.
    """
    flow = upstream["flow"]
    with single_thread():
        footing = Footing.of(inputs.clip.video.frames, flow["uv"], flow["uv_back"])
        points, owners = seed_frame(footing.greys[0], inputs.masks0, inputs.object_ids)
        xy, visible = _track(footing, points)
    return {"xy": xy, "visible": visible, "object_ids": owners}


LK_TRACKS = Backend(
    name="lk", role="tracks", recipe=1, load=lambda: tracks, requires=("flow",), inputs=("masks",), min_frames=2
)
