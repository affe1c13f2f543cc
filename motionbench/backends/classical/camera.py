"""The camera's share of a dense flow field, and the flow it should have had around moving objects.

Dense flow smears an object's motion over the background around it: on the synthetic scenes this halo makes the mean
flow of a clip with a still camera up to twice what it is. So a second candidate is offered to each pixel, the affine
motion that most of the picture follows, and taken where it explains the next frame clearly better.
"""

from __future__ import annotations

import functools

import cv2
import numpy as np
from numpy.typing import NDArray

GRID = 16  # the affine motion is fitted to every 16th pixel
ROUNDS = 5
FINEST = 0.25  # final scale of the robust fit in pixels
BLOCK = 5  # side of the block over which the two candidates are compared
# The camera must explain a block at least this much better, so that noise on flat objects does not stop them.
BETTER = 0.8

Field = NDArray[np.float32]


@functools.lru_cache(maxsize=4)
def pixel_grid(height: int, width: int) -> Field:
    """x and y of each pixel's centre, float32 [H, W, 2], read-only."""
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    grid = np.stack([x, y], -1)
    grid.flags.writeable = False
    return grid


def camera_field(uv: Field) -> Field:
    """Affine flow that most of the picture follows.

    Iteratively reweighted least squares (Geman–McClure weights) on a coarse grid, from the median motion, with a
    scale that shrinks from the spread of the field to a quarter of a pixel.

    Args:
        uv: float32 [H, W, 2] pixels per frame.

    Returns:
        float32 [H, W, 2].
    """
    height, width = uv.shape[:2]
    rows = np.arange(min(GRID, height) // 2, height, GRID)
    columns = np.arange(min(GRID, width) // 2, width, GRID)
    side = float(max(height, width))
    y, x = np.meshgrid(rows, columns, indexing="ij")
    design = np.stack([x.ravel() / side, y.ravel() / side, np.ones(x.size)], 1)
    flow = uv[y, x].reshape(-1, 2).astype(np.float64)
    residual = np.linalg.norm(flow - np.median(flow, 0), axis=1)
    scale = 2 * max(float(np.median(residual)), FINEST)
    for _ in range(ROUNDS):
        weight = 1 / (1 + (residual / scale) ** 2)
        affine = np.linalg.lstsq(design * weight[:, None], flow * weight[:, None], rcond=None)[0]
        residual = np.linalg.norm(flow - design @ affine, axis=1)
        scale = max(scale / 2, FINEST)
    linear = (affine[:2] / side).astype(np.float32)
    return np.asarray(pixel_grid(height, width) @ linear + affine[2].astype(np.float32), dtype=np.float32)


def _misfit(first: NDArray[np.uint8], second: NDArray[np.uint8], uv: Field, grid: Field) -> Field:
    """Mean absolute difference over blocks between `first` and `second` fetched along `uv`, float32 [H, W]."""
    at = grid + uv
    fetched = cv2.remap(second, at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    difference = cv2.absdiff(first, fetched)
    blocks = cv2.boxFilter(difference, cv2.CV_32F, (BLOCK, BLOCK), borderType=cv2.BORDER_REFLECT)
    return np.asarray(blocks, dtype=np.float32)


def without_halo(first: NDArray[np.uint8], second: NDArray[np.uint8], uv: Field) -> Field:
    """The flow with the camera's motion put where it explains the next frame clearly better.

    Args:
        first, second: uint8 [H, W] luma.
        uv: float32 [H, W, 2] flow from `first` to `second` in pixels.

    Returns:
        float32 [H, W, 2].
    """
    grid = pixel_grid(*first.shape)
    camera = camera_field(uv)
    better = _misfit(first, second, camera, grid) < BETTER * _misfit(first, second, uv, grid)
    return np.where(better[..., None], camera, uv)
