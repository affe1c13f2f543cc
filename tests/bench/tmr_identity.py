"""tmr without a reference: do real objects pass, and do objects that took on another's looks fail?

    python tests/bench/tmr_identity.py DATASET [--scenes 12]

Every clip is judged by statistics of the others (leave one clip out) and of procedural scenes: its clean objects, and
each of them after `identity_swap` at the highest severity. Prints the mean of identity and of tmr for both by the
width of the kernel in amplitude and by the scale of identity, and each object at the shipped settings.
"""

from __future__ import annotations

import argparse
import dataclasses
import typing as t
from pathlib import Path

import numpy as np
import tmr_population as stats

from motionbench.datasets import load_dataset
from motionbench.errors import NotApplicable
from motionbench.metrics.tmr import parts, population
from motionbench.metrics.tmr.character import Character, characterise
from motionbench.metrics.tmr.score import MOST_EXCUSED, MOVES
from motionbench.metrics.tmr.tracks import cameras
from motionbench.metrics.tmr.traits import measure
from motionbench.stress.corruptions import CORRUPTIONS, SEVERITIES
from motionbench.stress.material import Material, donor_of, of_case, of_scene, stress_seed

KERNELS, SCALES = (0.3, 0.6), (0.05, 0.07, 0.09, 0.12)
SWAP = CORRUPTIONS["identity_swap"]


class Shown(t.NamedTuple):
    """One object of a clip: its clip, its own amplitude's view, and by the gate's amplitude."""

    clip: str
    swapped: bool
    own: Character
    judged: Character


def shown(material: Material, clip: str, only: int | None) -> list[Shown]:
    """Moving objects of a clip; `only` the one with this id."""
    view = stats.view_of(stats.inputs_of(material))
    steps, found = cameras(view.roles["windows"]), []
    for k, key in enumerate(material.object_ids.tolist()):
        traits = measure(view, k, steps) if only in (None, key) else None
        if traits is not None and traits.excused <= MOST_EXCUSED:
            found.append(Shown(clip, only is not None, characterise(traits), characterise(traits, 2 * MOVES)))
    return found


def collect(folder: Path) -> list[Shown]:
    """Clean and swapped objects of a dataset."""
    found: list[Shown] = []
    materials = [of_case(case) for case in load_dataset(folder).cases]
    for n, material in enumerate(materials):
        found += shown(material, material.case_id, None)
        dressed = dataclasses.replace(material, donor=donor_of(materials[(n + 1) % len(materials)]))
        for key in material.object_ids.tolist():
            try:
                made = SWAP.apply(dressed, SEVERITIES, stress_seed(0, material.case_id, SWAP.name), key)
            except NotApplicable:
                continue
            found += shown(made, material.case_id, key)
    return [one for one in found if one.swapped or one.own.amplitude >= MOVES]


def judge(objects: list[Shown], scenes: list[Character]) -> list[tuple[Shown, parts.Parts]]:
    """Each object by the statistics of the other clips."""
    found = []
    for clip in sorted({one.clip for one in objects}):
        others = [one.own for one in objects if one.clip != clip and not one.swapped]
        content: t.Any = stats.summarise(others, scenes)
        table = tuple((k["at"], population._character(k, content["amplitude"])) for k in content["knots"])
        mine = [one for one in objects if one.clip == clip]
        found += [
            (one, parts.compare(one.judged, population.read(table, one.own.amplitude), one=False)) for one in mine
        ]
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--scenes", type=int, default=12)
    options = parser.parse_args()
    objects = collect(options.dataset)
    scenes = [
        c
        for index in range(options.scenes)
        for c in stats.characters(stats.view_of(stats.inputs_of(of_scene(index, "train"))))
    ]
    shipped = (stats.KERNEL, parts.FOREIGN[1])
    print("| kernel | scale | identity, clean | swapped | tmr, clean | swapped |\n" + "|---" * 6 + "|")
    for kernel in KERNELS:
        for scale in SCALES:
            stats.KERNEL, parts.FOREIGN = kernel, (parts.FOREIGN[0], scale)
            judged = judge(objects, scenes)
            cells = [
                f"{np.mean([getattr(p, name) for one, p in judged if one.swapped is swapped]):.2f}"
                for name in ("identity", "score")
                for swapped in (False, True)
            ]
            print(f"| {kernel} | {scale} | {' | '.join(cells)} |")
    stats.KERNEL, parts.FOREIGN = shipped[0], (parts.FOREIGN[0], shipped[1])
    for one, p in judge(objects, scenes):
        print(f"{one.clip} {'swapped' if one.swapped else 'clean'}: identity {p.identity:.2f}, tmr {p.score:.2f}")


if __name__ == "__main__":
    main()
