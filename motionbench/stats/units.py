"""What is drawn when cases are drawn: clusters of cases, within strata.

Cases cut from one source video resemble each other, so the whole cluster is drawn or left out (Field and Welsh 2007,
https://doi.org/10.1111/j.1467-9868.2007.00593.x); a benchmark fixes how many cases each subset has, so each stratum
keeps its number of clusters. Without clusters every case is one of its own.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MIN_STRATUM = 8  # clusters; a smaller stratum says too little about its own spread
_KEPT_NUMBERS = 4_000_000  # drawn numbers held at once: 32 MB, whatever the number of cases


@dataclass(frozen=True, slots=True)
class Units:
    """Clusters in the order in which they are drawn.

    Attributes:
        of_case: int64 [n], the cluster of each case.
        sizes: float64 [C], cases in each cluster.
        strata: the clusters of each stratum, as slices of 0..C.
    """

    of_case: Ints
    sizes: Floats
    strata: tuple[slice, ...]

    @property
    def count(self) -> int:
        """C, the number of clusters."""
        return len(self.sizes)

    @property
    def dof(self) -> int:
        """Degrees of freedom of the spread between clusters: C less the number of strata."""
        return self.count - len(self.strata)

    def sums(self, values: Floats) -> Floats:
        """Sum over the cases of each cluster.

        Args:
            values: float64 [n] or [n, K].

        Returns:
            float64 [C] or [C, K].
        """
        found = np.zeros((self.count, *values.shape[1:]))
        np.add.at(found, self.of_case, values)
        return found

    def residuals(self, values: Floats) -> Floats:
        """What each cluster adds to a mean over cases, times n, less the mean of its stratum: [C] or [C, K]."""
        centre = values.mean(axis=0)
        found = self.sums(values - centre)
        for part in self.strata:
            found[part] -= found[part].mean(axis=0)
        return found

    def standard_error(self, values: Floats) -> Floats:
        """Standard error of the mean over cases; a scalar array, or [K].

        sqrt(sum over strata h of C_h / (C_h - 1) * sum of squared residuals) / n: without strata and clusters this
        is the sample standard deviation over sqrt(n).
        """
        squares = self.residuals(values) ** 2
        total = sum(
            ((part.stop - part.start) / (part.stop - part.start - 1)) * squares[part].sum(axis=0)
            for part in self.strata
        )
        return np.asarray(np.sqrt(total) / len(values))

    def draws(self, number: int, seed: int) -> Iterator[Floats]:
        """Yield batches [B, C] of how often each cluster is drawn, `number` draws in all, with replacement.

        The same seed and strata give the same draws, so statistics of several systems can share them.
        """
        lengths = tuple(part.stop - part.start for part in self.strata)
        if number * self.count <= _KEPT_NUMBERS:
            yield _kept(lengths, number, seed)
        else:
            yield from _batches(lengths, number, seed)

    def means(self, values: Floats, number: int, seed: int) -> Floats:
        """Bootstrap draws of a mean over cases: float64 [number] or [number, K]."""
        sums = self.sums(values)
        parts = [(c @ sums).T / (c @ self.sizes) for c in self.draws(number, seed)]
        return np.asarray(np.concatenate(parts, axis=-1).T)


def _batches(lengths: tuple[int, ...], number: int, seed: int) -> Iterator[Floats]:
    rng = np.random.default_rng(seed)
    total = sum(lengths)
    step = max(1, _KEPT_NUMBERS // total)
    for begin in range(0, number, step):
        batch = min(step, number - begin)
        counts, start = np.empty((batch, total)), 0
        for size in lengths:
            chosen = rng.integers(0, size, (batch, size)) + np.arange(batch)[:, None] * size
            counts[:, start : start + size] = np.bincount(chosen.ravel(), minlength=batch * size).reshape(batch, size)
            start += size
        yield counts


@functools.lru_cache(maxsize=2)  # a comparison asks for the same draws for every metric and pair of systems
def _kept(lengths: tuple[int, ...], number: int, seed: int) -> Floats:
    (counts,) = _batches(lengths, number, seed)
    counts.flags.writeable = False
    return counts


def units(n: int, strata: Sequence[str] | None = None, clusters: Sequence[str] | None = None) -> Units:
    """Group cases into what is drawn; within a stratum clusters stand in the order of their first case.

    Args:
        n: how many cases there are, at least 1.
        strata: a label for each case; None for one stratum. Where a stratum has fewer than 8 clusters there is one
            stratum for all. A cluster that lies in several strata belongs to a stratum of such clusters.
        clusters: a label for each case; None for one cluster a case.

    Raises:
        ValueError: a list of labels is not n long.
    """
    for kind, names in (("strata", strata), ("clusters", clusters)):
        if names is not None and len(names) != n:
            raise ValueError(f"{len(names)} {kind} for {n} cases")
    number: dict[str | int, int] = {}
    of_case = np.array([number.setdefault(name, len(number)) for name in clusters or range(n)], np.int64)
    labels = _labels(strata, of_case, len(number))
    drawn = sorted(range(len(number)), key=labels.__getitem__)
    position = np.empty(len(number), np.int64)
    position[drawn] = np.arange(len(number))
    ordered = [labels[c] for c in drawn]
    starts = [i for i in range(len(drawn)) if i == 0 or ordered[i] != ordered[i - 1]]
    parts = tuple(slice(a, b) for a, b in zip(starts, [*starts[1:], len(drawn)], strict=True))
    sizes = np.bincount(of_case, minlength=len(number)).astype(np.float64)
    return Units(position[of_case], sizes[drawn], parts)


def _labels(strata: Sequence[str] | None, of_case: Ints, count: int) -> list[tuple[str, ...]]:
    """The stratum of each cluster: the set of its cases' labels; one for all where some stratum is too small."""
    if strata is None:
        return [()] * count
    found: list[set[str]] = [set() for _ in range(count)]
    for cluster, label in zip(of_case, strata, strict=True):
        found[cluster].add(label)
    labels: list[tuple[str, ...]] = [tuple(sorted(some)) for some in found]
    return labels if min(Counter(labels).values()) >= MIN_STRATUM else [()] * count
