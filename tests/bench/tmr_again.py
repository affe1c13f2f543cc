"""Can real objects be measured twice alike, and do benign changes cost only those that cannot?

    python tests/bench/tmr_again.py DATASET... [--workers 2]

One row for each moving object of the datasets' references. `again`: what the reference keeps when it is measured half a
pixel aside and judged by itself, and the other way around. Then what it keeps by each benign change, judged or not.
"""

from __future__ import annotations

import argparse
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import tmr_population as stats

from motionbench.datasets import load_dataset
from motionbench.metrics.tmr.character import characterise
from motionbench.metrics.tmr.score import ALIKE, MOVES, kept
from motionbench.metrics.tmr.traits import Traits
from motionbench.stress.corruptions import BENIGN
from motionbench.stress.material import of_case, stress_seed
from motionbench.types import Case
from motionbench.video import aside

CHANGES = ("crf18", "crf23", "crf28", "gamma_up", "gamma_down", "shift", "resize")


def score(shown: Traits | None, expected: Traits) -> float:
    """What `shown` keeps of 1; 0 where it cannot be judged."""
    return 0.0 if shown is None else kept(shown, expected, still=False)


def rows(case: Case) -> list[tuple[str, list[float]]]:
    """For each moving object its name, the two scores of the second measurement, and one of each change."""
    clean = of_case(case)
    real = stats.inputs_of(clean)
    clips = [aside(real.clip)]
    for name in CHANGES:
        changed = BENIGN[name].apply(clean, 1, stress_seed(0, clean.case_id, name), None)
        clips.append(stats.inputs_of(changed).clip)
    first, *takes = (
        stats.traits_of(stats.view_of(inputs)) for inputs in (real, *(stats.with_clip(real, clip) for clip in clips))
    )
    found = []
    for k, expected in enumerate(first):
        if expected is None or characterise(expected).amplitude < MOVES:
            continue
        second, changes = takes[0][k], [score(take[k], expected) for take in takes[1:]]
        one = score(second, expected)
        other = score(expected, second) if second is not None and one else 0.0
        found.append((f"{case.id} {clean.object_ids[k]}", [one, other, *changes]))
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("datasets", nargs="+", type=Path)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    cases = [case for folder in options.datasets for case in load_dataset(folder).cases]
    with get_context("spawn").Pool(options.workers) as pool:
        found = [row for some in pool.map(rows, cases, chunksize=1) for row in some]
    print(f"| object | again | {' | '.join(CHANGES)} |")
    print("|" + "---|" * (len(CHANGES) + 2))
    for name, (one, other, *changes) in sorted(found, key=lambda row: min(row[1][:2])):
        print(f"| {name} | {one:.2f} {other:.2f} | {' | '.join(f'{value:.2f}' for value in changes)} |")
    for judged in (False, True):
        some = np.array([row[2:] for _, row in found if (min(row[:2]) >= ALIKE) is judged])
        if len(some):
            means = " | ".join(f"{value:.2f}" for value in some.mean(axis=0))
            print(f"| {len(some)} that are {'' if judged else 'not '}judged | | {means} |")


if __name__ == "__main__":
    main()
