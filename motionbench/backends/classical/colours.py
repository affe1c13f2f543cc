"""Which colours are an object's own: a histogram inside its first mask against one outside."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

BITS = 4  # 16 levels a channel
SPREAD = 0.7  # levels; neighbouring colours count a little, so that noise and shading do not leave the histogram
RARE = 0.05  # of a uniform density: colours seen in neither region stay near 1/2


def levels(frame: NDArray[np.uint8]) -> NDArray[np.int32]:
    """Index of each pixel's colour cell, int32 [H, W], of RGB uint8 [H, W, 3]."""
    coarse = (frame >> (8 - BITS)).astype(np.int32)
    return np.asarray((coarse[..., 0] << 2 * BITS) | (coarse[..., 1] << BITS) | coarse[..., 2], dtype=np.int32)


def _density(cells: NDArray[np.int32]) -> NDArray[np.float64]:
    side = 1 << BITS
    counts = np.bincount(cells, minlength=side**3).astype(np.float64)
    smooth = gaussian_filter(counts.reshape(side, side, side), SPREAD, mode="nearest").ravel()
    return smooth / max(float(smooth.sum()), 1.0) + RARE / side**3


def colour_table(
    cells: NDArray[np.int32], inside: NDArray[np.bool_], outside: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Posterior that a colour is the object's, both being equally likely beforehand.

    Args:
        cells: int32 [H, W] from `levels`.
        inside: bool [H, W], the object (without its rim, whose colours are mixed).
        outside: bool [H, W], all else.

    Returns:
        float32 [4096] in (0, 1); index it with `levels` of any frame. 1/2 for colours seen nowhere.
    """
    own, other = _density(cells[inside]), _density(cells[outside])
    return (own / (own + other)).astype(np.float32)
