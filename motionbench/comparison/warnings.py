"""What a reader of a comparison must know first."""

from __future__ import annotations

from collections.abc import Sequence

from motionbench.comparison.nouns import MetricComparison
from motionbench.results import RunFile


def partial(runs: Sequence[RunFile], labels: Sequence[str]) -> list[str]:
    """Runs in which cases failed or are missing."""
    return [f"{label} is a partial run" for run, label in zip(runs, labels, strict=True) if run.status == "partial"]


def still(runs: Sequence[RunFile], blocks: Sequence[MetricComparison]) -> list[str]:
    """Metrics in which a picture that stands still is at least as good as every system that makes videos."""
    systems = [run.identity.system for run in runs]
    still = [i for i, s in enumerate(systems) if "static" in (s.source, s.name.strip().casefold())]
    others = [i for i, s in enumerate(systems) if i not in still and s.kind != "reference"]
    topped: dict[str, None] = {}
    for block in blocks:
        sign = -1.0 if block.direction == "lower" else 1.0
        values = [s.value if s.value is None else sign * s.value for s in block.standings]
        ours = [v for i in still if (v := values[i]) is not None]
        theirs = [v for i in others if (v := values[i]) is not None]
        if block.direction != "none" and ours and theirs and max(ours) >= max(theirs):
            topped[block.label] = None
    if not topped:
        return []
    return [f"static tops {', '.join(topped)}: what a still picture wins says nothing of motion"]
