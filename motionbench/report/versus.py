"""A comparison of runs as a table: text, Markdown, CSV, JSON."""

from __future__ import annotations

import dataclasses

from motionbench import markup
from motionbench.canonical import dump, plain, show
from motionbench.comparison import Comparison, MetricComparison, Standing
from motionbench.errors import ConfigError
from motionbench.report import labels, numbers
from motionbench.types import Estimate

FORMATS = ("table", "md", "csv", "json")
SCHEMA = "motionbench.comparison/1"
_HEAD = ("system", "value", "ranks", "difference", "p (Holm)", "better in", "detectable", "cases")
_FIELDS = (
    "subset", "metric", "backend", "unit", "direction", "system", "baseline", "n", "value", "low", "high", "se",
    "best_rank", "worst_rank", "difference", "difference_low", "difference_high", "difference_se", "pairs", "p",
    "p_holm", "improvement", "wins", "ties", "losses", "detectable", "floor", "floor_n", "note",
)  # fmt: skip


def render(found: Comparison, form: str) -> str:
    """Return a comparison as text.

    Args:
        found: the comparison.
        form: "table" for a terminal, "md", "csv" or "json".

    Raises:
        ConfigError: there is no such form.
    """
    match form:
        case "table":
            return _text(found)
        case "md":
            return _markdown(found)
        case "csv":
            return markup.csv_table(_FIELDS, [_record(found, m, s) for m in ordered(found) for s in m.standings])
        case "json":
            return _json(found)
    raise ConfigError(f"there is no format {form!r} of a comparison", f"formats are {', '.join(FORMATS)}")


def ordered(found: Comparison) -> list[MetricComparison]:
    """Return the metrics as they are shown: subset by subset, the ones to read first in front."""
    subsets = list(found.family)
    return sorted(found.metrics, key=lambda m: (subsets.index(m.subset), labels.order(m.metric)))


def headline(found: Comparison) -> str:
    """Return what was compared, in one line."""
    data = found.identity.dataset
    return (
        f"{len(found.systems)} systems on {data.name} {data.version}, profile {found.identity.profile.name}; "
        f"differences to {found.baseline}"
    )


def notes(found: Comparison) -> list[str]:
    """Return what the numbers mean, and what to know before reading them."""
    tests = ", ".join(f"{count} ({subset})" for subset, count in found.family.items())
    return [
        *(f"Warning: {warning}" for warning in found.warnings),
        "ranks: with 95 % confidence all true ranks lie in these sets; 1 is the best, and whoever may be 1 is tied for "
        "first",
        f"p: sign-flip permutation test of the paired differences, two-sided, adjusted by Holm over tests: {tests}",
        "better in: share of cases in which the system is better, ties half (better, equal, worse)",
        "detectable: the difference that would be found in 80 % at a level of 5 %, before Holm; what is smaller was "
        "not ruled out",
    ]


def title(metric: MetricComparison) -> str:
    """Return the metric with its backend, unit, better direction and subset."""
    unit = f" ({metric.unit})" if metric.unit else ""
    subset = "" if metric.subset == "all" else f", {metric.subset}"
    return f"{metric.label}{unit} {labels.ARROWS[metric.direction]}".rstrip() + f"{subset}: {metric.cases} cases"


def _text(found: Comparison) -> str:
    lines = [show(headline(found), 400)]
    for metric in ordered(found):
        rows = [_HEAD, *(cells(metric, standing) for standing in metric.standings)]
        used = [column for column in range(len(_HEAD)) if any(row[column] for row in rows[1:])]
        widths = {column: max(len(row[column]) for row in rows) for column in used}
        lines += ["", title(metric)]
        for row in rows:
            shown = [row[c].ljust(widths[c]) if c == 0 else row[c].rjust(widths[c]) for c in used]
            lines.append("  ".join(shown).rstrip())
        lines += [f"  {note}" for note in _remarks(metric)]
    return "\n".join([*lines, "", *notes(found)]) + "\n"


