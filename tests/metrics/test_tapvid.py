"""TAP-Vid scores against fractions counted by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from motionbench.metrics.tapvid import THRESHOLDS, tapvid_scores
from motionbench.types import Tracks


def tracks(xy, visible):
    xy = np.asarray(xy, np.float32)
    return Tracks(xy, np.asarray(visible, bool), np.zeros(len(xy), np.int64))


def along(*xs):
    """One point's positions on a line."""
    return [(x, 0.0) for x in xs]


def test_fractions_by_hand():
    """Two points, four frames on a 256 x 256 frame; frame 0 is the query and does not count.

    Evaluated pairs: 6. Truth visible g: point A in frames 1, 2, 3; point B in frames 1, 3 -> 5.
    Distances where g: A: 0.5, 3, 20; B: 1 (not < 1), 7.
    Predicted visible p: A: 1, 2, 3; B: 1, 2, not 3.
    """
    truth = tracks([along(0, 0, 0, 0), along(50, 50, 50, 50)], [[1, 1, 1, 1], [1, 1, 0, 1]])
    guess = tracks([along(9, 0.5, 3, 20), along(50, 51, 50, 57)], [[0, 1, 1, 1], [1, 1, 1, 0]])
    scores = tapvid_scores(truth, guess, (256, 256))
    assert scores.points == 6
    assert scores.oa == 4 / 6  # B is wrong in frames 2 and 3
    # within: δ=1: 0.5 | δ=2: + 1 | δ=4: + 3 | δ=8: + 7 | δ=16: same
    assert scores.within == (1 / 5, 2 / 5, 3 / 5, 4 / 5, 4 / 5)
    assert scores.delta_avg == pytest.approx(14 / 25)
    # p holds 5 times. TP: 1, 2, 3, 3, 3 (B's frame 3 is not predicted visible); FP = 5 - TP; TP / (5 + FP)
    assert scores.jaccard == (1 / 9, 2 / 8, 3 / 7, 3 / 7, 3 / 7)
    assert scores.aj == pytest.approx((1 / 9 + 2 / 8 + 9 / 7) / 5)


def test_thresholds_are_strict():
    truth = tracks([along(0, 0)], [[1, 1]])
    for threshold in THRESHOLDS:
        scores = tapvid_scores(truth, tracks([along(0, threshold)], [[1, 1]]), (256, 256))
        assert scores.within == tuple(float(threshold < other) for other in THRESHOLDS)


def test_distances_are_scaled_to_256_pixels():
    """3 px of 64 across are 12 px of 256; 3 px of 512 down are 1.5."""
    truth = tracks([along(0, 0)], [[1, 1]])
    assert tapvid_scores(truth, tracks([along(0, 3)], [[1, 1]]), (512, 64)).within == (0, 0, 0, 0, 1)
    assert tapvid_scores(truth, tracks([[(0, 0), (0, 3)]], [[1, 1]]), (512, 64)).within == (0, 1, 1, 1, 1)


def test_the_query_is_the_first_visible_frame():
    truth = tracks([along(5, 5, 5, 5)], [[0, 0, 1, 1]])
    guess = tracks([along(90, 90, 90, 5)], [[1, 1, 0, 1]])
    scores = tapvid_scores(truth, guess, (256, 256))
    assert scores.points == 1 and (scores.oa, scores.delta_avg, scores.aj) == (1.0, 1.0, 1.0)


def test_a_point_that_is_never_visible_does_not_count():
    truth = tracks([along(0, 0), along(7, 7)], [[1, 1], [0, 0]])
    guess = tracks([along(0, 0), along(math.inf, math.nan)], [[1, 1], [1, 1]])
    scores = tapvid_scores(truth, guess, (256, 256))
    assert (scores.points, scores.oa, scores.delta_avg, scores.aj) == (1, 1.0, 1.0, 1.0)


def test_perfect_and_opposite():
    rng = np.random.default_rng(0)
    visible = rng.random((20, 9)) < 0.7
    visible[:, 0] = True
    truth = tracks(rng.uniform(0, 256, (20, 9, 2)), visible)
    assert tapvid_scores(truth, truth, (256, 256)).aj == 1.0
    opposite = tracks(truth.xy, ~visible)
    scores = tapvid_scores(truth, opposite, (256, 256))
    assert (scores.oa, scores.aj, scores.delta_avg) == (0.0, 0.0, 1.0)


def test_undefined_is_nan_and_not_zero():
    truth = tracks([along(0, 0, 0)], [[1, 0, 0]])
    scores = tapvid_scores(truth, tracks([along(0, 0, 0)], [[1, 0, 1]]), (256, 256))
    assert math.isnan(scores.aj) and math.isnan(scores.delta_avg) and scores.oa == 0.5
    nothing = tapvid_scores(tracks([along(0)], [[1]]), tracks([along(0)], [[1]]), (256, 256))
    assert math.isnan(nothing.oa) and nothing.points == 0


def test_bad_input():
    truth = tracks([along(0, 0)], [[1, 1]])
    with pytest.raises(ValueError, match="shape"):
        tapvid_scores(truth, tracks([along(0, 0, 0)], [[1, 1, 1]]), (256, 256))
    with pytest.raises(ValueError, match="finite"):
        tapvid_scores(truth, tracks([along(0, math.nan)], [[1, 1]]), (256, 256))
