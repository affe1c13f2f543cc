"""What the words mean: from instructions and free draws to poses.

Every quantity that the prompts leave open is drawn here and nowhere else, from `draw`, so that the same layout under
another draw is another scene with the same first frame and the same prompts. The ranges are narrow on purpose: the
prompt has to determine the motion well enough to be scored (see docs/benchmarks/prompt_ceiling.md).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from motionbench.datasets.synth.cast import FRAMES, SIDE, Actor, Camera, Layout, Pose, View
from motionbench.datasets.synth.geometry import Floats, cos_sin, direction
from motionbench.datasets.synth.hashing import Draw
from motionbench.datasets.synth.shapes import SHAPES, reach

SPEEDS = {"slowly": (1.0, 1.2), "steadily": (1.7, 2.0), "quickly": (2.6, 3.0)}
SPINS = {"slowly": (0.17, 0.2), "steadily": (0.36, 0.42), "quickly": (0.68, 0.76)}
PANS = {"slowly": (0.55, 0.7), "steadily": (1.0, 1.2)}
ZOOM = (1.26, 1.34)
CIRCLES = {"tight": (9.0, 10.5), "wide": (17.0, 19.5)}
ARCS = {"quarter": (0.235, 0.265), "half": (0.47, 0.53), "full": (0.95, 1.05)}
HOPS = {"twice": 2, "three times": 3}
SPREAD = 0.018
_FRAMES = np.arange(FRAMES).astype(np.float64)
_LAST = float(FRAMES - 1)


def contact(actor: Actor, towards: float) -> float:
    """How far an actor's outline reaches from its centre in a direction (turns); figures count as their radius."""
    noun = actor.look.noun
    return reach(noun, actor.turn, towards) * actor.look.radius if noun in SHAPES else actor.look.radius


def _pace(actor: Actor, draw: Draw) -> float:
    return draw.uniform(*SPEEDS[actor.move.speed])


def _velocity(heading: int, pace: float, draw: Draw) -> tuple[float, float]:
    ux, uy = direction(heading / 8.0 + draw.uniform(-SPREAD, SPREAD))
    return ux * pace, uy * pace


def _at(actor: Actor, dx: Floats, dy: Floats, turn: Floats | float = 0.0, scale: Floats | float = 1.0) -> Pose:
    nothing = np.zeros(FRAMES)
    return Pose(actor.x + dx + nothing, actor.y + dy + nothing, actor.turn + turn + nothing, scale + nothing)


def _still(actor: Actor, draw: Draw) -> Pose:
    return _at(actor, np.zeros(FRAMES), np.zeros(FRAMES))


def _glide(actor: Actor, draw: Draw) -> Pose:
    vx, vy = _velocity(actor.move.heading, _pace(actor, draw), draw)
    return _at(actor, vx * _FRAMES, vy * _FRAMES)


def _turn(actor: Actor, draw: Draw) -> Pose:
    pace, when = _pace(actor, draw), draw.uniform(6.7, 7.9)
    vx, vy = _velocity(actor.move.heading, pace, draw)
    wx, wy = _velocity(actor.move.then, pace, draw)
    before, after = np.minimum(_FRAMES, when), np.maximum(_FRAMES - when, 0.0)
    return _at(actor, vx * before + wx * after, vy * before + wy * after)


def _reflect(start: float, path: Floats, low: float, high: float) -> Floats:
    """A path along one axis that is thrown back at `low` and `high` (at most once at each)."""
    there = start + path
    there = np.where(there < low, low * 2.0 - there, there)
    return np.where(there > high, high * 2.0 - there, there) - start


def _bounce(actor: Actor, draw: Draw) -> Pose:
    vx, vy = _velocity(actor.move.heading, _pace(actor, draw), draw)
    left, right, top, bottom = (contact(actor, side) for side in (0.5, 0.0, 0.75, 0.25))
    dx = _reflect(actor.x, vx * _FRAMES, left, SIDE - right)
    return _at(actor, dx, _reflect(actor.y, vy * _FRAMES, top, SIDE - bottom))


def _spin(actor: Actor, draw: Draw) -> Pose:
    total = draw.uniform(*SPINS[actor.move.speed]) * (1.0 if actor.move.clockwise else -1.0)
    return _at(actor, np.zeros(FRAMES), np.zeros(FRAMES), _FRAMES * (total / _LAST))


