"""Train the text network: `python -m motionbench.training.text FOLDER`.

Renders and measures the training scenes (kept in FOLDER, so a second run starts at once), trains, writes a checkpoint
every few hundred steps and goes on from it when it is called again, calibrates the score on scenes it was not trained
on, and writes FOLDER/dual.safetensors and FOLDER/dual.json: what a release ships. The same command gives the same
weights on one machine; a resumed run gives those of one that was not interrupted.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from motionbench.backends.video_text.network import DualEncoder
from motionbench.backends.video_text.words import Vocabulary
from motionbench.datasets.synth import VERSION
from motionbench.training import texts
from motionbench.training.calibrate import Logistic, calibrate
from motionbench.training.contrast import Phrases, Telling, loss, telling
from motionbench.training.scenes import RECIPE, SHARD, prepare, shard
from motionbench.training.views import Scenes, mirrored, noisy, view

SCHEMA = "motionbench.video_text/1"
CHECKPOINT_EVERY = 250
HELD_OUT = 5000  # number of the first shard that is kept for the calibration


@dataclass(frozen=True, slots=True)
class Settings:
    """What decides the weights. `scenes` is rounded up to whole shards; the learning rate falls from `rate` to 0."""

    scenes: int = 1400
    steps: int = 800
    batch: int = 64
    altered: int = 24
    rate: float = 2e-3
    decay: float = 0.02
    seed: int = 0


def _log(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _fresh(settings: Settings, words: int) -> tuple[DualEncoder, torch.optim.AdamW]:
    torch.manual_seed(settings.seed)
    model = DualEncoder(words)
    return model, torch.optim.AdamW(model.parameters(), settings.rate, weight_decay=settings.decay)


def _save(path: Path, model: DualEncoder, optimizer: torch.optim.AdamW, step: int) -> None:
    """Model, optimiser moments and the step, as one safetensors file that replaces the last one."""
    arrays = {f"model.{k}": v for k, v in model.state_dict().items()}
    for number, state in optimizer.state_dict()["state"].items():
        arrays.update({f"adam.{number}.{k}": v for k, v in state.items()})
    part = path.with_suffix(".part")
    save_file({k: v.contiguous() for k, v in arrays.items()}, part, {"step": str(step)})
    part.replace(path)


def _resume(path: Path, model: DualEncoder, optimizer: torch.optim.AdamW) -> int:
    if not path.exists():
        return 0
    with safe_open(path, "pt") as file:
        step = int(file.metadata()["step"])
    arrays = load_file(path)
    model.load_state_dict({k[6:]: v for k, v in arrays.items() if k.startswith("model.")})
    groups = optimizer.state_dict()
    for name, value in arrays.items():
        if name.startswith("adam."):
            _, number, key = name.split(".")
            groups["state"].setdefault(int(number), {})[key] = value
    optimizer.load_state_dict(groups)
    return step


def _rate(settings: Settings, step: int) -> float:
    warm = min(1.0, (step + 1) / 100)
    return settings.rate * warm * 0.5 * (1.0 + float(np.cos(np.pi * step / settings.steps)))


def train(folder: Path, settings: Settings, scenes: Scenes, told: list[Telling], phrases: Phrases) -> DualEncoder:
    """Train or go on with training; every step draws from a generator of its own, so that a resumed run is the same."""
    table = phrases.table()
    model, optimizer = _fresh(settings, len(phrases.vocabulary.numbers))
    name = hashlib.sha256(json.dumps(asdict(settings)).encode()).hexdigest()[:12]
    checkpoint = folder / f"checkpoint-{name}.safetensors"
    recent: list[float] = []
    for step in range(_resume(checkpoint, model, optimizer), settings.steps):
        rng = np.random.default_rng([settings.seed, step])
        chosen = rng.choice(len(scenes), settings.batch, replace=False)
        altered = [(int(b), bool(rng.random() < 0.5)) for b in rng.choice(settings.batch, settings.altered, False)]
        flip = bool(rng.random() < 0.5)
        batch = noisy(view(scenes, chosen.tolist(), altered), rng)
        batch = mirrored(batch) if flip else batch
        for group in optimizer.param_groups:
            group["lr"] = _rate(settings, step)
        value = loss(model, batch, [told[i] for i in chosen], table[int(flip)], rng)
        optimizer.zero_grad()
        value.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        with torch.no_grad():
            model.scale.clamp_(1.0, 3.7)
        recent.append(value.item())
        if (step + 1) % 50 == 0:
            _log(f"step {step + 1} of {settings.steps}: loss {np.mean(recent[-50:]):.3f}")
        if (step + 1) % CHECKPOINT_EVERY == 0:
            _save(checkpoint, model, optimizer, step + 1)
    return model


def _digest(paths: list[Path]) -> str:
    total = hashlib.sha256()
    for path in paths:
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def main(arguments: list[str] | None = None) -> None:
    """Prepare, train, calibrate, write."""
    parser = argparse.ArgumentParser(prog="python -m motionbench.training.text", description="Train the text network.")
    parser.add_argument("folder", type=Path)
    for name, default in asdict(Settings()).items():
        parser.add_argument(f"--{name}", type=type(default), default=default)
    given = vars(parser.parse_args(arguments))
    folder: Path = given.pop("folder")
    settings = Settings(**given)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    paths = prepare(folder / "scenes", settings.scenes, _log)
    scenes = Scenes.of([shard(folder / "scenes", n) for n in range(len(paths))])
    listed = texts.vocabulary(2000)
    phrases = Phrases(Vocabulary.of(listed))
    told = [telling(index, "train", phrases) for index in range(len(scenes))]
    # Calibrated as it is shipped: in half precision and back.
    model = train(folder, settings, scenes, told, phrases).half().float().eval()
    held = Scenes.of([shard(folder / "scenes", HELD_OUT)])
    logistics = calibrate(model, held, HELD_OUT * SHARD, phrases.vocabulary)
    _write(folder, settings, model, listed, paths, logistics)


def _write(
    folder: Path,
    settings: Settings,
    model: DualEncoder,
    listed: list[str],
    paths: list[Path],
    logistics: tuple[Logistic, Logistic],
) -> None:
    weights = {k: v.half().contiguous() for k, v in model.state_dict().items() if k != "scale"}
    save_file(weights, folder / "dual.safetensors")
    facts = {
        "schema": SCHEMA,
        "weights_sha256": hashlib.sha256((folder / "dual.safetensors").read_bytes()).hexdigest(),
        "vocabulary": listed,
        "calibration": {
            name: {"slope": round(slope, 4), "offset": round(offset, 4)}
            for name, (slope, offset) in zip(("caption", "object"), logistics, strict=True)
        },
        "training": {
            "command": "python -m motionbench.training.text FOLDER "
            + " ".join(f"--{k} {v}" for k, v in asdict(settings).items()),
            "settings": asdict(settings),
            "data": {
                "dataset": f"synth {VERSION}, split train",
                "scenes": [0, len(paths) * SHARD],
                "calibration_scenes": [HELD_OUT * SHARD, (HELD_OUT + 1) * SHARD],
                "recipe": RECIPE,
                "sha256": _digest(paths),
            },
            "torch": torch.__version__,
        },
    }
    (folder / "dual.json").write_text(json.dumps(facts, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
