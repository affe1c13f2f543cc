"""Table 3 of the paper in miniature: masked attention against the same layers unmasked, at equal everything.

    python tests/bench/ablation.py --samples DIR ... --vae DIR --work DIR [--seeds 3] [--read] [--out FILE]

Five arms of the tiny stage 2 (`ttm_ref/configs/tiny-video.toml`): the same parameters, data, order of the data, noise
and steps (25,000 samples), three seeds each. Arms with a trajectory get the true one, so this measures stage 2 alone;
TI2V has none, and its gap to the others is mostly that. A stopped run goes on; finished arms are not run again.

On the first 64 test cases of MotionBench-Synth, objects that are told to move, frames after the first:

    centroid error   as in tests/bench/tiny.py, pixels of 128; lower is better;
    PSNR inside      of the pixels inside the true masks, dB; higher is better;
    turns            share of the turning objects (spin, roll, tumble) whose mean rotation in the generated video (DIS
                     flow inside the true mask) has the true sense. Masks of round things do not show it, prompts do.
                     Higher is better, chance is one half.

± is the standard deviation over seeds. `first > second` holds outside the spread if the difference of the means is more
than twice the larger of the two standard deviations.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import typing as t
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tiny import carried, centroid_error

from motionbench.backends.classical import dis
from motionbench.datasets.synth import Scene, render
from ttm_ref import settings
from ttm_ref.pipelines.pictures import to_bytes
from ttm_ref.stages import load
from ttm_ref.train.loop import Run, train
from ttm_ref.train.start import identity, pipeline, task

UNMASKED = ("model.config.mask_self=false", "model.config.mask_cross=false")
ARMS: dict[str, tuple[str, ...]] = {
    "TTM (both masked)": (),
    "cross only": UNMASKED[:1],
    "self only": UNMASKED[1:],
    "no masked attention": UNMASKED,
    "TI2V": (*UNMASKED, "data.trajectory=none"),
}
SEEDS, SAMPLES, BATCH, CASES = 3, 25_000, 16, 64
TURNING = ("spin", "roll", "tumble")
NUMBERS = {"centroid": ("centroid error, px", -1), "psnr": ("PSNR inside, dB", 1), "turns": ("turns", 1)}
CLAIMS = [
    ("TTM (both masked)", "no masked attention"),
    ("cross only", "no masked attention"),
    ("self only", "no masked attention"),
    ("TTM (both masked)", "cross only"),
    ("TTM (both masked)", "self only"),
    ("no masked attention", "TI2V"),
]


def run_arm(arm: str, seed: int, options: argparse.Namespace) -> dict[str, float]:
    """Train and measure one arm with one seed, or read what an earlier call measured."""
    folder = _folder(arm, seed, options)
    result = folder / "result.json"
    if not result.exists():
        chosen = settings.load("tiny-video", _overrides(arm, seed, options))
        torch.set_num_threads(1)
        made = task(chosen)
        train(made, Run(chosen.train, chosen.optimizer, folder, identity(chosen, made), _progress(folder.name)))
        result.write_text(json.dumps(measure(folder / "model", chosen)))
    return t.cast(dict[str, float], json.loads(result.read_text()))


def _folder(arm: str, seed: int, options: argparse.Namespace) -> Path:
    return t.cast(Path, options.work / f"{arm.split(' (')[0].replace(' ', '-').lower()}-{seed}")


def finished(options: argparse.Namespace) -> dict[str, list[dict[str, float]]]:
    """What has been measured so far, by arm; arms may have different numbers of seeds."""
    paths = {arm: [_folder(arm, seed, options) / "result.json" for seed in range(options.seeds)] for arm in ARMS}
    return {arm: [json.loads(path.read_text()) for path in some if path.exists()] for arm, some in paths.items()}


def _overrides(arm: str, seed: int, options: argparse.Namespace) -> list[str]:
    return [
        *ARMS[arm],
        f"train.seed={seed}",
        f"train.steps={-(-SAMPLES // BATCH)}",
        f"train.batch={BATCH}",
        "train.validate_every=0",
        f"data.folders={json.dumps([str(folder) for folder in options.samples])}",
        f"vae.name={json.dumps(str(options.vae))}",
    ]


def measure(folder: Path, chosen: settings.Settings) -> dict[str, float]:
    """Means over objects of the test cases, with the true trajectories."""
    index = json.loads((folder / "model_index.json").read_text())
    parts = {
        n: load(folder / n, n, index[n][1], torch.float32) for n in ("vae", "text_encoder", "tokenizer", "denoiser")
    }
    stage: t.Any = pipeline(chosen, **parts)
    stage.set_progress_bar_config(disable=True)
    rows = [row for number in range(CASES) for row in _rows(render(number), stage, number)]
    return {name: float(np.nanmean([row[name] for row in rows])) for name in NUMBERS}


def _rows(scene: Scene, stage: t.Any, number: int) -> list[dict[str, float]]:
    case, truth, generator = scene.case, scene.masks.values, torch.Generator().manual_seed(number)
    picture = scene.video.frames[0]
    if type(stage).__name__ == "TextImageToVideoPipeline":
        output = stage(picture, case.caption, generator=generator)
    else:
        output = stage(picture, case.caption, [item.prompt for item in case.objects], truth, generator=generator)
    made = to_bytes(output.frames[0])
    seen = carried(scene, made)
    error = np.square((made.astype(np.float64) - scene.video.frames) / 255.0).mean(axis=-1)
    rows = []
    for k, actor in enumerate(scene.layout.actors):
        if actor.move.kind == "still":
            continue
        inside = truth[k, 1:]
        row = {"centroid": centroid_error(inside, seen[k, 1:], scale=2.0), "turns": np.nan, "psnr": np.nan}
        if inside.any():
            row["psnr"] = float(-10.0 * np.log10(error[1:][inside].mean()))
        if actor.move.kind in TURNING:
            true = rotation(scene.flow.uv, truth[k])
            row["turns"] = float(np.sign(rotation(flow(made), truth[k])) == np.sign(true)) if true else np.nan
        rows.append(row)
    return rows


def flow(frames: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Forward DIS flow float32 [T-1, H, W, 2] of frames uint8 [T, H, W, 3]."""
    return dis.dense_flow(frames)[0]


