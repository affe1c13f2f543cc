"""Coordinates of the page's small charts; the templates draw them as inline SVG."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from motionbench.report import numbers
from motionbench.types import Estimate

WIDTH = 240.0  # of a chart in its own units
_MARGIN = 7.0  # room for half a mark at each end


@dataclass(frozen=True, slots=True)
class Scale:
    """A linear axis from `low` to `high` over the width of a chart."""

    low: float
    high: float

    def at(self, value: float) -> float:
        """Return the horizontal place of a value, to a hundredth of a unit."""
        share = (value - self.low) / (self.high - self.low)
        return round(_MARGIN + share * (WIDTH - 2 * _MARGIN), 2)

    @property
    def ends(self) -> tuple[str, str]:
        """The axis's ends as text."""
        digits = numbers.places((self.high - self.low) / 4)
        power = numbers.exponent(max(abs(self.low), abs(self.high)))
        low, high = ("0" if end == 0 else numbers.rounded(end, digits, power) for end in (self.low, self.high))
        return low, high


@dataclass(frozen=True, slots=True)
class Whisker:
    """Places of an estimate's value, interval or standard error, and anchor; None for what it has not."""

    value: float
    interval: tuple[float, float] | None
    spread: tuple[float, float] | None
    reference: float | None


def scale(values: Sequence[float]) -> Scale:
    """Return an axis that holds all values (one or more) with some air; it starts at 0 where that costs little room."""
    low, high = min(values), max(values)
    if low == high == 0:
        return Scale(0.0, 1.0)
    air = 0.08 * (high - low) or 0.5 * abs(high)
    start = 0.0 if 0 <= low <= 0.5 * high else low - air
    return Scale(start, 0.0 if start < 0 and high == 0 else high + air)


def estimates_scale(estimates: Iterable[Estimate]) -> Scale | None:
    """Return one axis for a metric's estimates, so that subsets can be compared by eye; None without any value."""
    known = [e for e in estimates if e.value is not None]
    marks = [mark for e in known for mark in (e.value, e.low, e.high, e.details.get("reference"))]
    marks += [e.value + sign * e.se for e in known for sign in (-1, 1) if e.value is not None and e.se is not None]
    return scale([mark for mark in marks if mark is not None]) if known else None


def whisker(estimate: Estimate, axis: Scale | None) -> Whisker | None:
    """Return where the estimate's marks are; None where it has no value."""
    if axis is None or estimate.value is None:
        return None
    interval = spread = None
    if estimate.low is not None and estimate.high is not None:
        interval = axis.at(estimate.low), axis.at(estimate.high)
    elif estimate.se is not None:
        spread = axis.at(estimate.value - estimate.se), axis.at(estimate.value + estimate.se)
    reference = estimate.details.get("reference")
    return Whisker(axis.at(estimate.value), interval, spread, None if reference is None else axis.at(reference))
