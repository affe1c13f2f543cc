"""Backends that run the same network hold it once: fewer files read, less memory, the same features."""

from __future__ import annotations

import typing as t
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from motionbench import device, weights
from motionbench.backends import clip, cotracker, networks
from motionbench.device import Device
from motionbench.types import Case, Clip, Features, InputMatch, Inputs, Object, Video
from motionbench.weights.random import make_random

FILE = "clip-vit-b32"
BACKENDS = (clip.CLIP_B32, clip.CLIP_B32_OBJECTS, clip.CLIP_B32_TEXT)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """In place of ViT-B/32 a small network of its class, in the weight file as well."""
    import open_clip

    width = {"layers": 1, "width": 64, "patch_size": 32, "image_size": 224}
    words = {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1}
    monkeypatch.setattr(clip.load, "build", lambda model: open_clip.CLIP(32, width, words, quick_gelu=True))


@pytest.fixture
def root(tmp_path: Path, small: None) -> Iterator[Path]:
    """A folder of random weights, chosen, on the CPU; nothing is left behind."""
    make_random(tmp_path / "w", [FILE])
    before = weights._chosen, dict(weights._checked)
    weights.use(tmp_path / "w", {})
    yield tmp_path / "w"
    device.use(Device())
    weights._chosen = before[0]
    weights._checked.clear()
    weights._checked.update(before[1])


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The weight files in the order in which they are read."""
    paths: list[Path] = []
    real = weights.load_state_dict

    def watched(path: Path, under: str = "") -> dict[str, torch.Tensor]:
        paths.append(path)
        return real(path, under)

    monkeypatch.setattr(weights, "load_state_dict", watched)
    return paths


def inputs() -> tuple[Inputs, Features]:
    frames = np.random.default_rng(0).integers(0, 256, (3, 48, 64, 3), dtype=np.uint8)
    case = Case("c", "single", "", "A red ball rolls.", "", "", (Object(1, "ball", "The red ball."),), None)  # type: ignore[arg-type]
    shown = Clip(Video(frames, np.arange(3) / 8.0), (48, 64), (0, 0, 48, 64), 1, 8.0)
    planes = np.zeros((1, 3, 48, 64), bool)
    planes[:, :, 10:30, 20:44] = True
    match = InputMatch(1.0, 0.0, 0.0, 1.0)
    made = Inputs(case, shown, frames[0], np.ones((48, 64), bool), planes[:, 0], np.array([1]), match)
    return made, {"values": planes, "object_ids": np.array([1])}


def features() -> list[Features]:
    given, masks = inputs()
    loaded = [backend.load() for backend in BACKENDS]
    return [compute(given, {"masks": masks}) for compute in loaded]


def test_three_backends_of_one_file_read_it_once(root: Path, read: list[Path]) -> None:
    found = features()
    assert read == [weights.path(FILE)]
    assert not networks._loaded, "what no backend holds any more must leave the memory"
    assert [set(f) for f in found] == [{"frames"}, {"crops", "visible", "object_ids"}, {"caption", "objects"}]


def test_sharing_changes_no_feature(root: Path, read: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    once = features()
    monkeypatch.setattr(networks, "shared", lambda make, *names: make())
    apart = features()
    assert len(read) == 1 + len(BACKENDS)
    for one, other in zip(once, apart, strict=True):
        assert all(np.array_equal(one[name], other[name]) for name in one)


def test_other_weights_or_another_precision_are_another_network(root: Path, read: list[Path], tmp_path: Path) -> None:
    first = clip.CLIP_B32.load()
    make_random(tmp_path / "other", [FILE], seed=1)
    weights.use(tmp_path / "other", {})
    second = clip.CLIP_B32.load()
    device.use(Device(precision="bfloat16"))
    third = clip.CLIP_B32_TEXT.load()
    assert len(read) == 3 and read[1] == read[2] != read[0]
    device.use(Device())
    given, _ = inputs()
    assert not np.array_equal(first(given, {})["frames"], second(given, {})["frames"])
    del third


def test_the_same_bytes_elsewhere_are_the_same_network(root: Path, read: list[Path], tmp_path: Path) -> None:
    held = clip.CLIP_B32.load()
    root.rename(tmp_path / "moved")
    weights.use(tmp_path / "moved", {})
    clip.CLIP_B32_OBJECTS.load()
    assert len(read) == 1
    del held


def test_both_roles_of_cotracker_hold_one_predictor(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[t.Any] = []

    def predictor() -> torch.nn.Module:
        made.append(None)
        return torch.nn.Identity()

    monkeypatch.setattr(cotracker, "_predictor", predictor)
    monkeypatch.setattr(weights, "digest", lambda name: name)
    held = [cotracker.COTRACKER_TRACKS.load(), cotracker.COTRACKER_WINDOWS.load()]
    assert len(held) == 2 and len(made) == 1
