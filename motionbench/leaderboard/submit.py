"""Putting a run on a board."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from motionbench.canonical import dump, read_bytes, show
from motionbench.errors import ConfigError, DataError
from motionbench.leaderboard.entries import (
    ENTRIES,
    ENTRY_FILE,
    SCHEMA,
    entry_folders,
    read_entry,
    run_id,
    sample,
    slug,
)
from motionbench.leaderboard.faults import examine
from motionbench.results import CASES_FILE, RUN_FILE, RunFile, read_run


def add(run_dir: Path, board: Path, *, replace: bool = False) -> Path:
    """Copy a run's `run.json` and `cases.jsonl` onto a board and return the entry's folder.

    Adding the same bytes again changes nothing. A board holds one run of a system with the same options, seed,
    dataset, profile, protocol and metrics; another one takes its place only with `replace`.

    Args:
        run_dir: the folder of a run, or its run.json.
        board: the board's folder; it is made if need be.
        replace: let the run take the place of an earlier one of the same system.

    Raises:
        ConfigError: the run is unofficial, another run of the system is there, or the board cannot be written.
        DataError: the run is partial, a file is missing, or the numbers do not add up.
        SchemaError: a file breaks its schema, or cases.jsonl is not the one that run.json was written with.
    """
    run_dir, board = Path(run_dir), Path(board)
    run = read_run(run_dir)
    _refuse(run)
    target = board / ENTRIES / slug(run.identity.system.name) / run_id(run.identity)
    content = {name: read_bytes(run.folder / name) for name in (RUN_FILE, CASES_FILE)}
    content[ENTRY_FILE] = _entry(run, content)
    if _holds(target, content):
        return target
    others = [folder for folder in entry_folders(board, run.identity.system.name) if folder != target]
    entries = [read_entry(folder) for folder in others]
    old = [entry.folder for entry in entries if sample(entry.identity) == sample(run.identity)]
    old += [target] if target.exists() else []
    if old and not replace:
        raise ConfigError(
            f"the board holds another run of {show(run.identity.system.name)!r}: {show(old[0])}",
            "use --replace to put this run in its place, or score the system under another --name",
        )
    _place(target, content, old)
    return target


def _refuse(run: RunFile) -> None:
    if run.status != "complete":
        raise DataError(
            f"the run of {show(run.identity.system.name)!r} is partial: {show('; '.join(run.reasons))}",
            "provide the missing videos and run the same `motionbench evaluate` again",
        )
    if not run.official:
        raise ConfigError(
            f"the run of {show(run.identity.system.name)!r} is unofficial: {show('; '.join(run.reasons))}",
            "evaluate again without --limit, --metric, --subset and --allow-missing",
        )
    if faults := examine(run).faults:
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        raise DataError(
            f"the run in {show(run.folder)} does not add up: {faults[0]}{more}",
            "evaluate again; run.json and cases.jsonl are not meant to be edited",
        )


def _entry(run: RunFile, content: dict[str, bytes]) -> bytes:
    return dump(
        {
            "schema": SCHEMA,
            "run_id": run_id(run.identity),
            "system": run.identity.system.name,
            "files": {name: hashlib.sha256(data).hexdigest() for name, data in content.items()},
        }
    )


def _holds(target: Path, content: dict[str, bytes]) -> bool:
    return all((target / name).is_file() and read_bytes(target / name) == data for name, data in content.items())


def _place(target: Path, content: dict[str, bytes], old: Sequence[Path]) -> None:
    """Write the new folder beside the target, move it there whole, and remove what it replaces."""
    temporary: Path | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=".add-", dir=target.parent))
        new = temporary / "new"
        new.mkdir()
        for name, data in content.items():
            (new / name).write_bytes(data)
        for number, folder in enumerate(old):
            folder.rename(temporary / f"old{number}")
        new.rename(target)
    except OSError as error:
        raise ConfigError(
            f"cannot write {show(target)}: {error.strerror}", "check its permissions and the free space"
        ) from error
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)
