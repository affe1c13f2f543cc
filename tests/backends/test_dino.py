"""DINO against its own code under shared weights (tests/golden/make_dino.py), also for wide and tall pictures."""

from __future__ import annotations

import typing as t
from pathlib import Path

import numpy as np
import pytest
import torch

from motionbench.backends import dino, networks
from motionbench.types import Case, Clip, InputMatch, Inputs, Video

from ..golden import make_dino as make
from . import shared_weights as shared

TESTS = Path(__file__).parents[1]


@pytest.fixture
def network() -> t.Any:
    import timm

    vit = timm.models.vision_transformer.VisionTransformer(num_classes=0, **make.SIZES)
    return shared.fill(vit)


@pytest.mark.parametrize("number", range(4))
def test_tokens_are_those_of_dino(network: t.Any, number: int) -> None:
    golden = np.load(TESTS / "golden" / "dino.npz")[f"tokens_{number}"]
    pictures = make.pictures(number)
    with torch.inference_mode():
        found = dino.embed(network, pictures, dino.positions(network.pos_embed, pictures.shape[2:])).numpy()
    assert np.abs(found - golden).max() <= 1e-5 * np.abs(golden).max()


@pytest.mark.parametrize(
    ("height", "width", "read"), [(256, 408, (224, 357)), (64, 64, (224, 224)), (90, 50, (403, 224))]
)
def test_a_frame_of_any_shape_is_read(
    network: t.Any, monkeypatch: pytest.MonkeyPatch, height: int, width: int, read: tuple[int, int]
) -> None:
    import timm

    monkeypatch.setattr(timm, "create_model", lambda name, **more: network)
    monkeypatch.setattr(networks, "load", lambda network, name: network)
    shapes = []
    real = dino.embed
    monkeypatch.setattr(
        dino, "embed", lambda net, part, places: (shapes.append(part.shape), real(net, part, places))[1]
    )
    frames = np.random.default_rng(0).integers(0, 256, (2, height, width, 3), dtype=np.uint8)
    case = Case("c", "single", "", "", "", "", (), None)  # type: ignore[arg-type]
    clip = Clip(Video(frames, np.arange(2) / 8.0), (height, width), (0, 0, height, width), 1, 8.0)
    shown, match = np.ones((height, width), bool), InputMatch(1.0, 0.0, 0.0, 1.0)
    found = dino.DINO.load()(Inputs(case, clip, frames[0], shown, None, np.array([], int), match), {})["frames"]
    assert found.shape == (2, 48) and np.isfinite(found).all()
    assert tuple(shapes[0][2:]) == read
