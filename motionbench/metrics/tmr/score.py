"""The score of each object of a case, from the generated video and, where there is one, the reference."""

from __future__ import annotations

import dataclasses
import typing as t
from dataclasses import dataclass

from motionbench.metrics.once import once
from motionbench.metrics.tmr.character import Character, characterise
from motionbench.metrics.tmr.order import typical_step
from motionbench.metrics.tmr.parts import Parts, compare
from motionbench.metrics.tmr.population import expected_at
from motionbench.metrics.tmr.tracks import cameras
from motionbench.metrics.tmr.traits import Traits, measure
from motionbench.types import CaseView, Values, View

MOVES = 0.15  # diameters per second: an object of a reference that is slower stands still
MOST_EXCUSED = 0.5
ALIKE = 0.75  # what each of two measurements of a reference must keep when it is judged by the other
# A prompt by which an object stands still, where no reference tells.
STILL_WORDS = ("stays still", "remains still", "keeps still", "motionless", "stationary", "does not move")


@dataclass(frozen=True, slots=True)
class Judged:
    """One object's outcome.

    Attributes:
        parts: None where it cannot be judged, `reason` then says why.
        still: it is expected to stand still.
        shown: what was measured.
    """

    object_id: int
    parts: Parts | None
    still: bool
    shown: Character | None
    reason: str

    def values(self) -> Values:
        """Plain numbers: `tmr` of a moving object or `stillness` of one that should not move, and all parts."""
        found: Values = {"object_id": self.object_id, "tmr": None, "stillness": None}
        names = ("motion", "survival", "identity", "naturalness")
        found.update({name: None if self.parts is None else getattr(self.parts, name) for name in names})
        if self.parts is not None:
            found["stillness" if self.still else "tmr"] = self.parts.score
        found["amplitude"] = None if self.shown is None else self.shown.amplitude
        return {**found, "reason": self.reason}


def judge(view: CaseView) -> list[Judged]:
    """Judge every object of a case, in the order of its masks."""
    ids = [int(i) for i in view.generated.roles["masks"]["object_ids"]]
    shown = _traits(view.generated)
    expected, again = _of_reference(view.reference, len(ids))
    prompts = {o.id: o.prompt.lower() for o in view.case.objects}
    asked = [_asks_stillness(prompts.get(key, "")) for key in ids]
    alone = view.reference is None
    return [_one(k, s, e, g, alone, a) for k, s, e, g, a in zip(ids, shown, expected, again, asked, strict=True)]


def _asks_stillness(prompt: str) -> bool:
    """True if the prompt lets the object do nothing else ("stays still until it is hit" does)."""
    return any(words in prompt for words in STILL_WORDS) and " until " not in prompt and " then " not in prompt


@once
def _traits(view: View) -> list[Traits | None]:
    steps = cameras(view.roles["windows"])
    return [measure(view, k, steps) for k in range(len(view.roles["masks"]["object_ids"]))]


def _of_reference(view: View | None, count: int) -> tuple[list[Traits | None], list[Traits | None]]:
    """Two measurements of every object of the reference; None where there is no reference."""
    if view is None:
        return [None] * count, [None] * count
    assert view.again is not None
    return _traits(view), _traits(view.again)


def _one(
    key: int, shown: Traits | None, reference: Traits | None, again: Traits | None, alone: bool, asked_still: bool
) -> Judged:
    if shown is None:
        return Judged(key, None, False, None, "no point could be placed on it")
    if not alone and reference is None:
        return Judged(key, None, False, None, "no point could be placed on it in the reference")
    expected = expected_at(float(shown.speeds.mean())) if reference is None else characterise(reference)
    still = asked_still if reference is None else expected.amplitude < MOVES
    if reference is None and still:
        expected = dataclasses.replace(expected, amplitude=0.0)
    step = None if reference is None else typical_step(reference.apart)
    found = characterise(shown, expected.amplitude, step)
    if reference is not None and not alike(reference, again, still=still):
        return Judged(key, None, still, found, "two measurements of it in the reference do not agree")
    if shown.excused > MOST_EXCUSED:
        return Judged(key, None, still, found, "most of the time it is out of the frame or behind another object")
    return Judged(key, compare(found, expected, still=still, one=reference is not None), still, found, "")


def alike(first: Traits, second: Traits | None, *, still: bool) -> bool:
    """Do two measurements of one object agree: does each keep `ALIKE` of its score when judged by the other?

    Where they do not, whether points and masks last is chance, and so would be every score that is based on them.
    """
    if second is None:
        return False
    # In this order: a second one that does not move at all fails before it becomes what is expected.
    return all(kept(shown, expected, still=still) >= ALIKE for shown, expected in ((second, first), (first, second)))


def kept(shown: Traits, expected: Traits, *, still: bool) -> float:
    """The score of one measurement when it is judged by another."""
    wanted = characterise(expected)
    found = characterise(shown, wanted.amplitude, typical_step(expected.apart))
    return compare(found, wanted, still=still).score


def split(judged: t.Sequence[Judged]) -> tuple[list[float], list[float]]:
    """Scores of the objects that should move, and of those that should stand still."""
    scored = [j for j in judged if j.parts is not None]
    moving = [j.parts.score for j in scored if j.parts is not None and not j.still]
    return moving, [j.parts.score for j in scored if j.parts is not None and j.still]
