"""Stamps to times: nothing is invented, nothing runs backwards."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motionbench.errors import VideoError
from motionbench.types import Protocol
from motionbench.video.protocol import stride_for
from motionbench.video.timing import median_interval, settle


def test_plain_stamps_are_shifted_to_zero() -> None:
    assert settle([2.0, 2.5, 4.0], np.array([2.0, 2.5, 4.0]), 0.5, "a") == [0.0, 0.5, 2.0]


def test_a_missing_stamp_comes_one_interval_later() -> None:
    assert settle([1.0, None, 2.0], np.array([1.0, 2.0]), 0.25, "a") == [0.0, 0.25, 1.0]
    assert settle([None, None], np.array([]), 0.25, "a") == [0.0, 0.25]
    assert settle([None], np.array([]), 0.0, "a") == [0.0]


def test_no_stamp_and_no_rate_is_an_error() -> None:
    with pytest.raises(VideoError, match="no frame rate"):
        settle([None, None], np.array([]), 0.0, "a")


def test_stamps_in_coding_order_are_sorted() -> None:
    listed = np.arange(1, 8) / 8
    mixed = [1 / 8, 2 / 8, 4 / 8, 3 / 8, 5 / 8, 6 / 8]
    np.testing.assert_allclose(settle(mixed, listed, 1 / 8, "a"), np.arange(6) / 8)


def test_a_jump_back_is_an_error() -> None:
    first = [i / 8 for i in range(40)]
    second = [i / 8 + 0.01 for i in range(40)]
    with pytest.raises(VideoError, match="backwards at frame 40"):
        settle(first + second, np.unique(first + second), 1 / 16, "a")
    with pytest.raises(VideoError, match="backwards at frame 2"):
        settle([0.0, 1.0, 0.0], np.array([0.0, 1.0]), 1.0, "a")


def test_median_interval() -> None:
    assert median_interval(np.array([0.0])) == 0.0
    assert median_interval(np.array([0.0, 0.1, 0.2, 5.0])) == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("fps", "stride"),
    [(0, 1), (6, 1), (8, 1), (10, 1), (12, 2), (14.985, 2), (20, 2), (24, 3), (25, 3), (29.97, 4), (30, 4), (60, 8)],
)
def test_stride(fps: float, stride: int) -> None:
    assert stride_for(fps, Protocol(fps=8.0)) == stride


@given(st.integers(1, 240), st.integers(2, 50), st.floats(0, 1e4))
def test_the_last_bit_of_a_time_does_not_decide(fps: int, count: int, start: float) -> None:
    times = start + np.arange(count) / fps
    times -= times[0]
    assert stride_for(1 / median_interval(times), Protocol(fps=8.0)) == max(1, round(fps / 8))
