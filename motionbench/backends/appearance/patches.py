"""The role `appearance` by descriptors of patches: what frame 0 shows of each object, looked for in each later frame.

For each object and frame, in both directions (after Simakov et al., "Summarizing visual data using bidirectional
similarity", CVPR 2008):

- `explained`: how far the patches of its region now are from the nearest patch of the object or of its surroundings in
  frame 0. A region that shows something new is not explained.
- `found`: how far its patches of frame 0 are from the nearest one in or near its region now. What is gone is not found.

Both are means over the quarter of the patches that are furthest: a head that becomes another's must not drown in a body
that stays.

- `own`: share of the region now that is nearer to the object's patches than to those of its surroundings in frame 0.
  A region that lies on bare ground has none. Ground under a mask that spills over its object counts here alone.

Patches of a coarse lattice are looked for at every pixel: the lattice lies elsewhere on the object from frame to frame,
and half its stride aside the same object would look like another one. A patch may turn by 45° either way, and be a
quarter larger or a fifth smaller (for `own`, it may only turn). Objects are compared at one common scale, set by their
area in frame 0.

- `apart`: mean difference in luma between every two frames where the object is at any time: what repeats, and which
  frames are neighbours in time.

Failure modes: a small object is compared with few pixels; an object that shows another side is new; what covers an
object and has no mask of its own is taken for its change; a copy of the object counts as the object.
"""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from motionbench.backends.appearance.field import SIDE, Bools, Field, Floats, Points, lattice, nearest, turned
from motionbench.backends.classical.opencv import luma, single_thread
from motionbench.types import Backend, Features, Inputs

FAR = 1.0  # distance where there is nothing to compare, and the largest one given: further is not worse
MARGIN = 0.35  # diameters of surroundings that are looked at
NEAR = 0.17  # diameters around the region in which a patch still counts as found
SMALLEST = 12  # pixels; a region below is nothing
LARGEST_ZOOM = 2.0
SEARCH_STRIDE = 4
LIKE = 0.65  # a lost object is found again where its patches are nearer than this, as those of the same object are
PART = 0.5  # and where such patches fill this share of a square of its size
WORST = 0.25  # of the patches speak for all
TURNS = (0, 1, -1)  # steps of 45°
SIZES = (0.8, 1.25)  # beside its own
_COARSE = 4  # frames are compared with each other at a quarter of their size


def appearance(inputs: Inputs, upstream: Mapping[str, Features]) -> Features:
    """Likeness of the objects to frame 0; needs `masks`.

    Returns:
        explained, found float32 [K, T], mean distances of the worst quarter, from 0 (equal) to 1; about 0.6 for the
        same object in another pose, 0.9 for another one; own float32 [K, T] in [0, 1]; apart float32 [K, T, T] in grey
        levels; object_ids int64 [K].
    """
    frames, masks = inputs.clip.video.frames, upstream["masks"]["values"]
    with single_thread():
        small = [
            cv2.resize(luma(f), None, fx=1 / _COARSE, fy=1 / _COARSE, interpolation=cv2.INTER_AREA) for f in frames
        ]
        likeness = [_one_object(frames, planes) for planes in masks]
        apart = [_apart(np.stack(small).astype(np.float32), planes) for planes in masks]
    count = len(frames)
    values = np.stack(likeness) if likeness else np.zeros((0, count, 3), np.float32)
    return {
        "explained": values[..., 0],
        "found": values[..., 1],
        "own": values[..., 2],
        "apart": np.stack(apart) if apart else np.zeros((0, count, count), np.float32),
        "object_ids": np.asarray(upstream["masks"]["object_ids"], np.int64),
    }


