"""Which scene is which: how often each kind occurs, and the layout of any index.

The index alone decides the kind: even indices are single-object, odd ones multi-object, and each kind has a fixed
share of every 64, so the statistics do not depend on luck.
"""

from __future__ import annotations

from collections.abc import Callable

from motionbench.datasets.synth import ensemble, solo
from motionbench.datasets.synth.cast import Camera, Layout
from motionbench.datasets.synth.casting import NoRoomError, Stage, in_frame
from motionbench.datasets.synth.hashing import Draw, Middle, Stream, key
from motionbench.datasets.synth.motion import choreograph
from motionbench.datasets.synth.texture import GROUNDS
from motionbench.types import Subset

Scenario = Callable[[Stage], None]

_SINGLE: tuple[tuple[str, int, Scenario], ...] = (
    ("pillar", 13, solo.pillar),
    ("glide", 4, solo.alone("glide")),
    ("turn", 5, solo.alone("turn")),
    ("bounce", 7, solo.bounce),
    ("spin", 3, solo.alone("spin")),
    ("tumble", 4, solo.alone("tumble")),
    ("roll", 4, solo.alone("roll")),
    ("grow", 2, solo.alone("grow")),
    ("shrink", 1, solo.alone("shrink")),
    ("circle", 5, solo.alone("circle")),
    ("exit", 3, solo.leave),
    ("enter", 3, solo.enter),
    ("walk", 4, solo.alone("walk")),
    ("wave", 2, solo.alone("wave")),
    ("hop", 4, solo.alone("hop")),
)
_MULTI: tuple[tuple[str, int, Scenario], ...] = (
    ("cross", 14, ensemble.cross),
    ("twin cross", 10, ensemble.twin_cross),
    ("twins", 5, ensemble.twins),
    ("hit", 9, ensemble.hit),
    ("meet", 5, ensemble.meet),
    ("orbit", 5, ensemble.orbit),
    ("follow", 3, ensemble.follow),
    ("parade", 6, ensemble.parade),
    ("independent", 7, ensemble.independent),
)


def _schedule(table: tuple[tuple[str, int, Scenario], ...]) -> list[tuple[str, Scenario]]:
    entries = [(name, fill) for name, count, fill in table for _ in range(count)]
    return Stream(key("schedule", table[0][0])).shuffled(entries)


_ORDER: dict[Subset, list[tuple[str, Scenario]]] = {
    "single": _schedule(_SINGLE),
    "multi": _schedule(_MULTI),
}


def _camera(index: int, split: str, attempt: int) -> Camera:
    """Eight in ten scenes that allow it have a moving camera: that is up to the index, its path to the attempt."""
    if not Stream(key("camera", split, index)).chance(0.8):
        return Camera()
    rng = Stream(key("camera", split, index, attempt))
    if rng.chance(0.35):
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
    for attempt in range(2000):
        rng = Stream(key("synth", "1.0", split, index, attempt))
        stage = Stage(rng.child("stage"), rng.choice(list(GROUNDS)), _camera(index, split, attempt))
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
