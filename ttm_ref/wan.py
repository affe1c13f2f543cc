"""The DiT backbone: `WanTransformer3DModel` with masked branches in its first blocks.

Wan 2.1 stands in for Movie Gen, which the paper (arXiv 2501.03059) used and which is not public: like it, Wan has
separate cross-attention and tokens that map directly to places in the video. One class serves full size, the tiny
model, both stages (stage 1 has no masked blocks) and all ablations.
"""

from __future__ import annotations

import functools
import inspect
import math
import typing as t

import torch
from diffusers import WanTransformer3DModel
from diffusers.configuration_utils import register_to_config
from diffusers.models.modeling_outputs import Transformer2DModelOutput
from torch import Tensor, nn

from motionbench.errors import ConfigError, ModelError
from ttm_ref.loading import StrictLoading
from ttm_ref.regions import LocalPrompts, check_objects, coordinate_channels, token_grid, token_regions
from ttm_ref.wan_blocks import MaskedWanBlock

PREDICTIONS = ("flow", "sample", "v_prediction")
IMAGE_SETTINGS = {"image_dim", "added_kv_proj_dim", "pos_embed_seq_len"}
"""Settings of image-to-video Wan, whose own way to read an image is not the paper's."""
MASKED = "masked"
"""What a model with masked layers writes as `image_dim` into its configuration, and only there: plain
`WanTransformer3DModel` then refuses the folder, which it would otherwise load without the masked weights."""


