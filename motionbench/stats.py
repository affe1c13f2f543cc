"""Intervals over cases: how far a mean may be off because there are only so many cases.

The unit is the case. Below 8 cases there is no interval, from 8 to 29 a Student t-interval, from 30 on a BCa
bootstrap over cases (Efron 1987, https://doi.org/10.2307/2289144). A value depends on the multiset of the numbers and
the seed only: they are sorted first, so that neither the order of the cases nor the number of workers can change it.

Failure modes: cases that share a source video are not independent, and the interval is then too narrow; an interval
speaks of new cases from the same population, not of another seed of the same model.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats as scipy_stats

from motionbench.errors import PluginError
from motionbench.types import Row, Summary

MIN_CASES = 8  # no interval below
MIN_BOOTSTRAP = 30  # a t-interval below
RESAMPLES = 10_000
_BATCH_NUMBERS = 1_000_000  # resampled numbers held at once: 8 MB, whatever the number of cases


def too_few(n: int) -> str:
    """Why there is no interval for `n` cases, or "" where there is one."""
    if n >= MIN_CASES:
        return ""
    return f"no interval from {n} {'case' if n == 1 else 'cases'}: at least {MIN_CASES} are needed"


def t_halfwidth(se: float, dof: int, level: float = 0.95) -> float:
    """Half the width of a two-sided Student t-interval.

    Args:
        se: standard error, at least 0.
        dof: degrees of freedom, at least 1.
        level: coverage, strictly between 0 and 1.
    """
    return float(scipy_stats.t.ppf(0.5 + level / 2, dof)) * se


def mean_interval(values: Sequence[float] | NDArray[np.floating], seed: int, level: float = 0.95) -> Summary:
    """Mean of a number per case, with its standard error and interval.

    Args:
        values: one finite number per case, in any order.
        seed: seed of the bootstrap.
        level: coverage of the interval, strictly between 0 and 1.

    Returns:
        A Summary: value, the mean; se, the sample standard deviation / sqrt(n); low and high; method, how they were
        found. Below 8 cases se, low and high are None and `reason` says so; without any case the value is None too.
        Where all values are equal (up to rounding, 1e-12 relative) the interval collapses to the value and the method
        says so: nothing is known of the spread that other cases would show.

    Raises:
        ValueError: a value that is not finite, values that are no flat list, or a level outside (0, 1).

    Example:
        >>> mean_interval([0.0, 1.0] * 32, seed=0).value
        0.5
    """
    if not 0.0 < level < 1.0:
        raise ValueError(f"level is {level}, it must lie between 0 and 1")
    data = np.sort(np.asarray(values, dtype=np.float64))
    if data.ndim != 1 or not np.isfinite(data).all():
        raise ValueError("values must be a flat list of finite numbers")
    n = len(data)
    if n == 0:
        return Summary(None, reason="there is no case with a value")
    mean = math.fsum(data) / n
    if n < MIN_CASES:
        return Summary(mean, method="mean", reason=too_few(n))
    if data[-1] - data[0] <= 1e-12 * max(abs(data[0]), abs(data[-1])):
        return Summary(mean, mean, mean, 0.0, f"mean; all {n} values are equal, so the interval has no width")
    se = float(np.std(data, ddof=1)) / math.sqrt(n)
    if n >= MIN_BOOTSTRAP:
        low, high = _bca(data, seed, level)
        # BCa is undefined where every resample falls on one side of the mean, which one far outlier can bring about.
        if math.isfinite(low) and math.isfinite(high):
            return Summary(mean, low, high, se, f"mean, {level:.0%} BCa bootstrap over cases")
    half = t_halfwidth(se, n - 1, level)
    return Summary(mean, mean - half, mean + half, se, f"mean, {level:.0%} t-interval over cases")


def _bca(data: NDArray[np.float64], seed: int, level: float) -> tuple[float, float]:
    found = scipy_stats.bootstrap(
        (data,),
        np.mean,
        n_resamples=RESAMPLES,
        batch=max(1, _BATCH_NUMBERS // len(data)),
        confidence_level=level,
        method="BCa",
        vectorized=True,
        rng=np.random.default_rng(seed),
    )
    return float(found.confidence_interval.low), float(found.confidence_interval.high)


def reduce_mean(rows: Sequence[Row], seed: int) -> Summary:
    """The default `Metric.reduce` of a metric that gives one number per case: their mean (see `mean_interval`).

    Args:
        rows: rows with status "ok", in any order; `values["value"]` is a finite number.
        seed: seed of the bootstrap.

    Raises:
        PluginError: a row without a finite value (a metric that has none for a case raises NotApplicable instead).
    """
    values = []
    for row in rows:
        value = row.values.get("value")
        if not isinstance(value, (int, float, np.number)) or not math.isfinite(value):
            raise PluginError(
                f"metric {row.metric} has no finite value for case {row.case_id}",
                "a metric without a value for a case must raise NotApplicable or VideoError with the reason",
            )
        values.append(float(value))
    return mean_interval(values, seed)
