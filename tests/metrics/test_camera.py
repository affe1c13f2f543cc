"""The fitted camera, and motion against it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motionbench.metrics.camera import MIN_BACKGROUND, derivatives, fit_camera, object_motion

from .views import still, windows_of


def spread(n, seed=0):
    rng = np.random.default_rng(seed)
    return rng.uniform(0, 256, n) + 1j * rng.uniform(0, 256, n)


def test_no_motion_is_exactly_no_motion():
    points = spread(40)
    step = fit_camera(points, points)
    assert (step.turn, step.shift, step.inliers) == (0, 0, 1.0)
    same = np.full(10, 3 + 4j)
    assert fit_camera(same, same).shift == 0


@settings(max_examples=40, deadline=None)
@given(st.floats(-0.1, 0.1), st.floats(0.8, 1.25), st.floats(-20, 20), st.floats(-20, 20), st.integers(0, 1000))
def test_recovers_a_similarity(angle, zoom, dx, dy, seed):
    points = spread(30, seed)
    factor = zoom * np.exp(1j * angle)
    step = fit_camera(points, factor * points + dx + 1j * dy)
    assert step.turn == pytest.approx(factor - 1, abs=1e-9)
    assert step.shift == pytest.approx(dx + 1j * dy, abs=1e-6)
    assert step.inliers == 1.0


def test_ignores_a_large_minority():
    rng = np.random.default_rng(1)
    points = spread(60)
    moved = 1.02 * np.exp(0.01j) * points + 3 - 2j + rng.normal(0, 0.1, 60) + 1j * rng.normal(0, 0.1, 60)
    moved[:24] += 25 + 10j  # two fifths move on their own, alike
    step = fit_camera(points, moved)
    assert abs(step.turn - (1.02 * np.exp(0.01j) - 1)) < 2e-3
    assert step.inliers == pytest.approx(36 / 60, abs=0.04)


def test_too_few_points_are_no_camera():
    points = spread(MIN_BACKGROUND - 1)
    assert fit_camera(points, points) is None


def test_derivatives_of_a_parabola():
    times = np.array([0.0, 0.1, 0.25, 0.3, 0.5])
    track = ((2 + 1j) + (3 - 4j) * times)[None]
    speed, acceleration, jerk = derivatives(track, times)
    assert speed == pytest.approx([5.0]) and acceleration == pytest.approx([0.0], abs=1e-10)
    even = np.arange(6) / 8
    speed, acceleration, jerk = derivatives((0.5 * 6 * even**2 + 0j)[None], even)
    assert acceleration == pytest.approx([6.0]) and jerk == pytest.approx([0.0], abs=1e-9)
    _, _, jerk = derivatives((even**3 + 0j)[None], even)
    assert jerk == pytest.approx([6.0])


def test_short_windows_have_no_higher_derivatives():
    speed, acceleration, jerk = derivatives(np.array([[0j, 1 + 0j]]), np.array([0.0, 0.5]))
    assert speed == pytest.approx([2.0]) and acceleration is None and jerk is None


LENGTH, TIMES = 5, np.arange(9) / 8


def filmed(world, zoom=1.0, angle=0.0, pan=0j, start=0):
    """World tracks [N, L] (complex) as a camera sees them that pans, turns and zooms a little more in each frame."""
    k = np.arange(start, start + LENGTH)
    seen = world * (zoom * np.exp(1j * angle)) ** k + pan * k
    return np.stack([seen.real, seen.imag], axis=-1)


def parts(camera, object_speed, visible=None):
    found = []
    for start in (0, 4):
        scenery = np.repeat(spread(30)[:, None], LENGTH, axis=1)
        thing = spread(8, 5)[:, None] + object_speed * np.arange(LENGTH)
        seen = np.ones((8, LENGTH), bool) if visible is None else visible
        found.append((filmed(scenery, start=start, **camera), np.ones((30, LENGTH), bool), 0, start))
        found.append((filmed(thing, start=start, **camera), seen, 1, start))
    return windows_of(found)


@pytest.mark.parametrize("camera", [{}, {"pan": 4 - 3j}, {"zoom": 1.03}, {"zoom": 0.98, "angle": 0.02, "pan": 2 + 1j}])
def test_the_camera_is_taken_out(camera):
    """An object that stands in the world has no amplitude; one that moves by 3 + 4i has 5 px * 8 / s."""
    motion = object_motion(parts(camera, 0), {1: 20.0}, TIMES)
    assert motion.objects[1]["amplitude"] < 1e-4 and motion.objects[1]["jerk"] < 0.05
    assert motion.inliers == 1.0
    motion = object_motion(parts(camera, 3 + 4j), {1: 20.0}, TIMES)
    zoomed = camera.get("zoom", 1.0) ** 2  # the second window starts at frame 4: the median lies between both scales
    assert motion.objects[1]["amplitude"] == pytest.approx(40 / 20 * zoomed, rel=0.03)


def test_only_tracks_seen_throughout_are_measured():
    visible = np.ones((8, LENGTH), bool)
    visible[:, -1] = False
    motion = object_motion(parts({}, 1.0, visible), {1: 20.0}, TIMES)
    assert motion.objects[1] == {"amplitude": None, "acceleration": None, "jerk": None}


def test_no_background_no_measurement():
    windows = windows_of([(still([(5, 5)], LENGTH), [[1] * LENGTH], 1, 0)])
    motion = object_motion(windows, {1: 20.0}, TIMES)
    assert motion.objects[1]["amplitude"] is None and motion.inliers is None


def test_an_object_without_area_is_not_measured():
    assert object_motion(parts({}, 1.0), {1: 0.0}, TIMES).objects[1]["amplitude"] is None


def test_mismatched_background_stays_finite():
    """Tracks that jump at random, as in a shuffled video, must not blow up the chained camera."""
    rng = np.random.default_rng(3)
    xy = rng.uniform(0, 64, (40, LENGTH, 2))
    ids = [(xy[:30], np.ones((30, LENGTH)), 0, 0), (xy[30:], np.ones((10, LENGTH)), 1, 0)]
    motion = object_motion(windows_of(ids), {1: 8.0}, TIMES)
    assert np.isfinite(list(motion.objects[1].values())).all() and motion.inliers < 0.9
