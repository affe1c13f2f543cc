"""What became of an object's points, window by window: how they moved, and which were lost.

Points are complex numbers x + iy. Positions are as seen from each window's first frame (the camera's similarity taken
out, see `motionbench.metrics.camera`); a step whose camera cannot be fitted, because the background is lost as well, is
left as it is and not dropped.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from motionbench.metrics.camera import Step, fit_camera, stabilise
from motionbench.metrics.fates import Points, excused_points
from motionbench.types import Features, View

Bools = NDArray[np.bool_]
Complex = NDArray[np.complex128]
Floats = NDArray[np.float64]

_STILL = Step(0j, 0j, 0.0)


@dataclass(frozen=True, slots=True)
class Window:
    """One object's points in one window.

    Attributes:
        start: the window's first frame.
        points: complex128 [N, L] pixels, camera taken out; N = 0 where the object had no seeds.
        visible: bool [N, L].
        excused: bool [N], lost without fault (see `motionbench.metrics.fates`). Where N = 0 it has one entry for each
            point of the last window with seeds: they are looked for once more.
        length: L.
    """

    start: int
    points: Complex
    visible: Bools
    excused: Bools
    length: int

    @property
    def survived(self) -> int:
        """Points seen in the last frame."""
        return int(self.visible[:, -1].sum())

    @property
    def judged(self) -> int:
        """Points that survived or were lost without excuse."""
        return len(self.excused) - int(self.excused.sum())


def cameras(windows: Features) -> dict[int, list[Step]]:
    """The camera's steps in each window, by the window's first frame."""
    found = {}
    points = windows["xy"][..., 0].astype(np.float64) + 1j * windows["xy"][..., 1]
    for start in np.unique(windows["start"]):
        here = (windows["start"] == start) & (windows["object_ids"] == 0)
        seen, at = windows["visible"][here], points[here]
        steps = []
        for k in range(at.shape[1] - 1):
            both = seen[:, k] & seen[:, k + 1]
            steps.append(fit_camera(at[both, k], at[both, k + 1]) or _STILL)
        found[int(start)] = steps
    return found


def object_windows(view: View, k: int, steps: dict[int, list[Step]]) -> list[Window]:
    """All windows of the k-th object, from the first one with seeds on.

    Args:
        view: a side with the roles `windows` and `masks`.
        k: index of the object in `masks`.
        steps: from `cameras`.
    """
    windows, masks = view.roles["windows"], view.roles["masks"]
    others = np.any(np.delete(masks["values"], k, axis=0), axis=0)
    key, length = int(masks["object_ids"][k]), windows["visible"].shape[1]
    found: list[Window] = []
    last: Points | None = None
    for start, camera in steps.items():
        mine = (windows["start"] == start) & (windows["object_ids"] == key)
        until = min(start + length, len(others)) - 1
        if mine.any():
            last = Points(windows["xy"][mine].astype(np.float64), windows["visible"][mine], start)
            points = stabilise(last.xy[..., 0] + 1j * last.xy[..., 1], camera)
            excused = ~last.survived() & excused_points(last, others, until)
            found.append(Window(start, points, last.visible, excused, length))
        elif last is not None:
            gone = excused_points(last, others, until)
            # At least half excused: it has left the scene or is behind another object, and all are.
            gone = np.full(len(gone), 2 * int(gone.sum()) >= len(gone))
            nothing = np.zeros((0, length))
            found.append(Window(start, nothing.astype(np.complex128), nothing.astype(np.bool_), gone, length))
    return found
