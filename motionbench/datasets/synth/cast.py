"""Who is in a scene and what each is told to do: appearance, jointed parts, instructions, layout.

Lengths are native pixels (a frame is 128 x 128 of them at any rendered size), coordinates are continuous with the
origin at the frame's upper left corner, times are frames. A layout holds everything that the first frame and the
prompts fix; what they leave open (the exact speed within "slowly") is drawn by `motion.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from motionbench.datasets.synth.geometry import Floats, compose, cos_sin, similarity
from motionbench.datasets.synth.shapes import SHAPES, box, capsule, disc
from motionbench.types import Subset

FRAMES = 16
FPS = 8.0
SIDE = 128.0


@dataclass(frozen=True, slots=True)
class Link:
    """One rigid part. Its coordinates have the origin at its joint.

    Attributes:
        outline: a name of SHAPES (then `a` is its radius), or "capsule" (a length down the y axis, b radius), "box"
            (a, b half sides), "lens" (a half length along x, b half height).
        parent: number of the link that carries it; -1 for the body's own frame.
        x, y, turn: the joint in the parent's coordinates, and the angle at rest in turns.
        swing, phase: the joint turns by swing * sin(phase + the body's beat), in turns.
        tone: multiplies the body's colour.
    """

    outline: str
    a: float
    b: float = 0.0
    parent: int = -1
    x: float = 0.0
    y: float = 0.0
    turn: float = 0.0
    swing: float = 0.0
    phase: float = 0.0
    tone: float = 1.0

    def distance(self, x: Floats, y: Floats) -> Floats:
        """Signed distance to the outline in the link's own coordinates."""
        if self.outline == "capsule":
            return capsule(x, y, self.a, self.b)
        if self.outline == "box":
            return box(x, y, self.a, self.b, self.b * 0.8)
        if self.outline == "lens":
            # Two circles of one radius that meet in the points (-a, 0) and (a, 0).
            radius = (self.a * self.a + self.b * self.b) / (2.0 * self.b)
            away = radius - self.b
            return np.maximum(disc(x, y - away, radius), disc(x, y + away, radius))
        return SHAPES[self.outline](x * (1.0 / self.a), y * (1.0 / self.a)) * self.a

    def extent(self) -> tuple[float, float, float, float]:
        """left, top, right, bottom of a box around the link in its own coordinates."""
        if self.outline == "capsule":
            return -self.b, -self.b, self.b, self.a + self.b
        if self.outline in ("box", "lens"):
            return -self.a, -self.b, self.a, self.b
        return -self.a, -self.a, self.a, self.a


@dataclass(frozen=True, slots=True)
class Look:
    """What an object looks like. Twins have equal looks, seed included."""

    noun: str
    colour: str
    pattern: str
    size: str
    radius: float
    seed: int


@dataclass(frozen=True, slots=True)
class Move:
    """An instruction in words. Headings are eighths of a turn: 0 right, 1 lower right, 2 down, ... 7 upper right.

    Attributes:
        kind: a key of motion.MOVES.
        heading, then: directions.
        speed: a key of motion.SPEEDS.
        clockwise: sense of turning.
        amount: how far or how much, in the words of the kind.
        edge: the frame's edge that is met ("left", "right", "top", "bottom").
        other: id of the actor that the move refers to, 0 for none.
        passing: ("in front of" | "behind", actor id, or 0 for the scenery), or None.
    """

    kind: str
    heading: int = 0
    speed: str = "steadily"
    clockwise: bool = True
    amount: str = ""
    edge: str = ""
    then: int = 0
    other: int = 0
    passing: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Actor:
    """An object: its look, its parts (from back to front), its start and its instruction.

    `flip` is -1 where it faces left; `depth` orders the scene, larger is nearer.
    """

    id: int
    look: Look
    links: tuple[Link, ...]
    move: Move
    x: float = 0.0
    y: float = 0.0
    turn: float = 0.0
    flip: float = 1.0
    depth: int = 0
    twin: bool = False


@dataclass(frozen=True, slots=True)
class Prop:
    """A piece of scenery that stands in front of everything and belongs to no object: a pillar or a beam."""

    material: str
    upright: bool
    at: float
    width: float
    seed: int

    @property
    def name(self) -> str:
        """How the prompts call it."""
        return f"{self.material} {'pillar' if self.upright else 'beam'}"


@dataclass(frozen=True, slots=True)
class Camera:
    """kind "still", "pan" (heading, speed) or "zoom" (amount "in" or "out")."""

    kind: str = "still"
    heading: int = 0
    speed: str = "slowly"
    amount: str = ""


@dataclass(frozen=True, slots=True)
class Layout:
    """A scene before its free quantities are drawn."""

    index: int
    split: str
    scenario: str
    subset: Subset
    ground: str
    ground_seed: int
    camera: Camera
    actors: tuple[Actor, ...]
    prop: Prop | None = None


@dataclass(frozen=True, slots=True)
class Pose:
    """Where a body is: float64 [16] each. `beat` drives its joints (turns)."""

    x: Floats
    y: Floats
    turn: Floats
    scale: Floats
    beat: Floats = field(default_factory=lambda: np.zeros(FRAMES))


@dataclass(frozen=True, slots=True)
class View:
    """The camera: world point (x, y) at the frame's centre, and magnification; float64 [16] each."""

    x: Floats
    y: Floats
    zoom: Floats

    def maps(self) -> Floats:
        """World to frame, float64 [16, 2, 3]."""
        half = SIDE * 0.5
        nothing = np.zeros(FRAMES)
        return similarity(half - self.zoom * self.x, half - self.zoom * self.y, nothing, self.zoom)


def link_maps(actor: Actor, pose: Pose) -> list[Floats]:
    """Each link's own coordinates to the world, float64 [16, 2, 3] in the order of `actor.links`."""
    body = similarity(pose.x, pose.y, pose.turn, pose.scale, actor.flip)
    maps: dict[int, Floats] = {-1: body}
    waiting = list(range(len(actor.links)))
    while waiting:
        number = waiting.pop(0)
        link = actor.links[number]
        if link.parent not in maps:
            waiting.append(number)
            continue
        wave = cos_sin(pose.beat + link.phase)[1]
        angle = link.turn + link.swing * wave
        one = np.ones(FRAMES)
        maps[number] = compose(maps[link.parent], similarity(one * link.x, one * link.y, angle, one))
    return [maps[number] for number in range(len(actor.links))]
