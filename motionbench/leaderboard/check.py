"""Reading a whole board again: is every entry what it was, does it add up, and do the entries agree with each other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from motionbench.canonical import show
from motionbench.errors import DataError, SchemaError
from motionbench.leaderboard.anchors import ANCHORS_FILE, disagreements, read_anchors
from motionbench.leaderboard.entries import (
    ENTRIES,
    ENTRY_FILE,
    REPORTED,
    VIDEOS_FILE,
    Entry,
    entry_folders,
    group,
    read_entry,
    require_board,
    run_id,
    sample,
    slug,
)
from motionbench.leaderboard.faults import Findings, examine, repeated_videos
from motionbench.leaderboard.reported import read_reported
from motionbench.leaderboard.scores import EntryScores
from motionbench.leaderboard.words import WORDS, read_words_file
from motionbench.results import CASES_FILE, RUN_FILE

_FILES = {ENTRY_FILE, RUN_FILE, CASES_FILE, VIDEOS_FILE}
_SHOWN = 20  # faults of one entry


@dataclass(frozen=True, slots=True)
class Problem:
    """path: the file or folder at fault; message: one line."""

    path: Path
    message: str

    def __str__(self) -> str:
        return f"{show(self.path)}: {self.message}"


@dataclass(frozen=True, slots=True)
class Inspection:
    """What a board holds: its problems, the entries without any, and what the rows of those hold, by folder."""

    problems: list[Problem]
    entries: list[Entry]
    scores: Mapping[Path, EntryScores]


def check(board: Path) -> list[Problem]:
    """Return every problem of a board, in a fixed order; an empty list for a sound one.

    Each entry is held against its schema and hashes, its cases must be complete and its numbers possible, and a
    metric that has a value for each case must be the mean of those within 1e-9. A system stands there once with
    one seed and setting, and runs on the same dataset must have the same cases. The files in reported/ are held
    against their schema, and the frozen anchors against the runs that they come from.

    Raises:
        ConfigError: there is no such folder.
    """
    return inspect(Path(board)).problems


def inspect(board: Path) -> Inspection:
    """As `check`, with what was read: the rows of a large board take long to read, and are read once.

    Raises:
        ConfigError: there is no such folder.
    """
    require_board(board)
    problems = list(_stray(board))
    sound: list[tuple[Entry, Findings]] = []
    for folder in entry_folders(board):
        try:
            entry = read_entry(folder)
            findings = examine(entry.run)
        except (DataError, SchemaError) as error:
            problems.append(Problem(folder, error.message))
            continue
        faults = [*_place_faults(entry), *findings.faults, *_video_faults(entry, findings.cases)]
        problems += [Problem(folder, fault) for fault in faults[:_SHOWN]]
        if len(faults) > _SHOWN:
            problems.append(Problem(folder, f"{len(faults) - _SHOWN} more faults"))
        if not faults:
            sound.append((entry, findings))
    problems += [*_repeated([entry for entry, _ in sound]), *_unlike(sound)]
    readers: tuple[tuple[str, Callable[[Path], object]], ...] = ((REPORTED, read_reported), (WORDS, read_words_file))
    for folder_name, read in readers:
        for path in sorted((board / folder_name).glob("*.json")):
            try:
                read(path)
            except (DataError, SchemaError) as error:
                problems.append(Problem(path, error.message))
    entries, scores = [entry for entry, _ in sound], {entry.folder: findings.scores for entry, findings in sound}
    return Inspection([*problems, *_anchor_problems(board, entries)], entries, scores)


def _anchor_problems(board: Path, sound: Sequence[Entry]) -> list[Problem]:
    path = board / ANCHORS_FILE
    try:
        return [Problem(path, message) for message in disagreements(read_anchors(board), sound)]
    except SchemaError as error:
        return [Problem(path, error.message)]


def _stray(board: Path) -> Iterator[Problem]:
    for path in sorted((board / ENTRIES).rglob("*")):
        depth = len(path.relative_to(board / ENTRIES).parts)
        if any(part.startswith(".") for part in path.relative_to(board / ENTRIES).parts):
            continue
        if path.is_symlink():
            yield Problem(path, "a link; an entry holds its own files")
        elif path.is_dir() != (depth < 3) or (depth == 3 and path.name not in _FILES):
            yield Problem(path, "does not belong here: entries/<system>/<run id>/ holds entry.json and the run's files")


def _place_faults(entry: Entry) -> Iterator[str]:
    wanted = Path(slug(entry.identity.system.name)) / run_id(entry.identity)
    if Path(*entry.folder.parts[-2:]) != wanted:
        yield f"lies in the wrong folder: it belongs in {ENTRIES}/{wanted.as_posix()}"


def _video_faults(entry: Entry, cases: Mapping[str, str]) -> Iterator[str]:
    if strange := sorted(entry.videos.keys() - cases.keys()):
        yield f"{VIDEOS_FILE} names {show(strange[0], 60)!r}, which is no case of the run"
    if fault := repeated_videos(entry.run, entry.videos):
        yield fault


def _repeated(entries: Sequence[Entry]) -> Iterator[Problem]:
    by_sample: dict[str, Entry] = {}
    for entry in entries:
        first = by_sample.setdefault(sample(entry.identity), entry)
        if first is not entry:
            yield Problem(entry.folder, f"the same system, dataset and metrics as {show(first.folder)}")


def _unlike(entries: Sequence[tuple[Entry, Findings]]) -> Iterator[Problem]:
    groups: dict[str, list[tuple[Entry, Mapping[str, str]]]] = defaultdict(list)
    for entry, findings in entries:
        groups[group(entry.identity)].append((entry, findings.cases))
    for members in groups.values():
        (first, first_cases), *others = members
        columns = _columns(first)
        for entry, cases in others:
            if cases != first_cases:
                yield Problem(entry.folder, f"other cases than {show(first.folder)}, though of the same dataset")
            if _columns(entry) != columns:
                yield Problem(entry.folder, f"other units or directions than {show(first.folder)}")


def _columns(entry: Entry) -> set[tuple[str, str, str]]:
    return {(estimate.metric, estimate.unit, estimate.direction) for estimate in entry.run.estimates}
