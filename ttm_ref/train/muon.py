"""Muon (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/) in the weights' own precision.

`torch.optim.Muon` takes the same steps, but orthogonalises in bfloat16 whatever it is given. A CPU that cannot compute
in bfloat16 emulates it: there that took two thirds of a training step. Matrices of one shape are done together.
"""

from __future__ import annotations

import math
import typing as t
from collections import defaultdict
from collections.abc import Iterable

import torch
from torch import Tensor

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the quintic whose iteration pulls singular values towards 1; steep at 0 rather than exact at 1."""
STEPS = 5
EPSILON = 1e-7


class Muon(torch.optim.Optimizer):
    """Momentum (Nesterov), made orthogonal, as the step; decoupled weight decay.

    A matrix of more rows than columns takes steps that are longer by the root of their ratio, as in the original.

    Args:
        params: matrices.
        lr: learning rate; how far a unit singular value moves.
        momentum: in [0, 1).
        weight_decay: per step, times the learning rate.

    Raises:
        ValueError: a parameter that is no matrix.
    """

    def __init__(
        self, params: Iterable[Tensor], lr: float = 0.02, momentum: float = 0.95, weight_decay: float = 0.0
    ) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})
        shapes = [tuple(p.shape) for group in self.param_groups for p in group["params"] if p.ndim != 2]
        if shapes:
            raise ValueError(f"Muon is for matrices, not for parameters of shape {shapes[0]}")

    @torch.no_grad()
    def step(self, closure: t.Any = None) -> t.Any:
        """Update every parameter that has a gradient."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            alike: dict[tuple[torch.Size, torch.device, torch.dtype], list[Tensor]] = defaultdict(list)
            for parameter in group["params"]:
                if parameter.grad is not None:
                    alike[parameter.shape, parameter.device, parameter.dtype].append(parameter)
            for parameters in alike.values():
                self._update(parameters, group)
        return loss

    def _update(self, parameters: list[Tensor], group: dict[str, t.Any]) -> None:
        lr, momentum = group["lr"], group["momentum"]
        directions = []
        for parameter in parameters:
            gradient, state = t.cast(Tensor, parameter.grad), self.state[parameter]
            buffer = state.setdefault("momentum_buffer", torch.zeros_like(parameter))
            buffer.lerp_(gradient, 1.0 - momentum)
            directions.append(gradient.lerp(buffer, momentum))
        rows, columns = parameters[0].shape
        length = lr * math.sqrt(max(1.0, rows / columns))
        for parameter, step in zip(parameters, orthogonal(torch.stack(directions)), strict=True):
            parameter.mul_(1.0 - lr * group["weight_decay"]).add_(step, alpha=-length)


def orthogonal(matrices: Tensor) -> Tensor:
    """Each of [N, rows, columns] with its singular values moved to about 1 (0.7 to 1.2), by Newton-Schulz steps."""
    a, b, c = COEFFICIENTS
    wide = matrices.mT if matrices.shape[1] > matrices.shape[2] else matrices
    x: Tensor = wide / torch.linalg.matrix_norm(wide, keepdim=True).clamp(min=EPSILON)
    for _ in range(STEPS):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.mT if matrices.shape[1] > matrices.shape[2] else x
