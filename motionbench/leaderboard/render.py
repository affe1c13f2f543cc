"""A measured table as Markdown, CSV and LaTeX. The same table gives the same text."""

from __future__ import annotations

from collections.abc import Sequence

from motionbench.leaderboard.columns import FVD_CASES, Column
from motionbench.leaderboard.entries import slug
from motionbench.leaderboard.tables import HEADLINES, Table
from motionbench.markup import Mark, csv_table, latex, latex_grid, markdown, markdown_grid

_ARROWS = {"higher": "↑", "lower": "↓", "none": ""}
_CSV_HEADER = (
    *("dataset", "dataset_version", "profile", "group", "subset", "system", "kind", "baseline", "seed", "run_id"),
    *("metric", "version", "backend", "unit", "direction", "value", "low", "high", "se", "n", "expected"),
    *("method", "status", "mark", "reason", "note"),
)


def file_stem(table: Table) -> str:
    """Return the name of a table's files without their ending: dataset, version, profile, group and subset."""
    dataset = table.identity.dataset
    return (
        f"{slug(dataset.name)}-{slug(dataset.version)}-{slug(table.identity.profile.name)}-{table.key}-{table.subset}"
    )


def table_files(table: Table) -> dict[str, str]:
    """Return the table's three files by name."""
    stem = file_stem(table)
    return {f"{stem}.md": as_markdown(table), f"{stem}.csv": as_csv(table), f"{stem}.tex": as_latex(table)}


def title(table: Table) -> str:
    """Return the table's title, unescaped."""
    dataset = table.identity.dataset
    which = "all cases" if table.subset == "all" else f"{table.subset}-object cases"
    return f"{dataset.name} {dataset.version}, profile {table.identity.profile.name}, {which} (n = {table.cases})"


def as_markdown(table: Table) -> str:
    """Return the table as a Markdown page; bold is best, underlined is second best (`<ins>`, which GitHub keeps)."""
    shown = table.shown
    header = ["system", *(_markdown_head(table.columns[index]) for index in shown)]
    rows = []
    for line in table.lines:
        name = f"*{markdown(line.label)}* (baseline)" if line.baseline else markdown(line.label)
        rows.append([name, *(_markdown_cell(line.cells[i].text, line.cells[i].mark) for i in shown)])
    if anchors := _anchors(table, shown):
        rows.append([f"*{_REAL}*", *(markdown(text) or "—" for text in anchors)])
    parts = [f"# {markdown(title(table))}\n", *(f"> **Warning:** {markdown(w, 1000)}.\n" for w in table.warnings)]
    parts.append(markdown_grid(header, rows))
    parts.append(
        "".join(f"- {note}\n" for note in [_MARKDOWN_LEGEND, *(markdown(note, 1000) for note in table_notes(table))])
    )
    return "\n".join(parts)


def as_csv(table: Table) -> str:
    """Return the table in long form, one line for each system and metric, numbers in full."""
    identity = table.identity
    common = (identity.dataset.name, identity.dataset.version, identity.profile.name, table.key, table.subset)
    rows: list[list[str | float | int | None]] = []
    for line in table.lines:
        run = line.entry.identity
        for column, cell in zip(table.columns, line.cells, strict=True):
            number = cell.estimate
            rows.append(
                [
                    *(*common, run.system.name, run.system.kind, line.baseline, run.seed, line.entry.record.run_id),
                    *(column.metric, column.version, column.backend, column.unit, column.direction),
                    *(number.value, number.low, number.high, number.se, number.n, number.expected),
                    *(number.method, number.status, cell.mark, number.reason, cell.note),
                ]
            )
    return csv_table(_CSV_HEADER, rows)


def as_latex(table: Table) -> str:
    r"""Return the table as a LaTeX float; \textbf is best, \underline second best."""
    shown = table.shown
    blocks: list[list[list[str]]] = [[], []]
    for line in table.lines:
        name = rf"\textit{{{latex(line.label)}}}" if line.baseline else latex(line.label)
        cells = [_latex_cell(line.cells[index].text, line.cells[index].mark) for index in shown]
        blocks[1 if line.baseline else 0].append([name, *cells])
    if anchors := _anchors(table, shown):
        blocks[1].append([rf"\textit{{{_REAL}}}", *(latex(text) or "---" for text in anchors)])
    header = ["system", *(_latex_head(table.columns[index]) for index in shown)]
    notes = " ".join(f"{note}." for note in [*table.warnings, *table_notes(table)])
    lines = [
        "% needs \\usepackage{booktabs,graphicx}",
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{latex(f'{title(table)}. {_LATEX_LEGEND}', 1000)}}}",
        rf"\label{{tab:{file_stem(table)}}}",
        r"\resizebox{\linewidth}{!}{%",
        latex_grid(header, blocks).rstrip() + "}",
        rf"\par\smallskip\raggedright\footnotesize {latex(notes, 10000)}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