def _tumble(actor: Actor, draw: Draw) -> Pose:
    vx, vy = _velocity(actor.move.heading, _pace(actor, draw), draw)
    total = draw.uniform(0.4, 0.46) * (1.0 if actor.move.clockwise else -1.0)
    return _at(actor, vx * _FRAMES, vy * _FRAMES, _FRAMES * (total / _LAST))


def _roll(actor: Actor, draw: Draw) -> Pose:
    pace = _pace(actor, draw)
    vx, vy = _velocity(actor.move.heading, pace, draw)
    sense = 1.0 if vx > 0.0 else -1.0
    per_frame = sense * pace / (6.283185307179586 * actor.look.radius)
    return _at(actor, vx * _FRAMES, vy * _FRAMES, _FRAMES * per_frame)


def _resize(actor: Actor, draw: Draw) -> Pose:
    last = draw.uniform(1.85, 2.05) if actor.move.amount == "twice" else draw.uniform(0.49, 0.54)
    return _at(actor, np.zeros(FRAMES), np.zeros(FRAMES), 0.0, 1.0 + _FRAMES * ((last - 1.0) / _LAST))


def _circle(actor: Actor, draw: Draw) -> Pose:
    width, arc = actor.move.amount.split()
    radius, total = draw.uniform(*CIRCLES[width]), draw.uniform(*ARCS[arc])
    sense = 1.0 if actor.move.clockwise else -1.0
    start = actor.move.heading / 8.0 - 0.25 * sense + draw.uniform(-SPREAD, SPREAD)
    c, s = cos_sin(start + _FRAMES * (sense * total / _LAST))
    return _at(actor, radius * (c - c[0]), radius * (s - s[0]))


def _hop(actor: Actor, draw: Draw) -> Pose:
    height, count = draw.uniform(9.0, 11.0), HOPS[actor.move.amount]
    run = 0.0
    if actor.move.speed != "in place":
        run = _pace(actor, draw) * (1.0 if actor.move.heading == 0 else -1.0)
    phase = _FRAMES * (count / _LAST)
    phase = phase - np.floor(phase)
    return _at(actor, run * _FRAMES, phase * (phase - 1.0) * (4.0 * height))


def _walk(actor: Actor, draw: Draw) -> Pose:
    pace = _pace(actor, draw)
    vx, vy = _velocity(actor.move.heading, pace, draw)
    pose = _at(actor, vx * _FRAMES, vy * _FRAMES)
    return Pose(pose.x, pose.y, pose.turn, pose.scale, _FRAMES * (pace * 0.9 / actor.look.radius))


def _wave(actor: Actor, draw: Draw) -> Pose:
    pose = _still(actor, draw)
    return Pose(pose.x, pose.y, pose.turn, pose.scale, _FRAMES * draw.uniform(0.125, 0.14))


ALONE: dict[str, Callable[[Actor, Draw], Pose]] = {
    "still": _still,
    "glide": _glide,
    "exit": _glide,
    "enter": _glide,
    "turn": _turn,
    "bounce": _bounce,
    "spin": _spin,
    "tumble": _tumble,
    "roll": _roll,
    "resize": _resize,
    "circle": _circle,
    "hop": _hop,
    "walk": _walk,
    "wave": _wave,
}


def _orbit(actor: Actor, centre: Actor, draw: Draw) -> Pose:
    dx, dy = actor.x - centre.x, actor.y - centre.y
    total = draw.uniform(*ARCS[actor.move.amount]) * (1.0 if actor.move.clockwise else -1.0)
    c, s = cos_sin(_FRAMES * (total / _LAST))
    return _at(actor, dx * c - dy * s - dx, dx * s + dy * c - dy)


def _follow(actor: Actor, leader: Actor, draw: Draw) -> Pose:
    lead = perform(leader, {leader.id: leader}, draw)
    own = actor.x - leader.x, actor.y - leader.y
    return Pose(lead.x + own[0], lead.y + own[1], np.zeros(FRAMES) + actor.turn, np.ones(FRAMES), lead.beat)


