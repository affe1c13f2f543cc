"""A measured table as a LaTeX float in the manner of booktabs."""

from __future__ import annotations

from collections.abc import Sequence

from motionbench.leaderboard import standing
from motionbench.leaderboard.columns import Column
from motionbench.leaderboard.notes import table_notes
from motionbench.leaderboard.tables import Line, Table
from motionbench.markup import Mark, latex, latex_grid

REAL = "real videos"
_WIDEST = 5  # metrics beside each other
_FIT = r"\ifdim\width>\linewidth\linewidth\else\width\fi"
_LATEX_LEGEND = (
    "Bold: no other system is certainly better (simultaneous paired tests over the cases, 95 %); underlined: the next "
    "best possible rank. [low, high]: a 95 % interval over the cases; ±: a standard error. Italic rows are baselines "
    "and are not ranked."
)


def as_latex(table: Table, title: str, stem: str) -> str:
    r"""Return a table as a LaTeX float; \textbf are the first, \underline the second.

    More than five metrics stand in several bands of the same columns, one below another, so that they can be read.

    Args:
        table: the table.
        title: the caption's first words.
        stem: its label.
    """
    notes = " ".join(f"{note}." for note in [*table.warnings, *table_notes(table)])
    version = ", ".join(sorted({line.entry.identity.versions.get("motionbench", "?") for line in table.lines}))
    caption = f"{title}, motionbench {version}, manifest {table.identity.dataset.manifest_sha256[:12]}"
    lines = [
        "% needs \\usepackage{booktabs,graphicx}",
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{latex(f'{caption}. {_LATEX_LEGEND}', 1000)}}}",
        rf"\label{{tab:{stem}}}",
        r"\par\smallskip",
        rf"\resizebox{{{_FIT}}}{{!}}{{%",
        _grid(table).rstrip() + "}",
        rf"\par\smallskip\raggedright\footnotesize {latex(notes, 10000)}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def anchors_shown(table: Table) -> list[str]:
    """Return what the real videos score in the shown columns; empty where a row of theirs says it already."""
    if any(line.baseline == "reference" for line in table.lines):
        return []
    anchors = [table.anchors[index] for index in table.shown]
    return anchors if any(anchors) else []


def _grid(table: Table) -> str:
    bands = _bands(table.shown)
    width = max(map(len, bands))
    heads, blocks = [], []
    for band in bands:
        heads.append(["system", "rank", *(_head(table.columns[index]) for index in band), *[""] * (width - len(band))])
        blocks.append(_rows(table, band, width))
    body = list(blocks[0])
    for head, block in zip(heads[1:], blocks[1:], strict=True):
        body += [[head], *block]
    return latex_grid(heads[0], body)


def _bands(shown: Sequence[int]) -> list[Sequence[int]]:
    count = max(1, -(-len(shown) // _WIDEST))
    size = max(1, -(-len(shown) // count))
    return [shown[start : start + size] for start in range(0, max(1, len(shown)), size)]


def _rows(table: Table, band: Sequence[int], width: int) -> list[list[list[str]]]:
    """Systems, then baselines and what the real videos score."""
    systems: list[list[str]] = []
    others: list[list[str]] = []
    for line in table.lines:
        (others if line.baseline else systems).append(_row(line, band, width))
    if anchors := anchors_shown(table):
        own = [anchors[table.shown.index(index)] for index in band]
        cells = [latex(text) or "---" for text in own]
        others.append([rf"\textit{{{REAL}}}", "", *cells, *[""] * (width - len(band))])
    return [systems, others]


def _row(line: Line, band: Sequence[int], width: int) -> list[str]:
    name = rf"\textit{{{latex(line.label)}}}" if line.baseline else latex(line.label)
    cells = [_cell(line.cells[index].text, line.cells[index].mark) for index in band]
    rank = standing.text(line.cells[0].ranks).replace("–", "--")
    return [name, rank, *cells, *[""] * (width - len(band))]


def _head(column: Column) -> str:
    """The metric, and below it in small type its backend's parts and its unit."""
    arrow = {"higher": r" $\uparrow$", "lower": r" $\downarrow$", "none": ""}[column.direction]
    small = [f"{part}+" for part in column.backend.split("+")]
    small[-1] = small[-1].removesuffix("+")
    lines = [f"[{' '.join(small)}]"] if len(small) == 1 else [f"[{small[0]}", *small[1:-1], f"{small[-1]}]"]
    lines += [f"({column.unit})"] if column.unit else []
    below = "".join(rf"\\{{\tiny {latex(line)}}}" for line in lines)
    return rf"\shortstack[r]{{{latex(column.metric)}{arrow}{below}}}"


def _cell(text: str, mark: Mark) -> str:
    number, space, rest = text.partition(" ")
    marked = {"best": rf"\textbf{{{number}}}", "second": rf"\underline{{{number}}}", "": latex(number)}[mark]
    return marked + (rf" {{\scriptsize {latex(rest)}}}" if space else "")
