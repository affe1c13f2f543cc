"""A run's estimates as tables: Markdown, CSV and LaTeX.

One row is a metric with its backend, one column a subset. A number is rounded no finer than its interval; "n/a" and
numbers with a reservation carry a mark that leads to the reason below the table.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from dataclasses import dataclass

from motionbench import markup
from motionbench.report import labels, numbers
from motionbench.results import SUBSETS, RunFile
from motionbench.types import Estimate

_CSV_FIELDS = [field.name for field in dataclasses.fields(Estimate) if field.name != "details"]


@dataclass(frozen=True, slots=True)
class Line:
    """One metric under one backend, with its estimates by subset."""

    metric: str
    backend: str
    cells: dict[str, Estimate]

    @property
    def name(self) -> str:
        """The metric with its backend."""
        return labels.tagged(self.metric, self.backend)

    @property
    def full_name(self) -> str:
        """The metric with its backend, unit and the direction that is better."""
        unit = f" ({self.widest.unit})" if self.widest.unit else ""
        return f"{self.name}{unit} {labels.ARROWS[self.widest.direction]}".rstrip()

    @property
    def widest(self) -> Estimate:
        """The estimate on most cases: that of all cases where there is one."""
        return self.cells.get("all") or next(iter(self.cells.values()))


@dataclass(frozen=True, slots=True)
class Sheet:
    """A run's estimates in the order in which they are shown.

    Attributes:
        subsets: those with cases, "all" first; a subset that is the whole set is left out.
        lines: the metrics.
        notes: reasons, numbered from 1 in the order of their first use.
        anchored: True if the value of the real videos is known for some metric.
    """

    subsets: tuple[str, ...]
    lines: tuple[Line, ...]
    notes: tuple[str, ...]
    anchored: bool

    def mark(self, estimate: Estimate) -> int | None:
        """Return the number of an estimate's note; None where nothing is to be said."""
        return self.notes.index(estimate.reason) + 1 if estimate.reason else None


def sheet(run: RunFile) -> Sheet:
    """Arrange a run's estimates."""
    found: dict[tuple[str, str], dict[str, Estimate]] = {}
    for estimate in run.estimates:
        found.setdefault((estimate.metric, estimate.backend), {})[estimate.subset] = estimate
    counts = run.identity.dataset.subsets
    whole = {subset for subset, count in counts.items() if count == run.identity.dataset.cases}
    present = {estimate.subset for estimate in run.estimates}
    subsets = tuple(s for s in SUBSETS if s in present and not (s in whole and "all" in present))
    lines = tuple(
        Line(metric, backend, found[metric, backend])
        for metric, backend in sorted(found, key=lambda key: (labels.order(key[0]), key[1]))
    )
    shown = [line.cells[s] for line in lines for s in subsets if s in line.cells]
    notes = tuple(dict.fromkeys(e.reason for e in shown if e.reason))
    return Sheet(subsets, lines, notes, any(numbers.anchor(e) for e in shown))


def headline(run: RunFile) -> str:
    """Return what was measured, in one line."""
    data, rules = run.identity.dataset, run.identity.protocol
    cases = f"{data.cases} case{'' if data.cases == 1 else 's'}"
    return (
        f"{run.identity.system.name} on {data.name} {data.version} ({cases}), profile {run.identity.profile.name}: "
        f"up to {rules.frames} frames at {rules.fps:g} fps, {rules.fit} side {rules.size} px, seed {run.identity.seed}"
    )


def standing(run: RunFile) -> str:
    """Return the run's status and whether it is official, in one line, with the reasons."""
    text = f"{run.status}, {'official' if run.official else 'not official'}"
    return f"{text}: {'; '.join(run.reasons)}" if run.reasons else text


def methods(run: RunFile) -> list[str]:
    """Return how the uncertainties were found, one entry for each method with its metrics."""
    found: dict[str, list[str]] = {}
    for estimate in sorted(run.estimates, key=lambda e: labels.order(e.metric)):
        names = found.setdefault(estimate.method, [])
        if estimate.metric not in names:
            names.append(estimate.metric)
    return [f"{method} ({', '.join(names)})" for method, names in found.items() if method]


