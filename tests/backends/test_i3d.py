"""I3D against VideoGPT's under shared weights (tests/golden/make_i3d.py), its three preprocessings, its limits."""

from __future__ import annotations

import typing as t
from pathlib import Path

import numpy as np
import pytest
import torch

from motionbench.backends.i3d.network import InceptionI3d
from motionbench.backends.i3d.preprocess import WAYS, preprocess

from ..golden import make_i3d as make
from . import shared_weights as shared

TESTS = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def network() -> InceptionI3d:
    return t.cast(InceptionI3d, shared.fill(InceptionI3d()))


@pytest.mark.parametrize("way", ["videogpt", "stylegan_v"])
@pytest.mark.parametrize(
    "number", [0, pytest.param(1, marks=pytest.mark.slow), pytest.param(2, marks=pytest.mark.slow)]
)
def test_logits_are_those_of_videogpt(network: InceptionI3d, number: int, way: str) -> None:
    wanted = np.load(TESTS / "golden" / "i3d.npz")[f"{way}_{number}"]
    with torch.inference_mode():
        found = network(preprocess(make.clip(number), way)[None])[0].numpy()
    assert np.abs(found - wanted).max() <= 1e-5 * np.abs(wanted).max()


def test_names_are_those_of_the_published_file() -> None:
    names = InceptionI3d().state_dict()
    assert len(names) == 344
    for name in ("Conv3d_1a_7x7.conv3d.weight", "Mixed_5c.b3b.bn.running_var", "logits.conv3d.bias"):
        assert name in names


@pytest.mark.parametrize("shape", [(1, 3, 8, 224, 224), (1, 3, 9, 256, 256), (3, 9, 224, 224), (1, 1, 9, 224, 224)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="not \\[B, 3, T >= 9"):
        InceptionI3d()(torch.zeros(shape))


@pytest.mark.parametrize("way", WAYS)
def test_preprocessing_keeps_the_range_and_a_plain_colour(way: str) -> None:
    frames = np.full((2, 60, 90, 3), (0, 255, 51), np.uint8)
    made = preprocess(frames, way)
    assert made.shape == (3, 2, 224, 224)
    np.testing.assert_allclose(made.mean(dim=(1, 2, 3)), [-1.0, 1.0, -0.6], atol=1e-5)


def test_only_squashing_shows_the_borders_of_a_wide_video() -> None:
    frames = np.zeros((1, 64, 128, 3), np.uint8)
    frames[:, :, :16] = frames[:, :, -16:] = 255
    assert preprocess(frames, "stylegan_v").max() > 0.99
    assert preprocess(frames, "videogpt").max() == preprocess(frames, "cd_fvd").max() == -1.0


def test_an_unknown_preprocessing_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown preprocessing 'vgg'"):
        preprocess(np.zeros((1, 8, 8, 3), np.uint8), "vgg")
