"""What two consecutive frames say about the motion of a region.

A region (an object, or the background) is given the dense flow of its own pixels, extended smoothly over its rim
(normalised convolution, Knutsson and Westin 1993), so that near an outline the motions of both sides can be compared
by how well each explains the pixels of the new frame.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from motionbench.backends.classical.appearance import C1, C2
from motionbench.backends.classical.camera import Field, pixel_grid

Plane = NDArray[np.float32]
Mask = NDArray[np.bool_]
Box = tuple[slice, slice]

REACH = 8.0  # pixels (sigma) over which a region's flow is averaged and extended
BLOCK = 7  # side of the SSIM blocks
FINE = 3  # side of the blocks whose misfit decides between two motions: small, or outlines would grow by its half


def box_mean(values: Plane, side: int) -> Plane:
    """Mean over a square of `side` pixels, float32 [H, W]."""
    return np.asarray(cv2.boxFilter(values, cv2.CV_32F, (side, side), borderType=cv2.BORDER_REFLECT), np.float32)


def fetch(values: Plane, field: Field, grid: Field) -> Plane:
    """Values [H, W] or [H, W, C] at each pixel moved along `field`, bilinear; border values repeat outwards."""
    at = grid + field
    sampled = cv2.remap(values, at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(sampled, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Picture:
    """A luma picture float32 [H, W] in 0..255 with the mean and variance of the block around each pixel."""

    grey: Plane
    mean: Plane
    variance: Plane

    @classmethod
    def of(cls, grey: NDArray[np.uint8]) -> Picture:
        """Add the block statistics to luma uint8 [H, W]."""
        values = grey.astype(np.float32)
        mean = box_mean(values, BLOCK)
        return cls(values, mean, box_mean(values * values, BLOCK) - mean * mean)

    def crop(self, box: Box) -> Picture:
        """A part of the picture; the statistics are those of the whole."""
        return Picture(self.grey[box], self.mean[box], self.variance[box])

    def alike(self, other: Plane) -> Plane:
        """SSIM of each block with that of another picture, float32 [H, W] in [-1, 1]."""
        mean = box_mean(other, BLOCK)
        square, cross = mean * mean, self.mean * mean
        spread = self.variance + box_mean(other * other, BLOCK) - square
        common = 2 * (box_mean(self.grey * other, BLOCK) - cross)
        light = (2 * cross + C1) / (self.mean * self.mean + square + C1)
        return np.asarray(light * (common + C2) / (spread + C2), dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Motion:
    """A region carried one step.

    Attributes:
        field: float32 [H, W, 2], from the pixels of the new frame to the old one.
        soft: float32 [H, W] in [0, 1], the region's plane fetched along it.
        alike: float32 [H, W], SSIM of the new frame and the old one fetched along it.
        misfit: float32 [H, W], mean absolute difference of the two over small blocks, grey levels.
    """

    field: Field
    soft: Plane
    alike: Plane
    misfit: Plane


@dataclass(frozen=True, slots=True)
class Step:
    """Two consecutive frames and the flow between them, or a part of them (see `crop`).

    Attributes:
        before, after: the frames.
        back: float32 [H, W, 2] flow from `after` to `before`.
        closes: bool [H, W], where the flow there and back meets the criterion of follow.py.
        alike: float32 [H, W], how well the flow explains `after`; -1 where it does not close.
    """

    before: Plane
    after: Picture
    back: Field
    closes: Mask
    alike: Plane

    @classmethod
    def of(cls, before: Picture, after: Picture, uv: Field, uv_back: Field) -> Step:
        """Check the flow between two frames."""
        grid = pixel_grid(*before.grey.shape)
        there = fetch(uv, uv_back, grid)
        x, y, back_x, back_y = there[..., 0], there[..., 1], uv_back[..., 0], uv_back[..., 1]
        gap = (x + back_x) ** 2 + (y + back_y) ** 2
        closes = gap < 0.01 * (x * x + y * y + back_x * back_x + back_y * back_y) + 0.5
        alike = np.where(closes, after.alike(fetch(before.grey, uv_back, grid)), np.float32(-1))
        return cls(before.grey, after, uv_back, closes, alike)

    def crop(self, box: Box) -> Step:
        """The same step inside a box; its coordinates start at the box's corner."""
        return Step(self.before[box], self.after.crop(box), self.back[box], self.closes[box], self.alike[box])

    def carry(self, plane: Mask, core: Mask) -> Motion | None:
        """Carry a region along the flow of its core; None where no flow of the core can be trusted."""
        grid = pixel_grid(*plane.shape)
        trusted = fetch(core.astype(np.float32), self.back, grid) * self.closes
        if float(trusted.sum()) < 1.0:
            return None
        field = extend(self.back, trusted)
        fetched = fetch(self.before, field, grid)
        misfit = box_mean(np.abs(fetched - self.after.grey), FINE)
        return Motion(field, fetch(plane.astype(np.float32), field, grid), self.after.alike(fetched), misfit)

    def by_flow(self, plane: Mask) -> Plane:
        """How well the dense flow explains the pixels that it brings from the region; -1 elsewhere."""
        came = fetch(plane.astype(np.float32), self.back, pixel_grid(*plane.shape)) > 0.5
        return np.where(came, self.alike, np.float32(-1))


def extend(field: Field, weight: Plane) -> Field:
    """Weighted local mean of a field [H, W, 2]; far from any weight its weighted mean. Computed at half size."""
    height, width = weight.shape
    half = (max(1, width // 2), max(1, height // 2))
    heavy = cv2.resize(weight, half, interpolation=cv2.INTER_AREA)
    moved = cv2.resize(field * weight[..., None], half, interpolation=cv2.INTER_AREA)
    mean = np.asarray(cv2.mean(moved)[:2], np.float32) / np.float32(max(cv2.mean(heavy)[0], 1e-9))
    faint = np.float32(1e-4)
    upper = cv2.GaussianBlur(moved, (0, 0), REACH / 2).reshape(*half[::-1], 2) + faint * mean
    smooth = upper / (cv2.GaussianBlur(heavy, (0, 0), REACH / 2) + faint)[..., None]
    return np.asarray(cv2.resize(smooth, (width, height), interpolation=cv2.INTER_LINEAR), dtype=np.float32)
