"""The shipped statistics: pinned to the metric's version, in order, and read between their knots."""

from __future__ import annotations

import numpy as np
import pytest

from motionbench.metrics.tmr import TMR
from motionbench.metrics.tmr.population import digest, expected_at, knots

# A change of the statistics changes scores: raise the metric's version and pin the new digest here.
PINNED = {8: "ec299597569fe6d82705c530bbb611a5a75b4d99e7a885edaac27f8c714b3825"}


def test_the_statistics_belong_to_the_version():
    assert PINNED[TMR.version] == digest()


def test_they_are_sorted_from_worst_to_best_and_finite():
    for amplitude, expected in knots():
        assert amplitude > 0
        for values in (expected.foreign[0], expected.foreign[1]):
            assert (np.diff(values) <= 0.03).all()  # quantiles of sorted values, over few objects
        assert np.isfinite(expected.rough).all()
        assert np.isfinite(expected.hazards).all()


def test_a_knot_gives_itself_and_between_two_lies_between():
    (low, a), (high, b) = knots()[:2]
    assert expected_at(low).foreign == pytest.approx(a.foreign)
    between = expected_at((low * high) ** 0.5)
    assert between.foreign == pytest.approx((a.foreign + b.foreign) / 2)
    assert expected_at(0.0).foreign == pytest.approx(a.foreign)
    assert expected_at(1e9).rough == pytest.approx(knots()[-1][1].rough)
