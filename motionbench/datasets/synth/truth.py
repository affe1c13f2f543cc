"""Exact ground truth of a scene, from the same maps that painted it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from motionbench.datasets.synth.cast import FRAMES, SIDE
from motionbench.datasets.synth.geometry import Floats, apply, compose, invert
from motionbench.datasets.synth.hashing import Stream, key
from motionbench.datasets.synth.raster import Raster, Stack
from motionbench.types import Flow, Masks, Tracks

POINTS_PER_OBJECT = 24
BACKGROUND_GRID = 8
# Seeds keep this distance from their part's outline (native pixels), so that rounding to a pixel cannot lose them.
_INSET = 1.4
_CANDIDATES = 800


def _masks(values: NDArray[np.bool_]) -> Masks:
    ids = np.arange(1, len(values) + 1)
    return Masks(values, ids.astype(np.int64), np.arange(FRAMES).astype(np.int64))


def modal(scene: Stack, raster: Raster) -> Masks:
    """Visible pixels of every object: bool [K, 16, S, S]."""
    owner = np.array([0, *(part.object_id for part in scene.parts)], dtype=np.int16)[raster.parts]
    return _masks(np.stack([owner == number for number in range(1, len(raster.amodal) + 1)]))


def amodal(scene: Stack, raster: Raster) -> Masks:
    """All pixels of every object inside the frame: bool [K, 16, S, S]."""
    return _masks(raster.amodal)


def flow(scene: Stack, raster: Raster) -> Flow:
    """A_{t+1} A_t^{-1} x - x for the topmost part of every pixel: float32 [15, S, S, 2]."""
    size = scene.size
    uv = np.empty((FRAMES - 1, size, size, 2), dtype=np.float32)
    axis = np.arange(size).astype(np.float64)
    step = _steps(scene.ground)
    x, y = apply(step[:, None, None], axis[None, None, :], axis[None, :, None])
    uv[..., 0], uv[..., 1] = x - axis[None, None, :], y - axis[None, :, None]
    for number, part in enumerate(scene.parts, start=1):
        frame, row, column = np.nonzero(raster.parts[:-1] == number)
        px, py = column.astype(np.float64), row.astype(np.float64)
        x, y = apply(_steps(part.maps)[frame], px, py)
        uv[frame, row, column, 0], uv[frame, row, column, 1] = x - px, y - py
    return Flow(uv)


def _steps(maps: Floats) -> Floats:
    return compose(maps[1:], invert(maps[:-1]))


def _topmost(scene: Stack, x: Floats, y: Floats) -> tuple[NDArray[np.int64], Floats]:
    """The part at points of frame 0 (in pixels), and how deep inside its outline each point lies in native pixels."""
    number, depth = np.zeros(x.shape, dtype=np.int64), np.full(x.shape, np.inf)
    for index, part in enumerate(scene.parts, start=1):
        u, v = apply(invert(part.maps[0]), x, y)
        distance = part.link.distance(u, v) * (part.scale[0] * SIDE / scene.size)
        # A part that is nearer than the one found so far takes the point, or comes close to it from the front.
        depth = np.where(distance <= 0.0, -distance, np.minimum(depth, distance))
        number = np.where(distance <= 0.0, index, number)
    return number, depth


def tracks(scene: Stack, raster: Raster) -> Tracks:
    """24 points on every object and up to 64 on the ground: xy float32 [N, 16, 2], visible bool [N, 16].

    The seeds are the same points of the scene at every size. A point is visible where the pixel it falls on is
    inside the frame and shows its own part.
    """
    layout, factor = scene.layout, scene.size / SIDE
    rng = Stream(key("tracks", layout.split, layout.index))
    seeds = [_background(rng.child(0))]
    for actor in layout.actors:
        # Figures reach farther from their centre than their radius says.
        draw, reach = rng.child(actor.id), actor.look.radius * 1.3
        seeds.append(
            np.array([[o + draw.uniform(-reach, reach) for o in (actor.x, actor.y)] for _ in range(_CANDIDATES)])
        )
    owner = np.array([0, *(part.object_id for part in scene.parts)], dtype=np.int64)
    found = []
    for number, points in enumerate(seeds):
        x, y = points[:, 0] * factor - 0.5, points[:, 1] * factor - 0.5
        part, depth = _topmost(scene, x, y)
        inside = (x > 0.5) & (x < scene.size - 1.5) & (y > 0.5) & (y < scene.size - 1.5)
        good = np.nonzero(inside & (depth >= _INSET) & (owner[part] == number))[0]
        good = good[: POINTS_PER_OBJECT if number else BACKGROUND_GRID * BACKGROUND_GRID]
        found.append((part[good], x[good], y[good]))
    parts, xs, ys = (np.concatenate([group[field] for group in found]) for field in range(3))
    return _follow(scene, raster, parts, xs, ys, owner[parts])


def _background(rng: Stream) -> Floats:
    """One point in each cell of a regular grid, in native pixels."""
    cell = SIDE / BACKGROUND_GRID
    return np.array(
        [
            [(j + rng.uniform(0.1, 0.9)) * cell, (i + rng.uniform(0.1, 0.9)) * cell]
            for i in range(BACKGROUND_GRID)
            for j in range(BACKGROUND_GRID)
        ]
    )


def _follow(
    scene: Stack, raster: Raster, parts: NDArray[np.int64], x: Floats, y: Floats, ids: NDArray[np.int64]
) -> Tracks:
    maps = np.stack([scene.ground, *(part.maps for part in scene.parts)])[parts]
    u, v = apply(invert(maps[:, 0]), x, y)
    px, py = apply(maps, u[:, None], v[:, None])
    column, row = np.rint(px).astype(np.int64), np.rint(py).astype(np.int64)
    inside = (column >= 0) & (column < scene.size) & (row >= 0) & (row < scene.size)
    frame = np.broadcast_to(np.arange(FRAMES), column.shape)
    seen = raster.parts[frame, np.clip(row, 0, scene.size - 1), np.clip(column, 0, scene.size - 1)]
    return Tracks(np.stack([px, py], axis=-1).astype(np.float32), inside & (seen == parts[:, None]), ids)
