"""ViCLIP against VBench's copy under shared weights (tests/golden/make_viclip.py)."""

from __future__ import annotations

import typing as t
from pathlib import Path

import numpy as np
import pytest
import torch

from motionbench.backends.viclip.network import Sizes, ViCLIP

from ..golden import make_viclip as make
from . import shared_weights as shared

TESTS = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def network() -> ViCLIP:
    return t.cast(ViCLIP, shared.fill(ViCLIP(Sizes(**make.SIZES))))


@pytest.mark.parametrize("number", range(3))
def test_embeddings_are_those_of_vbench(network: ViCLIP, number: int) -> None:
    golden = np.load(TESTS / "golden" / "viclip.npz")
    with torch.inference_mode():
        found = {
            f"video_{number}": network.vision_encoder(make.clips(number)),
            f"text_{number}": network.text_encoder(make.numbers(number)),
        }
    for name, value in found.items():
        assert np.abs(value.numpy() - golden[name]).max() <= 1e-5 * np.abs(golden[name]).max()


def test_vectors_have_length_one_and_do_not_depend_on_the_batch(network: ViCLIP) -> None:
    with torch.inference_mode():
        whole = network.video(make.clips(1))
        alone = torch.cat([network.video(clip[None]) for clip in make.clips(1)])
    torch.testing.assert_close(whole.norm(dim=1), torch.ones(3))
    torch.testing.assert_close(whole, alone, atol=1e-6, rtol=0)


def test_the_published_size() -> None:
    with torch.device("meta"):
        names = ViCLIP().state_dict()
    # The file has 1,710,545,812 bytes: four for each parameter, and a few hundred for each name.
    size = 4 * sum(value.numel() for value in names.values())
    assert 0 < 1_710_545_812 - size < 512 * len(names)
    assert names["vision_encoder.temporal_positional_embedding"].shape == (1, 8, 1024)
    assert names["text_encoder.positional_embedding"].shape == (32, 768)
