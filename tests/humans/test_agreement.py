"""Metrics against people whose truth is known."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motionbench.errors import DataError
from motionbench.humans import Vote, agreement
from motionbench.humans.agreement import calibrate


def population(rng, *, cases=80, raters=3, doubt=0.0, tie=0.3):
    """Two systems with a true quality on each case; raters see it with noise `doubt`, and call small gaps ties."""
    quality = {name: {f"c{i:03d}": rng.normal() for i in range(cases)} for name in ("x", "y")}
    votes = []
    for case, rater in itertools.product(range(cases), range(raters)):
        gap = quality["x"][f"c{case:03d}"] - quality["y"][f"c{case:03d}"] + rng.normal(0, doubt)
        answer = "tie" if abs(gap) <= tie else "a" if gap > 0 else "b"
        votes.append(Vote(f"c{case:03d}", "x", "y", "q", answer, f"r{rater}"))
    return quality, votes


def noisy(quality, rng, noise):
    return {name: {c: v + rng.normal(0, noise) for c, v in table.items()} for name, table in quality.items()}


def test_the_truth_agrees_with_raters_without_doubt():
    rng = np.random.default_rng(0)
    quality, votes = population(rng)
    noise = {name: {c: rng.normal() for c in table} for name, table in quality.items()}
    (found,) = agreement(votes, {"truth": quality, "noise": noise, "half": noisy(quality, rng, 1.0)}, draws=200)
    assert [m.metric for m in found.metrics] == ["truth", "half", "noise"]
    truth, _, blind = found.metrics
    assert truth.accuracy.value > 0.97 and truth.strict.value == 1.0 and 0.2 < truth.threshold <= 0.3
    assert found.ceiling.value == 1.0
    assert blind.strict.low < 0.5 < blind.strict.high
    assert blind.accuracy.value < blind.constant + 0.1 < 0.65
    assert (found.votes, found.cases, found.raters) == (240, 80, 3)


def test_doubt_lowers_the_ceiling_and_the_truth_reaches_it():
    quality, votes = population(np.random.default_rng(1), cases=200, raters=5, doubt=1.0)
    (found,) = agreement(votes, {"truth": quality}, draws=200)
    assert 0.5 < found.ceiling.value < 0.85
    assert found.metrics[0].accuracy.value == pytest.approx(found.ceiling.value, abs=0.08)


def test_intervals_cover_the_accuracy_of_a_large_population():
    """200 cases seen by many raters stand for the truth; 40 cases and 5 raters must hold it."""
    rng = np.random.default_rng(2)
    quality, votes = population(rng, cases=1000, raters=5, doubt=0.5)
    metric = noisy(quality, rng, 0.7)
    true = agreement(votes, {"m": metric}, draws=2)[0].metrics[0].strict.value
    hits = 0
    for trial in range(40):
        inside = {f"c{i:03d}" for i in range(25 * trial, 25 * trial + 25)}
        found = agreement([v for v in votes if v.case_id in inside], {"m": metric}, trial, 200)[0].metrics[0].strict
        hits += found.low <= true <= found.high
    assert hits >= 34


def by_search(gaps, signs):
    tried = [0.0, *np.abs(gaps)]
    scores = [np.mean(np.where(np.abs(gaps) <= t, 0, np.sign(gaps)) == signs) for t in tried]
    return max(scores), min(t for t, s in zip(tried, scores, strict=True) if s == max(scores))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(-3, 3), st.sampled_from([-1, 0, 1])), min_size=1, max_size=12))
def test_the_threshold_is_the_best_of_all(votes):
    gaps, signs = np.array([float(g) for g, _ in votes]), np.array([s for _, s in votes])
    found = calibrate(gaps, signs)
    best, smallest = by_search(gaps, signs)
    assert np.mean(np.where(np.abs(gaps) <= found, 0, np.sign(gaps)) == signs) == pytest.approx(best)
    assert found == smallest


def test_ceiling_by_hand():
    """Three raters: a, a, b. The first two meet one agreeing and one other voice, the third two against it."""
    votes = [Vote(f"c{i}", "x", "y", "q", v, r) for i in range(8) for r, v in (("1", "a"), ("2", "a"), ("3", "b"))]
    (found,) = agreement(votes, {"m": {"x": {f"c{i}": 1.0 for i in range(8)}, "y": {f"c{i}": 0.0 for i in range(8)}}})
    assert found.ceiling.value == pytest.approx((0.5 + 0.5 + 0) / 3)
    assert found.metrics[0].accuracy.value == found.metrics[0].constant == pytest.approx(2 / 3)


def test_votes_without_values_are_left_out_and_counted():
    quality, votes = population(np.random.default_rng(3), cases=20)
    short = {"x": quality["x"], "y": {c: v for c, v in quality["y"].items() if c > "c009"}}
    found = agreement(votes, {"short": short}, draws=20)[0]
    assert found.metrics[0].accuracy.n == 30 and found.votes == 60
    with pytest.raises(DataError, match="none of the votes"):
        agreement(votes, {"empty": {}}, draws=20)
    ties = [Vote(f"c{i:03d}", "x", "y", "q", "tie", "r") for i in range(10)]
    only = agreement(ties, {"m": quality}, draws=20)[0]
    assert only.metrics[0].strict is None and only.ceiling is None and only.metrics[0].accuracy.value >= 0.9
