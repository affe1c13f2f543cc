"""Training scenes as the text network sees them, measured once and kept in shards.

A scene is seen at its native 128 pixels through the flow backend. Every fourth has its masks carried from frame 0, as
they are when a video is scored; the others have true masks with faults of the same kind (grown, shrunk, shifted,
lost for a while), which costs a third of the time.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from motionbench.backends.classical import CARRIED_MASKS, DIS, LK_TRACKS
from motionbench.backends.classical.dis import pair_flow
from motionbench.backends.classical.opencv import luma, single_thread
from motionbench.backends.video_text.observe import Observation, observe
from motionbench.datasets.synth import Scene, render
from motionbench.types import Clip, InputMatch, Inputs

RECIPE = 1
SHARD = 100
CARRIED_EVERY = 4
Bools = NDArray[np.bool_]


def observe_scene(index: int, split: str = "train") -> Observation:
    """One scene as it is trained on."""
    scene = render(index, split)
    with single_thread():
        if index % CARRIED_EVERY == 0:
            uv, masks = _carried(scene)
        else:
            greys = [luma(frame) for frame in scene.video.frames]
            uv = np.stack([pair_flow(a, b) for a, b in itertools.pairwise(greys)])
            masks = faulty(scene.masks.values, np.random.default_rng([RECIPE, index]))
        return observe(scene.video.frames, scene.video.times, uv, masks)


def _carried(scene: Scene) -> tuple[NDArray[np.float32], Bools]:
    """Flow and carried masks, as the lite profile makes them."""
    frames, ids = scene.video.frames, scene.masks.object_ids
    height, width = frames.shape[1:3]
    clip = Clip(scene.video, (height, width), (0, 0, height, width), 1, 8.0)
    shown, match = np.ones((height, width), np.bool_), InputMatch(1.0, 0.0, 0.0, 1.0)
    inputs = Inputs(scene.case, clip, frames[0], shown, scene.masks.values[:, 0], ids, match)
    flow = DIS.load()(inputs, {})
    tracks = LK_TRACKS.load()(inputs, {"flow": flow})
    return flow["uv"], CARRIED_MASKS.load()(inputs, {"flow": flow, "tracks": tracks})["values"]


def faulty(masks: Bools, rng: np.random.Generator) -> Bools:
    """True masks bool [K, T, H, W] with the faults of carried ones; frame 0 stays true."""
    out = masks.copy()
    for k, planes in enumerate(masks):
        rim = int(rng.integers(-2, 3)) if rng.random() < 0.6 else 0
        drift = np.cumsum(rng.normal(0.0, 0.25 * (rng.random() < 0.4), (len(planes), 2)), axis=0)
        gone = int(rng.integers(4, len(planes))) if rng.random() < 0.05 else len(planes)
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * abs(rim) + 1, 2 * abs(rim) + 1))
        for t in range(1, len(planes)):
            plane = planes[t].astype(np.uint8)
            if rim:
                plane = cv2.dilate(plane, kernel) if rim > 0 else cv2.erode(plane, kernel)
            y, x = np.rint(drift[t]).astype(int)
            out[k, t] = np.roll(plane, (y, x), (0, 1)).astype(np.bool_) & (t < gone)
    return out


def shard(folder: Path, number: int, split: str = "train") -> dict[str, NDArray[np.generic]]:
    """Scenes `number * SHARD` to `(number + 1) * SHARD - 1`: read, or measured and written.

    Returns:
        `count` int64 [SHARD] objects of each scene; `series` and `crops` of all objects in a row; `camera` and
        `picture` by scene (see `Observation`).
    """
    path = folder / f"scenes-{split}-{number:05d}.safetensors"
    if not path.exists():
        seen = [observe_scene(index, split) for index in range(number * SHARD, (number + 1) * SHARD)]
        arrays = {
            "count": np.array([len(o.series) for o in seen], np.int64),
            "series": np.concatenate([o.series for o in seen]),
            "crops": np.concatenate([o.crops for o in seen]),
            "camera": np.stack([o.camera for o in seen]),
            "picture": np.stack([o.picture for o in seen]),
        }
        folder.mkdir(parents=True, exist_ok=True)
        whole = path.with_suffix(".part")
        save_file(arrays, whole)
        whole.replace(path)
    found: dict[str, NDArray[np.generic]] = load_file(path)
    return found


def prepare(folder: Path, scenes: int, report: Callable[[str], None]) -> list[Path]:
    """Measure the first `scenes` training scenes (rounded up to whole shards); returns the files in order."""
    numbers = range(-(-scenes // SHARD))
    for number in numbers:
        shard(folder, number)
        report(f"scenes: {(number + 1) * SHARD} of {len(numbers) * SHARD}")
    return [folder / f"scenes-train-{number:05d}.safetensors" for number in numbers]