def impact(hitter: Actor, target: Actor, draw: Draw) -> tuple[float, tuple[float, float], tuple[float, float]]:
    """The central elastic collision of two bodies on the line between their centres.

    Returns:
        The time of contact in frames, then for the hitter and for the target its speed before and after along the
        direction from hitter to target (pixels per frame). Masses are the squares of the radii.
    """
    dx, dy = target.x - hitter.x, target.y - hitter.y
    distance = float(np.sqrt(dx * dx + dy * dy))
    gap = distance - hitter.look.radius - target.look.radius
    first = _pace(hitter, draw.child(hitter.id))
    second = -_pace(target, draw.child(target.id)) if target.move.kind == "meet" else 0.0
    m1, m2 = hitter.look.radius * hitter.look.radius, target.look.radius * target.look.radius
    middle = (m1 * first + m2 * second) / (m1 + m2)
    return gap / (first - second), (first, 2.0 * middle - first), (second, 2.0 * middle - second)


def _collide(actor: Actor, other: Actor, draw: Draw) -> Pose:
    leads = actor.move.kind == "hit" or (actor.move.kind == "meet" and actor.id < other.id)
    hitter, target = (actor, other) if leads else (other, actor)
    when, first, second = impact(hitter, target, draw)
    before, after = first if leads else second
    dx, dy = target.x - hitter.x, target.y - hitter.y
    distance = float(np.sqrt(dx * dx + dy * dy))
    along = before * np.minimum(_FRAMES, when) + after * np.maximum(_FRAMES - when, 0.0)
    return _at(actor, along * (dx / distance), along * (dy / distance))


TOGETHER: dict[str, Callable[[Actor, Actor, Draw], Pose]] = {
    "orbit": _orbit,
    "follow": _follow,
    "hit": _collide,
    "struck": _collide,
    "meet": _collide,
}


def perform(actor: Actor, cast: dict[int, Actor], draw: Draw) -> Pose:
    """The pose of one actor; `cast` holds the actor that its move refers to, by id."""
    kind = actor.move.kind
    if kind in ("hit", "struck", "meet", "follow"):
        return TOGETHER[kind](actor, cast[actor.move.other], draw)
    if kind in TOGETHER:
        return TOGETHER[kind](actor, cast[actor.move.other], draw.child(actor.id))
    return ALONE[kind](actor, draw.child(actor.id))


def film(camera: Camera, draw: Draw) -> View:
    """The camera's path."""
    free = draw.child("camera")
    half, x, y, zoom = SIDE * 0.5, np.zeros(FRAMES), np.zeros(FRAMES), np.ones(FRAMES)
    if camera.kind == "pan":
        vx, vy = _velocity(camera.heading, free.uniform(*PANS[camera.speed]), free)
        x, y = vx * _FRAMES, vy * _FRAMES
    elif camera.kind == "zoom":
        last = free.uniform(*ZOOM)
        last = last if camera.amount == "in" else 1.0 / last
        zoom = 1.0 + _FRAMES * ((last - 1.0) / _LAST)
    return View(x + half, y + half, zoom)


def seen(camera: Camera) -> tuple[float, float, float, float]:
    """left, top, right, bottom of the world that any draw of this camera can see, in native pixels.

    It depends on the words alone, so that draws of one layout share a canvas, and their first frames every byte.
    """
    left, top, right, bottom = 0.0, 0.0, SIDE, SIDE
    if camera.kind == "pan":
        far = PANS[camera.speed][1] * _LAST
        for spread in (-SPREAD, 0.0, SPREAD):
            ux, uy = direction(camera.heading / 8.0 + spread)
            left, right = min(left, ux * far), max(right, SIDE + ux * far)
            top, bottom = min(top, uy * far), max(bottom, SIDE + uy * far)
    elif camera.amount == "out":
        spare = SIDE * 0.5 * (ZOOM[1] - 1.0)
        left, top, right, bottom = -spare, -spare, SIDE + spare, SIDE + spare
    return left, top, right, bottom


def choreograph(layout: Layout, draw: Draw) -> tuple[list[Pose], View]:
    """All poses, in the order of the actors, and the camera's path under one draw."""
    cast = {actor.id: actor for actor in layout.actors}
    return [perform(actor, cast, draw) for actor in layout.actors], film(layout.camera, draw)
