"""Statistics over cases: intervals, paired tests, ranks. NumPy and SciPy only.

The unit is the case; cases of one source video are drawn together where the caller names their clusters, and each
stratum (a subset of the benchmark) keeps its size. docs/statistics.md says which method is used where, and
docs/benchmarks/coverage.md how often it is right.
"""

from motionbench.stats.intervals import (
    MIN_CASES,
    RESAMPLES,
    mean_interval,
    reduce_mean,
    t_halfwidth,
    too_few,
)
from motionbench.stats.paired import Difference, minimum_detectable_effect, paired_difference, sign_flip_p
from motionbench.stats.ranks import RankSet, holm, rank_sets

__all__ = [
    "MIN_CASES",
    "RESAMPLES",
    "Difference",
    "RankSet",
    "holm",
    "mean_interval",
    "minimum_detectable_effect",
    "paired_difference",
    "rank_sets",
    "reduce_mean",
    "sign_flip_p",
    "t_halfwidth",
    "too_few",
]
