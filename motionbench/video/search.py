"""All scales and translations of one thumbnail over another, by normalised cross-correlation of the overlap."""

from __future__ import annotations

import typing as t

import numpy as np
from numpy.typing import NDArray
from scipy import fft

Grey = NDArray[np.float32]
Sums = NDArray[np.float64]

FLAT = 1.0  # luma variance below which a picture shows nothing to register


def running_sums(values: NDArray[t.Any]) -> Sums:
    """float64 [H+1, W+1]: the sum of all values above and left of a corner."""
    sums = np.zeros((values.shape[0] + 1, values.shape[1] + 1))
    np.cumsum(np.cumsum(values, axis=0, dtype=np.float64), axis=1, out=sums[1:, 1:])
    return sums


class Thumbnail:
    """A small picture of the frame, with what all comparisons share: its spectrum and its running sums.

    Args:
        frame: float32 [h, w] luma.
        largest: (height, width) of the largest template that will come.
        min_overlap: share of the smaller picture that must be common.
        min_frame: share of the frame that must be common.
    """

    def __init__(self, frame: Grey, largest: tuple[int, int], min_overlap: float, min_frame: float) -> None:
        self._size = frame.shape
        self._shape = tuple(fft.next_fast_len(a + b - 1, True) for a, b in zip(frame.shape, largest, strict=True))
        self._limits = (min_overlap, min_frame)
        centred = frame - np.float32(frame.mean())
        self._spectrum = fft.rfft2(centred, self._shape)
        self._sums = (running_sums(centred), running_sums(centred.astype(np.float64) ** 2))

    def best(self, template: Grey) -> tuple[float, int, int]:
        """The best translation of a template: (ncc, row, column of its corner in the frame); ncc -1 if there is none.

        The numerator comes from one FFT, the means and variances of each overlap from running sums.
        """
        template = template - np.float32(template.mean())
        rows, columns = (np.arange(1 - n, m) for n, m in zip(template.shape, self._size, strict=True))
        raw = fft.irfft2(self._spectrum * np.conj(fft.rfft2(template, self._shape)), self._shape)
        cross = raw[rows[:, None] % self._shape[0], columns[None] % self._shape[1]]
        y = np.maximum(rows, 0), np.minimum(rows + template.shape[0], self._size[0])
        x = np.maximum(columns, 0), np.minimum(columns + template.shape[1], self._size[1])
        count = np.outer(y[1] - y[0], x[1] - x[0]).astype(np.float64)
        f1, f2 = (_box(sums, y, x) for sums in self._sums)
        own_y, own_x = (y[0] - rows, y[1] - rows), (x[0] - columns, x[1] - columns)
        t1 = _box(running_sums(template), own_y, own_x)
        t2 = _box(running_sums(template.astype(np.float64) ** 2), own_y, own_x)
        floor = FLAT * count
        spread = np.maximum(f2 - f1 * f1 / count, floor) * np.maximum(t2 - t1 * t1 / count, floor)
        score = (cross - f1 * t1 / count) / np.sqrt(spread)
        area = self._size[0] * self._size[1]
        score[count < max(self._limits[1] * area, self._limits[0] * min(area, template.size))] = -1.0
        at = np.unravel_index(int(score.argmax()), score.shape)
        return float(score[at]), int(rows[at[0]]), int(columns[at[1]])


def _box(sums: Sums, y: tuple[NDArray[np.int64], ...], x: tuple[NDArray[np.int64], ...]) -> Sums:
    """Sums inside the boxes [y0, y1) x [x0, x1) for all pairs of rows and columns."""
    between = sums[y[1]] - sums[y[0]]
    inside: Sums = between[:, x[1]] - between[:, x[0]]
    return inside
