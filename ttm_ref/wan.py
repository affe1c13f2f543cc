"""The DiT backbone: `WanTransformer3DModel` with masked branches in its first blocks.

Wan 2.1 stands in for Movie Gen, which the paper (arXiv 2501.03059) used and which is not public: like it, Wan has
separate cross-attention and tokens that map directly to places in the video. One class serves full size, the tiny
model, both stages (stage 1 has no masked blocks) and all ablations.
"""

from __future__ import annotations

import inspect
import math
import os
import typing as t

import torch
from diffusers.configuration_utils import register_to_config
from diffusers.models.modeling_outputs import Transformer2DModelOutput
from diffusers.models.normalization import FP32LayerNorm
from diffusers.models.transformers.transformer_wan import (
    WanAttention,
    WanAttnProcessor,
    WanTransformer3DModel,
    WanTransformerBlock,
)
from torch import Tensor, nn

from motionbench.errors import ConfigError, ModelError, WeightsError
from ttm_ref.attention import masked_attention, membership_attention
from ttm_ref.regions import token_regions

PREDICTIONS = ("flow", "sample", "v_prediction")


class LocalPrompts(t.NamedTuple):
    """What masked cross-attention reads.

    Attributes:
        states: embedded prompts of all objects one after the other [B, M, dim].
        mask: bool [B, M], False for padding.
        owner: int64 [M], the object of each state.
        membership: bool [B, N, K], token touches the box of object k.
    """

    states: Tensor
    mask: Tensor
    owner: Tensor
    membership: Tensor


