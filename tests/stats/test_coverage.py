"""Simulated coverage at n = 64. docs/benchmarks/coverage.md has more trials and what was not chosen."""

from __future__ import annotations

import numpy as np
import pytest

from motionbench.metrics.distribution import frechet_distance, split_frechet_distance
from motionbench.stats import mean_interval, rank_sets

N = 64
SHAPES = {
    "Beta(1/2, 1/2)": (lambda rng: rng.beta(0.5, 0.5, N), 0.5),
    "Beta(5, 2)": (lambda rng: rng.beta(5, 2, N), 5 / 7),
    "zero-inflated Beta": (lambda rng: rng.beta(2, 2, N) * (rng.random(N) < 0.5), 0.25),
    "exponential": (lambda rng: rng.exponential(size=N), 1.0),
}


def coverage(name, trials):
    sample, truth = SHAPES[name]
    rng = np.random.default_rng(10)
    found = [mean_interval(sample(rng), 0) for _ in range(trials)]
    return np.mean([f.low <= truth <= f.high for f in found])


@pytest.mark.parametrize("name", SHAPES)
def test_intervals_cover_the_mean(name):
    share = coverage(name, 200)
    assert (0.86 if name == "exponential" else 0.89) <= share <= 0.99  # the bar and three standard errors


@pytest.mark.slow
@pytest.mark.parametrize("name", SHAPES)
def test_intervals_cover_the_mean_many_times(name):
    low, high = (0.91, 0.97) if name == "exponential" else (0.93, 0.97)
    assert low <= coverage(name, 3000) <= high


@pytest.mark.parametrize(("trials", "least"), [(60, 0.87), pytest.param(600, 0.95, marks=pytest.mark.slow)])
def test_rank_sets_hold_the_true_ranks(trials, least):
    means = np.array([0.0, 0.0, 0.2, 0.4, 0.6, 1.0])
    best, worst = (np.array([1 + (means > m).sum() for m in means]), np.array([6 - (means < m).sum() for m in means]))
    rng, hits = np.random.default_rng(11), 0
    for _ in range(trials):
        table = rng.beta(0.5, 0.5, (N, 6)) / 0.354 + rng.normal(size=(N, 1)) + means
        found = rank_sets(table, 0, higher_is_better=True)
        hits += all(f.best <= b and w <= f.worst for f, b, w in zip(found, best, worst, strict=True))
    assert hits / trials >= least


@pytest.mark.parametrize("power", [0.0, 0.5])
def test_split_correction_where_the_plain_distance_is_mostly_bias(power):
    """True distance 20 in 400 dimensions, by a shift of the mean."""
    deviations = np.arange(1.0, 401) ** -power
    deviations *= 20 / np.linalg.norm(deviations)
    rng = np.random.default_rng(12)
    near = 0
    for trial in range(12):
        x, y = rng.normal(size=(2, N, 400)) * deviations
        y += np.sqrt(20 / 400)
        found = split_frechet_distance(x, y, trial, splits=6)
        assert frechet_distance(x, y) > 10 * 20
        near += abs(found.value - 20) <= 2 * found.se
    assert near >= 10
