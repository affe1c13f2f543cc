"""The page of a board: one HTML file with every table in it, which opens from disk and asks nobody for anything.

The tables are in the markup, so that they can be read without scripts. The values of all cases lie beside them as JSON,
to four digits; comparisons, the cases' pages and the failure gallery are drawn from those by the script. Videos are not
part of a board. A page that shows them is written to a folder of its own (`motionbench.leaderboard.footage`).
"""

from __future__ import annotations

import typing as t
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from motionbench.leaderboard import standing
from motionbench.leaderboard.anchored import Anchored, anchored, why_none
from motionbench.leaderboard.anchors import read_anchors
from motionbench.leaderboard.columns import Cell, Column
from motionbench.leaderboard.entries import Entry
from motionbench.leaderboard.footage import Footage
from motionbench.leaderboard.notes import table_notes
from motionbench.leaderboard.pairwise import PairTable, legend, pair_table
from motionbench.leaderboard.parts import PARTS, SOURCES, as_data, reasons_of
from motionbench.leaderboard.reported import Reported, printed_grid
from motionbench.leaderboard.scores import EntryScores
from motionbench.leaderboard.tables import Line, Table
from motionbench.leaderboard.words import CaseWords, read_words
from motionbench.report import charts, labels
from motionbench.report.media import media_name
from motionbench.report.page import fill

SITE, PAGE_FILE = "site", "index.html"
SCRIPTS = (
    *("base.js", "sort.js", "paint.js", "player.js"),
    *("board-state.js", "board-anchored.js", "board-table.js", "board-save.js"),
    *("board-compare.js", "board-cases.js", "board-failures.js"),
    "board.js",
)
STYLES = ("page.css", "board.css")
_SHOWN = 100.0  # width of a whisker in its own units


@dataclass(frozen=True, slots=True)
class Group:
    """The tables of one data set, profile and protocol, with what the page adds; anchored: by subset, if frozen."""

    tables: tuple[Table, ...]
    pairs: PairTable | None
    anchored: Mapping[str, Anchored]
    words: Mapping[str, CaseWords]

    @property
    def key(self) -> str:
        """8 hex digits."""
        return self.tables[0].key

    @property
    def title(self) -> str:
        """Data set, version and profile."""
        identity = self.tables[0].identity
        return f"{identity.dataset.name} {identity.dataset.version} · {identity.profile.name}"


def groups(board: Path, tables: Sequence[Table]) -> list[Group]:
    """Arrange a board's tables for the page.

    Raises:
        SchemaError: a file of words/ or anchors.json breaks its schema.
    """
    frozen = read_anchors(board)
    found: dict[str, list[Table]] = {}
    for table in tables:
        found.setdefault(table.key, []).append(table)
    return [
        Group(
            tuple(some),
            pair_table(some[0]),
            {table.subset: scores for table in some if (scores := anchored(table, frozen)) is not None},
            read_words(board, some[0].identity.dataset),
        )
        for some in found.values()
    ]


def page(found: Sequence[Group], reported: Sequence[Reported], footage: Footage | None = None) -> Iterator[bytes]:
    """Yield the page piece by piece; the same board gives the same bytes.

    Args:
        found: the measured groups.
        reported: what papers printed.
        footage: which videos lie beside the page; None for a page without any.
    """
    return fill(
        "board.html.j2",
        scripts=SCRIPTS,
        styles=STYLES,
        data={"groups": [_data(group, footage) for group in found], "media": footage is not None},
        groups=found,
        reported=[(table, *printed_grid(table)) for table in reported],
        scales=_scales,
        whisker=_whisker,
        rank=lambda line: standing.text(line.cells[0].ranks),
        inputs=_inputs,
        sort_value=_sort_value,
        main=labels.MAIN,
        notes=table_notes,
        pair_legend=legend,
    )


def _inputs(entry: Entry) -> list[str]:
    declaration = entry.record.declaration
    return [name.replace("_", " ") for name in declaration.inputs] if declaration else []


def _scales(table: Table) -> list[charts.Scale | None]:
    return [
        charts.estimates_scale([line.cells[index].estimate for line in table.lines])
        for index in range(len(table.columns))
    ]


