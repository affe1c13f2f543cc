"""A folder of videos that someone else made: `<case id>.<ext>`, or `<case id>/` with one picture a frame.

Several samples of a case: see `motionbench.sources.samples`.
"""

from __future__ import annotations

import os
import typing as t
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from motionbench.datasets.files import FileFootage
from motionbench.errors import DataError, VideoError
from motionbench.sources.base import Listing, no_options
from motionbench.sources.samples import Claims, claim, key
from motionbench.types import Case, Dataset, Protocol
from motionbench.video.frame_folder import frame_files

VIDEO_SUFFIXES = (".mp4", ".mov", ".mkv", ".webm", ".avi", ".gif")


@dataclass(frozen=True, slots=True)
class FolderSource:
    """Videos in a folder.

    Attributes:
        files: a name without its ending, in NFC, to all files of that name; "<folder>/<name>" for those in a subfolder.
        samples: case id to its files, once `settle` has seen the cases, where a case has several.
    """

    folder: Path
    files: Mapping[str, tuple[str, ...]]
    title: str
    samples: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

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

    def settle(self, cases: Iterable[Case]) -> FolderSource:
        """The same folder, knowing which files are which samples of which case.

        Raises:
            DataError: a file could belong to two cases.
        """
        return replace(self, samples=claim(self.files, {case.id: case.caption for case in cases}).samples)

    def check(self, dataset: Dataset) -> Listing:
        """Which cases have a video, or samples."""
        captions = {case.id: case.caption for case in dataset.cases}
        return _listing(claim(self.files, captions), captions)

    def footage(self, case: Case, protocol: Protocol) -> FileFootage | None:
        """The case's file; of a case that stands for a sample (see `motionbench.samples`), that sample's.

        Raises:
            VideoError: more than one file claims the place.
        """
        owner, slash, number = case.id.rpartition("/")
        if slash and owner in self.samples:
            return FileFootage(self.folder / self.samples[owner][int(number)])
        claims = claim(self.files, {case.id: case.caption})
        if case.id in claims.clashes:
            found = claims.clashes[case.id]
            raise VideoError(f"{len(found)} videos for one case: {', '.join(found)}", "leave only one")
        files = self.samples.get(case.id, claims.samples.get(case.id, ()))
        return FileFootage(self.folder / files[0]) if files else None

    def identity(self) -> dict[str, t.Any]:
        """The folder's name, or the one that was given; and the number of samples, where cases have several."""
        counts = {len(files) for files in self.samples.values()}
        options: dict[str, t.Any] = {}
        if max(counts, default=1) > 1:
            options["samples"] = min(counts) if len(counts) == 1 else f"{min(counts)} to {max(counts)}"
        return {"name": self.title, "kind": self.kind, "source": "", "options": options}


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
            files[key(name)].append(name)
        elif is_dir:
            for inner in _videos_in(folder / name):
                files[key(f"{name}/{os.path.splitext(inner)[0]}")].append(f"{name}/{inner}")  # noqa: PTH122
        elif suffix.lower() in VIDEO_SUFFIXES:
            files[key(stem)].append(name)
    return {stem: tuple(names) for stem, names in files.items()}


def _videos_in(folder: Path) -> list[str]:
    """Names of videos in a subfolder that are called by a number; a folder that cannot be read has none."""
    try:
        paths = sorted(folder.iterdir())
    except OSError:
        return []
    return [path.name for path in paths if path.suffix.lower() in VIDEO_SUFFIXES and path.stem.isdecimal()]


def match(files: Mapping[str, tuple[str, ...]], case_ids: Iterable[str]) -> Listing:
    """Sort candidates into found, missing, extra and duplicates, by case ids alone.

    The candidates' names are compared with ids; `FolderSource.check` knows captions as well.
    """
    ids = tuple(case_ids)
    return _listing(claim(files, dict.fromkeys(ids, "")), ids)


def _listing(claims: Claims, case_ids: Iterable[str]) -> Listing:
    ids = tuple(case_ids)
    return Listing(
        found=tuple(i for i in ids if i in claims.samples),
        missing=tuple(i for i in ids if i not in claims.samples and i not in claims.clashes),
        extra=claims.extra,
        duplicates={i: claims.clashes[i] for i in ids if i in claims.clashes},
    )
