"""Scenes of one object, and the actions that an object can do by itself.

A scenario fills a `Stage` or raises `NoRoomError`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from motionbench.datasets.synth.cast import SIDE, Actor, Camera, Move, Prop
from motionbench.datasets.synth.casting import NoRoomError, Stage
from motionbench.datasets.synth.figures import FIGURES
from motionbench.datasets.synth.geometry import direction
from motionbench.datasets.synth.motion import SPEEDS, contact
from motionbench.datasets.synth.shapes import LONG, ROUND, SHAPES

PLAIN = tuple(SHAPES)
COMPACT = tuple(name for name in SHAPES if name not in ("bar", "crescent"))
BALLS = ("ball", "ring", "flower")
_EDGES = {0: "right", 2: "bottom", 4: "left", 6: "top"}
FAST = ("steadily", "quickly")


def middle_speed(speed: str) -> float:
    """The middle of a speed word's range, in native pixels per frame."""
    low, high = SPEEDS[speed]
    return (low + high) * 0.5


def free(stage: Stage, kind: str) -> Actor:
    """One actor that does something by itself, anywhere. Returned unplaced."""
    rng = stage.rng
    heading, speed, sense = rng.below(8), rng.choice(("slowly", "steadily", "steadily", "quickly")), rng.chance(0.5)
    if kind == "turn":
        return stage.actor(
            stage.look(PLAIN), Move("turn", heading, rng.choice(FAST), then=(heading + rng.choice((2, 4, 6))) % 8)
        )
    if kind == "spin":
        return stage.actor(stage.look(LONG, rng.choice(("", "large"))), Move("spin", 0, rng.choice(FAST), sense))
    if kind == "tumble":
        return stage.actor(stage.look(LONG), Move("tumble", heading, speed, sense))
    if kind == "roll":
        return stage.actor(stage.look(ROUND), Move("roll", rng.choice((0, 1, 3, 4, 5, 7)), rng.choice(FAST)))
    if kind == "grow":
        return stage.actor(stage.look(COMPACT, "small"), Move("resize", amount="twice"))
    if kind == "shrink":
        return stage.actor(stage.look(COMPACT, "large"), Move("resize", amount="half"))
    if kind == "circle":
        amount = rng.choice(("tight half", "tight full", "wide quarter", "wide half"))
        return stage.actor(stage.look(PLAIN), Move("circle", rng.choice((0, 2, 4, 6)), clockwise=sense, amount=amount))
    if kind == "hop":
        amount, pace = rng.choice(("twice", "three times")), rng.choice(("in place", "slowly", "steadily"))
        nouns = (*COMPACT, "puppet")
        return stage.actor(stage.look(nouns), Move("hop", rng.choice((0, 4)), pace, amount=amount))
    if kind == "walk":
        return stage.actor(
            stage.look(tuple(FIGURES), rng.choice(("", "large"))), Move("walk", rng.choice((0, 4)), speed)
        )
    if kind == "wave":
        return stage.actor(stage.look(("puppet",), "large"), Move("wave", rng.choice((0, 4))))
    if kind == "still":
        return stage.actor(stage.look((*PLAIN, *FIGURES)), Move("still", rng.choice((0, 4))))
    return stage.actor(stage.look(PLAIN), Move("glide", heading, speed))


def alone(kind: str) -> Callable[[Stage], None]:
    """The scenario of one object that does one thing by itself."""

    def fill(stage: Stage) -> None:
        stage.put([free(stage, kind)])

    return fill


def bounce(stage: Stage) -> None:
    """Something is thrown back by an edge of the frame."""
    _edge(stage, "bounce")


def leave(stage: Stage) -> None:
    """Something leaves the frame."""
    _edge(stage, "exit")


def enter(stage: Stage) -> None:
    """Something comes in from outside the frame; at the start half of it shows."""
    _edge(stage, "enter")


def _edge(stage: Stage, kind: str) -> None:
    """Motion that is bound to an edge of the frame: the camera has to stand still."""
    rng = stage.rng
    stage.camera = Camera()
    axis = rng.choice((0, 2, 4, 6))
    heading = (axis + rng.choice((-1, 0, 0, 1))) % 8 if kind == "bounce" else axis
    speed = "quickly" if kind == "exit" else rng.choice(FAST)
    side = (axis + 4) % 8 if kind == "enter" else axis
    look = stage.look(PLAIN, rng.choice(("small", "")))
    actor = stage.actor(look, Move(kind, heading, speed, edge=_EDGES[side]))
    ux, uy = direction(heading / 8.0)
    pace = middle_speed(speed) * abs(ux if axis in (0, 4) else uy)
    away = contact(actor, side / 8.0)
    if kind == "bounce":
        away += pace * rng.uniform(6.0, 8.5)
    elif kind == "exit":
        away = max(pace * rng.uniform(11.0, 12.0) - away, away + 1.0)
    else:
        away *= rng.uniform(0.0, 0.25)
    along = rng.uniform(look.radius + 2.0, SIDE - look.radius - 2.0)
    near = SIDE - away if side in (0, 2) else away
    x, y = (near, along) if side in (0, 4) else (along, near)
    stage.actors.append(replace(actor, x=x, y=y))


def pillar(stage: Stage) -> None:
    """Something passes behind a pillar or a beam."""
    rng = stage.rng
    figure = rng.chance(0.3)
    upright = figure or rng.chance(0.7)
    headings = (0, 4) if figure else (0, 0, 4, 4, 1, 3, 5, 7) if upright else (2, 2, 6, 6, 1, 3, 5, 7)
    nouns = tuple(FIGURES) if figure else COMPACT
    move = Move("walk" if figure else "glide", rng.choice(headings), "quickly", passing=("behind", 0))
    actor = stage.put([stage.actor(stage.look(nouns, "" if figure else rng.choice(("small", ""))), move)])[0]
    stand(stage, [actor], upright)


def stand(stage: Stage, walkers: list[Actor], upright: bool) -> None:
    """Set the scenery where all the walkers pass behind it, and none does in the first frame."""
    width = stage.rng.uniform(9.0, 12.0)
    low, high = 0.0, SIDE
    for actor in walkers:
        start, sense = _along(actor, upright)
        ahead = actor.look.radius + width * 0.5 + 1.5
        travel = middle_speed(actor.move.speed) * 15.0 * abs(sense) - actor.look.radius * 0.6
        near, far = (start + ahead, start + travel) if sense > 0.0 else (start - travel, start - ahead)
        low, high = max(low, near), min(high, far)
    if low > high:
        raise NoRoomError("no place for the scenery")
    share = stage.rng.uniform(0.0, 0.6)
    at = low + (high - low) * share if _along(walkers[0], upright)[1] > 0.0 else high - (high - low) * share
    stage.prop = Prop(stage.material(), upright, at, width, stage.rng.bits())


def _along(actor: Actor, upright: bool) -> tuple[float, float]:
    """Where an actor starts on the axis across the scenery, and its direction's part along it."""
    ux, uy = direction(actor.move.heading / 8.0)
    return (actor.x, ux) if upright else (actor.y, uy)
