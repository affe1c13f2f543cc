"""Entries: runs that were put on a board, one folder each.

    <board>/entries/<system slug>/<run id>/{entry.json, run.json, cases.jsonl}

The run id is the first 12 hex digits of the sha256 of the run's canonical identity; entry.json holds the hashes of the
two other files, which are the run's own bytes. Videos stay out of the board.
"""

from __future__ import annotations

import hashlib
import re
import typing as t
import unicodedata
from dataclasses import dataclass
from pathlib import Path

import pydantic

from motionbench.canonical import Record, Sha256, dump, parse_record, read_bytes, show
from motionbench.errors import ConfigError, SchemaError
from motionbench.results import CASES_FILE, RUN_FILE, Identity, RunFile, read_run

SCHEMA = "motionbench.entry/1"
ENTRY_FILE = "entry.json"
ENTRIES, REPORTED, TABLES = "entries", "reported", "tables"
BASELINES = ("reference", "warp", "static", "shuffle")

_SLUG_LENGTH = 48
_DEVICE_NAMES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?")  # names that Windows keeps for itself


class Files(Record):
    """sha256 of an entry's two copied files."""

    run_json: Sha256 = pydantic.Field(alias="run.json")
    cases_jsonl: Sha256 = pydantic.Field(alias="cases.jsonl")


class EntryRecord(Record):
    """`entry.json`. `system` is the name as the run gives it; the folder's name is only a safe spelling of it."""

    schema_: t.Literal["motionbench.entry/1"] = pydantic.Field(alias="schema")
    run_id: t.Annotated[str, pydantic.StringConstraints(pattern=r"^[0-9a-f]{12}$")]
    system: str
    files: Files


@dataclass(frozen=True, slots=True)
class Entry:
    """A measured run on a board.

    Attributes:
        folder: where its files lie.
        record: entry.json.
        run: the run; its rows stay on disk until asked for.
    """

    folder: Path
    record: EntryRecord
    run: RunFile

    @property
    def identity(self) -> Identity:
        """What the run measured."""
        return self.run.identity

    @property
    def baseline(self) -> str:
        """Which baseline it is, or "" for a system that takes part in the ranking.

        What it is decides, under whatever name; and a system that calls itself `static` loses its rank.
        """
        system = self.identity.system
        for name in (system.source, system.name.strip().casefold()):
            if name in BASELINES:
                return name
        return ""


def slug(name: str) -> str:
    """Return a folder name for a system's name: a-z, 0-9, "-", "_" and inner ".", at most 57 characters.

    A name that is such a text already stays as it is. Any other is folded to ASCII and gets 8 hex digits of its
    sha256, so that two names never share a folder, also where a file system ignores case.

    Example:
        >>> slug("ttm_unet"), slug("../../etc")
        ('ttm_unet', 'etc-22a0b7ca')
    """
    folded = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    safe = re.sub(r"\.{2,}", ".", re.sub(r"[^a-z0-9._-]+", "-", folded))[:_SLUG_LENGTH].strip("-._")
    if safe and safe == name and not _DEVICE_NAMES.fullmatch(safe) and not re.search(r"-[0-9a-f]{8}$", safe):
        return safe
    return f"{safe or 'system'}-{hashlib.sha256(name.encode('utf-8', 'backslashreplace')).hexdigest()[:8]}"


def run_id(identity: Identity) -> str:
    """Return the first 12 hex digits of the sha256 of the identity's canonical JSON."""
    return _digest(identity.model_dump(mode="json"))[:12]


def sample(identity: Identity) -> str:
    """Return a digest of the identity without `versions`: what two runs share if one is the other done again."""
    return _digest(identity.model_dump(mode="json", exclude={"versions"}))


def group(identity: Identity) -> str:
    """Return a digest of dataset, profile, protocol and metrics: runs share a table if and only if they share it."""
    return _digest(identity.model_dump(mode="json", include={"dataset", "profile", "protocol", "metrics"}))


def require_board(board: Path) -> None:
    """Raise ConfigError unless `board` is a folder."""
    if not board.is_dir():
        raise ConfigError(
            f"there is no board at {show(board)}", "name its folder with --board; `leaderboard add` makes a new one"
        )


def entry_folders(board: Path, system: str | None = None) -> list[Path]:
    """Return the folders under entries/ that should each be an entry, sorted, of one system's name or of all.

    Names that start with "." are skipped.
    """
    systems = _visible(board / ENTRIES) if system is None else [board / ENTRIES / slug(system)]
    return [folder for place in systems for folder in _visible(place)]


def read_entry(folder: Path) -> Entry:
    """Read an entry and check its hashes; the rows are not read.

    Raises:
        DataError: a file is missing.
        SchemaError: a file breaks its schema, or is not the one that entry.json was written with.
    """
    record = parse_record(EntryRecord, read_bytes(folder / ENTRY_FILE), SCHEMA, show(folder / ENTRY_FILE))
    run = read_run(folder / RUN_FILE)
    if hashlib.sha256(read_bytes(folder / RUN_FILE)).hexdigest() != record.files.run_json:
        raise SchemaError(
            f"{show(folder / RUN_FILE)} is not the file that was added: its sha256 differs from {ENTRY_FILE}",
            "restore the file, or remove the entry's folder and add the run again",
        )
    if run.cases_sha256 != record.files.cases_jsonl:
        raise SchemaError(f"{show(folder / ENTRY_FILE)}: the hash of {CASES_FILE} differs from that in {RUN_FILE}")
    if record.run_id != run_id(run.identity) or record.system != run.identity.system.name:
        raise SchemaError(f"{show(folder / ENTRY_FILE)} does not belong to the {RUN_FILE} beside it")
    return Entry(folder, record, run)


def _visible(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def _digest(value: object) -> str:
    return hashlib.sha256(dump(value, indent=None)).hexdigest()
