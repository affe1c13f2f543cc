"""A folder of videos that someone else made: `<case id>.<ext>`, or `<case id>/` with one picture a frame."""

from __future__ import annotations

import os
import typing as t
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from motionbench.datasets.files import FileFootage
from motionbench.errors import DataError, VideoError
from motionbench.sources.base import Listing, no_options
from motionbench.types import Case, Dataset, Protocol
from motionbench.video.frame_folder import frame_files

VIDEO_SUFFIXES = (".mp4", ".mov", ".mkv", ".webm", ".avi", ".gif")


@dataclass(frozen=True, slots=True)
class FolderSource:
    """Videos in a folder. `files` maps a name without its ending, in NFC, to all files of that name."""

    folder: Path
    files: Mapping[str, tuple[str, ...]]
    title: str

    @classmethod
    def open(cls, folder: Path, options: Mapping[str, t.Any], name: str | None) -> FolderSource:
        """List the folder once; the workers look nothing up again.

        Raises:
            DataError: there is no such folder.
            ConfigError: options were set.
        """
        no_options(options, "a folder of videos")
        return cls(folder.absolute(), candidates(folder), name or folder.resolve().name)

    @property
    def kind(self) -> t.Literal["videos"]:
        """As in run.json."""
        return "videos"

    def check(self, dataset: Dataset) -> Listing:
        """Which cases have a video."""
        return match(self.files, (case.id for case in dataset.cases))

    def footage(self, case: Case, protocol: Protocol) -> FileFootage | None:
        """The case's file.

        Raises:
            VideoError: the case has more than one.
        """
        found = self.files.get(_key(case.id), ())
        if len(found) > 1:
            raise VideoError(f"{len(found)} videos for one case: {', '.join(found)}", "leave only one")
        return FileFootage(self.folder / found[0]) if found else None

    def identity(self) -> dict[str, t.Any]:
        """The folder's name, or the one that was given."""
        return {"name": self.title, "kind": self.kind, "source": "", "options": {}}


def scan(folder: Path, case_ids: Iterable[str]) -> Listing:
    """Compare a folder with case ids, without opening a file in it.

    Names must be equal, except that the two ways to write an accent in Unicode (NFC, NFD) are the same name and that
    the ending's case does not matter. Hidden files, folders without pictures and files of other kinds are no videos.

    Raises:
        DataError: there is no such folder.
    """
    return match(candidates(folder), case_ids)


def candidates(folder: Path) -> dict[str, tuple[str, ...]]:
    """All videos of a folder: name without ending, in NFC, to the sorted names of its files."""
    try:
        with os.scandir(folder) as entries:
            found = sorted((entry.name, entry.is_dir()) for entry in entries)
    except OSError as error:
        reason = "is not a folder" if isinstance(error, NotADirectoryError) else f"{error.strerror}".lower()
        raise DataError(
            f"the videos cannot be listed: {str(folder)!r}: {reason}", "give the folder of videos"
        ) from error
    files: dict[str, list[str]] = defaultdict(list)
    for name, is_dir in found:
        stem, suffix = os.path.splitext(name)  # noqa: PTH122 - Path("..mp4").stem differs from one Python to another
        if is_dir and frame_files(folder / name):
            files[_key(name)].append(name)
        elif not is_dir and suffix.lower() in VIDEO_SUFFIXES:
            files[_key(stem)].append(name)
    return {key: tuple(names) for key, names in files.items()}


def match(files: Mapping[str, tuple[str, ...]], case_ids: Iterable[str]) -> Listing:
    """Sort candidates into found, missing, extra and duplicates."""
    ids = tuple(case_ids)
    wanted = {_key(case_id) for case_id in ids}
    extra = (name for key, names in files.items() if key not in wanted for name in names)
    return Listing(
        found=tuple(i for i in ids if len(files.get(_key(i), ())) == 1),
        missing=tuple(i for i in ids if _key(i) not in files),
        extra=tuple(sorted(name for name in extra if not name.startswith("."))),
        duplicates={i: files[_key(i)] for i in ids if len(files.get(_key(i), ())) > 1},
    )


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", name)
