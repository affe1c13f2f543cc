"""The paper profile as a whole: neither the size of a chunk nor the number of workers changes a score.

The test of chunks runs small networks of the same classes. CoTracker and SAM have no chunks: one takes all points of a
clip at once, the other one frame after the other. The test of workers, which load their networks by themselves, runs
the real sizes with random weights (SAM 2 excepted), and CoTracker where its code was fetched.
"""

from __future__ import annotations

import dataclasses
import shutil
import typing as t
from pathlib import Path

import pytest
import torch

from motionbench import device, evaluate, load_dataset, weights
from motionbench.backends import cotracker, networks
from motionbench.backends.clip import load as clip
from motionbench.backends.viclip import network as viclip
from motionbench.device import Device
from motionbench.engine import one_thread
from motionbench.estimates import estimate
from motionbench.job import Setup, Worker
from motionbench.profiles import Profile, load_profile
from motionbench.run import select
from motionbench.sources import open_source
from motionbench.types import Estimate, Protocol, Row
from motionbench.weights.random import make_random

from . import shared_weights as shared
from . import small_networks as small

PROTOCOL = Protocol(frames=9, fps=8.0, size=64, fit="short")
DENIED = {"tmr", "tmr_worst", "warp_error"}  # masks and flow of random networks may leave them nothing to judge
WITHOUT_DOWNLOAD = {"tracks": "lk", "windows": "lk-windows"}


def profile(**others: str) -> Profile:
    """The paper profile, short and small, with other backends for some roles."""
    paper = load_profile("paper")
    return dataclasses.replace(paper, protocol=PROTOCOL, backends={**paper.backends, **others}, shipped=False)


@pytest.fixture
def small_networks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """In place of the profile's networks small ones of their classes with drawn weights."""
    import open_clip
    import timm
    from torchvision.models import optical_flow

    width = {"layers": 2, "width": 64, "patch_size": 32, "image_size": 224}
    words = {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1}
    sizes = viclip.Sizes(width=64, layers=1, heads=2, text_width=32, text_layers=1, text_heads=2, joint=32)
    vit, real = timm.models.vision_transformer.VisionTransformer, viclip.ViCLIP
    monkeypatch.setattr(clip, "build", lambda model: open_clip.CLIP(32, width, words, quick_gelu=True))
    monkeypatch.setattr(
        timm,
        "create_model",
        lambda name, **more: vit(embed_dim=64, depth=1, num_heads=2, num_classes=0, dynamic_img_size=True),
    )
    monkeypatch.setattr(viclip, "ViCLIP", lambda: real(sizes))
    monkeypatch.setattr(optical_flow, "raft_large", optical_flow.raft_small)
    monkeypatch.setattr(networks, "load", lambda network, name, under="": networks.ready(_calm(network)))
    monkeypatch.setattr("motionbench.backends.makers.sam2_tiny", lambda root: small.small_sam2())
    make_random(tmp_path / "w", ["sam2-tiny"])
    return tmp_path / "w"


def _calm(network: torch.nn.Module) -> torch.nn.Module:
    """Drawn weights, half as large: the updates of a recurrent network must not amplify the last digit."""
    shared.fill(network)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(0.5)
    return network


def scored(chunk: int, root: Path, folder: Path) -> tuple[list[Row], tuple[Estimate, ...]]:
    """Rows and estimates of two cases."""
    chosen, data = profile(**WITHOUT_DOWNLOAD), load_dataset("synth")
    cases = select(data, "all", 2)
    source = open_source("shuffle", seed=0, out=folder)
    source.check(dataclasses.replace(data, cases=cases))
    names = dict.fromkeys(weights.shipped(), "0" * 64)
    setup = Setup(chosen, chosen.metrics, source, "synth", folder / "cache", None, root, names, Device(chunk=chunk))
    with one_thread():
        worker = Worker(setup)
        rows = [row for case in cases for row in worker(case).rows]
        return rows, estimate(worker.plan, cases, rows, 0)


@pytest.mark.slow
def test_chunks_of_1_4_and_16_give_the_same_scores(small_networks: Path, tmp_path: Path) -> None:
    try:
        found = {chunk: scored(chunk, small_networks, tmp_path / str(chunk)) for chunk in (1, 4, 16)}
    finally:
        device.use(Device())
    rows, estimates = found[1]
    assert {row.metric for row in rows if row.status == "ok"} >= set(load_profile("paper").metrics) - DENIED
    for chunk in (4, 16):
        for one, other in zip(rows, found[chunk][0], strict=True):
            assert (one.case_id, one.metric, one.status) == (other.case_id, other.metric, other.status)
            if one.values.get("value") is not None:
                assert other.values["value"] == pytest.approx(one.values["value"], rel=1e-5, abs=1e-5), one.metric
        for first, second in zip(estimates, found[chunk][1], strict=True):
            assert first.metric == second.metric
            if first.value is not None:
                assert second.value == pytest.approx(first.value, rel=1e-5, abs=1e-5), first.metric


@pytest.fixture
def random_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, bool]:
    """A folder of random weights in the official formats, and whether CoTracker is among them."""
    monkeypatch.setattr("motionbench.backends.makers.sam2_tiny", lambda root: small.small_sam2())
    own = weights.default_folder()
    wanted = ["clip-vit-b32", "dino-vit-b16", "i3d", "raft-large", "sam2-tiny", "viclip"]
    there = (own / cotracker.CODE).is_dir()
    more = [cotracker.CODE, cotracker.WEIGHTS] if there else []
    assert make_random(tmp_path / "w", [*wanted, *more], code_from=own) == []
    return tmp_path / "w", there


@pytest.mark.slow
def test_two_workers_write_the_bytes_of_one(random_weights: tuple[Path, bool], tmp_path: Path) -> None:
    root, tracked = random_weights
    chosen = profile(**({} if tracked else WITHOUT_DOWNLOAD))
    path = tmp_path / "paper.toml"
    path.write_text(_toml(chosen))
    for count in (1, 2):
        run = evaluate(
            "shuffle", "synth", path, tmp_path / f"{count}", limit=2, workers=count, weights_dir=root,
            cache=tmp_path / f"cache-{count}",
        )  # fmt: skip
        assert {row.metric for row in run.rows if row.status != "ok"} <= DENIED
    for file in ("run.json", "cases.jsonl"):
        assert (tmp_path / "1" / file).read_bytes() == (tmp_path / "2" / file).read_bytes()
    shutil.rmtree(root)


def _toml(chosen: Profile) -> str:
    def table(name: str, content: t.Mapping[str, t.Any]) -> str:
        return f"[{name}]\n" + "".join(f"{key} = {_value(value)}\n" for key, value in content.items())

    return (
        'name = "paper, small"\n'
        + table("protocol", dataclasses.asdict(chosen.protocol))
        + table("backends", chosen.backends)
        + f"[metrics]\ndefault = {list(chosen.metrics)}\n"
    )


def _value(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)