class _First:
    """An object in frame 0.

    Attributes:
        sought: descriptors of its lattice's patches, in all turns after one another; `count` in each.
        known: descriptors of all its pixels' patches, in all turns.
        sought_resized, known_resized: the same at the other sizes, of every second pixel.
        around: descriptors of all its surroundings' patches.
    """

    def __init__(self, frame: NDArray[np.uint8], plane: Bools) -> None:
        self.diameter = float(np.sqrt(plane.sum()))
        self.zoom = min(LARGEST_ZOOM, SIDE / self.diameter)
        picture, inside = self.cut(frame, plane)
        at = lattice(inside)
        self.count = len(at)
        everywhere, every_second = lattice(inside, 1), lattice(inside, 2)
        if not len(every_second):  # a thin object can lie between its points
            every_second = everywhere
        self.sought, self.known = (_poses(picture, points, (1.0,)) for points in (at, everywhere))
        self.sought_resized, self.known_resized = (_poses(picture, points, SIZES) for points in (at, every_second))
        self.around = Field(picture).describe(lattice(~_grown(inside, 2), 1))

    def cut(self, frame: NDArray[np.uint8], plane: Bools) -> tuple[NDArray[np.uint8], Bools]:
        """The region and its margin, brought to the common scale."""
        margin = round(MARGIN * self.diameter)
        rows, columns = np.flatnonzero(plane.any(1)), np.flatnonzero(plane.any(0))
        box = (
            slice(max(0, rows[0] - margin), rows[-1] + 1 + margin),
            slice(max(0, columns[0] - margin), columns[-1] + 1 + margin),
        )
        part, inside = frame[box], plane[box].astype(np.uint8)
        size = (max(8, round(part.shape[1] * self.zoom)), max(8, round(part.shape[0] * self.zoom)))
        how = cv2.INTER_AREA if self.zoom < 1 else cv2.INTER_LINEAR
        resized = cv2.resize(part, size, interpolation=how)
        return np.asarray(resized), cv2.resize(inside, size, interpolation=cv2.INTER_NEAREST) > 0

    def compare(self, frame: NDArray[np.uint8], plane: Bools) -> tuple[float, float, float]:
        """explained, found and own of a region in another frame; the object is looked for where there is none."""
        if int(plane.sum()) < SMALLEST:
            return self.search(frame)
        picture, inside = self.cut(frame, plane)
        field = Field(picture)
        here, near = lattice(inside), _grown(inside, round(NEAR * SIDE))
        if not len(here):
            return FAR, FAR, 0.0
        patches = field.describe(here)
        mine, other = nearest(patches, self.known), self.beside(patches)
        explained = self.explained(patches, np.minimum(mine, other))
        return explained, _worst(self.found(field, near)), float((mine < other).mean())

    def explained(self, patches: Floats, known: Floats) -> float:
        """Of descriptors [N, 75] that are as far as `known` [N] from what frame 0 shows in its own size, N >= 1."""
        return _worst(np.minimum(known, nearest(patches, self.known_resized)))

    def found(self, field: Field, region: Bools) -> Floats:
        """Distance float32 [count] from each of its lattice's patches, in its best pose, to the nearest in a region."""
        own = nearest(self.sought, field.describe(lattice(region, 1)))
        resized = nearest(self.sought_resized, field.describe(lattice(region, 2)))
        return np.asarray(np.concatenate([own, resized]).reshape(-1, self.count).min(0))

    def beside(self, patches: Floats) -> Floats:
        """Distances to the surroundings; far where the object filled all that was cut out."""
        return nearest(patches, self.around) if len(self.around) else np.full(len(patches), FAR, np.float32)

    def search(self, frame: NDArray[np.uint8]) -> tuple[float, float, float]:
        """explained, found and own where the whole frame shows the object best, if it shows it at all."""
        size = (max(8, round(frame.shape[1] * self.zoom)), max(8, round(frame.shape[0] * self.zoom)))
        field = Field(np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA)))
        points = lattice(np.ones(size[::-1], np.bool_), SEARCH_STRIDE)
        patches = field.describe(points)
        mine, other = nearest(patches, self.known), self.beside(patches)
        likely = (mine < other) & (mine < LIKE)
        row, column = (points[:, ::-1] // SEARCH_STRIDE).T
        plane = np.zeros((row.max() + 1, column.max() + 1), np.float32)
        plane[row, column] = likely
        side = max(1, round(SIDE / SEARCH_STRIDE))
        share = cv2.boxFilter(plane, cv2.CV_32F, (side, side), borderType=cv2.BORDER_CONSTANT)
        y, x = np.unravel_index(int(share.argmax()), share.shape)
        inside = likely & (np.abs(row - y) <= side) & (np.abs(column - x) <= side)
        if share[y, x] < PART or not inside.any():
            return FAR, FAR, 0.0
        region = np.zeros(size[::-1], np.bool_)
        region[tuple(points[inside, ::-1].T)] = True
        found = self.found(field, _grown(region, SEARCH_STRIDE // 2))
        if found.mean() >= LIKE:
            return FAR, FAR, 0.0
        return self.explained(patches[inside], mine[inside]), _worst(found), 1.0


def _poses(picture: NDArray[np.uint8], points: Points, sizes: tuple[float, ...]) -> Floats:
    """Descriptors of the patches at points int64 [N, 2], float32 [3 x sizes x N, 75]: for each size, all turns."""
    made = []
    for size in sizes:
        shape = (max(8, round(picture.shape[1] * size)), max(8, round(picture.shape[0] * size)))
        how = cv2.INTER_AREA if size < 1 else cv2.INTER_LINEAR
        resized = np.asarray(cv2.resize(picture, shape, interpolation=how))
        there = np.rint((points + 0.5) * size - 0.5).astype(np.int64)
        patches = Field(resized).describe(np.clip(there, 0, [shape[0] - 1, shape[1] - 1]))
        made += [turned(patches, step) for step in TURNS]
    return np.concatenate(made)


def _worst(distances: Floats) -> float:
    """Mean of the largest quarter of at least one distance, at most FAR."""
    largest = np.sort(distances)[-max(1, int(WORST * len(distances))) :]
    return min(FAR, float(largest.mean()))


def _grown(region: Bools, by: int) -> Bools:
    side = 2 * by + 1
    return np.asarray(cv2.dilate(region.astype(np.uint8), np.ones((side, side), np.uint8)) > 0)


def _one_object(frames: NDArray[np.uint8], planes: Bools) -> Floats:
    """float32 [T, 3] of one object's planes bool [T, H, W]."""
    nothing = np.array([FAR, FAR, 0.0], np.float32)
    values = np.tile(nothing, (len(frames), 1))
    if int(planes[0].sum()) < SMALLEST:
        return values
    first = _First(frames[0], planes[0])
    if first.count:
        values[:] = [first.compare(frame, plane) for frame, plane in zip(frames, planes, strict=True)]
    return values


def _apart(small: Floats, planes: Bools) -> Floats:
    """Mean absolute difference float32 [T, T] between frames [T, h, w] where the object is at any time."""
    height, width = small.shape[1:]
    anywhere = _grown(cv2.resize(planes.any(0).astype(np.uint8), (width, height)) > 0, 1)
    if not anywhere.any():
        return np.zeros((len(small), len(small)), np.float32)
    values = small[:, anywhere]
    return np.stack([np.abs(values - one).mean(1) for one in values])


PATCH_APPEARANCE = Backend(
    name="patch-appearance",
    role="appearance",
    recipe=5,
    load=lambda: appearance,
    requires=("masks",),
    inputs=("masks",),
    min_frames=2,
)
