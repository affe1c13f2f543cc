"""tmr without a reference: do real objects pass, and do objects fail that became another, wholly or in part?

    python tests/bench/tmr_identity.py DATASET... [--scenes 24] [--variants]

Every clip is judged by statistics of the others (leave one video out; every procedural training scene by those of the
real clips and of the other half of the scenes): its clean objects, and each of them after `part_swap` of 30 and 50 %,
`texture_swap` and `identity_swap`. Prints the mean identity of both, and how well it tells them apart,

    d = (mean of clean - mean of swapped) / root of the mean of both variances        (means of clips)

by the width of the kernel in amplitude, by the level of the statistics and by tolerance and scale of identity; and each
clean object at the shipped settings. With --variants instead: by the share of the patches that speaks for all, and by
whether patches may be resized; each of them takes a collection of its own (about two minutes).
"""

from __future__ import annotations

import argparse
import dataclasses
import re
import typing as t
from collections import defaultdict
from pathlib import Path

import numpy as np
import tmr_population as stats

from motionbench.backends.appearance import patches
from motionbench.datasets import load_dataset
from motionbench.errors import NotApplicable
from motionbench.metrics.tmr import parts, population
from motionbench.metrics.tmr.character import Character, characterise
from motionbench.metrics.tmr.score import MOST_EXCUSED, MOVES
from motionbench.metrics.tmr.tracks import cameras
from motionbench.metrics.tmr.traits import measure
from motionbench.stress.corruptions import CORRUPTIONS
from motionbench.stress.material import Material, donor_of, of_case, of_scene, stress_seed

SWAPS = (("part_swap", 3), ("part_swap", 5), ("texture_swap", 5), ("identity_swap", 5))
KERNELS, LEVELS = (0.3, 0.6, 1.0), (0.5, 0.6, 0.8)
LIMITS = ((0.05, 0.05), (0.07, 0.05), (0.05, 0.08))
SHARES = (1.0, 0.5, 0.25)
Table = tuple[tuple[float, Character], ...]


class Shown(t.NamedTuple):
    """One object of a clip: its clip, what was done to it, its own amplitude's view, and by the gate's amplitude."""

    clip: str
    swap: str
    own: Character
    judged: Character

    @property
    def scene(self) -> bool:
        """It is procedural."""
        return self.clip.startswith("synth-")

    @property
    def fold(self) -> str:
        """What is judged by the same statistics; NAME_a and NAME_b are cuts of one video."""
        return f"half {int(self.clip[-1]) % 2}" if self.scene else re.sub("_[a-z]$", "", self.clip)


def shown(material: Material, swap: str, only: int | None) -> list[Shown]:
    """Moving objects of a clip; `only` the one with this id."""
    view = stats.view_of(stats.inputs_of(material))
    steps, found = cameras(view.roles["windows"]), []
    for k, key in enumerate(material.object_ids.tolist()):
        traits = measure(view, k, steps) if only in (None, key) else None
        if traits is not None and traits.excused <= MOST_EXCUSED:
            found.append(Shown(material.case_id, swap, characterise(traits), characterise(traits, 2 * MOVES)))
    return [one for one in found if one.own.amplitude >= MOVES]


def collect(materials: list[Material]) -> list[Shown]:
    """Clean and swapped objects; looks are taken from the next clip."""
    found: list[Shown] = []
    for n, material in enumerate(materials):
        found += shown(material, "", None)
        dressed = dataclasses.replace(material, donor=donor_of(materials[(n + 1) % len(materials)]))
        for key in material.object_ids.tolist():
            for name, severity in SWAPS:
                try:
                    made = CORRUPTIONS[name].apply(dressed, severity, stress_seed(0, material.case_id, name), key)
                except NotApplicable:
                    continue
                found += shown(made, f"{name} {severity}", key)
    return found


def tables(objects: list[Shown]) -> dict[str, Table]:
    """Statistics for each fold, from the clean objects of the others."""
    made = {}
    for fold in sorted({one.fold for one in objects}):
        others = [one for one in objects if one.fold != fold and not one.swap]
        content: t.Any = stats.summarise(*([o.own for o in others if o.scene is scene] for scene in (False, True)))
        made[fold] = tuple((k["at"], population._character(k, content["amplitude"])) for k in content["knots"])
    return made


def identity(one: Shown, table: Table) -> float:
    """By statistics of others."""
    return parts.compare(one.judged, population.read(table, one.own.amplitude), one=False).identity


def separation(objects: list[Shown], by: dict[str, Table]) -> list[str]:
    """Cells: identity of clean and of swapped objects and d, for real clips and for scenes."""
    cells = []
    for scene in (False, True):
        clips: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
        for one in objects:
            if one.scene is scene:
                clips[one.clip][one.swap].append(identity(one, by[one.fold]))
        pairs = [
            (np.mean(swaps[""]), np.mean([np.mean(values) for swap, values in swaps.items() if swap]))
            for swaps in clips.values()
            if "" in swaps and len(swaps) > 1
        ]
        clean, swapped = np.array(pairs).T
        d = (clean.mean() - swapped.mean()) / np.sqrt((clean.var() + swapped.var()) / 2)
        cells += [f"{clean.mean():.2f}", f"{swapped.mean():.2f}", f"{d:.2f}"]
    return cells


def print_head(*names: str) -> None:
    """First two lines of a table."""
    columns = [*names, *(f"{what}, {of}" for of in ("real", "scenes") for what in ("clean", "swapped", "d"))]
    print(f"| {' | '.join(columns)} |\n{'|---' * len(columns)}|")


def by_settings(materials: list[Material]) -> None:
    """The table of kernels, levels and limits, and each clean object."""
    objects = collect(materials)
    shipped = stats.LOOK_KERNEL, stats.LOOK_LEVEL, parts.FOREIGN
    print_head("kernel", "level", "tolerance", "scale")
    for stats.LOOK_KERNEL in KERNELS:
        for stats.LOOK_LEVEL in LEVELS:
            by = tables(objects)
            for parts.FOREIGN in LIMITS:
                settings = (stats.LOOK_KERNEL, stats.LOOK_LEVEL, *parts.FOREIGN)
                print(f"| {' | '.join([*map(str, settings), *separation(objects, by)])} |")
    stats.LOOK_KERNEL, stats.LOOK_LEVEL, parts.FOREIGN = shipped
    by = tables(objects)
    print()
    for one in objects:
        if not one.swap and not one.scene:
            print(f"{one.clip}: amplitude {one.own.amplitude:.2f}, identity {identity(one, by[one.fold]):.2f}")


def by_variants(materials: list[Material]) -> None:
    """The table of what speaks for all, at the shipped settings."""
    print_head("share", "sizes")
    for sizes in ((1.0,), patches.SIZES):
        patches.SIZES = sizes
        for patches.WORST in SHARES:
            objects = collect(materials)
            cells = [str(patches.WORST), "own" if sizes == (1.0,) else "three", *separation(objects, tables(objects))]
            print(f"| {' | '.join(cells)} |", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("datasets", nargs="+", type=Path)
    parser.add_argument("--scenes", type=int, default=24)
    parser.add_argument("--variants", action="store_true")
    options = parser.parse_args()
    materials = [of_case(case) for folder in options.datasets for case in load_dataset(folder).cases]
    materials += [of_scene(index, "train") for index in range(options.scenes)]
    (by_variants if options.variants else by_settings)(materials)


if __name__ == "__main__":
    main()
