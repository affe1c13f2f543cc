"""Is a model still the one that made a video? A digest over its name, its options and the code or files behind it.

It is as honest as it can be without running the model: an edited script, module or package folder (weights in it
included), another version of a plug-in, and other weights where an option points change it. What a
program or module reads by itself elsewhere, and where a hub's branch points (set `-o revision=`), do not.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import importlib.util
from pathlib import Path

from motionbench import registry
from motionbench.canonical import dump
from motionbench.models.spec import ModelSpec

WEIGHTS = {".safetensors", ".pt", ".pth", ".ckpt", ".bin", ".onnx"}
WHOLE = 1 << 26  # larger files are told apart by size and time


def fingerprint(spec: ModelSpec) -> str:
    """sha256 hex digest of a model's identity."""
    return hashlib.sha256(dump([spec.kind, spec.target, spec.options, _evidence(spec)])).hexdigest()


def _evidence(spec: ModelSpec) -> list[list[str]]:
    if spec.kind == "entry point":
        entry = registry.find("models", spec.target)
        code = _code(entry.target.partition(":")[0])
        return [[entry.distribution, entry.version, entry.target], *code, *_named(spec)]
    if spec.kind == "module":
        return [*_code(spec.target.partition(":")[0]), *_named(spec)]
    if spec.kind == "command":
        from motionbench.models.command import named_files

        return [[path.name, _content(path)] for path in named_files(spec.target)]
    return [["diffusers", importlib.metadata.version("diffusers")], *_below(Path(spec.target))]


def _named(spec: ModelSpec) -> list[list[str]]:
    """Weights where options point to, such as weights=DIR. What else lies there may be the model's own output."""
    rows = []
    for key, value in spec.options:
        # A text that is too long for a path, or has a zero in it, names nothing.
        with contextlib.suppress(OSError, ValueError):
            path = Path(str(value)).expanduser()
            found = [["", _content(path)]] if path.suffix in WEIGHTS and path.is_file() else _below(path)
            rows += [[key, *row] for row in found if not row[0] or Path(row[0]).suffix in WEIGHTS | {".json"}]
    return rows


def _below(folder: Path) -> list[list[str]]:
    """All files in a folder; none where there is no folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.parent.name != "__pycache__")
    return [[path.relative_to(folder).as_posix(), _content(path)] for path in files]


def _code(module: str) -> list[list[str]]:
    """The module's file, or all files of its folder if it lies in a package: code, and weights that come with it."""
    found = importlib.util.find_spec(module)
    if found is None or found.origin is None or not Path(found.origin).is_file():
        return []
    origin = Path(found.origin)
    if "." not in module and found.submodule_search_locations is None:
        return [[origin.name, _content(origin)]]
    return _below(origin.parent)


def _content(path: Path) -> str:
    facts = path.stat()
    if facts.st_size > WHOLE:
        return f"{facts.st_size} bytes at {facts.st_mtime_ns}"
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
