"""Rows to estimates: one number for each metric and subset, with what it rests on."""

from __future__ import annotations

import dataclasses
import hashlib
import math
from collections import Counter
from collections.abc import Iterator, Sequence

from motionbench.errors import NotApplicable
from motionbench.plan import Plan
from motionbench.types import Case, Estimate, Metric, Row, Summary

SUBSETS = ("all", "single", "multi")


def estimate(plan: Plan, cases: Sequence[Case], rows: Sequence[Row], seed: int) -> tuple[Estimate, ...]:
    """Reduce the rows of a run.

    Args:
        plan: the plan that made the rows.
        cases: the cases that were to be scored; a subset without any is left out.
        rows: all rows, in any order.
        seed: the run's seed; each metric draws from its own stream.
    """
    by_metric: dict[str, list[Row]] = {m.id: [] for m in plan.metrics}
    for row in sorted(rows, key=lambda r: r.case_id):
        by_metric[row.metric].append(row)
    return tuple(_estimates(plan, cases, by_metric, seed))


def _estimates(plan: Plan, cases: Sequence[Case], rows: dict[str, list[Row]], seed: int) -> Iterator[Estimate]:
    for metric in plan.metrics:
        stream = int.from_bytes(hashlib.sha256(f"{seed}/{metric.id}".encode()).digest()[:4], "big")
        for subset in SUBSETS:
            expected = sum(subset in ("all", c.subset) for c in cases)
            chosen = [r for r in rows[metric.id] if subset in ("all", r.subset)]
            if expected:
                yield _one(plan, metric, subset, expected, chosen, stream)


def _one(plan: Plan, metric: Metric, subset: str, expected: int, rows: list[Row], seed: int) -> Estimate:
    ok = [r for r in rows if r.status == "ok"]
    broken = [r for r in rows if r.status in ("failed", "missing")]
    excused = [r for r in rows if r.status == "not_applicable"]
    summary, status = Summary(None), "ok"
    if ok:
        try:
            summary = metric.reduce(ok, seed)
        except NotApplicable as error:
            summary, status = Summary(None, reason=error.message), "not_applicable"
    elif excused and not broken:
        status = "not_applicable"
    if broken:
        status = "incomplete"
    reasons = [summary.reason] if summary.reason else []
    for kind, some in (("not applicable", excused), ("failed or missing", broken)):
        if some:
            reasons.append(_explain(kind, some, expected))
    details = {**summary.details, **_anchor(ok)}
    return Estimate(
        metric=metric.id,
        backend=plan.backend_name(metric),
        subset=subset,  # type: ignore[arg-type]
        value=summary.value,
        unit=metric.unit,
        direction=metric.direction,
        n=len(ok),
        expected=expected,
        low=summary.low,
        high=summary.high,
        se=summary.se,
        method=summary.method,
        status=status,  # type: ignore[arg-type]
        reason="; ".join(reasons),
        details=details,
    )


def _explain(kind: str, rows: list[Row], expected: int) -> str:
    (reason, count), *others = Counter(r.note for r in rows).most_common()
    if len(rows) == expected and not others:
        return reason
    return (
        f"{kind} in {len(rows)} of {expected} cases ({reason}{'' if not others else f': {count}, and other reasons'})"
    )


def _anchor(rows: list[Row]) -> dict[str, float]:
    """The mean of what the real videos of the same cases score, where a metric knows it."""
    values = [r.values["reference"] for r in rows if r.values.get("reference") is not None]
    return {"reference": math.fsum(values) / len(values)} if values and len(values) == len(rows) else {}


def drop_arrays(rows: Sequence[Row]) -> tuple[Row, ...]:
    """Rows without the arrays that set metrics carry; only their numbers are written."""
    return tuple(
        dataclasses.replace(r, values={k: v for k, v in r.values.items() if not hasattr(v, "dtype")}) for r in rows
    )