_REAL = "real videos"
_MARKDOWN_LEGEND = (
    "**Best** and <ins>second best</ins> by the printed digits among ranked systems; ties share a mark. [low, high] is "
    "an interval over the cases, ± a standard error (the CSV says how each was found). "
    "Overlapping intervals are no test: use `motionbench compare`."
)
_LATEX_LEGEND = (
    "Bold: best; underlined: second best, by the printed digits among ranked systems. [low, high]: an interval over "
    "the cases; ±: a standard error. Italic rows are baselines and are not ranked."
)


def _anchors(table: Table, shown: Sequence[int]) -> list[str]:
    if any(line.baseline == "reference" for line in table.lines):
        return []
    anchors = [table.anchors[index] for index in shown]
    return anchors if any(anchors) else []


def table_notes(table: Table) -> list[str]:
    """Return what a reader of a table must know, one sentence each."""
    identity, protocol = table.identity, table.identity.protocol
    shown = table.shown
    notes = []
    for index, column in enumerate(table.columns):
        if index in shown and column.metric == "fvd" and column.unranked:
            notes.append(
                f"{column.label} is not ranked: it rests on {column.cases} videos, and below {FVD_CASES} its bias "
                "depends on the number of videos and on the system"
            )
    if free := [table.columns[i].label for i in shown if table.columns[i].direction == "none"]:
        notes.append(f"Neither more nor less is better, near the real videos is: {', '.join(free)}")
    empty: dict[str, list[str]] = {}
    for index, column in enumerate(table.columns):
        if index not in shown:
            empty.setdefault(table.lines[0].cells[index].estimate.reason, []).append(column.label)
    notes += [f"Not applicable: {', '.join(labels)} ({reason})" for reason, labels in empty.items()]
    if table.columns[0].metric in HEADLINES:
        notes.insert(0, f"Systems are sorted by {table.columns[0].label}; there is no overall score")
    notes += _uncovered(table)
    versions = ", ".join(f"{column.label} {column.version}" for column in table.columns)
    return [
        *notes,
        f"Protocol: at most {protocol.frames} frames at {protocol.fps:g} fps, {protocol.fit} side {protocol.size} px, "
        f"letterbox {protocol.letterbox}; dataset manifest {identity.dataset.manifest_sha256[:12]}",
        f"Metric versions: {versions}",
    ]


def _uncovered(table: Table) -> list[str]:
    """Why a number does not rest on every case, system by system; columns without any number are left out."""
    notes = []
    for line in table.lines:
        reasons: dict[str, list[str]] = {}
        for index in table.shown:
            cell = line.cells[index]
            if cell.estimate.n < table.columns[index].cases:
                reasons.setdefault(cell.estimate.reason, []).append(table.columns[index].label)
        notes += [
            f"Cases are lacking for {line.label} in {', '.join(labels)}: {why}" for why, labels in reasons.items()
        ]
    return notes


def _markdown_head(column: Column) -> str:
    unit = f" ({markdown(column.unit)})" if column.unit else ""
    return f"{markdown(column.label)}{unit} {_ARROWS[column.direction]}".rstrip()


def _latex_head(column: Column) -> str:
    arrow = {"higher": r" $\uparrow$", "lower": r" $\downarrow$", "none": ""}[column.direction]
    return latex(column.label + (f" ({column.unit})" if column.unit else "")) + arrow


def _markdown_cell(text: str, mark: Mark) -> str:
    number, space, rest = text.partition(" ")
    marked = {"best": f"**{number}**", "second": f"<ins>{number}</ins>", "": number}[mark]
    return marked + space + rest.replace("[", "\\[").replace("]", "\\]")


def _latex_cell(text: str, mark: Mark) -> str:
    number, space, rest = text.partition(" ")
    marked = {"best": rf"\textbf{{{number}}}", "second": rf"\underline{{{number}}}", "": latex(number)}[mark]
    return marked + (rf" {{\scriptsize {latex(rest)}}}" if space else "")
