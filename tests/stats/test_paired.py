"""Sign flips, effect sizes, Holm and rank sets: closed forms and properties."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motionbench.stats import holm, minimum_detectable_effect, paired_difference, rank_sets, sign_flip_p


def by_enumeration(differences):
    patterns = itertools.product((-1, 1), repeat=len(differences))
    found = [abs(np.dot(p, differences)) for p in patterns]
    return np.mean([f >= abs(sum(differences)) - 1e-9 for f in found])


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(-3, 3), min_size=1, max_size=9))
def test_exact_p_is_the_share_of_patterns(differences):
    assert sign_flip_p(differences, 0) == pytest.approx(by_enumeration(differences))


def test_random_patterns_agree_with_all_of_them():
    data = np.random.default_rng(0).normal(0.5, 1, 15)
    exact = sign_flip_p(data, 0)
    assert exact == pytest.approx(by_enumeration(data), abs=1e-12)
    padded = np.concatenate([data, [0.0] * 5])  # zeros change no sum, and 20 cases are too many to try all
    assert sign_flip_p(padded, 1) == pytest.approx(exact, abs=0.01)
    assert sign_flip_p(padded, 1) == sign_flip_p(padded[::-1], 1) != sign_flip_p(padded, 2)


def test_p_is_never_zero_and_one_without_difference():
    assert sign_flip_p(np.ones(64), 0) == pytest.approx(1 / 10001)
    assert sign_flip_p(np.zeros(64), 0) == sign_flip_p([0.0], 0) == 1.0


def test_p_takes_cases_and_rounding_as_they_are():
    data = np.random.default_rng(1).normal(0.2, 1, 64)
    assert sign_flip_p(data, 0) == sign_flip_p(-data, 0) == pytest.approx(sign_flip_p(1e6 * data, 0))


def test_a_cluster_flips_as_one():
    data = np.array([1.0, 2.0, -0.5, 3.0, 1.0, 0.5])
    names = ["a", "a", "b", "b", "c", "c"]
    assert sign_flip_p(data, 0, names) == pytest.approx(by_enumeration([3.0, 2.5, 1.5]))


def test_permutation_test_keeps_its_level():
    rng = np.random.default_rng(2)
    p = np.array([sign_flip_p(rng.beta(0.5, 0.5, 64) - rng.beta(0.5, 0.5, 64), 0) for _ in range(400)])
    assert 0.02 <= (p <= 0.05).mean() <= 0.08  # three standard errors; docs/benchmarks/coverage.md has 3,000 trials


def test_minimum_detectable_effect_by_hand():
    assert minimum_detectable_effect(2.0, 63) == pytest.approx(2 * (1.998341 + 0.847364), rel=1e-5)
    assert minimum_detectable_effect(1.0, 10**6) == pytest.approx(1.959966 + 0.841622, rel=1e-4)


def test_paired_difference():
    rng = np.random.default_rng(3)
    base = rng.normal(size=40)
    system = base + rng.normal(0.3, 0.5, 40)
    up = paired_difference(system, base, 5, higher_is_better=True)
    down = paired_difference(system, base, 5, higher_is_better=False)
    assert up.value == down.value == pytest.approx(np.mean(system - base)) and up.low < up.value < up.high
    assert (up.wins, up.losses) == (down.losses, down.wins) and up.wins == int((system > base).sum())
    assert up.improvement == pytest.approx(1 - down.improvement)
    assert up.detectable == pytest.approx(minimum_detectable_effect(up.se, 39))
    back = paired_difference(base, system, 5, higher_is_better=True)
    assert back.value == pytest.approx(-up.value) and back.p == up.p


def test_ties_count_half_and_rounding_is_a_tie():
    a = np.array([0.1 + 0.2, 1.0, 2.0, 5.0])
    found = paired_difference(a, [0.3, 1.0, 1.0, 6.0], 0, higher_is_better=True)
    assert (found.wins, found.ties, found.losses, found.improvement) == (1, 2, 1, 0.5)
    assert found.low is None and found.detectable is None and found.p == 1.0


@pytest.mark.parametrize("bad", [[], [math.nan], [[1.0]]])
def test_bad_differences(bad):
    with pytest.raises(ValueError, match="finite"):
        sign_flip_p(bad, 0)
    with pytest.raises(ValueError):
        paired_difference([1.0, 2.0], bad, 0, higher_is_better=True)


def test_holm_by_hand():
    assert holm([]) == []
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12), st.randoms())
def test_holm_properties(p, random):
    adjusted = holm(p)
    assert all(a >= b or a == 1.0 for a, b in zip(adjusted, p, strict=True)) and max(adjusted) <= 1
    assert min(adjusted) == pytest.approx(min(1.0, len(p) * min(p)))
    order = random.sample(range(len(p)), len(p))
    assert holm([p[i] for i in order]) == [adjusted[i] for i in order]


def ranks(found):
    return [(f.best, f.worst) for f in found]


def test_rank_sets_of_clear_and_equal_systems():
    rng = np.random.default_rng(4)
    hard = rng.normal(0, 5, (64, 1))  # shared by all systems: only paired tests see through it
    table = hard + rng.normal(0, 0.1, (64, 4)) + [0.0, 1.0, 1.0, 3.0]
    assert ranks(rank_sets(table, 0, higher_is_better=True)) == [(4, 4), (2, 3), (2, 3), (1, 1)]
    assert ranks(rank_sets(table, 0, higher_is_better=False)) == [(1, 1), (2, 3), (2, 3), (4, 4)]
    assert [f.first for f in rank_sets(table, 0, higher_is_better=True)] == [False, False, False, True]
    noise = rng.normal(size=(64, 3))
    assert ranks(rank_sets(noise, 0, higher_is_better=True)) == [(1, 3)] * 3


def test_rank_sets_at_the_edges():
    same = np.repeat(np.arange(9.0)[:, None], 2, axis=1)
    assert ranks(rank_sets(same, 0, higher_is_better=True)) == [(1, 2), (1, 2)]
    assert ranks(rank_sets(same + np.array([0, 1]), 0, higher_is_better=True)) == [
        (2, 2),
        (1, 1),
    ]  # the same gap everywhere
    assert ranks(rank_sets(same[:, :1], 0, higher_is_better=True)) == [(1, 1)]
    assert rank_sets(same[:7], 0, higher_is_better=True) is None
    with pytest.raises(ValueError, match="table"):
        rank_sets([1.0, 2.0], 0, higher_is_better=True)


def test_rank_sets_do_not_hang_on_the_order_of_systems_or_a_shift_of_cases():
    rng = np.random.default_rng(5)
    table = rng.exponential(size=(64, 5)) + np.arange(5) * 0.3
    found = ranks(rank_sets(table, 0, higher_is_better=True))
    order = [3, 0, 4, 1, 2]
    assert ranks(rank_sets(table[:, order], 0, higher_is_better=True)) == [found[i] for i in order]
    assert ranks(rank_sets(table + rng.normal(size=(64, 1)), 0, higher_is_better=True)) == found


def test_clusters_widen_rank_sets():
    rng = np.random.default_rng(6)
    table = np.repeat(rng.normal(size=(16, 2)), 4, axis=0)  # no true difference, but 64 cases would claim one
    names = [str(i // 4) for i in range(64)]
    assert ranks(rank_sets(table, 0, higher_is_better=True)) == [(2, 2), (1, 1)]
    assert ranks(rank_sets(table, 0, higher_is_better=True, clusters=names)) == [(1, 2), (1, 2)]
