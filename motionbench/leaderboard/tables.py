"""Measured tables: entries that share dataset, profile, protocol and metrics, side by side, with what is best marked.

Only like numbers meet: a table holds runs of one dataset identity, profile, protocol and set of metric versions. Marks
go by the printed digits, tie both ways, and are given to systems only: not to baselines, not to a metric without a
direction, not to a number that rests on fewer cases than were asked for, and not to an `fvd` of fewer than 2,000
videos, whose bias depends on the number of videos and on the system (Chong and Forsyth 2020, arXiv 1911.07023).
"""

from __future__ import annotations

import math
import typing as t
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from motionbench.canonical import dump, show
from motionbench.leaderboard.entries import BASELINES, Entry, group
from motionbench.markup import Mark
from motionbench.results import SUBSETS, Identity
from motionbench.types import Direction, Estimate

FVD_CASES = 2000  # videos; below this an fvd is shown and not ranked
HEADLINES = ("tmr", "survival")  # rows are sorted by the first of these that the table has
_LAST = ("ad", "ad_norm", "dynamic_degree", "fvd", "fvd_split", "kvd")  # columns that describe rather than rank


@dataclass(frozen=True, slots=True)
class Column:
    """metric, version, backend, unit, direction; decimals: printed digits after the point; ranked: whether it marks."""

    metric: str
    version: int
    backend: str
    unit: str
    direction: Direction
    decimals: int
    ranked: bool

    @property
    def label(self) -> str:
        """The name with its backend: a number never stands without it."""
        return f"{self.metric}[{self.backend}]"


@dataclass(frozen=True, slots=True)
class Cell:
    """estimate: the number; text: it, as printed; mark: its place among the ranked; note: why it is not ranked."""

    estimate: Estimate
    text: str
    mark: Mark
    note: str


@dataclass(frozen=True, slots=True)
class Line:
    """One system. label: unique in its table; baseline: which one it is, or ""; cells: one for each column."""

    entry: Entry
    label: str
    baseline: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """The runs of one group on one subset.

    Attributes:
        key: 8 hex digits that name the group.
        identity: of its first entry; dataset, profile, protocol and metrics are those of every entry.
        subset: "all", "single" or "multi".
        columns, lines: metrics and systems; the headline metric and the best system come first, baselines last.
        anchors: for each column what the real videos score, as printed; "" where it is not known.
        warnings: what a reader must know first.
    """

    key: str
    identity: Identity
    subset: str
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    anchors: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def cases(self) -> int:
        """How many cases the subset has."""
        return self.lines[0].cells[0].estimate.expected


def measured_tables(entries: Sequence[Entry]) -> list[Table]:
    """Return the tables of all entries, sorted by dataset, profile, group and subset (all, single, multi).

    A subset that is empty or the whole dataset gets no table of its own. The entries are sound (see `examine`).

    Raises:
        TypeError: something that is no `Entry`, such as a number that a paper reported.
    """
    groups: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        if not isinstance(entry, Entry):
            raise TypeError(f"a measured table takes entries, not {type(entry).__name__}")
        groups[group(entry.identity)].append(entry)
    tables = [
        _table(key[:8], members, subset) for key, members in groups.items() for subset in _subsets(members[0].identity)
    ]
    return sorted(tables, key=lambda table: (table.identity.dataset.name, table.identity.profile.name, table.key))


def _subsets(identity: Identity) -> list[str]:
    counts = {name: count for name, count in identity.dataset.subsets.items() if 0 < count < identity.dataset.cases}
    return ["all", *(name for name in SUBSETS if name in counts)]


def _table(key: str, members: Sequence[Entry], subset: str) -> Table:
    identity = members[0].identity
    labels = _labels(members)
    numbers = {id(m): {e.metric: e for e in m.run.estimates if e.subset == subset} for m in members}
    headline = next((metric for metric in HEADLINES if metric in identity.metrics), "")
    ordered = sorted(members, key=lambda m: (*_rank_key(m, numbers[id(m)].get(headline)), labels[id(m)]))
    columns, cells, anchors = [], [], []
    for metric in sorted(identity.metrics, key=lambda name: (name != headline, *_place(name))):
        estimates = [numbers[id(m)][metric] for m in ordered]
        column = _column(identity, metric, estimates)
        columns.append(column)
        anchors.append(_anchor(column, estimates))
        cells.append(_cells(column, estimates, [bool(m.baseline) for m in ordered]))
    lines = tuple(
        Line(member, labels[id(member)], member.baseline, tuple(column[row] for column in cells))
        for row, member in enumerate(ordered)
    )
    return Table(key, identity, subset, tuple(columns), lines, tuple(anchors), _warnings(columns, lines))


def _place(metric: str) -> tuple[int, str]:
    return _LAST.index(metric) + 1 if metric in _LAST else 0, metric


def _rank_key(entry: Entry, headline: Estimate | None) -> tuple[int, float]:
    """Systems by the headline, those without a full one after them, the baselines last in their fixed order."""
    if entry.baseline:
        return 2 + BASELINES.index(entry.baseline), 0.0
    if headline is None or headline.value is None or headline.n < headline.expected:
        return 1, 0.0
    return 0, headline.value if headline.direction == "lower" else -headline.value


def _labels(members: Sequence[Entry]) -> dict[int, str]:
    """Return a name for each entry; where names look the same, what tells them apart is added."""
    names = {id(m): show(m.identity.system.name, 60) for m in members}
    for differs in (_seed, _options, _id):
        counts = Counter(names.values())
        twins = [m for m in members if counts[names[id(m)]] > 1]
        for shared in {names[id(m)] for m in twins}:
            same = [m for m in twins if names[id(m)] == shared]
            if len({differs(m) for m in same}) > 1:
                names.update({id(m): f"{shared} ({differs(m)})" for m in same})
    return names


