"""Dense optical flow by DIS (Kroeger et al., "Fast optical flow using dense inverse search", ECCV 2016).

The preset is the best one that a worker can afford: on the synthetic test scenes "medium" has the smallest end-point
error of OpenCV's three presets, and both directions of 16 frames at 256 pixels take about 0.3 s on one core (see
docs/benchmarks/ground_truth.md).
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from motionbench.backends.classical.camera import without_halo
from motionbench.backends.classical.opencv import luma, single_thread
from motionbench.errors import VideoError
from motionbench.types import Backend, Features, Inputs

PRESET = cv2.DISOPTICAL_FLOW_PRESET_MEDIUM
# DIS reads beyond its arrays where a side is shorter than a patch on its finest scale; such pictures are padded.
SHORTEST_SIDE = 64


def _padded(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = grey.shape
    bottom, right = max(0, SHORTEST_SIDE - height), max(0, SHORTEST_SIDE - width)
    if not bottom and not right:
        return grey
    return np.pad(grey, ((0, bottom), (0, right)), mode="edge")


def pair_flow(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Flow between two luma pictures.

    Args:
        first, second: uint8 [H, W].

    Returns:
        float32 [H, W, 2]: displacement (x right, y down) in pixels from `first` to `second`.
    """
    height, width = first.shape
    # A fresh object for each pair: a used one keeps the sizes and buffers of its last call.
    estimator = cv2.DISOpticalFlow.create(PRESET)
    flow = estimator.calc(_padded(first), _padded(second), None)
    return without_halo(first, second, np.asarray(flow[:height, :width], dtype=np.float32))


def dense_flow(frames: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Flow between all consecutive frames, forwards and backwards.

    Args:
        frames: uint8 [T, H, W, 3], T at least 2.

    Returns:
        uv float32 [T-1, H, W, 2], displacement in pixels from frame t to t + 1 on the pixels of frame t; and
        uv_back of the same shape, from frame t + 1 to t on the pixels of frame t + 1.

    Raises:
        VideoError: fewer than two frames.
    """
    if len(frames) < 2:
        raise VideoError("flow needs at least 2 frames, the video has 1", "Give a longer video.")
    with single_thread():
        greys = [luma(frame) for frame in frames]
        pairs = list(itertools.pairwise(greys))
        forward = np.stack([pair_flow(a, b) for a, b in pairs])
        backward = np.stack([pair_flow(b, a) for a, b in pairs])
    return forward, backward


def flow(inputs: Inputs, upstream: Mapping[str, Features]) -> Features:
    """Flow of a clip both ways (uv and uv_back, see `dense_flow`); `upstream` is not read."""
    uv, uv_back = dense_flow(inputs.clip.video.frames)
    return {"uv": uv, "uv_back": uv_back}


DIS = Backend(name="dis", role="flow", recipe=1, load=lambda: flow, min_frames=2, stored=False)
