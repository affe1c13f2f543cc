"""Muon: orthogonal steps, and the same path as torch's own, which computes them in bfloat16."""

from __future__ import annotations

import copy

import pytest
import torch

from ttm_ref.train.muon import Muon, orthogonal


def matrices(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("shape", [(3, 16, 16), (2, 8, 24), (2, 24, 8)])
def test_singular_values_move_to_about_one(shape: tuple[int, int, int]) -> None:
    given = matrices(*shape)
    made = orthogonal(given)
    assert made.shape == given.shape
    values = torch.linalg.svdvals(made)
    assert float(values.min()) > 0.6 and float(values.max()) < 1.3
    # Only the singular values change: the product with the given matrix is symmetric.
    product = given[0].mT @ made[0]
    torch.testing.assert_close(product, product.mT, atol=1e-4, rtol=1e-4)


def test_a_batch_is_its_matrices_one_by_one() -> None:
    given = matrices(4, 6, 10)
    torch.testing.assert_close(orthogonal(given), torch.cat([orthogonal(one[None]) for one in given]))


def test_a_zero_gradient_gives_a_zero_step() -> None:
    assert torch.equal(orthogonal(torch.zeros(1, 4, 6)), torch.zeros(1, 4, 6))


def test_the_path_is_that_of_torch() -> None:
    ours, theirs = (torch.nn.Parameter(matrices(12, 6)) for _ in range(2))
    goal = matrices(12, 6, seed=1)
    settings = {"lr": 0.02, "momentum": 0.95, "weight_decay": 0.01}
    for parameter, optimizer in ((ours, Muon([ours], **settings)), (theirs, torch.optim.Muon([theirs], **settings))):
        for _ in range(20):
            optimizer.zero_grad()
            (parameter - goal).square().sum().backward()
            optimizer.step()
    assert (ours - theirs).abs().max() < 0.02  # bfloat16 has three digits
    assert (ours - goal).norm() < (matrices(12, 6) - goal).norm()


def test_the_state_comes_back() -> None:
    first = torch.nn.Parameter(matrices(4, 4))
    optimizer = Muon([first])
    first.grad = matrices(4, 4, seed=1)
    optimizer.step()
    second = torch.nn.Parameter(first.detach().clone())
    other = Muon([second])
    other.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    first.grad = second.grad = matrices(4, 4, seed=2)
    optimizer.step()
    other.step()
    assert torch.equal(first, second)


def test_other_parameters_are_refused() -> None:
    with pytest.raises(ValueError, match="shape \\(3,\\)"):
        Muon([torch.nn.Parameter(torch.zeros(3))])
