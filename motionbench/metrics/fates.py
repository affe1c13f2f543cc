"""What became of an object's points: survived, lost, or excused. The bookkeeping behind `survival`.

A track survives if it is seen in the last frame of its window. A lost one is excused where its loss is no fault of the
video:

- another object's mask covers the place where it should be (last seen position + last seen velocity x frames since) in
  some frame between its loss and the end of the window, or
- it was last seen within one step of the frame's border (the length of its last displacement, at least 1 px).

A track that was seen only once has no velocity; it takes the median displacement of the object's tracks over the same
step, or none.

A window in which an object has no seeds (its carried mask is empty) is not dropped, or a vanished object would cost
one window only. Its points are those of the object's last window with seeds, each judged by the rules above as lost
after it was last seen there, looking up to the end of the empty window. If at least half are excused, the object has
left the scene or is behind another one, and all are excused; otherwise all are lost once more.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from motionbench.types import Features

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Fates:
    """Counts over all windows of a clip; a point is counted in each window that it was seeded in.

    Attributes:
        survived, lost, excused: numbers of points. Windows without seeds add to `lost` or `excused`.
        empty: number of windows without seeds, after the first one with seeds.
    """

    survived: int
    lost: int
    excused: int
    empty: int

    @property
    def survival(self) -> float | None:
        """survived / (survived + lost), or None where every point is excused."""
        judged = self.survived + self.lost
        return self.survived / judged if judged else None


@dataclass(frozen=True, slots=True)
class Points:
    """Tracks of one object in one window: xy float64 [N, L, 2], visible bool [N, L], start frame of the window."""

    xy: Floats
    visible: Bools
    start: int

    def survived(self) -> Bools:
        """bool [N]: seen in the window's last frame."""
        return self.visible[:, -1]


def object_fates(windows: Features, object_id: int, others: Bools) -> Fates | None:
    """Count what became of an object's points.

    Args:
        windows: features of the role `windows` (xy float32 [N, L, 2], visible bool [N, L], object_ids int64 [N],
            start int64 [N]). Each window holds at least one track of some object or of the background.
        object_id: the object.
        others: bool [T, H, W], the union of all other objects' masks.

    Returns:
        Counts, or None if the object has no seeds in any window.
    """
    survived = lost = excused = empty = 0
    last: Points | None = None
    for start in np.unique(windows["start"]):
        mine = (windows["start"] == start) & (windows["object_ids"] == object_id)
        if mine.any():
            last = Points(windows["xy"][mine].astype(np.float64), windows["visible"][mine], int(start))
            kept = last.survived()
            forgiven = ~kept & excused_points(last, others, last.start + last.visible.shape[1] - 1)
            survived += int(kept.sum())
            excused += int(forgiven.sum())
            lost += int((~kept & ~forgiven).sum())
        elif last is not None:
            empty += 1
            count = len(last.visible)
            until = min(int(start) + last.visible.shape[1], len(others)) - 1
            if 2 * int(excused_points(last, others, until).sum()) >= count:
                excused += count
            else:
                lost += count
    return None if last is None else Fates(survived, lost, excused, empty)


def excused_points(points: Points, others: Bools, until: int) -> Bools:
    """bool [N]: would the loss of the point after it was last seen be excused, looking up to frame `until`?"""
    at, velocity = _last_seen(points)
    position = points.xy[np.arange(len(at)), at]
    height, width = others.shape[1:]
    step = np.maximum(1.0, np.hypot(velocity[:, 0], velocity[:, 1]))[:, None]
    near = (position <= step) | (position >= np.array([width - 1, height - 1]) - step)
    excused: Bools = np.any(near, axis=1)
    seen = points.start + at
    for ahead in range(1, until - int(seen.min()) + 1):
        frame = seen + ahead
        x, y = np.rint(position + ahead * velocity).astype(np.int64).T
        valid = (frame <= until) & (x >= 0) & (x < width) & (y >= 0) & (y < height)
        excused[valid] |= others[frame[valid], y[valid], x[valid]]
    return excused


def _last_seen(points: Points) -> tuple[NDArray[np.int64], Floats]:
    """Index int64 [N] of the last frame in which each point is seen, and its velocity there, float64 [N, 2] a frame."""
    n, length = points.visible.shape
    order = np.where(points.visible, np.arange(length), -1)
    last = order.max(axis=1).clip(min=0)
    order[np.arange(n), last] = -1
    before = order.max(axis=1)
    rows = np.arange(n)
    gap = np.where(before >= 0, last - before, 1)[:, None]
    velocity = (points.xy[rows, last] - points.xy[rows, before.clip(min=0)]) / gap
    for row in np.flatnonzero(before < 0):
        velocity[row] = _typical_step(points, int(last[row]))
    return last, velocity


def _typical_step(points: Points, at: int) -> Floats:
    """Median displacement of the object's points from frame `at` of the window to the next one, or none."""
    if at + 1 >= points.visible.shape[1]:
        return np.zeros(2)
    both = points.visible[:, at] & points.visible[:, at + 1]
    if not both.any():
        return np.zeros(2)
    return np.asarray(np.median(points.xy[both, at + 1] - points.xy[both, at], axis=0), dtype=np.float64)