class MaskedWanTransformer(StrictLoading, WanTransformer3DModel):  # type: ignore[misc]
    """Wan with masked attention in its first blocks, coordinate channels and any number of condition channels.

    Args:
        patch_size, num_attention_heads, attention_head_dim, out_channels, text_dim, freq_dim, ffn_dim, num_layers,
            cross_attn_norm, qk_norm, eps, rope_max_seq_len: as in `WanTransformer3DModel`; defaults are Wan 2.1 1.3B.
        in_channels: channels of `hidden_states`: noisy latents and conditions, without the coordinates.
        num_masked_layers: K, how many of the first blocks have masked branches; 0 in stage 1.
        mask_self: False leaves the masked self layers in place but unmasked.
        mask_cross: False lets the masked cross layers attend to the global prompt.
        prediction_type: what the output means: "flow" (noise - sample), "sample" or "v_prediction".
        coordinates: 8 appends the coordinates of each latent to the input, 0 does not.
        coverage: a token belongs to an object that covers more than this share of it.
        residual: what the layers compute is added to a condition that is held over time, so that the network says what
            changes: 0 none, 1 the first after the noisy latents, E(x0), 2 the second, E(s0) in stage 1. Only for
            prediction_type "sample".
        gate: that condition is first multiplied by a gate in (0, 1), one for each latent cell, that the layers compute
            too: what has moved away need not be subtracted.
        image_dim: leave it out; see `MASKED`.

    Raises:
        ConfigError: a setting that no model has.
    """

    _no_split_modules = ["WanTransformerBlock", "MaskedWanBlock"]  # noqa: RUF012 - diffusers' convention
    _keep_in_fp32_modules = [*WanTransformer3DModel._keep_in_fp32_modules, "norm1_m", "norm2_m"]  # noqa: RUF012
    _repeated_blocks = ["WanTransformerBlock", "MaskedWanBlock"]  # noqa: RUF012
    # Wan's plan would split the tokens over devices, but not their ids and boxes.
    _cp_plan = None

    @register_to_config  # type: ignore[untyped-decorator]
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
        coverage: float = 0.2,
        residual: int = 0,
        gate: bool = False,
        image_dim: str | None = None,
    ) -> None:
        _check_config(self.config)
        dim = num_attention_heads * attention_head_dim
        parent = {name: self.config[name] for name in _parent_settings()}
        # Past the parent's decorator, which would write image settings into the configuration that are not ours.
        super().__init__.__wrapped__(self, **parent)
        if coordinates:
            self.patch_embedding = nn.Conv3d(in_channels + coordinates, dim, kernel_size=patch_size, stride=patch_size)
        for i in range(num_masked_layers):
            self.blocks[i] = MaskedWanBlock(dim, ffn_dim, num_attention_heads, qk_norm, cross_attn_norm, eps)
        if gate:
            self.proj_out = nn.Linear(dim, (self.config.out_channels + 1) * math.prod(patch_size))
        self.register_to_config(image_dim=MASKED if num_masked_layers else None)

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
        if hidden_states.ndim != 5 or hidden_states.shape[1] != self.config.in_channels:
            wanted = f"[batch, {self.config.in_channels}, frames, height, width]"
            raise ModelError(f"latents and conditions are {tuple(hidden_states.shape)}, not {wanted}")
        if timestep.shape != hidden_states.shape[:1]:
            raise ModelError(f"timestep has shape {tuple(timestep.shape)}", "one timestep for each sample")
        check_objects(hidden_states.shape[0], object_masks, local_states, local_mask)
        grid = token_grid(hidden_states, self.config.patch_size)
        ids, local = self._regions(hidden_states, grid, object_masks, local_states, local_mask)
        rotary = self.rope(hidden_states)
        if self.config.coordinates:
            hidden_states = torch.cat([hidden_states, coordinate_channels(hidden_states)], dim=1)
        temb, modulation, text, _ = self.condition_embedder(timestep, encoder_hidden_states, None)
        modulation = modulation.unflatten(1, (6, -1))
        x = self.patch_embedding(hidden_states).flatten(2).transpose(1, 2).contiguous()
        again = torch.is_grad_enabled() and self.gradient_checkpointing
        for block in self.blocks:
            run = functools.partial(self._gradient_checkpointing_func, block) if again else block
            x = run(x, text, modulation, rotary, *((ids, local) if isinstance(block, MaskedWanBlock) else ()))
        shift, scale = (y.to(x.device) for y in (self.scale_shift_table + temb.unsqueeze(1)).chunk(2, dim=1))
        x = self.proj_out((self.norm_out(x.float()) * (1 + scale) + shift).type_as(x))
        x = x.unflatten(1, grid).unflatten(-1, (*self.config.patch_size, -1)).permute(0, 7, 1, 4, 2, 5, 3, 6)
        sample = x.flatten(6, 7).flatten(4, 5).flatten(2, 3)
        if self.config.residual:
            channels = self.config.out_channels
            carried = hidden_states[:, self.config.residual * channels : (self.config.residual + 1) * channels]
            share = torch.sigmoid(sample[:, channels:]) if self.config.gate else 1.0
            sample = sample[:, :channels] + share * carried
        return Transformer2DModelOutput(sample=sample) if return_dict else (sample,)

    def _regions(
        self,
        latents: Tensor,
        grid: tuple[int, int, int],
        object_masks: Tensor | None,
        local_states: Tensor | None,
        local_mask: Tensor | None,
    ) -> tuple[Tensor | None, LocalPrompts | None]:
        """Ids and prompts for the masked branches; None for a branch that is not there or not masked."""
        config = self.config
        use_self = config.num_masked_layers > 0 and config.mask_self
        use_cross = config.num_masked_layers > 0 and config.mask_cross
        ids, boxes = None, None
        if object_masks is not None and (use_self or use_cross):
            regions = token_regions(object_masks, grid, latents.shape[2], self.config.coverage)
            ids, boxes = regions.ids, regions.boxes
        if not use_cross:
            return ids, None
        if local_states is None or local_mask is None or local_states.shape[1] == 0:
            # One object of padding keeps the branch in the graph, which training on several devices needs.
            local_states = latents.new_zeros(latents.shape[0], 1, 1, config.text_dim)
            local_mask, boxes = latents.new_zeros((latents.shape[0], 1, 1), dtype=torch.bool), None
        if boxes is None:
            boxes = local_mask.new_zeros(latents.shape[0], math.prod(grid), local_states.shape[1])
        return (ids if use_self else None), self._local_prompts(local_states, local_mask, boxes)

    def _local_prompts(self, states: Tensor, mask: Tensor, boxes: Tensor) -> LocalPrompts:
        """Embed the objects' prompts [B, K, L, text_dim], cut after the longest one of the batch."""
        real = mask.flatten(0, 1).any(dim=0).nonzero()
        length = int(real.max()) + 1 if len(real) else 1
        states, mask = states[:, :, :length], mask[:, :, :length]
        embedded = self.condition_embedder.text_embedder(states.flatten(1, 2))
        owner = torch.arange(states.shape[1], device=states.device).repeat_interleave(length)
        return LocalPrompts(embedded, mask.flatten(1), owner, boxes & mask.any(dim=2)[:, None])

    @classmethod
    def from_base(cls, base: WanTransformer3DModel, extra_in: int = 0, **config: t.Any) -> MaskedWanTransformer:
        """A masked model that computes exactly what `base` computes, whatever the new inputs are.

        Args:
            base: a plain text-to-video Wan; it is left as it is.
            extra_in: channels of the conditions, appended after the noisy latents, with zero weights.
            config: num_masked_layers, mask_self, mask_cross, prediction_type, coordinates, coverage, residual, gate.

        Raises:
            ConfigError: `base` is no plain text-to-video Wan, or `config` has a setting that is the base's or none's.
        """
        if type(base) is not WanTransformer3DModel or any(base.config[name] is not None for name in IMAGE_SETTINGS):
            raise ConfigError("the base is no plain text-to-video Wan", "load it through WanTransformer3DModel")
        kept = {name: base.config[name] for name in _parent_settings()}
        if foreign := sorted(config.keys() & kept.keys()):
            raise ConfigError(f"the base decides {', '.join(foreign)}", "leave it out")
        model: MaskedWanTransformer = cls(**{**kept, "in_channels": base.config.in_channels + extra_in, **config})
        model.to(device=base.device)
        for name, value in model.named_parameters():
            if not set(name.split(".")) & set(cls._keep_in_fp32_modules):
                value.data = value.data.to(base.dtype)
        state = {name: value.clone() for name, value in base.state_dict().items()}
        old = state["patch_embedding.weight"]
        new = old.new_zeros(old.shape[0], model.patch_embedding.in_channels - old.shape[1], *old.shape[2:])
        state["patch_embedding.weight"] = torch.cat([old, new], dim=1)
        # Assigned, not copied, so that each weight keeps the type that it has in the base.
        model.load_state_dict({**model.state_dict(), **state}, strict=True, assign=True)
        return model


