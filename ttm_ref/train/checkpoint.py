"""The state of a training on disk: tensors as safetensors, numbers as JSON, nothing that runs when it is read.

    OUT/checkpoint/weights.safetensors     the modules that are trained
    OUT/checkpoint/average.safetensors     their moving average
    OUT/checkpoint/optimizer.safetensors   "NUMBER.PARAMETER.KEY", the optimisers in their order
    OUT/checkpoint/state.json              step and what the run was started with

A checkpoint is written beside the old one and takes its place in one rename, so a kill at any time leaves a whole one.
"""

from __future__ import annotations

import json
import shutil
import typing as t
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from motionbench.errors import ConfigError, WeightsError

FOLDER = "checkpoint"


def save(
    out: Path,
    step: int,
    identity: dict[str, t.Any],
    weights: dict[str, Tensor],
    average: Sequence[Tensor],
    optimizers: Sequence[torch.optim.Optimizer],
) -> None:
    """Replace the checkpoint in `out` by this state."""
    part, old, final = out / f"{FOLDER}.part", out / f"{FOLDER}.old", out / FOLDER
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    save_file(_plain(weights), part / "weights.safetensors")
    save_file({str(i): x.detach().contiguous().clone() for i, x in enumerate(average)}, part / "average.safetensors")
    save_file(_plain(_states(optimizers)), part / "optimizer.safetensors")
    (part / "state.json").write_text(json.dumps({"step": step, "identity": identity}, indent=1) + "\n")
    shutil.rmtree(old, ignore_errors=True)
    if final.exists():
        final.rename(old)
    part.rename(final)
    shutil.rmtree(old, ignore_errors=True)


class State(t.NamedTuple):
    """What a checkpoint holds."""

    step: int
    weights: dict[str, Tensor]
    average: list[Tensor]
    optimizer: dict[str, Tensor]


def load(out: Path, identity: dict[str, t.Any]) -> State | None:
    """The checkpoint in `out`, or None where there is none.

    Raises:
        ConfigError: it belongs to a run with other settings or data.
        WeightsError: it cannot be read.
    """
    folder = out / FOLDER
    if not folder.exists():
        # A kill between the two renames leaves the old one aside.
        folder = out / f"{FOLDER}.old"
        if not folder.exists():
            return None
    try:
        state = json.loads((folder / "state.json").read_text())
        weights, average, optimizer = (
            load_file(folder / f"{name}.safetensors") for name in ("weights", "average", "optimizer")
        )
    except (OSError, ValueError, SafetensorError) as error:
        raise WeightsError(
            f"the checkpoint {str(folder)!r} cannot be read: {error}", "delete it to start anew"
        ) from error
    if state["identity"] != identity:
        unlike = [key for key in identity if state["identity"].get(key) != identity[key]]
        raise ConfigError(f"{str(folder)!r} belongs to a run with other {', '.join(unlike)}", "use another --out")
    return State(int(state["step"]), weights, [average[str(i)] for i in range(len(average))], optimizer)


def restore(optimizers: Sequence[torch.optim.Optimizer], stored: dict[str, Tensor]) -> None:
    """Put the stored states into freshly made optimisers over the same parameters."""
    for number, optimizer in enumerate(optimizers):
        content = optimizer.state_dict()
        state: dict[int, dict[str, Tensor]] = {}
        for name, value in stored.items():
            owner, parameter, key = name.split(".", 2)
            if int(owner) == number:
                state.setdefault(int(parameter), {})[key] = value
        content["state"] = state
        optimizer.load_state_dict(content)


def _states(optimizers: Sequence[torch.optim.Optimizer]) -> dict[str, Tensor]:
    return {
        f"{number}.{parameter}.{key}": torch.as_tensor(value)
        for number, optimizer in enumerate(optimizers)
        for parameter, values in optimizer.state_dict()["state"].items()
        for key, value in values.items()
    }


def _plain(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Copies without shared storage, as safetensors wants them."""
    return {name: value.detach().contiguous().clone() for name, value in tensors.items()}
