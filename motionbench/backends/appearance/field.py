"""Dense descriptors of a picture: rings of gradient histograms, and colour.

A descriptor looks at nine places, its own and eight on a ring around it. At each place it holds the gradients' strength
in eight directions, blurred (the layout of DAISY: Tola, Lepetit and Fua, "DAISY: an efficient dense descriptor applied
to wide-baseline stereo", PAMI 2010), all divided by their joint length, so that contrast drops out; a flat place stays
near zero. The blurred colour of its own place (CIELAB, lightness at half weight: light changes more than paint) stands
beside that. Both rings and directions come in steps of 45°, so that a turn of the object by such a step only permutes
the numbers.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
Points = NDArray[np.int64]

SIDE = 36.0  # pixels of an object's diameter after it was brought to the common scale
STRIDE = 3  # pixels between descriptors
BLUR = 2.0  # pixels (sigma) over which gradients and colours are averaged
RING = 5.0  # pixels from a descriptor's own place to its ring
FAINT = 2.0  # grey levels a pixel; gradients well below it are noise
COLOUR = 0.05  # a colour that is 20 units off is as far as a wholly different gradient histogram nearly is (1.4)
LIGHT = 0.5
DIRECTIONS = 8
_ANGLES = np.arange(DIRECTIONS, dtype=np.float32) * np.float32(np.pi / 4)
_PLACES = np.rint(RING * np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], 1)).astype(np.int64)
_AROUND = np.concatenate([np.zeros((1, 2), np.int64), _PLACES])
AT_ONCE = 2048  # descriptors that are compared with all others at a time, for the memory's sake
LENGTH = (DIRECTIONS + 1) * DIRECTIONS + 3


class Field:
    """The gradients and colours of one picture, ready to be read at any place."""

    def __init__(self, picture: NDArray[np.uint8]) -> None:
        """Take RGB uint8 [H, W, 3]."""
        grey = cv2.GaussianBlur(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), (0, 0), 0.8)
        x = cv2.Sobel(grey, cv2.CV_32F, 1, 0, scale=1 / 8)
        y = cv2.Sobel(grey, cv2.CV_32F, 0, 1, scale=1 / 8)
        along = np.maximum(x[..., None] * np.cos(_ANGLES) + y[..., None] * np.sin(_ANGLES), 0)
        # Squared and divided by the length: twice as selective for direction as the rectified derivative itself.
        along *= along / np.sqrt(x * x + y * y + np.float32(1e-6))[..., None]
        self._gradients = _blur(along)
        lab = cv2.cvtColor(picture.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
        self._colours = _blur(lab) * np.array([LIGHT * COLOUR, COLOUR, COLOUR], np.float32)

    def describe(self, points: Points) -> Floats:
        """Descriptors float32 [N, 75] at points int64 [N, 2] (x, y); the border repeats outwards."""
        height, width = self._gradients.shape[:2]
        x = np.clip(points[:, :1] + _AROUND[:, 0], 0, width - 1)
        y = np.clip(points[:, 1:] + _AROUND[:, 1], 0, height - 1)
        values = self._gradients[y, x].reshape(len(points), LENGTH - 3)
        length = np.sqrt((values * values).sum(1, keepdims=True) + np.float32(FAINT**2))
        return np.concatenate([values / length, self._colours[points[:, 1], points[:, 0]]], 1)


def _blur(values: Floats) -> Floats:
    return np.asarray(cv2.GaussianBlur(values, (0, 0), BLUR, borderType=cv2.BORDER_REFLECT), np.float32)


def turned(descriptors: Floats, steps: int) -> Floats:
    """Descriptors [N, 75] of the same places after the picture was turned by `steps` times 45° (x towards y)."""
    values = descriptors[:, :-3].reshape(-1, DIRECTIONS + 1, DIRECTIONS)
    ring = np.roll(values[:, 1:], steps, axis=1)
    both = np.roll(np.concatenate([values[:, :1], ring], 1), steps, axis=2)
    return np.concatenate([both.reshape(len(descriptors), -1), descriptors[:, -3:]], 1)


def lattice(region: Bools, stride: int = STRIDE) -> Points:
    """Points int64 [N, 2] (x, y) of a square lattice that lie in a region bool [H, W]."""
    y, x = np.nonzero(region[stride // 2 :: stride, stride // 2 :: stride])
    return np.stack([x, y], 1) * stride + stride // 2


def nearest(of: Floats, among: Floats) -> Floats:
    """Distance float32 [N] from each descriptor [N, D] to the nearest one among [M, D], M >= 1."""
    # |a - b|² = |a|² + (-2a, 1)(b, |b|²): one product of matrices, and no further pass over what is large.
    long = np.concatenate([among, (among * among).sum(1, keepdims=True)], 1).T
    wide = np.concatenate([-2 * of, np.ones((len(of), 1), np.float32)], 1)
    least = [(wide[at : at + AT_ONCE] @ long).min(1) for at in range(0, len(of), AT_ONCE)]
    squares = np.concatenate([*least, np.zeros(0, np.float32)]) + (of * of).sum(1)
    return np.asarray(np.sqrt(np.maximum(squares, 0)), np.float32)
