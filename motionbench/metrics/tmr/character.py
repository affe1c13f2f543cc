"""An object's traits as a few numbers that can be compared between videos of any length and any timing.

Frames and windows of two videos do not correspond, so what is measured in each of them is sorted from worst to best
and read at fixed levels: the worst sixteenth of one video stands beside the worst sixteenth of the other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from motionbench.metrics.tmr.order import disorder, repeated, typical_step
from motionbench.metrics.tmr.traits import Traits

Floats = NDArray[np.float64]

HAZARD_LEVELS = 4
LOOK_LEVELS = 8
ALIVE = 0.15  # of the expected amplitude: a step in which the object moves


@dataclass(frozen=True, slots=True)
class Character:
    """What an object shows, or is expected to show.

    Attributes:
        amplitude: mean over steps of the speed of its fastest eighth, diameters per second.
        alive: share of steps faster than `ALIVE` of the expected amplitude.
        hazards: float64 [4], -log survival of its windows from worst to best; empty where none can be judged.
        rough: float64 [4], log of acceleration and jerk of its tracks, and of its course, in diameters per second² and
            second³; NaN where not measured.
        foreign: float64 [3, 8], unlikeness to frame 0 (explained, found, 1 - own) of its frames from worst to best;
            empty ([3, 0]) where no frame can be judged.
        repeated, disorder: see `motionbench.metrics.tmr.order`.
    """

    amplitude: float
    alive: float
    hazards: Floats
    rough: Floats
    foreign: Floats
    repeated: float
    disorder: float


def levels(values: Floats, count: int) -> Floats:
    """Values sorted from worst (largest) to best, read at `count` levels; empty if there are none."""
    if not len(values):
        return np.zeros(0)
    at = (np.arange(len(values)) + 0.5) / len(values)
    return np.interp((np.arange(count) + 0.5) / count, at, np.sort(values)[::-1])


def characterise(traits: Traits, amplitude: float | None = None, step: float | None = None) -> Character:
    """Sum up an object's traits.

    Args:
        traits: what was measured.
        amplitude: the amplitude that is expected of it, diameters per second; its own where None.
        step: the difference of consecutive frames that is expected of it, grey levels; its own where None.
    """
    own = float(traits.speeds.mean())
    judged = np.flatnonzero(traits.judged[1:]) + 1  # frame 0 is like itself
    looks = (traits.explained, traits.found, 1.0 - traits.own)
    step = typical_step(traits.apart) if step is None else step
    return Character(
        own,
        float(np.mean(traits.speeds > ALIVE * (own if amplitude is None else amplitude))),
        levels(traits.hazards, HAZARD_LEVELS),
        np.concatenate([traits.rough.mean(axis=0) if len(traits.rough) else np.full(2, np.nan), traits.unsteady]),
        np.stack([levels(look[judged], LOOK_LEVELS) for look in looks]),
        repeated(traits.apart, step),
        disorder(traits.apart),
    )
