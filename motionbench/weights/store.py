"""The folder that holds weights, and what is known of each file in it.

    <folder>/<name>/<file>     the files of an entry (of code: the unpacked repository)
    <folder>/recorded.json     sha256 of files whose hash nobody published, as they were first seen here
    <folder>/checked.json      which bytes were already hashed: path to sha256, size and modification time
    <folder>/random.json       only in a folder of random weights: what `weights make-random` wrote

A file is hashed when it is first used, and again whenever its size or modification time has changed.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import typing as t
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import platformdirs
import pydantic

from motionbench.canonical import Record, Sha256, dump, parse_record, write_atomic
from motionbench.errors import ConfigError, SchemaError, WeightsError
from motionbench.weights import code
from motionbench.weights.entries import Entry, File

FOLDER_VARIABLE = "MOTIONBENCH_WEIGHTS_DIR"
Known = t.Literal["present", "absent", "wrong", "unverified"]


class _Recorded(Record):
    schema_: t.Literal["motionbench.recorded/1"] = pydantic.Field(alias="schema")
    files: dict[str, Sha256]


class _Stamp(Record):
    sha256: Sha256
    size: int
    mtime_ns: int


class _Checked(Record):
    schema_: t.Literal["motionbench.checked/1"] = pydantic.Field(alias="schema")
    files: dict[str, _Stamp]


class RandomMark(Record):
    """What `random.json` says: the seed, and the files that were made."""

    schema_: t.Literal["motionbench.random/1"] = pydantic.Field(alias="schema")
    seed: int
    files: dict[str, Sha256]


@dataclass(frozen=True, slots=True)
class State:
    """What is known of an entry without hashing it, and why.

    present: there, and its hash was checked; unverified: there, not checked yet; wrong: not the listed file.
    """

    known: Known
    reason: str = ""


def default_folder() -> Path:
    """MOTIONBENCH_WEIGHTS_DIR, or a folder of the user's data."""
    named = os.environ.get(FOLDER_VARIABLE)
    return Path(named).expanduser() if named else Path(platformdirs.user_data_dir("motionbench")) / "weights"


