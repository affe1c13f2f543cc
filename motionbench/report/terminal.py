"""A run's estimates for a terminal."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rich import box
from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from motionbench.canonical import show
from motionbench.report import labels, numbers
from motionbench.report.table import Line, Sheet, coverage, headline, sheet, standing
from motionbench.results import RunFile
from motionbench.types import Estimate

_DIGITS = "⁰¹²³⁴⁵⁶⁷⁸⁹"
_GAPS = (3, 2)  # blanks between columns: where all names fit, where not
_NAME = 16  # characters that a column of names needs
NARROWEST = 60  # what is narrower gets lines that the terminal breaks


def summary(run: RunFile, width: int) -> RenderableType:
    """Return the run as a headline, a table and notes, to be printed by a rich console.

    A name that is longer than its column's room stands as `tmr[…]`, and a line below the table says which backend that
    is: a number never stands without it. Where even that does not fit, the subsets are left out, and a line says so.

    Args:
        run: the run.
        width: of the terminal in characters, at least `NARROWEST`.
    """
    page = sheet(run)
    columns = [_cells(page, subset, interval=not place) for place, subset in enumerate(page.subsets)]
    heads = [*page.subsets, *(["real"] if page.anchored else []), "cases"]
    columns += [[Text(numbers.anchor(line.widest), "dim") for line in page.lines]] if page.anchored else []
    columns.append([Text(coverage(line).replace(" of ", "/")) for line in page.lines])
    gap, left_out = _GAPS[0], page.subsets[1:]
    room = _room(heads, columns, width, gap)
    if any(_elided(line, room) for line in page.lines):
        gap = _GAPS[1]
        room = _room(heads, columns, width, gap)
    if room < _NAME and left_out:
        del heads[1 : len(page.subsets)], columns[1 : len(page.subsets)]
        room = _room(heads, columns, width, gap)
    else:
        left_out = ()
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 0, 0, gap - 1), header_style="bold")
    table.add_column("metric", overflow="fold")
    for head in heads:
        table.add_column(head, justify="right", no_wrap=True)
    for place, line in enumerate(page.lines):
        table.add_row(_name(line, room), *(column[place] for column in columns))
    remarks = [f"[…] is {backend}: {', '.join(metrics)}" for backend, metrics in _backends(page.lines, room).items()]
    remarks += [f"{', '.join(left_out)}: not shown, the terminal is too narrow"] if left_out else []
    shown = [n for n, note in enumerate(page.notes, start=1) if not left_out or note in _reasons(page)]
    colour = "green" if run.status == "complete" else "yellow"
    return Group(
        Text(show(headline(run), 400), style="bold"),
        Text(show(standing(run), 1000), colour),
        table,
        *(Text(show(text, 400), style="dim") for text in remarks),
        *(Text(f"{_superscript(n)} {show(page.notes[n - 1], 400)}", style="dim") for n in shown),
    )


def _cells(page: Sheet, subset: str, *, interval: bool) -> list[Text]:
    # Intervals of all columns would not fit into 80 characters; the first column is the one to quote.
    return [_cell(page, line.cells.get(subset), interval=interval) for line in page.lines]


def _reasons(page: Sheet) -> set[str]:
    """What is said of the first column's numbers."""
    return {found.reason for line in page.lines if (found := line.cells.get(page.subsets[0]))}


def _room(heads: Sequence[str], columns: Sequence[Sequence[Text]], width: int, gap: int) -> int:
    """What the other columns leave for the names."""
    taken = 2  # SIMPLE_HEAD has a blank at both edges
    for head, column in zip(heads, columns, strict=True):
        parts = [head, *(part for text in column for part in text.plain.splitlines())]
        taken += max(map(cell_len, parts)) + gap
    return width - taken


def _name(line: Line, room: int) -> Text:
    """The metric, its backend as far as there is room, its direction; the unit beside it or on the second line."""
    arrow = labels.ARROWS[line.widest.direction]
    tag = "[…]" if _elided(line, room) else line.name.removeprefix(line.metric)
    first = " ".join(part for part in (line.metric + tag, arrow) if part)
    unit = f"({line.widest.unit})" if line.widest.unit else ""
    between = "" if not unit else " " if cell_len(f"{first} {unit}") <= room else "\n"
    metric = line.metric if cell_len(first) <= room else _broken(line.metric, room - cell_len(tag))
    return Text.assemble((metric, "bold"), (f"{tag} {arrow}".rstrip() + between + unit, "dim"))


def _broken(name: str, room: int) -> str:
    """A name on several lines, broken where a reader would break it."""
    lines = [""]
    for word in re.findall(r"_*[^_]+_*", name):
        if lines[-1] and cell_len(lines[-1] + word) > room:
            lines.append("")
        lines[-1] += word
    return "\n".join(lines)


def _elided(line: Line, room: int) -> bool:
    return bool(line.backend) and cell_len(f"{line.name} {labels.ARROWS[line.widest.direction]}".rstrip()) > room


def _backends(lines: Sequence[Line], room: int) -> dict[str, list[str]]:
    """The metrics whose backend the table has no room for, by backend."""
    found: dict[str, list[str]] = {}
    for line in lines:
        if _elided(line, room):
            found.setdefault(line.backend, []).append(line.metric)
    return found


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
