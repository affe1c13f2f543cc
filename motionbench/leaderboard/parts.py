"""Why a case scores low: what each of its objects gets in the parts of tracked motion realism.

A row of `tmr` holds every object of its case, those that should move and those that should stand still; where none
should move, the row of `stillness` has them. Rows come from strangers: what is no number in [0, 1] is left out.
"""

from __future__ import annotations

import typing as t
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from motionbench.canonical import show
from motionbench.types import Row

PARTS = ("motion", "survival", "identity", "naturalness")  # an object's score is their product
SOURCES = ("tmr", "stillness")  # in the order in which they are asked
_MOST = 100  # objects of a case
_LONGEST = 200  # characters of a reason


@dataclass(frozen=True, slots=True)
class ObjectParts:
    """One object of a case.

    Attributes:
        object_id: as in the data set.
        metric: "tmr" or "stillness", which it counts in; "" where it is not judged.
        score: its share of that metric's value; None where it is not judged.
        parts: in the order of `PARTS`; None where a part is not known.
        reason: why it is not judged, or "".
    """

    object_id: int
    metric: str
    score: float | None
    parts: tuple[float | None, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class CaseParts:
    """The objects of a case, or why there is no number for any."""

    objects: tuple[ObjectParts, ...]
    reason: str


def case_parts(row: Row) -> CaseParts | None:
    """Return what a row says of its objects; None for a row of another metric or one that says nothing of them."""
    if row.metric not in SOURCES:
        return None
    if row.status != "ok":
        return CaseParts((), show(row.note, _LONGEST))
    given = row.values.get("objects")
    if not isinstance(given, (list, tuple)):
        return None
    found = [_object(one) for one in given[:_MOST] if isinstance(one, Mapping)]
    known = tuple(one for one in found if one is not None)
    return CaseParts(known, "") if known else None


def first_of(found: Mapping[str, CaseParts]) -> CaseParts | None:
    """Return the parts of a case by metric: the first row that has objects, or else the first one's reason."""
    known = [found[metric] for metric in SOURCES if metric in found]
    return next((one for one in known if one.objects), known[0] if known else None)


def as_data(found: CaseParts | None, reasons: Mapping[str, int]) -> t.Any:
    """Return the parts for the page: thousandths of each part, and the place of a reason in the page's list.

    An object is [id, metric's place in `SOURCES` or -1, score to three digits, part, part, ...] or [id, reason].
    """
    if found is None:
        return None
    if not found.objects:
        return reasons[found.reason]
    return [_object_data(one, reasons) for one in found.objects]


def reasons_of(found: Sequence[CaseParts]) -> list[str]:
    """Return every reason once, sorted."""
    own = {case.reason for case in found}
    return sorted(own | {one.reason for case in found for one in case.objects})


def _object_data(one: ObjectParts, reasons: Mapping[str, int]) -> list[float | int | None]:
    if one.score is None:
        return [one.object_id, reasons[one.reason]]
    parts = [None if part is None else round(1000 * part) for part in one.parts]
    return [one.object_id, SOURCES.index(one.metric), float(f"{one.score:.3g}"), *parts]


def _object(given: Mapping[str, t.Any]) -> ObjectParts | None:
    object_id = given.get("object_id")
    if isinstance(object_id, bool) or not isinstance(object_id, int) or abs(object_id) > 10**6:
        return None
    metric = next((name for name in SOURCES if _share(given.get(name)) is not None), "")
    parts = tuple(_share(given.get(name)) for name in PARTS)
    reason = given.get("reason")
    said = show(reason, _LONGEST) if isinstance(reason, str) else ""
    return ObjectParts(object_id, metric, _share(given.get(metric)) if metric else None, parts, said)


def _share(value: object) -> float | None:
    usable = isinstance(value, (int, float)) and not isinstance(value, bool) and 0.0 <= value <= 1.0
    return float(value) if usable else None  # type: ignore[arg-type]
