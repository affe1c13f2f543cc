"""What a folder of weights must hold: `manifest.json` lists every file with its sha256, and nothing else is read.

    {"schema": "ttm_ref.weights/1", "files": {"stage1/denoiser/config.json": SHA256, ...}, "about": {...}}

`about` says how the weights were made (configuration, command, seed, data, measured quality); nothing here reads it.
"""

from __future__ import annotations

import hashlib
import json
import typing as t
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from motionbench.errors import WeightsError

NAME = "manifest.json"
SCHEMA = "ttm_ref.weights/1"
HINT = "copy the folder again, or write its manifest anew with the program that made it"


def write(folder: Path, about: Mapping[str, t.Any]) -> None:
    """List all files of the folder in its manifest.

    Args:
        folder: the weights; an older manifest is replaced.
        about: JSON values that say how they were made.
    """
    paths = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file() and p != folder / NAME)
    content = {"schema": SCHEMA, "files": {path: _sha256(folder / path) for path in paths}, "about": dict(about)}
    (folder / NAME).write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")


class Manifest:
    """The manifest of a folder.

    Args:
        folder: what `write` was called for.

    Raises:
        WeightsError: there is no such folder, or no manifest that can be read.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        if not folder.is_dir():
            raise WeightsError(f"there are no weights at {str(folder)!r}", "name the folder: -o weights=DIR")
        try:
            content = json.loads((folder / NAME).read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise WeightsError(f"{str(folder)!r} has no {NAME}", "it is no folder of ttm_ref's weights") from error
        except (OSError, ValueError) as error:
            raise WeightsError(f"{str(folder / NAME)!r} cannot be read: {error}", HINT) from error
        files = content.get("files") if isinstance(content, dict) else None
        if not isinstance(files, dict) or content.get("schema") != SCHEMA:
            raise WeightsError(f"{str(folder / NAME)!r} is no manifest of the schema {SCHEMA}", HINT)
        for path in files:
            if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
                raise WeightsError(f"{str(folder / NAME)!r} lists {path!r}, which is outside the folder", HINT)
        self.files: dict[str, str] = files
        self.about: dict[str, t.Any] = content.get("about", {})

    def has(self, path: str) -> bool:
        """True if a file, or a file in a folder of that path, is listed."""
        return path in self.files or any(listed.startswith(f"{path}/") for listed in self.files)

    def checked(self, path: str) -> Path:
        """The full path of a file or folder, after a check of every byte in it.

        Raises:
            WeightsError: a listed file is missing or altered, or a file is not listed.
        """
        place = self.folder / path
        found = {p.relative_to(self.folder).as_posix() for p in ([place] if place.is_file() else place.rglob("*"))}
        found = {name for name in found if (self.folder / name).is_file()}
        listed = {name for name in self.files if name == path or name.startswith(f"{path}/")}
        for what, names in (("is missing", listed - found), ("is not in the manifest", found - listed)):
            if names:
                raise WeightsError(f"{min(names)!r} {what} ({str(self.folder)!r})", HINT)
        for name in sorted(listed):
            if _sha256(self.folder / name) != self.files[name]:
                raise WeightsError(f"{name!r} is not the file that the manifest lists ({str(self.folder)!r})", HINT)
        return place


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
