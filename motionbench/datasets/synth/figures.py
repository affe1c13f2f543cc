"""Bodies made of parts: a plain shape has one, a jointed figure several that swing about their joints.

Figures face right; parts are listed from back to front, and a part may hang on one that is listed later.
"""

from __future__ import annotations

from collections.abc import Callable

from motionbench.datasets.synth.cast import Link
from motionbench.datasets.synth.shapes import SHAPES

# The parts below are sized for a body that reaches this far from its origin.
_REACH = 21.0


def _puppet(r: float, waving: bool) -> tuple[Link, ...]:
    u = r / _REACH
    arm, leg, knee = (0.08, 0.0, 0.0) if waving else (0.075, 0.085, 0.04)
    raised, apart = (0.36, 0.035) if waving else (0.0, 0.0)
    torso = 3
    return (
        Link("capsule", 8.5 * u, 2.5 * u, torso, 2.6 * u, 0.5 * u, -raised, arm, 0.5, 0.74),
        Link("capsule", 6.0 * u, 3.0 * u, torso, 1.6 * u, 9.5 * u, -apart, leg, 0.0, 0.74),
        Link("capsule", 6.0 * u, 2.7 * u, 1, 0.0, 6.0 * u, knee, knee, -0.25, 0.74),
        Link("capsule", 8.0 * u, 5.4 * u, -1, 0.0, -4.5 * u, 0.0, 0.0, 0.0, 1.0),
        Link("ball", 6.2 * u, 0.0, torso, 0.0, -9.8 * u, 0.0, 0.03 if waving else 0.015, 0.0, 1.12),
        Link("capsule", 6.0 * u, 3.0 * u, torso, -1.6 * u, 9.5 * u, apart, leg, 0.5, 0.9),
        Link("capsule", 6.0 * u, 2.7 * u, 5, 0.0, 6.0 * u, knee, knee, 0.25, 0.9),
        Link("capsule", 8.5 * u, 2.5 * u, torso, -2.6 * u, 0.5 * u, raised, arm, 0.0, 0.88),
    )


def _dog(r: float, waving: bool) -> tuple[Link, ...]:
    u = r / _REACH
    body = 3
    return (
        Link("capsule", 8.0 * u, 2.6 * u, body, 8.0 * u, 3.0 * u, 0.0, 0.075, 0.5, 0.72),
        Link("capsule", 8.0 * u, 2.6 * u, body, -8.0 * u, 3.0 * u, 0.0, 0.075, 0.0, 0.72),
        Link("capsule", 9.0 * u, 1.9 * u, body, -11.0 * u, -3.0 * u, 0.36, 0.05, 0.1, 0.88),
        Link("box", 12.5 * u, 6.2 * u, -1, 0.0, 0.0),
        Link("ball", 5.6 * u, 0.0, body, 12.0 * u, -7.0 * u, 0.0, 0.02, 0.0, 1.1),
        Link("capsule", 4.5 * u, 2.6 * u, 4, 3.0 * u, 1.2 * u, -0.25, 0.0, 0.0, 1.1),
        Link("capsule", 5.0 * u, 1.8 * u, 4, -2.5 * u, -3.5 * u, 0.08, 0.03, 0.25, 0.75),
        Link("capsule", 8.0 * u, 2.7 * u, body, 10.0 * u, 3.5 * u, 0.0, 0.075, 0.0, 0.9),
        Link("capsule", 8.0 * u, 2.7 * u, body, -10.0 * u, 3.5 * u, 0.0, 0.075, 0.5, 0.9),
    )


def _fish(r: float, waving: bool) -> tuple[Link, ...]:
    u = r / _REACH
    return (
        Link("triangle", 7.5 * u, 0.0, 1, -12.5 * u, 0.0, -0.25, 0.07, 0.0, 0.85),
        Link("lens", 16.0 * u, 8.6 * u, -1, 3.0 * u, 0.0, 0.0, 0.012, 0.5),
        Link("ball", 1.7 * u, 0.0, 1, 9.0 * u, -1.8 * u, 0.0, 0.0, 0.0, 0.25),
        Link("capsule", 4.6 * u, 1.7 * u, 1, 1.0 * u, 2.0 * u, 0.09, 0.06, 0.25, 0.72),
    )


def _caterpillar(r: float, waving: bool) -> tuple[Link, ...]:
    u = r / _REACH
    step = 7.0 * u
    return (
        Link("ball", 4.4 * u, 0.0, 1, -step, 0.0, 0.0, 0.05, 0.5, 0.8),
        Link("ball", 4.9 * u, 0.0, 2, -step, 0.0, 0.0, 0.05, 0.25, 0.95),
        Link("ball", 5.2 * u, 0.0, -1, 0.0, 0.0, 0.0, 0.035, 0.0, 0.8),
        Link("ball", 5.2 * u, 0.0, 2, step, 0.0, 0.0, 0.05, 0.75, 0.95),
        Link("ball", 5.8 * u, 0.0, 3, step, -0.5 * u, 0.0, 0.05, 0.5, 1.12),
    )


FIGURES: dict[str, Callable[[float, bool], tuple[Link, ...]]] = {
    "puppet": _puppet,
    "dog": _dog,
    "fish": _fish,
    "caterpillar": _caterpillar,
}
GAIT = {"puppet": "walks", "dog": "trots", "fish": "swims", "caterpillar": "crawls"}


def build(noun: str, radius: float, waving: bool = False) -> tuple[Link, ...]:
    """The parts of a body of this bounding radius (native pixels)."""
    if noun in SHAPES:
        return (Link(noun, radius),)
    return FIGURES[noun](radius, waving)
