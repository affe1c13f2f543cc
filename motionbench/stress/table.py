"""A stress run on the terminal: which metric sees which corruption, and what moves although it should not."""

from __future__ import annotations

from collections.abc import Callable

from motionbench.stress.record import Reaction, Stress

Cell = Callable[[Reaction | None], str]

SURE = 3.0  # standard errors from which on a change is called seen
WIDTH = 120  # characters of a line
WATCHED = ("camera_jitter", "duplicate", "reversal", "background_drift", "texture_flicker", "colour_drift")


def sees(reaction: Reaction) -> bool:
    """True if the change at top severity is 3 standard errors or more, in the bad direction where there is one."""
    return _sure(reaction) and (reaction.drop is None or reaction.drop > 0)


def rewards(reaction: Reaction) -> bool:
    """True if the metric calls the corrupted clips better, by 3 standard errors or more."""
    return _sure(reaction) and reaction.drop is not None and reaction.drop < 0


def _sure(reaction: Reaction) -> bool:
    """3 standard errors or more; where every clip changes by the same amount the error is 0, and any change is sure."""
    if reaction.z is None:
        return reaction.se == 0 and bool(reaction.change)
    return abs(reaction.z) >= SURE


def watchers(stress: Stress, corruption: str) -> list[str]:
    """Metrics that see a corruption, the surest first."""
    found = [r for r in stress.reactions if r.corruption == corruption and sees(r)]
    return [r.metric for r in sorted(found, key=lambda r: (-abs(r.z or 0.0), r.metric))]


def render(stress: Stress) -> str:
    """The whole table as text."""
    harmful, benign = stress.ordered(benign=False), stress.ordered(benign=True)
    parts = [
        f"{stress.dataset['name']}, profile {stress.profile['name']}: {len(stress.cases)} cases, "
        f"at most {stress.per_corruption} for each corruption, four times as many for a benign change",
    ]
    if harmful:
        parts += ["", "Spearman's rho with severity / effect in standard deviations of clean clips"]
        parts += ["(* seen: 3 standard errors or more in the bad direction; ! taken for an improvement)"]
        parts += _matrix(stress, harmful, _cell)
        parts += ["", *_verdicts(stress, harmful)]
    if benign:
        parts += ["", "benign changes: shift in share of the range from 0 to clean (distances: to full_shuffle)"]
        parts += _matrix(stress, benign, _share)
    return "\n".join(parts) + "\n"


def _matrix(stress: Stress, names: list[str], cell: Cell) -> list[str]:
    """Rows of text; metrics that do not fit beside each other stand below each other."""
    metrics = list(stress.metrics)
    width = max(len(name) for name in names)
    rows = [[cell(stress.find(metric, name)) for metric in metrics] for name in names]
    widths = [max(len(metric), *(len(row[k]) for row in rows)) + 2 for k, metric in enumerate(metrics)]
    lines: list[str] = []
    start = 0
    while start < len(metrics):
        stop = start + 1
        while stop < len(metrics) and width + sum(widths[start : stop + 1]) <= WIDTH:
            stop += 1
        head = "".join(m.rjust(w) for m, w in zip(metrics[start:stop], widths[start:stop], strict=True))
        lines += [" " * width + head] if not lines else ["", " " * width + head]
        for name, row in zip(names, rows, strict=True):
            cells = "".join(c.rjust(w) for c, w in zip(row[start:stop], widths[start:stop], strict=True))
            lines.append((name.ljust(width) + cells).rstrip())
        start = stop
    return lines


def _cell(reaction: Reaction | None) -> str:
    if reaction is None or not reaction.n:
        return "-"
    mark = "*" if sees(reaction) else "!" if rewards(reaction) else " "
    rho = "  .  " if reaction.rho is None else f"{reaction.rho:+.2f}"
    effect = "  .  " if reaction.effect is None else f"{reaction.effect:+.2f}"
    return f"{rho}/{effect}{mark}"


def _share(reaction: Reaction | None) -> str:
    if reaction is None or reaction.share is None:
        return "-"
    return f"{reaction.share:+.1%}"


def _verdicts(stress: Stress, names: list[str]) -> list[str]:
    lines = []
    for name in (n for n in WATCHED if n in names):
        judges = [m for m in watchers(stress, name) if stress.metrics[m].direction != "none"]
        others = [m for m in watchers(stress, name) if stress.metrics[m].direction == "none"]
        moved = f" (it also moves {', '.join(others)})" if others else ""
        if judges:
            lines.append(f"{name}: seen by {', '.join(judges)}{moved}")
        elif any(r.corruption == name and r.z is not None for r in stress.reactions):
            lines.append(f"{name}: seen by no metric of this profile{moved}")
        else:
            lines.append(f"{name}: not measured (fewer than 3 cases)")
    return lines
