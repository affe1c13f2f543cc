"""The artefact store: arrays and small JSON under a content address, in safetensors files.

A key is the sha256 of exactly what an artefact depends on, so an entry never becomes stale: other inputs are another
key. Files are written under a temporary name and renamed, so a killed run leaves whole entries only. That makes
resuming the same as looking up: there is no second record of what was done.
"""

from __future__ import annotations

import hashlib
import json
import math
import secrets
import time
import typing as t
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from motionbench.types import Array, Features

LAYOUT = 1  # raised when the meaning of the stored bytes changes
_STALE_SECONDS = 24 * 3600


def digest(content: object) -> str:
    """sha256 of the canonical JSON of plain values."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


class Cache:
    """A folder of artefacts. Counts its hits and misses; a full or read-only disk is reported once, in `trouble`.

    Args:
        root: the folder; made on demand.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.hits = 0
        self.misses = 0
        self.trouble = ""

    def _path(self, key: str) -> Path:
        return self.root / key[:2] / f"{key[2:]}.safetensors"

    def get(self, key: str) -> tuple[dict[str, Array], t.Any] | None:
        """The arrays and the JSON value under `key`, or None. A damaged entry counts as absent and is removed."""
        path = self._path(key)
        try:
            with safe_open(path, framework="np") as file:
                header = json.loads(file.metadata()["json"])
                arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
            for name, shape in header["bools"].items():
                count = math.prod(shape)
                arrays[name] = np.unpackbits(arrays[name], count=count).view(np.bool_).reshape(shape)
        except FileNotFoundError:
            self.misses += 1
            return None
        except (SafetensorError, OSError, ValueError, KeyError, TypeError):
            path.unlink(missing_ok=True)
            self.misses += 1
            return None
        self.hits += 1
        return arrays, header["value"]

    def has(self, key: str) -> bool:
        """True if there is an entry, sound or damaged; counted as neither hit nor miss."""
        return self._path(key).exists()

    def put(self, key: str, arrays: Features, value: t.Any = None) -> None:
        """Store arrays and a plain JSON value. Boolean arrays are packed to bits."""
        if self.trouble:
            return
        packed: dict[str, Array] = {}
        bools: dict[str, list[int]] = {}
        for name, array in arrays.items():
            if array.dtype == np.bool_:
                bools[name] = list(array.shape)
                packed[name] = np.packbits(array)
            else:
                packed[name] = np.ascontiguousarray(array)
        header = json.dumps({"bools": bools, "value": value}, sort_keys=True, ensure_ascii=True, allow_nan=False)
        path = self._path(key)
        try:
            write_atomically(path, save(packed, metadata={"json": header}))
        except OSError as error:
            self.trouble = f"the cache at {self.root} cannot be written ({error.strerror or error})"

    def sweep(self) -> None:
        """Remove temporary files that a killed run left behind (older than a day, so that no live run is hurt)."""
        limit = time.time() - _STALE_SECONDS
        for path in self.root.glob("??/.tmp-*"):
            try:
                if path.stat().st_mtime < limit:
                    path.unlink()
            except OSError:
                continue  # another run was faster, or the folder is read-only: nothing is lost


def write_atomically(path: Path, content: bytes) -> None:
    """Write beside the target and rename, so that a reader sees the old file or the new one and never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".tmp-{secrets.token_hex(8)}")
    try:
        with temporary.open("xb") as file:
            file.write(content)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
