"""Metric cards: what a metric is, from its own documentation, and how it reacts, from stress runs. Nothing by hand."""

from __future__ import annotations

import importlib
import inspect
import json
import re
import typing as t
from collections.abc import Mapping, Sequence
from pathlib import Path

from motionbench import registry
from motionbench.canonical import read_bytes, write_atomic
from motionbench.errors import ConfigError
from motionbench.stress.chart import metric_chart
from motionbench.stress.record import TIMING, MetricRecord, Reaction, Stress, read
from motionbench.stress.table import SURE, rewards, sees

_DIRECTIONS = {
    "higher": "higher is better",
    "lower": "lower is better",
    "none": "neither high nor low is better",
}


def write_cards(runs: Sequence[Path], target: Path) -> list[Path]:
    """Write `NAME.md` and `NAME.png` for every metric of some stress runs.

    Args:
        runs: folders of stress runs, each of another dataset.
        target: folder of the cards.

    Returns:
        The Markdown files, sorted by metric.

    Raises:
        ConfigError: two runs of one dataset and profile.
        DataError, SchemaError: a folder holds no stress run.
    """
    read_runs = [read(folder) for folder in runs]
    names = [(run.dataset["name"], run.profile["name"]) for run in read_runs]
    if len(set(names)) < len(names):
        raise ConfigError("two of the stress runs are of one dataset and profile", "give one of them")
    costs = [_seconds(folder) for folder in runs]
    written = []
    for metric in sorted({name for run in read_runs for name in run.metrics}):
        page = target / f"{metric}.md"
        write_atomic(target / f"{metric}.png", [metric_chart(read_runs, metric)])
        write_atomic(page, [_card(read_runs, costs, metric).encode()])
        written.append(page)
    return written


def definition(metric: str) -> str:
    """What the metric's module says of it: what stands before the metrics' own paragraphs, and the metric's own.

    A metric's own paragraphs begin with "`name`:" and end where another metric's begin. A metric without any gets the
    whole text.
    """
    module = importlib.import_module(registry.find("metrics", metric).target.partition(":")[0])
    paragraphs = inspect.cleandoc(module.__doc__ or "").split("\n\n")
    heads = [match.group(1) if (match := re.match(r"`(\w+)`:", text)) else None for text in paragraphs]
    if metric not in heads:
        return "\n\n".join(paragraphs)
    first = next(k for k, head in enumerate(heads) if head is not None)
    start = heads.index(metric)
    end = next((k for k in range(start + 1, len(heads)) if heads[k] is not None), len(heads))
    return "\n\n".join(paragraphs[:first] + paragraphs[start:end])


def _seconds(folder: Path) -> Mapping[str, float]:
    """Seconds per clip by backend, from the run's timing.json: of those clips that did not come from the cache."""
    path = folder / TIMING if folder.is_dir() else folder.parent / TIMING
    if not path.is_file():
        return {}
    timing = json.loads(read_bytes(path))
    times = timing.get("calls", {})  # earlier runs did not count them
    return {name.removeprefix("backends/"): timing["seconds"][name] / calls for name, calls in times.items()}


def _card(runs: Sequence[Stress], costs: Sequence[Mapping[str, float]], metric: str) -> str:
    shown = [(run, cost) for run, cost in zip(runs, costs, strict=True) if metric in run.metrics]
    record = shown[0][0].metrics[metric]
    lines = [
        f"# {metric}",
        "",
        f"{record.title}.",
        "",
        "| | |",
        "|---|---|",
        f"| direction | {_DIRECTIONS[record.direction]} |",
        f"| unit | {record.unit or 'none'} |",
        f"| compares | {'two sets of videos' if record.kind == 'set' else 'one video at a time'} |",
        f"| backends | {', '.join(sorted(record.recipes)) or 'frames'} |",
        f"| version | {record.version} |",
        *_ranges(shown, metric),
        *_cost(shown[0][1], record),
        "",
        "## Definition",
        "",
        definition(metric),
        "",
        f"![Reactions of {metric}]({metric}.png)",
    ]
    for run, _ in shown:
        lines += _section(run, metric)
    return "\n".join(lines) + "\n"


