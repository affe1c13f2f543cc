"""Choosing looks and finding room: the helpers with which `scenarios.py` lays a scene out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from motionbench.datasets.synth.cast import SIDE, Actor, Camera, Look, Move, Pose, Prop, View
from motionbench.datasets.synth.figures import FIGURES, build
from motionbench.datasets.synth.hashing import Middle, Stream
from motionbench.datasets.synth.motion import film, perform
from motionbench.datasets.synth.shapes import SHAPES
from motionbench.datasets.synth.texture import COLOURS, GROUNDS, PATTERNS, SCENERY, contrast

SIZES = {"small": (10.5, 12.0), "": (14.0, 15.5), "large": (17.5, 19.0)}
_FIGURE_SCALE = 1.3
_MARGIN = 1.5


class NoRoomError(Exception):
    """This attempt at a layout cannot be finished; the next one draws anew."""


@dataclass
class Stage:
    """A layout in the making: `rng` draws, `actors` are placed already."""

    rng: Stream
    ground: str
    camera: Camera
    actors: list[Actor] = field(default_factory=list)
    prop: Prop | None = None

    def look(self, nouns: Sequence[str], size: str | None = None) -> Look:
        """A look whose colour stands out from the ground and that no other object of the scene has."""
        taken = {actor.look.colour for actor in self.actors}
        ground = GROUNDS[self.ground].middle
        colours = [name for name, rgb in COLOURS.items() if contrast(rgb, ground) > 105.0 and name not in taken]
        word = self.rng.choice(list(SIZES)) if size is None else size
        noun = self.rng.choice(nouns)
        radius = self.rng.uniform(*SIZES[word]) * (_FIGURE_SCALE if noun in FIGURES else 1.0)
        return Look(noun, self.rng.choice(colours), self.rng.choice(PATTERNS), word, radius, self.rng.bits())

    def actor(self, look: Look, move: Move, x: float = 0.0, y: float = 0.0) -> Actor:
        """An actor with the next free id, not placed yet, in front of those before it."""
        number = len(self.actors) + 1
        loose = look.noun in SHAPES and look.noun not in ("arrow", "heart")
        turn = self.rng.uniform(-0.1, 0.1) if loose else 0.0
        flip = -1.0 if move.heading in (3, 4, 5) and look.noun in FIGURES else 1.0
        if look.noun == "arrow" and move.kind in ("glide", "turn", "exit", "enter", "bounce"):
            turn = move.heading / 8.0
        links = build(look.noun, look.radius, move.kind == "wave")
        return Actor(number, look, links, move, x, y, turn, flip, number)

    def second(self, first: Actor, nouns: Sequence[str], move: Move, size: str | None = None) -> Actor:
        """An actor with the id after `first`, which is not on the stage yet, and of another colour."""
        self.actors.append(first)
        actor = self.actor(self.look(nouns, size), move)
        self.actors.pop()
        return actor

    def put(self, group: Sequence[Actor], ahead: float = 0.0) -> list[Actor]:
        """Shift a group to where it stays in the frame and clear of all others, and add it to the stage.

        Raises:
            NoRoomError: no such place was found.
        """
        view = film(self.camera, Middle())
        cast = {actor.id: actor for actor in group}
        poses = [perform(actor, cast, Middle()) for actor in group]
        low, high = self._room(group, poses, view)
        for _ in range(40):
            dx, dy = (self.rng.uniform(low[axis], high[axis]) for axis in (0, 1))
            if self._clear(group, poses, dx, dy):
                placed = [replace(actor, x=actor.x + dx, y=actor.y + dy) for actor in group]
                self.actors.extend(placed)
                return placed
        raise NoRoomError("no free place")

    def _room(self, group: Sequence[Actor], poses: Sequence[Pose], view: View) -> tuple[list[float], list[float]]:
        """The shifts that keep every member inside the frame at all times."""
        low, high = [-SIDE, -SIDE], [SIDE, SIDE]
        half = SIDE * 0.5
        for actor, pose in zip(group, poses, strict=True):
            inset = (half - _MARGIN) / view.zoom - actor.look.radius * pose.scale
            for axis, (path, centre) in enumerate(((pose.x, view.x), (pose.y, view.y))):
                low[axis] = max(low[axis], float(np.max(centre - inset - path)))
                high[axis] = min(high[axis], float(np.min(centre + inset - path)))
        if low[0] > high[0] or low[1] > high[1]:
            raise NoRoomError("the motion does not fit into the frame")
        return low, high

    def _clear(self, group: Sequence[Actor], poses: Sequence[Pose], dx: float, dy: float) -> bool:
        for actor, pose in zip(group, poses, strict=True):
            for other in self.actors:
                there = perform(other, {a.id: a for a in self.actors}, Middle())
                gap = (actor.look.radius * pose.scale + other.look.radius * there.scale) * 0.95 + 1.0
                ox, oy = pose.x + dx - there.x, pose.y + dy - there.y
                if bool(np.any(ox * ox + oy * oy < gap * gap)):
                    return False
        return self.prop is None or all(
            abs((a.x + dx if self.prop.upright else a.y + dy) - self.prop.at) > a.look.radius + self.prop.width * 0.5
            for a in group
        )

    def twin(self, actor: Actor, move: Move, x: float, y: float) -> tuple[Actor, Actor]:
        """The actor marked as a twin, and a second one that looks the same."""
        flip = -1.0 if move.heading in (3, 4, 5) and actor.look.noun in FIGURES else 1.0
        other = replace(actor, id=actor.id + 1, depth=actor.depth + 1, move=move, x=x, y=y, twin=True, flip=flip)
        return replace(actor, twin=True), other

    def material(self) -> str:
        """Scenery that stands out from the ground."""
        ground = GROUNDS[self.ground].middle
        return self.rng.choice([name for name, look in SCENERY.items() if contrast(look.middle, ground) > 55.0])


def in_frame(actor: Actor, pose: Pose, view: View) -> bool:
    """True if the body's centre stays inside the frame by nine tenths of its radius, at all times."""
    half = SIDE * 0.5
    inset = half - actor.look.radius * pose.scale * view.zoom * 0.9
    x, y = (pose.x - view.x) * view.zoom, (pose.y - view.y) * view.zoom
    return bool(np.all(np.abs(x) <= inset) and np.all(np.abs(y) <= inset))
