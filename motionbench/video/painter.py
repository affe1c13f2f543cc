"""Decoded frames to upright RGB pictures with square pixels."""

from __future__ import annotations

import typing as t
from fractions import Fraction

import av
import numpy as np
from av.video.reformatter import Interpolation, VideoReformatter
from numpy.typing import NDArray

from motionbench.errors import VideoError
from motionbench.video.images import MAX_PIXELS, MAX_SIDE, TOO_LARGE, on_black
from motionbench.video.orientation import UPRIGHT, Orientation

_SCALING = (
    Interpolation.BICUBIC
    | Interpolation.ACCURATE_RND
    | Interpolation.BITEXACT
    | Interpolation.FULL_CHR_H_INT
    | Interpolation.FULL_CHR_H_INP
)


class Painter:
    """Turns decoded frames into upright RGB with square pixels.

    Colours follow the frame's matrix (BT.601 where none is named, as FFmpeg's own tools do) and range; samples deeper
    than 8 bits are rounded (an HDR curve stays as it is); transparency is laid on black; non-square pixels widen or
    narrow the picture.
    """

    def __init__(self, name: str, pixel_aspect: Fraction) -> None:
        self._name = name
        self._aspect = pixel_aspect
        self._scaler = VideoReformatter()
        self._stored: tuple[int, int] | None = None

    def paint(self, frame: av.VideoFrame) -> NDArray[np.uint8]:
        """uint8 [H, W, 3]."""
        stored = (frame.width, frame.height)
        if self._stored is None:
            self._check_size(*stored)
            self._stored = stored
        if stored != self._stored:
            raise VideoError(
                f"the frames of {self._name!r} change from {self._stored[0]}x{self._stored[1]} to "
                f"{stored[0]}x{stored[1]}",
                "write the video again with one frame size",
            )
        clear = frame.format.name == "pal8" or any(c.is_alpha for c in frame.format.components)
        scaled = self._scaler.reformat(
            frame,
            width=max(1, round(frame.width * self._aspect)),
            format="rgba" if clear else "rgb24",
            src_color_range=frame.color_range,
            interpolation=_SCALING,
            threads=1,
        )
        shown = t.cast(NDArray[np.uint8], scaled.to_ndarray())
        picture = on_black(shown) if clear else shown
        orientation = Orientation.of(frame)
        return picture if orientation == UPRIGHT else orientation.apply(picture)

    def _check_size(self, width: int, height: int) -> None:
        if width < 1 or height < 1:
            raise VideoError(f"{self._name!r} has frames without a size")
        shown = max(1, round(width * self._aspect))
        if max(width, height, shown) > MAX_SIDE or max(width, shown) * height > MAX_PIXELS:
            raise VideoError(f"{self._name!r} has frames of {shown}x{height}, {TOO_LARGE}")
