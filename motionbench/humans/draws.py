"""Bootstrap over cases and raters at once: how far a number may be off because there are only so many of both.

Each draw takes cases with replacement and, independently, raters with replacement; a vote counts as often as its case
times its rater was drawn (Owen and Eckles 2012, https://doi.org/10.1214/12-AOAS547). For numbers that depend on both it
is a little too wide rather than too narrow. With a single rater, only the cases are drawn.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from motionbench.humans.votes import Vote

Floats = NDArray[np.float64]
MIN_CASES = 8  # no interval below, as for every other mean over cases


def weights(votes: Sequence[Vote], draws: int, seed: int) -> Floats | None:
    """How often each vote counts in each draw.

    Args:
        votes: the votes.
        draws: number of draws.
        seed: seed of the draws.

    Returns:
        float64 [draws, votes]; None below 8 cases, where there is no interval.
    """
    cases = _numbers([vote.case_id for vote in votes])
    raters = _numbers([vote.rater for vote in votes])
    if cases.max() + 1 < MIN_CASES:
        return None
    rng = np.random.default_rng(seed)
    found = _counts(rng, int(cases.max()) + 1, draws)[:, cases]
    if raters.max() > 0:
        found *= _counts(rng, int(raters.max()) + 1, draws)[:, raters]
    return found


def ends(draws: Floats, level: float = 0.95) -> tuple[float, float]:
    """The percentile interval of draws [B] that are finite."""
    low, high = np.quantile(draws, [0.5 - level / 2, 0.5 + level / 2])
    return float(low), float(high)


def _numbers(names: Sequence[str]) -> NDArray[np.int64]:
    """Number equal names alike, in the order of the names, so that the order of the votes has no effect."""
    place = {name: i for i, name in enumerate(sorted(set(names)))}
    return np.array([place[name] for name in names], np.int64)


def _counts(rng: np.random.Generator, size: int, draws: int) -> Floats:
    chosen = rng.integers(0, size, (draws, size)) + np.arange(draws)[:, None] * size
    return np.bincount(chosen.ravel(), minlength=draws * size).reshape(draws, size).astype(np.float64)
