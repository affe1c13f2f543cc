"""One step of a point track: dense flow as the guess, Lucas–Kanade for the sub-pixel, and the reasons to stop.

Lucas and Kanade, "An iterative image registration technique", 1981, refines the point that dense flow predicts; on
texture too flat for it the prediction stands. A step is trusted if

- it closes: |w + w'|^2 < 0.01 (|w|^2 + |w'|^2) + 0.5 for the step w and the way back w' (Sundaram, Brox and Keutzer,
  "Dense point trajectories by GPU-accelerated large displacement optical flow", ECCV 2010), the way back being found
  either by Lucas–Kanade or by the dense backward flow;
- the patch looks like the one before (`SAME_STEP`) and like the one that was seeded (`SAME_SEED`), see appearance.py;
- it ends inside the picture.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from motionbench.backends.classical.appearance import patches, similarity
from motionbench.backends.classical.opencv import luma

WINDOW = 11
RADIUS = 4
SAME_STEP = 0.5
SAME_SEED = 0.2
CRITERIA = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 20, 0.03)

Points = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Footing:
    """What following points over a clip looks at: frames uint8 [T,H,W,3], their luma, and flow both ways."""

    frames: NDArray[np.uint8]
    greys: list[NDArray[np.uint8]]
    uv: NDArray[np.float32]
    uv_back: NDArray[np.float32]

    @classmethod
    def of(cls, frames: NDArray[np.uint8], uv: NDArray[np.float32], uv_back: NDArray[np.float32]) -> t.Self:
        """Add the luma pictures to frames and flow."""
        return cls(frames, [luma(frame) for frame in frames], uv, uv_back)


def sample(field: NDArray[np.float32], points: Points) -> Points:
    """Bilinear values float32 [N, 2] of a field float32 [H, W, 2] at points [N, 2]; border values repeat outwards."""
    if not len(points):
        return np.zeros((0, 2), np.float32)
    x, y = points[:, None, 0], points[:, None, 1]
    values = cv2.remap(field, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(values[:, 0], dtype=np.float32)


def _refine(a: NDArray[np.uint8], b: NDArray[np.uint8], points: Points, guess: Points) -> Points:
    """Lucas–Kanade from a guess; the guess where the texture is too flat or the solution walked off its window."""
    found, status, _ = cv2.calcOpticalFlowPyrLK(
        a,
        b,
        points[:, None].copy(),
        guess[:, None].copy(),
        winSize=(WINDOW, WINDOW),
        maxLevel=0,
        criteria=CRITERIA,
        flags=cv2.OPTFLOW_USE_INITIAL_FLOW,
    )
    near = np.abs(found[:, 0] - guess).max(1) <= WINDOW / 2
    return np.where((near & (status[:, 0] > 0))[:, None], found[:, 0], guess).astype(np.float32)


def _closes(step: Points, back: Points) -> NDArray[np.bool_]:
    square = (step**2).sum(1) + (back**2).sum(1)
    return np.asarray(((step + back) ** 2).sum(1) < 0.01 * square + 0.5)


def follow(
    footing: Footing, at: int, points: Points, before: NDArray[np.float32], seeded: NDArray[np.float32]
) -> tuple[Points, NDArray[np.bool_], NDArray[np.float32]]:
    """Take points from frame `at` to the next one.

    Args:
        footing: frames and flow.
        at: the frame in which the points lie.
        points: float32 [N, 2].
        before: float32 [N, 3, P] patches around `points` in frame `at`.
        seeded: float32 [N, 3, P] patches around the same points where they were seeded.

    Returns:
        points float32 [N, 2] in frame `at` + 1; trusted bool [N]; the patches there float32 [N, 3, P].
    """
    if not len(points):
        return points, np.zeros(0, np.bool_), before
    first, second, frame = footing.greys[at], footing.greys[at + 1], footing.frames[at + 1]
    guess = points + sample(footing.uv[at], points)
    refined = _refine(first, second, points, guess)
    coarse, fine = patches(frame, guess, RADIUS), patches(frame, refined, RADIUS)
    worse = similarity(before, coarse) > similarity(before, fine)
    there = np.where(worse[:, None], guess, refined)
    now = np.where(worse[:, None, None], coarse, fine)
    dense = sample(footing.uv_back[at], there)
    back = _refine(second, first, there, there + dense) - there
    step = there - points
    height, width = first.shape
    inside = (there >= -0.5).all(1) & (there < (width - 0.5, height - 0.5)).all(1)
    alike = (similarity(before, now) > SAME_STEP) & (similarity(seeded, now) > SAME_SEED)
    return there, inside & alike & (_closes(step, back) | _closes(step, dense)), now
