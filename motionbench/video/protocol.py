"""A video under a protocol: thinned to the rate, bars cropped, resized."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from motionbench.types import Clip, Protocol, Video
from motionbench.video.letterbox import find_letterbox
from motionbench.video.timing import median_interval


def stride_for(fps: float, protocol: Protocol) -> int:
    """Keep every n-th frame: n = max(1, round(fps / protocol.fps)); 1 for a single frame (fps 0).

    The ratio is rounded to six digits first, so that the last bit of a frame interval cannot decide between two.
    """
    return max(1, round(round(fps / protocol.fps, 6)))


def clip_size(height: int, width: int, protocol: Protocol) -> tuple[int, int]:
    """(height, width) after the resize: the long or short side becomes `size`, both become multiples."""
    side = max(height, width) if protocol.fit == "long" else min(height, width)
    scale = protocol.size / side
    step = protocol.multiple
    return max(step, round(height * scale / step) * step), max(step, round(width * scale / step) * step)


def conform(video: Video, protocol: Protocol) -> Clip:
    """Bring a video in memory under a protocol, as `load_video` does with a file.

    Time is never invented: a video slower than `protocol.fps` keeps its frames.

    Args:
        video: uint8 [T, H, W, 3], T >= 1, with its times.
        protocol: the protocol.

    Returns:
        At most `protocol.frames` frames, inside the black bars (unless they are kept), resized.
    """
    interval = median_interval(video.times)
    stride = stride_for(1 / interval if interval else 0.0, protocol)
    kept = slice(None, stride * protocol.frames, stride)
    return fit_frames(video.frames[kept], video.times[kept], stride, protocol)


def fit_frames(
    frames: Sequence[NDArray[np.uint8]] | NDArray[np.uint8],
    times: NDArray[np.float64],
    stride: int,
    protocol: Protocol,
) -> Clip:
    """Crop and resize frames that are already thinned by `stride`; times are shifted to start at 0."""
    native = frames[0].shape[:2]
    crop = find_letterbox(frames) if protocol.letterbox == "crop" else (0, 0, native[0], native[1])
    top, left, height, width = crop
    size = clip_size(height, width, protocol)
    fitted = np.empty((len(frames), *size, 3), dtype=np.uint8)
    for target, frame in zip(fitted, frames, strict=True):
        target[:] = resize(frame[top : top + height, left : left + width], size)
    times = times - times[0]
    fps = (len(times) - 1) / float(times[-1]) if len(times) > 1 else 0.0
    return Clip(Video(fitted, times), (native[0], native[1]), crop, stride, fps)


def resize(picture: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Resize uint8 [h, w, 3] to (height, width): the mean over areas where it shrinks, bicubic where it grows."""
    height, width = picture.shape[:2]
    if (height, width) == size:
        return picture
    shrinks = size[0] * size[1] < height * width
    method = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    resized: NDArray[np.uint8] = cv2.resize(np.ascontiguousarray(picture), (size[1], size[0]), interpolation=method)
    return resized
