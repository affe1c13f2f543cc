"""What a folder of weights remembers about its files, in three small JSON files beside them (see `store`)."""

from __future__ import annotations

import contextlib
import os
import typing as t
from collections.abc import Mapping
from pathlib import Path

import pydantic

from motionbench.canonical import Record, Sha256, dump, parse_record, write_atomic
from motionbench.errors import ConfigError, SchemaError, WeightsError


class Recorded(Record):
    """recorded.json: path to sha256 of files whose hash nobody published, as they were first seen."""

    schema_: t.Literal["motionbench.recorded/1"] = pydantic.Field(alias="schema")
    files: dict[str, Sha256]


class Stamp(Record):
    """The sha256 of bytes that had this size and modification time."""

    sha256: Sha256
    size: int
    mtime_ns: int


class Checked(Record):
    """checked.json: path to what was hashed."""

    schema_: t.Literal["motionbench.checked/1"] = pydantic.Field(alias="schema")
    files: dict[str, Stamp]


class RandomMark(Record):
    """random.json: the seed, and path to sha256 of the files that were made."""

    schema_: t.Literal["motionbench.random/1"] = pydantic.Field(alias="schema")
    seed: int
    files: dict[str, Sha256]


class Journal:
    """The three files of one folder. Reading one that is spoilt is a WeightsError: what it says is trusted.

    Args:
        root: the folder of weights; it need not exist.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.random: RandomMark | None = self._read("random.json", RandomMark, "motionbench.random/1")

    def made(self, key: str) -> str | None:
        """The sha256 of a file that was made at random here, or None."""
        return None if self.random is None else self.random.files.get(key)

    def recorded(self, key: str) -> str | None:
        """The recorded sha256 of a file, or None."""
        return self._recorded().get(key)

    def record(self, key: str, sha256: str) -> None:
        """Remember a hash that nobody published; from now on the file must have it.

        Raises:
            WeightsError: it cannot be written, and a file that cannot be checked next time is not to be used.
        """
        files = {**self._recorded(), key: sha256}
        self._write("recorded.json", {"schema": "motionbench.recorded/1", "files": files})

    def _recorded(self) -> Mapping[str, str]:
        content = self._read("recorded.json", Recorded, "motionbench.recorded/1")
        return {} if content is None else content.files

    def hashed(self, key: str, about: os.stat_result) -> str | None:
        """The sha256 of a file if it was hashed when it had this size and modification time, or None."""
        stamp = self._checked().get(key)
        fresh = stamp is not None and (stamp.size, stamp.mtime_ns) == (about.st_size, about.st_mtime_ns)
        return stamp.sha256 if stamp is not None and fresh else None

    def stamp(self, key: str, about: os.stat_result, sha256: str) -> None:
        """Remember that a file was hashed. In a read-only folder it is hashed once more the next time."""
        stamp = Stamp(sha256=sha256, size=about.st_size, mtime_ns=about.st_mtime_ns)
        files = {name: entry.model_dump() for name, entry in {**self._checked(), key: stamp}.items()}
        with contextlib.suppress(WeightsError):
            self._write("checked.json", {"schema": "motionbench.checked/1", "files": files})

    def _checked(self) -> Mapping[str, Stamp]:
        content = self._read("checked.json", Checked, "motionbench.checked/1")
        return {} if content is None else content.files

    def mark_random(self, seed: int, files: Mapping[str, str]) -> None:
        """Say that the folder holds random weights."""
        self.random = RandomMark(schema="motionbench.random/1", seed=seed, files=dict(files))
        self._write("random.json", self.random.model_dump(by_alias=True))

    def _read(self, file: str, model: type[_R], schema: str) -> _R | None:
        path = self.root / file
        try:
            return parse_record(model, path.read_bytes(), schema, str(path))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise WeightsError(f"{path} cannot be read: {error.strerror}") from error
        except SchemaError as error:
            raise WeightsError(error.message, f"delete {path} to check all files anew") from error

    def _write(self, file: str, content: Mapping[str, t.Any]) -> None:
        try:
            write_atomic(self.root / file, [dump(content)])
        except ConfigError as error:
            raise WeightsError(error.message, "choose another folder with --weights-dir") from error


_R = t.TypeVar("_R", bound=Record)
