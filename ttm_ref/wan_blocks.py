"""Wan's block with its two masked branches."""

from __future__ import annotations

import typing as t

import torch
from diffusers.models.normalization import FP32LayerNorm
from diffusers.models.transformers.transformer_wan import WanAttention, WanAttnProcessor, WanTransformerBlock
from torch import Tensor, nn

from ttm_ref.attention import masked_attention, membership_attention
from ttm_ref.regions import LocalPrompts

Rotary = tuple[Tensor, Tensor]


class MaskedWanAttention(WanAttention):  # type: ignore[misc]
    """Common part of the two masked layers. The output layer starts at zero: a new branch changes nothing."""

    def __init__(self, dim: int, heads: int, eps: float, **kwargs: t.Any) -> None:
        head = dim // heads
        super().__init__(dim=dim, heads=heads, dim_head=head, eps=eps, processor=WanAttnProcessor(), **kwargs)
        nn.init.zeros_(self.to_out[0].weight)
        nn.init.zeros_(self.to_out[0].bias)

    def heads_of(self, x: Tensor, context: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries of x [B, N, dim], keys and values of context [B, M, dim], all as [B, heads, tokens, d]."""
        q, k, v = self.norm_q(self.to_q(x)), self.norm_k(self.to_k(context)), self.to_v(context)
        q, k, v = (torch.unflatten(y, 2, (self.heads, -1)).transpose(1, 2) for y in (q, k, v))
        return q, k, v

    def merge(self, out: Tensor) -> Tensor:
        """[B, heads, N, d] to [B, N, dim], through the output layer."""
        return t.cast(Tensor, self.to_out[1](self.to_out[0](out.transpose(1, 2).flatten(2))))


class MaskedSelfAttention(MaskedWanAttention):
    """Each token attends to the tokens of its object, across space and time."""

    def forward(self, x: Tensor, rotary: Rotary, ids: Tensor | None) -> Tensor:
        """x [B, N, dim], ids int64 [B, N]; without ids all tokens are one group."""
        if ids is None:
            return t.cast(Tensor, super().forward(x, None, None, rotary))
        q, k, v = self.heads_of(x, x)
        return self.merge(masked_attention(_rotate(q, rotary), _rotate(k, rotary), v, ids, ids, kernel="auto"))


class MaskedCrossAttention(MaskedWanAttention):
    """Each token attends to the prompts of the objects that it lies on."""

    def forward(self, x: Tensor, text: Tensor, local: LocalPrompts | None) -> Tensor:
        """x [B, N, dim]; tokens without a prompt get exactly 0. Without `local`, the global prompt text [B, L, dim]."""
        if local is None:
            return t.cast(Tensor, super().forward(x, text))
        q, k, v = self.heads_of(x, local.states)
        out = self.merge(membership_attention(q, k, v, local.membership, local.owner, local.mask))
        # The bias of the output layer must not reach tokens without a prompt.
        return out.masked_fill(~local.membership.any(dim=-1, keepdim=True), 0.0)


def _rotate(x: Tensor, rotary: Rotary) -> Tensor:
    """Wan's rotary embedding of x [B, heads, N, d] by (cos, sin) [1, N, 1, d], each angle repeated twice along d."""
    cos, sin = (y.transpose(1, 2)[..., 0::2] for y in rotary)
    even, odd = torch.unflatten(x, -1, (-1, 2)).unbind(-1)
    return torch.stack([even * cos - odd * sin, even * sin + odd * cos], dim=-1).flatten(-2).type_as(x)


class MaskedWanBlock(WanTransformerBlock):  # type: ignore[misc]
    """Self, masked self, cross to the global prompt, masked cross to the objects' prompts, feed-forward.

    `ids` None: the second layer attends to all tokens; `local` None: the fourth attends to the global prompt. These are
    the ablations at equal parameters.
    """

    def __init__(self, dim: int, ffn_dim: int, num_heads: int, qk_norm: str, cross_attn_norm: bool, eps: float) -> None:
        super().__init__(dim, ffn_dim, num_heads, qk_norm, cross_attn_norm, eps)
        self.norm1_m = FP32LayerNorm(dim, eps, elementwise_affine=True)
        self.attn1_m = MaskedSelfAttention(dim, num_heads, eps)
        self.norm2_m = FP32LayerNorm(dim, eps, elementwise_affine=True)
        self.attn2_m = MaskedCrossAttention(dim, num_heads, eps, is_cross_attention=True)

    def forward(
        self, x: Tensor, text: Tensor, temb: Tensor, rotary: Rotary, ids: Tensor | None, local: LocalPrompts | None
    ) -> Tensor:
        """Tokens [B, N, dim], embedded prompt [B, L, dim], modulation [B, 6, dim] to tokens [B, N, dim]."""
        shift, scale, gate, ffn_shift, ffn_scale, ffn_gate = (self.scale_shift_table + temb.float()).chunk(6, dim=1)
        inner = (self.norm1(x.float()) * (1 + scale) + shift).type_as(x)
        x = (x.float() + self.attn1(inner, None, None, rotary) * gate).type_as(x)
        x = x + self.attn1_m(self.norm1_m(x), rotary, ids)
        x = x + self.attn2(self.norm2(x.float()).type_as(x), text, None, None)
        x = x + self.attn2_m(self.norm2_m(x), text, local)
        inner = (self.norm3(x.float()) * (1 + ffn_scale) + ffn_shift).type_as(x)
        return t.cast(Tensor, (x.float() + self.ffn(inner).float() * ffn_gate).type_as(x))
