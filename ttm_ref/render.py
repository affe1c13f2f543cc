"""A description as plain text for people and as JSON for programs."""

from __future__ import annotations

import json
import typing as t
from dataclasses import asdict

from ttm_ref.describe import Description, Memory, Part, Stage


def to_json(description: Description) -> str:
    """All numbers, with the sums, as one JSON object; bytes and counts are whole numbers."""
    content = asdict(description)
    for values, stage in zip(content["stages"], description.stages, strict=True):
        values["tokens"] = stage.tokens
        values["memory"] |= {
            "inference": stage.memory.inference,
            "training": stage.memory.training(checkpointing=False),
            "training_checkpointed": stage.memory.training(checkpointing=True),
        }
    return json.dumps(content, indent=1)


def to_text(description: Description) -> str:
    """A few lines for each stage, no wider than 120 columns, and how the memory was estimated."""
    lines = [description.source]
    for stage in description.stages:
        lines += ["", *_stage(stage)]
    return "\n".join([*lines, "", *description.how])


def _stage(stage: Stage) -> list[str]:
    rows = [("stage", f"{stage.name}, predicts {stage.prediction_type}")]
    rows += [(part.role, _part(part)) for part in stage.parts]
    rows += [
        ("video", _shape(stage.video)),
        ("latents", _shape(stage.latents)),
        ("denoiser in", f"{_shape(stage.denoiser_input)}: noisy latents and two conditions"),
        ("denoiser out", _shape(stage.denoiser_output)),
        ("prompt", _shape(stage.prompt)),
    ]
    if any(grid.masked_layers for grid in stage.grids):
        rows.append(("object prompts", f"{_shape(stage.object_prompts)}: at most {stage.object_prompts[1]} objects"))
    for grid in stage.grids:
        cell = f"{_shape(grid.cell_pixels)} pixels x {grid.cell_frames} frame{'s' * (grid.cell_frames != 1)}"
        layers = f"{grid.masked_layers} of {grid.layers} layers masked"
        total = grid.tokens[0] * grid.tokens[1] * grid.tokens[2]
        rows.append(("tokens", f"{total:,} = {_shape(grid.tokens)}, one for {cell}, {layers}"))
    return [f"{label:<16}{text}" for label, text in (*rows, *_memory(stage.memory))]


def _memory(memory: Memory) -> list[tuple[str, str]]:
    return [
        (
            "inference",
            f"{_size(memory.inference)}: weights {_size(memory.inference_weights)}, and the larger of denoising "
            f"{_size(memory.denoising)} and decoding {_size(memory.decoding)}",
        ),
        (
            "training",
            f"{_size(memory.training(False))}, or {_size(memory.training(True))} with gradient checkpointing: weights "
            f"{_size(memory.weights)}, gradients {_size(memory.gradients)},",
        ),
        (
            "",
            f"optimiser {_size(memory.optimizer)}, average {_size(memory.average)}, frozen {_size(memory.frozen)}, "
            f"activations {_size(memory.activations)} or {_size(memory.activations_checkpointed)}",
        ),
    ]


def _part(part: Part) -> str:
    if part.parameters is None:
        return "architecture not known without a download"
    masked = f", {_count(part.masked)} of them in masked branches" if part.masked else ""
    return f"{part.kind}, {_count(part.parameters)} parameters{masked}"


def _shape(shape: t.Iterable[int]) -> str:
    return " x ".join(map(str, shape))


def _count(number: int) -> str:
    for unit, size in (("B", 1e9), ("M", 1e6), ("k", 1e3)):
        if number >= size:
            return f"{number / size:.4g} {unit}"
    return str(number)


def _size(number: int) -> str:
    return f"{number / 2**30:.3g} GiB" if number >= 2**29 else f"{number / 2**20:.3g} MiB"
