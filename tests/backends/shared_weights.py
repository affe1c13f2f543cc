"""Weights that a network here and its original elsewhere can both be given: drawn by name, not by order of creation."""

from __future__ import annotations

import hashlib
import math

import numpy as np
import torch
from torch import Tensor, nn


def drawn(state: dict[str, Tensor], seed: int = 0) -> dict[str, Tensor]:
    """For each tensor of a state dict another one of its shape, so scaled that signals neither die nor explode.

    Args:
        state: names and shapes are read.
        seed: of all draws.
    """
    return {
        name: torch.from_numpy(_draw(name, tuple(value.shape), seed)).to(value.dtype) for name, value in state.items()
    }


def fill(module: nn.Module, seed: int = 0) -> nn.Module:
    """Give a module `drawn` weights; returns it in evaluation mode."""
    module.load_state_dict(drawn(module.state_dict(), seed), strict=True)
    return module.eval()


def _draw(name: str, shape: tuple[int, ...], seed: int) -> np.ndarray:
    rng = np.random.default_rng(int.from_bytes(hashlib.sha256(f"{seed}/{name}".encode()).digest()[:8], "big"))
    if name.endswith("num_batches_tracked"):
        return np.zeros(shape, np.int64)
    if name.endswith("running_var"):
        return rng.uniform(0.5, 2.0, shape).astype(np.float32)
    if len(shape) >= 2:
        return (rng.standard_normal(shape) * math.sqrt(2.0 / math.prod(shape[1:]))).astype(np.float32)
    offset = 1.0 if name.endswith("weight") else 0.0
    return np.asarray(offset + 0.1 * rng.standard_normal(shape), np.float32)
