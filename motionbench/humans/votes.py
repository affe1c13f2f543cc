"""Votes: one rater, one case, two systems, one question, one answer.

    case_id,system_a,system_b,question,vote,rater

is the first line of the CSV file (UTF-8, RFC 4180 quoting), each other line is a vote; `vote` is `a`, `b` or `tie`.
Reading is strict: a line that cannot be a vote, or a second answer of one rater to one question about one pair, ends it
with the line's number, since votes that are left out silently decide who wins.
"""

from __future__ import annotations

import csv
import io
import typing as t
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from motionbench.canonical import read_bytes, show
from motionbench.errors import DataError

COLUMNS = ("case_id", "system_a", "system_b", "question", "vote", "rater")
Answer = t.Literal["a", "b", "tie"]
_ANSWERS: tuple[Answer, ...] = ("a", "b", "tie")
_LONGEST = 1000  # characters of a field


@dataclass(frozen=True, slots=True)
class Vote:
    """`vote` says which of the two systems is better on `case_id` in the rater's eyes, or that neither is."""

    case_id: str
    system_a: str
    system_b: str
    question: str
    vote: Answer
    rater: str

    @property
    def pair(self) -> tuple[str, str]:
        """Both systems in the order of their names: who stood left has no meaning."""
        return (self.system_a, self.system_b) if self.system_a < self.system_b else (self.system_b, self.system_a)

    @property
    def sign(self) -> int:
        """1 where the first system of `pair` is better, -1 where the second is, 0 for a tie."""
        sign = {"a": 1, "b": -1, "tie": 0}[self.vote]
        return sign if self.system_a == self.pair[0] else -sign


def read_votes(path: Path) -> tuple[Vote, ...]:
    """Read a CSV file of votes.

    Raises:
        DataError: the file cannot be read, has no votes or other columns, or a line is no vote; the message names it.
    """
    name = show(path)
    try:
        text = read_bytes(path).decode("utf-8-sig")
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        rows = [(reader.line_num, row) for row in reader if row]
    except UnicodeDecodeError as error:
        raise DataError(f"{name} is not UTF-8: {error.reason} at byte {error.start}", "save it as UTF-8") from error
    except csv.Error as error:
        raise DataError(
            f"{name} line {reader.line_num} is no CSV: {show(error)}", "quote fields with commas"
        ) from error
    if not rows or tuple(rows[0][1]) != COLUMNS:
        raise DataError(
            f"{name} does not start with {','.join(COLUMNS)}", "give the columns these names, in this order"
        )
    votes: list[Vote] = []
    seen: dict[tuple[str, str, str, tuple[str, str]], int] = {}
    for number, row in rows[1:]:
        vote = _vote(row, f"{name} line {number}")
        key = (vote.rater, vote.case_id, vote.question, vote.pair)
        if key in seen:
            raise DataError(
                f"{name} line {number}: {show(vote.rater, 60)!r} has answered this already, in line {seen[key]}",
                "keep one answer of a rater to one question about one case and pair",
            )
        seen[key] = number
        votes.append(vote)
    if not votes:
        raise DataError(f"{name} holds no votes", f"each line is one vote: {','.join(COLUMNS)}")
    return tuple(votes)


def _vote(row: Sequence[str], where: str) -> Vote:
    if len(row) != len(COLUMNS):
        raise DataError(f"{where}: {len(row)} fields, expected {len(COLUMNS)}", ",".join(COLUMNS))
    for column, text in zip(COLUMNS, row, strict=True):
        if not text.strip():
            raise DataError(f"{where}: {column} is empty")
        if len(text) > _LONGEST or "\0" in text:
            raise DataError(f"{where}: {column} is longer than {_LONGEST} characters or holds a NUL")
    answer = next((known for known in _ANSWERS if row[4] == known), None)
    if answer is None:
        raise DataError(f"{where}: the vote is {show(repr(row[4]), 40)}", "a vote is a, b or tie")
    if row[1] == row[2]:
        raise DataError(f"{where}: {show(row[1], 60)!r} is compared with itself")
    return Vote(row[0], row[1], row[2], row[3], answer, row[5])
