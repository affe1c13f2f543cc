"""Corruptions of one object: it stops, shakes, jumps, goes, merges, doubles. Frame 0 stays."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from motionbench.backends.classical.opencv import single_thread
from motionbench.errors import NotApplicable
from motionbench.stress.backdrop import SynthBackdrop
from motionbench.stress.layers import (
    Place,
    centre_and_diameter,
    lift,
    moved,
    one_of,
    place,
    shift,
    to_bytes,
)
from motionbench.stress.material import Material
from motionbench.stress.registration import grown, union
from motionbench.stress.temporal import frozen_from

Floats = NDArray[np.float64]

JITTER = (0.25, 0.5, 1.0, 2.0, 4.0)  # sigma in pixels
YIELD = 16.0  # pixels over which the surroundings give way to a shaking object
TELEPORT = (0.1, 0.25, 0.5, 0.75, 1.0)  # diameters
FADED = (0.2, 0.4, 0.6, 0.8, 1.0)  # share of the object's opacity that is lost by the last frame
GONE = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 0.9)  # share of the clip, at its end, that an object is missing from
MERGE = (0.1, 0.2, 0.35, 0.6, 1.0)  # share of the way to the other object, and of its looks
DOUBLE = (0.25, 0.5, 0.75, 1.0, 1.25)  # diameters by which the double has moved out at the end
HEADINGS = 16


def partial_freeze(material: Material, severity: int, seed: int, object_id: int | None) -> Material:
    """One object stops and stands on the background, whatever the camera does; the rest goes on."""
    count = len(material.frames)
    start, camera = frozen_from(count, severity), material.backdrop.camera()
    back = np.linalg.inv(camera[start])
    places = [Place(at) if at <= start else Place(start, camera[at] @ back) for at in range(count)]
    return place(material, one_of(object_id), places)


def object_jitter(material: Material, severity: int, seed: int, object_id: int | None) -> Material:
    """One object is displaced in every frame on its own.

    Where the plate is not exact, the object still moves as a whole, and the picture around it gives way over some
    pixels instead of being uncovered.
    """
    target = one_of(object_id)
    offsets = np.random.default_rng(seed).standard_normal((len(material.frames), 2)) * JITTER[severity - 1]
    if not isinstance(material.backdrop, SynthBackdrop):
        return _nudged(material, target, offsets)
    return place(material, target, [Place(at, shift(*by)) if at else Place(0) for at, by in enumerate(offsets)])


def _nudged(material: Material, object_id: int, offsets: Floats) -> Material:
    """The object moved as a whole, its surroundings by less and less over YIELD pixels."""
    row = material.plane(object_id)
    frames, masks = material.frames.copy(), material.masks.copy()
    height, width = frames.shape[1:3]
    grid = np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1).astype(np.float32)
    with single_thread():
        for at in range(1, len(frames)):
            mask = material.masks[row, at]
            if not mask.any():
                continue
            # The field is read at the target, so the part that moves as a whole must hold the object before and after.
            core = grown(mask, int(np.ceil(np.abs(offsets[at]).max())) + 1)
            away = cv2.distanceTransform((~core).astype(np.uint8), cv2.DIST_L2, 5)
            weight = np.clip(1 - away / YIELD, 0, 1)[..., None]
            where = (grid - weight * offsets[at]).astype(np.float32)
            frames[at] = cv2.remap(frames[at], where, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)
            masks[row, at] = cv2.remap(mask.astype(np.uint8) * 255, where, None, cv2.INTER_LINEAR) > 127
    return material.with_frames(frames, masks)


def teleport(material: Material, severity: int, seed: int, object_id: int | None) -> Material:
    """One object jumps aside in the middle of the clip and goes on from there."""
    count = len(material.frames)
    when = round(count * np.random.default_rng(seed).uniform(1 / 3, 2 / 3))
    target = one_of(object_id)
    way = _free_way(material, target, TELEPORT[-1], when) * TELEPORT[severity - 1]
    return place(material, target, [Place(at, shift(*way)) if at >= when else Place(at) for at in range(count)])


def fade(material: Material, severity: int, seed: int, object_id: int | None) -> Material:
    """One object becomes more transparent from frame to frame; at top severity it is gone in the last."""
    opacity = np.linspace(1, 1 - FADED[severity - 1], len(material.frames))
    return place(material, one_of(object_id), [Place(at, opacity=float(a)) for at, a in enumerate(opacity)])


def vanish(material: Material, severity: int, seed: int, object_id: int | None) -> Material:
    """One object is gone from one frame to the next."""
    count = len(material.frames)
    onset = max(1, count - max(1, round(GONE[severity - 1] * count)))
    return place(material, one_of(object_id), [Place(at, opacity=float(at < onset)) for at in range(count)])


def merge(material: Material, severity: int, seed: int, object_id: int | None) -> Material:
    """One object glides into the nearest other one, takes on its looks and dissolves in it, in the middle of the clip.

    Raises:
        NotApplicable: there is no other object, or the background behind is not known.
    """
    target, count = one_of(object_id), len(material.frames)
    other = _nearest(material, target)
    mine, theirs = material.masks[material.plane(target)], material.masks[material.plane(other)]
    part = MERGE[severity - 1] * np.clip((np.arange(count) / count - 0.25) / 0.5, 0, 1)
    part[~(mine.any((1, 2)) & theirs.any((1, 2)))] = 0.0
    lifted, host = lift(material, target), lift(material, other)
    pairs = [_towards(mine[at], theirs[at], at, float(part[at])) if part[at] else None for at in range(count)]
    places = [Place(at) if pair is None else pair[0] for at, pair in enumerate(pairs)]
    frames = place(material, target, places)
    mixed, masks = frames.frames.copy(), frames.masks.copy()
    with single_thread():
        for at, pair in enumerate(pairs):
            if pair is None:
                continue
            rgb, alpha, _ = moved(host, pair[1])
            _, own, _ = moved(lifted, pair[0])
            blend = (np.minimum(alpha, own) * part[at] * pair[0].opacity)[..., None]
            mixed[at] = to_bytes(mixed[at] * (1 - blend) + rgb * blend)
    return frames.with_frames(mixed, masks)


def _towards(mine: NDArray[np.bool_], theirs: NDArray[np.bool_], at: int, part: float) -> tuple[Place, Place]:
    """Where the object goes on its way to the other one, and where the other one's picture lies on it."""
    (here, size), (there, aim) = centre_and_diameter(mine), centre_and_diameter(theirs)
    goal, gain = here + part * (there - here), (aim / size) ** part
    move = shift(*goal) @ np.diag([gain, gain, 1.0]) @ shift(*-here)
    grow = size * gain / aim
    laid = shift(*goal) @ np.diag([grow, grow, 1.0]) @ shift(*-there)
    return Place(at, move, 1 - part**2), Place(at, laid)