def details(run: RunFile) -> list[str]:
    """Return what else is known of each metric on all cases (floors, dimensions), one entry for each metric."""
    found = []
    for line in sheet(run).lines:
        known = {name: value for name, value in line.widest.details.items() if name != "reference"}
        texts = [f"{name} {'unknown' if v is None else numbers.plain(v)}" for name, v in sorted(known.items())]
        found += [f"{line.name}: {', '.join(texts)}"] if texts else []
    return found


def coverage(line: Line) -> str:
    """Return how many of the expected cases a metric rests on: "128" or "120 of 128"."""
    estimate = line.widest
    return str(estimate.n) if estimate.n == estimate.expected else f"{estimate.n} of {estimate.expected}"


def to_markdown(run: RunFile) -> str:
    """Return the run as a Markdown document."""
    page, escape = sheet(run), markup.markdown
    header = ["metric", *page.subsets, *(["real videos"] if page.anchored else []), "cases"]
    rows = [[escape(line.full_name), *_cells(page, line, "<sup>{}</sup>")] for line in page.lines]
    notes = "".join(f"{number}. {escape(note)}\n" for number, note in enumerate(page.notes, start=1))
    return "\n".join(
        [
            f"**{escape(headline(run), 1000)}**  ",
            escape(standing(run), 1000) + "\n",
            markup.markdown_grid(header, rows),
            *([notes] if notes else []),
            *([f"Uncertainty: {escape('; '.join(found), 1000)}\n"] if (found := methods(run)) else []),
            *([f"Details: {escape('; '.join(known), 1000)}\n"] if (known := details(run)) else []),
        ]
    )


def to_latex(run: RunFile) -> str:
    r"""Return the run as a booktabs `tabular`, with the notes as lines below it; needs `\usepackage{booktabs}`."""
    page, escape = sheet(run), markup.latex
    header = ["metric", *page.subsets, *(["real videos"] if page.anchored else []), "cases"]
    rows = [[_latex_name(line), *_cells(page, line, r"\textsuperscript{{{}}}")] for line in page.lines]
    notes = [rf"{{\footnotesize \textsuperscript{{{i}}} {escape(note)}\par}}" for i, note in enumerate(page.notes, 1)]
    comments = [f"% {escape(text, 1000)}" for text in (headline(run), standing(run), *methods(run))]
    return "\n".join([*comments, markup.latex_grid(header, [rows]).rstrip("\n"), *notes]) + "\n"


def to_csv(run: RunFile) -> str:
    """Return every estimate as a row of CSV, with all its fields at full precision and the reference's value."""
    rows = [
        [*(getattr(estimate, name) for name in _CSV_FIELDS), estimate.details.get("reference")]
        for line in sheet(run).lines
        for estimate in line.cells.values()
    ]
    return markup.csv_table([*_CSV_FIELDS, "reference"], rows)


def cell(estimate: Estimate, marked: Callable[[int], str], note: int | None) -> str:
    """Return an estimate as text: "0.72 [0.69, 0.75]", or "n/a", with its note's mark."""
    value = " ".join(part for part in numbers.split(estimate) if part) or "n/a"
    return value + (marked(note) if note is not None else "")


def _cells(page: Sheet, line: Line, mark: str) -> list[str]:
    known = [line.cells.get(subset) for subset in page.subsets]
    texts = ["" if e is None else cell(e, mark.format, page.mark(e)) for e in known]
    anchor = numbers.anchor(line.widest)
    if mark.startswith("\\"):
        anchor = _latex_numbers(anchor)
        texts = [_latex_numbers(text) for text in texts]
    return [*texts, *([anchor] if page.anchored else []), coverage(line)]


def _latex_numbers(text: str) -> str:
    text = re.sub(r"(?<=\d)e(-?\d+)", r"$\\times10^{\1}$", text)
    return re.sub(r"(?<![{\d])-(?=\d)", "$-$", text).replace("±", r"$\pm$")


def _latex_name(line: Line) -> str:
    arrows = {"↑": r"$\uparrow$", "↓": r"$\downarrow$"}
    *words, last = line.full_name.split(" ")
    return " ".join([*map(markup.latex, words), arrows.get(last) or markup.latex(last)])
