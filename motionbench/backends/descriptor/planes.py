"""Small working pictures of a video, and the few operations that all feature families share."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

FINE, MIDDLE, COARSE = 128, 64, 32  # square root of the area of a working picture, in pixels
SHORTEST = 8  # no side of a working picture is shorter: it is cut into up to 8 x 8 cells
LUMA = (0.299, 0.587, 0.114)
# Grey, red against blue, green against red and blue: each in -0.5..1 for colours in 0..1.
OPPONENT = ((1 / 3, 1 / 3, 1 / 3), (0.5, 0.0, -0.5), (-0.25, 0.5, -0.25))


@dataclass(frozen=True, slots=True)
class Planes:
    """fine float32 [T, h, w] and middle [T, h', w']: luma; colour float32 [3, T, h'', w'']: opponent colours. 0..1."""

    fine: Floats
    middle: Floats
    colour: Floats


def working_size(height: int, width: int, side: int) -> tuple[int, int]:
    """(height, width) of the picture of `side` squared pixels that has the same aspect."""
    scale = side / float(np.sqrt(height * width))
    return max(SHORTEST, round(height * scale)), max(SHORTEST, round(width * scale))


def resized(picture: Floats, side: int) -> Floats:
    """A picture [H, W, ...] at `working_size`: the mean over areas where it shrinks, linear where it grows."""
    height, width = working_size(picture.shape[0], picture.shape[1], side)
    shrinks = height * width < picture.shape[0] * picture.shape[1]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, (width, height), interpolation=method), dtype=np.float32)


def mixed(pictures: Floats, weights: tuple[float, float, float]) -> Floats:
    """One plane [...] from pictures [..., 3].

    Three products and not a matrix product, whose last bits may depend on the number of threads.
    """
    r, g, b = (np.float32(w) for w in weights)
    return np.asarray(pictures[..., 0] * r + pictures[..., 1] * g + pictures[..., 2] * b, dtype=np.float32)


def planes(frames: NDArray[np.uint8]) -> Planes:
    """Working pictures of frames uint8 [T, H, W, 3] of any size."""
    fine = np.stack([resized(frame.astype(np.float32) / np.float32(255), FINE) for frame in frames])
    coarse = np.stack([resized(picture, COARSE) for picture in fine])
    luma = mixed(fine, LUMA)
    middle = np.stack([resized(picture, MIDDLE) for picture in luma])
    return Planes(luma, middle, np.stack([mixed(coarse, weights) for weights in OPPONENT]))


def cells(values: Floats, n: int) -> Floats:
    """Means [..., n, n] of values [..., h, w] over n x n cells that differ by at most one pixel in size."""
    height, width = values.shape[-2:]
    rows = np.linspace(0, height, n + 1).round().astype(int)
    columns = np.linspace(0, width, n + 1).round().astype(int)
    out = np.empty((*values.shape[:-2], n, n), np.float32)
    for i in range(n):
        for j in range(n):
            cell = values[..., rows[i] : rows[i + 1], columns[j] : columns[j + 1]]
            out[..., i, j] = cell.mean((-2, -1), dtype=np.float64)
    return out


def log(values: object, floor: float) -> NDArray[np.float64]:
    """Logarithm of values + floor: the floor is the size below which a value is noise."""
    return np.asarray(np.log(np.asarray(values, np.float64) + floor))


def trend(series: NDArray[np.floating]) -> NDArray[np.float64]:
    """Mean of the second half of a series [T, ...] minus the mean of its first half: odd under reversal."""
    half = max(1, len(series) // 2)
    return np.asarray(series[-half:].mean(0, dtype=np.float64) - series[:half].mean(0, dtype=np.float64))
