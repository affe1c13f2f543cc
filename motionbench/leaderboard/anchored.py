"""The anchored score: how far a system comes on the way from a still picture to the real videos.

    (x - static) / (reference - static)

x is the interquartile mean of a system's values over the cases that the anchors rest on, and static and reference are
the frozen ends (`motionbench.leaderboard.anchors`). So static has 0 and the real videos have 1, in whichever direction
the metric is better, and no other entry has a part in it. Below 0 and above 1 a score is shown as it is. Metrics are
not averaged, and a system that lacks one of the cases has no score: a hole is no 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from motionbench.leaderboard.anchors import Anchor, Benchmark, ends, interquartile_mean
from motionbench.leaderboard.columns import DIGITS, Column, printed
from motionbench.leaderboard.entries import group
from motionbench.leaderboard.standing import Scores
from motionbench.leaderboard.tables import Table
from motionbench.markup import csv_table, markdown, markdown_grid

DECIMALS = 3
EXPLAINED = (
    "Share of the way from static (0) to the real videos (1): interquartile means over the cases, between anchors that "
    "are frozen for this version of the benchmark. It has no interval and no rank, and metrics are not averaged"
)
_DECIMALS_KEPT = 10  # the still picture scores 0 on every processor, not 1e-18 on some
_NEVER = "Distances between sets and metrics without a better direction have no such score"
_CSV_HEADER = (
    *("dataset", "dataset_version", "profile", "group", "subset", "system", "baseline", "run_id"),
    *("metric", "version", "backend", "direction", "score", "value_iqm", "static_iqm", "reference_iqm", "n"),
)


@dataclass(frozen=True, slots=True)
class Place:
    """A system in a metric: its interquartile mean and its score; None where it lacks one of the cases."""

    value: float | None
    score: float | None


@dataclass(frozen=True, slots=True)
class Anchored:
    """The anchored scores of a table.

    Attributes:
        columns, anchors: the metrics in use, in the table's order.
        places: for each line of the table, one for each of these.
        notes: what a reader must know, one sentence each.
    """

    columns: tuple[Column, ...]
    anchors: tuple[Anchor, ...]
    places: tuple[tuple[Place, ...], ...]
    notes: tuple[str, ...]


def anchored(table: Table, frozen: Mapping[str, Benchmark]) -> Anchored | None:
    """Return a table's anchored scores; None where no anchors are frozen for its group."""
    benchmark = frozen.get(group(table.identity))
    if benchmark is None:
        return None
    by_metric = {one.metric: one for one in benchmark.anchors if one.subset == table.subset}
    columns = [head for head in table.columns if head.metric in by_metric]
    used = tuple(head for head in columns if by_metric[head.metric].dropped is None)
    anchors = tuple(by_metric[head.metric] for head in used)
    places = []
    for scores in table.scores:
        values = scores.of_subset(table.subset)
        places.append(tuple(_place(one, values.get(one.metric, {}), scores.subsets) for one in anchors))
    reasons: dict[str, list[str]] = {}
    for head in columns:
        if (why := by_metric[head.metric].dropped) is not None:
            reasons.setdefault(why, []).append(head.label)
    notes = [EXPLAINED, *(f"Left out: {', '.join(labels)} ({why})" for why, labels in reasons.items()), _NEVER]
    return Anchored(used, anchors, tuple(places), (*notes, *_incomplete(table, used, places)))


def why_none(table: Table) -> str:
    """Return in a few words why a table without frozen anchors has none."""
    found = next(iter(ends([line.entry for line in table.lines]).values()), {})
    missing = [name for name in ("static", "reference") if name not in found]
    return f"no run of {' and '.join(missing)}" if missing else "no anchors are frozen"


def _place(one: Anchor, scores: Scores, subsets: Mapping[str, str]) -> Place:
    left_out = set(one.left_out)
    cases = [case for case, kind in subsets.items() if one.subset in ("all", kind) and case not in left_out]
    if one.static is None or one.reference is None or any(case not in scores for case in cases):
        return Place(None, None)
    value = interquartile_mean([scores[case] for case in cases])
    score = (value - one.static) / (one.reference - one.static)
    return Place(value, round(score, _DECIMALS_KEPT) + 0.0)


def _incomplete(table: Table, columns: Sequence[Column], places: Sequence[Sequence[Place]]) -> list[str]:
    notes = []
    for line, row in zip(table.lines, places, strict=True):
        lacking = [head.label for head, place in zip(columns, row, strict=True) if place.score is None]
        if lacking:
            notes.append(
                f"{line.label} lacks cases that the anchors rest on, and has no score, in {', '.join(lacking)}"
            )
    return notes


def anchored_files(stem: str, title: str, table: Table, found: Anchored) -> dict[str, str]:
    """Return the scores as Markdown and CSV by file name."""
    name = f"{stem}-anchored"
    return {f"{name}.md": _as_markdown(title, table, found), f"{name}.csv": _as_csv(table, found)}


def _as_markdown(title: str, table: Table, found: Anchored) -> str:
    header = ["system", *(f"{markdown(head.label)} ↑" for head in found.columns)]
    rows = []
    for line, places in zip(table.lines, found.places, strict=True):
        name = f"*{markdown(line.label)}* (baseline)" if line.baseline else markdown(line.label)
        rows.append([name, *("—" if p.score is None else printed(p.score, DECIMALS) for p in places)])
    notes = "".join(f"- {markdown(note, 1000)}.\n" for note in found.notes)
    return f"# {markdown(title)}: anchored\n\n{markdown_grid(header, rows)}\n{notes}"


def _as_csv(table: Table, found: Anchored) -> str:
    identity = table.identity
    common = (identity.dataset.name, identity.dataset.version, identity.profile.name, table.key, table.subset)
    rows: list[list[str | float | int | None]] = []
    for line, places in zip(table.lines, found.places, strict=True):
        for head, one, place in zip(found.columns, found.anchors, places, strict=True):
            rows.append(
                [
                    *(*common, line.entry.identity.system.name, line.baseline, line.entry.record.run_id),
                    *(head.metric, head.version, head.backend, head.direction),
                    *(place.score, place.value, one.static, one.reference, one.n),
                ]
            )
    return csv_table(_CSV_HEADER, rows, DIGITS)
