"""Simulated raters of known truth."""

from __future__ import annotations

import itertools

import numpy as np

from motionbench.humans import Vote


def crowd(strengths, rng, *, cases=40, raters=6, ties=-0.5, hard=0.0, bias=0.0):
    """Each rater answers one random pair of each case; `hard` is how much systems differ from case to case."""
    names = [f"s{i}" for i in range(len(strengths))]
    pairs = list(itertools.combinations(range(len(strengths)), 2))
    shift = rng.normal(0, hard, (cases, len(strengths)))
    taste = rng.normal(0, bias, (raters, len(strengths)))
    votes = []
    for case, rater in itertools.product(range(cases), range(raters)):
        i, j = pairs[rng.integers(len(pairs))]
        if rng.random() < 0.5:
            i, j = j, i
        s = np.array(strengths) + shift[case] + taste[rater]
        chance = np.exp([s[i], s[j], ties + (s[i] + s[j]) / 2])
        answer = ("a", "b", "tie")[rng.choice(3, p=chance / chance.sum())]
        votes.append(Vote(f"case-{case:03d}", names[i], names[j], "motion", answer, f"rater {rater}"))
    return votes
