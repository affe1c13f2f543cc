"""Which metric sees what: the corruptions through VBench's formulas, warping error, Fréchet distance and tmr.

    motionbench stress synth --out runs/stress-synth
    python tests/bench/why.py runs/stress-synth [--out docs/why.md]

All columns but one are read from the stress run (a folder of `motionbench stress`, of any dataset). VBench's subject
consistency rests on DINO, which must be downloaded, so its formula is computed here on the same clips, made again, with
another vector for each frame: its 32 x 32 thumbnail, each channel without its mean, so that a cosine is a correlation.
What follows from the formula alone, that a frozen clip has the highest value there is, holds for any vector.

A corruption is seen if its paired change at top severity is 3 standard errors or more in the bad direction, rewarded
if it is as much in the good one. Numbers are changes in standard deviations of the clean clips (of the distance: in
floors, what it says of two halves of the real clips).
"""

from __future__ import annotations

import argparse
import dataclasses
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from motionbench import datasets
from motionbench.metrics.vbench import VBENCH_SUBJECT_CONSISTENCY
from motionbench.profiles import load_profile
from motionbench.stress import record, summary
from motionbench.stress.choice import Task, assign, choose_cases, read_donor, selected
from motionbench.stress.corruptions import BENIGN, CORRUPTIONS
from motionbench.stress.material import of_case, stress_seed
from motionbench.stress.record import Reaction, Stress
from motionbench.stress.table import rewards, sees
from motionbench.types import Case, CaseView, InputMatch, View

SIDE = 32
SUBJECT = "subject consistency"
COLUMNS = {
    "flicker": "flicker (VBench)",
    SUBJECT: "subject consistency (VBench)",
    "warp_error": "warping error",
    "fvd": "FVD, lite",
    "tmr": "tmr",
}


def thumbnails(frames: NDArray[np.uint8]) -> NDArray[np.float32]:
    """float32 [T, 3 * 32 * 32] of frames uint8 [T, H, W, 3]: small pictures, each channel without its mean."""
    small = np.stack([cv2.resize(f, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for f in frames]).astype(np.float32)
    small -= small.mean(axis=(1, 2), keepdims=True)
    return small.reshape(len(small), -1)


def consistency(case: Case, frames: NDArray[np.uint8], times: NDArray[np.float64]) -> float:
    """VBench's formula on the thumbnails of one clip."""
    size = (frames.shape[1], frames.shape[2])
    shown = View({"subject": {"frames": thumbnails(frames)}}, times, size, InputMatch(1.0, 0.0, 0.0, 1.0))
    return float(VBENCH_SUBJECT_CONSISTENCY.measure(CaseView(case, shown))["value"])


def measure(task: Task, run: Stress) -> dict[str, tuple[float, float]]:
    """Subject consistency of a case, clean and at top severity, by corruption: of the clips that the run made."""
    material = of_case(task.case, load_profile(str(run.profile["name"])).protocol)
    donor = None if task.donor is None else read_donor(task.donor)
    material = dataclasses.replace(material, donor=donor)
    clean = consistency(task.case, material.frames, material.times)
    found = {}
    for name in task.corruptions:
        corruption = CORRUPTIONS.get(name) or BENIGN[name]
        for clip in run.corruptions[name].clips:
            if clip.case_id == task.case.id and not corruption.text:
                seed = stress_seed(run.seed, task.case.id, name)
                made = corruption.apply(material, len(corruption.levels), seed, clip.object_id)
                found[name] = (clean, consistency(task.case, made.frames, made.times))
    return found


def subject_reactions(run: Stress, dataset: str, workers: int) -> dict[str, Reaction]:
    """Reactions of the formula on thumbnails, by corruption, reduced as the stress run reduces its metrics."""
    data = datasets.load_dataset(dataset)
    cases = choose_cases(data, len(run.cases), run.seed)
    if sorted(case.id for case in cases) != run.cases:
        raise SystemExit(f"the stress run has other cases of {data.name}: name its dataset with --dataset")
    tasks = assign(cases, selected(list(run.corruptions)), run.per_corruption, run.seed)
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        each = dict(zip((task.case.id for task in tasks), pool.map(partial(measure, run=run), tasks), strict=True))
    clean = [next(iter(found.values()))[0] for found in each.values() if found]
    reactions = {}
    for name in run.corruptions:
        ids = sorted(case for case, found in each.items() if name in found)
        values = np.array([each[case][name] for case in ids]).reshape(len(ids), 2)
        found = summary.Pairs("clip", [(case, None) for case in ids], values, [], "")
        sd = float(np.std(clean, ddof=1))
        reactions[name] = summary.react(VBENCH_SUBJECT_CONSISTENCY, name, found, sd, name in BENIGN)
    return reactions


def spoiled(run: Stress) -> list[str]:
    """The corruptions of pictures; none of these metrics reads a text."""
    return [name for name in run.ordered(benign=False) if not CORRUPTIONS[name].text]


def cell(reaction: Reaction | None, benign: bool) -> str:
    """What one metric says of one corruption; of a benign change only how much it moves."""
    if reaction is None or reaction.change is None:
        return ""
    size = f"{reaction.effect:+.2f}" if reaction.effect is not None else f"({reaction.change:+.2g})"
    if benign:
        return size
    if sees(reaction):
        return f"**{size}**"
    return f"rewarded {size}" if rewards(reaction) else f"blind {size}"


def table(run: Stress, subject: dict[str, Reaction]) -> list[str]:
    """The table as Markdown: corruptions down, metrics across."""
    lines = ["| | " + " | ".join(COLUMNS.values()) + " |", "|---" * (len(COLUMNS) + 1) + "|"]
    for name in [*spoiled(run), *run.ordered(benign=True)]:
        found = [subject[name] if metric == SUBJECT else run.find(metric, name) for metric in COLUMNS]
        if any(reaction is not None and reaction.change is not None for reaction in found):
            benign = run.corruptions[name].benign
            label = name + (" (benign)" if benign else "")
            lines.append(f"| {label} | " + " | ".join(cell(reaction, benign) for reaction in found) + " |")
    return lines


def counts(run: Stress, subject: dict[str, Reaction]) -> list[str]:
    """How many corruptions each metric sees, is blind to, and rewards, as Markdown."""
    lines = ["| metric | sees | blind to | rewards |", "|---|---|---|---|"]
    for metric, title in COLUMNS.items():
        found = [subject[n] if metric == SUBJECT else run.find(metric, n) for n in spoiled(run)]
        known = [r for r in found if r is not None and r.change is not None]
        seen, wrong = sum(map(sees, known)), sum(map(rewards, known))
        lines.append(f"| {title} | {seen} | {len(known) - seen - wrong} | {wrong} |")
    return lines


def main() -> None:
    """Print the tables, or write them between the marks of a page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="folder of a stress run")
    parser.add_argument("--dataset", default="synth", help="the run's dataset")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, help="replace what stands between <!-- table --> and <!-- end --> here")
    options = parser.parse_args()
    run = record.read(options.run)
    subject = subject_reactions(run, options.dataset, options.workers)
    text = "\n".join([*counts(run, subject), "", *table(run, subject)])
    print(text)
    if options.out:
        page = options.out.read_text(encoding="utf-8")
        before, rest = page.split("<!-- table -->")
        options.out.write_text(f"{before}<!-- table -->\n\n{text}\n\n<!-- end -->{rest.split('<!-- end -->')[1]}")


if __name__ == "__main__":
    main()