def _whisker(cell: Cell, axis: charts.Scale | None) -> tuple[int, int, int] | None:
    """Low end, value and high end in hundredths of the axis; the ends of plus and minus one error without interval."""
    e = cell.estimate
    if axis is None or e.value is None:
        return None
    low, high = e.low, e.high
    if low is None or high is None:
        low, high = e.value - (e.se or 0.0), e.value + (e.se or 0.0)
    places = [(value - axis.low) / (axis.high - axis.low) * _SHOWN for value in (low, e.value, high)]
    first, middle, last = (min(100, max(0, round(place))) for place in places)
    return first, middle, last


def _sort_value(cell: Cell) -> str:
    return "" if cell.estimate.value is None else f"{cell.estimate.value:.6g}"


def _data(group: Group, footage: Footage | None) -> dict[str, t.Any]:
    table = group.tables[0]
    subsets = table.scores[0].subsets
    cases = sorted(subsets)
    reasons = reasons_of([found for scores in table.scores for found in scores.parts.values()])
    return {
        "key": group.key,
        "title": group.title,
        "profile": table.identity.profile.name,
        "fps": table.identity.protocol.fps,
        "subsets": [t.subset for t in group.tables],
        "cases": [_case(case, subsets[case], group.words.get(case)) for case in cases],
        "metrics": [_metric(head) for head in table.columns],
        "systems": [
            _system(line, [_values(scores.values.get(h.metric), cases) for h in table.columns], footage, cases)
            | {"parts": _parts(scores, cases, reasons)}
            for line, scores in zip(table.lines, table.scores, strict=True)
        ],
        "anchored": {t.subset: _anchored(t, group.anchored.get(t.subset)) for t in group.tables},
        "parts": {"names": PARTS, "metrics": SOURCES, "reasons": reasons},
        "real": None if footage is None else footage.reference(group.key, cases),
    }


def _anchored(table: Table, found: Anchored | None) -> dict[str, t.Any]:
    """Scores by run id in the order of the metrics; without metrics, why there is none."""
    if found is None or not found.columns:
        why = why_none(table) if found is None else "static and the real videos stand apart in no metric"
        return {"metrics": [], "why": why}
    scores = zip(table.lines, found.places, strict=True)
    return {
        "metrics": [head.metric for head in found.columns],
        "notes": list(found.notes),
        "scores": {line.entry.record.run_id: [_digits(one.score) for one in places] for line, places in scores},
    }


def _digits(score: float | None) -> float | None:
    return None if score is None else float(f"{score:.4g}")


def _case(case: str, subset: str, words: CaseWords | None) -> dict[str, t.Any]:
    found: dict[str, t.Any] = {"id": case, "key": media_name(case), "subset": subset}
    if words is not None:
        found |= {"caption": words.caption, "prompt": words.motion_prompt}
        found["objects"] = [[thing.id, thing.name] for thing in words.objects]
    return found


def _metric(head: Column) -> dict[str, t.Any]:
    return {
        "id": head.metric,
        "title": labels.title(head.metric),
        "backend": head.backend,
        "direction": head.direction,
        "unit": head.unit,
        "decimals": head.decimals,
    }


def _system(
    line: Line, values: list[list[float | None] | None], footage: Footage | None, cases: Sequence[str]
) -> dict[str, t.Any]:
    record = line.entry.record
    declaration = record.declaration
    return {
        "run": record.run_id,
        "label": line.label,
        "baseline": line.baseline,
        "tier": record.tier,
        "inputs": list(declaration.inputs) if declaration else None,
        "bibtex": declaration.bibtex if declaration else None,
        "values": values,
        "videos": None if footage is None else footage.generated(record.run_id, cases),
    }


def _parts(scores: EntryScores, cases: Sequence[str], reasons: Sequence[str]) -> list[t.Any] | None:
    """What an entry says of each case's objects, in the order of the cases; None where it says nothing of any."""
    if not any(found.objects for found in scores.parts.values()):
        return None
    places = {reason: place for place, reason in enumerate(reasons)}
    return [as_data(scores.parts.get(case), places) for case in cases]


def _values(scores: Mapping[str, float] | None, cases: Sequence[str]) -> list[float | None] | None:
    """A metric's values in the order of the cases, to four significant digits; None for a distance between sets."""
    if not scores:
        return None
    return [float(f"{scores[case]:.4g}") if case in scores else None for case in cases]