def _parent_settings() -> list[str]:
    """Names of the settings that this class shares with a text-to-video Wan."""
    return [name for name in inspect.signature(WanTransformer3DModel).parameters if name not in IMAGE_SETTINGS]


def _check_config(config: t.Mapping[str, t.Any]) -> None:
    """Refuse settings that no model has."""
    masked, layers, prediction = config["num_masked_layers"], config["num_layers"], config["prediction_type"]
    if config["image_dim"] not in (None, MASKED):
        raise ConfigError(f"image_dim is {config['image_dim']}", "start from a text-to-video Wan")
    if not 0 <= masked <= layers:
        raise ConfigError(f"num_masked_layers is {masked}, but there are {layers} layers", f"choose 0 to {layers}")
    if prediction not in PREDICTIONS:
        raise ConfigError(f"unknown prediction_type {prediction!r}", f"one of {', '.join(PREDICTIONS)}")
    if config["coordinates"] not in (0, 8):
        raise ConfigError(f"coordinates is {config['coordinates']}", "8 or 0")
    if not 0 <= config["coverage"] < 1:
        raise ConfigError(f"coverage is {config['coverage']}", "a share from 0 to below 1")
    residual, channels = config["residual"], config["out_channels"]
    if residual not in (0, 1, 2):
        raise ConfigError(f"residual is {residual}", "0, 1 for E(x0) or 2 for E(s0)")
    if residual and (prediction != "sample" or config["in_channels"] < (residual + 1) * channels):
        what = f"prediction_type {prediction!r} and {config['in_channels']} input channels"
        raise ConfigError(f"residual does not go with {what}", "it adds to a condition, and only with 'sample'")
    if config["gate"] and not residual:
        raise ConfigError("gate has nothing to let through", "set residual to 1 or 2")
