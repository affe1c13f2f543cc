"""Masked cross-attention: a token sees the prompts of all objects that it lies on, and of no other."""

from __future__ import annotations

import math
import typing as t

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from ttm_ref.attention import membership_attention


class Case(t.NamedTuple):
    """Arguments of `membership_attention`."""

    q: Tensor
    k: Tensor
    v: Tensor
    membership: Tensor
    key_owner: Tensor
    key_mask: Tensor


def draw(seed: int, batch: int = 2, tokens: int = 20, objects: int = 3, length: int = 4) -> Case:
    generator = torch.Generator().manual_seed(seed)
    q = torch.randn(batch, 2, tokens, 8, generator=generator).requires_grad_()
    k, v = (torch.randn(batch, 2, objects * length, 8, generator=generator).requires_grad_() for _ in range(2))
    membership = torch.rand(batch, tokens, objects, generator=generator) > 0.5
    real = torch.rand(batch, objects * length, generator=generator) > 0.3
    return Case(q, k, v, membership, torch.arange(objects).repeat_interleave(length), real)


def visible(case: Case) -> Tensor:
    """bool [B, N, M], by the definition."""
    batch, tokens, _ = case.membership.shape
    rows = [
        [
            [
                bool(case.membership[b, i, o]) and bool(case.key_mask[b, j])
                for j, o in enumerate(case.key_owner.tolist())
            ]
            for i in range(tokens)
        ]
        for b in range(batch)
    ]
    return torch.tensor(rows, dtype=torch.bool).reshape(batch, tokens, -1)


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10**6), objects=st.integers(1, 12), length=st.integers(1, 5))
def test_it_is_the_softmax_over_the_real_keys_of_the_tokens_objects(seed: int, objects: int, length: int) -> None:
    case = draw(seed, objects=objects, length=length, tokens=7)
    out, seen = membership_attention(*case), visible(case)
    scores = (case.q.double() @ case.k.double().transpose(2, 3)) / math.sqrt(8)
    weights = scores.masked_fill(~seen[:, None], -math.inf).softmax(-1).nan_to_num(0.0)
    torch.testing.assert_close(out.double(), weights @ case.v.double(), atol=1e-6, rtol=0)
    assert (out.transpose(1, 2)[~seen.any(-1)] == 0).all()


def test_no_gradient_reaches_the_prompts_of_other_objects_or_padding() -> None:
    case = draw(1)
    only_first = case.membership & (torch.arange(3) == 0)
    rows = only_first[..., 0]
    out = membership_attention(*case._replace(membership=only_first)).transpose(1, 2)
    own = (case.key_owner == 0) & case.key_mask
    for gradient in torch.autograd.grad(out[rows].square().sum(), (case.k, case.v)):
        per_key = gradient.abs().amax(dim=(1, 3))
        assert (per_key[~own] == 0).all()
        assert (per_key[own & rows.any(1, keepdim=True)] > 0).all()


def test_tokens_on_no_object_give_zero_and_pass_no_gradient() -> None:
    case = draw(2)
    case.membership[:, :5] = False
    out = membership_attention(*case)
    (gradient,) = torch.autograd.grad(out.square().sum(), case.q)
    assert (out[:, :, :5] == 0).all()
    assert (gradient[:, :, :5] == 0).all()
    assert gradient.isfinite().all()


@pytest.mark.parametrize("objects", [0, 1, 3])
def test_without_any_visible_key_all_is_zero_and_finite(objects: int) -> None:
    case = draw(3, objects=objects)._replace(key_mask=torch.zeros(2, objects * 4, dtype=torch.bool))
    out = membership_attention(*case)
    gradients = torch.autograd.grad(out.square().sum(), (case.q, case.k, case.v))
    assert all(torch.equal(x, torch.zeros_like(x)) for x in (out, *gradients))


def test_the_order_of_the_objects_does_not_matter() -> None:
    case, order = draw(4), torch.tensor([2, 0, 1])
    keys = torch.cat([(case.key_owner == o).nonzero()[:, 0] for o in order.tolist()])
    moved = Case(
        case.q,
        case.k[:, :, keys],
        case.v[:, :, keys],
        case.membership[..., order],
        case.key_owner,
        case.key_mask[:, keys],
    )
    torch.testing.assert_close(membership_attention(*case), membership_attention(*moved), atol=1e-6, rtol=0)


def test_owners_may_differ_between_samples() -> None:
    case = draw(5)
    owners = torch.stack([case.key_owner, case.key_owner.flip(0)])
    out = membership_attention(*case._replace(key_owner=owners))
    for b in range(2):
        alone = Case(*(x[b : b + 1] for x in case[:4]), owners[b], case.key_mask[b : b + 1])
        torch.testing.assert_close(out[b : b + 1], membership_attention(*alone), atol=1e-6, rtol=0)
    assert torch.equal(
        membership_attention(*case), membership_attention(*case._replace(key_owner=case.key_owner[None].expand(2, -1)))
    )
