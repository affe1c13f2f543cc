"""Which distance orders systems rightly with 64 videos a side?

    python tests/bench/distances.py [--scenes 80] [--keep FOLDER] [--out docs/benchmarks/distances.md]

First on Gaussian features whose truth is known, then on the lite descriptor of procedural scenes under corruptions of
growing severity (`motionbench.stress`). Every draw has a seed: the same command prints the same numbers.
"""

from __future__ import annotations

import argparse
import itertools
import math
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from motionbench.backends.classical.dis import dense_flow
from motionbench.backends.descriptor import describe
from motionbench.markup import markdown_grid
from motionbench.metrics.distribution import frechet_distance, kernel_distance, split_frechet_distance
from motionbench.stress import corruptions, material
from motionbench.types import Protocol

Floats = NDArray[np.float64]
N, SPLITS = 64, 4
DISTANCES: dict[str, Callable[[Floats, Floats], float]] = {
    "fvd": frechet_distance,
    "fvd_split": lambda x, y: split_frechet_distance(x, y, 0, SPLITS).value,
    "kvd": kernel_distance,
}
FIRST_SCENE = 4000
LADDERS = ("drop", "local_shuffle", "camera_jitter", "teleport", "texture_flicker")
SEVERITIES = (1, 3, 5)


def spectrum(d: int, power: float) -> Floats:
    """Standard deviations i^-power with a total variance of d."""
    found = np.arange(1.0, d + 1) ** -power
    return np.asarray(found * math.sqrt(d / float((found**2).sum())))


def lite_spectrum(features: Floats) -> Floats:
    """Standard deviations along the principal axes of the lite descriptor, as measured on clean scenes."""
    centred = features - features.mean(axis=0)
    values = np.zeros(features.shape[1])
    found = np.linalg.svd(centred, compute_uv=False) / math.sqrt(len(features) - 1)
    values[: len(found)] = found
    return values


# Two systems as (shift as a share of the total variance, stretch of the deviations), the truly nearer one first.
PAIRS = {
    "shift 5 % against 10 %": ((0.05, 1.0), (0.10, 1.0)),
    "shift 2 % against 5 %": ((0.02, 1.0), (0.05, 1.0)),
    "exact against variances of 64 %": ((0.0, 1.0), (0.0, 0.8)),
    "shift 2 % against variances of 64 %": ((0.02, 1.0), (0.0, 0.8)),
    "variances of 121 % against 64 %": ((0.0, 1.1), (0.0, 0.8)),
}


def simulated(spectra: dict[str, Floats], trials: int) -> Iterator[list[str]]:
    """How often each distance prefers the truly nearer of two systems."""
    for number, (label, deviations) in enumerate(spectra.items()):
        d, total = len(deviations), float((deviations**2).sum())
        for kind, (title, systems) in enumerate(PAIRS.items()):
            rng = np.random.default_rng([number, kind])
            hits = dict.fromkeys(DISTANCES, 0)
            for _ in range(trials):
                real = rng.normal(size=(N, d)) * deviations
                made = [
                    rng.normal(size=(N, d)) * deviations * stretch + math.sqrt(share * total / d)
                    for share, stretch in systems
                ]
                for name, distance in DISTANCES.items():
                    near, far = (distance(sample, real) for sample in made)
                    hits[name] += near < far
            yield [label, title, *(f"{100 * hit / trials:.0f}" for hit in hits.values())]


def described(scenes: int, keep: Path | None) -> dict[tuple[str, int], Floats]:
    """The lite descriptor of clean scenes (real), of other clean scenes (0) and of these under corruptions."""
    path = keep / f"distances-{scenes}.npz" if keep else None
    if path and path.is_file():
        with np.load(path) as stored:
            return {(name.split("|")[0], int(name.split("|")[1])): stored[name] for name in stored.files}
    protocol = Protocol(size=128)  # the scenes' own size: a quarter of the flow's work, and no invented detail
    found: dict[tuple[str, int], list[Floats]] = {}
    for index in range(2 * scenes):
        clip = material.of_scene(FIRST_SCENE + index, "train", protocol)
        if index < scenes:
            found.setdefault(("real", 0), []).append(features(clip))
            continue
        found.setdefault(("clean", 0), []).append(features(clip))
        for name, severity in itertools.product(LADDERS, SEVERITIES):
            corruption = corruptions.CORRUPTIONS[name]
            target = int(clip.object_ids[0]) if corruption.per_object else None
            spoilt = corruption.apply(clip, severity, index, target)
            found.setdefault((name, severity), []).append(features(spoilt))
    stacked = {key: np.stack(rows) for key, rows in found.items()}
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, **{f"{name}|{severity}": rows for (name, severity), rows in stacked.items()})
    return stacked


def features(clip: material.Material) -> Floats:
    """The descriptor of one clip."""
    uv, _ = dense_flow(clip.frames)
    return describe(clip.frames, clip.times, uv).astype(np.float64)


