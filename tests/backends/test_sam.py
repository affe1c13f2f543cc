"""SAM redraws the masks of frame 0: prompts, choice among its answers, what comes after."""

from __future__ import annotations

import dataclasses
import types
import typing as t
from pathlib import Path

import numpy as np
import pytest
import torch

from motionbench.backends import networks, sam
from motionbench.backends.classical import CARRIED_MASKS
from motionbench.errors import NotApplicable
from motionbench.types import Case, Clip, InputMatch, Inputs, Object, Video

from . import small_networks as small

FRAMES = np.random.default_rng(0).integers(0, 256, (3, 60, 96, 3), dtype=np.uint8)


def squares() -> np.ndarray[t.Any, t.Any]:
    """bool [3, 60, 96]; the second plane is empty."""
    planes = np.zeros((3, 60, 96), bool)
    planes[0, 10:30, 40:70] = True
    planes[2, 35:50, 5:16] = True
    return planes


def inputs(masks: np.ndarray[t.Any, t.Any] | None) -> Inputs:
    objects = tuple(Object(k + 1, "thing", "A thing.") for k in range(3))
    case = Case("c", "multi", "", "", "", "", objects, None)  # type: ignore[arg-type]
    clip = Clip(Video(FRAMES, np.arange(3) / 8.0), (60, 96), (0, 0, 60, 96), 1, 8.0)
    ids, match = np.arange(1, 4), InputMatch(1.0, 0.0, 0.0, 1.0)
    return Inputs(case, clip, FRAMES[0], np.ones((60, 96), bool), masks, ids, match)


def still() -> dict[str, dict[str, t.Any]]:
    """Features of a clip in which nothing moves and nothing is tracked."""
    zero = np.zeros((2, 60, 96, 2), np.float32)
    tracks = {"xy": np.zeros((0, 3, 2), np.float32), "visible": np.zeros((0, 3), bool), "object_ids": np.zeros(0, int)}
    return {"flow": {"uv": zero, "uv_back": zero}, "tracks": tracks}


@pytest.fixture
def predictor() -> t.Any:
    from segment_anything import SamPredictor

    return SamPredictor(small.small_sam())


def test_the_prompt_is_the_box_and_the_point_deepest_inside() -> None:
    mask = np.zeros((40, 50), bool)
    mask[10:21, 5:16] = True
    mask[15, 16:40] = True  # a thin arm stretches the box and must not attract the point
    box, point = sam.prompt(mask)
    assert box.tolist() == [5, 10, 39, 20]
    assert point.tolist() == [10, 15]
    whole, corner = sam.prompt(np.ones((7, 9), bool))
    assert whole.tolist() == [0, 0, 8, 6] and corner[1] == 3  # the picture's border counts as a rim


def test_masks_are_those_of_the_predictor(predictor: t.Any) -> None:
    given = squares()
    found = sam.redrawn(predictor, FRAMES[0], given)
    assert not found[1].any()
    predictor.set_image(FRAMES[0])
    for k in (0, 2):
        box, point = sam.prompt(given[k])
        answers, _, _ = predictor.predict(point[None], np.ones(1), box)
        overlaps = [(a & given[k]).sum() / (a | given[k]).sum() for a in answers]
        assert len({a.tobytes() for a in answers}) == 3, "the small network must tell its three answers apart"
        assert np.array_equal(found[k], answers[int(np.argmax(overlaps))])


def test_adding_an_object_changes_no_other(predictor: t.Any) -> None:
    given = squares()
    assert np.array_equal(sam.redrawn(predictor, FRAMES[0], given)[2:], sam.redrawn(predictor, FRAMES[0], given[2:]))


def test_the_answer_that_overlaps_most_is_taken() -> None:
    given = squares()[:1]
    part, other = given.copy(), np.zeros_like(given)
    part[:, :20] = False
    other[:, 40:] = True
    answers = torch.from_numpy(np.stack([other[0], part[0], given[0]]))[None]
    fake = types.SimpleNamespace(
        set_image=lambda picture: None,
        reset_image=lambda: None,
        device="cpu",
        transform=types.SimpleNamespace(apply_boxes=lambda box, size: box[None], apply_coords=lambda xy, size: xy),
        predict_torch=lambda points, labels, boxes: (answers, None, None),
    )
    assert np.array_equal(sam.redrawn(fake, FRAMES[0], given), given)


def test_frame_0_is_sams_and_the_rest_is_carried(monkeypatch: pytest.MonkeyPatch) -> None:
    segment_anything = pytest.importorskip("segment_anything")
    monkeypatch.setattr(segment_anything, "sam_model_registry", {"vit_b": lambda checkpoint: small.small_sam()})
    monkeypatch.setattr(networks, "load", lambda network, name: network)
    found = sam.SAM.load()(inputs(squares()), still())
    first = sam.redrawn(segment_anything.SamPredictor(small.small_sam()), FRAMES[0], squares())
    assert found["values"].shape == (3, 3, 60, 96) and found["object_ids"].tolist() == [1, 2, 3]
    assert np.array_equal(found["values"][:, 0], first) and not np.array_equal(first, squares())
    carried = CARRIED_MASKS.load()(dataclasses.replace(inputs(None), masks0=first), still())
    assert np.array_equal(found["values"], carried["values"])
    with pytest.raises(NotApplicable, match="no masks"):
        sam.SAM.load()(inputs(None), still())


@pytest.mark.slow
def test_the_published_class_takes_a_real_size(tmp_path: Path) -> None:
    """ViT-B at 1024 x 1024 from a file in the official format."""
    from motionbench import weights
    from motionbench.weights.random import make_random

    make_random(tmp_path / "r", ["sam-vit-b"])
    weights.use(tmp_path / "r", {})
    found = sam.SAM.load()(inputs(squares()), still())
    assert found["values"].shape == (3, 3, 60, 96) and found["values"].dtype == bool
