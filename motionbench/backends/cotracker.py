"""CoTracker3, offline (roles `tracks` and `windows`; Karaev et al. 2024, arXiv 2410.11831), from its own code.

The code is that of torch.hub at a pinned commit, checked by git's id and loaded from disk (`source="local"`); the
weights are CC-BY-NC. Seeds are motionbench's own, a fixed number for each object and the background: CoTracker's
`segm_mask` would thin a regular grid and give small objects next to nothing. A point is visible where CoTracker's
visibility exceeds 0.9, the rule of its offline predictor (the online one's is another, and survival rates of the two
cannot be compared). Every clip is resized to 384 x 512 inside.

Windows are separate clips of half a second: cost grows with points times frames, and a point's fate in a window does
not depend on seeds of another. All points of a clip go in at once, since CoTracker lets them look at each other: there
is no chunk to choose. Clips longer than 60 frames, the length that it was trained with, stretch its time embedding.
"""

from __future__ import annotations

import typing as t
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from motionbench.backends.classical.seeds import seed_frame
from motionbench.backends.classical.windows import window_starts, window_steps
from motionbench.errors import VideoError
from motionbench.types import Backend, Features, Inputs

WEIGHTS, CODE = "cotracker3", "cotracker3-code"
Compute = Callable[[Inputs, Mapping[str, Features]], Features]
Tracks = tuple[NDArray[np.float32], NDArray[np.bool_]]


def predictor() -> t.Any:
    """CoTracker's predictor with the checked weights, where networks run; one for both roles.

    Raises:
        WeightsError: code or weights are missing or wrong.
    """
    from motionbench.backends import networks

    return networks.shared(_predictor, WEIGHTS, CODE)


def _predictor() -> t.Any:
    import torch

    from motionbench import weights
    from motionbench.backends import networks

    hub: t.Any = torch.hub
    made = hub.load(str(weights.path(CODE)), "cotracker3_offline", source="local", pretrained=False)
    networks.load(made.model, WEIGHTS)
    return networks.ready(made)


def follow(model: t.Any, frames: NDArray[np.uint8], points: NDArray[np.float32]) -> Tracks:
    """Follow points of frame 0.

    Args:
        model: what `predictor` returned.
        frames: uint8 [T, H, W, 3].
        points: float32 [N, 2] pixels.

    Returns:
        xy float32 [N, T, 2], visible bool [N, T].
    """
    import torch

    from motionbench import device
    from motionbench.backends import networks

    place = device.chosen().name
    video = networks.pictures(frames).float()[None].to(place)
    queries = torch.cat([torch.zeros(len(points), 1), torch.from_numpy(points)], dim=1)[None].to(place)
    with networks.inference():
        xy, visible = model(video, queries=queries)
    found = xy[0].float().cpu().numpy().transpose(1, 0, 2), visible[0].cpu().numpy().T
    return np.ascontiguousarray(found[0]), np.ascontiguousarray(found[1])


def _luma(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    import cv2

    return np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), np.uint8)


def _tracks() -> Compute:
    model = predictor()

    def compute(inputs: Inputs, upstream: Mapping[str, Features]) -> Features:
        frames = inputs.clip.video.frames
        points, owners = seed_frame(_luma(frames[0]), inputs.masks0, inputs.object_ids)
        xy, visible = follow(model, frames, points)
        return {"xy": xy, "visible": visible, "object_ids": owners}

    return compute


def _windows() -> Compute:
    model = predictor()

    def compute(inputs: Inputs, upstream: Mapping[str, Features]) -> Features:
        frames, masks, steps = inputs.clip.video.frames, upstream["masks"], window_steps(inputs.clip.fps)
        if len(frames) < steps + 1:
            raise VideoError(f"a window needs {steps + 1} frames, the clip has {len(frames)}", "Give a longer video.")
        parts = []
        for start in window_starts(len(frames), steps):
            points, owners = seed_frame(_luma(frames[start]), masks["values"][:, start], masks["object_ids"])
            xy, visible = follow(model, frames[start : start + steps + 1], points)
            parts.append((xy, visible, owners, np.full(len(points), start, np.int64)))
        xy, visible, owners, begun = (np.concatenate(part) for part in zip(*parts, strict=True))
        return {"xy": xy, "visible": visible, "object_ids": owners, "start": begun}

    return compute


COTRACKER_TRACKS = Backend("cotracker3", "tracks", 1, _tracks, inputs=("masks",), min_frames=2, weights=(WEIGHTS, CODE))
COTRACKER_WINDOWS = Backend(
    "cotracker3-windows",
    "windows",
    1,
    _windows,
    requires=("masks",),
    inputs=("masks",),
    min_frames=2,
    weights=(WEIGHTS, CODE),
)
