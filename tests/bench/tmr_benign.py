"""What benign changes cost tmr on procedural training scenes, and which part pays.

    python tests/bench/tmr_benign.py [--first 60] [--scenes 240] [--change crf28] [--workers 2]

Prints what is lost of 1 in the mean over the scenes (a scene: mean over its moving objects) with its standard error, in
the score and in each part, the scenes that lose most, and how many moving objects cannot be measured twice alike.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from multiprocessing import get_context

import numpy as np
import tmr_population as stats

from motionbench.metrics.tmr.character import characterise
from motionbench.metrics.tmr.order import typical_step
from motionbench.metrics.tmr.parts import Parts, compare
from motionbench.metrics.tmr.score import MOVES, alike
from motionbench.stress.corruptions import BENIGN
from motionbench.stress.material import of_scene, stress_seed
from motionbench.video import aside

PARTS = ("score", "motion", "survival", "identity", "naturalness")
SHOWN = 8


@dataclass(frozen=True, slots=True)
class Found:
    """What a scene loses by a change, of its score and of each part; None where nothing in it is judged.

    `moving` objects, of which `unlike` cannot be measured twice alike.
    """

    lost: list[float] | None
    moving: int
    unlike: int


def measured(job: tuple[int, str]) -> Found:
    """Measure one scene."""
    index, change = job
    clean = of_scene(index, "train")
    changed = BENIGN[change].apply(clean, 1, stress_seed(0, clean.case_id, change))
    found: list[Parts] = []
    moving = unlike = 0
    real = stats.inputs_of(clean)
    clips = (aside(real.clip), stats.inputs_of(changed).clip)
    takes = [real, *(stats.with_clip(real, clip) for clip in clips)]
    for expected, again, shown in zip(*(stats.traits_of(stats.view_of(take)) for take in takes), strict=True):
        if expected is None or shown is None:
            continue
        own = characterise(expected)
        if own.amplitude < MOVES:
            continue
        moving += 1
        if not alike(expected, again, still=False):
            unlike += 1
            continue
        found.append(compare(characterise(shown, own.amplitude, typical_step(expected.apart)), own))
    mean = [1 - float(np.mean([getattr(parts, name) for parts in found])) for name in PARTS] if found else None
    return Found(mean, moving, unlike)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--first", type=int, default=60)
    parser.add_argument("--scenes", type=int, default=240)
    parser.add_argument("--change", choices=sorted(BENIGN), default="crf28")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    scenes = range(options.first, options.first + options.scenes)
    with get_context("spawn").Pool(options.workers) as pool:
        rows = pool.map(measured, [(index, options.change) for index in scenes], chunksize=1)
    kept = {index: row.lost for index, row in zip(scenes, rows, strict=True) if row.lost is not None}
    values = np.array(list(kept.values()))
    error = values.std(axis=0, ddof=1) / np.sqrt(len(values))
    print(f"{options.change}, {len(kept)} training scenes with a moving object: lost of 1")
    for name, mean, se in zip(PARTS, values.mean(axis=0), error, strict=True):
        print(f"  {name:12s} {mean:7.4f} +- {se:.4f}")
    print(f"  {sum(row.unlike for row in rows)} of {sum(row.moving for row in rows)} moving objects are not judged")
    worst = sorted(kept, key=lambda index: -kept[index][0])[:SHOWN]
    print("  most: " + ", ".join(f"scene {index} {kept[index][0]:.2f}" for index in worst))


if __name__ == "__main__":
    main()
