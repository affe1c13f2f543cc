from __future__ import annotations

import math
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motionbench.errors import PluginError
from motionbench.stats import intervals, mean_interval, reduce_mean
from motionbench.types import Row


@pytest.mark.parametrize("n", [1, 2, 7])
def test_no_interval_below_eight_cases(n):
    s = mean_interval(np.arange(n) + 0.5, seed=0)
    assert s.value == n / 2
    assert (s.low, s.high, s.se) == (None, None, None)
    assert str(n) in s.reason and "8" in s.reason


def test_nothing_to_average():
    s = mean_interval([], seed=0)
    assert s.value is None and s.reason


def test_a_t_interval_where_a_bootstrap_is_undefined(monkeypatch):
    monkeypatch.setattr(intervals, "_bca", lambda *args: None)
    s = mean_interval([1, 2, 3, 4, 5, 6, 7, 8, 9], seed=0)
    se = math.sqrt(7.5) / 3
    assert s.value == 5 and s.se == pytest.approx(se)
    assert s.high - 5 == pytest.approx(2.306004 * se, rel=1e-6) == 5 - s.low
    assert "t-interval" in s.method
    wider = mean_interval([1, 2, 3, 4, 5, 6, 7, 8, 9], seed=0, level=0.99)
    assert wider.high - 5 == pytest.approx(3.355387 * se, rel=1e-6)


def test_a_bootstrap_leans_to_the_side_of_the_long_tail():
    data = np.random.default_rng(0).exponential(size=30)
    for n in (8, 30):
        s = mean_interval(data[:n], 0)
        assert "BCa" in s.method
        assert s.high - s.value > s.value - s.low


@given(st.lists(st.floats(0, 1), min_size=8, max_size=40))
@settings(max_examples=60, deadline=None)
def test_the_interval_of_shares_is_one_of_shares(values):
    s = mean_interval(values, 0)
    assert min(values) - 1e-12 <= s.low <= s.value + 1e-12 and s.value - 1e-12 <= s.high <= max(values) + 1e-12


def test_numbers_whose_squares_underflow():
    s = mean_interval([0.0] * 7 + [2.4e-224], 0)
    assert 0.0 <= s.low <= s.value <= s.high <= 2.4e-224


@pytest.mark.filterwarnings("error")
def test_strata_that_differ_and_do_not_vary():
    s = mean_interval([0.0] * 8 + [1.0] * 8, 0, strata=["a"] * 8 + ["b"] * 8)
    assert s.low == s.value == s.high == 0.5 and s.se == 0.0


def test_most_are_one_and_the_interval_ends_there():
    s = mean_interval([1.0] * 16 + [0.2, 0.38], 0)  # value ± t se would end at 1.03
    assert s.value == pytest.approx(0.9211, abs=1e-4)
    assert s.low < 0.85 and s.value < s.high <= 1.0


def test_order_does_not_matter_and_the_seed_does():
    data = np.random.default_rng(2).normal(size=64)
    assert mean_interval(data, 5) == mean_interval(data[::-1], 5)
    assert mean_interval(data, 5).low != mean_interval(data, 6).low


@pytest.mark.parametrize("n", [8, 29, 30, 128])
@pytest.mark.parametrize("value", [0.0, 1.0, -3.7e5])
@pytest.mark.filterwarnings("error")
def test_equal_values_collapse(n, value):
    s = mean_interval([value] * n, 0)
    assert s.value == s.low == s.high == pytest.approx(value) and s.se == 0
    assert "equal" in s.method


@pytest.mark.filterwarnings("error")
def test_equal_up_to_rounding_and_a_single_outlier():
    assert "equal" in mean_interval([0.1] * 20 + [0.3 - 0.2] * 20, 0).method
    s = mean_interval([0.0] * 127 + [1.0], 0)
    assert 0 <= s.low < s.value < s.high < 0.1


def test_fast_enough():
    data = np.random.default_rng(3).normal(size=128)
    mean_interval(data, 0)
    start = time.process_time()
    mean_interval(data, 0)
    assert time.process_time() - start < 0.5  # 0.06 s on an idle core


