"""Where an object's first mask would lie now: a similarity motion from frame 0, kept through occlusion."""

from __future__ import annotations

import typing as t

import cv2
import numpy as np
from numpy.typing import NDArray

Pose = NDArray[np.float64]  # [2, 3], frame-0 pixels to current pixels
Points = NDArray[t.Any]

FEWEST = 6  # points that a similarity is fitted to
ROUNDS = 8
MOST_GROWTH = 4.0
FINEST = 1.0  # final scale of the robust fit in pixels


def identity() -> Pose:
    """The pose of frame 0."""
    return np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])


def shifted(pose: Pose, by: NDArray[np.float64]) -> Pose:
    """A pose followed by a translation."""
    return np.asarray(pose + np.array([[0.0, 0.0, by[0]], [0.0, 0.0, by[1]]]), dtype=np.float64)


def compose(after: Pose, before: Pose) -> Pose:
    """First `before`, then `after`."""
    return np.concatenate([after[:, :2] @ before[:, :2], after[:, :2] @ before[:, 2:] + after[:, 2:]], 1)


def apply(pose: Pose, points: Points) -> NDArray[np.float64]:
    """Points [N, 2] moved by a pose."""
    return np.asarray(points @ pose[:, :2].T + pose[:, 2], dtype=np.float64)


def scale_of(pose: Pose) -> float:
    """How much larger than in frame 0."""
    return float(np.hypot(pose[0, 0], pose[1, 0]))


def warp(image: NDArray[t.Any], pose: Pose) -> NDArray[t.Any]:
    """A frame-0 picture [H, W] laid where the pose says, bilinear; zero outside."""
    height, width = image.shape
    return np.asarray(cv2.warpAffine(image, pose, (width, height), flags=cv2.INTER_LINEAR))


def fit_similarity(source: Points, target: Points) -> tuple[Pose, float] | None:
    """Robust similarity (rotation, scale, translation) between point sets.

    Iteratively reweighted least squares, in closed form over complex numbers, from the median translation, with
    Geman–McClure weights whose scale shrinks to one pixel.

    Args:
        source, target: [N, 2] pixels.

    Returns:
        The pose, and the share of points within two pixels of it; None for fewer than six points, or where they
        would grow or shrink more than fourfold.
    """
    if len(source) < FEWEST:
        return None
    a = source[:, 0] + 1j * source[:, 1]
    b = target[:, 0] + 1j * target[:, 1]
    residual = np.abs(b - a - (np.median((b - a).real) + 1j * np.median((b - a).imag)))
    scale = 2 * max(float(np.median(residual)), FINEST)
    for _ in range(ROUNDS):
        weight = 1 / (1 + (residual / scale) ** 2) ** 2
        total = weight.sum()
        centre_a, centre_b = (weight * a).sum() / total, (weight * b).sum() / total
        spread = float((weight * np.abs(a - centre_a) ** 2).sum())
        gain = (weight * np.conj(a - centre_a) * (b - centre_b)).sum() / spread if spread > 1e-9 else 1.0 + 0j
        residual = np.abs(b - centre_b - gain * (a - centre_a))
        scale = max(scale / 2, FINEST)
    if not 1 / MOST_GROWTH <= abs(gain) <= MOST_GROWTH:
        return None
    offset = centre_b - gain * centre_a
    pose = np.array([[gain.real, -gain.imag, offset.real], [gain.imag, gain.real, offset.imag]])
    return pose, float((residual < 2 * FINEST).mean())