def _ranges(shown: Sequence[tuple[Stress, t.Any]], metric: str) -> list[str]:
    lines = []
    for run, _ in shown:
        record, name = run.metrics[metric], run.dataset["name"]
        if record.clean_mean is not None:
            spread = "" if record.clean_sd is None else f" (standard deviation {_number(record.clean_sd)})"
            lines.append(f"| clean clips of {name} | {_number(record.clean_mean)}{spread}, n = {record.clean_n} |")
    return lines


def _cost(seconds: Mapping[str, float], record: MetricRecord) -> list[str]:
    parts = [f"{name} {seconds[name]:.2f} s" for name in sorted(record.recipes) if name in seconds]
    return [f"| cost per clip, one core | {', '.join(parts)} (shared with other metrics) |"] if parts else []


def _section(run: Stress, metric: str) -> list[str]:
    mine = [r for r in run.reactions if r.metric == metric]
    harmful = [r for r in mine if not run.corruptions[r.corruption].benign]
    benign = [r for r in mine if run.corruptions[r.corruption].benign]
    lines = ["", f"## On {run.dataset['name']}"]
    note = run.metrics[metric].note
    if note:
        lines += ["", f"Clean clips: {note}."]
    if not any(r.n for r in mine):
        return [*lines, "", "It has no value on any corrupted clip."]
    lines += [
        "",
        "Change is corrupted minus clean at top severity, paired by clip; effect is change over the standard deviation",
        "of clean clips" + (" (here: over the distance's floor)." if run.metrics[metric].kind == "set" else "."),
        "",
        "| corruption | n | clean -> top | change | 95 % interval | SE away | rho | effect | untouched objects |",
        "|---|---|---|---|---|---|---|---|---|",
        *[_line(r) for r in harmful if r.n],
    ]
    if any(r.n for r in benign):
        lines += ["", "| benign change | n | change | 95 % interval | share of the range |", "|---|---|---|---|---|"]
        lines += [_benign_line(r) for r in benign if r.n]
    return [*lines, *_blind(run, harmful)]


def _line(r: Reaction) -> str:
    control = (
        "" if r.control is None else _number(r.control) + ("" if r.control_se is None else f" ± {r.control_se:.2g}")
    )
    mark = " **seen**" if sees(r) else " **rewarded**" if rewards(r) else ""
    cells = [
        r.corruption + mark,
        str(r.n),
        f"{_number(r.curve[0])} -> {_number(r.curve[-1])}",
        _number(r.change),
        _interval(r.low, r.high),
        "" if r.z is None else f"{abs(r.z):.1f}",
        "" if r.rho is None else f"{r.rho:+.2f}",
        "" if r.effect is None else f"{r.effect:+.2f}",
        control,
    ]
    return f"| {' | '.join(cells)} |"


def _benign_line(r: Reaction) -> str:
    share = "" if r.share is None else f"{r.share:+.1%}"
    return f"| {r.corruption} | {r.n} | {_number(r.change)} | {_interval(r.low, r.high)} | {share} |"


def _blind(run: Stress, harmful: Sequence[Reaction]) -> list[str]:
    """What the numbers say that it does not see."""
    unseen = [f"{r.corruption} ({abs(r.z or 0.0):.1f} SE)" for r in harmful if r.n and not sees(r) and not rewards(r)]
    wrong = [r.corruption for r in harmful if rewards(r)]
    absent = [f"{r.corruption} ({r.reason})" if r.reason else r.corruption for r in harmful if not r.n]
    lines = ["", "### Blind spots", ""]
    lines.append(f"Not seen (below {SURE:g} standard errors): {', '.join(unseen) or 'nothing'}.")
    if wrong:
        lines.append(f"Taken for an improvement: {', '.join(wrong)}.")
    if absent:
        lines.append(f"No value: {', '.join(absent)}.")
    return lines


def _interval(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{_number(low)} to {_number(high)}"


def _number(value: float | None) -> str:
    return "" if value is None else "0" if value == 0 else f"{value:.3g}"
