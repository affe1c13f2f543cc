"""Attention inside objects: the two masked softmaxes of TTM (arXiv 2501.03059, section 4.3).

Masked self-attention lets token i see token j only where both belong to the same object; masked cross-attention lets a
token see only the prompts of the objects that it lies on. Both are `softmax(q k^T / sqrt(d) + log M) v`.

M is block diagonal once the tokens are sorted by object, so the default kernel never builds it: it sorts, runs one
`scaled_dot_product_attention` per object and puts the rows back ("gather"). Building M ("dense") costs memory in the
square of the tokens and is kept as the oracle, and for short sequences where it is no slower.
"""

from __future__ import annotations

import typing as t

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

Kernel = t.Literal["gather", "dense", "auto"]

DENSE_BELOW = 192
"""Queries and keys of a sample up to which "auto" takes the dense mask.

Measured on a CPU, 4 heads of 32, forward and backward, two to four objects of 8 to 14 %: dense takes 0.7 times gather's
time at 128 tokens, 0.9 to 1.0 at 192, 1.0 to 1.4 at 256 and 1.4 to 2.1 at 512, in batches of 1 as of 16.
"""


def masked_attention(
    q: Tensor, k: Tensor, v: Tensor, query_ids: Tensor, key_ids: Tensor, kernel: Kernel = "gather"
) -> Tensor:
    """Softmax attention in which a query sees exactly the keys of its own sample with the same id.

    Args:
        q: queries [B, heads, N, d], floating.
        k: keys [B, heads, M, d].
        v: values [B, heads, M, e].
        query_ids: int64 [B, N]; labels below 2^62 / B in size; 0 is a group like the others.
        key_ids: int64 [B, M].
        kernel: "gather" (sort by id, one call per group), "dense" (boolean mask, the oracle) or "auto".

    Returns:
        [B, heads, N, e]. A query without any key gives exactly 0 and passes no gradient.

    Raises:
        ValueError: shapes do not fit each other, or the kernel is unknown.
    """
    _check(q, k, v, query_ids, key_ids)
    if kernel == "auto":
        kernel = "dense" if max(q.shape[2], k.shape[2]) <= DENSE_BELOW else "gather"
    if kernel == "dense":
        return _open_attention(q, k, v, query_ids[:, :, None] == key_ids[:, None, :])
    if kernel == "gather":
        return _gather_attention(q, k, v, query_ids, key_ids)
    raise ValueError(f"unknown attention kernel {kernel!r}: gather, dense or auto")


def membership_attention(
    q: Tensor, k: Tensor, v: Tensor, membership: Tensor, key_owner: Tensor, key_mask: Tensor
) -> Tensor:
    """Softmax attention in which a token sees the keys of every object that it lies on.

    Args:
        q: queries [B, heads, N, d], floating.
        k: keys of all objects one after the other [B, heads, M, d].
        v: values [B, heads, M, e].
        membership: bool [B, N, K], token lies on object; a token may lie on several or on none.
        key_owner: int64 [M] or [B, M], the object of each key, 0..K-1.
        key_mask: bool [B, M], False for padding.

    Returns:
        [B, heads, N, e]. A token that may see no key gives exactly 0 and passes no gradient.
    """
    owner = key_owner.expand(k.shape[0], -1)[:, None, :].expand(-1, membership.shape[1], -1)
    return _open_attention(q, k, v, membership.gather(2, owner) & key_mask[:, None, :])


def _check(q: Tensor, k: Tensor, v: Tensor, query_ids: Tensor, key_ids: Tensor) -> None:
    """Refuse shapes that would broadcast into something else than attention."""
    fits = q.ndim == k.ndim == v.ndim == 4 and q.shape[:2] == k.shape[:2] == v.shape[:2]
    fits = fits and q.shape[3] == k.shape[3] and k.shape[2] == v.shape[2]
    if not fits or query_ids.shape != (q.shape[0], q.shape[2]) or key_ids.shape != (k.shape[0], k.shape[2]):
        shapes = ", ".join(str(tuple(x.shape)) for x in (q, k, v, query_ids, key_ids))
        raise ValueError(f"q, k, v [B, heads, tokens, d] and ids [B, tokens] do not fit each other: {shapes}")


def _open_attention(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    """Dense attention with mask bool [B, N, M]; an empty row is opened for the softmax and its result set to 0."""
    if k.shape[2] == 0:
        return _no_attention(q, k, v)
    empty = ~mask.any(dim=-1, keepdim=True)
    out = scaled_dot_product_attention(q, k, v, attn_mask=(mask | empty)[:, None])
    return out.masked_fill(empty[:, None], 0.0)


def _no_attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Zeros [B, heads, N, e] in the graph of all three inputs: a sum over nothing is 0 and so is its slope."""
    nothing = q[..., :0].sum() + k[..., :0].sum() + v[..., :0].sum()
    return nothing.expand(*q.shape[:3], v.shape[3])


def _gather_attention(q: Tensor, k: Tensor, v: Tensor, query_ids: Tensor, key_ids: Tensor) -> Tensor:
    """One attention call for each id of each sample, over all tokens of the batch sorted by (sample, id)."""
    query_order, query_groups = _groups(query_ids, key_ids)
    key_order, key_groups = (query_order, query_groups) if query_ids is key_ids else _groups(key_ids, query_ids)
    shared = query_groups.keys() & key_groups.keys()
    if not shared:
        return _no_attention(q, k, v)
    queries = torch.split(_rows(q)[query_order], list(query_groups.values()))
    keys = dict(zip(key_groups, torch.split(_rows(k)[key_order], list(key_groups.values())), strict=True))
    values = dict(zip(key_groups, torch.split(_rows(v)[key_order], list(key_groups.values())), strict=True))
    pieces = [
        _attend(x, keys[group], values[group]) if group in shared else x.new_zeros(*x.shape[:2], v.shape[3])
        for group, x in zip(query_groups, queries, strict=True)
    ]
    back = torch.empty_like(query_order)
    back[query_order] = torch.arange(len(query_order), device=back.device)
    return torch.unflatten(torch.cat(pieces)[back], 0, (q.shape[0], q.shape[2])).transpose(1, 2)


def _groups(ids: Tensor, others: Tensor) -> tuple[Tensor, dict[int, int]]:
    """Order of the tokens of a batch by (sample, id), and the size of each such group in that order.

    The same (sample, id) has the same key on the side of the queries (`ids`) and of the keys (`others`), whichever way
    round they are given.
    """
    sides = [x for x in (ids, others) if x.numel()]
    if not ids.numel():
        return ids.flatten(), {}
    low = torch.stack([x.min() for x in sides]).min()
    span = torch.stack([x.max() for x in sides]).max() - low + 1
    flat = (ids - low + span * torch.arange(ids.shape[0], device=ids.device)[:, None]).flatten()
    ordered, order = flat.sort(stable=True)
    groups, sizes = torch.unique_consecutive(ordered, return_counts=True)
    return order, dict(zip(groups.tolist(), sizes.tolist(), strict=True))


def _rows(x: Tensor) -> Tensor:
    """[B, heads, N, d] as one row per token, [B * N, heads, d]."""
    return x.transpose(1, 2).flatten(0, 1)


def _attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Plain attention of one group: q [n, heads, d], k, v [m, heads, d or e], result [n, heads, e]."""
    q, k, v = (x.transpose(0, 1)[None] for x in (q, k, v))
    return scaled_dot_product_attention(q, k, v)[0].transpose(0, 1)
