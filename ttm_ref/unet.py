"""The U-Net backbone: `UNetMotionModel` (AnimateDiff) with masked branches in the spatial attention of its encoder.

The paper's K = 6 are the six spatial attention blocks of the encoder, two on each of the three finest resolutions
(arXiv 2501.03059, section 5). One class serves both stages (stage 1 has no masked blocks) and all ablations.
"""

from __future__ import annotations

import inspect
import typing as t

import torch
from diffusers.configuration_utils import register_to_config
from diffusers.models.unets.unet_motion_model import AnimateDiffTransformer3D, UNetMotionModel, UNetMotionOutput
from torch import Tensor
from torch.nn import ModuleList

from motionbench.errors import ConfigError, ModelError
from ttm_ref.loading import StrictLoading
from ttm_ref.regions import check_objects, token_regions
from ttm_ref.unet_blocks import EncoderBlock, Guides, MotionBlock, global_prompt

PREDICTIONS = ("flow", "sample", "v_prediction")
ATTENTION = "CrossAttnDownBlockMotion"
MASKED = "Masked"
"""Prefix of a down block with masked layers, in the configuration only: the plain `UNetMotionModel` then refuses the
folder, which it would otherwise load without the masked weights."""


class MaskedUNetMotion(StrictLoading, UNetMotionModel):  # type: ignore[misc]
    """AnimateDiff's U-Net with masked attention in its encoder and any number of condition channels.

    Args:
        sample_size ... use_motion_mid_block: as in `UNetMotionModel`; `in_channels` counts noisy latents and
            conditions. The defaults are Stable Diffusion 1.5 with the motion modules of AnimateDiff v3.
        num_masked_layers: K, how many of the encoder's spatial attention blocks have masked branches, counted from the
            input; 0 in stage 1.
        mask_self: False leaves the masked self layers in place but unmasked: every token sees every token.
        mask_cross: False lets the masked cross layers attend to the global prompt.
        prediction_type: what the output means: "v_prediction", "sample" or "flow" (noise - sample).
        coverage: a token belongs to an object that covers more than this share of it.

    Raises:
        ConfigError: more masked layers than the encoder has attention blocks, or an unknown prediction type.
    """

    @register_to_config  # type: ignore[untyped-decorator]
    def __init__(
        self,
        sample_size: int | None = None,
        in_channels: int = 12,
        out_channels: int = 4,
        down_block_types: tuple[str, ...] = (ATTENTION, ATTENTION, ATTENTION, "DownBlockMotion"),
        up_block_types: tuple[str, ...] = ("UpBlockMotion", *["CrossAttnUpBlockMotion"] * 3),
        block_out_channels: tuple[int, ...] = (320, 640, 1280, 1280),
        layers_per_block: int | tuple[int, ...] = 2,
        downsample_padding: int = 1,
        mid_block_scale_factor: float = 1,
        act_fn: str = "silu",
        norm_num_groups: int = 32,
        norm_eps: float = 1e-5,
        cross_attention_dim: int = 768,
        transformer_layers_per_block: int | tuple[int, ...] = 1,
        temporal_transformer_layers_per_block: int | tuple[int, ...] = 1,
        use_linear_projection: bool = False,
        num_attention_heads: int | tuple[int, ...] = 8,
        motion_max_seq_length: int = 32,
        motion_num_attention_heads: int | tuple[int, ...] = 8,
        use_motion_mid_block: bool = False,
        num_masked_layers: int = 6,
        mask_self: bool = True,
        mask_cross: bool = True,
        prediction_type: str = "v_prediction",
        coverage: float = 0.2,
    ) -> None:
        if prediction_type not in PREDICTIONS:
            raise ConfigError(f"unknown prediction_type {prediction_type!r}", f"one of {', '.join(PREDICTIONS)}")
        plain = tuple(name.removeprefix(MASKED) for name in down_block_types)
        parent = {name: self.config[name] for name in _parent_settings()}
        # Past the parent's decorator, which would write settings into the configuration that are not ours.
        UNetMotionModel.__init__.__wrapped__(self, **{**parent, "down_block_types": plain})
        for module in self.modules():
            if isinstance(module, AnimateDiffTransformer3D):
                module.transformer_blocks = ModuleList(MotionBlock(like) for like in module.transformer_blocks)
        marked = self._add_masked_layers(num_masked_layers)
        names = [MASKED + name if mark else name for name, mark in zip(plain, marked, strict=True)]
        self.register_to_config(down_block_types=names)

    def _add_masked_layers(self, count: int) -> list[bool]:
        """Give the first `count` spatial attention blocks masked branches; which down blocks have any."""
        left, marked = count, []
        for down in self.down_blocks:
            attentions = getattr(down, "attentions", ())
            marked.append(count > 0 and left > 0 and len(attentions) > 0)
            for attention in attentions:
                for i, block in enumerate(attention.transformer_blocks):
                    attention.transformer_blocks[i] = EncoderBlock(block, masked=left > 0)
                left -= 1
        blocks = sum(len(getattr(down, "attentions", ())) for down in self.down_blocks)
        if not 0 <= count <= blocks:
            raise ConfigError(
                f"num_masked_layers is {count}, but the encoder has {blocks} spatial attention blocks",
                f"choose 0 to {blocks}",
            )
        return marked

    def forward(
        self,
        hidden_states: Tensor,
        timestep: Tensor,
        encoder_hidden_states: Tensor,
        object_masks: Tensor | None = None,
        local_states: Tensor | None = None,
        local_mask: Tensor | None = None,
        return_dict: bool = True,
    ) -> UNetMotionOutput | tuple[Tensor]:
        """Denoise.

        Args:
            hidden_states: noisy latents and conditions [B, in_channels, T, h, w]; h and w multiples of the U-Net's
                reduction (8).
            timestep: [B], 0 (clean) to 1000 (noise).
            encoder_hidden_states: text states of the global prompt [B, L, D].
            object_masks: bool [B, K, F, H, W] in pixel frames, or None: every token is background.
            local_states: text states of the objects' prompts [B, K, L, D].
            local_mask: bool [B, K, L], False for padding.
            return_dict: False gives a tuple.

        Returns:
            `.sample` [B, out_channels, T, h, w].

        Raises:
            ModelError: the shapes fit neither each other nor the configuration.
        """
        self._check_inputs(hidden_states, timestep)
        check_objects(len(hidden_states), object_masks, local_states, local_mask)
        frames = hidden_states.shape[2]
        emb = self.time_embedding(self.time_proj(timestep).to(self.dtype)).repeat_interleave(frames, dim=0)
        text = encoder_hidden_states.repeat_interleave(frames, dim=0)
        local = self._local_prompts(hidden_states, local_states, local_mask)
        x = self.conv_in(hidden_states.transpose(1, 2).flatten(0, 1))
        skips = [x]
        for down in self.down_blocks:
            if hasattr(down, "attentions"):
                grid = (frames, x.shape[2], x.shape[3])
                guides = self._guides(grid, encoder_hidden_states, object_masks, *local)
                kwargs = {"encoder_hidden_states": text, "cross_attention_kwargs": {"guides": guides}}
                x, states = down(x, temb=emb, num_frames=frames, **kwargs)
            else:
                x, states = down(x, temb=emb, num_frames=frames)
            skips.extend(states)
        motion = {"num_frames": frames} if self.config.use_motion_mid_block else {}
        x = self.mid_block(x, emb, encoder_hidden_states=text, **motion)
        for up in self.up_blocks:
            kept, skips = skips[-len(up.resnets) :], skips[: -len(up.resnets)]
            kwargs = {"encoder_hidden_states": text} if hasattr(up, "attentions") else {}
            x = up(x, res_hidden_states_tuple=tuple(kept), temb=emb, num_frames=frames, **kwargs)
        sample = self.conv_out(self.conv_act(self.conv_norm_out(x))).unflatten(0, (-1, frames)).transpose(1, 2)
        return UNetMotionOutput(sample=sample) if return_dict else (sample,)

    def _local_prompts(self, latents: Tensor, states: Tensor | None, mask: Tensor | None) -> tuple[Tensor, Tensor]:
        """Object prompts [B, K, L, D] and [B, K, L], cut after the longest of the batch; K = 0 where there are none."""
        if states is None or mask is None:
            none = latents.new_zeros(len(latents), 0, 0, self.config.cross_attention_dim)
            return none, none[..., 0].bool()
        used = mask.flatten(0, 1).any(dim=0).nonzero()
        length = int(used.max()) + 1 if len(used) else 0
        return states[:, :, :length], mask[:, :, :length]

    def _guides(
        self, grid: tuple[int, int, int], prompt: Tensor, object_masks: Tensor | None, states: Tensor, real: Tensor
    ) -> Guides | None:
        """What the masked branches read on one resolution; None where the model has none."""
        config, count = self.config, states.shape[1]
        if config.num_masked_layers == 0:
            return None
        ids, boxes = None, real.new_zeros(len(states), grid[0] * grid[1] * grid[2], count)
        if object_masks is not None and (config.mask_self or config.mask_cross):
            regions = token_regions(object_masks, grid, grid[0], config.coverage)
            # Without masks all tokens are background, one group: that is what `ids` None computes, only cheaper.
            ids = regions.ids if config.mask_self else None
            boxes = regions.boxes if count else boxes
        if not config.mask_cross:
            return global_prompt(prompt, ids)
        owner = torch.arange(count, device=states.device).repeat_interleave(states.shape[2])
        return Guides(ids, states.flatten(1, 2), boxes, owner, real.flatten(1))

    def _check_inputs(self, latents: Tensor, timestep: Tensor) -> None:
        """Refuse inputs that would be cut, broadcast or ignored."""
        config, step = self.config, 2**self.num_upsamplers
        if latents.ndim != 5 or latents.shape[1] != config.in_channels:
            wanted = f"[batch, {config.in_channels}, frames, height, width]"
            raise ModelError(f"latents and conditions are {tuple(latents.shape)}, not {wanted}")
        if latents.shape[3] % step or latents.shape[4] % step:
            raise ModelError(
                f"latents of {latents.shape[3]} x {latents.shape[4]}: both sides must be multiples of {step}",
                "choose another height and width of the video",
            )
        if latents.shape[2] > config.motion_max_seq_length:
            raise ModelError(
                f"{latents.shape[2]} frames, but the motion modules know {config.motion_max_seq_length} positions",
                "choose fewer frames",
            )
        if timestep.shape != latents.shape[:1]:
            raise ModelError(f"timestep has shape {tuple(timestep.shape)}", "one timestep for each sample")

    @classmethod
    def from_base(cls, base: UNetMotionModel, extra_in: int = 0, **config: t.Any) -> MaskedUNetMotion:
        """A masked model that computes exactly what `base` computes, whatever the new inputs are.

        Args:
            base: a plain AnimateDiff U-Net, such as `UNetMotionModel.from_unet2d(unet, adapter)`; it is left as it is.
            extra_in: channels of the conditions, appended after the noisy latents, with zero weights.
            config: num_masked_layers, mask_self, mask_cross, prediction_type, coverage.

        Raises:
            ConfigError: `base` is no plain U-Net or has layers that this class has not, or `config` has a setting that
                is the base's or none's.
        """
        if type(base) is not UNetMotionModel:
            raise ConfigError("the base is no plain AnimateDiff U-Net", "load it through UNetMotionModel")
        kept = {name: base.config[name] for name in _parent_settings()}
        for name, parameter in inspect.signature(UNetMotionModel.__init__).parameters.items():
            if name != "self" and name not in kept and base.config[name] != parameter.default:
                raise ConfigError(
                    f"the base has {name} = {base.config[name]!r}, which this class does not support",
                    "start from Stable Diffusion 1.5 with AnimateDiff motion modules",
                )
        if foreign := sorted(config.keys() - (inspect.signature(cls.__init__).parameters.keys() - kept.keys())):
            raise ConfigError(
                f"{', '.join(foreign)} cannot be chosen here", "the base decides, or there is no such setting"
            )
        model: MaskedUNetMotion = cls(**{**kept, "in_channels": base.config.in_channels + extra_in, **config})
        model.to(base.device)
        if base.dtype != model.dtype:
            model.to(base.dtype)
        state = base.state_dict()
        narrow = state["conv_in.weight"]
        wide = torch.cat([narrow, narrow.new_zeros(len(narrow), extra_in, *narrow.shape[2:])], dim=1)
        model.load_state_dict({**model.state_dict(), **state, "conv_in.weight": wide}, strict=True)
        return model


def _parent_settings() -> list[str]:
    """Names of the settings that this class shares with `UNetMotionModel`."""
    own = inspect.signature(MaskedUNetMotion.__init__).parameters
    return [name for name in inspect.signature(UNetMotionModel.__init__).parameters if name in own and name != "self"]
