"""How the picture changes with time, without flow: the structure function, its steps and anchors, trends and flicker.

The structure function S(lag) is the mean absolute difference of two frames as a function of the time between them.
Smooth motion makes it grow with the lag; a shuffle makes it flat; held frames make its steps uneven; a freeze makes it
small at the end. All ratios are of S to itself, so slow and fast videos are treated alike.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from motionbench.backends.descriptor.planes import Floats, Planes, cells, log, trend

Series = NDArray[np.float64]

LAGS = (0.125, 0.25, 0.5, 1.0)  # seconds
CHANGE_FLOOR = 0.008  # two grey levels, summed over three opponent colours
FLICKER_FLOOR = 0.004


def order(planes: Planes, times: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """Features of the frames' order and of change per second; T at least 5."""
    change = _differences(planes.colour)
    steps = np.diagonal(change, 1) / np.diff(times) * LAGS[0]
    return {
        **_structure(change, times),
        **_sorting(change, times),
        **_steps(steps, planes.colour),
        "rough": np.concatenate([_roughness(planes.colour, times), _roughness(planes.middle[None], times)]),
        **_anchors(change),
        **_drift(planes),
    }


def _differences(values: Floats) -> Series:
    """float64 [T, T]: mean absolute difference of frames s and t of values [C, T, h, w], summed over C."""
    count = values.shape[1]
    out = np.zeros((count, count))
    for t in range(count - 1):
        out[t, t + 1 :] = np.abs(values[:, t + 1 :] - values[:, t : t + 1]).mean((2, 3), dtype=np.float64).sum(0)
    return out + out.T


def _structure(change: Series, times: NDArray[np.float64]) -> dict[str, Series]:
    """Level of S at a quarter of a second and its log ratios between the lags; constant beyond the last lag."""
    lags = range(1, len(times))
    seconds = [0.0] + [float((times[k:] - times[:-k]).mean()) for k in lags]
    values = [0.0] + [float(np.diagonal(change, k).mean()) for k in lags]
    logs = log(np.interp(LAGS, seconds, values), CHANGE_FLOOR)
    return {"change": logs[1:2], "growth": np.diff(logs)}


def _sorting(change: Series, times: NDArray[np.float64]) -> dict[str, Series]:
    """Correlation of the logarithms of change and lag over pairs of frames: 1 where frames lie in order, 0 if shuffled.

    Over all pairs, and over those within half a second (or two frames, where that is longer). The further frames are
    displaced, the lower both are, which no comparison of neighbouring frames can tell.
    """
    first, second = np.triu_indices(len(times), 1)
    lags, changes = times[second] - times[first], log(change[first, second], CHANGE_FLOOR)
    near = lags <= 1.1 * max(0.5, 2 * float(np.median(np.diff(times))))
    return {"sorted_near": _correlation(lags[near], changes[near]), "sorted": _correlation(lags, changes)}


def _correlation(lags: Series, changes: Series) -> Series:
    """Pearson correlation with log lags; the floor lets it go to 0 where nothing changes."""
    x, y = np.log(lags) - np.log(lags).mean(), changes - changes.mean()
    return np.array([(x * y).mean() / np.sqrt((x * x).mean() * ((y * y).mean() + 0.02))])


def _steps(steps: Series, colour: Floats) -> dict[str, Series]:
    """How even the change from frame to frame is: as a whole, and place by place (a jump of one object is local)."""
    logs, mean = log(steps, CHANGE_FLOOR / 2), log(steps.mean(), CHANGE_FLOOR / 2)
    local = cells(np.abs(np.diff(colour, axis=1)).sum(0), 8)
    whole = log(local.mean(dtype=np.float64), CHANGE_FLOOR / 4)
    return {
        "steps": np.array([logs.min() - mean, logs.max() - mean, np.abs(np.diff(logs)).mean()]),
        "bursts": np.array(
            [log(at.mean(dtype=np.float64), CHANGE_FLOOR / 4) - whole for at in (local.min(0), local.max(0))]
        ),
        "change_trend": trend(logs)[None],
    }


def _roughness(values: Floats, times: NDArray[np.float64]) -> Series:
    """Second over first differences of values [C, T, h, w] at 1/8 and 1/4 s: 0 linear change, 1 held or shuffled."""
    interval = float(np.median(np.diff(times)))
    out = []
    for lag in LAGS[:2]:
        k = min(max(1, round(lag / interval)), (values.shape[1] - 1) // 2)
        later, here, earlier = values[:, 2 * k :], values[:, k:-k], values[:, : -2 * k]
        second = np.abs(later - 2 * here + earlier).mean((1, 2, 3), dtype=np.float64).sum()
        first = np.abs(values[:, k:] - values[:, :-k]).mean((1, 2, 3), dtype=np.float64).sum()
        out.append(second / (2 * first + CHANGE_FLOOR))
    return np.array(out)


def _anchors(change: Series) -> dict[str, Series]:
    """Distance to the first and to the last frame after 1/4, 1/2 and 3/4 of the time, against that of both ends."""
    last = len(change) - 1
    at = last * np.array([0.25, 0.5, 0.75])
    index, ends = np.arange(last + 1), log(change[0, last], CHANGE_FLOOR)
    return {
        "from_first": log(np.interp(at, index, change[0]), CHANGE_FLOOR) - ends,
        "from_last": log(np.interp(at, index, change[last, ::-1]), CHANGE_FLOOR) - ends,
    }


def _drift(planes: Planes) -> dict[str, Series]:
    """Trends and flicker of colour and of detail, over the whole picture and over 4 x 4 cells."""
    mean = planes.colour.mean((2, 3), dtype=np.float64).T
    detail = log(np.abs(np.diff(planes.middle, axis=2)).mean((1, 2), dtype=np.float64), FLICKER_FLOOR)
    contrast = log(planes.colour[0].std((1, 2), dtype=np.float64), 0.01)
    local = trend(np.moveaxis(cells(planes.colour, 4), 1, 0))
    return {
        "drift": log(np.abs(trend(mean)), FLICKER_FLOOR),
        "local_drift": log(np.abs(local).mean((1, 2)), FLICKER_FLOOR),
        "flicker": log(np.abs(np.diff(mean, n=2, axis=0)).mean(0), FLICKER_FLOOR),
        "detail_trend": trend(np.stack([detail, contrast], 1)),
        "detail_flicker": log(np.abs(np.diff(detail)).mean(), 0.01)[None],
    }
