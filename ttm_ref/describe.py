"""Numbers about a model before anything is downloaded or allocated: parameters, shapes, tokens, memory.

Networks are built on the "meta" device for counting and on fake tensors for memory (see `memory`), so that this takes
seconds and a few hundred MB for the largest of them too.
"""

from __future__ import annotations

import math
import typing as t
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from motionbench.errors import ConfigError, ModelError
from ttm_ref import codec
from ttm_ref.memory import inference_peak, training_peak
from ttm_ref.subjects import Subject, subjects
from ttm_ref.unet import MaskedUNetMotion
from ttm_ref.unet_blocks import EncoderBlock

Shape = tuple[int, ...]
HOW = (
    "Memory is for a batch of one. Inference: weights in bfloat16, one pass of guidance after the other. Training:",
    "weights, gradients and optimiser states in float32, from prepared latents, so that the autoencoder takes none.",
    "Activations are the peak of live storages in a run of the code on tensors without storage, with plain attention",
    "in the masked layers; with mixed precision the low copies of the weights are among them. The allocator and the",
    "workspaces of kernels come on top. Activations grow with the batch of a device.",
)


@dataclass(frozen=True, slots=True)
class Part:
    """A network: its class, its parameters, and how many of them are in masked branches. None: not known offline."""

    role: str
    kind: str
    parameters: int | None
    masked: int = 0


