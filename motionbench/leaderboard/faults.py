"""What can be wrong with one run before it may stand on a board: holes, and numbers that cannot be or do not add up."""

from __future__ import annotations

import typing as t
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from motionbench.canonical import dump, show
from motionbench.leaderboard.arithmetic import Tally, count_faults, number_faults, out_of_range
from motionbench.leaderboard.entries import BASELINES
from motionbench.leaderboard.scores import LARGEST, EntryScores, Gathering
from motionbench.results import SUBSETS, RunFile
from motionbench.types import Row

LONGEST = 200  # characters of a name; what is longer is no name


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found in a run.

    Attributes:
        faults: one line each, in a fixed order; none for a run that may stand on a board.
        cases: subset by case id.
        scores: what its rows hold, so that they need not be read again.
    """

    faults: tuple[str, ...]
    cases: Mapping[str, str]
    scores: EntryScores


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
    faults += _long_names(run)
    subsets: dict[str, str] = {}
    gathering = Gathering()
    tallies, row_faults = _count(run, subsets, gathering)
    return Findings((*faults, *row_faults, *_estimate_faults(run, tallies)), subsets, gathering.scores())


def _count(
    run: RunFile, subsets: dict[str, str], gathering: Gathering
) -> tuple[dict[tuple[str, str], Tally], list[str]]:
    """Tally the rows by metric and subset, and fill `subsets` by case id."""
    tallies: dict[tuple[str, str], Tally] = defaultdict(Tally)
    rows_of_case: Counter[str] = Counter()
    faults: list[str] = []
    for row in run.rows():
        gathering.take(row)
        if subsets.setdefault(row.case_id, row.subset) != row.subset:
            faults.append(f"case {show(row.case_id)!r} is in two subsets")
        if row.metric not in run.identity.metrics:
            faults.append(
                f"case {show(row.case_id)!r} has a row of {show(row.metric)!r}, which the run did not measure"
            )
            continue
        rows_of_case[row.case_id] += 1
        if len(row.case_id) > LONGEST or len(row.note) > 10 * LONGEST:
            faults.append(f"case {show(row.case_id, 60)!r}: an id of more than {LONGEST} or a note of more characters")
        if row.status in ("missing", "failed"):
            faults.append(f"case {show(row.case_id)!r}, {show(row.metric)}: {row.status}")
        value, fault = _value(row)
        if fault:
            faults.append(fault)
        for subset in ("all", row.subset):
            tallies[row.metric, subset].count(row, value)
    faults += _case_faults(run, subsets, rows_of_case)
    if not run.identity.metrics:
        faults.append("the run measures nothing")
    return tallies, faults


def _value(row: Row) -> tuple[float | None, str]:
    raw = row.values.get("value")
    if row.status != "ok" or raw is None:
        return None, ""
    if isinstance(raw, bool) or not isinstance(raw, (int, float)) or abs(raw) > LARGEST:
        return None, f"case {show(row.case_id)!r}, {show(row.metric)}: the value {show(repr(raw), 40)} is no number"
    # Most values are possible, and to escape names for a message that nobody reads took longer than to look.
    if not out_of_range(row.metric, float(raw), ""):
        return float(raw), ""
    return float(raw), out_of_range(row.metric, float(raw), f"case {show(row.case_id)!r}, {show(row.metric)}")


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


def _estimate_faults(run: RunFile, tallies: Mapping[tuple[str, str], Tally]) -> Iterator[str]:
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
        yield from number_faults(estimate, where)
        yield from count_faults(estimate, tallies.get(key, Tally()), where)
    for metric_id in sorted(run.identity.metrics):
        for subset in SUBSETS:
            wanted = subset == "all" or run.identity.dataset.subsets.get(t.cast(t.Any, subset), 0) > 0
            if wanted and (metric_id, subset) not in seen:
                yield f"{show(metric_id)} ({subset}): no estimate"


def _long_names(run: RunFile) -> Iterator[str]:
    """Names that are no names: they would be shown in every table."""
    identity = run.identity
    names = {"system": identity.system.name, "dataset": identity.dataset.name, "profile": identity.profile.name}
    names |= {"dataset version": identity.dataset.version}
    names |= {f"metric {index}": f"{metric}[{m.backend}]" for index, (metric, m) in enumerate(identity.metrics.items())}
    for kind, name in names.items():
        if not name.strip() or len(name) > LONGEST:
            yield f"the {kind} has a name of {len(name)} characters: {show(name, 40)!r}; 1 to {LONGEST} are allowed"
    if len(dump(identity.system.options)) > 20 * LONGEST:
        yield f"the system's options are more than {20 * LONGEST} characters"


def repeated_videos(run: RunFile, videos: Mapping[str, str]) -> str:
    """Return in one line which cases share one video, or "": one video cannot answer two cases.

    The baselines are let off: a still picture is the same where two cases start from one picture.
    """
    if run.identity.system.source in BASELINES:
        return ""
    by_hash: dict[str, list[str]] = defaultdict(list)
    for case, digest in sorted(videos.items()):
        by_hash[digest].append(case)
    for cases in by_hash.values():
        if len(cases) > 1:
            return f"{len(cases)} cases have one and the same video: {', '.join(show(c, 60) for c in cases[:3])}"
    return ""


def _first(reasons: tuple[str, ...]) -> str:
    return show(reasons[0]) if reasons else "it gives no reason"
