"""Putting a run on a board."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from motionbench.canonical import dump, read_bytes, show
from motionbench.errors import ConfigError, DataError
from motionbench.leaderboard.declare import Declaration, Tier, read_declaration
from motionbench.leaderboard.entries import (
    ENTRIES,
    ENTRY_FILE,
    SCHEMA,
    VIDEOS_FILE,
    VIDEOS_SCHEMA,
    entry_folders,
    read_entry,
    run_id,
    sample,
    slug,
)
from motionbench.leaderboard.faults import examine, repeated_videos
from motionbench.leaderboard.words import keep_words
from motionbench.report import media
from motionbench.results import CASES_FILE, RUN_FILE, RunFile, read_run


def add(run_dir: Path, board: Path, *, declare: Path | None = None, tier: Tier = "self", replace: bool = False) -> Path:
    """Copy a run's `run.json` and `cases.jsonl` onto a board and return the entry's folder.

    The hashes of the videos are taken from the previews in the run's `media/`, and the cases' words, where the board
    has none of this data set yet. Adding the same again changes nothing. A board holds one run of a system with the
    same options, seed, dataset, profile, protocol and metrics; another one takes its place only with `replace`, and
    then keeps the declaration unless a new one is given.

    Args:
        run_dir: the folder of a run, or its run.json.
        board: the board's folder; it is made if need be.
        declare: a YAML file (`motionbench.leaderboard.declare`).
        tier: who vouches for the numbers; anything but "self" is for the board's maintainers.
        replace: let the run take the place of an earlier one of the same system.

    Raises:
        ConfigError: the run is unofficial, another run of the system is there, or the board cannot be written.
        DataError: the run is partial, a file is missing, the numbers do not add up, or cases share one video.
        SchemaError: a file breaks its schema, or cases.jsonl is not the one that run.json was written with.
    """
    run_dir, board = Path(run_dir), Path(board)
    run = read_run(run_dir)
    videos = preview_hashes(run.folder)
    _refuse(run, videos)
    target = board / ENTRIES / slug(run.identity.system.name) / run_id(run.identity)
    entries = [read_entry(folder) for folder in entry_folders(board, run.identity.system.name)]
    old = [entry for entry in entries if sample(entry.identity) == sample(run.identity)]
    declaration = read_declaration(Path(declare)) if declare else next((e.record.declaration for e in old), None)
    content = {name: read_bytes(run.folder / name) for name in (RUN_FILE, CASES_FILE)}
    if videos:
        content[VIDEOS_FILE] = dump({"schema": VIDEOS_SCHEMA, "videos": videos})
    content[ENTRY_FILE] = _entry(run, content, tier, declaration)
    if not _holds(target, content):
        if old and not replace:
            raise ConfigError(
                f"the board holds another run of {show(run.identity.system.name, 60)!r}: {show(old[0].folder)}",
                "use --replace to put this run in its place, or score the system under another --name",
            )
        _place(target, content, [entry.folder for entry in old])
    keep_words(board, run)
    return target


def preview_hashes(folder: Path) -> dict[str, str]:
    """Return the sha256 of each case's generated preview; empty for a run without any.

    Raises:
        DataError: a preview that media/index.json names is missing.
        SchemaError: media/index.json breaks its schema.
    """
    named = {case.case_id: case.generated for case in media.read_index(folder) if case.generated}
    return {
        case: hashlib.sha256(read_bytes(folder / media.FOLDER / name)).hexdigest()
        for case, name in sorted(named.items())
    }


def _refuse(run: RunFile, videos: Mapping[str, str]) -> None:
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
    if fault := repeated_videos(run, videos):
        raise DataError(fault, "give each case its own video; a system that ignores the prompts has no place here")


def _entry(run: RunFile, content: dict[str, bytes], tier: Tier, declaration: Declaration | None) -> bytes:
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in content.items()}
    return dump(
        {
            "schema": SCHEMA,
            "run_id": run_id(run.identity),
            "system": run.identity.system.name,
            "tier": tier,
            "declaration": None if declaration is None else declaration.model_dump(mode="json"),
            "files": {name: hashes.get(name) for name in (RUN_FILE, CASES_FILE, VIDEOS_FILE)},
        }
    )


def _holds(target: Path, content: dict[str, bytes]) -> bool:
    names = {path.name for path in target.iterdir()} if target.is_dir() else set()
    return names == set(content) and all(read_bytes(target / name) == data for name, data in content.items())


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
