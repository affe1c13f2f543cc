"""A run's estimates for a terminal."""

from __future__ import annotations

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from motionbench.canonical import show
from motionbench.report import numbers
from motionbench.report.table import Line, Sheet, coverage, headline, sheet, standing
from motionbench.results import RunFile
from motionbench.types import Estimate

_DIGITS = "⁰¹²³⁴⁵⁶⁷⁸⁹"


def summary(run: RunFile) -> RenderableType:
    """Return the run as a headline, a table and notes, to be printed by a rich console."""
    page = sheet(run)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1), header_style="bold")
    table.add_column("metric", overflow="fold")
    for name in (*page.subsets, *(["real"] if page.anchored else []), "cases"):
        table.add_column(name, justify="right", no_wrap=True)
    for line in page.lines:
        table.add_row(*_row(page, line))
    notes = [Text(f"{_superscript(n)} {show(note, 400)}", style="dim") for n, note in enumerate(page.notes, start=1)]
    colour = "green" if run.status == "complete" else "yellow"
    return Group(Text(show(headline(run), 400), style="bold"), Text(show(standing(run), 1000), colour), table, *notes)


def _row(page: Sheet, line: Line) -> list[Text]:
    name = Text.assemble((line.metric, "bold"), (line.full_name.removeprefix(line.metric), "dim"))
    # Intervals of all columns would not fit into 80 characters; the first column is the one to quote.
    cells = [_cell(page, line.cells.get(subset), interval=not place) for place, subset in enumerate(page.subsets)]
    anchor = [Text(numbers.anchor(line.widest), "dim")] if page.anchored else []
    return [name, *cells, *anchor, Text(coverage(line))]


def _cell(page: Sheet, estimate: Estimate | None, *, interval: bool) -> Text:
    if estimate is None:
        return Text("")
    value, uncertainty = numbers.split(estimate)
    note = page.mark(estimate)
    return Text.assemble(
        (value or "n/a", "bold" if value else "dim"),
        (_superscript(note) if note else "", "yellow"),
        (f"\n{uncertainty}" if uncertainty and interval else "", "dim"),
    )


def _superscript(number: int) -> str:
    return "".join(_DIGITS[int(digit)] for digit in str(number))
