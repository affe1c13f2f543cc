"""The score of each object of a case, from the generated video and, where there is one, the reference."""

from __future__ import annotations

import dataclasses
import typing as t
from dataclasses import dataclass

from motionbench.metrics.tmr.character import Character, characterise
from motionbench.metrics.tmr.order import typical_step
from motionbench.metrics.tmr.parts import Parts, compare
from motionbench.metrics.tmr.population import expected_at
from motionbench.metrics.tmr.tracks import cameras
from motionbench.metrics.tmr.traits import Traits, measure
from motionbench.types import CaseView, Values, View

MOVES = 0.15  # diameters per second: an object of a reference that is slower stands still
MOST_EXCUSED = 0.5
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
    expected = [None] * len(ids) if view.reference is None else _traits(view.reference)
    prompts = {o.id: o.prompt.lower() for o in view.case.objects}
    asked = [_asks_stillness(prompts.get(key, "")) for key in ids]
    alone = view.reference is None
    return [_one(k, s, e, alone, a) for k, s, e, a in zip(ids, shown, expected, asked, strict=True)]


def _asks_stillness(prompt: str) -> bool:
    """True if the prompt lets the object do nothing else ("stays still until it is hit" does)."""
    return any(words in prompt for words in STILL_WORDS) and " until " not in prompt and " then " not in prompt


def _traits(view: View) -> list[Traits | None]:
    steps = cameras(view.roles["windows"])
    return [measure(view, k, steps) for k in range(len(view.roles["masks"]["object_ids"]))]


def _one(key: int, shown: Traits | None, reference: Traits | None, alone: bool, asked_still: bool) -> Judged:
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
    if shown.excused > MOST_EXCUSED:
        return Judged(key, None, still, found, "most of the time it is out of the frame or behind another object")
    return Judged(key, compare(found, expected, still=still, one=reference is not None), still, found, "")


def split(judged: t.Sequence[Judged]) -> tuple[list[float], list[float]]:
    """Scores of the objects that should move, and of those that should stand still."""
    scored = [j for j in judged if j.parts is not None]
    moving = [j.parts.score for j in scored if j.parts is not None and not j.still]
    return moving, [j.parts.score for j in scored if j.parts is not None and j.still]
