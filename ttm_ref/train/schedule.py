"""Everything in a training that is a pure function of the step number, so that a resumed run needs no stored state."""

from __future__ import annotations

import hashlib

import numpy as np
import torch


def rate(step: int, steps: int, warmup: int, decay_share: float) -> float:
    """Factor in [0, 1] of the learning rate: linear warm-up, constant, linear to 0 over the last `decay_share`.

    Args:
        step: from 0 to steps - 1.
        warmup: steps until the full rate; 0 for none.
        decay_share: share of `steps` in [0, 1] over which the rate falls; 0 keeps it constant (the paper).
    """
    rising = min(1.0, (step + 1) / warmup) if warmup else 1.0
    falling = min(1.0, (steps - step) / (decay_share * steps)) if decay_share else 1.0
    return min(rising, falling)


def batch_indices(step: int, size: int, batch: int, seed: int) -> list[int]:
    """Which samples make up a batch: epochs are seeded permutations, laid end to end and cut into batches.

    Args:
        step: number of the batch, from 0.
        size: samples there are.
        batch: samples a batch, over all processes.
    """
    first = step * batch
    return [
        int(_order(epoch, size, seed)[position])
        for epoch, position in (divmod(n, size) for n in range(first, first + batch))
    ]


def generator(seed: int, *path: int | str) -> torch.Generator:
    """A CPU generator for one place of a run, such as (step, process): the same path, the same draws."""
    digest = hashlib.sha256(repr((seed, *path)).encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:7], "big"))


_orders: dict[tuple[int, int, int], np.ndarray] = {}


def _order(epoch: int, size: int, seed: int) -> np.ndarray:
    key = (epoch, size, seed)
    if key not in _orders:
        # Two epochs at most meet in one batch; older ones are not needed again.
        while len(_orders) > 1:
            del _orders[next(iter(_orders))]
        _orders[key] = np.random.default_rng([seed, epoch]).permutation(size)
    return _orders[key]
