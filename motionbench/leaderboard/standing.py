"""Places on the board: which systems no other one certainly beats, in one metric.

A metric with a value for each case is tested case by case over the cases that the metric has (those in which some run
of the group has a value); a system without a value in one of them is not ranked. The sets are simultaneous for all
pairs (`motionbench.stats.rank_sets`). A distance between sets of videos has no value for a case: there a pair is
decided where the two values differ by more than the t quantile of 0.05 / pairs times the root of the summed squared
standard errors. Both errors come from the same cases and the same real videos, so that they tend to move together and
this is on the careful side.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from scipy import stats as scipy_stats

from motionbench.markup import Mark
from motionbench.stats import MIN_CASES, RankSet, rank_sets
from motionbench.types import Estimate

LEVEL = 0.95
SEED = 0  # of the bootstrap over cases: the same board gives the same sets

Scores = Mapping[str, float]  # value by case id


def of_cases(scores: Sequence[Scores | None], subset_of: Mapping[str, str], *, higher: bool) -> list[RankSet | None]:
    """Return the ranks that each system may truly have, None for those that do not take part.

    Args:
        scores: for each system its value by case, over the same cases; None for one that does not take part.
        subset_of: the stratum of each case.
        higher: False where a lower value is the better one.
    """
    taking_part = [index for index, found in enumerate(scores) if found is not None]
    result: list[RankSet | None] = [None] * len(scores)
    if len(taking_part) < 2:
        return result
    cases = sorted({case for found in scores if found is not None for case in found})
    table = np.array([[(scores[index] or {})[case] for index in taking_part] for case in cases])
    sets = rank_sets(table, SEED, higher_is_better=higher, level=LEVEL, strata=[subset_of[case] for case in cases])
    for index, found in zip(taking_part, sets or [], strict=False):
        result[index] = found
    return result


def of_sets(estimates: Sequence[Estimate | None], *, higher: bool) -> list[RankSet | None]:
    """As `of_cases` for distances between sets; an estimate without a standard error does not take part.

    Args:
        estimates: one for each system; None for one that does not take part.
        higher: False where a lower value is the better one.
    """
    known = [
        (index, (e.value if higher else -e.value), e.se)
        for index, e in enumerate(estimates)
        if e is not None and e.value is not None and e.se is not None and e.n >= MIN_CASES
    ]
    result: list[RankSet | None] = [None] * len(estimates)
    if len(known) < 2:
        return result
    pairs = len(known) * (len(known) - 1) / 2
    dof = min(e.n for e in estimates if e is not None) - 1
    bound = float(scipy_stats.t.isf((1.0 - LEVEL) / (2.0 * pairs), dof))
    for index, value, se in known:
        gaps = [_gap(other - value, math.hypot(se, error)) for place, other, error in known if place != index]
        above, below = sum(gap > bound for gap in gaps), sum(gap < -bound for gap in gaps)
        result[index] = RankSet(1 + above, len(known) - below)
    return result


def _gap(difference: float, error: float) -> float:
    """A difference in standard errors; without any spread every difference is beyond doubt."""
    if error > 0.0:
        return difference / error
    return math.copysign(math.inf, difference) if difference else 0.0


def marks(ranks: Sequence[RankSet | None]) -> list[Mark]:
    """Return "best" for all that are first or tied for first, "second" for those with the next best possible rank."""
    found = sorted({rank.best for rank in ranks if rank is not None})
    names: dict[int, Mark] = dict(zip(found, ("best", "second"), strict=False))
    return ["" if rank is None else names.get(rank.best, "") for rank in ranks]


def text(ranks: RankSet | None) -> str:
    """Return "2", "1–3", or "" where there is no rank."""
    if ranks is None:
        return ""
    return str(ranks.best) if ranks.best == ranks.worst else f"{ranks.best}–{ranks.worst}"
