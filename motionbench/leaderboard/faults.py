"""What can be wrong with one run before it may stand on a board: holes, and numbers that cannot be or do not add up."""

from __future__ import annotations

import math
import typing as t
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from motionbench.canonical import show
from motionbench.results import SUBSETS, RunFile
from motionbench.types import Estimate, Row

TOLERANCE = 1e-9  # of a mean that is computed anew, relative where the mean is above 1
MIN_INTERVAL = 8  # fewer cases carry no interval

# Closed ranges by metric id. A metric that is not here may take any finite value.
RANGES: Mapping[str, tuple[float, float]] = {
    "fvd": (-1e-6, math.inf),  # the Fréchet distance of a set to itself is 0 up to round-off
    "ad": (0.0, math.inf),
    "ad_norm": (0.0, math.inf),
    "warp_error": (0.0, math.inf),
    "flicker": (0.0, 1.0),
    "dynamic_degree": (0.0, 1.0),
    "survival": (0.0, 1.0),
    "tmr": (0.0, 1.0),
    "tmr_worst": (0.0, 1.0),
    "first_frame": (-1.0, 1.0),
    "cf": (-1.0, 1.0),
    "clip_t": (-1.0, 1.0),
    "clip_t_object": (-1.0, 1.0),
    "viclip_t": (-1.0, 1.0),
    "viclip_v": (-1.0, 1.0),
}
_ROUND_OFF = 1e-6


@dataclass(slots=True)
class _Tally:
    """Rows of one metric in one subset. `values` are those of the "ok" rows, None where a row has none."""

    rows: int = 0
    values: list[float | None] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Findings:
    """faults: one line each, in a fixed order, none for a run that may stand on a board; cases: subset by case id."""

    faults: tuple[str, ...]
    cases: Mapping[str, str]


def examine(run: RunFile) -> Findings:
    """Read a run's rows once and hold its numbers against them.

    Raises:
        DataError: cases.jsonl is missing.
        SchemaError: cases.jsonl has another hash, or a line that breaks the schema.
    """
    faults = []
    if run.status != "complete":
        faults.append(f"the run is {run.status}: {_first(run.reasons)}")
    if not run.official:
        faults.append(f"the run is unofficial: {_first(run.reasons)}")
    subsets: dict[str, str] = {}
    tallies, row_faults = _count(run, subsets)
    return Findings((*faults, *row_faults, *_estimate_faults(run, tallies)), subsets)


def _count(run: RunFile, subsets: dict[str, str]) -> tuple[dict[tuple[str, str], _Tally], list[str]]:
    """Tally the rows by metric and subset, and fill `subsets` by case id."""
    tallies: dict[tuple[str, str], _Tally] = defaultdict(_Tally)
    rows_of_case: Counter[str] = Counter()
    faults: list[str] = []
    for row in run.rows():
        if subsets.setdefault(row.case_id, row.subset) != row.subset:
            faults.append(f"case {show(row.case_id)!r} is in two subsets")
        if row.metric not in run.identity.metrics:
            faults.append(
                f"case {show(row.case_id)!r} has a row of {show(row.metric)!r}, which the run did not measure"
            )
            continue
        rows_of_case[row.case_id] += 1
        if row.status in ("missing", "failed"):
            faults.append(f"case {show(row.case_id)!r}, {show(row.metric)}: {row.status}")
        value, fault = _value(row)
        if fault:
            faults.append(fault)
        for subset in ("all", row.subset):
            tally = tallies[row.metric, subset]
            tally.rows += 1
            if row.status == "ok":
                tally.values.append(value)
    faults += _case_faults(run, subsets, rows_of_case)
    if not run.identity.metrics:
        faults.append("the run measures nothing")
    return tallies, faults


def _value(row: Row) -> tuple[float | None, str]:
    raw = row.values.get("value")
    if row.status != "ok" or raw is None:
        return None, ""
    where = f"case {show(row.case_id)!r}, {show(row.metric)}"
    if isinstance(raw, bool) or not isinstance(raw, (int, float)) or abs(raw) > 1e300:
        return None, f"{where}: the value {show(repr(raw), 40)} is no number"
    return float(raw), _out_of_range(row.metric, float(raw), where)


