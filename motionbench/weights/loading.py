"""Tensors from weight files, without running anything that a file brings along.

A .pt or .pth file is a pickle, and a pickle can run code. `torch.load(weights_only=True)` builds tensors and plain
containers and refuses the rest; safetensors files hold nothing but tensors. A TorchScript file is a program:
`torch.jit.load` runs it, and no check of its content can make that safe. So it is loaded only if its bytes hash to the
sha256 that motionbench itself lists, and from the very bytes that were hashed.
"""

from __future__ import annotations

import hashlib
import io
import pickle
import re
import typing as t
import zipfile
from collections.abc import Mapping
from pathlib import Path

from motionbench.errors import WeightsError
from motionbench.registry import foreign, one_line

if t.TYPE_CHECKING:
    import torch

_HINT = "delete it and fetch it again: motionbench weights ls"


def load_state_dict(path: Path, under: str = "") -> dict[str, torch.Tensor]:
    """The tensors of a .safetensors, .pt or .pth file by name, on the CPU.

    Args:
        path: the file (see `motionbench.weights.path`).
        under: the key that they lie under, for checkpoints that hold more than one network.

    Raises:
        WeightsError: the file is missing, truncated, holds code, or holds something else than tensors.
    """
    with foreign(WeightsError, f"{path} cannot be read as weights", _HINT):
        content = _safetensors(path) if path.suffix == ".safetensors" else _pickled(path)
    if under:
        if not isinstance(content, Mapping) or under not in content:
            raise WeightsError(f"{path} holds nothing under {under!r}", "it is a checkpoint of another network")
        content = content[under]
    import torch

    if not isinstance(content, Mapping) or not content:
        raise WeightsError(f"{path} holds a {type(content).__name__}, expected tensors by name", _HINT)
    for name, value in content.items():
        if not isinstance(name, str) or not isinstance(value, torch.Tensor):
            key = _shown(name) if isinstance(name, str) else f"a key that is a {type(name).__name__}"
            raise WeightsError(f"{path} holds {key}: {type(value).__name__}, expected tensors by name", _HINT)
        # Each of these fails only while it is copied into the network, when half of that is filled already.
        if value.is_meta or value.is_quantized or value.layout is not torch.strided:
            raise WeightsError(f"{path} holds {_shown(name)} without plain numbers (sparse, quantised or empty)", _HINT)
    return dict(content)


def _shown(name: str) -> str:
    """A tensor's name for an error: whoever made the file chose it, and it may be anything."""
    return one_line(name, 80)


def _safetensors(path: Path) -> object:
    from safetensors.torch import load_file

    return load_file(path)


def _pickled(path: Path) -> object:
    import torch

    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            if any(name.endswith("/constants.pkl") for name in archive.namelist()):
                raise WeightsError(f"{path} is refused: it is a TorchScript program, not tensors", _HINT)
            # torch stores without compression and inflates all the same: a megabyte could fill the memory.
            if any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()):
                raise WeightsError(f"{path} is refused: it holds compressed records, which torch never writes", _HINT)
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError) as error:
        # torch advises to load it with weights_only=False, which is what must not be done.
        if "weights_only" not in str(error):
            raise
        found = re.search(r"((?:Unsupported|Trying to load) .+?)(?: was not an allowed| whose module|\n|$)", str(error))
        reason = one_line(found[1], 120) if found else "its form can hold code"
        raise WeightsError(f"{path} is refused, it holds more than tensors: {reason}", _HINT) from error


def fill(module: torch.nn.Module, state: Mapping[str, torch.Tensor], path: Path) -> None:
    """Load tensors into a module, all of them or none.

    Args:
        module: the network.
        state: tensors by name.
        path: where they come from, for the error.

    Raises:
        WeightsError: tensors are missing, left over, of another shape or of another kind of number (torch would copy
            integers and complex numbers without a word); one line with the first few.
    """
    wanted = module.state_dict()
    both, problems = sorted(set(wanted) & set(state)), []
    for what, names in (
        ("lacks", sorted(set(wanted) - set(state))),
        ("has more than it needs", sorted(set(state) - set(wanted))),
        ("has other shapes", [n for n in both if wanted[n].shape != state[n].shape]),
        ("has other kinds of numbers", [n for n in both if _kind(wanted[n]) != _kind(state[n])]),
    ):
        if names:
            shown = ", ".join(map(_shown, names[:3])) + (", ..." if len(names) > 3 else "")
            problems.append(f"{what} ({len(names)}): {shown}")
    if problems:
        name = type(module).__name__
        raise WeightsError(f"{path} is of another network than {name}: it {'; it '.join(problems)}", _HINT)
    module.load_state_dict(state)


def _kind(tensor: torch.Tensor) -> tuple[bool, bool]:
    """Real, complex or whole numbers; how many bits they have is the file's own choice."""
    return tensor.is_floating_point(), tensor.is_complex()


def load_torchscript(path: Path, sha256: str) -> torch.jit.ScriptModule:
    """A TorchScript module on the CPU, from bytes that hash to `sha256`.

    Args:
        path: the file.
        sha256: the listed hash. Not one that was recorded here: a program is not trusted because it was seen before.

    Raises:
        WeightsError: the file is missing, or is not the listed one; nothing of it was run then.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise WeightsError(f"{path} cannot be read: {error.strerror}", _HINT) from error
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise WeightsError(f"{path} is a program and is not run: its sha256 is {found}, expected {sha256}", _HINT)
    import torch

    with foreign(WeightsError, f"{path} cannot be loaded as TorchScript", _HINT):
        module: torch.jit.ScriptModule = torch.jit.load(  # type: ignore[no-untyped-call]
            io.BytesIO(data), map_location="cpu"
        )
    return module.eval()
