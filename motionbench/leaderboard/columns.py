"""One metric of a measured table: its numbers as printed, and which systems may be ranked in it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from motionbench.leaderboard import standing
from motionbench.leaderboard.arithmetic import within_range
from motionbench.leaderboard.standing import Scores
from motionbench.markup import Mark
from motionbench.records import Identity
from motionbench.stats import MIN_CASES, RankSet
from motionbench.types import Direction, Estimate

DIGITS = 8  # significant ones in CSV files: the last bits of a mean differ between processors
FVD_CASES = 2000  # videos; below this an fvd is shown and not ranked


@dataclass(frozen=True, slots=True)
class Column:
    """A metric.

    Attributes:
        metric, version, backend, unit, direction: as in the estimates.
        decimals: printed digits after the point.
        cases: how many cases the metric has: those in which some run has a value.
        unranked: why nobody is ranked in it, or "".
    """

    metric: str
    version: int
    backend: str
    unit: str
    direction: Direction
    decimals: int
    cases: int
    unranked: str

    @property
    def label(self) -> str:
        """The name with its backend: a number never stands without it."""
        return f"{self.metric}[{self.backend}]"


@dataclass(frozen=True, slots=True)
class Cell:
    """A system in a metric.

    Attributes:
        estimate: the number.
        text: it, as printed.
        mark: "best" for the set that is tied for first, "second" for the next.
        ranks: the ranks that it may truly have; None where it is not ranked.
        note: why it is not ranked, or "".
    """

    estimate: Estimate
    text: str
    mark: Mark
    ranks: RankSet | None
    note: str


def column(
    identity: Identity,
    metric: str,
    estimates: Sequence[Estimate],
    scores: Sequence[Scores],
    baselines: Sequence[bool],
    subset_of: Mapping[str, str],
) -> tuple[Column, list[Cell]]:
    """Return a metric's column and its cells.

    Args:
        identity: of the group.
        metric: its id.
        estimates, scores, baselines: for each run its estimate, its values by case (empty for a distance between sets),
            and whether it is a baseline.
        subset_of: the subset of each case.
    """
    estimates = [within_range(estimate) for estimate in estimates]
    first = estimates[0]
    needed = {case for found in scores for case in found}
    head = Column(
        metric=metric,
        version=identity.metrics[metric].version,
        backend=first.backend,
        unit=first.unit,
        direction=first.direction,
        decimals=_decimals(estimates),
        cases=len(needed) or max(e.n for e in estimates),
        unranked="",
    )
    lacking = [
        _lacking(head, estimate, len(found), baseline)
        for estimate, found, baseline in zip(estimates, scores, baselines, strict=True)
    ]
    why = _unranked(head, sum(not reason for reason in lacking))
    takes_part = [not why and not reason for reason in lacking]
    higher = head.direction == "higher"
    if why:
        ranks: list[RankSet | None] = [None] * len(estimates)
    elif needed:
        ranks = standing.of_cases(
            [s if part else None for s, part in zip(scores, takes_part, strict=True)], subset_of, higher=higher
        )
    else:
        ranks = standing.of_sets(
            [e if part else None for e, part in zip(estimates, takes_part, strict=True)], higher=higher
        )
    cells = [
        Cell(estimate, number(estimate, head), mark, rank, reason or why)
        for estimate, mark, rank, reason in zip(estimates, standing.marks(ranks), ranks, lacking, strict=True)
    ]
    return dataclasses.replace(head, unranked=why), cells


def _lacking(head: Column, estimate: Estimate, known: int, baseline: bool) -> str:
    """Why one system is not ranked, or ""."""
    if estimate.value is None:
        return estimate.reason or "no value"
    if baseline:
        return "baseline"
    scored = known or estimate.n
    if scored < head.cases:
        return f"{scored} of {head.cases} cases: {estimate.reason}"
    return ""


def _unranked(head: Column, systems: int) -> str:
    """Why nobody is ranked, or ""."""
    if head.direction == "none":
        return "no direction"
    if head.metric == "fvd" and head.cases < FVD_CASES:
        return f"fewer than {FVD_CASES} videos"
    if head.cases < MIN_CASES:
        return f"fewer than {MIN_CASES} cases"
    return "" if systems > 1 else "there are no two systems to compare"


def number(estimate: Estimate, head: Column) -> str:
    """Return an estimate as printed: value, interval or error, and how many of the metric's cases it rests on."""
    if estimate.value is None:
        return "n/a"
    text = printed(estimate.value, head.decimals)
    if estimate.low is not None and estimate.high is not None:
        text += f" [{printed(estimate.low, head.decimals)}, {printed(estimate.high, head.decimals)}]"
    elif estimate.se is not None:
        text += f" ± {printed(estimate.se, head.decimals)}"
    if estimate.n < head.cases:
        text += f" ({estimate.n} of {head.cases})"
    return text


def printed(value: float, decimals: int) -> str:
    """Return a value with that many decimals; "-0.00" and "0.00" are one number to a reader."""
    return f"{round(value, decimals) + 0.0:.{decimals}f}"


def anchor(head: Column, estimates: Sequence[Estimate]) -> str:
    """What the same metric says of the real videos; "" if the runs do not agree on it to the printed digits."""
    known = {
        printed(value, head.decimals)
        for estimate in estimates
        if (value := estimate.details.get("reference")) is not None and estimate.n == head.cases
    }
    return known.pop() if len(known) == 1 else ""


def _decimals(estimates: Sequence[Estimate]) -> int:
    """Two digits of the column's median uncertainty, but at most four of its largest value."""
    largest = max((abs(e.value) for e in estimates if e.value is not None), default=0.0)
    round_off = 1e-9 * largest  # of a spread that is 0, as where all cases have one value
    spreads = sorted(spread for estimate in estimates if (spread := _spread(estimate)) > round_off)
    digits = 3 - math.floor(math.log10(largest)) if largest > 0 else 3
    if spreads:
        digits = min(digits, 1 - math.floor(math.log10(spreads[len(spreads) // 2])))
    return min(max(digits, 0), 8)


def _spread(estimate: Estimate) -> float:
    if estimate.low is not None and estimate.high is not None:
        return (estimate.high - estimate.low) / 2
    return estimate.se or 0.0
