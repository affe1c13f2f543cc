"""What a comparison consists of."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping
from dataclasses import dataclass

from motionbench.records import Identity
from motionbench.stats import Difference, RankSet
from motionbench.types import Direction

Subset = t.Literal["all", "single", "multi"]


@dataclass(frozen=True, slots=True)
class Standing:
    """One system in one metric.

    Attributes:
        system: its label.
        value, low, high, se: the metric's value on the system's own cases, its interval and standard error.
        n: cases with a value.
        ranks: the ranks that it may truly have; None where it is not ranked.
        difference: the system minus the baseline on the cases that both have; None for the baseline and where nothing
            is tested.
        adjusted_p: the test's p-value, adjusted by Holm for the whole family.
        floor, floor_n: of `fvd`, what random halves of the real videos score, and how many videos a half has.
        note: why a value or a rank is missing, or what to know before reading it.
    """

    system: str
    value: float | None
    low: float | None
    high: float | None
    se: float | None
    n: int
    ranks: RankSet | None = None
    difference: Difference | None = None
    adjusted_p: float | None = None
    floor: float | None = None
    floor_n: int | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class MetricComparison:
    """All systems in one metric on one subset.

    `cases` is how many cases the metric has; `ranked` says whether it has ranks and tests; `standings` are in the order
    of the systems.
    """

    metric: str
    backend: str
    unit: str
    direction: Direction
    subset: Subset
    cases: int
    ranked: bool
    standings: tuple[Standing, ...]

    @property
    def label(self) -> str:
        """The metric with its backend."""
        return f"{self.metric}[{self.backend}]" if self.backend else self.metric


@dataclass(frozen=True, slots=True)
class Comparison:
    """What `compare` returns.

    Attributes:
        systems: labels in the order of the runs.
        baseline: the label that the others are tested against.
        identity: of the baseline's run; dataset, profile and protocol are those of every run.
        metrics: one entry for each subset and metric.
        family: the number of tests in each subset's family.
        warnings: what a reader must know first.
    """

    systems: tuple[str, ...]
    baseline: str
    identity: Identity
    metrics: tuple[MetricComparison, ...]
    family: Mapping[str, int]
    warnings: tuple[str, ...]
