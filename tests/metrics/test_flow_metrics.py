"""AD, AD_NORM and DYNAMIC_DEGREE."""

from __future__ import annotations

import numpy as np
import pytest

from motionbench.errors import VideoError
from motionbench.metrics.motion import AD, AD_NORM, DYNAMIC_DEGREE

from .views import flow_view


def uniform(speeds, size=(30, 40)):
    """Flow that is the same at all pixels of a pair: speeds in px/frame along (3, 4) / 5."""
    uv = np.ones((len(speeds), *size, 2), np.float32) * np.array([0.6, 0.8], np.float32)
    return uv * np.asarray(speeds, np.float32)[:, None, None, None]


def test_average_displacement_by_hand():
    assert AD.measure(flow_view(uniform([1, 2, 6])))["value"] == pytest.approx(3.0, rel=1e-6)


def test_normalised_displacement_by_hand():
    """30 x 40 has the diagonal 50; 9 px in 3/8 s are 24 px/s."""
    assert AD_NORM.measure(flow_view(uniform([1, 2, 6])))["value"] == pytest.approx(24 / 50, rel=1e-6)


def test_normalised_displacement_uses_true_times():
    """The same steady motion, its frames at uneven times."""
    times = np.array([0.0, 0.1, 0.5, 0.6, 1.0])
    uneven = AD_NORM.measure(flow_view(uniform(20 * np.diff(times)), times=times))["value"]
    assert uneven == pytest.approx(20 / 50, rel=1e-6)
    assert AD.measure(flow_view(uniform(20 * np.diff(times)), times=times))["value"] == pytest.approx(5.0, rel=1e-6)


def test_displacement_per_second_does_not_depend_on_size_or_rate():
    slow = AD_NORM.measure(flow_view(uniform([4] * 4), fps=8))["value"]
    fast = AD_NORM.measure(flow_view(uniform([2] * 9), fps=16))["value"]
    large = AD_NORM.measure(flow_view(uniform([8] * 4, (60, 80)), fps=8))["value"]
    assert slow == pytest.approx(fast, rel=1e-6) == pytest.approx(large, rel=1e-6)


@pytest.mark.parametrize("metric", [AD, AD_NORM, DYNAMIC_DEGREE], ids=lambda m: m.id)
def test_one_frame_has_no_motion(metric):
    with pytest.raises(VideoError, match="1 frame"):
        metric.measure(flow_view(np.zeros((0, 8, 8, 2)), times=np.zeros(1)))


@pytest.mark.parametrize("metric", [AD, AD_NORM, DYNAMIC_DEGREE], ids=lambda m: m.id)
def test_a_still_video_is_exactly_zero(metric):
    assert metric.measure(flow_view(np.zeros((15, 16, 16, 2))))["value"] == 0.0


def dynamic(speeds, fps=8.0, size=(256, 320)):
    return DYNAMIC_DEGREE.measure(flow_view(uniform(speeds, size), fps))


def test_threshold_is_six_pixels_at_256_and_8_fps():
    assert dynamic([6.01] * 15)["value"] == 1.0
    assert dynamic([5.99] * 15)["value"] == 0.0
    assert dynamic([3.01] * 15, size=(128, 400))["value"] == 1.0
    assert dynamic([2.99] * 15, size=(128, 400))["value"] == 0.0


def test_threshold_follows_the_frame_rate():
    assert dynamic([11.9] * 7, fps=4)["value"] == 0.0
    assert dynamic([12.1] * 7, fps=4)["value"] == 1.0
    assert dynamic([4.1] * 15, fps=12)["value"] == 1.0


def test_a_quarter_of_the_frames_in_pairs():
    assert dynamic([9] * 4 + [0] * 11)["value"] == 1.0
    three = dynamic([9] * 3 + [0] * 12)
    assert (three["value"], three["pairs"], three["needed"], three["margin"]) == (0.0, 3, 4, 0.0)


def test_two_frames_are_not_dynamic_by_vacuity():
    assert dynamic([0.0])["value"] == 0.0
    assert dynamic([1.0]) == {"value": 0.0, "pairs": 0, "needed": 1, "margin": pytest.approx(1 / 6, rel=1e-5)}
    assert dynamic([7.0])["value"] == 1.0


def test_only_the_fastest_twentieth_counts():
    uv = np.zeros((15, 256, 256, 2), np.float32)
    count = 256 * 256 // 20
    uv.reshape(15, -1, 2)[:, :count, 0] = 6.5
    assert DYNAMIC_DEGREE.measure(flow_view(uv))["value"] == 1.0
    uv.reshape(15, -1, 2)[:, : count // 10, 0] = 0
    assert DYNAMIC_DEGREE.measure(flow_view(uv))["value"] == 0.0
    assert DYNAMIC_DEGREE.measure(flow_view(uv))["margin"] == pytest.approx(6.5 * 0.9 / 6, rel=1e-3)
