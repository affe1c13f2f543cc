"""Masked self-attention: against a softmax written out, the kernels against each other, and what may not leak."""

from __future__ import annotations

import math
import typing as t

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from ttm_ref.attention import DENSE_BELOW, masked_attention

KERNELS = ("gather", "dense")


def draw(seed: int, batch: int, queries: int, keys: int, dim: int = 8, value_dim: int = 8) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    shapes = ((batch, 2, queries, dim), (batch, 2, keys, dim), (batch, 2, keys, value_dim))
    return [torch.randn(shape, generator=generator).requires_grad_() for shape in shapes]


def draw_ids(seed: int, batch: int, tokens: int, labels: list[int]) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.tensor(labels)[torch.randint(0, len(labels), (batch, tokens), generator=generator)]


def written_out(q: Tensor, k: Tensor, v: Tensor, query_ids: Tensor, key_ids: Tensor) -> Tensor:
    """The definition, query by query, in double precision."""
    out = torch.zeros(*q.shape[:3], v.shape[3], dtype=torch.float64)
    for b in range(q.shape[0]):
        for i in range(q.shape[2]):
            seen = (key_ids[b] == query_ids[b, i]).nonzero()[:, 0]
            if len(seen):
                scores = torch.einsum("hd,hmd->hm", q[b, :, i].double(), k[b][:, seen].double()) / math.sqrt(q.shape[3])
                out[b, :, i] = torch.einsum("hm,hme->he", scores.softmax(-1), v[b][:, seen].double())
    return out


def with_gradients(q: Tensor, k: Tensor, v: Tensor, *ids: Tensor, kernel: t.Any) -> list[Tensor]:
    out = masked_attention(q, k, v, *ids, kernel=kernel)
    weights = torch.linspace(-1, 1, out.numel()).reshape(out.shape)
    return [out, *torch.autograd.grad((out * weights).sum(), (q, k, v))]


@pytest.mark.parametrize("kernel", KERNELS)
def test_it_is_the_softmax_over_the_keys_of_the_same_id(kernel: t.Any) -> None:
    q, k, v = draw(0, 3, 11, 7, value_dim=5)
    ids = draw_ids(1, 3, 11, [0, 1, 2, 9]), draw_ids(2, 3, 7, [0, 1, 2, 5])
    out = masked_attention(q, k, v, *ids, kernel=kernel)
    assert out.shape == (3, 2, 11, 5)
    torch.testing.assert_close(out.double(), written_out(q, k, v, *ids), atol=1e-6, rtol=0)


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 10**6),
    batch=st.integers(1, 4),
    queries=st.integers(1, 40),
    keys=st.integers(1, 40),
    labels=st.lists(st.integers(-3, 10**12), min_size=1, max_size=6, unique=True),
)
def test_gather_equals_dense_forward_and_backward(
    seed: int, batch: int, queries: int, keys: int, labels: list[int]
) -> None:
    inputs = draw(seed, batch, queries, keys)
    # The samples draw from different subsets of the ids, so that some ids lack keys and some lack queries.
    query_ids = torch.cat([draw_ids(seed + b, 1, queries, labels[b % len(labels) :]) for b in range(batch)])
    key_ids = torch.cat([draw_ids(seed - b, 1, keys, labels[: 1 + b]) for b in range(batch)])
    gather = with_gradients(*inputs, query_ids, key_ids, kernel="gather")
    dense = with_gradients(*inputs, query_ids, key_ids, kernel="dense")
    for ours, oracle in zip(gather, dense, strict=True):
        torch.testing.assert_close(ours, oracle, atol=1e-5, rtol=0)


def test_gather_equals_dense_on_two_thousand_tokens_with_heads_of_64() -> None:
    inputs = draw(3, 1, 2048, 2048, dim=64, value_dim=64)
    ids = draw_ids(4, 1, 2048, [0] * 6 + [1, 2, 3])
    gather = with_gradients(*inputs, ids, ids, kernel="gather")
    dense = with_gradients(*inputs, ids, ids, kernel="dense")
    for ours, oracle in zip(gather, dense, strict=True):
        torch.testing.assert_close(ours, oracle, atol=1e-5, rtol=0)


@pytest.mark.parametrize("kernel", KERNELS)
def test_nothing_of_one_object_reaches_another_not_even_in_the_last_bit(kernel: t.Any) -> None:
    q, k, v = draw(5, 2, 60, 60)
    ids = draw_ids(6, 2, 60, [0, 1, 2, 3])
    for one in range(4):
        out = masked_attention(q, k, v, ids, ids, kernel=kernel).transpose(1, 2)[ids == one].square().sum()
        for gradient in torch.autograd.grad(out, (q, k, v)):
            per_token = gradient.transpose(1, 2).abs().amax(dim=(2, 3))
            assert (per_token[ids != one] == 0).all()
            assert (per_token[ids == one] > 0).all()


@pytest.mark.parametrize("kernel", KERNELS)
def test_another_objects_values_may_be_anything(kernel: t.Any) -> None:
    q, k, v = draw(7, 1, 30, 30)
    ids = draw_ids(8, 1, 30, [0, 1])
    changed = [torch.where((ids == 1)[:, None, :, None], 1e3 * x, x) for x in (q, k, v)]
    before, after = (masked_attention(*x, ids, ids, kernel=kernel).transpose(1, 2) for x in ((q, k, v), changed))
    assert torch.equal(before[ids == 0], after[ids == 0])


