"""Cosine metrics on vectors whose cosines are known."""

from __future__ import annotations

import numpy as np
import pytest

from motionbench.errors import NotApplicable, VideoError
from motionbench.metrics.embeddings import CF, CLIP_T, CLIP_T_OBJECT, VICLIP_T, VICLIP_V
from motionbench.types import CaseView, InputMatch, View

from .views import CASE


def case(roles, reference=None):
    def side(found):
        return View(found, np.arange(2.0), (32, 32), InputMatch(1.0, 0.0, 0.0, 1.0))

    return CaseView(CASE, side(roles), side(reference) if reference else None)


def turned(*degrees):
    """Unit vectors float32 [N, 2] at these angles."""
    angle = np.radians(np.asarray(degrees, np.float64))
    return np.stack([np.cos(angle), np.sin(angle)], axis=-1).astype(np.float32)


def test_cf_is_the_mean_cosine_of_neighbours():
    assert CF.measure(case({"clip_image": {"frames": turned(0, 60, 60)}}))["value"] == pytest.approx(0.75)


def test_a_frozen_video_has_the_best_cf():
    assert CF.measure(case({"clip_image": {"frames": turned(33, 33, 33)}}))["value"] == pytest.approx(1.0)


def test_clip_t_does_not_depend_on_the_order_of_the_frames():
    roles = {"clip_text": {"caption": turned(0)[0], "objects": turned()}}
    values = [
        CLIP_T.measure(case({**roles, "clip_image": {"frames": turned(*a)}}))["value"] for a in ((0, 60), (60, 0))
    ]
    assert values[0] == values[1] == pytest.approx(0.75)


def test_each_object_is_compared_with_its_own_prompt():
    seen = {
        "crops": np.stack([turned(0, 0), turned(90, 10)]),
        "visible": np.array([[True, True], [True, False]]),
        "object_ids": np.array([4, 7]),
    }
    found = CLIP_T_OBJECT.measure(case({"clip_objects": seen, "clip_text": {"objects": turned(0, 90)}}))
    assert found["value"] == found["worst"] == pytest.approx(1.0)
    assert [o["object_id"] for o in found["objects"]] == [4, 7]
    assert [o["frames"] for o in found["objects"]] == [2, 1]
    assert [o["margin"] for o in found["objects"]] == pytest.approx([1.0, 1.0])
    swapped = CLIP_T_OBJECT.measure(case({"clip_objects": seen, "clip_text": {"objects": turned(90, 0)}}))
    assert swapped["value"] == pytest.approx(0.0, abs=1e-6)
    assert [o["margin"] for o in swapped["objects"]] == pytest.approx([-1.0, -1.0])


def test_an_object_that_is_never_visible_is_left_out():
    seen = {"crops": np.zeros((1, 2, 2), np.float32), "visible": np.zeros((1, 2), bool), "object_ids": np.array([1])}
    with pytest.raises(NotApplicable):
        CLIP_T_OBJECT.measure(case({"clip_objects": seen, "clip_text": {"objects": turned(0)}}))


def test_viclip():
    role = {"video": turned(0)[0], "text": turned(60)[0]}
    assert VICLIP_T.measure(case({"video_text": role}))["value"] == pytest.approx(0.5)
    other = {"video_text": {"video": turned(120)[0], "text": turned(60)[0]}}
    assert VICLIP_V.measure(case({"video_text": role}, other))["value"] == pytest.approx(-0.5)
    assert VICLIP_V.measure(case({"video_text": role}, {"video_text": role}))["value"] == pytest.approx(1.0)


@pytest.mark.parametrize("bad", [np.zeros((2, 2), np.float32), np.full((2, 2), np.nan, np.float32)])
def test_a_vector_without_direction_is_an_error_and_no_number(bad):
    with pytest.raises(VideoError):
        CF.measure(case({"clip_image": {"frames": bad}}))


def test_one_frame_has_no_consistency():
    with pytest.raises(VideoError):
        CF.measure(case({"clip_image": {"frames": turned(0)}}))
