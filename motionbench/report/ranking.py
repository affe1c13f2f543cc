"""Which cases to look at first.

For a metric with a direction, a case's place is the number of cases with a value that are not better than it, itself
included: 1 is the one worst case, and where all are equal all have the last place. Cases are then ordered by their
smallest place over the metrics, ties by the next smallest, and so on, and at last by id. So the worst case of every
metric comes early, whatever the units, and a case that fails in two ways comes before one that fails in one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from motionbench.types import Direction, Row


def case_values(rows: Iterable[Row]) -> dict[str, dict[str, float]]:
    """Return the finite case values by metric, then case id; metrics without any (set metrics) are absent."""
    found: dict[str, dict[str, float]] = {}
    for row in rows:
        value = row.values.get("value")
        if row.status == "ok" and isinstance(value, (int, float)):
            found.setdefault(row.metric, {})[row.case_id] = float(value)
    return found


def places(values: Mapping[str, float], direction: Direction) -> dict[str, int]:
    """Return each case's place from the worst, 1 for the worst; equals share the last place among them.

    Args:
        values: value by case id.
        direction: "higher" or "lower" is better; "none" has no worst, and nothing is returned.
    """
    if direction == "none":
        return {}
    signed = {case: value if direction == "higher" else -value for case, value in values.items()}
    order = sorted(signed.values())
    last = {value: place for place, value in enumerate(order, start=1)}
    return {case: last[value] for case, value in signed.items()}


def worst_first(cases: Iterable[str], placed: Iterable[Mapping[str, int]]) -> list[str]:
    """Return all cases, the ones to look at first in front.

    Args:
        cases: case ids.
        placed: for each metric, what `places` returned.
    """
    every = list(placed)
    unranked = float("inf")  # a case without a value in some metric is behind one that has it, all else equal
    keys = {case: sorted(found.get(case, unranked) for found in every) for case in cases}
    return sorted(keys, key=lambda case: (keys[case], case))
