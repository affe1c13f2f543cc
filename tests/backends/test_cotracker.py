"""CoTracker3's wrapper: against its own predictor (tests/golden/make_cotracker.py), and what goes in and comes out."""

from __future__ import annotations

import typing as t
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from motionbench import weights
from motionbench.backends import cotracker, networks
from motionbench.errors import VideoError
from motionbench.types import Case, Clip, InputMatch, Inputs, Object, Video

from ..golden import make_cotracker as make

TESTS = Path(__file__).parents[1]


@pytest.fixture
def original(monkeypatch: pytest.MonkeyPatch) -> t.Any:
    """The predictor as the backends load it, its weights drawn; skipped where the code was not fetched."""
    entry, store = weights.find(cotracker.CODE), weights.Store(weights.default_folder())
    if store.state(cotracker.CODE, entry).known != "present":
        pytest.skip(f"the code is not there: {weights.fetch_command(cotracker.CODE)}")

    def drawn(network: torch.nn.Module, name: str) -> torch.nn.Module:
        network.load_state_dict(make.weights(network.state_dict()))
        return network

    monkeypatch.setattr(weights, "_chosen", None)
    monkeypatch.setattr(networks, "load", drawn)
    monkeypatch.setattr(weights, "digest", lambda name: "drawn")
    return cotracker.predictor()


@pytest.mark.slow
@pytest.mark.parametrize("number", range(3))
def test_points_are_those_of_the_original_predictor(original: t.Any, number: int) -> None:
    golden = np.load(TESTS / "golden" / "cotracker.npz")
    xy, visible = cotracker.follow(original, make.clip(number), make.points(number))
    wanted = golden[f"xy_{number}"].transpose(1, 0, 2)
    assert np.abs(xy - wanted).max() <= 1e-5 * np.abs(wanted).max()
    assert np.array_equal(visible, golden[f"visible_{number}"].T)
    assert 0 < visible[:, 1:].mean() < 1


class Drifting:
    """In place of the predictor: every point goes (1, 2) pixels a frame; it is seen while it is in the left half."""

    def __init__(self) -> None:
        self.videos: list[Tensor] = []

    def __call__(self, video: Tensor, queries: Tensor) -> tuple[Tensor, Tensor]:
        assert video.dtype == torch.float32 and queries.dtype == torch.float32 and not queries[..., 0].any()
        self.videos.append(video)
        steps = torch.arange(video.shape[1])[None, :, None, None] * torch.tensor([1.0, 2.0])
        xy = queries[:, None, :, 1:] + steps
        return xy, xy[..., 0] < video.shape[-1] / 2


def inputs(count: int, fps: float = 8.0) -> Inputs:
    frames = np.random.default_rng(0).integers(0, 256, (count, 48, 64, 3), dtype=np.uint8)
    masks = np.zeros((1, 48, 64), bool)
    masks[0, 10:30, 8:28] = True
    case = Case("c", "single", "", "", "", "", (Object(7, "ball", "The ball."),), None)  # type: ignore[arg-type]
    clip = Clip(Video(frames, np.arange(count) / fps), (48, 64), (0, 0, 48, 64), 1, fps)
    return Inputs(case, clip, frames[0], np.ones((48, 64), bool), masks, np.array([7]), InputMatch(1.0, 0.0, 0.0, 1.0))


@pytest.fixture
def drifting(monkeypatch: pytest.MonkeyPatch) -> Drifting:
    model = Drifting()
    monkeypatch.setattr(cotracker, "predictor", lambda: model)
    return model


def test_tracks_start_on_the_seeds_of_frame_0(drifting: Drifting) -> None:
    given = inputs(5)
    found = cotracker.COTRACKER_TRACKS.load()(given, {})
    xy, owners = found["xy"], found["object_ids"]
    assert xy.shape == (len(owners), 5, 2) and xy.dtype == np.float32 and found["visible"].shape == xy.shape[:2]
    assert set(owners) == {0, 7}
    rows, columns = xy[owners == 7, 0, 1].astype(int), xy[owners == 7, 0, 0].astype(int)
    assert given.masks0 is not None and given.masks0[0, rows, columns].all()
    assert np.array_equal(xy[:, 3] - xy[:, 0], np.broadcast_to([3.0, 6.0], (len(xy), 2)))
    assert np.array_equal(found["visible"], xy[..., 0] < 32)
    video = drifting.videos[0]
    assert np.array_equal(video[0].permute(0, 2, 3, 1).numpy(), given.clip.video.frames)


def test_windows_are_clips_of_half_a_second_seeded_anew(drifting: Drifting) -> None:
    given = inputs(11)
    planes = np.zeros((1, 11, 48, 64), bool)
    for frame in range(11):
        planes[0, frame, 10:30, 8 + 2 * frame : 28 + 2 * frame] = True
    masks = {"values": planes, "object_ids": np.array([7])}
    found = cotracker.COTRACKER_WINDOWS.load()(given, {"masks": masks})
    assert sorted(set(found["start"])) == [0, 4, 6] and found["xy"].shape[1:] == (5, 2)
    for video, start in zip(drifting.videos, (0, 4, 6), strict=True):
        part = given.clip.video.frames[start : start + 5]
        assert np.array_equal(video[0].permute(0, 2, 3, 1).numpy(), part)
    own = found["object_ids"] == 7
    first = found["xy"][own, 0].astype(int)
    assert planes[0, found["start"][own], first[:, 1], first[:, 0]].all()
    with pytest.raises(VideoError, match="needs 5 frames, the clip has 4"):
        cotracker.COTRACKER_WINDOWS.load()(inputs(4), {"masks": masks})