def _case_faults(run: RunFile, subsets: Mapping[str, str], rows_of_case: Mapping[str, int]) -> list[str]:
    dataset, metrics = run.identity.dataset, len(run.identity.metrics)
    faults = []
    if len(subsets) != dataset.cases:
        faults.append(f"{len(subsets)} cases have rows, but the dataset has {dataset.cases}")
    found = Counter(subsets.values())
    for name, expected in sorted(dataset.subsets.items()):
        if found[name] != expected:
            faults.append(f"{found[name]} cases of the subset {name} have rows, but the dataset has {expected}")
    if sum(dataset.subsets.values()) != dataset.cases:
        faults.append(f"the dataset's subsets do not add up to its {dataset.cases} cases")
    # cases.jsonl holds no case and metric twice, so a count tells whether a metric is missing.
    holes = [case for case in sorted(subsets) if rows_of_case[case] != metrics]
    if holes:
        faults.append(f"{len(holes)} cases lack rows of some metric, the first is {show(holes[0])!r}")
    return faults


def _estimate_faults(run: RunFile, tallies: Mapping[tuple[str, str], _Tally]) -> Iterator[str]:
    seen: set[tuple[str, str]] = set()
    for estimate in run.estimates:
        key, where = (estimate.metric, estimate.subset), f"{show(estimate.metric)} ({estimate.subset})"
        if key in seen:
            yield f"{where}: two estimates"
        seen.add(key)
        metric = run.identity.metrics.get(estimate.metric)
        if metric is None or metric.backend != estimate.backend:
            yield f"{where}: the run's identity has no such metric with the backend {show(estimate.backend)!r}"
            continue
        yield from _number_faults(estimate, where)
        yield from _count_faults(estimate, tallies.get(key, _Tally()), where)
    for metric_id in sorted(run.identity.metrics):
        for subset in SUBSETS:
            wanted = subset == "all" or run.identity.dataset.subsets.get(t.cast(t.Any, subset), 0) > 0
            if wanted and (metric_id, subset) not in seen:
                yield f"{show(metric_id)} ({subset}): no estimate"


def _number_faults(estimate: Estimate, where: str) -> Iterator[str]:
    value, low, high, se = estimate.value, estimate.low, estimate.high, estimate.se
    if value is None:
        if estimate.status == "ok" and not estimate.reason:
            yield f"{where}: no value and no reason"
        if (low, high, se) != (None, None, None):
            yield f"{where}: an interval or error without a value"
        return
    if estimate.status != "ok":
        yield f"{where}: a value, but the status {estimate.status}"
    if fault := _out_of_range(estimate.metric, value, where):
        yield fault
    if se is not None and se < 0:
        yield f"{where}: the standard error {se!r} is negative"
    if (low is None) != (high is None):
        yield f"{where}: half an interval"
    if low is not None and high is not None:
        if low > high:
            yield f"{where}: the interval [{low!r}, {high!r}] is upside down"
        if estimate.n < MIN_INTERVAL:
            yield f"{where}: an interval from {estimate.n} cases; below {MIN_INTERVAL} there is none"


def _count_faults(estimate: Estimate, tally: _Tally, where: str) -> Iterator[str]:
    if estimate.expected != tally.rows:
        yield f"{where}: expected is {estimate.expected}, but cases.jsonl has {tally.rows} rows"
    if estimate.n != len(tally.values):
        yield f"{where}: n is {estimate.n}, but cases.jsonl has {len(tally.values)} scored cases"
    if estimate.value is not None and not tally.values:
        yield f"{where}: a value without a scored case"
    # A metric of whole sets has no value for a case; any other is the mean of its cases.
    numbers = [value for value in tally.values if value is not None]
    if not numbers or estimate.value is None:
        return
    if len(numbers) < len(tally.values):
        yield f"{where}: only {len(numbers)} of {len(tally.values)} scored cases have a value"
        return
    mean = math.fsum(numbers) / len(numbers)
    if abs(mean - estimate.value) > TOLERANCE * max(1.0, abs(mean)):
        yield f"{where}: the value is {estimate.value!r}, but the mean over cases.jsonl is {mean!r}"


def _out_of_range(metric: str, value: float, where: str) -> str:
    low, high = RANGES.get(metric, (-math.inf, math.inf))
    if low - _ROUND_OFF <= value <= high + _ROUND_OFF:
        return ""
    return f"{where}: the value {value!r} is impossible (range {low:g} to {high:g})"


def _first(reasons: tuple[str, ...]) -> str:
    return show(reasons[0]) if reasons else "it gives no reason"
