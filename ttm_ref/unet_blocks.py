"""Transformer blocks of the U-Net: the encoder's spatial one with the two masked branches of TTM, and the motion one.

AnimateDiff runs spatial attention frame by frame, on [B * F, h * w, C]. "The same object across space and time"
(arXiv 2501.03059, section 4.3) needs all frames of a video in one sequence, so the masked branches fold the tokens to
[B, F * h * w, C] and back; the base's own layers keep seeing single frames.
"""

from __future__ import annotations

import typing as t

import torch
from diffusers.models.attention import BasicTransformerBlock
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from ttm_ref.attention import masked_attention, membership_attention


class Guides(t.NamedTuple):
    """What the masked branches of one resolution read, N = F h w tokens a video.

    Attributes:
        ids: int64 [B, N], the object of each token; None: every token sees every token.
        states: text states [B, M, D]: the prompts of all objects one after the other, or the global prompt.
        membership: bool [B, N, K], token touches the box of object k; None: every token sees all states.
        owner: int64 [M], the object of each state.
        real: bool [B, M], False for padding.
    """

    ids: Tensor | None
    states: Tensor
    membership: Tensor | None
    owner: Tensor
    real: Tensor


class MaskedAttention(nn.Module):
    """Multi-head attention inside objects; x [B, N, dim], context [B, M, context_dim].

    The output layer starts at zero, so that a new branch changes nothing, and has no bias, so that a token that sees no
    key stays as it was.
    """

    def __init__(self, dim: int, context_dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.to_q = nn.Linear(dim, dim, bias=False)
        self.to_k = nn.Linear(context_dim, dim, bias=False)
        self.to_v = nn.Linear(context_dim, dim, bias=False)
        self.to_out = nn.Linear(dim, dim, bias=False)
        nn.init.zeros_(self.to_out.weight)

    def forward_self(self, x: Tensor, ids: Tensor | None) -> Tensor:
        """Each token attends to the tokens with its id; [B, N, dim]."""
        q, k, v = self._project(x, x)
        if ids is None:
            return self._merge(scaled_dot_product_attention(q, k, v))
        return self._merge(masked_attention(q, k, v, ids, ids, kernel="auto"))

    def forward_cross(self, x: Tensor, guides: Guides) -> Tensor:
        """Each token attends to the prompts of its objects, or exactly 0 where it has none; [B, N, dim]."""
        q, k, v = self._project(x, guides.states)
        if guides.membership is None:
            return self._merge(scaled_dot_product_attention(q, k, v))
        return self._merge(membership_attention(q, k, v, guides.membership, guides.owner, guides.real))

    def _project(self, x: Tensor, context: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values, each [B, heads, tokens, dim / heads]."""
        q, k, v = self.to_q(x), self.to_k(context), self.to_v(context)
        q, k, v = (y.unflatten(2, (self.heads, -1)).transpose(1, 2) for y in (q, k, v))
        return q, k, v

    def _merge(self, out: Tensor) -> Tensor:
        return t.cast(Tensor, self.to_out(out.transpose(1, 2).flatten(2)))


class EncoderBlock(BasicTransformerBlock):  # type: ignore[misc]
    """Self, masked self, cross to the global prompt, masked cross, feed-forward; without `masked` the base's block.

    `cross_attention_kwargs={"guides": Guides}` carries what the masked branches read: an argument like any other, so
    that a recomputation under gradient checkpointing sees the same values.
    """

    def __init__(self, like: BasicTransformerBlock, masked: bool) -> None:
        super().__init__(**_arguments(like))
        self.masked = masked
        if masked:
            self.norm1_m = nn.LayerNorm(like.dim)
            self.attn1_m = MaskedAttention(like.dim, like.dim, like.num_attention_heads)
            self.norm2_m = nn.LayerNorm(like.dim)
            self.attn2_m = MaskedAttention(like.dim, like.cross_attention_dim, like.num_attention_heads)

    def forward(
        self,
        hidden_states: Tensor,
        attention_mask: Tensor | None = None,
        encoder_hidden_states: Tensor | None = None,
        encoder_attention_mask: Tensor | None = None,
        timestep: Tensor | None = None,
        cross_attention_kwargs: dict[str, t.Any] | None = None,
        class_labels: Tensor | None = None,
    ) -> Tensor:
        """Tokens [B * F, h * w, dim] to tokens of the same shape; the signature is the base's."""
        if not self.masked:
            return t.cast(Tensor, super().forward(hidden_states, encoder_hidden_states=encoder_hidden_states))
        guides: Guides = (cross_attention_kwargs or {})["guides"]
        batch, shape = len(guides.states), hidden_states.shape
        x = self.attn1(self.norm1(hidden_states)) + hidden_states
        video = x.reshape(batch, -1, shape[2])
        video = video + self.attn1_m.forward_self(self.norm1_m(video), guides.ids)
        x = video.reshape(shape)
        x = self.attn2(self.norm2(x), encoder_hidden_states=encoder_hidden_states) + x
        video = x.reshape(batch, -1, shape[2])
        video = video + self.attn2_m.forward_cross(self.norm2_m(video), guides)
        x = video.reshape(shape)
        return t.cast(Tensor, self.ff(self.norm3(x)) + x)


class MotionBlock(BasicTransformerBlock):  # type: ignore[misc]
    """The base's block over time, recomputed under gradient checkpointing, which the base does only in the middle.

    At 16 frames of 512 x 512 these blocks hold most of what a training step keeps.
    """

    gradient_checkpointing = False

    def __init__(self, like: BasicTransformerBlock) -> None:
        super().__init__(**_arguments(like))

    def forward(self, hidden_states: Tensor, **nothing: None) -> Tensor:
        """Tokens [B * h * w, F, dim] to tokens of the same shape; AnimateDiff's other arguments are None."""
        if torch.is_grad_enabled() and self.gradient_checkpointing:
            return t.cast(Tensor, self._gradient_checkpointing_func(super().forward, hidden_states))
        return t.cast(Tensor, super().forward(hidden_states))


def _arguments(like: BasicTransformerBlock) -> dict[str, t.Any]:
    """What a block was made with."""
    return {
        "dim": like.dim,
        "num_attention_heads": like.num_attention_heads,
        "attention_head_dim": like.attention_head_dim,
        "dropout": like.dropout,
        "cross_attention_dim": like.cross_attention_dim,
        "activation_fn": like.activation_fn,
        "attention_bias": like.attention_bias,
        "double_self_attention": like.double_self_attention,
        "norm_elementwise_affine": like.norm_elementwise_affine,
        "positional_embeddings": like.positional_embeddings,
        "num_positional_embeddings": like.num_positional_embeddings,
    }


def global_prompt(states: Tensor, ids: Tensor | None) -> Guides:
    """Guides whose cross branch attends to the global prompt [B, L, D]: the unmasked layers of the ablations."""
    owner = torch.zeros(states.shape[1], dtype=torch.int64, device=states.device)
    return Guides(ids, states, None, owner, torch.ones(states.shape[:2], dtype=torch.bool, device=states.device))
