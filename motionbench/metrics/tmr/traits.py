"""What is measured of one object in one video, before anything is judged.

Speeds are in object diameters (root of the area of its mask in frame 0) per second.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from motionbench.metrics.camera import Step
from motionbench.metrics.tmr.tracks import Window, object_windows
from motionbench.types import View

Floats = NDArray[np.float64]

TOP_SHARE = 0.125  # of the tracks: the fastest eighth speaks for the object, so that an arm's motion is motion
NOISE_PIXELS = 0.1  # what tracking itself adds to a position
COUNT_PRIOR = 2.0  # points added to both counts of a survival: the last few points of 32 live or die by chance
BORDER = 2  # pixels
OUTSIDE = 0.5  # of its first area is what an object on its way out still shows at most


@dataclass(frozen=True, slots=True)
class Traits:
    """Numbers about one object.

    Attributes:
        speeds: float64 [T-1], mean speed of the fastest eighth of its tracks in each step; 0 where none is left.
        hazards: float64 [W], -log survival in each window that can be judged.
        rough: float64 [W', 2], log of the median track's root mean square acceleration and jerk in each window.
        unsteady: float64 [2], the same of the object's course, the median velocity of its tracks in each step; NaN
            where it has none.
        excused: share of track-frames that are excused.
        judged: bool [T], frames in which at most half of it is excused and which do not follow its way out of sight.
        apart: float64 [T, T], difference between frames where it is, grey levels.
        explained, found, own: float64 [T], see the role `appearance`.
    """

    speeds: Floats
    hazards: Floats
    rough: Floats
    unsteady: Floats
    excused: float
    judged: NDArray[np.bool_]
    apart: Floats
    explained: Floats
    found: Floats
    own: Floats


def measure(view: View, k: int, steps: dict[int, list[Step]]) -> Traits | None:
    """Traits of the k-th object; None where no point could be placed on it."""
    planes = view.roles["masks"]["values"][k]
    area = float(planes[0].sum())
    windows = object_windows(view, k, steps)
    if not windows or area <= 0:
        return None
    diameter = math.sqrt(area)
    away = _away(windows, len(view.times))
    looks = view.roles["appearance"]
    return Traits(
        _speeds(windows, view.times, diameter),
        np.array([hazard(w) for w in windows if w.judged > 0]),
        np.array([r for r in (_rough(w, view.times, diameter) for w in windows) if r is not None]).reshape(-1, 2),
        _unsteady(windows, view.times, diameter),
        float(away.mean()),
        (away <= 0.5) & ~_left(planes),
        looks["apart"][k].astype(np.float64),
        looks["explained"][k].astype(np.float64),
        looks["found"][k].astype(np.float64),
        looks["own"][k].astype(np.float64),
    )


def hazard(window: Window) -> float:
    """-log survival of a window's points that can be judged, with a prior on both counts."""
    return -math.log((window.survived + COUNT_PRIOR) / (window.judged + COUNT_PRIOR))


def _away(windows: list[Window], frames: int) -> Floats:
    """Share of the object's points that are out of sight without fault, float64 [T]."""
    away = np.zeros(frames)
    for window in windows:
        gone = window.excused[:, None] & ~window.visible if len(window.points) else window.excused[:, None]
        share = np.broadcast_to(gone.mean(axis=0), (window.length,))
        part = slice(window.start, window.start + window.length)
        away[part] = np.maximum(away[part], share[: len(away[part])])
    return away


def _left(planes: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """bool [T]: nothing of the object is seen, and when last seen it was on its way out over the frame's border.

    Half of it must have been outside by then: what stands at the border and is gone at once has vanished.
    """
    inner = planes[:, BORDER:-BORDER, BORDER:-BORDER].sum(axis=(1, 2))
    areas = planes.sum(axis=(1, 2))
    last = np.maximum.accumulate(np.where(areas > 0, np.arange(len(planes)), 0))
    leaving = (areas > inner) & (areas <= OUTSIDE * areas[0])
    return np.asarray((areas == 0) & leaving[last])


def _speeds(windows: list[Window], times: Floats, diameter: float) -> Floats:
    speeds = np.zeros(len(times) - 1)
    for window in windows:
        seen = window.visible[:, 1:] & window.visible[:, :-1]
        moved = np.where(seen, np.abs(np.diff(window.points, axis=1)), -1.0)
        moved = -np.sort(-moved, axis=0)
        for step, count in enumerate(seen.sum(axis=0)):
            top = moved[: max(1, round(TOP_SHARE * int(count))), step] if count else np.zeros(1)
            at = window.start + step
            speeds[at] = float(top.mean()) / diameter / (times[at + 1] - times[at])
    return speeds


def _unsteady(windows: list[Window], times: Floats, diameter: float) -> Floats:
    course = np.full(len(times) - 1, complex(np.nan, np.nan))
    for window in windows:
        seen = window.visible[:, 1:] & window.visible[:, :-1]
        moved = np.diff(window.points, axis=1) / diameter
        for step in np.flatnonzero(seen.any(axis=0)):
            here, at = moved[seen[:, step], step], window.start + int(step)
            course[at] = complex(np.median(here.real), np.median(here.imag)) / (times[at + 1] - times[at])
    gap, found = float(np.diff(times).mean()), []
    for order in (1, 2):
        course = np.diff(course) / gap
        squares = np.abs(course[np.isfinite(course)]) ** 2
        typical = math.sqrt(float(squares.mean())) if len(squares) else math.nan
        found.append(_log_with_noise(typical, order + 1, gap, diameter))
    return np.array(found)


def _rough(window: Window, times: Floats, diameter: float) -> tuple[float, float] | None:
    """Log acceleration and jerk of the median track, from all runs of frames in which a track is seen."""
    gaps = np.diff(times[window.start : window.start + window.length])
    if not len(window.points) or len(gaps) < 3:
        return None
    step = float(gaps.mean())
    values, seen, found = window.points / diameter, window.visible, []
    for order in range(3):
        values = np.diff(values, axis=1) / step
        seen = seen[:, 1:] & seen[:, :-1]
        if order == 0:
            continue
        if not seen.any():
            return None
        squares = np.where(seen, np.abs(values) ** 2, 0.0).sum(axis=1)[seen.any(axis=1)]
        typical = float(np.median(np.sqrt(squares / seen.sum(axis=1)[seen.any(axis=1)])))
        found.append(_log_with_noise(typical, order + 1, step, diameter))
    return found[0], found[1]


def _log_with_noise(typical: float, order: int, step: float, diameter: float) -> float:
    """Log of a root mean square n-th derivative on top of what noise in the positions gives: never below that."""
    noise = NOISE_PIXELS / diameter * math.sqrt(2.0 * math.comb(2 * order, order)) / step**order
    return math.log(math.hypot(typical, noise))
