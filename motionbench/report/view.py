"""A run arranged for the page: what each section shows, as text and places, with nothing left to decide."""

from __future__ import annotations

import math
import typing as t
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from motionbench.report import charts, labels, numbers, ranking, table
from motionbench.report.media import CaseMedia, Match, media_name
from motionbench.results import RunFile
from motionbench.types import Row

_SHOWN_WORST = 5


@dataclass(frozen=True, slots=True)
class CaseView:
    """A case on the page.

    Attributes:
        key: its name in links and files.
        words: caption, motion prompt and objects, as the script shows them; None without media/index.json.
        clips, overlays: file names by side.
        match: the input match in words, or "".
        rows: one entry for each metric in the order of the page's lines, as the script shows them.
        values: the case's value by metric, as text.
        reasons: for which metrics it is among the worst, in words.
    """

    key: str
    id: str
    subset: str
    words: dict[str, t.Any] | None
    clips: Mapping[str, str | None]
    overlays: Mapping[str, str | None]
    match: str
    rows: list[dict[str, t.Any]]
    values: Mapping[str, str]
    reasons: list[str]


@dataclass(frozen=True, slots=True)
class Worst:
    """A metric's distribution over the cases, and the cases at its bad end; none where all cases are equal."""

    line: table.Line
    axis: charts.Scale
    ticks: list[tuple[float, bool]]
    cases: list[tuple[CaseView, str]]


@dataclass(frozen=True, slots=True)
class Trouble:
    """Rows without a number for one and the same reason."""

    status: str
    note: str
    metrics: list[str]
    cases: list[CaseView]


@dataclass(frozen=True, slots=True)
class Page:
    """All that the template shows; `cases` are ordered by what to look at first."""

    run: RunFile
    sheet: table.Sheet
    headline: str
    methods: list[str]
    details: list[str]
    axes: Mapping[str, charts.Scale | None]
    cases: list[CaseView]
    measured: list[table.Line]
    worst: list[Worst]
    trouble: list[Trouble]
    has_media: bool

    def whisker(self, line: table.Line, subset: str) -> charts.Whisker | None:
        """Return where the marks of one estimate are."""
        estimate = line.cells.get(subset)
        return None if estimate is None else charts.whisker(estimate, self.axes[line.name])

    def remarks(self, subset: str) -> dict[str, int]:
        """Return the reservations about the values of a subset, numbered from 1 in the order in which they are met."""
        shown = [line.cells[subset] for line in self.sheet.lines if subset in line.cells]
        reasons = dict.fromkeys(e.reason for e in shown if e.reason and e.value is not None)
        return {reason: number for number, reason in enumerate(reasons, start=1)}


def build(run: RunFile, media: Sequence[CaseMedia]) -> Page:
    """Arrange a run.

    Args:
        run: the run; all its rows are read.
        media: what the run's folder holds of each case.

    Raises:
        DataError, SchemaError: cases.jsonl is missing or breaks its schema.
    """
    sheet = table.sheet(run)
    rows = list(run.rows())
    by_case: dict[str, dict[str, Row]] = {}
    for row in rows:
        by_case.setdefault(row.case_id, {})[row.metric] = row
    values = ranking.case_values(rows)
    directions = {line.metric: line.widest.direction for line in sheet.lines}
    placed = {m: ranking.places(v, directions.get(m, "none")) for m, v in values.items()}
    shown = {entry.case_id: entry for entry in media}
    order = ranking.worst_first(by_case, placed.values())
    cases = [_case(case_id, by_case[case_id], shown.get(case_id), sheet, placed) for case_id in order]
    by_id = {case.id: case for case in cases}
    measured = [line for line in sheet.lines if line.metric in values]
    return Page(
        run=run,
        sheet=sheet,
        headline=table.headline(run),
        methods=table.methods(run),
        details=table.details(run),
        axes={line.name: charts.estimates_scale(line.cells.values()) for line in sheet.lines},
        cases=cases,
        measured=measured,
        worst=[_worst(line, values[line.metric], placed[line.metric], by_id) for line in measured],
        trouble=_trouble(rows, by_id),
        has_media=bool(media),
    )


