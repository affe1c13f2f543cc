"""From a prompt to clauses and from a clause to word numbers.

A caption is a list of statements: where it plays, who does what, what stands in front, what the camera does. It is cut
at full stops and where a comma is followed by a new subject ("..., and a red star ..."). Articles are dropped, so that
a clause of a caption and the prompt of its object are the same words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PAD, UNKNOWN = 0, 1
LENGTH = 32  # words of a clause; the longest of the synthetic prompts has 27
_ARTICLES = frozenset(("a", "an", "the"))
_GROUND = re.compile(r"^\s*(on an? [a-z ]+ background)\s*,", re.IGNORECASE)
# ", a quarter of the way" belongs to the circle before it.
_SUBJECT = re.compile(r",\s+(?:and\s+)?(?=(?:an?|the)\s+(?!quarter\b))", re.IGNORECASE)
_WORD = re.compile(r"[a-z]+")


def clauses(text: str) -> list[str]:
    """The statements of a prompt, in order; at least one (an empty text is one empty clause)."""
    found: list[str] = []
    for sentence in text.split("."):
        head = _GROUND.match(sentence)
        if head is not None:
            found.append(head.group(1))
            sentence = sentence[head.end() :]
        found.extend(_SUBJECT.split(sentence))
    return [clause.strip() for clause in found if clause.strip()] or [""]


def words(clause: str) -> list[str]:
    """Lower-case words without articles and marks."""
    return [word for word in _WORD.findall(clause.lower()) if word not in _ARTICLES]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Word numbers from 2; 0 pads, 1 is any other word."""

    numbers: Mapping[str, int]

    @classmethod
    def of(cls, listed: Sequence[str]) -> Vocabulary:
        """The vocabulary of a list of words, in its order."""
        return cls({word: number for number, word in enumerate(listed, start=2)})

    def encode(self, texts: Sequence[str]) -> NDArray[np.int64]:
        """Word numbers int64 [N, LENGTH] of N clauses; longer ones are cut."""
        out = np.full((len(texts), LENGTH), PAD, np.int64)
        for row, text in zip(out, texts, strict=True):
            found = [self.numbers.get(word, UNKNOWN) for word in words(text)[:LENGTH]]
            row[: len(found)] = found
        return out

    def unknown(self, texts: Sequence[str]) -> list[str]:
        """The words of the texts that are not in the vocabulary, sorted."""
        return sorted({word for text in texts for word in words(text) if word not in self.numbers})