@pytest.mark.parametrize("kernel", KERNELS)
def test_samples_of_a_batch_do_not_mix_though_their_ids_are_equal(kernel: t.Any) -> None:
    q, k, v = draw(9, 3, 25, 25)
    ids = draw_ids(10, 1, 25, [0, 1, 2]).expand(3, -1)
    together = masked_attention(q, k, v, ids, ids, kernel=kernel)
    for b in range(3):
        alone = masked_attention(q[b : b + 1], k[b : b + 1], v[b : b + 1], ids[:1], ids[:1], kernel=kernel)
        torch.testing.assert_close(together[b : b + 1], alone, atol=1e-6, rtol=0)


@pytest.mark.parametrize("kernel", KERNELS)
def test_the_names_of_the_objects_do_not_matter(kernel: t.Any) -> None:
    q, k, v = draw(11, 2, 50, 50)
    ids = draw_ids(12, 2, 50, [0, 1, 2, 3])
    other = torch.tensor([7, 0, 3, -2])[ids]
    before, after = (masked_attention(q, k, v, x, x, kernel=kernel) for x in (ids, other))
    assert torch.equal(before, after)


@pytest.mark.parametrize("kernel", KERNELS)
def test_the_order_of_the_tokens_does_not_matter(kernel: t.Any) -> None:
    q, k, v = draw(13, 2, 50, 50)
    ids, order = draw_ids(14, 2, 50, [0, 1, 2]), torch.randperm(50, generator=torch.Generator().manual_seed(0))
    plain = masked_attention(q, k, v, ids, ids, kernel=kernel)
    moved = masked_attention(q[:, :, order], k[:, :, order], v[:, :, order], ids[:, order], ids[:, order], kernel)
    torch.testing.assert_close(plain[:, :, order], moved, atol=1e-6, rtol=0)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("keys", [0, 5])
def test_queries_without_keys_give_zero_and_pass_no_gradient(kernel: t.Any, keys: int) -> None:
    q, k, v = draw(15, 2, 6, keys)
    query_ids, key_ids = torch.ones(2, 6, dtype=torch.int64), torch.full((2, keys), 2)
    for x in with_gradients(q, k, v, query_ids, key_ids, kernel=kernel):
        assert torch.equal(x, torch.zeros_like(x))
    if keys:
        query_ids[1, 3] = 2
        out, grad_q, grad_k, _ = with_gradients(q, k, v, query_ids, key_ids, kernel=kernel)
        assert out[1, :, 3].abs().min() > 0
        assert out.abs().sum() == out[1, :, 3].abs().sum()
        assert grad_q.abs().sum() == grad_q[1, :, 3].abs().sum() > 0
        assert grad_k[0].abs().sum() == 0


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_other_precisions(kernel: t.Any, dtype: torch.dtype) -> None:
    q, k, v = (x.detach().to(dtype) for x in draw(16, 2, 20, 20))
    ids = draw_ids(17, 2, 20, [0, 1])
    out = masked_attention(q, k, v, ids, ids, kernel=kernel)
    assert out.dtype == dtype
    tolerance = {torch.bfloat16: 3e-2, torch.float16: 4e-3, torch.float64: 1e-12}[dtype]
    torch.testing.assert_close(out.double(), written_out(q, k, v, ids, ids), atol=tolerance, rtol=0)


def test_auto_takes_the_kernel_that_is_faster_at_that_length() -> None:
    for tokens, kernel in ((DENSE_BELOW, "dense"), (DENSE_BELOW + 1, "gather")):
        q, k, v = draw(18, 1, tokens, tokens)
        ids = draw_ids(19, 1, tokens, [0, 1, 2])
        auto, other = masked_attention(q, k, v, ids, ids, "auto"), masked_attention(q, k, v, ids, ids, kernel)
        assert torch.equal(auto, other)


class LargestTensor(TorchDispatchMode):
    """Notes the largest tensor that any operation returns."""

    numel = 0

    def __torch_dispatch__(self, func: t.Any, types: t.Any, args: t.Any = (), kwargs: t.Any = None) -> t.Any:
        result = func(*args, **(kwargs or {}))
        for x in result if isinstance(result, tuple | list) else [result]:
            self.numel = max(self.numel, x.numel() if isinstance(x, Tensor) else 0)
        return result


def test_gather_makes_no_tensor_in_the_square_of_the_tokens() -> None:
    q, k, v = draw(20, 1, 1024, 1024)
    ids = draw_ids(21, 1, 1024, [0, 1, 2, 3])
    with LargestTensor() as gather:
        masked_attention(q, k, v, ids, ids, "gather")
    with LargestTensor() as dense:
        masked_attention(q, k, v, ids, ids, "dense")
    assert gather.numel <= q.numel()
    assert dense.numel >= 1024**2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"query_ids": torch.zeros(2, 5, dtype=torch.int64)}, "do not fit"),
        ({"key_ids": torch.zeros(1, 4, dtype=torch.int64)}, "do not fit"),
        ({"k": torch.zeros(2, 2, 4, 7)}, "do not fit"),
        ({"v": torch.zeros(2, 2, 3, 8)}, "do not fit"),
        ({"q": torch.zeros(2, 4, 8)}, "do not fit"),
        ({"kernel": "flash"}, "unknown attention kernel 'flash'"),
    ],
)
def test_shapes_that_would_broadcast_are_refused(change: dict[str, t.Any], message: str) -> None:
    ids = torch.zeros(2, 4, dtype=torch.int64)
    good = {"q": torch.zeros(2, 2, 4, 8), "k": torch.zeros(2, 2, 4, 8), "v": torch.zeros(2, 2, 4, 8)}
    with pytest.raises(ValueError, match=message):
        masked_attention(**{**good, "query_ids": ids, "key_ids": ids, **change})
