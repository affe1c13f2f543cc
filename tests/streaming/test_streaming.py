"""Metrics inside a training loop: the numbers of a run, over one process or several."""

from __future__ import annotations

import copy
import json
import math
import pickle
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

import motionbench
from motionbench.streaming import FVD, KVD, TMR
from motionbench.types import Video
from motionbench.video import load_video, save_video

COUNT, SIZE, FRAMES = 6, 64, 10
PROFILE = """
name = "small"
[protocol]
frames = 8
size = 64
[backends]
flow = "dis"
tracks = "lk"
windows = "lk-windows"
masks = "carried"
appearance = "patch-appearance"
video = "descriptor"
[metrics]
default = ["fvd", "kvd", "tmr"]
"""
WORKER = Path(__file__).parent / "worker.py"


def square(seed: int, speed: float) -> tuple[np.ndarray, np.ndarray]:
    """A textured square that moves to the right over a textured ground, and its mask in frame 0."""
    rng = np.random.default_rng(seed)
    ground = cv2.resize(rng.integers(0, 256, (16, 16, 3), dtype=np.uint8), (SIZE, SIZE))
    patch = cv2.resize(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8), (24, 24))
    frames = []
    for t in range(FRAMES):
        frame = ground.copy()
        x = round(6 + speed * t)
        frame[20:44, x : x + 24] = patch
        frames.append(frame)
    mask = np.zeros((SIZE, SIZE), bool)
    mask[20:44, 6:30] = True
    return np.stack(frames), mask


@pytest.fixture(scope="module")
def material(tmp_path_factory) -> Path:
    """A dataset, a system's videos, a profile, and the run on them; all as files."""
    root = tmp_path_factory.mktemp("streaming")
    (root / "profile.toml").write_text(PROFILE)
    (root / "videos").mkdir()
    cases = []
    for k in range(COUNT):
        real, mask = square(k, 2.0)
        made, _ = square(k, 0.6 + 0.2 * k)
        place = root / "data" / str(k)
        (place / "masks").mkdir(parents=True)
        cv2.imwrite(str(place / "masks" / "00000.png"), mask.astype(np.uint8))
        save_video(Video(real, np.arange(FRAMES) / 8), place / "real.mp4")
        save_video(Video(made, np.arange(FRAMES) / 8), root / "videos" / f"case {k}.mp4")
        cases.append({"id": f"case {k}", "subset": "single", "caption": "a square", "masks": f"{k}/masks",
                      "objects": [{"id": 1}], "reference": f"{k}/real.mp4"})  # fmt: skip
    (root / "data" / "cases.json").write_text(json.dumps({"cases": cases}))
    motionbench.evaluate(root / "videos", root / "data", root / "profile.toml", root / "run", cache=root / "cache")
    return root


@pytest.fixture(scope="module")
def wanted(material) -> dict[str, float]:
    estimates = json.loads((material / "run" / "run.json").read_text())["estimates"]
    return {e["metric"]: e["value"] for e in estimates if e["subset"] == "all"}


def tensor(path: Path) -> torch.Tensor:
    return torch.from_numpy(load_video(path).frames.copy()).permute(0, 3, 1, 2)


def batch(material: Path, numbers: list[int]) -> tuple[list[torch.Tensor], list[torch.Tensor], list[torch.Tensor]]:
    """Generated videos, real videos and masks."""
    made = [tensor(material / "videos" / f"case {k}.mp4") for k in numbers]
    real = [tensor(material / "data" / str(k) / "real.mp4") for k in numbers]
    masks = [torch.from_numpy(square(k, 2.0)[1][None]) for k in numbers]
    return made, real, masks


@pytest.mark.parametrize("kind", [FVD, KVD])
def test_a_distance_is_that_of_a_run(material, wanted, kind) -> None:
    metric = kind(profile=material / "profile.toml")
    for numbers in ([0, 1, 2], [5], [3, 4]):
        made, real, _ = batch(material, numbers)
        metric.update(torch.stack(made), torch.stack(real), ids=[f"case {k}" for k in numbers])
    assert metric.compute().item() == pytest.approx(wanted[metric.metric_id], rel=1e-10)
    assert metric.compute().dtype == torch.float64
    assert metric.label == f"{metric.metric_id}[descriptor]"


def test_tmr_is_that_of_a_run(material, wanted) -> None:
    metric = TMR(profile=material / "profile.toml")
    made, real, masks = batch(material, list(range(COUNT)))
    metric.update(made[:4], masks[:4], real[:4])
    metric.update(made[4:], torch.stack(masks[4:]), real[4:], images=[video[0] for video in real[4:]])
    assert metric.compute().item() == pytest.approx(wanted["tmr"], rel=1e-12)
    assert 0 < wanted["tmr"] < 0.95 and (metric.judged, metric.seen) == (COUNT, COUNT)


SHARES = {"uneven": [[0, 1, 2, 3], [4, 5]], "one without videos": [[], [5, 4, 3, 2, 1, 0]],
          "cases twice": [[0, 2, 4, 0], [1, 3, 5, 1]]}  # fmt: skip


