"""A measured table as Markdown, CSV and LaTeX. The same table gives the same text."""

from __future__ import annotations

from motionbench.leaderboard import standing
from motionbench.leaderboard.columns import DIGITS, Column
from motionbench.leaderboard.entries import slug
from motionbench.leaderboard.latex import REAL, anchors_shown, as_latex
from motionbench.leaderboard.notes import table_notes
from motionbench.leaderboard.tables import Line, Table
from motionbench.markup import Mark, csv_table, markdown, markdown_grid

_ARROWS = {"higher": "↑", "lower": "↓", "none": ""}
_CSV_HEADER = (
    *("dataset", "dataset_version", "profile", "group", "subset", "system", "kind", "baseline", "seed", "run_id"),
    *("metric", "version", "backend", "unit", "direction", "value", "low", "high", "se", "n", "expected"),
    *("method", "status", "rank_best", "rank_worst", "mark", "reason", "note", "tier", "inputs"),
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
    tex = as_latex(table, title(table), stem)
    return {f"{stem}.md": as_markdown(table), f"{stem}.csv": as_csv(table), f"{stem}.tex": tex}


def title(table: Table) -> str:
    """Return the table's title, unescaped."""
    dataset = table.identity.dataset
    which = "all cases" if table.subset == "all" else f"{table.subset}-object cases"
    return f"{dataset.name} {dataset.version}, profile {table.identity.profile.name}, {which} (n = {table.cases})"


def as_markdown(table: Table) -> str:
    """Return the table as a Markdown page; bold are the first, underlined the second (`<ins>`, which GitHub keeps)."""
    header = ["rank", "system", "tier", "inputs", *(_markdown_head(table.columns[index]) for index in table.shown)]
    rows = []
    for line in table.lines:
        name = f"*{markdown(line.label)}* (baseline)" if line.baseline else markdown(line.label)
        tier = "" if line.baseline else line.entry.record.tier
        numbers = [_markdown_cell(line.cells[i].text, line.cells[i].mark) for i in table.shown]
        rows.append([standing.text(line.cells[0].ranks), name, tier, _inputs(line), *numbers])
    if anchors := anchors_shown(table):
        rows.append(["", f"*{REAL}*", "", "", *(markdown(text) or "—" for text in anchors)])
    parts = [f"# {markdown(title(table))}\n", *(f"> **Warning:** {markdown(w, 1000)}.\n" for w in table.warnings)]
    parts.append(markdown_grid(header, rows, left=4))
    parts.append(
        "".join(f"- {note}\n" for note in [_MARKDOWN_LEGEND, *(markdown(note, 1000) for note in table_notes(table))])
    )
    return "\n".join(parts)


def as_csv(table: Table) -> str:
    """Return the table in long form, one line for each system and metric; numbers to `DIGITS` digits."""
    identity = table.identity
    common = (identity.dataset.name, identity.dataset.version, identity.profile.name, table.key, table.subset)
    rows: list[list[str | float | int | None]] = []
    for line in table.lines:
        run, declaration = line.entry.identity, line.entry.record.declaration
        declared = " ".join(declaration.inputs) if declaration else None
        for column, cell in zip(table.columns, line.cells, strict=True):
            number = cell.estimate
            ranks = (cell.ranks.best, cell.ranks.worst) if cell.ranks else (None, None)
            rows.append(
                [
                    *(*common, run.system.name, run.system.kind, line.baseline, run.seed, line.entry.record.run_id),
                    *(column.metric, column.version, column.backend, column.unit, column.direction),
                    *(number.value, number.low, number.high, number.se, number.n, number.expected),
                    *(number.method, number.status, *ranks, cell.mark, number.reason, cell.note),
                    *(line.entry.record.tier, declared),
                ]
            )
    return csv_table(_CSV_HEADER, rows, DIGITS)


def _inputs(line: Line) -> str:
    declaration = line.entry.record.declaration
    if declaration is None:
        return "" if line.baseline else "not declared"
    more = [f"best of {declaration.best_of}"] if declaration.best_of > 1 else []
    more += ["tuned per case"] if declaration.tuning == "per_case" else []
    more += ["trained on these cases"] if declaration.saw_benchmark == "yes" else []
    return markdown(", ".join([*(name.replace("_", " ") for name in declaration.inputs), *more]))


_MARKDOWN_LEGEND = (
    "**Bold**: no other system is certainly better (simultaneous paired tests over the cases, 95 %); "
    "<ins>underlined</ins>: the next best possible rank. Rank 1–3 says that the true rank is one of these. [low, high] "
    "is a 95 % interval over the cases, ± a standard error (the CSV says how each was found). Two systems are compared "
    "by `motionbench compare`."
)


def _markdown_head(column: Column) -> str:
    unit = f" ({markdown(column.unit)})" if column.unit else ""
    return f"{markdown(column.label)}{unit} {_ARROWS[column.direction]}".rstrip()


def _markdown_cell(text: str, mark: Mark) -> str:
    number, space, rest = text.partition(" ")
    marked = {"best": f"**{number}**", "second": f"<ins>{number}</ins>", "": number}[mark]
    return marked + space + rest.replace("[", "\\[").replace("]", "\\]")