def duplicate(material: Material, severity: int, seed: int, object_id: int | None) -> Material:
    """A double slides out of one object and moves along beside it."""
    target, count = one_of(object_id), len(material.frames)
    way = _free_way(material, target, DOUBLE[-1], count - 1) * DOUBLE[severity - 1]
    lifted = lift(material, target)
    frames = material.frames.copy()
    part = np.clip((np.arange(count) / count - 0.2) / 0.5, 0, 1)
    with single_thread():
        for at in np.flatnonzero(part).tolist():
            rgb, alpha, _ = moved(lifted, Place(at, shift(*(way * part[at]))))
            behind = (alpha * (1 - lifted.alpha[at]))[..., None]  # the double comes out from behind
            frames[at] = to_bytes(frames[at] * (1 - behind) + rgb * behind)
    return material.with_frames(frames)


def _nearest(material: Material, object_id: int) -> int:
    row = material.plane(object_id)
    rest = [k for k in range(len(material.object_ids)) if k != row and material.masks[k, 0].any()]
    if not rest or not material.masks[row, 0].any():
        raise NotApplicable("there is no other object to merge with")
    here = centre_and_diameter(material.masks[row, 0])[0]
    apart = [float(np.linalg.norm(centre_and_diameter(material.masks[k, 0])[0] - here)) for k in rest]
    return int(material.object_ids[rest[int(np.argmin(apart))]])


def _free_way(material: Material, object_id: int, reach: float, at: int) -> Floats:
    """A vector of one object diameter along which it stays in the frame and clear of the others, if it can."""
    row = material.plane(object_id)
    seen = np.flatnonzero(material.masks[row].any((1, 2)))
    if not len(seen):
        raise NotApplicable(f"object {object_id} is never seen")
    frame = int(seen[np.argmin(np.abs(seen - at))])
    mask = material.masks[row, frame]
    others = union(np.delete(material.masks[:, frame], row, axis=0))
    y, x = np.nonzero(mask)
    diameter = float(np.sqrt(len(x)))
    best, most = np.zeros(2), -1.0
    for angle in np.arange(HEADINGS) * (2 * np.pi / HEADINGS):
        way = diameter * np.array([np.cos(angle), np.sin(angle)])
        column, line = np.rint(x + way[0] * reach).astype(int), np.rint(y + way[1] * reach).astype(int)
        inside = (column >= 0) & (column < mask.shape[1]) & (line >= 0) & (line < mask.shape[0])
        free = float((~others[line[inside], column[inside]]).sum()) / len(x)
        if free > most + 1e-9:
            best, most = way, free
    return best
