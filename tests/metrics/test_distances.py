"""Fréchet and kernel distances: closed forms, properties, bad input, and the reduction of rows."""

from __future__ import annotations

import dataclasses
import math
import pickle
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from motionbench.errors import MotionBenchError, PluginError, VideoError
from motionbench.metrics import distribution
from motionbench.metrics.frechet import FeatureError, frechet, frechet_influence
from motionbench.types import Case, CaseView, InputMatch, Row, View

sizes = st.tuples(st.integers(2, 12), st.integers(2, 12), st.integers(1, 15), st.integers(0, 2**32 - 1))


def by_matrices(x, y):
    """The textbook formula with eigenvalues, good where the covariances have full rank."""
    cx, cy = np.atleast_2d(np.cov(x.T)), np.atleast_2d(np.cov(y.T))
    root = np.sqrt(np.maximum(np.linalg.eigvals(cx @ cy).real, 0)).sum()
    return ((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(cx) + np.trace(cy) - 2 * root


def test_one_dimension_in_closed_form():
    x, y = np.array([[0.0], [2.0]]), np.array([[5.0], [11.0], [8.0]])
    assert distribution.frechet_distance(x, y) == pytest.approx((8 - 1) ** 2 + (3 - math.sqrt(2)) ** 2, rel=1e-14)


def test_textbook_formula_at_full_rank():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 6)), rng.normal(size=(31, 6)) @ rng.normal(size=(6, 6)) + 1
    assert distribution.frechet_distance(x, y) == pytest.approx(by_matrices(x, y), rel=1e-11)


@settings(max_examples=60, deadline=None)
@given(sizes)
def test_frechet_properties(size):
    n, m, d, seed = size
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(n, d)), 2 * rng.normal(size=(m, d)) + 1
    value = distribution.frechet_distance(x, y)
    assert value > 0
    assert distribution.frechet_distance(y, x) == pytest.approx(value, rel=1e-10)
    assert distribution.frechet_distance(rng.permutation(x), y) == pytest.approx(value, rel=1e-10)
    turn = np.linalg.qr(rng.normal(size=(d, d)))[0]
    assert distribution.frechet_distance(x @ turn + 3, y @ turn + 3) == pytest.approx(value, rel=1e-9)
    assert distribution.frechet_distance(7 * x, 7 * y) == pytest.approx(49 * value, rel=1e-10)
    shift = rng.normal(size=d)
    assert distribution.frechet_distance(x, x + shift) == pytest.approx(shift @ shift, rel=1e-9, abs=1e-11)
    assert abs(distribution.frechet_distance(x, x)) <= 1e-12 * max(1.0, np.trace(np.atleast_2d(np.cov(x.T))))


@settings(max_examples=60, deadline=None)
@given(sizes)
def test_kernel_distance_is_the_sum_over_pairs(size):
    n, m, d, seed = size
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(n, d)), rng.normal(size=(m, d)) + 0.5
    k = lambda a, b: (a @ b / d + 1) ** 3  # noqa: E731
    inside = [sum(k(s[i], s[j]) for i in range(len(s)) for j in range(len(s)) if i != j) for s in (x, y)]
    cross = sum(k(a, b) for a in x for b in y)
    expected = inside[0] / (n * (n - 1)) + inside[1] / (m * (m - 1)) - 2 * cross / (n * m)
    assert distribution.kernel_distance(x, y) == pytest.approx(expected, rel=1e-10, abs=1e-12)


def test_kernel_distance_is_unbiased():
    rng = np.random.default_rng(3)
    values = [distribution.kernel_distance(rng.normal(size=(8, 5)), rng.normal(size=(9, 5))) for _ in range(400)]
    assert abs(np.mean(values)) < 4 * np.std(values) / math.sqrt(len(values))


