"""From values of clips to reactions: each corrupted clip is compared with its own clean clip.

A case gives one difference, so the case is the unit. Errors are se = sd / sqrt(n) of these paired differences and the
95 % interval is Student's t (from 3 cases on); for distances between sets they are the metric's own jackknife error.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy import stats as scipy_stats

from motionbench.stats import t_halfwidth
from motionbench.stress.record import Reaction
from motionbench.stress.samples import Measured, Sample
from motionbench.types import Metric, Row

FEWEST = 3  # cases for an error
FLAT = 1e-12
ROUNDING = 1e-6  # share of the values below which their spread is rounding


@dataclass
class Ladder:
    """All clips of one corruption on one case: samples by severity, and the object."""

    case_id: str
    object_id: int | None
    steps: dict[int, Sample] = field(default_factory=dict)


@dataclass(frozen=True)
class Pairs:
    """Values of one metric on the ladders of one corruption: one row a case, severity 0 to the top."""

    of: str
    cases: list[tuple[str, int | None]]
    values: np.ndarray
    control: list[float]
    reason: str


def ladders(samples: Sequence[Sample], corruption: str) -> list[Ladder]:
    """The ladders of a corruption, sorted by case and object, each with its clean clip as step 0."""
    clean = {s.case_id: s for s in samples if s.severity == 0}
    found: dict[tuple[str, int], Ladder] = {}
    for sample in samples:
        if sample.severity and sample.corruption == corruption:
            key = (sample.case_id, sample.object_id or 0)
            found.setdefault(key, Ladder(sample.case_id, sample.object_id, {0: clean[sample.case_id]}))
            found[key].steps[sample.severity] = sample
    return [found[key] for key in sorted(found)]


def own_value(metric: str, measured: Measured, object_id: int | None) -> tuple[float | None, str]:
    """The corrupted object's value where the metric has one for each object, else the clip's; and whose it is."""
    if measured.values is None:
        return None, "clip"
    objects = by_object(metric, measured)
    if object_id is not None and objects:
        return objects.get(object_id), "object"
    return _number(measured.values.get("value")), "clip"


def by_object(metric: str, measured: Measured) -> dict[int, float | None]:
    """Values by object id, for a metric whose "objects" hold its own value (under its id, or "value")."""
    entries = (measured.values or {}).get("objects") or []
    return {
        int(entry["object_id"]): _number(entry.get(metric, entry.get("value")))
        for entry in entries
        if metric in entry or "value" in entry
    }


def _number(value: object) -> float | None:
    if isinstance(value, (int, float, np.number)) and math.isfinite(value):
        return float(value)
    return None


def pairs(metric: str, climbed: Sequence[Ladder], levels: int) -> Pairs:
    """Collect the values of a metric; a ladder with a missing value is left out, with the reason."""
    kept, rows, control, whose = [], [], [], "clip"
    reasons: dict[str, int] = defaultdict(int)
    for ladder in climbed:
        found = [own_value(metric, ladder.steps[s].metrics[metric], ladder.object_id) for s in range(levels + 1)]
        values = [value for value, _ in found]
        if None in values:
            at = values.index(None)
            reasons[ladder.steps[at].metrics[metric].reason or "it has no value for the object"] += 1
            continue
        whose = found[0][1]
        kept.append((ladder.case_id, ladder.object_id))
        rows.append(values)
        control.extend(_others(metric, ladder, levels))
    text = "; ".join(f"{count} without: {reason}" for reason, count in sorted(reasons.items()))
    return Pairs(whose, kept, np.array(rows, dtype=np.float64).reshape(len(rows), levels + 1), control, text)


def _others(metric: str, ladder: Ladder, levels: int) -> list[float]:
    """Mean change of the untouched objects of one case, as a list of none or one."""
    if ladder.object_id is None:
        return []
    before, after = (by_object(metric, ladder.steps[s].metrics[metric]) for s in (0, levels))
    changes = []
    for key, old in before.items():
        new = after.get(key)
        if key != ladder.object_id and old is not None and new is not None:
            changes.append(new - old)
    return [math.fsum(changes) / len(changes)] if changes else []


def react(metric: Metric, corruption: str, found: Pairs, sd: float | None, benign: bool) -> Reaction:
    """Reduce the pairs of a metric that has a value for each clip."""
    n = len(found.values)
    if not n:
        return _nothing(metric, corruption, found.of, found.reason)
    curve = found.values.mean(axis=0)
    differences = found.values[:, -1] - found.values[:, 0]
    change, se = float(differences.mean()), _error(differences)
    half = t_halfwidth(se, n - 1) if se is not None else None
    control = np.array(found.control)
    clean = abs(float(curve[0]))
    scaled = benign and clean > FLAT
    return Reaction(
        metric=metric.id,
        corruption=corruption,
        of=found.of,  # type: ignore[arg-type]
        n=n,
        curve=curve.tolist(),
        change=change,
        se=se,
        low=None if half is None else change - half,
        high=None if half is None else change + half,
        drop=_worse(metric, change),
        z=change / se if se else None,
        rho=rank_correlation(curve),
        effect=change / sd if sd else None,
        control=float(control.mean()) if len(control) else None,
        control_se=_error(control),
        share=change / clean if scaled else None,
        share_low=(change - half) / clean if scaled and half is not None else None,
        share_high=(change + half) / clean if scaled and half is not None else None,
        reason=found.reason,
    )


def react_as_set(metric: Metric, corruption: str, climbed: Sequence[Ladder], levels: int, seed: int) -> Reaction:
    """Reduce a metric that compares sets: the clips of each severity against the clean ones."""
    summaries = []
    for severity in range(levels + 1):
        steps = [ladder.steps[severity] for ladder in climbed]
        rows = [
            Row(s.case_id, s.subset, metric.id, "ok", dict(values))  # type: ignore[arg-type]
            for s in steps
            if (values := s.metrics[metric.id].values) is not None
        ]
        if len(rows) < len(steps) or not rows:
            missing = next((s.metrics[metric.id].reason for s in steps if s.metrics[metric.id].values is None), "")
            return _nothing(metric, corruption, "set", missing)
        summaries.append(metric.reduce(sorted(rows, key=lambda row: row.case_id), seed))
    curve = [float(s.value) for s in summaries if s.value is not None]
    if len(curve) < len(summaries):
        return _nothing(metric, corruption, "set", next((s.reason for s in summaries if s.value is None), ""))
    change, se, floor = curve[-1] - curve[0], summaries[-1].se, summaries[-1].details.get("floor")
    half = t_halfwidth(se, len(climbed) - 1) if se is not None and len(climbed) > 1 else None
    nothing = _nothing(metric, corruption, "set", "")
    return nothing.model_copy(
        update={
            "n": len(climbed),
            "curve": curve,
            "change": change,
            "se": se,
            "low": None if half is None else change - half,
            "high": None if half is None else change + half,
            "drop": _worse(metric, change),
            "z": change / se if se else None,
            "rho": rank_correlation(np.array(curve)),
            "effect": change / floor if floor else None,
            "reason": "" if se is not None else summaries[-1].reason,
        }
    )


def scale_sets(reactions: list[Reaction], benign: Mapping[str, object]) -> list[Reaction]:
    """Set the share of benign changes of distances: of the way from the clean set to the fully shuffled one."""
    far = {r.metric: r.change for r in reactions if r.of == "set" and r.corruption == "full_shuffle" and r.change}
    scaled = []
    for r in reactions:
        full = far.get(r.metric)
        if r.of == "set" and r.corruption in benign and full and r.change is not None:
            low, high = (None if end is None else end / full for end in (r.low, r.high))
            r = r.model_copy(update={"share": r.change / full, "share_low": low, "share_high": high})
        scaled.append(r)
    return scaled


def is_set(measured: Sequence[Measured]) -> bool:
    """True for a metric that gives no number for one clip but arrays for the set."""
    values = [m.values for m in measured if m.values is not None]
    return bool(values) and all(
        v.get("value") is None and any(isinstance(x, np.ndarray) for x in v.values()) for v in values
    )


def rank_correlation(curve: np.ndarray) -> float | None:
    """Spearman's rho of a curve with severity; None for fewer than 3 points or a flat curve."""
    if len(curve) < 3 or float(np.ptp(curve)) <= FLAT * max(1.0, float(np.abs(curve).max())):
        return None
    return float(scipy_stats.spearmanr(np.arange(len(curve)), curve).statistic)


def _error(values: np.ndarray) -> float | None:
    return float(np.std(values, ddof=1)) / math.sqrt(len(values)) if len(values) >= FEWEST else None


def _worse(metric: Metric, change: float) -> float | None:
    return {"higher": -change, "lower": change, "none": None}[metric.direction]


def _nothing(metric: Metric, corruption: str, of: str, reason: str) -> Reaction:
    head = {"metric": metric.id, "corruption": corruption, "of": of, "n": 0, "curve": [], "reason": reason}
    return Reaction.model_validate({**dict.fromkeys(Reaction.model_fields), **head})
