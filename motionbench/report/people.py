"""Judgements by people as tables: text, Markdown, CSV, JSON."""

from __future__ import annotations

import dataclasses
import typing as t
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from motionbench import markup
from motionbench.canonical import dump, plain, show
from motionbench.errors import ConfigError
from motionbench.humans.agreement import Agreement, Share
from motionbench.humans.bradley_terry import Scores

FORMATS = ("table", "md", "csv", "json")


@dataclass(frozen=True, slots=True)
class Sheet:
    """One question as a table: a title, the head, its rows as text, and notes."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]


def render_scores(found: Sequence[Scores], form: str) -> str:
    """Return systems' scores as text.

    Args:
        found: one entry for each question.
        form: "table", "md", "csv" or "json".

    Raises:
        ConfigError: there is no such form.
    """
    head = ("question", "system", "score", "low", "high", "won", "tied", "lost")
    records = [
        (q.question, s.system, s.score, s.low, s.high, s.won, s.tied, s.lost) for q in found for s in q.scores
    ]  # fmt: skip
    return _render(found, form, "motionbench.human_scores/1", _score_sheet, head, records)


def render_agreement(found: Sequence[Agreement], form: str) -> str:
    """Return metrics' agreement with people as text; arguments and errors as for `render_scores`."""
    head = ("question", "measured", "value", "low", "high", "votes", "threshold")
    records: list[tuple[str | float | int | None, ...]] = []
    for q in found:
        for m in q.metrics:
            records.append((q.question, f"{m.metric} accuracy", *_numbers(m.accuracy), m.threshold))
            if m.strict:
                records.append((q.question, f"{m.metric} strict", *_numbers(m.strict), None))
            records.append((q.question, f"{m.metric} constant", m.constant, None, None, m.accuracy.n, None))
        if q.ceiling:
            records.append((q.question, "ceiling", *_numbers(q.ceiling), None))
    return _render(found, form, "motionbench.human_agreement/1", _agreement_sheet, head, records)


def _render(
    found: Sequence[t.Any],
    form: str,
    schema: str,
    arrange: Callable[[t.Any], Sheet],
    head: Sequence[str],
    records: Sequence[Sequence[str | float | int | None]],
) -> str:
    if form not in FORMATS:
        raise ConfigError(f"there is no format {form!r} of judgements", f"formats are {', '.join(FORMATS)}")
    if form == "csv":
        return markup.csv_table(head, records)
    if form == "json":
        content = {"schema": schema, "questions": [dataclasses.asdict(entry) for entry in found]}
        return dump(plain(content, "the judgements")).decode("utf-8")
    return "\n".join((_text if form == "table" else _markdown)(arrange(entry)) for entry in found)


def _score_sheet(q: Scores) -> Sheet:
    rows = tuple(
        (s.system, f"{s.score:+.2f}", _interval(s.low, s.high, 2), str(s.won), str(s.tied), str(s.lost))
        for s in q.scores
    )
    about = "score: strength in log-odds, mean 0 (Bradley-Terry, Davidson's ties)"
    over = "cases and raters" if q.raters > 1 else "cases"
    notes = (f"{about}; {q.reason or f'95 % bootstrap over {over}'}",)
    return Sheet(_title(q), ("system", "score", "interval", "won", "tied", "lost"), rows, notes)


def _agreement_sheet(q: Agreement) -> Sheet:
    rows = tuple(
        (
            m.metric,
            *_cells(m.accuracy),
            *(_cells(m.strict) if m.strict else ("", "")),
            f"{m.constant:.1%}",
            f"{m.threshold:.3g}",
            str(m.accuracy.n),
        )
        for m in q.metrics
    )
    ceiling = " ".join(_cells(q.ceiling)).strip() if q.ceiling else "unknown, no item has two raters"
    notes = (
        f"what another rater says, held against the plurality of the others: {ceiling}",
        "accuracy: a, b or tie as people say, tie threshold from other cases; strict: without people's ties, 50 % is a "
        "coin; constant: the best constant answer",
    )
    head = ("metric", "accuracy", "interval", "strict", "interval", "constant", "tie threshold", "votes")
    return Sheet(_title(q), head, rows, notes)


def _title(q: Scores | Agreement) -> str:
    return f"{q.question} ({q.votes} votes, {q.cases} cases, {q.raters} raters)"


def _text(sheet: Sheet) -> str:
    rows = [tuple(show(cell, 60) for cell in row) for row in (sheet.head, *sheet.rows)]
    widths = [max(len(row[c]) for row in rows) for c in range(len(sheet.head))]
    lines = [
        "  ".join(
            cell.ljust(w) if c == 0 else cell.rjust(w) for c, (cell, w) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    return (
        "\n".join([show(sheet.title, 400), *(line.rstrip() for line in lines), *(f"  {n}" for n in sheet.notes)]) + "\n"
    )


def _markdown(sheet: Sheet) -> str:
    escape = markup.markdown
    grid = markup.markdown_grid(sheet.head, [[escape(row[0]), *row[1:]] for row in sheet.rows])
    return "\n".join([f"**{escape(sheet.title)}**\n", grid, *(f"- {escape(note)}" for note in sheet.notes)]) + "\n"


def _interval(low: float | None, high: float | None, digits: int) -> str:
    return "" if low is None or high is None else f"[{low:+.{digits}f}, {high:+.{digits}f}]"


def _cells(share: Share) -> tuple[str, str]:
    known = share.low is not None and share.high is not None
    return f"{share.value:.1%}", f"[{share.low:.1%}, {share.high:.1%}]" if known else ""


def _numbers(share: Share) -> tuple[float, float | None, float | None, int]:
    return share.value, share.low, share.high, share.n
