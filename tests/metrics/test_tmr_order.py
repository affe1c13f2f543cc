"""Repeated and disordered frames, in closed form."""

from __future__ import annotations

import math

import numpy as np
import pytest

from motionbench.metrics.tmr.order import disorder, repeated, typical_step


def _apart(places):
    """Differences of frames that show a thing at these places: 10 grey levels a step."""
    at = np.asarray(places, float)
    return 10 * np.abs(at[:, None] - at[None])


def test_a_steady_motion_has_neither():
    apart = _apart(range(8))
    assert repeated(apart, typical_step(apart)) == 0
    assert disorder(apart) == 0


def test_each_held_frame_counts():
    apart = _apart([0, 0, 2, 2, 4, 4, 6, 6])
    assert repeated(apart, 10.0) == pytest.approx(4 / 7)
    assert disorder(apart) == 0  # in order, though it stands


def test_two_frames_that_changed_places():
    apart = _apart([0, 1, 3, 2, 4, 5])
    assert disorder(apart) == pytest.approx(math.log((1 + 2 + 1 + 2 + 1) / 5))


def test_more_disorder_is_larger():
    values = [disorder(_apart(p)) for p in (range(8), [0, 2, 1, 3, 4, 5, 6, 7], [0, 7, 1, 6, 2, 5, 3, 4])]
    assert values[0] < values[1] < values[2]


def test_a_still_clip_has_no_order():
    apart = np.zeros((5, 5))
    assert disorder(apart) == 0
    assert repeated(apart, typical_step(apart)) == 1
