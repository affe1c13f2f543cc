"""Pixels of a scene: composited colours, a hard id buffer, and each part's full extent.

Layers are painted from back to front. A part's colour comes from its canvas at the pixel's centre; its coverage is
the share of 4 x 4 subsamples inside its outline, evaluated only where the outline can cut the pixel. The id buffer
takes the part whose outline holds the pixel's centre, so ids are exact and never mixed. A body's soft shadow darkens
what lies behind it and owns no pixel. A part number is its place in `Stack.parts`, counted from 1; 0 is the ground.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from motionbench.datasets.synth.cast import FRAMES, SIDE, Actor, Layout, Link, Pose, View, link_maps
from motionbench.datasets.synth.geometry import Floats, apply, compose, invert, similarity
from motionbench.datasets.synth.hashing import key
from motionbench.datasets.synth.motion import seen
from motionbench.datasets.synth.texture import (
    COLOURS,
    GROUNDS,
    SCENERY,
    Canvas,
    Grid,
    Pixels,
    paint_ground,
    paint_object,
)

SUB = 4
_SHADOW = (2.2, 3.2)
_SHADOW_BLUR = 2.6
_SHADOW_DARK = 0.34
_TEXELS = 2.0


@dataclass(frozen=True, slots=True)
class Part:
    """One rigid layer: a link of an object, or scenery (object id 0).

    Attributes:
        link: the outline; scenery uses a box.
        maps: part coordinates to pixels of the rendered size, float64 [16, 2, 3].
        scale: pixels per unit of the part's coordinates, float64 [16].
    """

    object_id: int
    link: Link
    maps: Floats
    scale: Floats
    canvas_seed: int
    actor: Actor | None


@dataclass(frozen=True, slots=True)
class Stack:
    """All layers of a scene at a size, back to front, and the ground's map from the world to pixels."""

    layout: Layout
    size: int
    ground: Floats
    parts: tuple[Part, ...]
    corners: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Raster:
    """frames uint8 [16, S, S, 3]; parts int16 [16, S, S], the topmost part; amodal bool [K, 16, S, S]."""

    frames: NDArray[np.uint8]
    parts: NDArray[np.int16]
    amodal: NDArray[np.bool_]


def to_pixels(view: View, size: int) -> Floats:
    """World to pixels, where an integer is the centre of a pixel; float64 [16, 2, 3]."""
    factor = size / SIDE
    nothing = np.zeros(FRAMES)
    return compose(similarity(nothing - 0.5, nothing - 0.5, nothing, nothing + factor), view.maps())


def stack(layout: Layout, poses: list[Pose], view: View, size: int) -> Stack:
    """The layers of a scene."""
    ground = to_pixels(view, size)
    zoom = view.zoom * (size / SIDE)
    parts: list[Part] = []
    pairs = sorted(zip(layout.actors, poses, strict=True), key=lambda pair: (pair[0].depth, pair[0].id))
    for actor, pose in pairs:
        for number, (link, maps) in enumerate(zip(actor.links, link_maps(actor, pose), strict=True)):
            seed = key(actor.look.seed, number)
            parts.append(Part(actor.id, link, compose(ground, maps), pose.scale * zoom, seed, actor))
    if layout.prop is not None:
        prop = layout.prop
        x, y, turn = (prop.at, SIDE * 0.5, 0.25) if prop.upright else (SIDE * 0.5, prop.at, 0.0)
        flat = np.zeros(FRAMES)
        maps = compose(ground, similarity(flat + x, flat + y, flat + turn, flat + 1.0))
        parts.append(Part(0, Link("box", SIDE * 1.5, prop.width * 0.5), maps, zoom, prop.seed, None))
    return Stack(layout, size, ground, tuple(parts), seen(layout.camera))


def _grid(left: float, top: float, right: float, bottom: float, size: int, texels: float) -> Grid:
    """A canvas over a box with a native pixel to spare; its density follows the rendered size."""
    step = SIDE / (size * texels)
    width = int(np.ceil((right - left + 4.0) / step))
    return Grid(left - 2.0, top - 2.0, step, width, int(np.ceil((bottom - top + 4.0) / step)))