@dataclass(frozen=True, slots=True)
class Grid:
    """One resolution of the denoiser's attention: tokens (T', h', w'), its layers, and what one token covers."""

    tokens: Shape
    layers: int
    masked_layers: int
    cell_pixels: Shape
    cell_frames: int


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes. Inference: weights, and the larger of denoising and decoding. Training: the sum of its seven numbers."""

    inference_weights: int
    denoising: int
    decoding: int
    weights: int
    frozen: int
    gradients: int
    optimizer: int
    average: int
    activations: int
    activations_checkpointed: int

    @property
    def inference(self) -> int:
        """Peak of inference with all networks on the device."""
        return self.inference_weights + max(self.denoising, self.decoding)

    def training(self, checkpointing: bool) -> int:
        """Peak of training."""
        fixed = self.weights + self.frozen + self.gradients + self.optimizer + self.average
        return fixed + (self.activations_checkpointed if checkpointing else self.activations)


@dataclass(frozen=True, slots=True)
class Stage:
    """All that is known of one stage. Shapes are those of one sample, with the batch dimension."""

    name: str
    prediction_type: str
    parts: tuple[Part, ...]
    video: Shape
    latents: Shape
    denoiser_input: Shape
    denoiser_output: Shape
    prompt: Shape
    object_prompts: Shape
    grids: tuple[Grid, ...]
    memory: Memory

    @property
    def tokens(self) -> int:
        """Tokens of the finest grid."""
        return max(math.prod(grid.tokens) for grid in self.grids)


@dataclass(frozen=True, slots=True)
class Description:
    """The stages of a configuration or a folder, and how their memory was estimated."""

    source: str
    stages: tuple[Stage, ...]
    how: tuple[str, ...] = HOW


def describe(source: str | Path, overrides: Sequence[str] = ()) -> Description:
    """Describe a configuration or a folder of weights; no weight is read and nothing is downloaded.

    Args:
        source: a name of `settings.names()`, a `.toml` file, or a folder as in `stages` or of one pipeline.
        overrides: "section.key=value" for a configuration.

    Raises:
        ConfigError: an unknown configuration, or parts that do not fit each other.
        WeightsError: a folder whose configuration files cannot be read.
    """
    try:
        return Description(str(source), tuple(_stage(subject) for subject in subjects(source, overrides)))
    except ModelError as error:
        raise ConfigError(error.message, error.hint) from error


def _stage(subject: Subject) -> Stage:
    with torch.device("meta"):
        denoiser: t.Any = subject.denoiser()
        vae: t.Any = subject.vae()
        text = subject.text_encoder() if subject.text_encoder is not None else None
    config = denoiser.config
    try:
        latents = codec.latent_shape(vae, subject.frames, subject.height, subject.width)
    except ValueError as error:
        raise ConfigError(
            f"the autoencoder does not take these videos: {error}", "set data.frames, height, width"
        ) from error
    if config.in_channels != 3 * latents[0] or config.out_channels != latents[0]:
        raise ConfigError(
            f"the denoiser maps {config.in_channels} to {config.out_channels} channels, but latents have {latents[0]}",
            f"noisy latents and two conditions are {3 * latents[0]} channels in, and {latents[0]} out",
        )
    width = config.get("text_dim", config.get("cross_attention_dim"))
    known = getattr(text.config, "hidden_size", width) if text is not None else width
    if known != width:
        raise ConfigError(
            f"the text encoder makes {known} channels, the denoiser takes {width}", "set model.config or text"
        )
    given = {
        "hidden_states": (1, config.in_channels, *latents[1:]),
        "timestep": (1,),
        "encoder_hidden_states": (1, subject.length, width),
    }
    return Stage(
        name=subject.name,
        prediction_type=config.prediction_type,
        parts=(_part("denoiser", denoiser), _part("autoencoder", vae), _part("text encoder", text)),
        video=(1, 3, subject.frames, subject.height, subject.width),
        latents=(1, *latents),
        denoiser_input=given["hidden_states"],
        denoiser_output=(1, *latents),
        prompt=given["encoder_hidden_states"],
        object_prompts=(1, subject.objects, subject.object_length, width),
        grids=_grids(denoiser, subject, latents),
        memory=_memory(subject, (denoiser, vae, text), given, (1, *latents)),
    )


def _part(role: str, module: nn.Module | None) -> Part:
    if module is None:
        return Part(role, "unknown", None)
    masked = sum(p.numel() for name, p in module.named_parameters() if "_m." in name)
    return Part(role, type(module).__name__, _count(module), masked)


def _count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def _grids(denoiser: t.Any, subject: Subject, latents: Shape) -> tuple[Grid, ...]:
    """Where attention happens: one grid in a DiT, the resolutions of the encoder in a U-Net."""
    config = denoiser.config
    # A causal autoencoder keeps frame 0 and folds the others, so the ratio is that of the later frames.
    frames = (subject.frames - 1) // (latents[1] - 1) if latents[1] > 1 else subject.frames
    if not isinstance(denoiser, MaskedUNetMotion):
        patch = config.patch_size
        tokens = tuple(n // p for n, p in zip(latents[1:], patch, strict=True))
        cell = (subject.height // tokens[1], subject.width // tokens[2])
        return (Grid(tokens, config.num_layers, config.num_masked_layers, cell, frames * patch[0]),)
    grids, size = [], latents[2:]
    for down in denoiser.down_blocks:
        blocks = [block for block in down.modules() if isinstance(block, EncoderBlock)]
        if blocks:
            cell = (subject.height // size[0], subject.width // size[1])
            grids.append(Grid((latents[1], *size), len(blocks), sum(b.masked for b in blocks), cell, frames))
        if down.downsamplers is not None:
            size = (size[0] // 2, size[1] // 2)
    return tuple(grids)


def _memory(
    subject: Subject, networks: tuple[nn.Module, nn.Module, nn.Module | None], given: dict[str, Shape], latents: Shape
) -> Memory:
    """Bytes by counting and by running without storage; see `HOW`."""
    denoiser, _, text = networks
    trained = [denoiser, *([text] if text is not None and subject.text_trained else [])]
    count = sum(map(_count, trained))
    frozen = _count(text) if text is not None and not subject.text_trained else 0
    states = 2 * count
    if subject.optimizer.name == "muon":
        # Muon keeps one moment of a matrix where AdamW keeps two.
        states -= sum(p.numel() for part in trained for name, p in part.named_parameters() if _is_hidden(name, p))
    mixed = subject.train.mixed_precision != "no"
    return Memory(
        inference_weights=2 * sum(_count(network) for network in networks if network is not None),
        denoising=inference_peak(lambda: _unmasked(subject), lambda model, x: model(**x), given),
        decoding=inference_peak(subject.vae, _decode, {"latents": latents}),
        weights=4 * count,
        frozen=4 * frozen,
        gradients=4 * count,
        optimizer=4 * states,
        average=4 * count,
        activations=training_peak(lambda: _unmasked(subject), given, checkpointing=False, mixed=mixed),
        activations_checkpointed=training_peak(lambda: _unmasked(subject), given, checkpointing=True, mixed=mixed),
    )


def _unmasked(subject: Subject) -> nn.Module:
    """The denoiser with plain attention in its masked layers: groups depend on values, which fake tensors lack."""
    denoiser: t.Any = subject.denoiser()
    denoiser.register_to_config(mask_self=False, mask_cross=False)
    return t.cast(nn.Module, denoiser)


def _is_hidden(name: str, parameter: nn.Parameter) -> bool:
    """Muon's share: matrices between hidden states, as the training loop chooses them."""
    return parameter.ndim == 2 and (".blocks." in f".{name}" or ".block." in f".{name}")


def _decode(vae: nn.Module, given: t.Any) -> object:
    return codec.decode(t.cast(codec.Autoencoder, vae), given["latents"])
