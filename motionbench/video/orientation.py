"""The display matrix: how a stored frame is turned and mirrored before it is shown."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import av
import numpy as np
from av.sidedata.sidedata import Type
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Orientation:
    """Right-angle turns and flips: first transpose, then flip.

    Attributes:
        transpose: rows become columns.
        flip_x, flip_y: then left and right, top and bottom change places.
    """

    transpose: bool = False
    flip_x: bool = False
    flip_y: bool = False

    @classmethod
    def of(cls, frame: av.VideoFrame) -> Orientation:
        """Read the frame's display matrix; upright without one.

        The matrix [a b u; c d v; x y w] (ISO/IEC 14496-12, 6.2.2) sends the stored point (p, q) to
        (a p + c q + x, b p + d q + y). An angle between right angles is taken as the nearest one.
        """
        data = frame.side_data.get(Type.DISPLAYMATRIX)
        if data is None:
            return UPRIGHT
        a, b, _, c, d = struct.unpack("=5i", bytes(data)[:20])
        if max(abs(b), abs(c)) > max(abs(a), abs(d)):
            return cls(True, c < 0, b < 0)
        return cls(False, a < 0, d < 0)

    @property
    def degrees(self) -> int:
        """Clockwise turn in degrees: 0, 90, 180 or 270, applied after a mirroring if `mirrored`."""
        if self.transpose:
            return 90 if self.flip_x else 270
        return 180 if self.flip_y else 0

    @property
    def mirrored(self) -> bool:
        """True if the picture is also mirrored (left to right, before the turn)."""
        return self.transpose == (self.flip_x == self.flip_y)

    def apply(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """uint8 [H, W, 3] as stored to uint8 [H', W', 3] as shown."""
        shown = picture.transpose(1, 0, 2) if self.transpose else picture
        shown = shown[:: -1 if self.flip_y else 1, :: -1 if self.flip_x else 1]
        return np.ascontiguousarray(shown)


UPRIGHT = Orientation()
