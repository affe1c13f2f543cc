"""Scores from votes: closed forms, known truth, and intervals."""

from __future__ import annotations

import math

import numpy as np
import pytest

from motionbench.errors import DataError
from motionbench.humans import Vote, bradley_terry
from motionbench.humans.bradley_terry import PRIOR, fit

from .crowd import crowd


def test_two_systems_in_closed_form():
    """Without a prior the difference is log(wins / losses), and ties have odds exp(t) against the root of both."""
    counts = np.array([[[6e6, 2e6, 3e6]]])  # so many that the prior has no weight
    first, second, ties = fit(counts, np.array([[0, 1]]), 2)[0]
    assert first - second == pytest.approx(math.log(3), rel=1e-5) and first == pytest.approx(-second)
    assert ties == pytest.approx(math.log(3 / math.sqrt(6 * 2)), rel=1e-4)


def test_many_samples_at_once_are_each_their_own():
    rng = np.random.default_rng(0)
    pairs = np.array([[0, 1], [0, 2], [1, 2]])
    counts = rng.integers(0, 30, (5, 3, 3)).astype(float)
    together = fit(counts, pairs, 3)
    for sample, found in zip(counts, together, strict=True):
        np.testing.assert_allclose(fit(sample[None], pairs, 3)[0], found, atol=1e-8)


def test_a_system_that_always_wins_has_a_finite_score():
    votes = [Vote(f"c{i}", "x", "y", "q", "a", "r") for i in range(200)]
    (found,) = bradley_terry(votes, draws=50)
    assert found.scores[0].system == "x" and 2 < found.scores[0].score < 5 * PRIOR
    assert (found.scores[0].won, found.scores[1].lost) == (200, 200)


def test_recovers_known_strengths():
    truth = np.array([-1.0, -0.3, 0.3, 1.0])
    votes = crowd(truth, np.random.default_rng(1), cases=400, raters=10)
    (found,) = bradley_terry(votes, draws=200)
    assert [s.system for s in found.scores] == ["s3", "s2", "s1", "s0"]
    for score in found.scores:
        true = truth[int(score.system[1])]
        assert score.score == pytest.approx(true, abs=0.12) and score.low < true < score.high
    assert found.ties == pytest.approx(-0.5, abs=0.15)
    assert (found.votes, found.cases, found.raters, found.reason) == (4000, 400, 10, "")


def covered(trials, hard=0.0, bias=0.0):
    truth, hits = np.array([-0.5, 0.0, 0.5]), []
    for trial in range(trials):
        votes = crowd(truth, np.random.default_rng([2, trial]), cases=40, raters=8, hard=hard, bias=bias)
        (found,) = bradley_terry(votes, seed=trial, draws=200)
        hits += [s.low <= truth[int(s.system[1])] <= s.high for s in found.scores]
    return np.mean(hits)


def test_intervals_cover_the_truth():
    assert covered(25) >= 0.88


@pytest.mark.slow
@pytest.mark.parametrize(("hard", "bias"), [(0.0, 0.0), (0.4, 0.0), (0.0, 0.2)])
def test_intervals_cover_the_truth_with_hard_cases_and_odd_raters(hard, bias):
    """Strengths that vary from case to case or rater to rater shrink towards 0 a little, which is no error of these."""
    assert covered(200, hard, bias) >= 0.91


def test_order_and_sides_of_votes_have_no_effect():
    votes = crowd([0.0, 0.5, 1.0], np.random.default_rng(3))
    swapped = [
        Vote(v.case_id, v.system_b, v.system_a, v.question, {"a": "b", "b": "a", "tie": "tie"}[v.vote], v.rater)
        for v in reversed(votes)
    ]
    a, b = bradley_terry(votes, 1, 50)[0], bradley_terry(swapped, 1, 50)[0]
    for one, other in zip(a.scores, b.scores, strict=True):
        assert one.system == other.system and one.score == pytest.approx(other.score, abs=1e-9)
        assert (one.low, one.high) == pytest.approx((other.low, other.high), abs=1e-9)


def test_questions_are_scored_apart():
    votes = [Vote(f"c{i}", "x", "y", q, v, "r") for i in range(9) for q, v in (("one", "a"), ("two", "b"))]
    one, two = bradley_terry(votes, draws=20)
    assert (one.question, one.scores[0].system) == ("one", "x") and (two.question, two.scores[0].system) == ("two", "y")


def test_few_cases_and_systems_that_nobody_connected():
    few = [Vote(f"c{i}", "x", "y", "q", "a", f"r{r}") for i in range(7) for r in range(5)]
    assert bradley_terry(few)[0].scores[0].low is None and "7 cases" in bradley_terry(few)[0].reason
    with pytest.raises(DataError, match="no votes connect 'w' with 'x'"):
        bradley_terry([*few, Vote("c", "z", "w", "q", "a", "r")])