class MaskedWanAttention(WanAttention):  # type: ignore[misc]
    """`WanAttention` inside objects. Its output layer starts at zero, so that a new branch changes nothing."""

    def __init__(self, dim: int, heads: int, eps: float, is_cross_attention: bool) -> None:
        super().__init__(
            dim=dim,
            heads=heads,
            dim_head=dim // heads,
            eps=eps,
            processor=WanAttnProcessor(),
            is_cross_attention=is_cross_attention,
        )
        nn.init.zeros_(self.to_out[0].weight)
        nn.init.zeros_(self.to_out[0].bias)

    def forward_self(self, x: Tensor, rotary: tuple[Tensor, Tensor], ids: Tensor) -> Tensor:
        """Each token of x [B, N, dim] attends to the tokens with its id (int64 [B, N])."""
        q, k, v = self._heads(x, x)
        return self._merge(masked_attention(_rotate(q, rotary), _rotate(k, rotary), v, ids, ids, kernel="auto"))

    def forward_cross(self, x: Tensor, local: LocalPrompts) -> Tensor:
        """Each token of x [B, N, dim] attends to the prompts of its objects; without any it gets exactly 0."""
        q, k, v = self._heads(x, local.states)
        out = self._merge(membership_attention(q, k, v, local.membership, local.owner, local.mask))
        # The bias of the output layer must not reach tokens that have no prompt.
        owned = torch.zeros_like(local.membership[:, 0]).to(torch.int32)
        owned = owned.index_add(1, local.owner, local.mask.to(torch.int32)) > 0
        return out * (local.membership & owned[:, None]).any(dim=-1, keepdim=True)

    def _heads(self, x: Tensor, context: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values [B, heads, tokens, d]."""
        q, k, v = self.norm_q(self.to_q(x)), self.norm_k(self.to_k(context)), self.to_v(context)
        q, k, v = (y.unflatten(2, (self.heads, -1)).transpose(1, 2) for y in (q, k, v))
        return q, k, v

    def _merge(self, out: Tensor) -> Tensor:
        """[B, heads, N, d] to [B, N, dim], through the output layer."""
        return t.cast(Tensor, self.to_out[1](self.to_out[0](out.transpose(1, 2).flatten(2))))


def _rotate(x: Tensor, rotary: tuple[Tensor, Tensor]) -> Tensor:
    """Wan's rotary embedding of x [B, heads, N, d] by (cos, sin) [1, N, 1, d], each angle repeated twice along d."""
    cos, sin = (y.transpose(1, 2)[..., 0::2] for y in rotary)
    even, odd = x.unflatten(-1, (-1, 2)).unbind(-1)
    return torch.stack([even * cos - odd * sin, even * sin + odd * cos], dim=-1).flatten(-2).type_as(x)


class MaskedWanBlock(WanTransformerBlock):  # type: ignore[misc]
    """Self, masked self, cross to the global prompt, masked cross to the objects' prompts, feed-forward.

    `ids` None: the second layer attends to all tokens; `local` None: the fourth attends to the global prompt. These are
    the ablations at equal parameters.
    """

    def __init__(self, dim: int, ffn_dim: int, num_heads: int, qk_norm: str, cross_attn_norm: bool, eps: float) -> None:
        super().__init__(dim, ffn_dim, num_heads, qk_norm, cross_attn_norm, eps)
        self.norm1_m = FP32LayerNorm(dim, eps, elementwise_affine=True)
        self.attn1_m = MaskedWanAttention(dim, num_heads, eps, is_cross_attention=False)
        self.norm2_m = FP32LayerNorm(dim, eps, elementwise_affine=True)
        self.attn2_m = MaskedWanAttention(dim, num_heads, eps, is_cross_attention=True)

    def forward(
        self,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor,
        temb: Tensor,
        rotary_emb: tuple[Tensor, Tensor],
        ids: Tensor | None,
        local: LocalPrompts | None,
    ) -> Tensor:
        """Tokens [B, N, dim], embedded prompt [B, L, dim], modulation [B, 6, dim] to tokens [B, N, dim]."""
        x, text = hidden_states, encoder_hidden_states
        shift, scale, gate, ffn_shift, ffn_scale, ffn_gate = (self.scale_shift_table + temb.float()).chunk(6, dim=1)

        inner = (self.norm1(x.float()) * (1 + scale) + shift).type_as(x)
        x = (x.float() + self.attn1(inner, None, None, rotary_emb) * gate).type_as(x)

        inner = self.norm1_m(x)
        plain = ids is None
        x = x + (
            self.attn1_m(inner, None, None, rotary_emb) if plain else self.attn1_m.forward_self(inner, rotary_emb, ids)
        )

        x = x + self.attn2(self.norm2(x.float()).type_as(x), text, None, None)

        inner = self.norm2_m(x)
        x = x + (self.attn2_m(inner, text) if local is None else self.attn2_m.forward_cross(inner, local))

        inner = (self.norm3(x.float()) * (1 + ffn_scale) + ffn_shift).type_as(x)
        return t.cast(Tensor, (x.float() + self.ffn(inner).float() * ffn_gate).type_as(x))


class MaskedWanTransformer(WanTransformer3DModel):  # type: ignore[misc]
    """Wan with masked attention in its first blocks, coordinate channels and any number of condition channels.

    Args:
        patch_size, num_attention_heads, attention_head_dim, out_channels, text_dim, freq_dim, ffn_dim, num_layers,
            cross_attn_norm, qk_norm, eps, rope_max_seq_len: as in `WanTransformer3DModel`.
        in_channels: channels of `hidden_states`: noisy latents and conditions, without the coordinates.
        num_masked_layers: K, how many of the first blocks have masked branches; 0 in stage 1.
        mask_self: False leaves the masked self layers in place but unmasked.
        mask_cross: False lets the masked cross layers attend to the global prompt.
        prediction_type: what the output means: "flow" (noise - sample), "sample" or "v_prediction".
        coordinates: 8 appends the coordinates of each latent to the input, 0 does not.
    """

    _no_split_modules = ["WanTransformerBlock", "MaskedWanBlock"]  # noqa: RUF012 - diffusers' convention
    _keep_in_fp32_modules = [*WanTransformer3DModel._keep_in_fp32_modules, "norm1_m", "norm2_m"]  # noqa: RUF012
    _repeated_blocks = ["WanTransformerBlock", "MaskedWanBlock"]  # noqa: RUF012

    @register_to_config
    def __init__(
        self,
        patch_size: tuple[int, int, int] = (1, 2, 2),
        num_attention_heads: int = 12,
        attention_head_dim: int = 128,
        in_channels: int = 48,
        out_channels: int = 16,
        text_dim: int = 4096,
        freq_dim: int = 256,
        ffn_dim: int = 8960,
        num_layers: int = 30,
        cross_attn_norm: bool = True,
        qk_norm: str = "rms_norm_across_heads",
        eps: float = 1e-6,
        rope_max_seq_len: int = 1024,
        num_masked_layers: int = 8,
        mask_self: bool = True,
        mask_cross: bool = True,
        prediction_type: str = "flow",
        coordinates: int = 0,
    ) -> None:
        _check_config(num_masked_layers, num_layers, prediction_type, coordinates)
        # Past the parent's decorator, which would write image settings into the configuration that are not ours.
        super().__init__.__wrapped__(
            self,
            patch_size=patch_size,
            num_attention_heads=num_attention_heads,
            attention_head_dim=attention_head_dim,
            in_channels=in_channels,
            out_channels=out_channels,
            text_dim=text_dim,
            freq_dim=freq_dim,
            ffn_dim=ffn_dim,
            num_layers=num_layers,
            cross_attn_norm=cross_attn_norm,
            qk_norm=qk_norm,
            eps=eps,
            rope_max_seq_len=rope_max_seq_len,
        )
        dim = num_attention_heads * attention_head_dim
        if coordinates:
            self.patch_embedding = nn.Conv3d(in_channels + coordinates, dim, kernel_size=patch_size, stride=patch_size)
        for i in range(num_masked_layers):
            self.blocks[i] = MaskedWanBlock(dim, ffn_dim, num_attention_heads, qk_norm, cross_attn_norm, eps)

    def forward(
        self,
        hidden_states: Tensor,
        timestep: Tensor,
        encoder_hidden_states: Tensor,
        object_masks: Tensor | None = None,
        local_states: Tensor | None = None,
        local_mask: Tensor | None = None,
        return_dict: bool = True,
    ) -> Transformer2DModelOutput | tuple[Tensor]:
        """Denoise.

        Args:
            hidden_states: noisy latents and conditions [B, in_channels, T, h, w]; T, h, w multiples of the patch.
            timestep: [B], 0 (clean) to 1000 (noise).
            encoder_hidden_states: text states of the global prompt [B, L, text_dim].
            object_masks: bool [B, K, F, H, W] in pixel frames, or None: every token is background.
            local_states: text states of the objects' prompts [B, K, L, text_dim].
            local_mask: bool [B, K, L], False for padding.
            return_dict: False gives a tuple.

        Returns:
            `.sample` [B, out_channels, T, h, w].

        Raises:
            ModelError: the shapes fit neither each other nor the configuration.
        """
        self._check_inputs(hidden_states, timestep, object_masks, local_states, local_mask)
        grid = tuple(n // p for n, p in zip(hidden_states.shape[2:], self.config.patch_size, strict=True))
        rotary = self.rope(hidden_states)
        if self.config.coordinates:
            hidden_states = torch.cat([hidden_states, _coordinates(hidden_states)], dim=1)
        temb, modulation, text, _ = self.condition_embedder(timestep, encoder_hidden_states, None)
        modulation = modulation.unflatten(1, (6, -1))
        ids, local = self._regions(hidden_states, grid, object_masks, local_states, local_mask)
        x = self.patch_embedding(hidden_states).flatten(2).transpose(1, 2).contiguous()
        for block in self.blocks:
            masked = (ids, local) if isinstance(block, MaskedWanBlock) else ()
            if torch.is_grad_enabled() and self.gradient_checkpointing:
                x = self._gradient_checkpointing_func(block, x, text, modulation, rotary, *masked)
            else:
                x = block(x, text, modulation, rotary, *masked)
        shift, scale = (y.to(x.device) for y in (self.scale_shift_table + temb.unsqueeze(1)).chunk(2, dim=1))
        x = self.proj_out((self.norm_out(x.float()) * (1 + scale) + shift).type_as(x))
        x = x.unflatten(1, grid).unflatten(-1, (*self.config.patch_size, -1)).permute(0, 7, 1, 4, 2, 5, 3, 6)
        sample = x.flatten(6, 7).flatten(4, 5).flatten(2, 3)
        return Transformer2DModelOutput(sample=sample) if return_dict else (sample,)

    def _regions(
        self,
        latents: Tensor,
        grid: tuple[int, ...],
        object_masks: Tensor | None,
        local_states: Tensor | None,
        local_mask: Tensor | None,
    ) -> tuple[Tensor | None, LocalPrompts | None]:
        """What the masked branches read; None for a branch that is not there or not masked."""
        config = self.config
        use_self = config.num_masked_layers > 0 and config.mask_self
        use_cross = config.num_masked_layers > 0 and config.mask_cross
        batch, tokens = latents.shape[0], math.prod(grid)
        ids, boxes = None, None
        if object_masks is not None and (use_self or use_cross):
            regions = token_regions(object_masks, t.cast(tuple[int, int, int], grid), latents.shape[2])
            ids, boxes = regions.ids, regions.boxes
        local = None
        if use_cross:
            if local_states is None or local_mask is None or local_states.shape[1] == 0:
                # One object of padding keeps the branch in the graph, which training on several devices needs.
                local_states = latents.new_zeros(batch, 1, 1, config.text_dim)
                local_mask, boxes = latents.new_zeros((batch, 1, 1), dtype=torch.bool), None
            if boxes is None:
                boxes = local_mask.new_zeros(batch, tokens, local_states.shape[1])
            local = self._local_prompts(local_states, local_mask, boxes)
        # Without masks all tokens are one group: plain attention over all of them, which is what `ids` None means.
        return (ids if use_self else None), local

    def _local_prompts(self, states: Tensor, mask: Tensor, boxes: Tensor) -> LocalPrompts:
        """Embed the objects' prompts, cut after the longest one of the batch."""
        real = mask.flatten(0, 1).any(dim=0).nonzero()
        length = int(real.max()) + 1 if len(real) else 1
        states, mask = states[:, :, :length], mask[:, :, :length]
        embedded = self.condition_embedder.text_embedder(states.flatten(1, 2))
        owner = torch.arange(states.shape[1], device=states.device).repeat_interleave(length)
        return LocalPrompts(embedded, mask.flatten(1), owner, boxes)

    def _check_inputs(
        self,
        latents: Tensor,
        timestep: Tensor,
        object_masks: Tensor | None,
        local_states: Tensor | None,
        local_mask: Tensor | None,
    ) -> None:
        """Refuse inputs that would be cut, broadcast or ignored."""
        patch = tuple(self.config.patch_size)
        if latents.ndim != 5 or latents.shape[1] != self.config.in_channels:
            raise ModelError(
                f"the denoiser wants [batch, {self.config.in_channels}, frames, height, width], "
                f"not {tuple(latents.shape)}",
                "the channels are the noisy latents and all conditions, without the coordinates",
            )
        if any(n % p for n, p in zip(latents.shape[2:], patch, strict=True)):
            raise ModelError(
                f"latents of {tuple(latents.shape[2:])} do not divide into patches of {patch}",
                "choose frames, height and width to fit the patch",
            )
        if timestep.shape != latents.shape[:1]:
            raise ModelError(f"the denoiser wants one timestep for each sample, not {tuple(timestep.shape)}")
        if (local_states is None) != (local_mask is None):
            raise ModelError("local_states and local_mask go together", "give both or neither")
        if local_states is not None and local_mask is not None:
            if local_states.shape[:3] != local_mask.shape or local_states.shape[0] != latents.shape[0]:
                raise ModelError(
                    f"object prompts {tuple(local_states.shape)} and their mask {tuple(local_mask.shape)} do not fit"
                )
            if object_masks is not None and object_masks.shape[1] != local_states.shape[1]:
                raise ModelError(
                    f"{object_masks.shape[1]} object masks for {local_states.shape[1]} object prompts",
                    "one prompt for each mask; an empty mask or prompt is a padding object",
                )
        if object_masks is not None and (object_masks.ndim != 5 or object_masks.shape[0] != latents.shape[0]):
            raise ModelError(
                f"object masks are [batch, objects, frames, height, width], not {tuple(object_masks.shape)}"
            )

    @classmethod
    def from_base(cls, base: WanTransformer3DModel, extra_in: int = 0, **config: t.Any) -> MaskedWanTransformer:
        """A masked model that computes exactly what `base` computes, whatever the new inputs are.

        Args:
            base: a plain text-to-video Wan.
            extra_in: channels of the conditions, appended after the noisy latents, with zero weights.
            config: num_masked_layers, mask_self, mask_cross, prediction_type, coordinates.

        Raises:
            ConfigError: `base` reads an image through its own layers, which this class does not have.
        """
        if base.config.image_dim is not None or base.config.added_kv_proj_dim is not None:
            raise ConfigError("the base is an image-to-video Wan", "start from a text-to-video Wan")
        kept = {name: value for name, value in base.config.items() if name in _BASE_CONFIG}
        model: MaskedWanTransformer = cls(**{**kept, "in_channels": base.config.in_channels + extra_in, **config})
        state = base.state_dict()
        old = state.pop("patch_embedding.weight")
        wide = torch.zeros_like(model.patch_embedding.weight, dtype=old.dtype, device=old.device)
        wide[:, : old.shape[1]] = old
        model.to(device=old.device, dtype=base.dtype)
        for name, part in model.named_parameters():
            if set(name.split(".")) & set(cls._keep_in_fp32_modules) and base.dtype != torch.float32:
                part.data = part.data.float()
        copies = {name: value.clone() for name, value in state.items()}
        result = model.load_state_dict({**copies, "patch_embedding.weight": wide}, strict=False, assign=True)
        strangers = [name for name in result.missing_keys if not set(name.split(".")) & _NEW_MODULES]
        if strangers or result.unexpected_keys:
            raise ConfigError(f"the base does not fit: {', '.join([*strangers, *result.unexpected_keys][:8])}")
        return model

    @classmethod
    def from_pretrained(cls, folder: str | os.PathLike[str], **kwargs: t.Any) -> MaskedWanTransformer:
        """Load a checkpoint of this class, and nothing less.

        diffusers only logs weights that are missing or left over, and leaves the former random; here both are errors.

        Args:
            folder: what `save_pretrained` wrote, or a repository of the Hugging Face hub.
            kwargs: as in `ModelMixin.from_pretrained`.

        Raises:
            WeightsError: the file is missing, corrupt, of another class, or its weights do not fit the configuration.
        """
        kwargs = {**kwargs, "use_safetensors": True}
        try:
            loaded = super().from_pretrained(folder, **{**kwargs, "output_loading_info": True})
        except (OSError, ValueError, RuntimeError, NotImplementedError) as error:
            line = " ".join(str(error).split())[:300]
            raise WeightsError(f"cannot load {folder}: {line}", "save the model again, or fix config.json") from error
        model, info = loaded
        for what in ("missing_keys", "unexpected_keys", "mismatched_keys"):
            if info[what]:
                names = ", ".join(sorted(str(name) for name in info[what])[:8])
                raise WeightsError(
                    f"{folder} has {len(info[what])} {what.replace('_', ' ')} for {cls.__name__}: {names}",
                    "its config.json does not belong to its weights",
                )
        return (model, info) if kwargs.get("output_loading_info") else model


_BASE_CONFIG = set(inspect.signature(WanTransformer3DModel.__init__).parameters) - {
    "self",
    "image_dim",
    "added_kv_proj_dim",
    "pos_embed_seq_len",
}
_NEW_MODULES = {"norm1_m", "attn1_m", "norm2_m", "attn2_m"}


def _check_config(num_masked_layers: int, num_layers: int, prediction_type: str, coordinates: int) -> None:
    """Refuse settings that no model has."""
    if not 0 <= num_masked_layers <= num_layers:
        raise ConfigError(f"num_masked_layers is {num_masked_layers}, but there are {num_layers} layers")
    if prediction_type not in PREDICTIONS:
        raise ConfigError(f"unknown prediction_type {prediction_type!r}", f"one of {', '.join(PREDICTIONS)}")
    if coordinates not in (0, 8):
        raise ConfigError(f"coordinates is {coordinates}", "8 or 0")


def _coordinates(latents: Tensor) -> Tensor:
    """Where and when each latent [B, C, T, h, w] is, as 8 channels [B, 8, T, h, w] in [-1, 1].

    cos(pi k t) for k = 1..4 with t in [0, 1] over the frames; x and y in [-1, 1]; cos(pi x') and cos(pi y') with x', y'
    in [0, 1]. The conditions are repeated over time and rotary embeddings are relative, so that tokens would else know
    their frame only indirectly.
    """
    frames, height, width = latents.shape[2:]
    when, down, right = (torch.linspace(0, 1, n, device=latents.device) for n in (frames, height, width))
    time = torch.stack([torch.cos(math.pi * k * when) for k in range(1, 5)])[:, :, None, None]
    x, y = right[None, None, None, :], down[None, None, :, None]
    place = [2 * x - 1, 2 * y - 1, torch.cos(math.pi * x), torch.cos(math.pi * y)]
    shape = (frames, height, width)
    channels = torch.cat([time.expand(4, *shape), *(channel.expand(1, *shape) for channel in place)])
    return channels.to(latents.dtype).expand(latents.shape[0], -1, -1, -1, -1)
