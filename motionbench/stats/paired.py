"""Two systems on the same cases: the mean difference, whether chance explains it, and how large it is.

`sign_flip_p`: under the hypothesis that the two systems could swap their videos in any case, each difference is as
likely with either sign (Fisher 1935; with clusters, the sum over a cluster flips as one). p is the share of sign
patterns whose |mean| is at least the one found: all 2^C patterns up to 15 clusters, else 10,000 random ones, with the
pattern found counted in (Phipson and Smyth 2010, https://doi.org/10.2202/1544-6115.1585), so that p is never 0.

`minimum_detectable_effect`: the mean difference that the test would find with a given power,
(t(1 - alpha/2) + t(power)) * se with the degrees of freedom of se (Bloom 1995,
https://doi.org/10.1177/0193841X9501900504). An effect that was not found and is smaller than this was not ruled out.

Failure modes: p says nothing about size; the differences of a skewed metric whose mean is 0 are not symmetric, and
the test is then approximate.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats as scipy_stats

from motionbench.stats.intervals import RESAMPLES, mean_interval
from motionbench.stats.units import Floats, units

EXACT_CLUSTERS = 15  # 2^15 sign patterns are still tried one by one
_TIE = 1e-9  # relative; two sums of the same numbers with other signs may differ by rounding


@dataclass(frozen=True, slots=True)
class Difference:
    """System minus baseline over the cases that both have.

    Attributes:
        n: cases.
        value, low, high, se: mean difference in the metric's unit, its interval and standard error (None below 8
            clusters, or where all differences are equal: low = high = value, se = 0).
        p: of the sign-flip permutation test, two-sided; not adjusted for other comparisons.
        improvement: probability of improvement, the share of cases in which the system is better, ties counted half.
        wins, ties, losses: cases in which the system is better, equal, worse.
        detectable: minimum detectable effect at power 0.8 and level 0.05, in the metric's unit; None where no spread is
            known.
        method: how the interval was found.
    """

    n: int
    value: float
    low: float | None
    high: float | None
    se: float | None
    p: float
    improvement: float
    wins: int
    ties: int
    losses: int
    detectable: float | None
    method: str


def sign_flip_p(differences: ArrayLike, seed: int, clusters: Sequence[str] | None = None) -> float:
    """Two-sided p-value of the sign-flip permutation test that the mean of paired differences is 0.

    Args:
        differences: float64 [n], finite, n >= 1; one paired difference a case.
        seed: seed of the sign patterns; without effect up to 15 clusters.
        clusters: a label for each case; None where every case stands alone.

    Returns:
        p in (0, 1].

    Raises:
        ValueError: no differences, or some that are not finite numbers in a flat list.

    Example:
        >>> sign_flip_p([1.0, 2.0, 3.0], seed=0)
        0.25
    """
    found = _checked(differences)
    order = np.argsort(found, kind="stable")
    labels = None if clusters is None else [clusters[i] for i in order]
    sums = units(len(found), None, labels).sums(found[order])
    # Signs are drawn for sizes, so that swapping the two systems changes nothing.
    sizes = np.sort(np.abs(sums))
    bound = abs(float(sums.sum())) - _TIE * float(sizes.sum())
    count = len(sizes)
    if count <= EXACT_CLUSTERS:
        # The pattern and its mirror image have the same |sum|: half of them is enough.
        bits = np.arange(2 ** (count - 1))[:, None] >> np.arange(count) & 1
        return float(np.mean(np.abs((1.0 - 2.0 * bits) @ sizes) >= bound))
    extreme = np.abs(_signs(count, seed) @ sizes) >= bound
    return float((1 + np.count_nonzero(extreme)) / (1 + RESAMPLES))


@functools.lru_cache(maxsize=2)  # a comparison asks for the same patterns for every metric and pair of systems
def _signs(count: int, seed: int) -> NDArray[np.float32]:
    """Random sign patterns [RESAMPLES, count]."""
    bits = np.random.default_rng(seed).integers(0, 2, (RESAMPLES, count), np.int8)
    signs = (1 - 2 * bits).astype(np.float32)
    signs.flags.writeable = False
    return signs


def minimum_detectable_effect(se: float, dof: int, power: float = 0.8, level: float = 0.05) -> float:
    """The mean difference that a two-sided paired test finds with probability `power`.

    Args:
        se: standard error of the mean difference, at least 0.
        dof: its degrees of freedom, at least 1.
        power: strictly between 0.5 and 1.
        level: the test's level, strictly between 0 and 1.

    Returns:
        The effect, in the unit of `se`.
    """
    return float(scipy_stats.t.ppf(1.0 - level / 2.0, dof) + scipy_stats.t.ppf(power, dof)) * se


def paired_difference(
    system: ArrayLike,
    baseline: ArrayLike,
    seed: int,
    *,
    higher_is_better: bool,
    strata: Sequence[str] | None = None,
    clusters: Sequence[str] | None = None,
) -> Difference:
    """Compare a system with a baseline, case by case.

    Args:
        system, baseline: float64 [n], finite; entry i of both is of the same case.
        seed: seed of the bootstrap and of the sign patterns.
        higher_is_better: False where a lower value is the better one.
        strata, clusters: labels of the cases, see `mean_interval`.

    Raises:
        ValueError: unequal lengths, no case, or numbers that are not finite.
    """
    a, b = _checked(system), _checked(baseline)
    if len(a) != len(b):
        raise ValueError(f"{len(a)} and {len(b)} values cannot be paired")
    differences = a - b
    differences[np.abs(differences) <= 1e-12 * np.maximum(np.abs(a), np.abs(b))] = 0.0  # rounding is no difference
    interval = mean_interval(differences, seed, strata=strata, clusters=clusters)
    assert interval.value is not None
    better = differences if higher_is_better else -differences
    wins, losses = int(np.count_nonzero(better > 0)), int(np.count_nonzero(better < 0))
    n = len(differences)
    dof = units(n, strata, clusters).dof
    return Difference(
        n=n,
        value=interval.value,
        low=interval.low,
        high=interval.high,
        se=interval.se,
        p=sign_flip_p(differences, seed, clusters),
        improvement=(wins + 0.5 * (n - wins - losses)) / n,
        wins=wins,
        ties=n - wins - losses,
        losses=losses,
        detectable=minimum_detectable_effect(interval.se, dof) if interval.se else None,
        method=interval.method,
    )


def _checked(values: ArrayLike) -> Floats:
    found = np.array(values, dtype=np.float64)
    if found.ndim != 1 or not len(found) or not np.isfinite(found).all():
        raise ValueError("paired values must be a flat list of finite numbers, at least one")
    return found
