"""Which box is which object: one box each, objects of one kind told apart by where they are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

ORDER = (
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth",
    "eleventh", "twelfth",
)  # fmt: skip
_ACROSS = {"left": 0.0, "leftmost": 0.0, "middle": 0.5, "center": 0.5, "centre": 0.5, "right": 1.0, "rightmost": 1.0}
_DOWN = {"upper": 0.0, "top": 0.0, "back": 0.0, "rear": 0.0, "lower": 1.0, "bottom": 1.0, "front": 1.0}
# Boxes that share more than this are the same thing seen twice.
_SAME = 0.7


def kind_of(name: str) -> str:
    """A name without its place: "dog" of "left dog"."""
    words = name.split()
    while len(words) > 1 and words[0].lower() in (*_ACROSS, *_DOWN, *ORDER, "other"):
        words.pop(0)
    return " ".join(words)


def place_of(name: str) -> str:
    """The place that leads a name, "" for none."""
    words = name.lower().split()
    return words[0] if len(words) > 1 and words[0] in (*_ACROSS, *_DOWN, *ORDER) else ""


def choose(
    names: Sequence[str],
    kinds: Sequence[str],
    boxes: Sequence[Floats],
    scores: Sequence[Floats],
    threshold: float,
    width: int,
    height: int,
) -> Floats:
    """One box for each name at most; no box twice.

    Boxes are taken from the best score on. A kind gets as many as it has names; those are then dealt out by their
    places. Where a kind has fewer boxes than names, a box goes to the name whose place is nearest.

    Args:
        names: K names.
        kinds: the kinds that occur, in any order.
        boxes: for each kind float32 [Q, 4].
        scores: for each kind float32 [Q].
        threshold: least score.
        width, height: of the picture.

    Returns:
        float32 [K, 4], rows of NaN for what was not found.
    """
    found = np.full((len(names), 4), np.nan, np.float32)
    members = [[k for k, name in enumerate(names) if kind_of(name) == kind] for kind in kinds]
    for kind, taken in enumerate(_take(boxes, scores, threshold, [_wanted(names, some) for some in members])):
        for k, box in _deal(names, members[kind], taken, width, height):
            found[k] = box
    return found


def _wanted(names: Sequence[str], members: Sequence[int]) -> int:
    """How many boxes a kind may take; a lone "left dog" has to be found among all dogs."""
    return 12 if len(members) == 1 and place_of(names[members[0]]) else len(members)


def _take(
    boxes: Sequence[Floats], scores: Sequence[Floats], threshold: float, wanted: Sequence[int]
) -> list[list[Floats]]:
    """The boxes that each kind gets, best first."""
    pairs = [
        (float(score[q]), -kind, -int(q))
        for kind, score in enumerate(scores)
        for q in np.flatnonzero(np.isfinite(score) & (score >= threshold))
    ]
    taken: list[list[Floats]] = [[] for _ in wanted]
    for _, minus_kind, minus_q in sorted(pairs, reverse=True):
        kind, box = -minus_kind, boxes[-minus_kind][-minus_q]
        solid = box[2] - box[0] >= 1 and box[3] - box[1] >= 1
        if solid and len(taken[kind]) < wanted[kind] and not any(_overlap(box, b) > _SAME for bs in taken for b in bs):
            taken[kind].append(box)
    return taken


def _overlap(first: Floats, second: Floats) -> float:
    """Intersection over union of two boxes."""
    sides = np.minimum(first[2:], second[2:]) - np.maximum(first[:2], second[:2])
    common = float(np.prod(np.maximum(sides, 0)))
    return common / (float(np.prod(first[2:] - first[:2]) + np.prod(second[2:] - second[:2])) - common)


def _deal(
    names: Sequence[str], members: Sequence[int], taken: Sequence[Floats], width: int, height: int
) -> list[tuple[int, Floats]]:
    """Which of a kind's names gets which box."""
    if not taken:
        return []
    places = [place_of(names[k]) for k in members]
    down = all(place in _DOWN for place in places)
    axis, extent = (1, height) if down else (0, width)
    centres = [float(box[axis] + box[axis + 2]) / 2 / extent for box in taken]
    targets = [_target(place, n, len(members)) for n, place in enumerate(places)]
    if len(members) == 1:
        best = min(range(len(taken)), key=lambda b: abs(centres[b] - targets[0]) if places[0] else b)
        return [(members[0], taken[best])]
    by_place = sorted(range(len(members)), key=lambda n: targets[n])
    by_centre = sorted(range(len(taken)), key=lambda b: centres[b])
    if len(taken) == len(members):
        return [(members[n], taken[b]) for n, b in zip(by_place, by_centre, strict=True)]
    free = list(by_place)
    dealt = []
    for b in by_centre:
        n = min(free, key=lambda m: abs(targets[m] - centres[b]))
        free.remove(n)
        dealt.append((members[n], taken[b]))
    return dealt


def _target(place: str, number: int, of: int) -> float:
    """Where in [0, 1] a place is; those that only count stand in a row."""
    if place in _ACROSS:
        return _ACROSS[place]
    if place in _DOWN:
        return _DOWN[place]
    rank = ORDER.index(place) if place in ORDER else number
    return (rank + 0.5) / max(of, rank + 1)
