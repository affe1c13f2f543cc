"""Several samples of a case: each is scored by itself, then they become one row of their case.

The case stays the unit of every statistic: its value is the mean over its samples, so n does not grow with their number
and intervals speak of other cases. Sample 0 goes under the case's own id, sample k under "<case id>/<k>" (a slash that
no file name has); these ids live inside a run only. A distance between sets takes sample 0 of each case, so that as
many generated as real videos are compared and its bias does not depend on the number of samples.
"""

from __future__ import annotations

import dataclasses
import math
import typing as t
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from motionbench.job import Outcome
from motionbench.types import Case, Row


def expand(cases: Sequence[Case], samples: Mapping[str, Sequence[str]]) -> list[Case]:
    """The cases, and after each one a case for every further sample of it."""
    return [one for case in cases for one in _each(case, len(samples.get(case.id, ())))]


def _each(case: Case, count: int) -> Iterator[Case]:
    yield case
    for number in range(1, count):
        yield dataclasses.replace(case, id=f"{case.id}/{number}")


def merge(outcomes: Sequence[Outcome], cases: Sequence[Case], samples: Mapping[str, Sequence[str]]) -> list[Outcome]:
    """One outcome for each case, in the order of the cases; what was spent is added up, pictures are sample 0's."""
    found = {outcome.case_id: outcome for outcome in outcomes}
    merged = []
    for case in cases:
        some = [found[one.id] for one in _each(case, len(samples.get(case.id, ())))]
        if len(some) == 1:
            merged.append(some[0])
            continue
        seconds: dict[str, float] = defaultdict(float)
        for outcome in some:
            for what, spent in outcome.seconds.items():
                seconds[what] += spent
        rows = tuple(_merge_rows(of_metric) for of_metric in zip(*(outcome.rows for outcome in some), strict=True))
        sums = {name: sum(getattr(outcome, name) for outcome in some) for name in ("decoded", "hits", "misses")}
        trouble = tuple(dict.fromkeys(message for outcome in some for message in outcome.trouble))
        merged.append(dataclasses.replace(some[0], rows=rows, seconds=dict(seconds), trouble=trouble, **sums))
    return merged


def unequal(samples: Mapping[str, Sequence[str]]) -> str:
    """One line that names the cases with another number of samples than most; "" where all have equally many."""
    counts = {case_id: len(files) for case_id, files in samples.items()}
    if len(set(counts.values())) < 2:
        return ""
    usual = Counter(counts.values()).most_common(1)[0][0]
    odd = [f"{case_id!r} {count}" for case_id, count in sorted(counts.items()) if count != usual]
    more = f" and {len(odd) - 5} more" if len(odd) > 5 else ""
    return f"most cases have {usual} samples, but {', '.join(odd[:5])}{more}; each case counts once all the same"


def _merge_rows(rows: Sequence[Row]) -> Row:
    """One metric's rows of one case's samples as the case's row."""
    first = rows[0]
    for number, row in enumerate(rows):
        if row.status in ("failed", "missing"):
            return dataclasses.replace(first, status=row.status, values={}, note=f"sample {number}: {row.note}")
    ok = [row for row in rows if row.status == "ok"]
    if not ok:
        return first
    note = "" if len(ok) == len(rows) else f"{len(ok)} of {len(rows)} samples have a value"
    if any(isinstance(value, np.ndarray) for value in ok[0].values.values()):
        if first.status != "ok":
            return first
        return dataclasses.replace(first, note=f"sample 0 of {len(rows)}: a distance takes one video a case")
    values = _mean([row.values for row in ok])
    return Row(
        first.case_id,
        first.subset,
        first.metric,
        "ok",
        {**values, "samples": [row.values.get("value") if row.status == "ok" else None for row in rows]},
        note,
    )


def _mean(values: Sequence[t.Any]) -> t.Any:
    """Numbers become their mean; mappings and equally long lists are gone through; what else differs becomes None."""
    first = values[0]
    if all(value == first for value in values):
        return first
    if all(isinstance(value, Mapping) and value.keys() == first.keys() for value in values):
        return {name: _mean([value[name] for value in values]) for name in first}
    if all(isinstance(value, list) and len(value) == len(first) for value in values):
        return [_mean([value[k] for value in values]) for k in range(len(first))]
    if all(isinstance(value, (int, float)) for value in values):
        return math.fsum(values) / len(values)
    return None
