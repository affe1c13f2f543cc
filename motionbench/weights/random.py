"""A folder of random weights: the official formats, no official number.

For tests of the whole path from a file to a score where the real weights cannot be had. `random.json` marks the folder,
and every run with it is not official and says why.
"""

from __future__ import annotations

import hashlib
import importlib
import io
import shutil
import typing as t
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from motionbench.canonical import write_atomic
from motionbench.errors import ConfigError, PluginError, WeightsError
from motionbench.registry import foreign
from motionbench.weights.entries import Entry, find, shipped
from motionbench.weights.store import Store

REASON = "the weights are random, for testing only"


def make_random(
    folder: Path,
    names: Iterable[str] | None = None,
    *,
    seed: int = 0,
    code_from: Path | None = None,
    tell: Callable[[str, str], None] = lambda name, what: None,
) -> list[str]:
    """Write randomly initialised networks in the official formats.

    The same seed gives the same tensors on one machine. On another one PyTorch may draw others (how it makes normal
    numbers depends on the vector instructions), and then their sha256 is another as well.

    Args:
        folder: an empty folder, or one of random weights.
        names: which; by default all that can be made. Names already there are made anew.
        seed: what the initialisation draws from, together with each name.
        code_from: a folder of weights to copy checked code from, for there is no random code.
        tell: called with a name and what was done about it.

    Returns:
        The names that cannot be made at random (nobody wrote a maker, or their code is not at hand).

    Raises:
        ConfigError: the folder holds something else.
        PluginError: an unknown name, or a maker that fails.
    """
    store = Store(folder)
    if not store.random and folder.exists() and any(folder.iterdir()):
        raise ConfigError(f"{folder} holds something else than random weights", "choose an empty folder")
    wanted = sorted(shipped()) if names is None else list(dict.fromkeys(names))
    files = dict(store.journal.random.files) if store.journal.random is not None else {}
    left = []
    # Code first: it must be there for the networks that it builds.
    for name in sorted(wanted, key=lambda name: find(name).kind != "code"):
        entry = find(name)
        if entry.kind == "code":
            done = code_from is not None and _copy_code(name, entry, Store(code_from), store)
        else:
            made = _make(name, entry, store, seed) if entry.random else None
            done = made is not None
            files.update(made or {})
        tell(name, "made" if done else "left out")
        if not done:
            left.append(name)
        store.journal.mark_random(seed, files)
        if done:
            store.check(name, entry)
    return [name for name in wanted if name in left]


def _copy_code(name: str, entry: Entry, source: Store, store: Store) -> bool:
    if source.state(name, entry).known != "present":
        return False
    target = store.root / name
    if target.exists():
        shutil.rmtree(target)
    shutil.copytree(source.root / name, target, ignore=shutil.ignore_patterns("__pycache__"))
    return True


def _make(name: str, entry: Entry, store: Store, seed: int) -> dict[str, str] | None:
    """Write the files of one entry. Returns their sha256 by path; None where the code that builds it is not there."""
    import torch

    module, _, function = entry.random.partition(":")
    with foreign(PluginError, f"the maker of random {name} fails"), torch.random.fork_rng(devices=[]):
        torch.manual_seed(int.from_bytes(hashlib.sha256(f"{seed}/{name}".encode()).digest()[:7]))
        made: Mapping[str, t.Any] | None = getattr(importlib.import_module(module), function)(store.root)
    if made is None:
        return None
    contents = made if entry.kind == "folder" else {entry.files[0].path: made}
    if set(contents) != {file.path for file in entry.files}:
        raise PluginError(f"the maker of random {name} gives {sorted(contents)}")
    return {
        f"{name}/{path}": write_atomic(store.root / name / path, [_packed(content, path)])
        for path, content in contents.items()
    }


def _packed(content: t.Any, path: str) -> bytes:
    """A state dict in the format that the file's name asks for; bytes as they are."""
    if isinstance(content, bytes):
        return content
    if path.endswith(".safetensors"):
        from safetensors.torch import save

        packed: bytes = save({key: value.contiguous() for key, value in content.items()})
        return packed
    if not path.endswith((".pt", ".pth")):
        raise WeightsError(f"no format for {path}")
    import torch

    buffer = io.BytesIO()
    torch.save(dict(content), buffer)
    return buffer.getvalue()
