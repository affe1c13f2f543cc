"""What real objects show: the statistics that tmr falls back on where a case has no reference.

    python tests/bench/tmr_population.py DATASET... [--scenes 40] [--out motionbench/data/tmr-population.json]

Measures every object of the datasets' references, and of the first procedural training scenes, that moves. Real and
procedural objects weigh the same in all. Same command, same bytes.
"""

from __future__ import annotations

import argparse
import json
import typing as t
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from motionbench import video
from motionbench.backends.appearance import PATCH_APPEARANCE
from motionbench.backends.classical import CARRIED_MASKS, DIS, LK_TRACKS, LK_WINDOWS
from motionbench.metrics.tmr.character import Character, characterise
from motionbench.metrics.tmr.population import SCHEMA
from motionbench.metrics.tmr.score import MOST_EXCUSED, MOVES
from motionbench.metrics.tmr.tracks import cameras
from motionbench.metrics.tmr.traits import Traits, measure
from motionbench.stress.material import Material, of_case, of_scene
from motionbench.types import Case, Clip, Features, InputMatch, Inputs, Video, View

LEVEL = 0.8
LOOK_LEVEL = 0.5  # of the unlikeness to frame 0; for this and its kernel see docs/tmr.md
KNOTS = (0.15, 0.3, 0.6, 1.2, 2.4)  # diameters per second
KERNEL = 0.3  # standard deviation, in log amplitude, of the weights of the objects around a knot
LOOK_KERNEL = 0.6
BACKENDS = (DIS, LK_TRACKS, CARRIED_MASKS, LK_WINDOWS, PATCH_APPEARANCE)


def inputs_of(material: Material) -> Inputs:
    """The material as a backend sees it."""
    height, width = material.frames.shape[1:3]
    times = np.array(material.times)
    clip = Clip(
        Video(np.ascontiguousarray(material.frames), times),
        (height, width),
        (0, 0, height, width),
        1,
        (len(times) - 1) / float(times[-1] - times[0]),
    )
    texts = material.texts
    case = Case(material.case_id, "single", "", texts.caption, "", texts.motion_prompt, texts.objects, None)  # type: ignore[arg-type]
    shown = np.ones((height, width), np.bool_)
    masks0, ids = np.array(material.masks[:, 0]), np.array(material.object_ids)
    return Inputs(case, clip, material.image, shown, masks0, ids, InputMatch(1.0, 0.0, 0.0, 1.0))


def with_clip(inputs: Inputs, clip: Clip) -> Inputs:
    """Another video of the same case: its picture and masks are laid onto that one."""
    match = video.match_input(inputs.image, clip)
    image, shown = video.carry_image(inputs.image, match, clip)
    assert inputs.masks0 is not None
    masks0 = video.carry_masks(inputs.masks0, match, clip)
    return Inputs(inputs.case, clip, image, shown, masks0, inputs.object_ids, match)


def view_of(inputs: Inputs) -> View:
    """Features of all roles that tmr reads."""
    features: dict[str, Features] = {}
    for backend in BACKENDS:
        features[backend.role] = backend.load()(inputs, features)
    height, width = inputs.clip.video.frames.shape[1:3]
    return View(features, inputs.clip.video.times, (height, width), inputs.match)


def traits_of(view: View) -> list[Traits | None]:
    """Of all its objects; None where one cannot be judged."""
    steps = cameras(view.roles["windows"])
    found = [measure(view, k, steps) for k in range(len(view.roles["masks"]["object_ids"]))]
    return [traits if traits is not None and traits.excused <= MOST_EXCUSED else None for traits in found]


def characters(view: View) -> list[Character]:
    """Its moving objects."""
    found = [characterise(traits) for traits in traits_of(view) if traits is not None]
    return [c for c in found if c.amplitude >= MOVES]


def quantile(values: NDArray[np.float64], weights: NDArray[np.float64], level: float) -> float:
    """Weighted quantile of numbers [N]."""
    order = np.argsort(values, kind="stable")
    at = (np.cumsum(weights[order]) - weights[order] / 2) / weights.sum()
    return float(np.interp(level, at, values[order]))


def summarise(real: list[Character], scenes: list[Character]) -> dict[str, object]:
    """The statistics as JSON."""
    both = real + scenes
    groups = np.concatenate([np.full(len(group), 1 / len(group)) for group in (real, scenes) if group])
    places = np.log([c.amplitude for c in both])
    knots = []
    for knot in KNOTS:
        near, wide = (groups * np.exp(-0.5 * ((places - np.log(knot)) / width) ** 2) for width in (KERNEL, LOOK_KERNEL))
        knots.append({"at": knot, **_knot(both, near), "foreign": _at([c.foreign for c in both], wide, LOOK_LEVEL)})
    return {
        "schema": SCHEMA,
        "objects": {"real": len(real), "procedural": len(scenes)},
        "level": LEVEL,
        "look_level": LOOK_LEVEL,
        "amplitude": 2 * MOVES,
        "knots": knots,
    }


def _knot(objects: list[Character], weights: NDArray[np.float64]) -> dict[str, object]:
    return {
        "alive": _at([np.array(c.alive) for c in objects], weights, 1 - LEVEL),
        "hazards": _at([c.hazards for c in objects], weights, LEVEL),
        "rough": _at([c.rough for c in objects], weights, LEVEL),
        "repeated": _at([np.array(c.repeated) for c in objects], weights, LEVEL),
        "disorder": _at([np.array(c.disorder) for c in objects], weights, LEVEL),
    }


def _at(values: list[NDArray[np.float64]], weights: NDArray[np.float64], level: float) -> t.Any:
    kept = [i for i, v in enumerate(values) if v.size and np.isfinite(v).all()]
    stacked = np.stack([values[i] for i in kept])
    flat = [quantile(column, weights[kept], level) for column in stacked.reshape(len(kept), -1).T]
    return np.round(np.reshape(flat, stacked.shape[1:]), 4).tolist()


def main() -> None:
    """Measure and write."""
    from motionbench.datasets import load_dataset

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("datasets", nargs="*", type=Path)
    parser.add_argument("--scenes", type=int, default=40)
    parser.add_argument("--out", type=Path, default=Path("motionbench/data/tmr-population.json"))
    options = parser.parse_args()
    cases = [case for folder in options.datasets for case in load_dataset(folder).cases]
    real = [c for case in cases for c in characters(view_of(inputs_of(of_case(case))))]
    scenes = [c for index in range(options.scenes) for c in characters(view_of(inputs_of(of_scene(index, "train"))))]
    options.out.write_text(json.dumps(summarise(real, scenes), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
