"""Measured tables: entries that share dataset, profile, protocol and metrics, side by side, with what is best marked.

Only like numbers meet: a table holds runs of one dataset identity, profile, protocol and set of metric versions. Marks
are sets: bold are all systems that no other one certainly beats (see `motionbench.leaderboard.standing`), underlined
those with the next best possible rank. Not ranked are baselines, a metric without a direction, a system that lacks
cases that others have, fewer than 8 cases, and an `fvd` of fewer than 2,000 videos, whose bias depends on the number of
videos and on the system (Chong and Forsyth 2020, arXiv 1911.07023).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from motionbench.canonical import dump, show
from motionbench.leaderboard.columns import Cell, Column, anchor, column
from motionbench.leaderboard.entries import BASELINES, Entry, group
from motionbench.leaderboard.scores import EntryScores, read_scores
from motionbench.records import Identity
from motionbench.report import labels
from motionbench.results import SUBSETS
from motionbench.types import Estimate

HEADLINES = ("tmr", "survival")  # rows are sorted by the first of these that the table has


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
        cases: how many cases the subset has.
        columns, lines: metrics and systems; the headline metric and the best system come first, baselines last.
        anchors: for each column what the real videos score, as printed; "" where it is not known.
        warnings: what a reader must know first.
        scores: what the lines rest on, in their order.
    """

    key: str
    identity: Identity
    subset: str
    cases: int
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    anchors: tuple[str, ...]
    warnings: tuple[str, ...]
    scores: tuple[EntryScores, ...]

    @property
    def shown(self) -> list[int]:
        """Columns that hold a number; a note names the others."""
        return [
            index
            for index in range(len(self.columns))
            if any(line.cells[index].estimate.value is not None for line in self.lines)
        ]

    @property
    def headline(self) -> str:
        """The label of the metric that the lines are sorted by, or ""."""
        return self.columns[0].label if self.columns[0].metric in HEADLINES else ""


def measured_tables(entries: Sequence[Entry], known: Mapping[Path, EntryScores] | None = None) -> list[Table]:
    """Return the tables of all entries, sorted by dataset, profile, group and subset (all, single, multi).

    A subset that is empty or the whole dataset gets no table of its own. The entries are sound (see `examine`). `known`
    are the scores of entries whose rows have been read already, by folder.

    Raises:
        TypeError: something that is no `Entry`, such as a number that a paper reported.
        DataError, SchemaError: an entry's rows cannot be read.
    """
    groups: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        if not isinstance(entry, Entry):
            raise TypeError(f"a measured table takes entries, not {type(entry).__name__}")
        groups[group(entry.identity)].append(entry)
    tables = []
    for key, members in groups.items():
        scores = {m.folder: known[m.folder] if known and m.folder in known else read_scores(m) for m in members}
        tables += [_table(key[:8], members, scores, subset) for subset in subsets(members[0].identity)]
    return sorted(tables, key=lambda table: (table.identity.dataset.name, table.identity.profile.name, table.key))


def subsets(identity: Identity) -> list[str]:
    """Return the subsets that get a table: "all", and those that are neither empty nor the whole data set."""
    counts = {name: count for name, count in identity.dataset.subsets.items() if 0 < count < identity.dataset.cases}
    return ["all", *(name for name in SUBSETS if name in counts)]


def _table(key: str, members: Sequence[Entry], scores: Mapping[Path, EntryScores], subset: str) -> Table:
    identity = members[0].identity
    names = _labels(members)
    numbers = {id(m): {e.metric: e for e in m.run.estimates if e.subset == subset} for m in members}
    headline = next((metric for metric in HEADLINES if metric in identity.metrics), "")
    ordered = sorted(members, key=lambda m: (*_rank_key(m, numbers, headline), names[id(m)]))
    own = [scores[m.folder].of_subset(subset) for m in ordered]
    columns, cells, anchors = [], [], []
    for metric in sorted(identity.metrics, key=lambda name: (name != headline, labels.order(name))):
        estimates = [numbers[id(m)][metric] for m in ordered]
        head, found = column(
            identity,
            metric,
            estimates,
            [values.get(metric, {}) for values in own],
            [bool(m.baseline) for m in ordered],
            scores[ordered[0].folder].subsets,
        )
        columns.append(head)
        cells.append(found)
        anchors.append(anchor(head, estimates))
    lines = tuple(
        Line(member, names[id(member)], member.baseline, tuple(column[row] for column in cells))
        for row, member in enumerate(ordered)
    )
    return Table(
        key=key,
        identity=identity,
        subset=subset,
        cases=lines[0].cells[0].estimate.expected,
        columns=tuple(columns),
        lines=lines,
        anchors=tuple(anchors),
        warnings=_warnings(columns, lines, headline),
        scores=tuple(scores[member.folder] for member in ordered),
    )


def _rank_key(entry: Entry, numbers: Mapping[int, Mapping[str, Estimate]], headline: str) -> tuple[int, float]:
    """Systems by the headline, those that lack cases of it after them, the baselines last in their fixed order."""
    if entry.baseline:
        return 2 + BASELINES.index(entry.baseline), 0.0
    found = numbers[id(entry)].get(headline)
    if found is None or found.value is None:
        return 1, 0.0
    most = max(by_metric[headline].n for by_metric in numbers.values())
    return int(found.n < most), found.value if found.direction == "lower" else -found.value


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


def _warnings(columns: Sequence[Column], lines: Sequence[Line], headline: str) -> tuple[str, ...]:
    """Rows that are copies, and metrics that a picture that stands still wins."""
    topped = []
    for index, head in enumerate(columns):
        sign = -1 if head.direction == "lower" else 1
        full = [(line, line.cells[index].estimate) for line in lines]
        numbers = [(line.baseline, e.value) for line, e in full if e.value is not None and e.n == head.cases]
        static = [sign * value for baseline, value in numbers if baseline == "static"]
        others = [sign * value for baseline, value in numbers if not baseline]
        if head.direction != "none" and static and others and max(static) >= max(others):
            topped.append(head)
    said = [*_copies(lines)]
    said += [
        f"The static baseline tops the headline metric {head.label}: it rewards a still picture here, do not rank by it"
        for head in topped
        if head.metric == headline
    ]
    if rest := [head.label for head in topped if head.metric != headline]:
        said.append(f"The static baseline tops {', '.join(rest)}: what a still picture wins says nothing of motion")
    return tuple(said)


def _copies(lines: Sequence[Line]) -> list[str]:
    """Systems with the same rows and values: one set of videos under several names, or seeds that change nothing."""
    same: dict[tuple[str, tuple[float | None, ...]], list[str]] = defaultdict(list)
    for line in lines:
        values = tuple(cell.estimate.value for cell in line.cells)
        if any(value is not None for value in values):
            same[line.entry.run.cases_sha256, values].append(line.label)
    return [f"The same scores in every case: {', '.join(found)}" for found in same.values() if len(found) > 1]
