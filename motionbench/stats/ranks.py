"""Ranks that the cases can carry, and p-values that count all the tests of a family.

`rank_sets`: simultaneous intervals for all pairwise mean differences by max-t on one joint bootstrap over cases: the
systems share their draws, so that what makes a case hard for all cancels. A pair is decided where its interval leaves
out 0; the bound is lowered for the pairs that are still open until none falls (step-down, Romano and Wolf 2005,
https://doi.org/10.1198/016214504000000539). The best rank of a system is 1 + the systems that are certainly better,
its worst rank K - those certainly worse (Mogstad, Romano, Shaikh and Wilhelm 2024,
https://doi.org/10.1093/restud/rdad006). With probability of at least the level, every system's true rank lies between
the two. Systems with best rank 1 are tied for first. The bootstrap's bound has normal tails, which are too thin for
few cases; it is exchanged for the t quantile of the same probability, as in `mean_interval`.

`holm`: p-values adjusted for all tests of a declared family (Holm 1979): the k-th smallest times the number of tests
that are not smaller, made monotone. The probability of one false finding or more in the family stays below the level.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats as scipy_stats

from motionbench.stats.intervals import MIN_CASES, RESAMPLES
from motionbench.stats.units import Floats, Units, units


@dataclass(frozen=True, slots=True)
class RankSet:
    """The ranks that a system may truly have; 1 is the best."""

    best: int
    worst: int

    @property
    def first(self) -> bool:
        """True if no other system is certainly better: first, or tied for first."""
        return self.best == 1


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust the p-values of one family.

    Args:
        p_values: in [0, 1], in any order.

    Returns:
        Adjusted values in the same order, each in [0, 1] and at least its own p.

    Example:
        >>> holm([0.01, 0.04, 0.03])
        [0.03, 0.06, 0.06]
    """
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for place, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - place) * p_values[index]))
        adjusted[index] = largest
    return adjusted


def rank_sets(
    scores: ArrayLike,
    seed: int,
    *,
    higher_is_better: bool,
    level: float = 0.95,
    strata: Sequence[str] | None = None,
    clusters: Sequence[str] | None = None,
) -> list[RankSet] | None:
    """Simultaneous rank sets of K systems on the same n cases.

    Args:
        scores: float64 [n, K], finite; row i holds all systems' values of one case.
        seed: seed of the bootstrap.
        higher_is_better: False where a lower value is the better one.
        level: probability that all true ranks lie in their sets, strictly between 0 and 1.
        strata, clusters: labels of the cases, see `mean_interval`.

    Returns:
        One set for each system; None below 8 clusters, where nothing can be said.

    Raises:
        ValueError: scores that are no finite table, or a level outside (0, 1).
    """
    table = np.asarray(scores, dtype=np.float64)
    if table.ndim != 2 or not table.size or not np.isfinite(table).all():
        raise ValueError("scores must be a table [cases, systems] of finite numbers")
    if not 0.0 < level < 1.0:
        raise ValueError(f"level is {level}, it must lie between 0 and 1")
    n, k = table.shape
    drawn = units(n, strata, clusters)
    if drawn.count < MIN_CASES:
        return None
    first, second = np.triu_indices(k, 1)
    better = np.zeros((k, k), dtype=bool)  # [i, j]: i is certainly better than j
    if len(first):
        signed = table if higher_is_better else -table
        decided = _decided(signed, first, second, drawn, seed, level)
        better[first[decided > 0], second[decided > 0]] = True
        better[second[decided < 0], first[decided < 0]] = True
    return [RankSet(1 + int(better[:, i].sum()), k - int(better[i].sum())) for i in range(k)]


def _decided(
    scores: Floats, first: NDArray[np.intp], second: NDArray[np.intp], drawn: Units, seed: int, level: float
) -> NDArray[np.int64]:
    """For each pair 1 where the first is certainly better, -1 where the second is, 0 where neither; [P]."""
    differences = scores[:, first] - scores[:, second]
    mean = differences.mean(axis=0)
    scale = np.abs(scores).max()
    mean[np.abs(mean) <= 1e-12 * scale] = 0.0  # rounding is no difference
    se = drawn.standard_error(differences)
    certain = np.where(se <= 1e-12 * scale, np.sign(mean), 0).astype(np.int64)  # the same difference in every case
    open_ = certain == 0
    open_ &= se > 1e-12 * scale
    # One row a system: what is read again and again lies side by side in memory.
    centred = np.ascontiguousarray(drawn.means(scores - scores.mean(axis=0), RESAMPLES, seed).T)
    work = np.empty(RESAMPLES)
    while open_.any():
        chosen = np.flatnonzero(open_)
        largest = np.zeros(RESAMPLES)
        for pair in chosen:  # one pair at a time: 45 pairs of 10,000 draws need not stand in memory
            np.subtract(centred[first[pair]], centred[second[pair]], out=work)
            np.maximum(largest, np.divide(np.abs(work, out=work), se[pair], out=work), out=largest)
        bound = _t_bound(float(np.quantile(largest, _safe(level))), drawn)
        found = chosen[np.abs(mean[chosen]) > bound * se[chosen]]
        if not len(found):
            break
        certain[found] = np.sign(mean[found])
        open_[found] = False
    return certain


def _safe(level: float) -> float:
    """Three standard errors of the bootstrap's own noise above the level, so that the draws cannot fall short of it."""
    return min(level + 3.0 * math.sqrt(level * (1.0 - level) / RESAMPLES), 1.0)


def _t_bound(bound: float, drawn: Units) -> float:
    """The t quantile, widened for the bootstrap's divisor, that has the tail of a normal one."""
    tail = max(float(scipy_stats.norm.sf(bound)), 1e-300)
    return math.sqrt(drawn.count / drawn.dof) * float(scipy_stats.t.isf(tail, drawn.dof))
