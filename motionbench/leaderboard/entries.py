"""Entries: runs that were put on a board, one folder each.

    <board>/entries/<system slug>/<run id>/{entry.json, run.json, cases.jsonl, videos.json}

The run id is the first 12 hex digits of the sha256 of the run's canonical identity; entry.json holds what the submitter
declares and the hashes of the other files. run.json and cases.jsonl are the run's own bytes; videos.json has the hash
of each case's video as it was measured. The videos themselves stay out of the board.
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
from motionbench.leaderboard.declare import Declaration, Tier
from motionbench.records import Identity
from motionbench.results import CASES_FILE, RUN_FILE, RunFile, read_run

SCHEMA, VIDEOS_SCHEMA = "motionbench.entry/1", "motionbench.videos/1"
ENTRY_FILE, VIDEOS_FILE = "entry.json", "videos.json"
ENTRIES, REPORTED, TABLES = "entries", "reported", "tables"
BASELINES = ("reference", "warp", "static", "shuffle")

_SLUG_LENGTH = 48
_DEVICE_NAMES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?")  # names that Windows keeps for itself


class Files(Record):
    """sha256 of an entry's other files; null where the run had no previews to take the videos' hashes from."""

    run_json: Sha256 = pydantic.Field(alias="run.json")
    cases_jsonl: Sha256 = pydantic.Field(alias="cases.jsonl")
    videos_json: Sha256 | None = pydantic.Field(alias="videos.json")


class Videos(Record):
    """`videos.json`: by case id the sha256 of the preview that the run made of the generated video as measured."""

    schema_: t.Literal["motionbench.videos/1"] = pydantic.Field(alias="schema")
    videos: dict[str, Sha256]


class EntryRecord(Record):
    """`entry.json`. `system` is the name as the run gives it; the folder's name is only a safe spelling of it.

    `tier` is who vouches: "verified" (the board's maintainers made the videos anew), "rescored" (they scored the
    submitted videos anew) or "self" (the submitter's own numbers). `declaration` is null where nothing was declared.
    """

    schema_: t.Literal["motionbench.entry/1"] = pydantic.Field(alias="schema")
    run_id: t.Annotated[str, pydantic.StringConstraints(pattern=r"^[0-9a-f]{12}$")]
    system: str
    tier: Tier
    declaration: Declaration | None
    files: Files


@dataclass(frozen=True, slots=True)
class Entry:
    """A measured run on a board.

    Attributes:
        folder: where its files lie.
        record: entry.json.
        run: the run; its rows stay on disk until asked for.
        videos: sha256 by case id; empty where the run had no previews.
    """

    folder: Path
    record: EntryRecord
    run: RunFile
    videos: t.Mapping[str, str]

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
    return Entry(folder, record, run, _videos(folder, record.files.videos_json))


def _videos(folder: Path, digest: str | None) -> dict[str, str]:
    path = folder / VIDEOS_FILE
    if digest is None:
        if path.exists():
            raise SchemaError(f"{show(path)} is not named in {ENTRY_FILE}")
        return {}
    data = read_bytes(path)
    if hashlib.sha256(data).hexdigest() != digest:
        raise SchemaError(f"{show(path)} is not the file that was added: its sha256 differs from {ENTRY_FILE}")
    return parse_record(Videos, data, VIDEOS_SCHEMA, show(path)).videos


def _visible(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def _digest(value: object) -> str:
    return hashlib.sha256(dump(value, indent=None)).hexdigest()
