"""Every pair of systems in the headline metric: the mean difference over the cases that both have, and its test.

The p-values are adjusted by Holm for all pairs of the table (`motionbench.stats.holm`). A board of many systems shows
the first of them only: 20 systems and the baselines make up to 276 pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from motionbench.leaderboard.columns import DIGITS, Column, printed
from motionbench.leaderboard.standing import SEED, Scores
from motionbench.leaderboard.tables import HEADLINES, Table
from motionbench.markup import csv_table, latex, latex_grid, markdown, markdown_grid
from motionbench.stats import Difference, holm, paired_difference

SHOWN = 20  # systems, baselines apart
ALPHA = 0.05


@dataclass(frozen=True, slots=True)
class Pair:
    """Row system minus column system."""

    difference: Difference
    adjusted_p: float

    @property
    def certain(self) -> bool:
        """True if the difference is not explained by chance, all pairs of the table counted."""
        return self.adjusted_p < ALPHA


@dataclass(frozen=True, slots=True)
class PairTable:
    """All pairs of one metric.

    Attributes:
        column: the metric.
        labels: the systems in the order of the measured table.
        pairs: by (row, column) for row < column; a pair without shared cases is absent.
        left_out: how many systems of the measured table are not shown.
    """

    column: Column
    labels: tuple[str, ...]
    pairs: dict[tuple[int, int], Pair]
    left_out: int

    def text(self, row: int, column: int) -> str:
        """Return "+0.123", marked by * where the difference is certain; "" for what is not there."""
        if row == column or (found := self.pairs.get((min(row, column), max(row, column)))) is None:
            return ""
        value = found.difference.value if row < column else -found.difference.value
        number = printed(value, self.column.decimals)
        return ("" if number.startswith("-") else "+") + number + ("*" if found.certain else "")


def pair_table(table: Table) -> PairTable | None:
    """Return the pairs of a table in its headline metric; None where there is none or nothing to compare."""
    head = table.columns[0]
    if head.metric not in HEADLINES or head.direction == "none":
        return None
    systems = [index for index, line in enumerate(table.lines) if not line.baseline]
    chosen = [*systems[:SHOWN], *(index for index, line in enumerate(table.lines) if line.baseline)]
    scores = [table.scores[index].of_subset(table.subset).get(head.metric, {}) for index in chosen]
    found = _differences(scores, table, higher=head.direction == "higher")
    if not found:
        return None
    adjusted = holm([difference.p for difference in found.values()])
    pairs = {key: Pair(difference, p) for (key, difference), p in zip(found.items(), adjusted, strict=True)}
    return PairTable(head, tuple(table.lines[i].label for i in chosen), pairs, len(table.lines) - len(chosen))


def _differences(scores: Sequence[Scores], table: Table, *, higher: bool) -> dict[tuple[int, int], Difference]:
    subset_of = table.scores[0].subsets
    found = {}
    for row, first in enumerate(scores):
        for column in range(row + 1, len(scores)):
            both = sorted(first.keys() & scores[column].keys())
            if both:
                found[row, column] = paired_difference(
                    [first[case] for case in both],
                    [scores[column][case] for case in both],
                    SEED,
                    higher_is_better=higher,
                    strata=[subset_of[case] for case in both],
                )
    return found


def pair_files(stem: str, title: str, found: PairTable) -> dict[str, str]:
    """Return the pairs as Markdown, CSV and LaTeX by file name."""
    name = f"{stem}-pairwise"
    return {
        f"{name}.md": _as_markdown(title, found),
        f"{name}.csv": _as_csv(found),
        f"{name}.tex": _as_latex(name, title, found),
    }


def legend(found: PairTable) -> str:
    """Return how to read the pairs."""
    more = f" {found.left_out} further systems are not shown." if found.left_out else ""
    return (
        f"Row minus column in {found.column.label}, mean over the cases that both have. * marks a difference that "
        f"chance does not explain: sign-flip permutation test, p < {ALPHA:g} after Holm's adjustment for all "
        f"{len(found.pairs)} pairs.{more}"
    )


def _grid(found: PairTable) -> list[list[str]]:
    places = range(len(found.labels))
    return [[found.text(row, column) for column in places] for row in places]


def _as_markdown(title: str, found: PairTable) -> str:
    header = ["", *(markdown(label) for label in found.labels)]
    rows = [
        [markdown(label), *(markdown(text) for text in cells)]
        for label, cells in zip(found.labels, _grid(found), strict=True)
    ]
    return f"# {markdown(title)}: pairs\n\n{markdown(legend(found), 1000)}\n\n{markdown_grid(header, rows)}"


def _as_csv(found: PairTable) -> str:
    header = ("metric", "backend", "row", "column", "n", "difference", "low", "high", "se", "p", "adjusted_p")
    rows: list[list[str | float | int | None]] = []
    for (row, column), pair in found.pairs.items():
        d = pair.difference
        rows.append(
            [
                *(found.column.metric, found.column.backend, found.labels[row], found.labels[column]),
                *(d.n, d.value, d.low, d.high, d.se, d.p, pair.adjusted_p, d.improvement, d.wins, d.ties, d.losses),
                d.detectable,
            ]
        )
    return csv_table((*header, "improvement", "wins", "ties", "losses", "detectable"), rows, DIGITS)


def _as_latex(name: str, title: str, found: PairTable) -> str:
    header = ["", *(rf"\rotatebox{{60}}{{{latex(label, 40)}}}" for label in found.labels)]
    rows = [
        [latex(label, 40), *(_latex_number(text) for text in cells)]
        for label, cells in zip(found.labels, _grid(found), strict=True)
    ]
    lines = [
        "% needs \\usepackage{booktabs,graphicx}",
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{latex(f'{title}. {legend(found)}', 1000)}}}",
        rf"\label{{tab:{name}}}",
        r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
        latex_grid(header, [rows]).rstrip() + "}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _latex_number(text: str) -> str:
    return rf"${text.removesuffix('*')}{'^{*}' if text.endswith('*') else ''}$" if text else ""