def test_collapsed_and_constant_features():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(20, 4))
    constant = np.full((20, 4), 2.5)
    expected = ((x.mean(0) - 2.5) ** 2).sum() + x.var(0, ddof=1).sum()
    assert distribution.frechet_distance(x, constant) == pytest.approx(expected, rel=1e-12)
    assert distribution.frechet_distance(constant, constant) == 0.0
    assert distribution.frechet_distance(np.repeat(x[:1], 20, 0), constant) == pytest.approx(
        ((x[0] - 2.5) ** 2).sum(), rel=1e-12
    )


def test_float32_and_integers_are_computed_in_float64():
    rng = np.random.default_rng(2)
    x, y = rng.normal(100, 0.01, (30, 8)).astype(np.float32), rng.normal(100, 0.01, (30, 8)).astype(np.float32)
    assert distribution.frechet_distance(x, y) == distribution.frechet_distance(
        x.astype(np.float64), y.astype(np.float64)
    )
    assert distribution.frechet_distance([[0], [2]], [[1], [3]]) == pytest.approx(1.0)


@pytest.mark.parametrize("function", [distribution.frechet_distance, distribution.kernel_distance])
@pytest.mark.parametrize(
    ("x", "y", "says"),
    [
        (np.zeros((1, 3)), np.zeros((4, 3)), "n = 1"),
        (np.zeros((4, 3)), np.zeros((0, 3)), "y has n = 0"),
        (np.zeros((4, 3)), np.zeros((4, 2)), "3 features and y has 2"),
        (np.zeros(3), np.zeros((4, 3)), r"shape \(3,\)"),
        (np.zeros((2, 2, 2)), np.zeros((4, 3)), "expected \\[n, d\\]"),
        (np.zeros((4, 0)), np.zeros((4, 0)), "no features"),
        (np.array([[0.0, np.nan], [1, 2]]), np.zeros((4, 2)), "NaN or infinity in 1 row$"),
        (np.zeros((4, 2)), np.full((3, 2), -np.inf), "NaN or infinity in 3 rows"),
        (np.zeros((4, 2), complex), np.zeros((4, 2)), "complex"),
        (np.full((4, 2), "a"), np.zeros((4, 2)), "expected real numbers"),
        (np.array([[None, 1.0]] * 3), np.zeros((4, 2)), "object"),
        ([[1.0, 2.0], [3.0]], np.zeros((4, 2)), "no array"),
        (np.array([[1e200], [-1e200]]), np.array([[0.0], [1.0]]), "too large"),
        (np.array([[1.7e308], [1.7e308], [-1.7e308]]), np.array([[0.0], [1.0]]), "too large"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_bad_input_is_one_line_and_a_value_error(function, x, y, says):
    with pytest.raises(FeatureError, match=says) as caught:
        function(x, y)
    assert isinstance(caught.value, MotionBenchError) and isinstance(caught.value, ValueError)
    assert "\n" not in str(caught.value)
    again = pickle.loads(pickle.dumps(caught.value))  # errors cross process borders
    assert (again.message, again.hint) == (caught.value.message, caught.value.hint)


@pytest.mark.parametrize("bad", [{"degree": 0}, {"degree": 2.5}, {"degree": True}, {"gamma": 0.0}, {"coef0": np.nan}])
def test_bad_kernels(bad):
    with pytest.raises(FeatureError):
        distribution.kernel_distance(np.eye(3), np.eye(3), **bad)


@pytest.mark.parametrize(("n", "d"), [(12, 40), (40, 12), (13, 12), (12, 12)])
def test_influence_is_the_derivative(n, d):
    """Leaving a fraction of a row out changes the value as its influence says: checked by repeating all other rows."""
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(n, d)), rng.normal(size=(n + 3, d)) + 0.3
    value, of_x, of_y = frechet_influence(x, y)
    assert value == pytest.approx(frechet(x, y), rel=1e-12)
    assert abs(of_x.sum()) < 1e-9 and abs(of_y.sum()) < 1e-9
    times = 20_000

    def weighted(row):
        """Distance of the sample in which one row of x has weight times + 1 and the others `times`."""
        w = np.full(n, float(times))
        w[row] += 1
        w /= w.sum()
        mean = w @ x
        a = np.sqrt(w * n / (n - 1))[:, None] * (x - mean)
        b = (y - y.mean(0)) / math.sqrt(len(y) - 1)
        nuclear = np.linalg.svd(a @ b.T, compute_uv=False).sum()
        return ((mean - y.mean(0)) ** 2).sum() + (a**2).sum() + (b**2).sum() - 2 * nuclear

    for row in range(0, n, 5):
        assert (weighted(row) - value) * (n * times + 1) == pytest.approx(of_x[row], rel=2e-3, abs=2e-3)


def rows_of(x, y, order=None):
    ids = [f"case-{i:04d}" for i in range(len(x))]
    values = [{"value": None, "generated_video": a, "reference_video": b} for a, b in zip(x, y, strict=True)]
    rows = [Row(i, "single", "fvd", "ok", v) for i, v in zip(ids, values, strict=True)]
    return rows if order is None else [rows[i] for i in order]


def pair(n=40, d=10, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, d))
    return x, 0.6 * x + 0.8 * rng.normal(size=(n, d)) + 0.2


def test_fvd_summary():
    x, y = pair()
    s = distribution.FVD.reduce(rows_of(x, y), 7)
    assert s.value == distribution.frechet_distance(x, y)
    left = np.array([distribution.frechet_distance(np.delete(x, i, 0), np.delete(y, i, 0)) for i in range(40)])
    assert s.se == pytest.approx(math.sqrt(39 / 40 * ((left - left.mean()) ** 2).sum()), rel=1e-10)
    assert (s.low, s.high) == (None, None) and "jackknife se" in s.method and s.reason == ""
    assert (s.details["n"], s.details["d"], s.details["floor_n"]) == (40, 10, 20)
    # The floor is what two halves of the real set score: the mean over all splits of 20 + 20 rows.
    rng = np.random.default_rng(1)
    halves = [rng.permutation(40) for _ in range(400)]
    floor = np.mean([distribution.frechet_distance(y[o[:20]], y[o[20:]]) for o in halves])
    assert s.details["floor"] == pytest.approx(floor, rel=0.1)


def test_kvd_summary():
    x, y = pair()
    s = distribution.KVD.reduce(rows_of(x, y), 7)
    assert s.value == distribution.kernel_distance(x, y)
    left = np.array([distribution.kernel_distance(np.delete(x, i, 0), np.delete(y, i, 0)) for i in range(40)])
    assert s.se == pytest.approx(math.sqrt(39 / 40 * ((left - left.mean()) ** 2).sum()), rel=1e-9)
    assert s.low < s.value < s.high and s.high - s.value == pytest.approx(2.0227 * s.se, rel=1e-4)


def test_split_corrected_summary():
    x, y = pair()
    s = distribution.FVD_SPLIT.reduce(rows_of(x, y), 7)
    within = (s.details["within_generated"] + s.details["within_reference"]) / 2
    assert s.value == pytest.approx(s.details["between"] - within, rel=1e-12)
    assert s.details["split_n"] == 20 and s.low < s.value < s.high
    assert (
        s.value
        == distribution.split_frechet_distance(x, y, 7).value
        != distribution.split_frechet_distance(x, y, 8).value
    )


def test_split_correction_of_equal_sets_is_zero():
    x, _ = pair(30, 50)
    found = distribution.split_frechet_distance(x, x, 0)
    assert abs(found.value) < 1e-10 and found.se < 1e-9


def test_split_correction_removes_the_bias():
    """True distances 0 and 4 with n = 32 < d = 48, where the plain distance is mostly bias."""
    rng = np.random.default_rng(11)
    for shift, true in ((0.0, 0.0), (2.0, 4.0)):
        plain, corrected = [], []
        for _ in range(25):
            x, y = rng.normal(size=(2, 32, 48))
            y[:, 0] += shift
            plain.append(distribution.frechet_distance(x, y))
            corrected.append(distribution.split_frechet_distance(x, y, 0, splits=4).value)
        assert np.mean(plain) > true + 25
        assert abs(np.mean(corrected) - true) < 4 * np.std(corrected) / 5


def test_split_error_matches_the_spread_over_samples():
    rng = np.random.default_rng(12)
    found = []
    for _ in range(40):
        x = rng.normal(size=(40, 12))
        found.append(distribution.split_frechet_distance(x, rng.normal(size=(40, 12)) + 0.4, 0, splits=6))
    ratio = np.mean([f.se for f in found]) / np.std([f.value for f in found])
    assert 0.7 < ratio < 1.4


@pytest.mark.parametrize("metric", [distribution.FVD, distribution.KVD, distribution.FVD_SPLIT], ids=lambda m: m.id)
def test_order_of_rows_does_not_matter_to_a_bit(metric):
    x, y = pair(33, 50)
    order = np.random.default_rng(0).permutation(33)
    assert metric.reduce(rows_of(x, y), 3) == metric.reduce(rows_of(x, y, order), 3)


@pytest.mark.parametrize("metric", [distribution.FVD, distribution.KVD, distribution.FVD_SPLIT], ids=lambda m: m.id)
@pytest.mark.parametrize("n", [1, 2, 3, 4, 7])
def test_few_cases_have_no_error_and_say_why(metric, n):
    x, y = pair(n, 3)
    s = metric.reduce(rows_of(x, y), 0)
    assert s.se is None and s.low is None and s.high is None and s.reason
    least = 4 if metric is distribution.FVD_SPLIT else 2
    assert (s.value is None) == (n < least)
    if n < least:
        assert f"at least {least} videos" in s.reason


def test_warning_where_bias_rules():
    s = distribution.FVD.reduce(rows_of(*pair(16, 16)), 0)
    assert "n = 16 <= d = 16" in s.reason and s.value is not None and s.se is not None
    assert distribution.FVD.reduce(rows_of(*pair(17, 16)), 0).reason == ""


def test_large_sets_use_the_first_order_jackknife():
    x, y = pair(300, 4)
    s = distribution.FVD.reduce(rows_of(x, y), 0)
    left = np.array([frechet(np.delete(x, i, 0), np.delete(y, i, 0)) for i in range(300)])
    assert "first-order" in s.method
    assert s.se == pytest.approx(math.sqrt(299 / 300 * ((left - left.mean()) ** 2).sum()), rel=0.03)


def test_jackknife_is_fast():
    x, y = pair(128, 512)
    rows = rows_of(x, y)
    distribution.FVD.reduce(rows, 0)
    with threadpool_limits(1):  # as in a run; threads that wait for a busy core count as time
        start = time.process_time()
        distribution.FVD.reduce(rows, 0)
        assert time.process_time() - start < 6  # about 0.4 s on an idle core


def case_view(generated, reference):
    case = Case("a", "single", "", "", "", "", (), None)  # type: ignore[arg-type]
    view = lambda e: View({"video": {"embedding": e}}, np.zeros(1), (8, 8), InputMatch(1, 0, 0, 1))  # noqa: E731
    return CaseView(case, view(generated), view(reference))


def test_measure_keeps_both_embeddings():
    a, b = np.array([3.0, 0.0], np.float32), np.array([0.0, 4.0], np.float32)
    values = distribution.FVD.measure(case_view(a, b))
    assert values["value"] is None and values["distance"] == 5.0
    assert values["generated_video"].dtype == np.float64
    row = Row("a", "single", "fvd", "ok", values)
    s = distribution.FVD.reduce([row, dataclasses.replace(row, case_id="b")], 0)
    assert s.value == pytest.approx(25.0)


def test_measure_refuses_bad_embeddings():
    good = np.zeros(3, np.float32)
    with pytest.raises(VideoError, match="NaN"):
        distribution.KVD.measure(case_view(np.array([0, np.nan, 0]), good))
    with pytest.raises(PluginError, match="shapes"):
        distribution.KVD.measure(case_view(np.zeros(4), good))
    with pytest.raises(PluginError, match="lengths"):
        distribution.KVD.reduce(rows_of([np.zeros(2), np.zeros(3)], [np.zeros(2), np.zeros(3)]), 0)