def _ground(scene: Stack) -> Pixels:
    """float32 [16, S, S, 3]."""
    canvas = paint_ground(
        GROUNDS[scene.layout.ground], scene.layout.ground_seed, _grid(*scene.corners, scene.size, _TEXELS)
    )
    axis = np.arange(scene.size).astype(np.float64)
    x, y = np.broadcast_arrays(axis[None, :], axis[:, None])
    still = scene.layout.camera.kind == "still"
    out = np.empty((FRAMES, scene.size, scene.size, 3), dtype=np.float32)
    back = invert(scene.ground)
    for frame in range(FRAMES):
        if still and frame:
            out[frame] = out[0]
            continue
        u, v = apply(back[frame], x.ravel(), y.ravel())
        out[frame] = canvas.sample(u, v).reshape(scene.size, scene.size, 3)
    return out


@dataclass(frozen=True, slots=True)
class _Patch:
    """The pixels that a part may touch: frame numbers, flat indices into [16, S, S], and part coordinates."""

    frame: NDArray[np.int64]
    flat: NDArray[np.int64]
    back: Floats
    x: Floats
    y: Floats
    distance: Floats

    def only(self, keep: NDArray[np.bool_]) -> _Patch:
        return _Patch(self.frame[keep], self.flat[keep], self.back, self.x[keep], self.y[keep], self.distance[keep])


def _patch(part: Part, size: int, margin: float, shift: tuple[float, float] = (0.0, 0.0)) -> _Patch:
    """All pixels within `margin` pixels of a part whose picture is moved by `shift` pixels."""
    left, top, right, bottom = part.link.extent()
    xs = np.array([left, right, right, left])
    ys = np.array([top, top, bottom, bottom])
    maps = part.maps.copy()
    maps[:, 0, 2] += shift[0]
    maps[:, 1, 2] += shift[1]
    px, py = apply(maps[:, None], xs, ys)
    x0, y0 = (np.clip(np.floor(p.min(axis=1) - margin), 0, size).astype(np.int64) for p in (px, py))
    x1, y1 = (np.clip(np.ceil(p.max(axis=1) + margin) + 1, 0, size).astype(np.int64) for p in (px, py))
    wide, high = int((x1 - x0).max(initial=0)), int((y1 - y0).max(initial=0))
    column = x0[:, None, None] + np.arange(max(wide, 0))[None, None, :]
    row = y0[:, None, None] + np.arange(max(high, 0))[None, :, None]
    inside = (column < x1[:, None, None]) & (row < y1[:, None, None])
    frame, i, j = np.nonzero(inside)
    column, row = column[frame, 0, j], row[frame, i, 0]
    back = invert(maps)
    x, y = apply(back[frame], column.astype(np.float64), row.astype(np.float64))
    distance = part.link.distance(x, y) * part.scale[frame]
    patch = _Patch(frame, (frame * size + row) * size + column, back, x, y, distance)
    return patch.only(distance < margin)


def _coverage(part: Part, patch: _Patch) -> NDArray[np.float32]:
    """The share of 4 x 4 subsamples inside the outline, for every pixel of the patch."""
    out = (patch.distance <= 0.0).astype(np.float32)
    edge = np.nonzero(np.abs(patch.distance) < 0.7072)[0]
    back = patch.back[patch.frame[edge]]
    offsets = ((np.arange(SUB).astype(np.float64) + 0.5) / SUB) - 0.5
    dx, dy = np.tile(offsets, SUB), np.repeat(offsets, SUB)
    x = patch.x[edge, None] + (back[:, 0, 0, None] * dx + back[:, 0, 1, None] * dy)
    y = patch.y[edge, None] + (back[:, 1, 0, None] * dx + back[:, 1, 1, None] * dy)
    count = np.count_nonzero(part.link.distance(x, y) <= 0.0, axis=1)
    out[edge] = count.astype(np.float32) / np.float32(SUB * SUB)
    return out