def sha256_of(path: Path) -> str:
    """sha256 of a file's bytes, in hex.

    Raises:
        WeightsError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise WeightsError(f"{path} cannot be read: {error.strerror}") from error


class Store:
    """A folder of weights.

    Args:
        root: the folder; it need not exist.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        mark = self._read("random.json", RandomMark, "motionbench.random/1")
        self.random: RandomMark | None = mark

    def place(self, name: str, entry: Entry) -> Path:
        """What a backend opens: the file of an entry that is one, else the entry's folder."""
        folder = self.root / name
        return folder / entry.files[0].path if entry.kind in ("state_dict", "torchscript") else folder

    def file(self, name: str, file: File) -> Path:
        """Where one file of an entry lies."""
        return self.root / name / file.path

    def expected(self, name: str, file: File) -> str | None:
        """The sha256 that a file must have: the listed one, or the recorded one; None if nobody knows it yet.

        In a folder of random weights it is what was made there.
        """
        key = f"{name}/{file.path}"
        if self.random is not None and key in self.random.files:
            return self.random.files[key]
        return file.sha256 or self._recorded().get(key)

    def made(self, name: str, entry: Entry) -> bool:
        """True if the entry's files were made at random."""
        return self.random is not None and any(f"{name}/{file.path}" in self.random.files for file in entry.files)

    def state(self, name: str, entry: Entry) -> State:
        """What is known of an entry, at the price of looking at sizes and times."""
        if entry.kind == "code":
            return self._code_state(name, entry)
        states = [self._file_state(name, file) for file in entry.files]
        for known in ("wrong", "absent", "unverified"):
            for state in states:
                if state.known == known:
                    return state
        return State("present")

    def _code_state(self, name: str, entry: Entry) -> State:
        folder = self.root / name
        if not folder.is_dir():
            return State("absent", f"there is no {folder}")
        found = code.tree_id(folder)
        if found != entry.tree:
            return State("wrong", f"its content has git's id {found}, expected {entry.tree}")
        return State("present")

    def _file_state(self, name: str, file: File) -> State:
        path = self.file(name, file)
        try:
            about = path.stat()
        except OSError:
            return State("absent", f"there is no {path}")
        key = f"{name}/{file.path}"
        if (
            not (self.random is not None and key in self.random.files)
            and file.bytes is not None
            and about.st_size != file.bytes
        ):
            return State("wrong", f"{path} has {about.st_size} bytes, expected {file.bytes}")
        stamp = self._checked().get(key)
        if stamp is None or (stamp.size, stamp.mtime_ns) != (about.st_size, about.st_mtime_ns):
            return State("unverified", f"{path} was not hashed yet")
        expected = self.expected(name, file)
        if expected is None:
            return State("unverified", f"nobody published a sha256 of {path}, and none was recorded")
        return State("present") if stamp.sha256 == expected else State("wrong", _mismatch(path, stamp.sha256, expected))

    def check(self, name: str, entry: Entry, *, again: bool = False) -> str:
        """Make sure that an entry is what it must be; a hash that nobody published is recorded now.

        Args:
            name, entry: what to check.
            again: hash the bytes even if they look unchanged.

        Returns:
            A sha256 for the entry: its file's, or for more than one file (and for code) that of their list.

        Raises:
            WeightsError: it is absent or wrong; a wrong hash is named beside the expected one.
        """
        state = self.state(name, entry)
        if state.known == "absent":
            raise WeightsError(f"the weights {name} are not there: {state.reason}", fetch_command(name, entry))
        if entry.kind == "code":
            if state.known == "wrong":
                raise WeightsError(f"the code {name} is not the pinned one: {state.reason}", _REPAIR.format(name))
            code.drop_byte_code(self.root / name)
            return _digest({"tree": entry.tree})
        found = {file.path: self._check_file(name, file, again) for file in entry.files}
        return next(iter(found.values())) if len(found) == 1 else _digest(found)

    def _check_file(self, name: str, file: File, again: bool) -> str:
        path, key = self.file(name, file), f"{name}/{file.path}"
        state = self._file_state(name, file)
        if state.known == "wrong" and "bytes" in state.reason:  # no need to read a gigabyte to know it
            raise WeightsError(f"the weights {name} are wrong: {state.reason}", _REPAIR.format(name))
        about = path.stat()
        stamp = self._checked().get(key)
        if again or stamp is None or (stamp.size, stamp.mtime_ns) != (about.st_size, about.st_mtime_ns):
            stamp = _Stamp(sha256=sha256_of(path), size=about.st_size, mtime_ns=about.st_mtime_ns)
            self._stamp(key, stamp)
        expected = self.expected(name, file)
        if expected is None:
            self.record(name, file, stamp.sha256)
        elif stamp.sha256 != expected:
            raise WeightsError(
                f"the weights {name} are wrong: {_mismatch(path, stamp.sha256, expected)}", _REPAIR.format(name)
            )
        return stamp.sha256

    def record(self, name: str, file: File, sha256: str) -> None:
        """Remember a hash that nobody published; from now on the file must have it.

        Raises:
            WeightsError: it cannot be written, and an unchecked file is not to be used.
        """
        files = {**self._recorded(), f"{name}/{file.path}": sha256}
        self._write("recorded.json", {"schema": "motionbench.recorded/1", "files": files})

    def _stamp(self, key: str, stamp: _Stamp) -> None:
        files = {**{k: v.model_dump() for k, v in self._checked().items()}, key: stamp.model_dump()}
        with contextlib.suppress(WeightsError):  # a read-only folder only costs hashing once more
            self._write("checked.json", {"schema": "motionbench.checked/1", "files": files})

    def _recorded(self) -> Mapping[str, str]:
        content = self._read("recorded.json", _Recorded, "motionbench.recorded/1")
        return {} if content is None else content.files

    def _checked(self) -> Mapping[str, _Stamp]:
        content = self._read("checked.json", _Checked, "motionbench.checked/1")
        return {} if content is None else content.files

    def mark_random(self, mark: RandomMark) -> None:
        """Say that the folder holds random weights."""
        self._write("random.json", mark.model_dump(by_alias=True))
        self.random = mark

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
_REPAIR = "delete it and run: motionbench weights fetch {}"


def _digest(content: Mapping[str, str | None]) -> str:
    return hashlib.sha256(dump(content, indent=None)).hexdigest()


def _mismatch(path: Path, found: str, expected: str) -> str:
    return f"{path} has the sha256 {found}, expected {expected}"


def fetch_command(name: str, entry: Entry) -> str:
    """What to type to get an entry."""
    accept = f" --accept-license {entry.license}" if entry.non_commercial else ""
    return f"motionbench weights fetch {name}{accept}"