def _seed(entry: Entry) -> str:
    return f"seed {entry.identity.seed}"


def _options(entry: Entry) -> str:
    return show(dump(entry.identity.system.options, indent=None).decode().strip(), 80)


def _id(entry: Entry) -> str:
    return f"run {entry.record.run_id}"


def _column(identity: Identity, metric: str, estimates: Sequence[Estimate]) -> Column:
    first = estimates[0]
    return Column(
        metric=metric,
        version=identity.metrics[metric].version,
        backend=first.backend,
        unit=first.unit,
        direction=first.direction,
        decimals=_decimals(estimates),
        ranked=first.direction != "none" and not (metric == "fvd" and first.expected < FVD_CASES),
    )


def _decimals(estimates: Sequence[Estimate]) -> int:
    """Two digits of the column's median uncertainty; where none is known, four digits of its largest value."""
    largest = max((abs(e.value) for e in estimates if e.value is not None), default=0.0)
    round_off = 1e-9 * largest  # of a spread that is 0, as where all cases have one value
    spreads = sorted(spread for estimate in estimates if (spread := _spread(estimate)) > round_off)
    if spreads:
        digits = 1 - math.floor(math.log10(spreads[len(spreads) // 2]))
    elif largest > 0:
        digits = 3 - math.floor(math.log10(largest))
    else:
        digits = 3
    return min(max(digits, 0), 8)


def _spread(estimate: Estimate) -> float:
    if estimate.low is not None and estimate.high is not None:
        return (estimate.high - estimate.low) / 2
    return estimate.se or 0.0


def _cells(column: Column, estimates: Sequence[Estimate], baselines: Sequence[bool]) -> list[Cell]:
    ranked = [
        column.ranked and not baseline and estimate.value is not None and estimate.n == estimate.expected
        for estimate, baseline in zip(estimates, baselines, strict=True)
    ]
    printed = [_printed(e.value, column.decimals) for e in estimates]
    sign = -1 if column.direction == "lower" else 1
    places = sorted({sign * float(p) for p, counts in zip(printed, ranked, strict=True) if counts}, reverse=True)
    marks: dict[float, Mark] = dict(zip(places, t.get_args(Mark), strict=False)) if sum(ranked) > 1 else {}
    return [
        Cell(
            estimate=estimate,
            text=_text(estimate, column.decimals),
            mark=marks.get(sign * float(number), "") if counts else "",
            note="" if counts else _unranked(column, estimate, baseline),
        )
        for estimate, number, counts, baseline in zip(estimates, printed, ranked, baselines, strict=True)
    ]


def _printed(value: float | None, decimals: int) -> str:
    # "-0.00" and "0.00" are one number to a reader.
    return "nan" if value is None else f"{round(value, decimals) + 0.0:.{decimals}f}"


def _text(estimate: Estimate, decimals: int) -> str:
    if estimate.value is None:
        return "n/a"
    text = _printed(estimate.value, decimals)
    if estimate.low is not None and estimate.high is not None:
        text += f" [{_printed(estimate.low, decimals)}, {_printed(estimate.high, decimals)}]"
    elif estimate.se is not None:
        text += f" ± {_printed(estimate.se, decimals)}"
    if estimate.n < estimate.expected:
        text += f" ({estimate.n} of {estimate.expected})"
    return text


def _unranked(column: Column, estimate: Estimate, baseline: bool) -> str:
    if estimate.value is None:
        return estimate.reason or "no value"
    if baseline:
        return "baseline"
    if estimate.n < estimate.expected:
        return f"{estimate.n} of {estimate.expected} cases: {estimate.reason}"
    return "no direction" if column.direction == "none" else f"fewer than {FVD_CASES} videos"


def _anchor(column: Column, estimates: Sequence[Estimate]) -> str:
    """What the same metric says of the real videos; "" if the entries do not agree on it to the printed digits."""
    known = {
        _printed(value, column.decimals)
        for estimate in estimates
        if (value := estimate.details.get("reference")) is not None and estimate.n == estimate.expected
    }
    return known.pop() if len(known) == 1 else ""


def _warnings(columns: Sequence[Column], lines: Sequence[Line]) -> tuple[str, ...]:
    """Rows that are copies, and metrics that a picture that stands still wins."""
    topped = []
    for index, column in enumerate(columns):
        sign = -1 if column.direction == "lower" else 1
        full = [(line, line.cells[index].estimate) for line in lines]
        numbers = [(line.baseline, e.value) for line, e in full if e.value is not None and e.n == e.expected]
        static = [sign * value for baseline, value in numbers if baseline == "static"]
        others = [sign * value for baseline, value in numbers if not baseline]
        if column.direction != "none" and static and others and max(static) >= max(others):
            topped.append(column.label)
    gameable = f"The static baseline tops {', '.join(topped)}: what a still picture wins says nothing of motion"
    return (*_copies(lines), *([gameable] if topped else []))


def _copies(lines: Sequence[Line]) -> list[str]:
    """Systems with the same rows and values: one set of videos under several names, or seeds that change nothing."""
    same: dict[tuple[str, tuple[float | None, ...]], list[str]] = defaultdict(list)
    for line in lines:
        values = tuple(cell.estimate.value for cell in line.cells)
        if any(value is not None for value in values):
            same[line.entry.run.cases_sha256, values].append(line.label)
    return [f"The same scores in every case: {', '.join(labels)}" for labels in same.values() if len(labels) > 1]
