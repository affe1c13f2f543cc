"""The systems in one metric: each on its own cases, against the baseline, and their ranks."""

from __future__ import annotations

import dataclasses
import typing as t
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from motionbench.comparison.nouns import MetricComparison, Standing, Subset
from motionbench.results import RunFile
from motionbench.stats import RankSet, holm, mean_interval, paired_difference, rank_sets
from motionbench.types import Direction, Estimate

Scores = Mapping[str, float]  # value by case id


class _Labels(t.TypedDict):
    strata: list[str]
    clusters: list[str] | None


@dataclass(frozen=True, slots=True)
class Judge:
    """Compares the systems on one subset."""

    labels: Sequence[str]
    first: int  # the baseline
    subset: Subset
    inside: set[str]
    subset_of: Mapping[str, str]
    clusters: Mapping[str, str] | None
    seed: int

    def metric(self, metric: str, runs: Sequence[RunFile], scores: Sequence[Scores]) -> MetricComparison:
        """Compare the systems in one metric; `scores` has one table for each run."""
        estimates = [self._estimate(run, metric) for run in runs]
        sample = next((e for e in estimates if e is not None), None)
        direction: Direction = sample.direction if sample else "none"
        own = [{case: table[case] for case in sorted(self.inside & table.keys())} for table in scores]
        cases = sorted({case for table in own for case in table})
        ranked = bool(cases) and direction != "none"
        if cases:
            standings = [self._own(label, table, len(cases)) for label, table in zip(self.labels, own, strict=True)]
        else:
            standings = [_of_set(label, e) for label, e in zip(self.labels, estimates, strict=True)]
        if ranked:
            standings = self._tested(standings, own, cases, higher=direction == "higher")
        return MetricComparison(
            metric=metric,
            backend=runs[0].identity.metrics[metric].backend,
            unit=sample.unit if sample else "",
            direction=direction,
            subset=self.subset,
            cases=len(cases) or max((e.n for e in estimates if e), default=0),
            ranked=ranked,
            standings=tuple(standings),
        )

    def _estimate(self, run: RunFile, metric: str) -> Estimate | None:
        return next((e for e in run.estimates if (e.metric, e.subset) == (metric, self.subset)), None)

    def _units(self, cases: Iterable[str]) -> _Labels:
        """Strata and clusters of some cases."""
        ids = list(cases)
        # A case id cannot be mistaken for a cluster's name: they get different first characters.
        names = [f"c{self.clusters[c]}" if c in self.clusters else f"-{c}" for c in ids] if self.clusters else None
        return {"strata": [self.subset_of[c] for c in ids], "clusters": names}

    def _own(self, label: str, table: Scores, cases: int) -> Standing:
        found = mean_interval(list(table.values()), self.seed, **self._units(table))
        missing = f"{len(table)} of {cases} cases, not ranked" if len(table) < cases else ""
        note = "; ".join(part for part in (missing, found.reason) if part)
        return Standing(label, found.value, found.low, found.high, found.se, len(table), note=note)

    def _tested(
        self, standings: list[Standing], own: Sequence[Scores], cases: Sequence[str], *, higher: bool
    ) -> list[Standing]:
        full = [i for i, table in enumerate(own) if len(table) == len(cases)]
        ranks: dict[int, RankSet] = {}
        if len(full) > 1:
            matrix = np.array([[own[i][case] for i in full] for case in cases])
            sets = rank_sets(matrix, self.seed, higher_is_better=higher, **self._units(cases))
            ranks = dict(zip(full, sets, strict=True)) if sets else {}
        base = own[self.first]
        result = []
        for i, (standing, table) in enumerate(zip(standings, own, strict=True)):
            both = [case for case in table if case in base]
            difference = None
            if i != self.first and both:
                a, b = [table[case] for case in both], [base[case] for case in both]
                difference = paired_difference(a, b, self.seed, higher_is_better=higher, **self._units(both))
            result.append(dataclasses.replace(standing, ranks=ranks.get(i), difference=difference))
        return result


def _of_set(label: str, estimate: Estimate | None) -> Standing:
    """A distance between sets, as the run has it."""
    if estimate is None:
        return Standing(label, None, None, None, None, 0, note="not measured on this subset")
    floor, floor_n = estimate.details.get("floor"), estimate.details.get("floor_n")
    return Standing(
        system=label,
        value=estimate.value,
        low=estimate.low,
        high=estimate.high,
        se=estimate.se,
        n=estimate.n,
        floor=floor,
        floor_n=None if floor_n is None else int(floor_n),
        note=estimate.reason,
    )


def adjust(block: Sequence[MetricComparison]) -> tuple[list[MetricComparison], int]:
    """Adjust all p-values of one subset; return the metrics with them, and how many tests there were."""
    tests = [s.difference.p for m in block for s in m.standings if s.difference is not None]
    adjusted = iter(holm(tests))
    result = []
    for metric in block:
        standings = tuple(
            dataclasses.replace(s, adjusted_p=next(adjusted)) if s.difference is not None else s
            for s in metric.standings
        )
        result.append(dataclasses.replace(metric, standings=standings))
    return result, len(tests)
