"""Masks decoded from the lossy trajectories on the paper's project page keep number and identity of the objects.

A clip passes if
1. as many colours are found in its first frame as a person counts objects;
2. points that a person placed on each object, in the first, the middle and the last frame, lie in that object's plane
   and in no other, and a point on the background lies in none;
3. every object is there in every frame, and from each frame to the next its plane overlaps itself more than any other;
4. at most 2 % of any frame is coloured but belongs to no object.
"""

from __future__ import annotations

import itertools
import typing as t
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from ttm_ref.colours import find_palette, read

Points = tuple[tuple[float, float], ...]


def still(x: float, y: float) -> Points:
    return ((x, y),) * 3


# Placed by eye on the raw frames: (x, y) as shares of the side in the first, middle and last frame.
OBJECTS: dict[str, list[Points]] = {
    "dit/bear": [still(0.4, 0.5), still(0.9, 0.95)],
    "dit/dog": [((0.55, 0.5), (0.4, 0.6), (0.4, 0.6)), still(0.1, 0.1)],
    "dit/gibbon": [still(0.5, 0.6), still(0.2, 0.95)],
    "dit/gorilla_guitar": [still(0.3, 0.4), ((0.38, 0.72), (0.35, 0.68), (0.35, 0.68))],
    "dit/gorilla_yoga": [still(0.5, 0.6)],
    "dit/meerkats": [((0.3, 0.5), (0.28, 0.7), (0.35, 0.5)), ((0.75, 0.5), (0.7, 0.5), (0.8, 0.5))],
    "dit/parrots": [still(0.35, 0.5), still(0.7, 0.5)],
    "dit/robot_push_ups": [((0.5, 0.35), (0.5, 0.45), (0.5, 0.5)), still(0.5, 0.95)],
    "dit/squirrel_pink_monster": [((0.8, 0.65), (0.75, 0.65), (0.75, 0.65)), still(0.3, 0.5)],
    "unet/bug_car": [((0.7, 0.62), (0.7, 0.62), (0.72, 0.62))],
    "unet/fox": [still(0.6, 0.25), still(0.2, 0.8)],
    "unet/jeep": [((0.46, 0.77), (0.44, 0.77), (0.43, 0.77)), still(0.4, 0.95)],
    "unet/ocean": [still(0.8, 0.7)],
    "unet/panda_bear": [still(0.5, 0.55)],
    "unet/parrots": [((0.4, 0.4), (0.4, 0.4), (0.3, 0.4)), still(0.75, 0.5)],
    "unet/race_car": [still(0.5, 0.55)],
    "unet/sharks": [((0.4, 0.6), (0.4, 0.62), (0.35, 0.65)), ((0.65, 0.3), (0.7, 0.35), (0.8, 0.35))],
    "unet/snowman": [still(0.55, 0.7), ((0.65, 0.3), (0.6, 0.2), (0.65, 0.3))],
    "unet/waterfall": [still(0.75, 0.6)],
}
BACKGROUND = {
    "dit/gibbon": (0.9, 0.1),
    "dit/gorilla_guitar": (0.9, 0.1),
    "dit/squirrel_pink_monster": (0.9, 0.1),
    "unet/fox": (0.2, 0.1),
}  # elsewhere (0.05, 0.05); the water of "dit/dog" fills it


def load(shared_data: Path, clip: str) -> NDArray[np.uint8]:
    """The middle one of the three squares, uint8 [F, S, S, 3]."""
    path = shared_data / "paper_gallery" / "trajectories" / f"{clip}.mp4"
    if not path.is_file():
        pytest.skip("the paper's trajectories are not here")
    with av.open(str(path)) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    side = frames[0].shape[0]
    return np.stack([frame[:, side : 2 * side] for frame in frames])


def fault(video: NDArray[np.uint8], clip: str) -> str:
    """Why the clip does not pass, or ""."""
    palette, objects = find_palette(video[0]), OBJECTS[clip]
    if len(palette) != len(objects):
        return f"{len(palette)} colours, {len(objects)} objects"
    planes = read(video, palette)
    at = (0, len(video) // 2, len(video) - 1)
    owners = []
    for points in objects:
        hits = [tuple(np.flatnonzero(_at(planes, f, point))) for f, point in zip(at, points, strict=True)]
        if len(set(hits)) != 1 or len(hits[0]) != 1:
            return f"the points of one object lie in planes {hits}"
        owners.append(hits[0])
    if len(set(owners)) != len(objects):
        return "two objects are one"
    point = BACKGROUND.get(clip, (0.05, 0.05))
    if clip != "dit/dog" and any(_at(planes, f, point).any() for f in at):
        return "background is taken for an object"
    if not planes.any((2, 3)).all():
        return "an object is lost"
    for one, two in itertools.pairwise(np.moveaxis(planes, 1, 0)):
        overlap = np.array([[(a & b).sum() / (a | b).sum() for b in two] for a in one])
        if (overlap.argmax(1) != np.arange(len(objects))).any() or overlap.diagonal().min() == 0:
            return "an object is another one in the next frame"
    left = ((video.max(-1) >= 64) & ~planes.any(0)).mean((1, 2)).max()
    return f"{left:.3f} of a frame is nobody's" if left > 0.02 else ""


def _at(planes: NDArray[np.bool_], frame: int, point: tuple[float, float]) -> t.Any:
    side = planes.shape[-1]
    return planes[:, frame, int(point[1] * side), int(point[0] * side)]


@pytest.mark.parametrize("clip", ["unet/snowman"])
def test_the_hardest_clip(shared_data: Path, clip: str) -> None:
    assert fault(load(shared_data, clip), clip) == ""


@pytest.mark.slow
def test_at_least_seventeen_of_the_nineteen_clips(shared_data: Path) -> None:
    faults = {clip: fault(load(shared_data, clip), clip) for clip in OBJECTS}
    failed = {clip: reason for clip, reason in faults.items() if reason}
    assert len(OBJECTS) == 19
    assert len(failed) <= 2, failed
