"""A comparison of runs as a figure: values and differences with their intervals, one panel a metric."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from pathlib import Path

import jinja2

from motionbench.canonical import show, write_atomic
from motionbench.comparison import Comparison, MetricComparison
from motionbench.errors import ConfigError
from motionbench.report import charts
from motionbench.report.versus import cells, ordered, title


def write_figure(found: Comparison, path: Path) -> None:
    """Draw all metrics with their intervals and differences; equal comparisons give equal bytes.

    Args:
        found: the comparison.
        path: an SVG file.

    Raises:
        ConfigError: the name does not end in .svg, or the file cannot be written.
    """
    if path.suffix.lower() != ".svg":
        raise ConfigError(f"the figure {show(path)} is no SVG file", "give a name that ends in .svg")
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    panels = [_panel(found, metric) for metric in ordered(found)]
    text = environment.get_template("versus.svg.j2").render(panels=panels, found=found, width=charts.WIDTH)
    write_atomic(path, [text.encode("utf-8")])


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a number and its interval are on an axis."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Row:
    """One system in the figure; None where there is nothing to draw."""

    cells: tuple[str, ...]
    value: Mark | None
    difference: Mark | None
    first: bool


@dataclass(frozen=True, slots=True)
class Panel:
    """One metric in the figure: rows, the two axes' ends, and where no difference lies."""

    title: str
    rows: tuple[Row, ...]
    ends: tuple[str, str]
    difference_ends: tuple[str, str] | None
    zero: float | None


def _panel(found: Comparison, metric: MetricComparison) -> Panel:
    values = [_span(s) for s in metric.standings]
    differences = [_span(s.difference) if s.difference else None for s in metric.standings]
    left = charts.scale([x for span in values if span for x in span] or [0.0])
    moved = [x for span in differences if span for x in span]
    right = charts.scale([-max(map(abs, moved)), max(map(abs, moved))]) if moved else None
    rows = tuple(
        Row(
            cells=cells(metric, standing),
            value=_mark(span, left),
            difference=None if right is None else _mark(moved_span, right),
            first=standing.ranks is not None and standing.ranks.first,
        )
        for standing, span, moved_span in zip(metric.standings, values, differences, strict=True)
    )
    return Panel(title(metric), rows, left.ends, right.ends if right else None, right.at(0.0) if right else None)


def _span(number: t.Any) -> tuple[float, float, float] | None:
    """(low, value, high) of a standing or a difference; an error stands in for an interval."""
    if number.value is None:
        return None
    if number.low is not None and number.high is not None:
        return number.low, number.value, number.high
    half = number.se or 0.0
    return number.value - half, number.value, number.value + half


def _mark(span: tuple[float, float, float] | None, axis: charts.Scale) -> Mark | None:
    return None if span is None else Mark(axis.at(span[1]), axis.at(span[0]), axis.at(span[2]))