def stressed(found: dict[tuple[str, int], Floats], draws: int) -> Iterator[list[str]]:
    """Order of severities in random draws of 64 real and 64 other scenes, and the power against that noise."""
    real, clean = found["real", 0], found["clean", 0]
    for name in LADDERS:
        rng = np.random.default_rng(7)  # the same scenes for every corruption
        values = {distance: np.zeros((draws, 1 + len(SEVERITIES))) for distance in DISTANCES}
        for draw in range(draws):
            ours, theirs = (rng.permutation(len(rows))[:N] for rows in (real, clean))
            for step, rows in enumerate([clean, *(found[name, s] for s in SEVERITIES)]):
                for distance, function in DISTANCES.items():
                    values[distance][draw, step] = function(rows[theirs], real[ours])
        for distance, table in values.items():
            order = float((np.diff(table, axis=1) > 0).mean())
            spread = table[:, 0].std(ddof=1)
            power = [(table[:, step].mean() - table[:, 0].mean()) / spread for step in range(1, 1 + len(SEVERITIES))]
            yield [name, distance, f"{100 * order:.0f}", " · ".join(f"{p:.1f}" for p in power)]


INTRODUCTION = """# Distances with 64 videos a side

    python tests/bench/distances.py --scenes {scenes} --out docs/benchmarks/distances.md

Which of `fvd` (plain Fréchet), `fvd_split` (split-corrected) and `kvd` (unbiased kernel distance) orders systems
rightly where there are 64 generated and 64 real videos?

## Decision

**`fvd_split` is the headline distance of the lite profile; read `kvd` beside it.** Plain `fvd` stays as the field's
number and is never ranked at this size.

- Where the truth is known, `fvd_split` prefers the truly nearer system most often, over all spectra and on the shipped
  descriptor's own. Plain `fvd` does no better than a coin over all rows: it takes a system with too little variety for
  the nearer one, since its bias grows with the variance of the videos. `kvd` has no bias, but its cubic kernel weighs a
  small shift of the mean more than a large loss of variety.
- On corrupted scenes all three order all severities rightly. There `kvd` is the most sensitive, about twice as much as
  `fvd_split`: that something is wrong shows there first, how much in `fvd_split`.
- Where variances are flat over many more dimensions than there are videos, no distance sees a loss of variety behind a
  shift of 2 % reliably. The shipped descriptor is far from that: a few directions carry most of its variance.
"""
SIMULATED = """## Known truth

Gaussian features. Two systems, each of 64 videos, are compared with the same 64 real ones; the numbers say in how many
of {trials} trials in percent the truly nearer one (named first) has the smaller distance; 50 is a coin. `lite` has the
principal deviations of the shipped descriptor (d = 115) on {scenes} clean scenes. Shifts are in shares of the total
variance. The middle pairs are the trap of the plain distance: a system with too little variety has less bias.
"""
STRESSED = """## Corrupted scenes

The shipped descriptor on procedural scenes at 128 pixels: {scenes} real ones, and {scenes} others that are corrupted.
In each of {draws} draws, 64 of either are taken without replacement. `order` is the percentage of neighbouring
severities (clean, 1, 3, 5) that have the right order; `power` is the mean rise over clean in standard deviations of the
clean distance over draws, for severities 1 · 3 · 5. Draws share most of their scenes, so that power compares distances
with each other and is no forecast for new scenes.
"""


def main() -> None:
    """Print the page, or write it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scenes", type=int, default=80)
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--keep", type=Path, help="a folder for the features, so that they are computed once")
    parser.add_argument("--out", type=Path)
    a = parser.parse_args()
    cv2.setNumThreads(1)
    found = described(a.scenes, a.keep)
    spectra = {
        f"{label}, d = {d}": spectrum(d, power)
        for d in (400, 115)
        for label, power in (("flat", 0.0), ("i^-1/2", 0.5), ("i^-1", 1.0))
    }
    spectra["lite, d = 115"] = lite_spectrum(np.concatenate([found["real", 0], found["clean", 0]]))
    known = list(simulated(spectra, a.trials))
    spoilt = list(stressed(found, a.draws))
    parts = [
        INTRODUCTION.format(scenes=a.scenes),
        SIMULATED.format(trials=a.trials, scenes=2 * a.scenes),
        markdown_grid(["spectrum", "systems", *DISTANCES], known, left=2),
        "Mean over all rows: " + means(known, 2) + ".\n",
        STRESSED.format(scenes=a.scenes, draws=a.draws),
        markdown_grid(["corruption", "distance", "order", "power"], spoilt, left=2),
        "Mean order: "
        + ", ".join(f"{n} {np.mean([float(r[2]) for r in spoilt if r[1] == n]):.0f} %" for n in DISTANCES)
        + ".\n",
    ]
    page = "\n".join(parts)
    if a.out:
        a.out.write_text(page, encoding="utf-8")
    else:
        print(page)


def means(rows: list[list[str]], first: int) -> str:
    """The mean of each distance's column."""
    columns = enumerate(DISTANCES, start=first)
    return ", ".join(f"{name} {np.mean([float(row[column]) for row in rows]):.0f} %" for column, name in columns)


if __name__ == "__main__":
    main()
