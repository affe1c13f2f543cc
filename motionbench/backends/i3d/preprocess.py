"""Frames to what I3D reads: three peers' ways, which give different numbers for the same video.

| name | resize | crop |
|---|---|---|
| `stylegan_v` | both sides to 224, aspect lost (StyleGAN-V; its TorchScript does it inside) | none |
| `videogpt` | short side to 224 | centre |
| `cd_fvd` | short side to 224 with antialiasing, centre crop (its folder loader), then as `stylegan_v` | centre |

Bilinear, half-pixel centres, no antialiasing unless said, values 2 x / 255 - 1. For square videos `stylegan_v` and
`videogpt` agree. Google's original resizes with the legacy corner convention of TensorFlow 1; nobody else does.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from motionbench.backends import networks
from motionbench.backends.i3d.network import SIDE

WAYS = ("stylegan_v", "videogpt", "cd_fvd")


def preprocess(frames: NDArray[np.uint8], way: str) -> Tensor:
    """float32 [3, T, 224, 224] in [-1, 1].

    Args:
        frames: uint8 [T, H, W, 3] RGB.
        way: one of `WAYS`.

    Raises:
        ValueError: an unknown way.
    """
    if way not in WAYS:
        raise ValueError(f"unknown preprocessing {way!r}, there are {', '.join(WAYS)}")
    pictures = networks.pictures(frames).float()
    if way == "stylegan_v":
        pictures = _resize(pictures, (SIDE, SIDE), antialias=False)
    else:
        pictures = _centre(_resize(pictures, _covering(pictures), antialias=way == "cd_fvd"))
    return (2.0 * pictures / 255.0 - 1.0).transpose(0, 1)


def _resize(pictures: Tensor, size: tuple[int, int], antialias: bool) -> Tensor:
    if tuple(pictures.shape[2:]) == size:
        return pictures
    return functional.interpolate(pictures, size, mode="bilinear", align_corners=False, antialias=antialias)


def _covering(pictures: Tensor) -> tuple[int, int]:
    """The size whose short side is 224; the long one is rounded up, as VideoGPT does."""
    height, width = pictures.shape[2:]
    scale = SIDE / min(height, width)
    long = int(np.ceil(max(height, width) * scale))
    return (SIDE, long) if height < width else (long, SIDE)


def _centre(pictures: Tensor) -> Tensor:
    top, left = ((size - SIDE) // 2 for size in pictures.shape[2:])
    return pictures[:, :, top : top + SIDE, left : left + SIDE]