@pytest.mark.parametrize("bad", [[1.0, math.nan], [math.inf] * 9, [[1.0], [2.0]]])
def test_bad_values(bad):
    with pytest.raises(ValueError, match="finite"):
        mean_interval(bad, 0)


@pytest.mark.parametrize("level", [0, 1, -0.5, 95])
def test_bad_level(level):
    with pytest.raises(ValueError, match="level"):
        mean_interval([1.0] * 9, 0, level)


def test_strata_keep_their_size():
    """Two groups that differ by much and vary by little: stratified draws do not see the gap between them."""
    data = np.concatenate([np.linspace(0, 0.1, 32), np.linspace(10, 10.1, 32)])
    labels = ["a"] * 32 + ["b"] * 32
    s = mean_interval(data, 0, strata=labels)
    assert s.se == pytest.approx(np.std(data[:32], ddof=1) / math.sqrt(64)) and s.high - s.low < 0.02
    assert mean_interval(data, 0).se > 0.6 and "2 strata" in s.method
    few = mean_interval(data, 0, strata=["a"] * 7 + ["b"] * 57)
    assert few == mean_interval(data, 0)


def test_clusters_are_drawn_whole():
    data = np.random.default_rng(5).normal(size=40)
    twice, names = np.repeat(data, 2), [f"v{i // 2}" for i in range(80)]
    s = mean_interval(twice, 3, clusters=names)
    assert s.se == pytest.approx(np.std(data, ddof=1) / math.sqrt(40)) and "40 clusters" in s.method
    assert s.se > 1.4 * mean_interval(twice, 3).se
    order = np.random.default_rng(0).permutation(80)
    assert mean_interval(twice[order], 3, clusters=[names[i] for i in order]) == s
    assert mean_interval(data, 3, clusters=[f"{i:02}" for i in range(40)]).se == mean_interval(data, 3).se


def test_unequal_clusters_by_hand():
    """The mean is over cases; the error is that of a ratio of sums over clusters."""
    data, names = [1.0, 3.0, 3.0, *range(8)], ["a", "b", "b", *"cdefghij"]
    s = mean_interval([float(v) for v in data], 0, clusters=names)
    sums, sizes = np.array([1.0, 6.0, *range(8)]), np.array([1, 2, *[1] * 8])
    residuals = sums - sizes * s.value
    assert s.value == pytest.approx(np.mean(data))
    assert s.se == pytest.approx(math.sqrt(10 / 9 * (residuals**2).sum()) / 11)
    assert mean_interval([1.0] * 7 + [2.0] * 7, 0, clusters=[str(i // 2) for i in range(14)]).low is None


@pytest.mark.parametrize("labels", [{"strata": ["a"]}, {"clusters": ["a", "b"]}])
def test_labels_must_fit(labels):
    with pytest.raises(ValueError, match="for 9 values"):
        mean_interval([1.0] * 9, 0, **labels)


def rows(values):
    return [Row(f"c{i:03d}", "single", "ad", "ok", {"value": v}) for i, v in enumerate(values)]


def test_reduce_mean():
    data = np.random.default_rng(4).normal(size=40).tolist()
    assert reduce_mean(rows(data), 9) == mean_interval(data, 9)
    assert reduce_mean(rows(data)[::-1], 9) == reduce_mean(rows(data), 9)


@pytest.mark.parametrize("bad", [None, math.nan, "0.5"])
def test_a_row_without_a_value_is_the_metrics_fault(bad):
    with pytest.raises(PluginError, match="case c001"):
        reduce_mean(rows([1.0, bad]), 0)


def test_reduce_mean_draws_by_subset():
    data = np.concatenate([np.random.default_rng(6).normal(size=30), np.random.default_rng(7).normal(9, 1, 30)])
    found = [Row(f"c{i:03d}", "single" if i < 30 else "multi", "ad", "ok", {"value": v}) for i, v in enumerate(data)]
    assert reduce_mean(found, 0) == mean_interval(data, 0, strata=["single"] * 30 + ["multi"] * 30)
