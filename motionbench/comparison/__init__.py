"""Two or more runs side by side: paired tests by case, ranks that the cases can carry, and what was not ruled out.

Only like numbers meet: the runs share dataset, profile, protocol and, for every metric, version, backend and weights.
A metric with a value for each case is compared case by case (`motionbench.stats`); a distance between sets of videos is
shown with its own error and is never ranked. The cases of a metric are those in which at least one run has a value. A
run without a value in some of them is shown on its own cases, compared with the baseline on those that both have, and
not ranked.

The family of the Holm adjustment is every test of one subset: all systems against the baseline, in all metrics asked
for. Name the metrics beforehand: a family chosen after looking promises nothing.
"""

from __future__ import annotations

import csv
import io
import typing as t
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from motionbench.canonical import read_bytes, show
from motionbench.comparison.alike import baseline_of, labels_of, metrics_of
from motionbench.comparison.judge import Judge, adjust
from motionbench.comparison.nouns import Comparison, MetricComparison, Standing, Subset
from motionbench.comparison.warnings import partial, still
from motionbench.errors import ConfigError, DataError
from motionbench.results import SUBSETS, RunFile, read_run
from motionbench.types import Row

__all__ = ["Comparison", "MetricComparison", "Standing", "case_values", "compare", "read_clusters"]

Scores = dict[str, float]  # value by case id


def compare(
    runs: Sequence[str | Path],
    *,
    baseline: str | None = None,
    metrics: Sequence[str] | None = None,
    subsets: Sequence[Subset] = ("all",),
    clusters: Mapping[str, str] | None = None,
    seed: int = 0,
) -> Comparison:
    """Compare runs of like identity, case by case.

    Args:
        runs: two or more run folders (or their run.json).
        baseline: the name of the system that the others are tested against; the first run by default.
        metrics: metric ids, the declared family; by default all that the runs share.
        subsets: "all", "single" or "multi", each with a family of its own.
        clusters: case id to the source video that it was cut from; cases that are not listed stand alone.
        seed: seed of the bootstrap and the permutation test.

    Raises:
        ConfigError: fewer than two runs, unlike runs, or a baseline, metric or subset that there is not.
        DataError, SchemaError: a run is missing or breaks its schema.
    """
    if len(runs) < 2:
        raise ConfigError("a comparison needs at least two runs", "motionbench compare RUN_A RUN_B")
    found = [read_run(Path(run)) for run in runs]
    labels = labels_of(found)
    first = baseline_of(found, labels, baseline)
    chosen = metrics_of(found, labels, metrics)
    tables = [_scores(run, chosen) for run in found]
    subset_of = {case: subset for table in tables for case, subset in table.subsets.items()}
    blocks: list[MetricComparison] = []
    family: dict[str, int] = {}
    for subset in dict.fromkeys(subsets):
        if subset not in SUBSETS:
            raise ConfigError(f"there is no subset {subset!r}", f"subsets are {', '.join(SUBSETS)}")
        inside = {case for case, own in subset_of.items() if subset in ("all", own)}
        if not inside:
            raise ConfigError(f"the runs have no case in the subset {subset!r}", "motionbench compare --subset all")
        judge = Judge(labels, first, subset, inside, subset_of, clusters, seed)
        block = [judge.metric(metric, found, [table.values[metric] for table in tables]) for metric in chosen]
        adjusted, family[subset] = adjust(block)
        blocks += adjusted
    warnings = (*partial(found, labels), *still(found, blocks))
    return Comparison(tuple(labels), labels[first], found[first].identity, tuple(blocks), family, warnings)


def case_values(runs: Sequence[str | Path], metrics: Sequence[str] | None = None) -> dict[str, dict[str, Scores]]:
    """Read the values of runs of like identity by metric, system and case, so that higher is better.

    Values of a metric whose lower values are better are negated; metrics without a better direction and distances
    between sets are left out.

    Args:
        runs: one run folder or more, each of another system.
        metrics: metric ids; by default all that the runs share.

    Raises:
        ConfigError: no run, unlike runs, two runs of one name, or no metric is left.
        DataError, SchemaError: a run is missing or breaks its schema.
    """
    found = [read_run(Path(run)) for run in runs]
    names = [run.identity.system.name for run in found]
    if not found or len(set(names)) < len(names):
        raise ConfigError("each system needs one run, and its name is how votes call it", "give one run of each")
    chosen = metrics_of(found, labels_of(found), metrics)
    tables = [_scores(run, chosen) for run in found]
    result: dict[str, dict[str, Scores]] = {}
    for metric in chosen:
        direction = next((e.direction for e in found[0].estimates if e.metric == metric), "none")
        sign = {"higher": 1.0, "lower": -1.0, "none": 0.0}[direction]
        if sign and any(table.values[metric] for table in tables):
            result[metric] = {
                name: {case: sign * value for case, value in table.values[metric].items()}
                for name, table in zip(names, tables, strict=True)
            }
    if not result:
        raise ConfigError("none of the metrics has a value for each case and a better direction", "name others")
    return result


def read_clusters(path: Path) -> dict[str, str]:
    """Read which cases were cut from one source video: a CSV file with the columns case_id and cluster.

    Raises:
        DataError: the file cannot be read, or a line is not one case and one cluster; the message names the line.
    """
    try:
        lines = csv.reader(io.StringIO(read_bytes(path).decode("utf-8-sig"), newline=""), strict=True)
        rows = [(lines.line_num, row) for row in lines if row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{show(path)} is no CSV file: {show(error)}", "columns: case_id,cluster") from error
    if not rows or rows[0][1] != ["case_id", "cluster"]:
        raise DataError(f"{show(path)} does not start with case_id,cluster", "give the columns these names")
    found: dict[str, str] = {}
    for number, row in rows[1:]:
        if len(row) != 2 or not row[0] or not row[1]:
            raise DataError(f"{show(path)} line {number}: expected one case and one cluster")
        if row[0] in found:
            raise DataError(f"{show(path)} line {number}: the case {show(row[0])!r} comes twice")
        found[row[0]] = row[1]
    return found


@dataclass(frozen=True, slots=True)
class _Scores:
    """A run's values by metric and case, and each case's subset."""

    values: dict[str, Scores]
    subsets: dict[str, str]


def _scores(run: RunFile, metrics: Sequence[str]) -> _Scores:
    found = _Scores({metric: {} for metric in metrics}, {})
    for row in run.rows():
        found.subsets[row.case_id] = row.subset
        if row.metric in found.values and (value := _value(row)) is not None:
            found.values[row.metric][row.case_id] = value
    return found


def _value(row: Row) -> float | None:
    value = row.values.get("value")
    usable = row.status == "ok" and isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(t.cast(float, value)) if usable else None
