"""COHERENCE: a pan by hand, the gate, and the orders that it must keep on procedural scenes."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from motionbench.backends.classical.dis import dense_flow
from motionbench.datasets.synth import render
from motionbench.errors import VideoError
from motionbench.metrics.consistency import COHERENCE

from .views import CASE, view

RNG = np.random.default_rng(0)
NOISE = RNG.integers(0, 256, (80, 120, 3), dtype=np.uint8)


def side(frames, uv, fps=8.0):
    roles = {"frames": {"frames": frames}, "flow": {"uv": uv, "uv_back": -uv}}
    return view(roles, np.arange(len(frames)) / fps, frames.shape[1:3]).generated


def measure(generated, reference=None):
    return COHERENCE.measure(dataclasses.replace(view({}, [0]), case=CASE, generated=generated, reference=reference))


def pan(steps):
    """A window over noise that moves by whole pixels, with its true flow."""
    at = np.concatenate([[0], np.cumsum(steps)])
    frames = np.stack([NOISE[10:50, 20 + x : 80 + x] for x in at])
    uv = np.zeros((len(steps), 40, 60, 2), np.float32)
    uv[..., 0] = -np.asarray(steps, np.float32)[:, None, None]
    return frames, uv


def test_a_steady_pan_is_coherent():
    values = measure(side(*pan([2] * 7)))
    assert values["explained"] == values["steady"] == values["own"] == values["motion"] == values["value"] == 1.0


def test_unsteady_motion_by_hand():
    """Steps of 1 and 3 px: |3 - 1| / (3 + 1 + 1) is lost each time."""
    values = measure(side(*pan([1, 3, 1, 3, 1])))
    assert values["explained"] == 1.0 and values["own"] == pytest.approx(0.6, abs=1e-6)


def test_the_reference_scores_one_and_stillness_none():
    real = side(*pan([1, 3, 2, 4, 1, 2]))
    assert measure(real, real)["value"] == measure(real, real)["reference"] == 1.0
    frames, uv = pan([0] * 6)
    still = measure(side(frames, uv), real)
    assert still["value"] == still["motion"] == 0.0
    assert measure(side(frames, uv))["value"] == 0.0
    assert measure(side(frames, uv), side(frames, uv))["value"] == 1.0


def test_half_the_motion_is_enough_and_half_the_time_is_not():
    real = side(*pan([4] * 8))
    assert measure(side(*pan([2] * 8)), real)["value"] == 1.0
    assert measure(side(*pan([1] * 8)), real)["motion"] == pytest.approx(0.5)
    assert measure(side(*pan([4] * 4 + [0] * 4)), real)["motion"] == pytest.approx(0.5)


def test_noise_is_not_explained_and_a_floor_forgives_compression():
    frames, uv = pan([2] * 5)
    grain = np.clip(frames + RNG.normal(0, 1.5, frames.shape), 0, 255).astype(np.uint8)
    assert measure(side(grain, uv), side(frames, uv))["value"] > 0.98
    broken = RNG.integers(0, 256, frames.shape, dtype=np.uint8)
    assert measure(side(broken, uv), side(frames, uv))["value"] < 0.35


def test_two_frames_are_too_few():
    with pytest.raises(VideoError, match="2 frames"):
        measure(side(*pan([1])))


def scene(index):
    return np.asarray(render(index, "train").video.frames)


@pytest.mark.parametrize("index", [3000, 3001])
def test_orders_on_a_procedural_scene(index):
    frames = scene(index)

    def clip(chosen):
        return side(chosen, dense_flow(chosen)[0])

    real = clip(frames)
    shuffled = frames[np.random.default_rng(index).permutation(len(frames))]
    held = frames[np.arange(len(frames)) // 2 * 2]
    scores = {name: measure(clip(some), real)["value"] for name, some in (("shuffled", shuffled), ("held", held))}
    assert scores["shuffled"] < 0.6 and scores["held"] < 0.6
    assert measure(clip(np.repeat(frames[:1], len(frames), axis=0)), real)["value"] == 0.0
    shifted = np.clip(255 * (frames / 255) ** 0.9, 0, 255).astype(np.uint8)
    assert measure(clip(shifted), real)["value"] > 0.9
