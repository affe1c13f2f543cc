"""The scenes: what happens in each kind, and how often each kind occurs.

A scenario fills a `Stage` or raises `NoRoomError`. The index alone decides the kind: even indices are single-object,
odd ones multi-object, and each kind has a fixed share of every 64, so the statistics do not depend on luck.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from motionbench.datasets.synth.cast import SIDE, Actor, Camera, Layout, Move, Prop
from motionbench.datasets.synth.casting import NoRoomError, Stage, in_frame
from motionbench.datasets.synth.figures import FIGURES, build
from motionbench.datasets.synth.geometry import direction
from motionbench.datasets.synth.hashing import Draw, Middle, Stream, key
from motionbench.datasets.synth.motion import SPEEDS, choreograph, contact
from motionbench.datasets.synth.shapes import LONG, ROUND, SHAPES
from motionbench.datasets.synth.texture import GROUNDS
from motionbench.types import Subset

PLAIN = tuple(SHAPES)
COMPACT = tuple(name for name in SHAPES if name not in ("bar", "crescent"))
BALLS = ("ball", "ring", "gear", "flower")
_EDGES = {0: "right", 2: "bottom", 4: "left", 6: "top"}
_FAST = ("steadily", "quickly")


def _middle(speed: str) -> float:
    low, high = SPEEDS[speed]
    return (low + high) * 0.5


def _free(stage: Stage, kind: str) -> Actor:
    """One actor that does something by itself, anywhere. Returned unplaced."""
    rng = stage.rng
    heading, speed, sense = rng.below(8), rng.choice(("slowly", "steadily", "steadily", "quickly")), rng.chance(0.5)
    if kind == "turn":
        return stage.actor(
            stage.look(PLAIN), Move("turn", heading, rng.choice(_FAST), then=(heading + rng.choice((2, 4, 6))) % 8)
        )
    if kind == "spin":
        return stage.actor(stage.look(LONG, rng.choice(("", "large"))), Move("spin", 0, rng.choice(_FAST), sense))
    if kind == "tumble":
        return stage.actor(stage.look(LONG), Move("tumble", heading, speed, sense))
    if kind == "roll":
        return stage.actor(stage.look(ROUND), Move("roll", rng.choice((0, 1, 3, 4, 5, 7)), rng.choice(_FAST)))
    if kind == "grow":
        return stage.actor(stage.look(COMPACT, "small"), Move("resize", amount="twice"))
    if kind == "shrink":
        return stage.actor(stage.look(COMPACT, "large"), Move("resize", amount="half"))
    if kind == "circle":
        amount = rng.choice(("small half", "small full", "wide quarter", "wide half"))
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


def _alone(kind: str) -> Callable[[Stage], None]:
    def fill(stage: Stage) -> None:
        stage.put([_free(stage, kind)])

    return fill


def _bounce(stage: Stage) -> None:
    _edge(stage, "bounce")


def _exit(stage: Stage) -> None:
    _edge(stage, "exit")


def _enter(stage: Stage) -> None:
    _edge(stage, "enter")


def _edge(stage: Stage, kind: str) -> None:
    """Motion that is bound to an edge of the frame: the camera has to stand still."""
    rng = stage.rng
    stage.camera = Camera()
    axis = rng.choice((0, 2, 4, 6))
    heading = (axis + rng.choice((-1, 0, 0, 1))) % 8 if kind == "bounce" else axis
    speed = "quickly" if kind == "exit" else rng.choice(_FAST)
    side = (axis + 4) % 8 if kind == "enter" else axis
    look = stage.look(PLAIN, rng.choice(("small", "")))
    actor = stage.actor(look, Move(kind, heading, speed, edge=_EDGES[side]))
    ux, uy = direction(heading / 8.0)
    pace = _middle(speed) * abs(ux if axis in (0, 4) else uy)
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


def _pillar(stage: Stage) -> None:
    """Something passes behind a pillar or a beam."""
    rng = stage.rng
    figure = rng.chance(0.3)
    upright = figure or rng.chance(0.7)
    headings = (0, 4) if figure else (0, 0, 4, 4, 1, 3, 5, 7) if upright else (2, 2, 6, 6, 1, 3, 5, 7)
    nouns = tuple(FIGURES) if figure else COMPACT
    move = Move("walk" if figure else "glide", rng.choice(headings), "quickly", passing=("behind", 0))
    actor = stage.put([stage.actor(stage.look(nouns, "" if figure else rng.choice(("small", ""))), move)])[0]
    _stand(stage, [actor], upright)


def _stand(stage: Stage, walkers: list[Actor], upright: bool) -> None:
    """Set the scenery where all the walkers pass behind it, and none does in the first frame."""
    width = stage.rng.uniform(7.0, 10.0)
    low, high = 0.0, SIDE
    for actor in walkers:
        start, sense = _along(actor, upright)
        ahead = actor.look.radius + width * 0.5 + 1.5
        travel = _middle(actor.move.speed) * 15.0 * abs(sense) - 2.0
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


def _parade(stage: Stage) -> None:
    """Two walkers at different heights pass behind the same pillar."""
    rng = stage.rng
    for _ in range(2):
        figure = rng.chance(0.5)
        move = Move("walk" if figure else "roll", rng.choice((0, 4)), "quickly", passing=("behind", 0))
        stage.put(
            [stage.actor(stage.look(tuple(FIGURES) if figure else ROUND, "small" if rng.chance(0.5) else ""), move)]
        )
    _stand(stage, stage.actors, True)
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
    speed = "steadily" if both else "quickly"
    kind = "walk" if figure else "glide"
    nouns = tuple(FIGURES) if figure else tuple(n for n in COMPACT if n not in ("ring", "gear"))
    front = rng.chance(0.5)
    first = stage.actor(stage.look(nouns), Move(kind, heading, speed))
    move = Move(kind, (heading + 4) % 8, speed) if both else Move("still", rng.choice((0, 4)))
    a, b = _pair(stage, first, move, nouns, rng.uniform(1.5, 4.0), twins)
    offset = rng.uniform(-0.3, 0.3) * a.look.radius
    ux, uy = direction(heading / 8.0)
    b = replace(b, x=b.x - uy * offset, y=b.y + ux * offset, depth=a.depth if front else b.depth)
    passing = ("in front of" if front else "behind", b.id)
    a = replace(a, depth=a.depth + 1 if front else a.depth, move=replace(a.move, passing=passing))
    stage.put([a, b])
    _extras(stage, 2)


def _cross(stage: Stage) -> None:
    _passing(stage, twins=False)


def _twin_cross(stage: Stage) -> None:
    _passing(stage, twins=True)


def _twins(stage: Stage) -> None:
    """Look-alikes that do different things."""
    kinds = stage.rng.shuffled(("glide", "turn", "circle", "hop", "still", "spin", "glide"))
    first = _free(stage, kinds[0])
    second = _free(stage, kinds[1])
    a, b = stage.twin(first, second.move, 0.0, 0.0)
    a = stage.put([a])[0]
    b = stage.put([b])[0]
    if max(abs(a.x - b.x), abs(a.y - b.y)) < 26.0:
        raise NoRoomError("the twins cannot be told apart by their position")
    _extras(stage, 2)


def _hit(stage: Stage) -> None:
    """A moving ball strikes one at rest."""
    rng = stage.rng
    heading, sizes = rng.below(8), rng.choice((("", ""), ("small", "small"), ("small", "large"), ("large", "small")))
    first = stage.actor(stage.look(BALLS, sizes[0]), Move("hit", heading, "quickly", other=len(stage.actors) + 2))
    _balls(stage, first, Move("struck", heading, other=first.id), sizes, rng.uniform(13.0, 19.0))


def _meet(stage: Stage) -> None:
    """Two balls run into each other and are thrown back."""
    rng = stage.rng
    heading, speed = rng.below(8), rng.choice(_FAST)
    first = stage.actor(stage.look(BALLS, ""), Move("meet", heading, speed, other=len(stage.actors) + 2))
    gap = 2.0 * _middle(speed) * rng.uniform(6.0, 8.0)
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


def _orbit(stage: Stage) -> None:
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


def _follow(stage: Stage) -> None:
    """One object follows another one at the same pace."""
    rng = stage.rng
    figure = rng.chance(0.5)
    heading = rng.choice((0, 4)) if figure else rng.below(8)
    nouns, kind = (tuple(FIGURES), "walk") if figure else (COMPACT, "glide")
    leader = stage.actor(stage.look(nouns, "" if figure else None), Move(kind, heading, rng.choice(_FAST)))
    move = Move("follow", heading, leader.move.speed, other=leader.id)
    stage.put(_pair(stage, leader, move, nouns, 2.0, twins=False, sense=-1.0))
    _extras(stage, 2)


def _independent(stage: Stage) -> None:
    """Two to four objects that have nothing to do with one another."""
    kinds = stage.rng.shuffled(("glide", "walk", "turn", "spin", "tumble", "roll", "grow", "circle", "hop", "wave"))
    for kind in kinds[: 2 + stage.rng.below(2)]:
        stage.put([_free(stage, kind)])
    _extras(stage, 1)


def _extras(stage: Stage, most: int) -> None:
    """Up to `most` more objects; one that finds no room is left out."""
    for _ in range(stage.rng.below(most + 1)):
        actor = _free(stage, stage.rng.choice(("still", "glide", "hop", "turn", "circle", "walk", "spin")))
        try:
            stage.put([actor])
        except NoRoomError:
            continue


_SINGLE: tuple[tuple[str, int, Callable[[Stage], None]], ...] = (
    ("pillar", 13, _pillar),
    ("glide", 4, _alone("glide")),
    ("turn", 5, _alone("turn")),
    ("bounce", 7, _bounce),
    ("spin", 3, _alone("spin")),
    ("tumble", 4, _alone("tumble")),
    ("roll", 4, _alone("roll")),
    ("grow", 2, _alone("grow")),
    ("shrink", 1, _alone("shrink")),
    ("circle", 5, _alone("circle")),
    ("exit", 3, _exit),
    ("enter", 3, _enter),
    ("walk", 4, _alone("walk")),
    ("wave", 2, _alone("wave")),
    ("hop", 4, _alone("hop")),
)
_MULTI: tuple[tuple[str, int, Callable[[Stage], None]], ...] = (
    ("cross", 14, _cross),
    ("twin cross", 10, _twin_cross),
    ("twins", 5, _twins),
    ("hit", 9, _hit),
    ("meet", 5, _meet),
    ("orbit", 5, _orbit),
    ("follow", 3, _follow),
    ("parade", 6, _parade),
    ("independent", 7, _independent),
)


def _schedule(table: tuple[tuple[str, int, Callable[[Stage], None]], ...]) -> list[tuple[str, Callable[[Stage], None]]]:
    entries = [(name, fill) for name, count, fill in table for _ in range(count)]
    return Stream(key("schedule", table[0][0])).shuffled(entries)


_ORDER: dict[Subset, list[tuple[str, Callable[[Stage], None]]]] = {
    "single": _schedule(_SINGLE),
    "multi": _schedule(_MULTI),
}


def _camera(rng: Stream, subset: Subset) -> Camera:
    if not rng.chance(0.45 if subset == "single" else 0.3):
        return Camera()
    if rng.chance(0.4):
        return Camera("zoom", amount=rng.choice(("in", "out")))
    return Camera("pan", rng.choice((0, 2, 4, 6)), rng.choice(("slowly", "slowly", "steadily")))


def plan(index: int, split: str) -> Layout:
    """The layout of one scene: drawn anew until its planned motion fits into the frame.

    Args:
        index: number of the scene, from 0.
        split: "test" or "train"; the same index gives unrelated scenes in the two.
    """
    subset: Subset = "multi" if index % 2 else "single"
    scenario, fill = _ORDER[subset][index // 2 % 64]
    for attempt in range(1000):
        rng = Stream(key("synth", "1.0", split, index, attempt))
        stage = Stage(rng.child("stage"), rng.choice(list(GROUNDS)), _camera(rng, subset))
        try:
            fill(stage)
        except NoRoomError:
            continue
        actors = tuple(stage.actors)
        if subset == "multi" and len(actors) < 2:
            continue
        layout = Layout(index, split, scenario, subset, stage.ground, rng.bits(), stage.camera, actors, stage.prop)
        if fits(layout, Middle()):
            return layout
    raise RuntimeError(f"scene {index} of {split} found no layout")


def fits(layout: Layout, draw: Draw) -> bool:
    """True if all bodies stay in the frame under this draw, except those that are told to leave or to enter."""
    poses, view = choreograph(layout, draw)
    return all(
        actor.move.kind in ("exit", "enter") or in_frame(actor, pose, view)
        for actor, pose in zip(layout.actors, poses, strict=True)
    )
