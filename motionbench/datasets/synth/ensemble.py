"""Scenes of two to four objects: passing, twins, collisions, circling, following, and mere company.

A scenario fills a `Stage` or raises `NoRoomError`.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from motionbench.datasets.synth.cast import Actor, Move
from motionbench.datasets.synth.casting import NoRoomError, Stage
from motionbench.datasets.synth.figures import FIGURES, build
from motionbench.datasets.synth.geometry import direction
from motionbench.datasets.synth.shapes import ROUND
from motionbench.datasets.synth.solo import BALLS, COMPACT, FAST, free, middle_speed, stand


def parade(stage: Stage) -> None:
    """Two walkers at different heights pass behind the same pillar."""
    rng = stage.rng
    for _ in range(2):
        figure = rng.chance(0.5)
        move = Move("walk" if figure else "roll", rng.choice((0, 4)), "quickly", passing=("behind", 0))
        stage.put(
            [stage.actor(stage.look(tuple(FIGURES) if figure else ROUND, "small" if rng.chance(0.5) else ""), move)]
        )
    stand(stage, stage.actors, True)
    _extras(stage, 1)


def _pair(
    stage: Stage, first: Actor, move: Move, nouns: tuple[str, ...], apart: float, twins: bool, sense: float = 1.0
) -> list[Actor]:
    """Two actors on the first one's line of motion, their outlines about `apart` pixels from each other.

    The second one is ahead of the first (sense 1) or behind it (sense -1).
    """
    ux, uy = direction(first.move.heading / 8.0)
    if twins:
        distance = (apart + first.look.radius * 2.0) * sense
        return list(stage.twin(first, move, ux * distance, uy * distance))
    second = stage.second(first, nouns, move)
    distance = (apart + first.look.radius + second.look.radius) * sense
    return [first, replace(second, x=ux * distance, y=uy * distance)]


def _passing(stage: Stage, twins: bool) -> None:
    """One object passes in front of another one or behind it."""
    rng = stage.rng
    heading = rng.below(8)
    both = twins or rng.chance(0.6)
    figure = heading in (0, 4) and rng.chance(0.4)
    speed = rng.choice(FAST) if both else "quickly"
    kind = "walk" if figure else "glide"
    nouns = tuple(FIGURES) if figure else tuple(n for n in COMPACT if n not in ("ring", "gear", "arrow"))
    front = rng.chance(0.5)
    first = stage.actor(stage.look(nouns), Move(kind, heading, speed))
    move = Move(kind, (heading + 4) % 8, speed) if both else Move("still", rng.choice((0, 4)))
    a, b = _pair(stage, first, move, nouns, rng.uniform(1.5, 4.0), twins)
    ahead = float(np.sqrt(b.x * b.x + b.y * b.y))
    if middle_speed(speed) * 15.0 * (2.0 if both else 1.0) < ahead + 0.5 * (a.look.radius + b.look.radius):
        raise NoRoomError("too far for one to pass the other")
    offset = rng.uniform(-0.3, 0.3) * a.look.radius
    ux, uy = direction(heading / 8.0)
    b = replace(b, x=b.x - uy * offset, y=b.y + ux * offset, depth=a.depth if front else b.depth)
    passing = ("in front of" if front else "behind", b.id)
    a = replace(a, depth=a.depth + 1 if front else a.depth, move=replace(a.move, passing=passing))
    stage.put([a, b])
    _extras(stage, 2)


def cross(stage: Stage) -> None:
    """Two objects, one of which may stand still, pass each other."""
    _passing(stage, twins=False)


def twin_cross(stage: Stage) -> None:
    """Two look-alikes pass each other."""
    _passing(stage, twins=True)


def twins(stage: Stage) -> None:
    """Look-alikes that do different things."""
    kinds = stage.rng.shuffled(("glide", "turn", "circle", "hop", "still", "spin", "glide"))
    first = free(stage, kinds[0])
    second = free(stage, kinds[1])
    a, b = stage.twin(first, second.move, 0.0, 0.0)
    a = stage.put([a])[0]
    b = stage.put([b])[0]
    if max(abs(a.x - b.x), abs(a.y - b.y)) < 26.0:
        raise NoRoomError("the twins cannot be told apart by their position")
    _extras(stage, 2)


def hit(stage: Stage) -> None:
    """A moving ball strikes one at rest."""
    rng = stage.rng
    heading, sizes = rng.below(8), rng.choice((("", ""), ("small", "small"), ("small", "large"), ("large", "small")))
    first = stage.actor(stage.look(BALLS, sizes[0]), Move("hit", heading, "quickly", other=len(stage.actors) + 2))
    _balls(stage, first, Move("struck", heading, other=first.id), sizes, rng.uniform(13.0, 19.0))


def meet(stage: Stage) -> None:
    """Two balls run into each other and are thrown back."""
    rng = stage.rng
    heading, speed = rng.below(8), rng.choice(FAST)
    first = stage.actor(stage.look(BALLS, ""), Move("meet", heading, speed, other=len(stage.actors) + 2))
    gap = 2.0 * middle_speed(speed) * rng.uniform(6.0, 8.0)
    _balls(stage, first, Move("meet", (heading + 4) % 8, speed, other=first.id), ("", ""), gap)


def _balls(stage: Stage, first: Actor, move: Move, sizes: tuple[str, str], gap: float) -> None:
    second = stage.second(first, BALLS, move, sizes[1])
    if sizes[0] == sizes[1]:
        # Equal masses, so that the one stops and the other takes its whole speed.
        look = replace(second.look, radius=first.look.radius)
        second = replace(second, look=look, links=build(look.noun, look.radius))
    ux, uy = direction(first.move.heading / 8.0)
    distance = gap + first.look.radius + second.look.radius
    stage.put([first, replace(second, x=ux * distance, y=uy * distance)])
    _extras(stage, 2)


def orbit(stage: Stage) -> None:
    """One object circles around another one that stays still."""
    rng = stage.rng
    amount = rng.choice(("quarter", "quarter", "half"))
    size = "small" if amount == "half" else rng.choice(("small", ""))
    first = stage.actor(
        stage.look(COMPACT, size), Move("orbit", 0, "", rng.chance(0.5), amount, other=len(stage.actors) + 2)
    )
    second = stage.second(first, (*BALLS, "puppet", "hexagon"), Move("still"), "small" if amount == "half" else "")
    distance = first.look.radius + second.look.radius + rng.uniform(1.0, 4.0)
    ux, uy = direction(rng.uniform(0.0, 1.0))
    stage.put([first, replace(second, x=ux * distance, y=uy * distance)])
    _extras(stage, 2)


def follow(stage: Stage) -> None:
    """One object follows another one at the same pace."""
    rng = stage.rng
    figure = rng.chance(0.5)
    heading = rng.choice((0, 4)) if figure else rng.below(8)
    nouns, kind = (tuple(FIGURES), "walk") if figure else (COMPACT, "glide")
    leader = stage.actor(stage.look(nouns, "" if figure else None), Move(kind, heading, rng.choice(FAST)))
    move = Move("follow", heading, leader.move.speed, other=leader.id)
    stage.put(_pair(stage, leader, move, nouns, 2.0, twins=False, sense=-1.0))
    _extras(stage, 2)


def independent(stage: Stage) -> None:
    """Two to four objects that have nothing to do with one another."""
    kinds = stage.rng.shuffled(("glide", "walk", "turn", "spin", "tumble", "roll", "grow", "circle", "hop", "wave"))
    for kind in kinds[: 2 + stage.rng.below(2)]:
        stage.put([free(stage, kind)])
    _extras(stage, 1)


def _extras(stage: Stage, most: int) -> None:
    """Up to `most` more objects; one that finds no room is left out."""
    for _ in range(max(stage.rng.below(most + 1), stage.rng.below(most + 1))):
        actor = free(stage, stage.rng.choice(("still", "glide", "hop", "turn", "circle", "walk", "spin")))
        try:
            stage.put([actor])
        except NoRoomError:
            continue