def rotation(uv: NDArray[np.float32], mask: NDArray[np.bool_]) -> float:
    """Mean over frames of the least-squares rotation of flow [T-1, H, W, 2] inside mask [T, H, W], radians a frame."""
    found = []
    for field, inside in zip(uv, mask, strict=False):
        if inside.sum() < 16:
            continue
        place = np.argwhere(inside)[:, ::-1].astype(np.float64)
        place -= place.mean(axis=0)
        moved = field[inside] - field[inside].mean(axis=0)
        found.append(float((place[:, 0] * moved[:, 1] - place[:, 1] * moved[:, 0]).sum() / (place**2).sum()))
    return float(np.mean(found)) if found else 0.0


def _progress(name: str) -> t.Callable[[int, int, dict[str, float]], None]:
    def show(done: int, total: int, values: dict[str, float]) -> None:
        if done % 100 == 0 or done == total:
            print(f"{name}: {done} of {total}, loss {values['loss']:.4f}", file=sys.stderr, flush=True)

    return show


def page(results: dict[str, list[dict[str, float]]]) -> list[str]:
    """The table and the orderings, as Markdown; with one seed there is no spread, and nothing is said of it."""
    lines = [
        "| | seeds | " + " | ".join(label for label, _ in NUMBERS.values()) + " |",
        "|---" * (len(NUMBERS) + 2) + "|",
    ]
    stats = {a: {n: _spread([r[n] for r in rows]) for n in NUMBERS} for a, rows in results.items()}
    for arm, numbers in stats.items():
        cells = (f"{m:.3f}" if s is None else f"{m:.3f} ± {s:.3f}" for m, s in numbers.values())
        lines.append(f"| {arm} | {len(results[arm])} | {' | '.join(cells)} |")
    lines += ["", f"{SAMPLES:,} samples for each arm and seed.", ""]
    lines += ["| ordering | number | better by | outside the spread |", "|---|---|---|---|"]
    for first, second in CLAIMS:
        for name, (label, sign) in NUMBERS.items():
            (one, spread), (two, other) = stats[first][name], stats[second][name]
            gain, outside = sign * (one - two), "not known"
            if spread is not None and other is not None:
                outside = "yes" if abs(gain) > 2 * max(spread, other) else "no"
            lines.append(f"| {first} > {second} | {label} | {gain:+.3f} | {outside} |")
    return lines


def _spread(values: list[float]) -> tuple[float, float | None]:
    """Mean and standard deviation; None for that of a single value."""
    return float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else None


def main() -> None:
    """Run what is missing, in this process or (with --part) shared among several, then print the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=Path, nargs="+", required=True, help="what `ttm-ref prepare` wrote")
    parser.add_argument("--vae", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True, help="trained arms and their results")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--read", action="store_true", help="train nothing, print what is finished")
    parser.add_argument("--part", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    # Seed by seed, so that a run that is stopped early has all arms with fewer seeds.
    jobs = [(arm, seed) for seed in range(options.seeds) for arm in ARMS]
    if options.part is not None:
        for arm, seed in jobs[options.part :: options.processes]:
            run_arm(arm, seed, options)
        return
    if not options.read:
        _train(options)
    lines = page(finished(options))
    print("\n".join(lines))
    if options.out:
        options.out.write_text("\n".join(["# The ablation in miniature", "", *lines, ""]))


def _train(options: argparse.Namespace) -> None:
    own = [sys.executable, __file__, *sys.argv[1:]]
    children = [subprocess.Popen([*own, "--part", str(n)]) for n in range(options.processes)]
    codes = [child.wait() for child in children]
    if any(codes):
        raise SystemExit("an arm failed; the same command goes on")


if __name__ == "__main__":
    main()
