"""Lay the case's first frame and its masks onto a clip, by the input match."""

from __future__ import annotations

import typing as t

import cv2
import numpy as np
from numpy.typing import NDArray

from motionbench.types import Clip, InputMatch
from motionbench.video.protocol import resize

_Value = t.TypeVar("_Value", np.uint8, np.float32)
_COVER = 0.5  # a clip pixel belongs to an object that covers at least half of it


def carry_image(image: NDArray[np.uint8], match: InputMatch, clip: Clip) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """The case's first frame in the pixels of a clip.

    Args:
        image: uint8 [h, w, 3].
        match: where it lies in frame 0 of the video.
        clip: the video.

    Returns:
        uint8 [H, W, 3], black where it is not defined, and bool [H, W], True where it is: where the centre of the
        clip's pixel falls into the picture.
    """
    height, width = image.shape[:2]
    gains, offsets = _to_input(match, clip)
    if _fills(gains, offsets, (height, width), _size(clip)):
        # The same pixels by the same resize as the clip's own, so that a perfect copy is seen as one.
        return resize(image, _size(clip)), np.ones(_size(clip), dtype=np.bool_)
    shrink = [min(1.0, 1 / gain) for gain in gains]
    small = cv2.resize(
        np.ascontiguousarray(image),
        (max(1, round(width * shrink[1])), max(1, round(height * shrink[0]))),
        interpolation=cv2.INTER_AREA,
    )
    seen = _warp(small, (small.shape[0] / height, small.shape[1] / width), gains, offsets, clip)
    shown = np.outer(*(_inside(gains[a], offsets[a], image.shape[a], _size(clip)[a]) for a in (0, 1)))
    seen[~shown] = 0
    return seen, shown


def carry_masks(masks: NDArray[np.bool_], match: InputMatch, clip: Clip) -> NDArray[np.bool_]:
    """Masks of the case's first frame in the pixels of a clip.

    A pixel belongs to an object that covers at least half of it. An object that is in the picture but reaches half of
    no pixel keeps the pixel that it covers most, so that small objects survive.

    Args:
        masks: bool [K, h, w] in the pixels of the case's first frame.
        match: where that lies in frame 0 of the video.
        clip: the video.

    Returns:
        bool [K, H, W]; False outside the part of the picture that the video shows.
    """
    count, height, width = masks.shape
    gains, offsets = _to_input(match, clip)
    shrink = [min(1.0, 1 / gain) for gain in gains]
    size = (max(1, round(width * shrink[1])), max(1, round(height * shrink[0])))
    shown = np.outer(*(_inside(gains[a], offsets[a], masks.shape[1 + a], _size(clip)[a]) for a in (0, 1)))
    carried = np.zeros((count, *_size(clip)), dtype=np.bool_)
    for plane, mask in zip(carried, masks, strict=True):
        small = cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA)
        cover = _warp(small, (size[1] / height, size[0] / width), gains, offsets, clip)
        cover[~shown] = 0
        plane[:] = cover >= _COVER - 1e-4
        if not plane.any() and cover.max() > 0:
            plane[np.unravel_index(int(cover.argmax()), cover.shape)] = True
    return carried


def _size(clip: Clip) -> tuple[int, int]:
    height, width = clip.video.frames.shape[1:3]
    return height, width


def _to_input(match: InputMatch, clip: Clip) -> tuple[tuple[float, float], tuple[float, float]]:
    """(gain, offset) from clip pixels to input pixels, each (y, x): input = gain * clip + offset."""
    ratio = clip.to_native()
    shift = (match.dy, match.dx)
    gains = (ratio[0] / match.scale, ratio[1] / match.scale)
    offsets = tuple((clip.crop[a] + (ratio[a] - 1) / 2 - shift[a]) / match.scale for a in (0, 1))
    return gains, (offsets[0], offsets[1])


def _fills(
    gains: tuple[float, float], offsets: tuple[float, float], size: tuple[int, int], clip_size: tuple[int, int]
) -> bool:
    """True if the input's borders are the clip's, to a hundredth of a clip pixel."""
    for gain, offset, length, count in zip(gains, offsets, size, clip_size, strict=True):
        begin, end = offset - gain / 2 + 0.5, offset + gain * (count - 0.5) + 0.5 - length
        if max(abs(begin), abs(end)) > 0.01 * gain:
            return False
    return True


def _inside(gain: float, offset: float, length: int, size: int) -> NDArray[np.bool_]:
    at = gain * np.arange(size) + offset
    inside: NDArray[np.bool_] = (at >= -0.5 - 1e-6) & (at <= length - 0.5 + 1e-6)
    return inside


def _warp(
    small: NDArray[_Value],
    ratio: tuple[float, float],
    gains: tuple[float, float],
    offsets: tuple[float, float],
    clip: Clip,
) -> NDArray[_Value]:
    """Sample a shrunk input (`ratio` of its size) at the clip's pixels, bilinearly."""
    (gy, gx), (oy, ox) = gains, offsets
    to_small = np.array(
        [
            [gx * ratio[1], 0, (ox + 0.5) * ratio[1] - 0.5],
            [0, gy * ratio[0], (oy + 0.5) * ratio[0] - 0.5],
        ]
    )
    height, width = _size(clip)
    warped: NDArray[_Value] = cv2.warpAffine(
        small,
        to_small,
        (width, height),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return warped
