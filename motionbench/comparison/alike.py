"""May these runs be compared, and in what? Names, the baseline, and the check of their identities."""

from __future__ import annotations

import typing as t
from collections import Counter
from collections.abc import Iterable, Sequence

from motionbench.canonical import show
from motionbench.errors import ConfigError
from motionbench.records import Identity
from motionbench.results import RunFile


def labels_of(runs: Sequence[RunFile]) -> list[str]:
    """The systems' names; where they are equal, with the seed, then with the folder, then with a number."""
    names = [show(run.identity.system.name, 60) for run in runs]
    tells = (
        [f"seed {run.identity.seed}" for run in runs],
        [show(run.folder.resolve().name, 60) for run in runs],
        [f"run {number}" for number in range(1, len(runs) + 1)],
    )
    for tell in tells:
        for name in {name for name, count in Counter(names).items() if count > 1}:
            same = [i for i, other in enumerate(names) if other == name]
            if len({tell[i] for i in same}) > 1:
                for i in same:
                    names[i] = f"{name} ({tell[i]})"
    return names


def baseline_of(runs: Sequence[RunFile], labels: Sequence[str], wanted: str | None) -> int:
    """Return which run is the baseline: the one of that label or name, by default the first.

    Raises:
        ConfigError: no run, or more than one, has that name.
    """
    if wanted is None:
        return 0
    matches = [i for i, run in enumerate(runs) if wanted in (labels[i], run.identity.system.name)]
    if len(matches) != 1:
        problem = "is the name of several runs" if matches else "is none of the systems"
        raise ConfigError(f"the baseline {show(wanted)!r} {problem}", f"systems: {', '.join(labels)}")
    return matches[0]


def metrics_of(runs: Sequence[RunFile], labels: Sequence[str], wanted: Sequence[str] | None) -> list[str]:
    """The metrics to compare, after a check that the runs may be compared at all."""
    shared = [metric for metric in runs[0].identity.metrics if all(metric in r.identity.metrics for r in runs)]
    for metric in wanted or ():
        if metric not in shared:
            lacking = [label for run, label in zip(runs, labels, strict=True) if metric not in run.identity.metrics]
            raise ConfigError(
                f"{', '.join(lacking)} did not measure {show(metric)!r}",
                f"all measured: {', '.join(shared) or 'nothing'}",
            )
    chosen = list(dict.fromkeys(wanted)) if wanted else sorted(shared)
    if not chosen:
        raise ConfigError("the runs share no metric", "score them with the same profile")
    for run, label in zip(runs[1:], labels[1:], strict=True):
        for place, ours, theirs in _unlike(runs[0].identity, run.identity, chosen):
            raise ConfigError(
                f"{labels[0]} and {label} cannot be compared: {place} is {show(repr(ours), 60)} and "
                f"{show(repr(theirs), 60)}",
                "score both with the same dataset, profile and version of motionbench",
            )
    return chosen


def _unlike(a: Identity, b: Identity, metrics: Sequence[str]) -> Iterable[tuple[str, object, object]]:
    """What differs between two identities: its place and both values."""
    pairs: list[tuple[str, t.Any, t.Any]] = [
        (name, getattr(a, name), getattr(b, name)) for name in ("dataset", "profile", "protocol")
    ]
    pairs += [(f"metrics.{metric}", a.metrics[metric], b.metrics[metric]) for metric in metrics]
    for name, ours, theirs in pairs:
        for field in type(ours).model_fields:
            if getattr(ours, field) != getattr(theirs, field):
                yield f"{name}.{field}", getattr(ours, field), getattr(theirs, field)
