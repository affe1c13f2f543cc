"""Found once for the same features, anew for others, and forgotten with them."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest

from motionbench.errors import VideoError
from motionbench.metrics.once import once
from motionbench.types import InputMatch, View


def view(values, times, size=(8, 8)):
    return View({"frames": {"frames": values}}, times, size, InputMatch(1.0, 0.0, 0.0, 1.0))


@pytest.fixture
def counted():
    calls = []

    @once
    def total(seen):
        calls.append(seen)
        if not len(seen.roles["frames"]["frames"]):
            raise VideoError("nothing")
        return int(seen.roles["frames"]["frames"].sum())

    return total, calls


def test_the_same_features_are_read_once_in_whichever_view(counted):
    total, calls = counted
    values, times = np.arange(3), np.arange(3.0)
    assert [total(view(values, times)) for _ in range(3)] == [3, 3, 3]
    assert len(calls) == 1


def test_equal_features_are_not_the_same_and_size_and_times_count(counted):
    total, calls = counted
    values, times = np.arange(3), np.arange(3.0)
    total(view(values, times))
    total(view(values.copy(), times))
    total(view(values, times.copy()))
    total(view(values, times, (4, 4)))
    assert len(calls) == 4


def test_what_is_gone_is_forgotten_and_its_place_may_be_taken(counted):
    total, calls = counted
    times = np.arange(3.0)
    for number in range(200):  # freed memory is soon used again, under the same id
        assert total(view(np.full(3, number), times)) == 3 * number
        calls.clear()
        gc.collect()


def test_nothing_is_held_alive(counted):
    total, calls = counted
    values = np.arange(3)
    total(view(values, np.arange(3.0)))
    calls.clear()
    there = weakref.ref(values)
    del values
    gc.collect()
    assert there() is None


def test_an_error_is_raised_each_time(counted):
    total, calls = counted
    values, times = np.zeros(0), np.zeros(0)
    for _ in range(2):
        with pytest.raises(VideoError):
            total(view(values, times))
    assert len(calls) == 2
