"""The small model that comes with the package: whole, small enough, and it moves what it is told to move."""

from __future__ import annotations

import numpy as np
import pytest

from motionbench.datasets.synth import render
from motionbench.types import Request
from ttm_ref.manifest import Manifest
from ttm_ref.model import SHIPPED, TTMRef
from ttm_ref.stages import VARIANTS

LIMIT = 16 * 2**20


@pytest.fixture(scope="module")
def model():
    return TTMRef()


def request(index, seed=0):
    scene = render(index)
    case = scene.case
    return scene, Request(
        case_id=case.id,
        image=scene.video.frames[0],
        caption=case.caption,
        motion_prompt=case.motion_prompt,
        objects=case.objects,
        masks0=scene.masks.values[:, 0],
        frames=16,
        fps=8.0,
        size=(128, 128),
        seed=seed,
    )


def test_the_weights_are_whole_and_small():
    manifest = Manifest(SHIPPED)
    files = [path for path in SHIPPED.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= LIMIT
    for path in files:
        if path.name != "manifest.json":
            manifest.checked(path.relative_to(SHIPPED).as_posix())


def test_the_same_request_gives_the_same_bytes(model):
    _, asked = request(0)
    one, two = model.generate(asked), model.generate(asked)
    assert one.frames.shape == (16, 128, 128, 3)
    assert np.array_equal(one.frames, two.frames)
    _, other = request(0, seed=1)
    assert not np.array_equal(one.frames, model.generate(other).frames)


def test_frame_0_is_the_picture_and_later_frames_differ_from_it(model):
    for index in range(3):
        scene, asked = request(index)
        frames = model.generate(asked).frames.astype(np.float64)
        error = np.square((frames[0] - scene.video.frames[0]) / 255.0).mean()
        assert -10 * np.log10(error) > 24
        assert np.abs(frames[-1] - frames[0]).mean() > 1.0


@pytest.mark.parametrize("variant", VARIANTS[1:])
def test_every_ablation_is_there_and_is_another_network(model, variant):
    scene, asked = request(1)
    frames = TTMRef(variant=variant).generate(asked).frames.astype(np.float64)
    error = np.square((frames[0] - scene.video.frames[0]) / 255.0).mean()
    assert -10 * np.log10(error) > 20
    assert not np.array_equal(frames, model.generate(asked).frames)
