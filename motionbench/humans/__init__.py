"""Pairwise judgements by people: collect them, score systems by them, and ask how well each metric agrees.

`votes` reads them from a CSV file, `bradley_terry` turns them into scores, `agreement` holds metrics against them,
`page` writes the static page that collects them (import it by its own name: it needs the video rooms).
"""

from motionbench.humans.agreement import Agreement, MetricAgreement, agreement
from motionbench.humans.bradley_terry import Score, Scores, bradley_terry
from motionbench.humans.votes import COLUMNS, Vote, read_votes

__all__ = [
    "COLUMNS",
    "Agreement",
    "MetricAgreement",
    "Score",
    "Scores",
    "Vote",
    "agreement",
    "bradley_terry",
    "read_votes",
]
