"""Loading of transformers networks by name or folder: safetensors only, no code of others, nothing missing."""

from __future__ import annotations

import typing as t

import torch
from safetensors import SafetensorError
from torch import nn

from motionbench.errors import ConfigError, WeightsError


def network(
    kind: t.Any, name: str, *, offline: bool, device: str = "auto", dtype: torch.dtype | None = None, **more: t.Any
) -> t.Any:
    """A pretrained network, ready to be asked.

    Args:
        kind: a class with `from_pretrained`, such as `Sam2Model`.
        name: a folder, or a name on the hub.
        offline: open no connection.
        device: as in `place`.
        dtype: of the weights; None is float32.
        more: further arguments of `from_pretrained`.

    Raises:
        WeightsError: it cannot be found or read, holds no safetensors, or weights of it are missing.
        ConfigError: no such device.
    """
    where = place(device)
    loaded, info = _guarded(
        name,
        lambda: kind.from_pretrained(
            name,
            use_safetensors=True,
            local_files_only=offline,
            trust_remote_code=False,
            dtype=dtype or torch.float32,
            output_loading_info=True,
            **more,
        ),
    )
    missing = sorted(info["missing_keys"])
    if missing:
        title = getattr(kind, "__name__", "network")
        raise WeightsError(
            f"{name!r} has no {missing[0]!r} ({len(missing)} missing)", f"these are no weights of a {title}"
        )
    return t.cast(nn.Module, loaded).to(where).eval()


def part(kind: t.Any, name: str, *, offline: bool) -> t.Any:
    """A tokenizer or configuration that belongs to a network: `kind` is its class, such as `AutoTokenizer`.

    Raises:
        WeightsError: it cannot be found or read.
    """
    return _guarded(name, lambda: kind.from_pretrained(name, local_files_only=offline, trust_remote_code=False))


def place(device: str) -> torch.device:
    """The device of a name; "auto" is CUDA where there is one, else the CPU.

    Raises:
        ConfigError: no such device here.
    """
    chosen = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
    try:
        found = torch.device(chosen)
    except RuntimeError as error:
        raise ConfigError(f"device is {device!r}", "devices are auto, cpu, cuda, cuda:1, mps, ...") from error
    if found.type == "cuda" and not torch.cuda.is_available():
        raise ConfigError(f"device is {device!r}, but there is no CUDA here", "use cpu")
    return found


def _guarded(name: str, load: t.Callable[[], t.Any]) -> t.Any:
    """What `load` returns; what it raises becomes one line."""
    try:
        return load()
    except (OSError, ValueError, RuntimeError, KeyError, TypeError, ImportError, SafetensorError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        hint = "give a folder with config.json and safetensors, or a name on the hub that you have access to"
        raise WeightsError(f"{name!r} cannot be loaded: {reason}", hint) from error
