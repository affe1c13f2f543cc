"""Random numbers that are the same bits on every machine and in every version of every library.

Only integers are drawn, and they become floats by one exact multiplication. Each draw is a hash of a key and a
counter (the finaliser of SplitMix64: Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators",
OOPSLA 2014), so streams that are named differently are independent and no draw depends on what was drawn elsewhere.
"""

from __future__ import annotations

import hashlib
import typing as t
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15
_FIRST = 0xBF58476D1CE4E5B9
_SECOND = 0x94D049BB133111EB
_UNIT = 1.0 / (1 << 53)

Item = t.TypeVar("Item")


def key(*parts: int | str) -> int:
    """A 64-bit key from a path of names and numbers: the first 8 bytes of the sha256 of its text."""
    text = "/".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little")


def mix(value: int) -> int:
    """The finaliser of SplitMix64 on a 64-bit integer."""
    value = ((value ^ (value >> 30)) * _FIRST) & _MASK
    value = ((value ^ (value >> 27)) * _SECOND) & _MASK
    return value ^ (value >> 31)


def lattice(seed: int, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.float64]:
    """White noise on the integer plane, a function of (seed, row, column): float64 [rows, columns] in [0, 1)."""
    base = np.array([seed], dtype=np.uint64)
    with np.errstate(over="ignore"):
        down = _mix_array(rows.astype(np.uint64) * np.uint64(_GOLDEN) + base)
        both = _mix_array(down[:, None] + columns.astype(np.uint64)[None, :] * np.uint64(_SECOND))
    return (both >> np.uint64(11)).astype(np.float64) * _UNIT


def _mix_array(value: NDArray[np.uint64]) -> NDArray[np.uint64]:
    value = (value ^ (value >> np.uint64(30))) * np.uint64(_FIRST)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(_SECOND)
    return value ^ (value >> np.uint64(31))


class Draw(t.Protocol):
    """What a motion asks for its free quantities."""

    def uniform(self, low: float, high: float) -> float:
        """A number in [low, high)."""
        ...

    def child(self, *parts: int | str) -> Draw:
        """An independent source under a name."""
        ...


class Middle:
    """The draw that always answers with the middle of the range; used to plan where things will be."""

    def uniform(self, low: float, high: float) -> float:
        """The middle of [low, high]."""
        return (low + high) * 0.5

    def child(self, *parts: int | str) -> Middle:
        """The same."""
        return self


class Stream:
    """A counter-based stream of draws under a 64-bit seed.

    Args:
        seed: the stream's key; equal keys give equal draws.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._count = 0

    def bits(self) -> int:
        """The next 64 bits."""
        self._count += 1
        return mix((self._seed + self._count * _GOLDEN) & _MASK)

    def uniform(self, low: float, high: float) -> float:
        """A float64 in [low, high)."""
        return low + (high - low) * ((self.bits() >> 11) * _UNIT)

    def below(self, count: int) -> int:
        """An integer in [0, count)."""
        return ((self.bits() >> 32) * count) >> 32

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return self.uniform(0.0, 1.0) < probability

    def choice(self, items: Sequence[Item]) -> Item:
        """One of the items."""
        return items[self.below(len(items))]

    def shuffled(self, items: Sequence[Item]) -> list[Item]:
        """The items in a drawn order (Fisher-Yates)."""
        order = list(items)
        for last in range(len(order) - 1, 0, -1):
            other = self.below(last + 1)
            order[last], order[other] = order[other], order[last]
        return order

    def child(self, *parts: int | str) -> Stream:
        """An independent stream under a name; does not depend on how many draws were made here."""
        return Stream(key(self._seed, *parts))
