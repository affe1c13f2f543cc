"""The folder that holds weights, and whether each file in it is what it must be.

    <folder>/<name>/<file>     the files of an entry (of code: what is kept of the repository)
    <folder>/recorded.json     sha256 of files whose hash nobody published, as they were first seen here
    <folder>/checked.json      which bytes were already hashed: path to sha256, size and modification time
    <folder>/random.json       only in a folder of random weights: what `weights make-random` wrote

A file is hashed when it is first used, and again whenever its size or modification time has changed.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import tempfile
import typing as t
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from motionbench.canonical import dump
from motionbench.errors import WeightsError
from motionbench.weights import code
from motionbench.weights.entries import Entry, File
from motionbench.weights.journal import Journal

FOLDER_VARIABLE = "MOTIONBENCH_WEIGHTS_DIR"
_REPAIR = "delete it and run: motionbench weights fetch {}"
Known = t.Literal["present", "absent", "wrong", "unverified"]


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
        self.journal = Journal(root)

    @property
    def random(self) -> bool:
        """True if the folder was written by `weights make-random`."""
        return self.journal.random is not None

    def place(self, name: str, entry: Entry) -> Path:
        """What a backend opens: the file of an entry that is one, else the entry's folder."""
        folder = self.root / name
        return folder / entry.files[0].path if entry.kind in ("state_dict", "torchscript") else folder

    def file(self, name: str, file: File) -> Path:
        """Where one file of an entry lies."""
        return self.root / name / file.path

    @contextlib.contextmanager
    def alone(self, name: str, entry: Entry) -> Iterator[Path]:
        """A folder, for a while, in which an entry's files are all there is.

        For libraries that look around in a folder: a file beside the checked ones would steer them, and no digest
        would tell. Links, since the files are large.

        Raises:
            WeightsError: there can be no links where temporary files go.
        """
        with tempfile.TemporaryDirectory(prefix="motionbench-") as scratch:
            for file in entry.files:
                link = Path(scratch) / file.path
                try:
                    link.parent.mkdir(parents=True, exist_ok=True)
                    link.symlink_to(self.file(name, file).resolve())
                except OSError as error:
                    raise WeightsError(f"{link} cannot be linked: {error.strerror}", "set TMPDIR") from error
            yield Path(scratch)

    def expected(self, name: str, file: File) -> str | None:
        """The sha256 that a file must have: the listed one, or the recorded one; None if nobody knows it yet.

        Of a file that was made at random here it is what was made.
        """
        key = _key(name, file)
        return self.journal.made(key) or file.sha256 or self.journal.recorded(key)

    def made(self, name: str, entry: Entry) -> bool:
        """True if the entry's files were made at random."""
        return any(self.journal.made(_key(name, file)) is not None for file in entry.files)

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
            return State("wrong", f"the content of {folder} has git's id {found}, expected {entry.tree}")
        return State("present")

    def _file_state(self, name: str, file: File) -> State:
        path = self.file(name, file)
        try:
            about = path.stat()
        except OSError:
            return State("absent", f"there is no {path}")
        if reason := self._unfit(name, file, about):
            return State("wrong", reason)
        found, expected = self.journal.hashed(_key(name, file), about), self.expected(name, file)
        if found is None:
            return State("unverified", f"{path} was not hashed yet")
        if expected is None:
            return State("unverified", f"nobody published a sha256 of {path}, and none was recorded")
        return State("present") if found == expected else State("wrong", _mismatch(path, found, expected))

    def _unfit(self, name: str, file: File, about: os.stat_result) -> str:
        """What is wrong with a file that need not be read to know it, or nothing."""
        if not stat.S_ISREG(about.st_mode):  # reading a pipe or a device might never end
            return f"{self.file(name, file)} is no plain file"
        if file.bytes in (None, about.st_size) or self.journal.made(_key(name, file)) is not None:
            return ""
        return f"{self.file(name, file)} has {about.st_size} bytes, expected {file.bytes}"

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
            raise WeightsError(f"the weights {name} are not there: {state.reason}", fetch_command(name))
        if entry.kind == "code":
            if state.known == "wrong":
                raise _wrong(name, state.reason)
            code.drop_byte_code(self.root / name)
            return _digest({"tree": entry.tree})
        found = {file.path: self._check_file(name, file, again) for file in entry.files}
        return next(iter(found.values())) if len(found) == 1 else _digest(found)

    def _check_file(self, name: str, file: File, again: bool) -> str:
        path, key = self.file(name, file), _key(name, file)
        try:
            about = path.stat()
        except OSError as error:  # of several files another one is wrong, so that the entry is not absent
            raise _wrong(name, f"{path} cannot be read: {error.strerror}") from error
        if reason := self._unfit(name, file, about):
            raise _wrong(name, reason)
        found = None if again else self.journal.hashed(key, about)
        if found is None:
            found = sha256_of(path)
            self.journal.stamp(key, about, found)
        expected = self.expected(name, file)
        if expected is None:
            self.journal.record(key, found)
        elif found != expected:
            raise _wrong(name, _mismatch(path, found, expected))
        return found


def fetch_command(name: str) -> str:
    """What to type to get weights."""
    return f"motionbench weights fetch {name}"


def _key(name: str, file: File) -> str:
    return f"{name}/{file.path}"


def _digest(content: Mapping[str, str | None]) -> str:
    return hashlib.sha256(dump(content, indent=None)).hexdigest()


def _mismatch(path: Path, found: str, expected: str) -> str:
    return f"{path} has the sha256 {found}, expected {expected}"


def _wrong(name: str, reason: str) -> WeightsError:
    return WeightsError(f"the weights {name} are wrong: {reason}", _REPAIR.format(name))