def _markdown(found: Comparison) -> str:
    escape = markup.markdown
    parts = [f"**{escape(headline(found), 1000)}**\n"]
    for metric in ordered(found):
        rows = []
        for standing in metric.standings:
            name, *others = cells(metric, standing)
            first = standing.ranks is not None and standing.ranks.first
            rows.append([f"**{escape(name)}**" if first else escape(name), *others])
        parts += [f"{escape(title(metric))}\n", markup.markdown_grid(_HEAD, rows)]
        parts += [f"- {escape(note)}" for note in _remarks(metric)]
        parts += [""] if _remarks(metric) else []
    return "\n".join([*parts, *(f"- {escape(note, 1000)}" for note in notes(found))]) + "\n"


def _json(found: Comparison) -> str:
    content = {
        "schema": SCHEMA,
        "identity": found.identity.model_dump(mode="json", exclude={"system"}),
        **{name: getattr(found, name) for name in ("systems", "baseline", "family", "warnings")},
        "metrics": [dataclasses.asdict(metric) for metric in found.metrics],
    }
    return dump(plain(content, "the comparison")).decode("utf-8")


def _remarks(metric: MetricComparison) -> list[str]:
    found = [f"{s.system}: {s.note}" for s in metric.standings if s.note]
    if metric.direction == "none":
        found.append("no direction is better: neither ranked nor tested")
    elif not metric.ranked:
        found.append("a distance between sets: shown with its own error, neither ranked nor tested")
    return found


def cells(metric: MetricComparison, standing: Standing) -> tuple[str, ...]:
    """The cells of one row; empty where there is nothing to say."""
    d = standing.difference
    value = " ".join(part for part in numbers.split(_estimate(metric, standing)) if part) or "n/a"
    if standing.floor is not None and metric.metric == "fvd":
        value += f" (floor {numbers.plain(standing.floor)} at {standing.floor_n})"
    ranks = standing.ranks
    span = "" if ranks is None else str(ranks.best) if ranks.best == ranks.worst else f"{ranks.best}-{ranks.worst}"
    if d is None:
        return standing.system, value, span, "", "", "", "", str(standing.n)
    found = dataclasses.replace(_estimate(metric, standing), value=d.value, low=d.low, high=d.high, se=d.se)
    return (
        standing.system,
        value,
        span,
        " ".join(part for part in numbers.split(found) if part),
        "" if standing.adjusted_p is None else probability(standing.adjusted_p),
        f"{d.improvement:.0%} ({d.wins}, {d.ties}, {d.losses})",
        "" if d.detectable is None else numbers.plain(d.detectable),
        str(standing.n),
    )


def probability(p: float) -> str:
    """Return a p-value as text: two digits, and never a bare 0."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def _estimate(metric: MetricComparison, standing: Standing) -> Estimate:
    """The standing in the shape that the number formats read."""
    return Estimate(
        metric.metric, metric.backend, metric.subset, standing.value, metric.unit, metric.direction, standing.n,
        metric.cases, standing.low, standing.high, standing.se, "", "ok", "",
    )  # fmt: skip


def _record(found: Comparison, metric: MetricComparison, standing: Standing) -> list[str | float | int | None]:
    ranks, d = standing.ranks, standing.difference
    return [
        metric.subset, metric.metric, metric.backend, metric.unit, metric.direction, standing.system, found.baseline,
        standing.n, standing.value, standing.low, standing.high, standing.se,
        *((ranks.best, ranks.worst) if ranks else (None, None)),
        *((d.value, d.low, d.high, d.se, d.n, d.p) if d else (None,) * 6), standing.adjusted_p,
        *((d.improvement, d.wins, d.ties, d.losses, d.detectable) if d else (None,) * 5),
        standing.floor, standing.floor_n, standing.note,
    ]  # fmt: skip
