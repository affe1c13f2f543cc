"""Scores of systems from pairwise votes: Bradley and Terry's model with Davidson's ties.

With strengths s, a common tie parameter t and Z the sum of the three numerators::

    P(i beats j) = exp(s_i) / Z,    P(j beats i) = exp(s_j) / Z,    P(tie) = exp(t + (s_i + s_j) / 2) / Z

(Davidson 1970, https://doi.org/10.1080/01621459.1970.10481082). Scores are strengths in natural log-odds, centred at a
mean of 0: a system that is 1 higher is preferred 2.7 times as often as the other one. A normal prior of standard
deviation 3 keeps a system that wins every vote finite; it moves nobody else by more than a few per cent. Intervals are
percentiles of a bootstrap over cases and raters (see `draws`).

Failure modes: one number a system means that preferences are transitive; systems that no chain of votes connects cannot
be compared, which is an error here; what was asked decides what is scored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from motionbench.canonical import show
from motionbench.errors import DataError
from motionbench.humans.draws import MIN_CASES, ends, weights
from motionbench.humans.votes import Vote

Floats = NDArray[np.float64]

DRAWS = 2000
PRIOR = 3.0  # standard deviation of a strength, in log-odds
_STEPS, _LONGEST_STEP, _CLOSE = 100, 2.0, 1e-9


@dataclass(frozen=True, slots=True)
class Score:
    """One system: score, its interval (None below 8 cases), and votes won, tied and lost."""

    system: str
    score: float
    low: float | None
    high: float | None
    won: int
    tied: int
    lost: int


@dataclass(frozen=True, slots=True)
class Scores:
    """All systems under one question, the best first.

    Attributes:
        question: what was asked.
        scores: one for each system.
        ties: the tie parameter t; two equal systems tie with probability exp(t) / (2 + exp(t)).
        votes, cases, raters: how many there are.
        reason: why there is no interval, or "".
    """

    question: str
    scores: tuple[Score, ...]
    ties: float
    votes: int
    cases: int
    raters: int
    reason: str


def bradley_terry(votes: Sequence[Vote], seed: int = 0, draws: int = DRAWS) -> tuple[Scores, ...]:
    """Score the systems, question by question in the order of the questions' names.

    Args:
        votes: at least one.
        seed: seed of the bootstrap.
        draws: number of bootstrap draws.

    Raises:
        DataError: under some question, no chain of votes connects all systems.
    """
    questions = sorted({vote.question for vote in votes})
    return tuple(_one(question, [v for v in votes if v.question == question], seed, draws) for question in questions)


def _one(question: str, votes: Sequence[Vote], seed: int, draws: int) -> Scores:
    systems = sorted({name for vote in votes for name in vote.pair})
    place = {name: i for i, name in enumerate(systems)}
    pairs = sorted({vote.pair for vote in votes})
    ends_of = np.array([[place[a], place[b]] for a, b in pairs])
    _connected(systems, ends_of, question)
    cell = np.array([3 * pairs.index(vote.pair) + {1: 0, -1: 1, 0: 2}[vote.sign] for vote in votes])
    counts = np.bincount(cell, minlength=3 * len(pairs)).reshape(1, len(pairs), 3).astype(np.float64)
    (found,) = fit(counts, ends_of, len(systems))
    drawn = weights(votes, draws, seed)
    intervals: list[tuple[float, float]] | None = None
    if drawn is not None:
        order = np.zeros((len(votes), 3 * len(pairs)))
        order[np.arange(len(votes)), cell] = 1.0
        resampled = fit((drawn @ order).reshape(draws, len(pairs), 3), ends_of, len(systems))
        intervals = [ends(resampled[:, i]) for i in range(len(systems))]
    scores = []
    for i, name in enumerate(systems):
        low, high = intervals[i] if intervals else (None, None)
        scores.append(Score(name, float(found[i]), low, high, *_tally(votes, name)))
    cases = len({vote.case_id for vote in votes})
    return Scores(
        question=question,
        scores=tuple(sorted(scores, key=lambda s: (-s.score, s.system))),
        ties=float(found[-1]),
        votes=len(votes),
        cases=cases,
        raters=len({vote.rater for vote in votes}),
        reason="" if intervals else f"no interval from {cases} cases: at least {MIN_CASES} are needed",
    )


def fit(counts: Floats, pairs: NDArray[np.integer], systems: int) -> Floats:
    """Most likely strengths under the prior, for many samples of votes at once, by Newton's method.

    Args:
        counts: float64 [B, P, 3], votes for the first system, for the second, and ties, of each pair.
        pairs: int [P, 2], the two systems of each pair.
        systems: K, how many there are.

    Returns:
        float64 [B, K + 1]: the strengths, centred at 0, and the tie parameter. The likelihood is concave (it is that of
        a multinomial logit), so the maximum is the only one.
    """
    design = np.zeros((len(pairs), 3, systems + 1))  # the utility of each outcome is linear in the parameters
    every = np.arange(len(pairs))
    design[every, 0, pairs[:, 0]] = design[every, 1, pairs[:, 1]] = 1.0
    design[every, 2, pairs[:, 0]] = design[every, 2, pairs[:, 1]] = 0.5
    design[:, 2, systems] = 1.0
    totals = counts.sum(axis=2)
    found = np.zeros((len(counts), systems + 1))
    for _ in range(_STEPS):
        utility = np.einsum("pok,bk->bpo", design, found)
        chance = np.exp(utility - utility.max(axis=2, keepdims=True))
        chance /= chance.sum(axis=2, keepdims=True)
        gradient = np.einsum("bpo,pok->bk", counts - totals[..., None] * chance, design) - found / PRIOR**2
        mean = np.einsum("bpo,pok->bpk", chance, design)
        curvature = np.einsum("bpo,pok,pol->bkl", totals[..., None] * chance, design, design, optimize=True)
        curvature -= np.einsum("bp,bpk,bpl->bkl", totals, mean, mean, optimize=True)
        curvature += np.eye(systems + 1) / PRIOR**2
        step = np.linalg.solve(curvature, gradient[..., None])[..., 0]
        length = np.abs(step).max(axis=1, keepdims=True)
        found += step * np.minimum(1.0, _LONGEST_STEP / np.maximum(length, 1e-300))
        if length.max() < _CLOSE:
            break
    found[:, :systems] -= found[:, :systems].mean(axis=1, keepdims=True)
    return found


def _connected(systems: Sequence[str], pairs: NDArray[np.integer], question: str) -> None:
    links = csr_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(systems), len(systems)))
    parts, label = connected_components(links, directed=False)
    if parts > 1:
        other = systems[int(np.flatnonzero(label != label[0])[0])]
        raise DataError(
            f"no votes connect {show(systems[0], 60)!r} with {show(other, 60)!r} under {show(question, 60)!r}",
            "score systems together only where people compared them, directly or over others",
        )


def _tally(votes: Sequence[Vote], system: str) -> tuple[int, int, int]:
    """Votes won, tied and lost by a system."""
    signs = [vote.sign if vote.pair[0] == system else -vote.sign for vote in votes if system in vote.pair]
    return signs.count(1), signs.count(0), signs.count(-1)
