"""How well do the first frame and the prompts of synth determine the motion? `python tests/bench/prompt_ceiling.py`

For every test scene the motion is drawn anew under the same first frame and the same prompts: whatever the words
leave open (the exact speed within "slowly", the exact angle within "to the left", the time of a turn, the camera's
pace) takes another value. No model that reads the same prompts can be asked to come closer to the reference than
these redrawn scenes do. The other end is `static`: the first frame's masks, held for all frames.

Measured on modal masks, on objects that are told to move, over the 15 frames after the first:
    IoU        intersection over union of the object's masks in the two videos, mean over the frames in which either
               has a pixel;
    centroid   distance of the masks' centres of mass in pixels of 128, mean over the frames in which both have one.
Each object's value is the mean over the draws; the table gives means over objects, with a standard error over scenes.
"""

from __future__ import annotations

import argparse
import typing as t
from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from motionbench.datasets.synth import redraw, render

CASES = 128


def iou(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> float:
    """Mean over frames of the IoU of bool [T, H, W] masks; frames where both are empty are left out."""
    union = (first | second).sum(axis=(1, 2))
    both = (first & second).sum(axis=(1, 2))
    return float((both[union > 0] / union[union > 0]).mean())


def centroid_error(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> float:
    """Mean over frames of the distance between the centres of mass; frames where one is empty are left out."""
    distances = [
        float(np.hypot(*(np.argwhere(a).mean(axis=0) - np.argwhere(b).mean(axis=0))))
        for a, b in zip(first, second, strict=True)
        if a.any() and b.any()
    ]
    return float(np.mean(distances))


def measure(index: int, draws: int) -> list[tuple[str, NDArray[np.float64]]]:
    """For every moving object its instruction and (IoU redrawn, IoU static, centroid redrawn, centroid static)."""
    scene = render(index)
    truth = scene.masks.values
    others = [redraw(index, draw).masks.values for draw in range(1, draws + 1)]
    rows = []
    for number, actor in enumerate(scene.layout.actors):
        if actor.move.kind == "still":
            continue
        after, still = truth[number, 1:], np.repeat(truth[number, :1], 15, axis=0)
        drawn = np.mean([[f(after, other[number, 1:]) for f in (iou, centroid_error)] for other in others], axis=0)
        rows.append((actor.move.kind, np.array([drawn[0], iou(after, still), drawn[1], centroid_error(after, still)])))
    return rows


def ceiling(cases: t.Iterable[int], draws: int) -> tuple[NDArray[np.float64], NDArray[np.float64], dict[str, t.Any]]:
    """Mean over objects, its standard error over scenes, and the rows by instruction."""
    kinds: dict[str, list[NDArray[np.float64]]] = defaultdict(list)
    scenes, rows = [], []
    for index in cases:
        found = measure(index, draws)
        rows += [values for _, values in found]
        scenes += [np.mean([values for _, values in found], axis=0)] if found else []
        for kind, values in found:
            kinds[kind].append(values)
    error = np.std(scenes, axis=0, ddof=1) / np.sqrt(len(scenes))
    return np.mean(rows, axis=0), error, kinds


def main() -> None:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=4, help="redrawn scenes per case")
    draws = parser.parse_args().draws
    mean, error, kinds = ceiling(range(CASES), draws)
    count = sum(map(len, kinds.values()))
    print(f"{CASES} scenes, {count} moving objects, {draws} redrawn motions each\n")
    print("| | mask IoU | centroid error, px of 128 |\n|---|---|---|")
    for name, k in (("redrawn (the ceiling)", 0), ("static (first frame held)", 1)):
        print(f"| {name} | {mean[k]:.3f} ± {error[k]:.3f} | {mean[k + 2]:.2f} ± {error[k + 2]:.2f} |")
    print("\n| instruction | objects | IoU redrawn | IoU static | centroid redrawn | centroid static |")
    print("|---|---|---|---|---|---|")
    for kind, rows in sorted(kinds.items(), key=lambda item: -len(item[1])):
        a, b, c, d = np.mean(rows, axis=0)
        print(f"| {kind} | {len(rows)} | {a:.2f} | {b:.2f} | {c:.2f} | {d:.2f} |")


if __name__ == "__main__":
    main()
