"""Numbers that a paper printed. They stand in a table of their own, as text, and are never ranked or marked.

A `Reported` is no `Entry` and holds no estimates: nothing that builds measured tables can take one.
"""

from __future__ import annotations

import typing as t
from collections.abc import Sequence
from pathlib import Path

import pydantic

from motionbench.canonical import Record, parse_record, read_bytes, show
from motionbench.errors import SchemaError
from motionbench.leaderboard.entries import REPORTED
from motionbench.markup import csv_table, latex, latex_grid, markdown, markdown_grid

SCHEMA = "motionbench.reported/1"
WARNING = (
    "As printed in the paper; no code was released, protocol unknown; not comparable with measured rows. "
    "Nothing here was measured by motionbench, and nothing is ranked or marked by it."
)

Text = t.Annotated[str, pydantic.StringConstraints(min_length=1, max_length=1000)]


class Cell(Record):
    """One printed number. `value_as_printed` stays text; `authored_by_paper` is False for a system it compares with."""

    row_label: Text
    subset: t.Literal["all", "single", "multi"]
    backbone: Text | None
    metric_label: Text
    value_as_printed: Text
    authored_by_paper: bool


class Reported(Record):
    """One table of one paper. `version` is the paper's version that was read, null where that was not recorded."""

    schema_: t.Literal["motionbench.reported/1"] = pydantic.Field(alias="schema")
    paper: Text
    arxiv: Text | None
    version: Text | None
    table: Text
    title: Text
    dataset: Text
    transcribed_by: Text
    notes: list[Text]
    rows: t.Annotated[list[Cell], pydantic.Field(min_length=1)]


def read_reported(path: Path) -> Reported:
    """Read one file of reported/.

    Raises:
        DataError: it is unreadable.
        SchemaError: it breaks the schema, or gives one number twice.
    """
    reported = parse_record(Reported, read_bytes(path), SCHEMA, show(path))
    seen: set[tuple[str, str, str | None, str]] = set()
    for cell in reported.rows:
        key = (cell.row_label, cell.subset, cell.backbone, cell.metric_label)
        if key in seen:
            raise SchemaError(f"{show(path)}: {show(cell.metric_label)} of {show(cell.row_label)!r} comes twice")
        seen.add(key)
    return reported


def read_all(board: Path) -> list[Reported]:
    """Read every file of a board's reported/, sorted by file name."""
    return [read_reported(path) for path in sorted((board / REPORTED).glob("*.json"))]


def reported_files(tables: Sequence[Reported]) -> dict[str, str]:
    """Return reported.md, .csv and .tex by name; nothing where there are no tables."""
    if not tables:
        return {}
    return {
        "reported.md": _as_markdown(tables),
        "reported.csv": _as_csv(tables),
        "reported.tex": _as_latex(tables),
    }


def printed_grid(table: Reported) -> tuple[list[str], list[tuple[str, str, list[str]]]]:
    """Return the metric labels, and for each row its label, its subset and its printed values."""
    labels = list(dict.fromkeys(cell.metric_label for cell in table.rows))
    values: dict[tuple[str, str, str | None], dict[str, str]] = {}
    for cell in table.rows:
        values.setdefault((cell.row_label, cell.subset, cell.backbone), {})[cell.metric_label] = cell.value_as_printed
    own = {(cell.row_label, cell.subset, cell.backbone) for cell in table.rows if cell.authored_by_paper}
    rows = []
    for key, printed in values.items():
        label, subset, backbone = key
        name = f"{label} ({backbone})" if backbone and backbone not in label else label
        rows.append((f"{name} †" if key in own else name, subset, [printed.get(metric, "—") for metric in labels]))
    return labels, rows


def _source(table: Reported) -> str:
    arxiv = f", arXiv {table.arxiv}" if table.arxiv else ""
    version = f" {table.version}" if table.version else ""
    return f"{table.paper}{arxiv}{version}, table {table.table}. Transcribed by {table.transcribed_by}."


def _as_markdown(tables: Sequence[Reported]) -> str:
    parts = ["# Reported by papers, not measured\n", f"> {WARNING}\n", "† the paper's own method or a variant of it.\n"]
    for table in tables:
        labels, rows = printed_grid(table)
        header = [markdown(text) for text in ("method", "subset", *labels)]
        cells = [[markdown(text) for text in (label, subset, *printed)] for label, subset, printed in rows]
        parts += [
            f"## {markdown(table.title)}\n",
            f"{markdown(_source(table))}\n",
            markdown_grid(header, cells, left=2),
            "".join(f"- {markdown(note, 1000)}\n" for note in table.notes),
        ]
    return "\n".join(part for part in parts if part)


def _as_csv(tables: Sequence[Reported]) -> str:
    header = ["paper", "arxiv", "version", "table", "dataset", *Cell.model_fields]
    rows = [
        [table.paper, table.arxiv, table.version, table.table, table.dataset, *_cell_fields(cell)]
        for table in tables
        for cell in table.rows
    ]
    return csv_table(header, rows)


def _cell_fields(cell: Cell) -> list[str | None]:
    return [str(value).lower() if isinstance(value, bool) else value for value in dict(cell).values()]


def _as_latex(tables: Sequence[Reported]) -> str:
    parts = [f"% {WARNING}", "% needs \\usepackage{booktabs}"]
    for table in tables:
        labels, rows = printed_grid(table)
        header = [latex(text) for text in ("method", "subset", *labels)]
        cells = [[latex(text) for text in (label, subset, *printed)] for label, subset, printed in rows]
        caption = f"{table.title} {_source(table)} {WARNING} † the paper's own method or a variant of it."
        parts += [
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{latex(caption, 2000)}}}",
            r"\small",
            latex_grid(header, [cells], left=2).rstrip(),
            r"\end{table}",
        ]
    return "\n".join(parts) + "\n"
