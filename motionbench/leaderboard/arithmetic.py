"""Does an estimate follow from its rows? What it counts, its mean, its standard error, and what it cannot be.

A metric with a value for each case is the mean of those, and its standard error follows from them as in
`motionbench.stats`. A distance between sets cannot be made anew from rows; of it only what is impossible is found.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from motionbench.stats import MIN_CASES
from motionbench.stats.units import units
from motionbench.types import Estimate, Row

TOLERANCE = 1e-9  # of a mean that is computed anew, relative where the mean is above 1
SE_TOLERANCE = 1e-6  # of a standard error, relative
FARTHEST = 12.0  # standard errors from the value to an end of its interval; t at 7 degrees of freedom is 2.4

# Closed ranges by metric id. Any other metric, such as a distance that may be negative, may take any finite value.
RANGES: Mapping[str, tuple[float, float]] = {
    "fvd": (-1e-6, math.inf),  # the Fréchet distance of a set to itself is 0 up to round-off
    "ad": (0.0, math.inf),
    "ad_norm": (0.0, math.inf),
    "warp_error": (0.0, math.inf),
    "flicker": (0.0, 1.0),
    "dynamic_degree": (0.0, 1.0),
    "survival": (0.0, 1.0),
    "tmr": (0.0, 1.0),
    "tmr_worst": (0.0, 1.0),
    "stillness": (0.0, 1.0),
    "coherence": (0.0, 1.0),
    "text": (0.0, 1.0),
    "text_object": (0.0, 1.0),
    "first_frame": (-1.0, 1.0),
    "cf": (-1.0, 1.0),
    "clip_t": (-1.0, 1.0),
    "clip_t_object": (-1.0, 1.0),
    "viclip_t": (-1.0, 1.0),
    "viclip_v": (-1.0, 1.0),
    "vbench_flicker": (0.0, 1.0),
    "vbench_dynamic_degree": (0.0, 1.0),
    "vbench_subject_consistency": (0.0, 1.0),
}
OF_SETS = ("fvd", "kvd", "fvd_split")  # they have no value for a case, and an interval of value ± t se
WEIGHTS: Mapping[str, str] = {"vbench_subject_consistency": "frames"}  # the component by which its mean is weighted
_ROUND_OFF = 1e-6


@dataclass(slots=True)
class Tally:
    """Rows of one metric in one subset.

    `values`, `strata`, `weights` and `references` have one entry for each "ok" row; None where a row has none.
    """

    rows: int = 0
    values: list[float | None] = field(default_factory=list)
    strata: list[str] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    references: list[float | None] = field(default_factory=list)

    def count(self, row: Row, value: float | None) -> None:
        """Take a row in."""
        self.rows += 1
        if row.status != "ok":
            return
        self.values.append(value)
        self.strata.append(row.subset)
        self.weights.append(_number(row.values.get(WEIGHTS.get(row.metric, ""))) or 1.0)
        self.references.append(_number(row.values.get("reference")))


def within_range(estimate: Estimate) -> Estimate:
    """Return an estimate whose interval does not leave its metric's range, and whose method says so if it was cut.

    Intervals of runs made before stats took a bootstrap for 8 to 29 cases are value ± t se. The truth is in the range,
    so that a cut costs no coverage.
    """
    if estimate.low is None or estimate.high is None:
        return estimate
    lowest, highest = RANGES.get(estimate.metric, (-math.inf, math.inf))
    low, high = max(estimate.low, lowest), min(estimate.high, highest)
    if (low, high) == (estimate.low, estimate.high):
        return estimate
    method = f"{estimate.method}, cut to [{lowest:g}, {highest:g}]".removeprefix(", ")
    return dataclasses.replace(estimate, low=low, high=high, method=method)


def number_faults(estimate: Estimate, where: str) -> Iterator[str]:
    """What is impossible about an estimate by itself."""
    value, low, high, se = estimate.value, estimate.low, estimate.high, estimate.se
    if value is None:
        if estimate.status == "ok" and not estimate.reason:
            yield f"{where}: no value and no reason"
        if (low, high, se) != (None, None, None):
            yield f"{where}: an interval or error without a value"
        return
    if estimate.status != "ok":
        yield f"{where}: a value, but the status {estimate.status}"
    if fault := out_of_range(estimate.metric, value, where):
        yield fault
    if se is not None and se < 0:
        yield f"{where}: the standard error {se!r} is negative"
    if (low is None) != (high is None):
        yield f"{where}: half an interval"
    if low is None or high is None:
        return
    if low > high:
        yield f"{where}: the interval [{low!r}, {high!r}] is upside down"
    elif not low - _ROUND_OFF <= value <= high + _ROUND_OFF:
        yield f"{where}: the value {value!r} is outside its interval [{low!r}, {high!r}]"
    elif se is not None and max(high - value, value - low) > FARTHEST * se + _ROUND_OFF * max(1.0, abs(value)):
        yield f"{where}: the interval [{low!r}, {high!r}] is too wide for the standard error {se!r}"
    if estimate.metric in OF_SETS and abs(low + high - 2 * value) > _ROUND_OFF * max(1.0, abs(value)):
        yield f"{where}: the interval [{low!r}, {high!r}] is not around the value {value!r}"
    if estimate.n < MIN_CASES:
        yield f"{where}: an interval from {estimate.n} cases; below {MIN_CASES} there is none"


def count_faults(estimate: Estimate, tally: Tally, where: str) -> Iterator[str]:
    """What does not follow from the rows."""
    if estimate.expected != tally.rows:
        yield f"{where}: expected is {estimate.expected}, but cases.jsonl has {tally.rows} rows"
    if estimate.n != len(tally.values):
        yield f"{where}: n is {estimate.n}, but cases.jsonl has {len(tally.values)} scored cases"
    if estimate.value is not None and not tally.values:
        yield f"{where}: a value without a scored case"
    numbers = [value for value in tally.values if value is not None]
    if not numbers or estimate.value is None:
        return
    if estimate.metric in OF_SETS:
        yield f"{where}: a distance between sets has no value for a case"
    elif len(numbers) < len(tally.values):
        yield f"{where}: only {len(numbers)} of {len(tally.values)} scored cases have a value"
    else:
        yield from _mean_faults(estimate, estimate.value, numbers, tally, where)


def _mean_faults(estimate: Estimate, value: float, numbers: list[float], tally: Tally, where: str) -> Iterator[str]:
    mean = math.fsum(n * w for n, w in zip(numbers, tally.weights, strict=True)) / math.fsum(tally.weights)
    if abs(mean - value) > TOLERANCE * max(1.0, abs(mean)):
        yield f"{where}: the value is {value!r}, but the mean over cases.jsonl is {mean!r}"
    known = [reference for reference in tally.references if reference is not None]
    stated = estimate.details.get("reference")
    if stated is not None:
        real = math.fsum(known) / len(known) if known else math.nan
        if not abs(real - stated) <= TOLERANCE * max(1.0, abs(real)):
            yield f"{where}: the real videos score {stated!r}, but the mean over cases.jsonl is {real!r}"
    if estimate.se is None or len(set(tally.weights)) > 1:
        return
    se = float(units(len(numbers), tally.strata).standard_error(np.array(numbers)))
    if abs(se - estimate.se) > SE_TOLERANCE * max(se, abs(mean) * _ROUND_OFF, 1e-12):
        yield f"{where}: the standard error is {estimate.se!r}, but over cases.jsonl it is {se!r}"


def out_of_range(metric: str, value: float, where: str) -> str:
    """Return in one line that a value cannot be, or ""."""
    low, high = RANGES.get(metric, (-math.inf, math.inf))
    if low - _ROUND_OFF <= value <= high + _ROUND_OFF:
        return ""
    return f"{where}: the value {value!r} is impossible (range {low:g} to {high:g})"


def _number(value: object) -> float | None:
    usable = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if usable and abs(value) <= 1e300 else None  # type: ignore[arg-type]
