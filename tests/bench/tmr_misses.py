"""The frames behind each miss of tmr in a stress run: what does not pass in `tmr_stress.py`, clip by clip.

    python tests/bench/tmr_misses.py STRESS_FOLDER synth | DATASET_FOLDER [--out misses.png]

For each corruption or benign change that does not pass, and each clip (the furthest from what was asked first, at most
`--clips`): the clean clip and every severity side by side, in the middle and at the end, each with its score below. The
clips are made anew; nothing is measured.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from tmr_stress import BENIGN, SEEN, passes

from motionbench.datasets import load_dataset
from motionbench.stress.choice import assign, choose_cases, read_donor, selected
from motionbench.stress.corruptions import Corruption
from motionbench.stress.material import Material, of_case, stress_seed
from motionbench.stress.record import PAIRS, read
from motionbench.types import Case

WIDTH, LINE, GAP = 180, 18, 8  # pixels
SHOWN = (0.5, 1.0)  # of the clip

Pair = dict[str, object]
Picture = NDArray[np.uint8]


def _thumbnail(frame: Picture) -> Picture:
    height = round(frame.shape[0] * WIDTH / frame.shape[1])
    return np.asarray(cv2.resize(frame, (WIDTH, height), interpolation=cv2.INTER_AREA), np.uint8)


def _column(material: Material) -> Picture:
    """Frames of a clip below each other."""
    last = len(material.frames) - 1
    return np.concatenate([_thumbnail(material.frames[round(at * last)]) for at in SHOWN])


def _block(case: Case, donor: Case | None, corruption: Corruption, pair: Pair, seed: int) -> Image.Image:
    """One clip: its title, a column for each severity, and the scores."""
    clean = of_case(case)
    clean = dataclasses.replace(clean, donor=None if donor is None else read_donor(donor))
    target, values = pair["object_id"], pair["values"]
    assert isinstance(values, list) and (target is None or isinstance(target, int))
    draw = stress_seed(seed, case.id, corruption.name)
    made = [corruption.apply(clean, severity, draw, target) for severity in range(1, len(values))]
    columns = [_column(material) for material in (clean, *made)]
    picture = Image.new("RGB", (len(columns) * (WIDTH + GAP), len(columns[0]) + 2 * LINE + GAP), "white")
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(12)
    names = ("clean", *corruption.levels)
    title = f"{corruption.name}, {case.id}" + ("" if target is None else f", object {target}")
    pen.text((0, 0), title, fill="black", font=font)
    for k, (column, name, value) in enumerate(zip(columns, names, values, strict=True)):
        left = k * (WIDTH + GAP)
        picture.paste(Image.fromarray(column), (left, LINE))
        score = "no value" if value is None else f"{value:.2f}"
        pen.text((left, LINE + len(column) + 1), f"{score}  ({name})", fill="black", font=font)
    return picture


def main() -> None:
    """Draw the misses of a run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("dataset")
    parser.add_argument("--clips", type=int, default=4)
    parser.add_argument("--out", type=Path, default=Path("misses.png"))
    options = parser.parse_args()
    made, data = read(options.run), load_dataset(options.dataset)
    bar = 0.05 if data.name == "synth" else 0.1
    missed = {r.corruption for r in made.reactions if r.metric == "tmr" and r.corruption in (*SEEN, *BENIGN)} - {
        r.corruption for r in made.reactions if r.metric == "tmr" and passes(r, bar)
    }
    known = {corruption.name: corruption for corruption in selected(None)}
    cases = choose_cases(data, len(made.cases), made.seed)
    tasks = {task.case.id: task for task in assign(cases, selected(None), made.per_corruption, made.seed)}
    lines = (options.run / PAIRS).read_text(encoding="utf-8").splitlines()
    pairs = [pair for pair in map(json.loads, lines) if pair["metric"] == "tmr"]
    blocks = []
    for name in (n for n in known if n in missed):
        mine = [pair for pair in pairs if pair["corruption"] == name and pair["values"][-1] is not None]
        mine.sort(key=lambda pair: pair["values"][-1], reverse=name not in BENIGN)
        for pair in mine[: options.clips]:
            task = tasks[pair["case_id"]]
            blocks.append(_block(task.case, task.donor, known[name], pair, made.seed))
        print(f"{name}: {len(mine)} clips")
    if not blocks:
        print("nothing was missed")
        return
    sheet = Image.new("RGB", (max(b.width for b in blocks), sum(b.height + GAP for b in blocks)), "white")
    top = 0
    for block in blocks:
        sheet.paste(block, (0, top))
        top += block.height + GAP
    sheet.save(options.out)
    print(options.out)


if __name__ == "__main__":
    main()
