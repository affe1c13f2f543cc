"""Intervals over cases: how far a mean may be off because there are only so many cases.

Below 8 clusters of cases there is no interval, from 8 on a BCa bootstrap (Efron 1987, https://doi.org/10.2307/2289144)
of 10,000 draws, stratified and clustered as the caller says. Its ends are means of values that were observed: the
interval of a metric in [0, 1] lies in [0, 1], which value ± t se does not. BCa as it is uses normal quantiles and is
too narrow for few cases; here its level is widened so that the normal quantile becomes sqrt(C / (C - H)) times the t
quantile of C - H degrees of freedom, with C clusters in H strata (Hesterberg 2015,
https://doi.org/10.1080/00031305.2015.1089789, proposes this for the percentile interval). docs/benchmarks/coverage.md
compares it with others, also for few cases. Where BCa is undefined there is a Student t-interval.

A value depends on the multiset of the numbers (with their strata and clusters) and the seed only: neither the order of
the cases nor the number of workers can change it. Failure modes: cases that share a source video are not independent,
and without `clusters` the interval is then too narrow; an interval speaks of new cases from the same population, not of
another seed of the same model.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats as scipy_stats

from motionbench.errors import PluginError
from motionbench.stats.units import Floats, Units, units
from motionbench.types import Row, Summary

MIN_CASES = 8  # no interval below
RESAMPLES = 10_000


def too_few(n: int, unit: str = "case") -> str:
    """Why there is no interval for `n` cases (or whatever `unit` is), or "" where there is one."""
    if n >= MIN_CASES:
        return ""
    return f"no interval from {n} {unit}{'' if n == 1 else 's'}: at least {MIN_CASES} are needed"


def t_halfwidth(se: float, dof: int, level: float = 0.95) -> float:
    """Half the width of a two-sided Student t-interval.

    Args:
        se: standard error, at least 0.
        dof: degrees of freedom, at least 1.
        level: coverage, strictly between 0 and 1.
    """
    return float(scipy_stats.t.ppf(0.5 + level / 2, dof)) * se


def mean_interval(
    values: Sequence[float] | NDArray[np.floating],
    seed: int,
    level: float = 0.95,
    *,
    strata: Sequence[str] | None = None,
    clusters: Sequence[str] | None = None,
) -> Summary:
    """Mean of a number per case, with its standard error and interval.

    Args:
        values: one finite number per case, in any order.
        seed: seed of the bootstrap.
        level: coverage of the interval, strictly between 0 and 1.
        strata: a label for each case, such as its subset; each keeps its size in every draw. Where one has fewer
            than 8 clusters, the cases are one stratum.
        clusters: a label for each case, such as its source video; cases of one cluster are drawn together.

    Returns:
        A Summary: value, the mean over cases; se, its standard error over clusters within strata (without either, the
        sample standard deviation / sqrt(n)); low and high; method, how they were found. Below 8 clusters se, low and
        high are None and `reason` says so; without any case the value is None too. Where all values are equal (up to
        rounding, 1e-12 relative) the interval collapses to the value and the method says so: nothing is known of the
        spread that other cases would show.

    Raises:
        ValueError: a value that is not finite, values that are no flat list, labels that are not one a case, or a
            level outside (0, 1).

    Example:
        >>> mean_interval([0.0, 1.0] * 32, seed=0).value
        0.5
    """
    if not 0.0 < level < 1.0:
        raise ValueError(f"level is {level}, it must lie between 0 and 1")
    data = np.asarray(values, dtype=np.float64)
    if data.ndim != 1 or not np.isfinite(data).all():
        raise ValueError("values must be a flat list of finite numbers")
    n = len(data)
    if n == 0:
        return Summary(None, reason="there is no case with a value")
    for name, labels in (("strata", strata), ("clusters", clusters)):
        if labels is not None and len(labels) != n:
            raise ValueError(f"{len(labels)} {name} for {n} values")
    # Sorted, so that the order of the cases cannot show, not even in the last bit.
    order = sorted(range(n), key=lambda i: (strata[i] if strata else "", clusters[i] if clusters else "", data[i]))
    data = data[order]
    mean = math.fsum(data) / n
    drawn = units(n, strata and [strata[i] for i in order], clusters and [clusters[i] for i in order])
    if drawn.count < MIN_CASES:
        return Summary(mean, method="mean", reason=too_few(drawn.count, "case" if clusters is None else "cluster"))
    smallest, largest = float(data.min()), float(data.max())
    if largest - smallest <= 1e-12 * max(abs(smallest), abs(largest)):
        return Summary(mean, mean, mean, 0.0, f"mean; all {n} values are equal, so the interval has no width")
    se = float(drawn.standard_error(data))
    over = "cases" if clusters is None else f"{drawn.count} clusters of cases"
    if len(drawn.strata) > 1:
        over += f" in {len(drawn.strata)} strata"
    if (ends := _bca(data, drawn, seed, level)) is not None:
        return Summary(mean, *ends, se, f"mean, {level:.0%} BCa bootstrap over {over}")
    half = t_halfwidth(se, drawn.dof, level)
    return Summary(mean, mean - half, mean + half, se, f"mean, {level:.0%} t-interval over {over}")


def _bca(data: Floats, drawn: Units, seed: int, level: float) -> tuple[float, float] | None:
    """Ends of the interval; None where BCa is undefined, as where one far outlier puts all draws on one side."""
    centre = math.fsum(data) / len(data)
    draws = drawn.means(data - centre, RESAMPLES, seed)
    tie = 1e-12 * float(np.abs(draws).max())
    below = (np.count_nonzero(draws < -tie) + 0.5 * np.count_nonzero(np.abs(draws) <= tie)) / RESAMPLES
    if not 0.0 < below < 1.0:
        return None
    deviations = drawn.residuals(data)
    peak = float(np.abs(deviations).max())
    if peak == 0.0:  # the values of each stratum are equal: nothing varies between draws
        return None
    deviations = deviations / peak  # skewness has no scale, and the squares of tiny numbers would be 0
    # For a mean the acceleration is the skewness of the influence values over 6 (Efron 1987, section 7).
    acceleration = float((deviations**3).sum()) / (6.0 * float((deviations**2).sum()) ** 1.5)
    bias = float(scipy_stats.norm.ppf(below))
    wide = math.sqrt(drawn.count / drawn.dof) * float(scipy_stats.t.ppf(0.5 + level / 2, drawn.dof))
    ends = []
    for z in (bias - wide, bias + wide):
        if acceleration * z >= 1.0:
            return None
        ends.append(float(scipy_stats.norm.cdf(bias + z / (1.0 - acceleration * z))))
    low, high = np.quantile(draws, ends)
    return centre + float(low), centre + float(high)


def reduce_mean(rows: Sequence[Row], seed: int) -> Summary:
    """The default `Metric.reduce` of a metric that gives one number per case: their mean (see `mean_interval`).

    The draws are stratified by subset.

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
    return mean_interval(values, seed, strata=[row.subset for row in rows])