def _canvas(part: Part, size: int) -> Canvas:
    left, top, right, bottom = part.link.extent()
    if part.actor is None:
        raise TypeError("scenery has its own canvas")
    grid = _grid(left, top, right, bottom, size, _TEXELS)
    xs, ys = grid.axes()
    x, y = np.meshgrid(xs, ys)
    look = part.actor.look
    r, g, b = COLOURS[look.colour]
    base = (min(r * part.link.tone, 255.0), min(g * part.link.tone, 255.0), min(b * part.link.tone, 255.0))
    # Limbs are too thin for a pattern; it is the body that wears it.
    pattern = look.pattern if part.link.parent < 0 or look.noun == "caterpillar" else "plain"
    return paint_object(base, pattern, part.canvas_seed, grid, part.link.distance(x, y))


def _prop_canvas(scene: Stack, part: Part) -> Canvas:
    prop = scene.layout.prop
    if prop is None:
        raise TypeError("the scene has no scenery")
    left, top, right, bottom = part.link.extent()
    low = (scene.corners[1] if prop.upright else scene.corners[0]) - SIDE * 0.5
    high = (scene.corners[3] if prop.upright else scene.corners[2]) - SIDE * 0.5
    grid = _grid(max(left, low), top, min(right, high), bottom, scene.size, _TEXELS)
    canvas = paint_ground(SCENERY[prop.material], prop.seed, grid)
    ys = grid.axes()[1]
    # A pillar is round: dark towards both sides.
    side = ys / part.link.b
    light = np.clip(1.08 - 0.5 * side * side, 0.4, 1.1).astype(np.float32)
    return Canvas(grid, np.clip(canvas.pixels * light[:, None, None], 0.0, 255.0).astype(np.float32))


def _shade(pixels: Pixels, parts: list[Part], size: int) -> None:
    """Darken what lies behind a body: the outline, moved and blurred."""
    factor = size / SIDE
    dark = np.zeros(FRAMES * size * size, dtype=np.float32)
    blur = _SHADOW_BLUR * factor
    for part in parts:
        patch = _patch(part, size, blur, (_SHADOW[0] * factor, _SHADOW[1] * factor))
        level = np.clip((blur - patch.distance) / (2.0 * blur), 0.0, 1.0)
        level = level * level * (3.0 - 2.0 * level)
        dark[patch.flat] = np.maximum(dark[patch.flat], level.astype(np.float32))
    touched = np.nonzero(dark)[0]
    pixels[touched] *= (np.float32(1.0) - dark[touched] * np.float32(_SHADOW_DARK))[:, None]


def rasterise(scene: Stack) -> Raster:
    """Paint all layers of all frames."""
    size = scene.size
    pixels = _ground(scene).reshape(-1, 3)
    ids = np.zeros(FRAMES * size * size, dtype=np.int16)
    amodal = np.zeros((len(scene.layout.actors), FRAMES * size * size), dtype=bool)
    previous: Actor | None = None
    for number, part in enumerate(scene.parts, start=1):
        if part.actor is None or part.actor is not previous:
            _shade(pixels, [p for p in scene.parts if p.object_id == part.object_id], size)
        previous = part.actor
        canvas = _prop_canvas(scene, part) if part.actor is None else _canvas(part, size)
        patch = _patch(part, size, 0.7072)
        coverage = _coverage(part, patch)[:, None]
        colour = canvas.sample(patch.x, patch.y)
        under = pixels[patch.flat]
        pixels[patch.flat] = under + (colour - under) * coverage
        inside = patch.flat[patch.distance <= 0.0]
        ids[inside] = number
        if part.object_id:
            amodal[part.object_id - 1, inside] = True
    # Whole 256ths first, so that a last-bit difference could not tip a rounding.
    steps = np.rint(pixels * np.float32(256.0)).astype(np.int32)
    frames = np.clip((steps + 128) >> 8, 0, 255).astype(np.uint8)
    shape = (FRAMES, size, size)
    return Raster(frames.reshape(*shape, 3), ids.reshape(shape), amodal.reshape(-1, *shape))
