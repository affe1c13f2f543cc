"""Does a point still look as it did? Structural similarity of small colour patches around points.

The measure is SSIM (Wang et al. 2004) on patches: with C1 and C2 it stays defined on flat texture, where normalised
cross-correlation is noise, and its luminance term sees an object that turns into another flat colour.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

C1 = (0.01 * 255.0) ** 2
C2 = (0.03 * 255.0) ** 2


def patches(frame: NDArray[np.uint8], points: NDArray[np.float32], radius: int) -> NDArray[np.float32]:
    """Colour patches around sub-pixel points, bilinear, with the border pixels repeated outwards.

    Args:
        frame: uint8 [H, W, 3].
        points: float32 [N, 2], x and y in pixels.
        radius: patches are 2 * radius + 1 pixels wide.

    Returns:
        float32 [N, 3, (2 * radius + 1) ** 2] in 0..255.
    """
    reach = np.arange(-radius, radius + 1, dtype=np.float32)
    down, across = np.meshgrid(reach, reach, indexing="ij")
    x = points[:, :1] + across.reshape(1, -1)
    y = points[:, 1:] + down.reshape(1, -1)
    if not len(points):
        return np.zeros((0, 3, x.shape[1]), np.float32)
    sampled = cv2.remap(frame.astype(np.float32), x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    # Channels before pixels: the sums of `similarity` then run over contiguous memory.
    return np.ascontiguousarray(sampled.transpose(0, 2, 1), dtype=np.float32)


def similarity(first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[np.float32]:
    """SSIM of patch pairs, the channels' statistics pooled.

    Args:
        first, second: float32 [N, 3, P] in 0..255.

    Returns:
        float32 [N] in [-1, 1]; 1 for equal patches.
    """
    mean_a, mean_b = first.mean(2, keepdims=True), second.mean(2, keepdims=True)
    a, b = first - mean_a, second - mean_b
    scale = np.float32(1 / max(1, a.shape[1] * a.shape[2]))
    covariance = np.einsum("ncp,ncp->n", a, b) * scale
    variance = (np.einsum("ncp,ncp->n", a, a) + np.einsum("ncp,ncp->n", b, b)) * scale
    colour = ((2 * mean_a * mean_b + C1) / (mean_a**2 + mean_b**2 + C1)).mean((1, 2))
    return np.asarray(colour * (2 * covariance + C2) / (variance + C2), dtype=np.float32)