def _case(
    case_id: str,
    rows: Mapping[str, Row],
    entry: CaseMedia | None,
    sheet: table.Sheet,
    placed: Mapping[str, Mapping[str, int]],
) -> CaseView:
    found = {metric: places[case_id] for metric, places in placed.items() if case_id in places}
    nearest = sorted((place, labels.order(metric), metric) for metric, place in found.items())
    reasons = [
        f"{labels.title(metric)}: {_place(place, len(placed[metric]))}"
        for place, _, metric in nearest[:2]
        if _is_bad(place, len(placed[metric]))
    ]
    return CaseView(
        key=media_name(case_id),
        id=case_id,
        subset=next(iter(rows.values())).subset,
        words=_words(entry) if entry else None,
        clips={"generated": entry.generated, "reference": entry.reference} if entry else {},
        overlays={"generated": entry.overlay.generated, "reference": entry.overlay.reference} if entry else {},
        match=_match(entry.match) if entry and entry.match else "",
        rows=[_row(rows.get(line.metric), placed.get(line.metric, {})) for line in sheet.lines],
        values={metric: text for metric, row in rows.items() if (text := _number(row.values.get("value")))},
        reasons=reasons,
    )


def _words(entry: CaseMedia) -> dict[str, t.Any]:
    return {
        "caption": entry.caption,
        "prompt": entry.motion_prompt,
        "objects": [{"id": thing.id, "name": thing.name} for thing in entry.objects],
    }


def _row(row: Row | None, places: Mapping[str, int]) -> dict[str, t.Any]:
    if row is None:
        return {"status": "missing", "note": ""}
    if row.status != "ok":
        return {"status": row.status, "note": row.note}
    place = places.get(row.case_id)
    objects = [thing for thing in row.values.get("objects") or [] if isinstance(thing, dict)]
    columns = sorted({name for thing in objects for name in thing} - {"object_id"}, key=lambda n: (n != "value", n))
    parts = {k: _number(v) for k, v in row.values.items() if k not in ("value", "reference", "objects")}
    return {
        "status": "ok",
        "note": row.note,
        "value": _number(row.values.get("value")),
        "reference": _number(row.values.get("reference")),
        "place": f"{place} / {len(places)}" if place else "",
        "bad": bool(place and _is_bad(place, len(places))),
        "parts": [[name, text] for name, text in parts.items() if text],
        "columns": columns,
        "objects": [[thing.get("object_id"), *(_entry(thing.get(name)) for name in columns)] for thing in objects],
    }


def _worst(
    line: table.Line, values: Mapping[str, float], places: Mapping[str, int], by_id: Mapping[str, CaseView]
) -> Worst:
    """The bad end of a metric; without a direction, the cases farthest from the median, from both ends."""
    if places:
        ordered = sorted(values, key=lambda case: (places[case], case))
    else:
        middle = sorted(values.values())[len(values) // 2]
        ordered = sorted(values, key=lambda case: (-abs(values[case] - middle), case))
    chosen = ordered[:_SHOWN_WORST] if len(set(values.values())) > 1 else []
    axis = charts.scale(list(values.values()))
    ticks = sorted((axis.at(value), case in chosen) for case, value in values.items())
    return Worst(line, axis, ticks, [(by_id[case], _number(values[case])) for case in chosen])


def _trouble(rows: Sequence[Row], by_id: Mapping[str, CaseView]) -> list[Trouble]:
    found: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        if row.status != "ok":
            found.setdefault((row.status, row.note), []).append(row)
    rank = {"failed": 0, "missing": 1, "not_applicable": 2}
    return [
        Trouble(
            status=status,
            note=note,
            metrics=sorted({row.metric for row in some}, key=labels.order),
            cases=[by_id[case] for case, _ in sorted(Counter(row.case_id for row in some).items())],
        )
        for (status, note), some in sorted(found.items(), key=lambda item: (rank[item[0][0]], item[0][1]))
    ]


def _match(match: Match) -> str:
    moved = f", moved by ({match.dx:.1f}, {match.dy:.1f}) px" if abs(match.dx) + abs(match.dy) >= 0.05 else ""
    return f"scale {match.scale:.2f}{moved}, correlation {match.ncc:.2f}"


def _is_bad(place: int, count: int) -> bool:
    return place <= max(1, math.ceil(0.05 * count)) and place < count


def _place(place: int, count: int) -> str:
    return f"worst of {count}" if place == 1 else f"{_ordinal(place)} worst of {count}"


def _ordinal(number: int) -> str:
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def _entry(value: t.Any) -> str:
    """A cell about an object: a number, a word, or a dash."""
    return _number(value) or (value if isinstance(value, str) else "") or "–"


def _number(value: t.Any) -> str:
    """A number as text; the empty string for anything else."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return numbers.typeset(numbers.plain(value)) if isinstance(value, (int, float)) else ""