def test_two_processes_give_the_number_of_one(material, wanted, tmp_path) -> None:
    commands = [
        [sys.executable, str(WORKER), str(material), str(tmp_path / "meeting"), str(rank),
         json.dumps([share[rank] for share in SHARES.values()])]
        for rank in (0, 1)
    ]  # fmt: skip
    running = [subprocess.Popen(c, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for c in commands]
    results = []
    for process in running:
        printed, complaints = process.communicate(timeout=300)
        assert process.returncode == 0, complaints
        results.append([json.loads(line) for line in printed.splitlines() if line.startswith("{")])
    assert results[0] == results[1] and len(results[0]) == len(SHARES)
    for name, found in zip(SHARES, results[0], strict=True):
        assert found == pytest.approx(wanted, rel=1e-10), name


def videos(count: int = 3, seed: int = 0, frames: int = 6) -> torch.Tensor:
    draw = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, frames, 3, 32, 32), dtype=torch.uint8, generator=draw)


def test_without_ids_every_pair_counts_and_with_them_once() -> None:
    real, made = videos(), videos(seed=1)
    open_ones, named = FVD(), FVD()
    for _ in range(2):
        open_ones.update(made, real)
        named.update(made, real, ids=["a", "b", "c"])
    assert len(open_ones.table()) == 6 and len(named.table()) == 3
    once = FVD()
    once.update(made, real)
    assert named.compute().item() == pytest.approx(once.compute().item(), rel=1e-10)
    assert abs(open_ones.compute().item() - once.compute().item()) > 1e-3


def test_floating_videos_are_the_same_videos() -> None:
    real, made = videos(), videos(seed=1)
    whole, floating = KVD(), KVD()
    whole.update(made, real)
    floating.update(made / 255, (real.double() / 255).half())
    floating_exact = KVD()
    floating_exact.update(made / 255, real / 255)
    assert floating_exact.compute() == whole.compute()
    assert floating.compute().item() == pytest.approx(whole.compute().item(), rel=1e-2)  # half precision: 11 bits


def test_the_frame_rate_counts() -> None:
    real, made = videos(), videos(seed=1)
    found = []
    for fps in (8.0, 4.0):
        metric = FVD(fps=fps)
        metric.update(made, real)
        found.append(metric.compute().item())
    assert found[0] != found[1]


def test_copies_pickles_and_resets() -> None:
    metric = FVD()
    metric.update(videos(), videos(seed=1))
    value = metric.compute()
    for other in (copy.deepcopy(metric), metric.clone(), pickle.loads(pickle.dumps(metric))):
        assert other.compute() == value
        other.update(videos(seed=2), videos(seed=3))
        assert other.compute() != value
    assert metric.compute() == value
    metric.reset()
    with pytest.warns(UserWarning, match="at least 2 pairs"):
        assert math.isnan(metric.compute())


def test_forward_gives_the_batch_and_keeps_the_rest() -> None:
    metric, whole = KVD(), KVD()
    for seed in (0, 2):
        alone = KVD()
        alone.update(videos(seed=seed), videos(seed=seed + 1))
        assert metric(videos(seed=seed), videos(seed=seed + 1)) == alone.compute()
        whole.update(videos(seed=seed), videos(seed=seed + 1))
    assert metric.compute() == whole.compute()


def test_the_reference_is_measured_once_where_there_is_a_cache(tmp_path) -> None:
    real = videos()
    metric = FVD(cache=tmp_path)
    metric.update(videos(seed=1), real)
    before = metric._bench.clock.decoded
    metric.update(videos(seed=2), real)
    assert (before, metric._bench.clock.decoded) == (6, 9)


def test_a_case_without_a_value_does_not_count(material) -> None:
    made, real, masks = batch(material, [0, 1])
    still = real[0][:1].expand(FRAMES, -1, -1, -1)
    metric = TMR(profile=material / "profile.toml")
    metric.update(made, masks, [still, real[1]])
    alone = TMR(profile=material / "profile.toml")
    alone.update(made[1:], masks[1:], real[1:])
    assert metric.compute() == alone.compute()
    assert (metric.judged, metric.seen) == (1, 2)
    nothing = TMR(profile=material / "profile.toml")
    nothing.update(made[:1], masks[:1], [still])
    with pytest.warns(UserWarning, match="in none of 1 cases"):
        assert math.isnan(nothing.compute())


def test_without_a_reference_the_prompt_says_what_stands_still(material) -> None:
    made, real, masks = batch(material, [3])
    metric = TMR(profile=material / "profile.toml")
    metric.update(made, masks, images=[real[0][0]], prompts=[["A square moves."]])
    assert 0 < metric.compute() <= 1
    metric.reset()
    metric.update(made, masks, images=[real[0][0]], prompts=[["A square stays still."]])
    with pytest.warns(UserWarning):
        assert math.isnan(metric.compute())
