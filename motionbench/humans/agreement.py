"""Does a metric prefer what people prefer? Case by case, against what other people do.

For a vote on systems a and b of one case, a metric says a, b or tie: the system with the better value, and a tie where
the two values lie within a threshold. `accuracy` is the share of votes that the metric says as well. The threshold is
the one that makes accuracy largest (tie calibration, Deutsch, Foster and Freitag 2023,
https://arxiv.org/abs/2305.14324), but never on the cases that it is then judged on: cases are dealt into 10 folds,
and each fold uses the threshold of the others. `strict` leaves people's ties out and counts a metric's own ties half:
0.5 is a coin.

What can be reached at all: `ceiling` is the share of votes that agree with the plurality of the *other* raters of the
same item (half of a vote where they are split in two), and `constant` the accuracy of the one best constant answer.

Intervals are percentiles of a bootstrap over cases and raters. Failure modes: accuracy rises with the share of pairs
that anybody can tell apart; agreement on one set of systems need not hold on better ones.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from motionbench.errors import DataError
from motionbench.humans.draws import ends, weights
from motionbench.humans.votes import Vote

Floats = NDArray[np.float64]

DRAWS, FOLDS = 2000, 10


@dataclass(frozen=True, slots=True)
class Share:
    """A share of votes with its interval (None below 8 cases) and the number of votes that it rests on."""

    value: float
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True, slots=True)
class MetricAgreement:
    """One metric: accuracy with calibrated ties, strict accuracy (None where all votes are ties), and the threshold.

    `threshold` is that of all votes together, in the metric's unit; `constant` the best constant answer's accuracy on
    the same votes.
    """

    metric: str
    accuracy: Share
    strict: Share | None
    threshold: float
    constant: float


@dataclass(frozen=True, slots=True)
class Agreement:
    """One question: the metrics, the best first, and the ceiling (None where no item has two raters)."""

    question: str
    metrics: tuple[MetricAgreement, ...]
    ceiling: Share | None
    votes: int
    cases: int
    raters: int


Values = Mapping[str, Mapping[str, float]]  # system to case id to a value of which higher is better


def agreement(
    votes: Sequence[Vote], metrics: Mapping[str, Values], seed: int = 0, draws: int = DRAWS
) -> tuple[Agreement, ...]:
    """Hold metrics against people, question by question in the order of the questions' names.

    Args:
        votes: at least one.
        metrics: metric id to its values; for a metric whose lower values are better, their negatives. Votes on which
            a metric has not both values are left out for that metric.
        seed: seed of the bootstrap.
        draws: number of bootstrap draws.

    Raises:
        DataError: a metric has no vote with both values under some question.
    """
    result = []
    for question in sorted({vote.question for vote in votes}):
        asked = [vote for vote in votes if vote.question == question]
        found = [_metric(name, values, asked, seed, draws) for name, values in metrics.items()]
        result.append(
            Agreement(
                question=question,
                metrics=tuple(sorted(found, key=lambda m: (-m.accuracy.value, m.metric))),
                ceiling=_ceiling(asked, seed, draws),
                votes=len(asked),
                cases=len({vote.case_id for vote in asked}),
                raters=len({vote.rater for vote in asked}),
            )
        )
    return tuple(result)


def _metric(name: str, values: Values, votes: Sequence[Vote], seed: int, draws: int) -> MetricAgreement:
    usable = [v for v in votes if all(v.case_id in values.get(system, {}) for system in v.pair)]
    if not usable:
        raise DataError(
            f"{name} has a value for both systems in none of the votes",
            "systems in the votes are matched with runs by their names, and cases by their ids",
        )
    gaps = np.array([values[v.pair[0]][v.case_id] - values[v.pair[1]][v.case_id] for v in usable])
    signs = np.array([v.sign for v in usable])
    folds = np.array([_fold(v.case_id) for v in usable])
    said = np.empty(len(usable))
    for fold in np.unique(folds):
        inside = folds == fold
        others = ~inside if not inside.all() else inside
        said[inside] = _say(gaps[inside], calibrate(gaps[others], signs[others]))
    clear = signs != 0
    half = np.where(gaps == 0.0, 0.5, (np.sign(gaps) == signs).astype(np.float64))
    return MetricAgreement(
        metric=name,
        accuracy=_share((said == signs).astype(np.float64), usable, seed, draws),
        strict=_share(half[clear], [v for v, c in zip(usable, clear, strict=True) if c], seed, draws)
        if clear.any()
        else None,
        threshold=calibrate(gaps, signs),
        constant=max(Counter(signs.tolist()).values()) / len(usable),
    )


def calibrate(gaps: Floats, signs: NDArray[np.integer]) -> float:
    """The tie threshold with the highest accuracy; of equally good ones the smallest.

    Args:
        gaps: float64 [n], the metric's value of the first system less that of the second.
        signs: int [n], people's answers: 1, -1, or 0 for a tie.

    Returns:
        A threshold of at least 0: gaps of at most that size are ties. It is one of the sizes found, or 0.
    """
    sizes = np.abs(gaps)
    order = np.argsort(sizes, kind="stable")
    right = (np.sign(gaps) == signs)[order].astype(np.int64)
    tied = (signs == 0)[order].astype(np.int64)
    # With the k smallest gaps called ties, the hits are the ties among them and the right signs among the others.
    hits = np.concatenate([[0], np.cumsum(tied)]) + np.concatenate([np.cumsum(right[::-1])[::-1], [0]])
    ordered = sizes[order]
    allowed = np.concatenate([[not len(ordered) or ordered[0] > 0], np.append(ordered[1:] > ordered[:-1], True)])
    best = int(np.argmax(np.where(allowed, hits, -1)))
    return 0.0 if best == 0 else float(ordered[best - 1])


def _say(gaps: Floats, threshold: float) -> Floats:
    return np.where(np.abs(gaps) <= threshold, 0.0, np.sign(gaps))


def _fold(case_id: str) -> int:
    return hashlib.sha256(case_id.encode("utf-8", "backslashreplace")).digest()[0] % FOLDS


def _ceiling(votes: Sequence[Vote], seed: int, draws: int) -> Share | None:
    """How often a rater says what most of the others say."""
    items: dict[tuple[str, tuple[str, str]], list[Vote]] = defaultdict(list)
    for vote in votes:
        items[vote.case_id, vote.pair].append(vote)
    judged, hits = [], []
    for same in items.values():
        for vote in same if len(same) > 1 else []:
            counts = Counter(other.sign for other in same if other is not vote)
            top = [sign for sign, count in counts.items() if count == max(counts.values())]
            judged.append(vote)
            hits.append(1.0 / len(top) if vote.sign in top else 0.0)
    return _share(np.array(hits), judged, seed, draws) if judged else None


def _share(hits: Floats, votes: Sequence[Vote], seed: int, draws: int) -> Share:
    drawn = weights(votes, draws, seed)
    low = high = None
    if drawn is not None:
        totals = drawn.sum(axis=1)
        kept = totals > 0  # with few raters a draw may miss all of their cases
        low, high = ends((drawn @ hits)[kept] / totals[kept])
    return Share(float(hits.mean()), low, high, len(votes))
