"""From what an object shows and what is expected of it to the parts of its score.

Each part is 1 up to a tolerance beyond what is expected and falls with heavy tails from there, so that a worse fault
always scores less, however bad it is already::

    fall(x, tolerance, scale) = 1 / (1 + max(0, x - tolerance) / scale)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from motionbench.metrics.tmr.character import Character, Floats

ENOUGH = 0.5  # of the expected amplitude earns all that motion can earn
LIVELY = 0.8  # of the expected share of moving steps

# Of what is expected is added to its tolerance: where real points die or looks change, chance has more room.
CHANCE = 0.4  # of the hazards
UNSURE = 0.1  # of the spread of looks

# (tolerance, scale), see docs/tmr.md for how they were chosen.
HAZARD = (0.1, 0.25)
FOREIGN = (0.07, 0.05)
NOT_OWN = (0.04, 0.15)
ROUGH = (0.45, 0.7)
RESTLESS = (0.1, 0.2)  # diameters per second
REPEATED = (0.1, 0.3)
DISORDER = (0.12, 0.25)


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of an object's score, each in [0, 1]: motion, survival, identity, naturalness."""

    motion: float
    survival: float
    identity: float
    naturalness: float

    @property
    def score(self) -> float:
        """The product of all four: one that fails pulls the whole down."""
        return self.motion * self.survival * self.identity * self.naturalness


def excess(shown: float, expected: float, limits: tuple[float, float]) -> float:
    """How far beyond tolerance, in scales; 0 where not."""
    tolerance, scale = limits
    return max(0.0, shown - expected - tolerance) / scale


def mean(values: Floats) -> float:
    """Mean, 0 of nothing."""
    return float(values.mean()) if len(values) else 0.0


def worse(shown: Floats, expected: Floats) -> float:
    """Root mean square over levels of how much worse `shown` is; 0 where one of them is empty.

    Squares, because a fault that fills a few frames must not drown in those that are fine.
    """
    beyond = np.maximum(shown - expected, 0.0) if len(shown) and len(expected) else np.zeros(1)
    return float(np.sqrt(np.mean(beyond**2)))


def compare(shown: Character, expected: Character, *, still: bool = False, one: bool = True) -> Parts:
    """Judge what is shown by what is expected; an object that shows what is expected has 1 in every part.

    Args:
        shown, expected: see `motionbench.metrics.tmr.character`.
        still: the object should stand still: motion then counts against it, and it need not move.
        one: what is expected comes from one video, whose own luck needs room; a level of many has that already.
    """
    lost = (
        mean(np.maximum(shown.hazards - expected.hazards, 0.0)) if len(shown.hazards) == len(expected.hazards) else 0.0
    )
    hazard = excess(lost, one * CHANCE * mean(expected.hazards), HAZARD)
    unlike = max(worse(s, e) for s, e in zip(shown.foreign[:2], expected.foreign[:2], strict=True))
    spread = one * UNSURE * float(np.ptp(expected.foreign[:2].mean(axis=0))) if expected.foreign.size else 0.0
    foreign = excess(unlike, spread, FOREIGN) + excess(worse(shown.foreign[2], expected.foreign[2]), spread, NOT_OWN)
    unnatural = (
        _rough(shown, expected)
        + (0.0 if still else excess(shown.repeated, expected.repeated, REPEATED))
        + excess(shown.disorder, expected.disorder, DISORDER)
    )
    motion = 1 / (1 + excess(shown.amplitude, expected.amplitude, RESTLESS)) if still else _motion(shown, expected)
    return Parts(motion, 1 / (1 + hazard), 1 / (1 + foreign), 1 / (1 + unnatural))


def _motion(shown: Character, expected: Character) -> float:
    amount = shown.amplitude / (ENOUGH * expected.amplitude)
    return min(1.0, amount, shown.alive / (LIVELY * expected.alive))


def _rough(shown: Character, expected: Character) -> float:
    """Excess of log acceleration and jerk, the larger one of tracks and course.

    0 where no track lives long enough in either video; survival then shows it.
    """
    beyond = [excess(float(s), float(e), ROUGH) for s, e in zip(shown.rough, expected.rough, strict=True)]
    known = np.isfinite(shown.rough) & np.isfinite(expected.rough)
    return max(sum(b for b, k in zip(beyond[i : i + 2], known[i : i + 2], strict=True) if k) / 2 for i in (0, 2))
