"""Pictures, videos and masks of a case that lie in files. Small, frozen and picklable: paths, no pixels."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from motionbench.errors import VideoError
from motionbench.types import Clip, Masks, Protocol
from motionbench.video import load_frame0, load_video, read_image, read_labels, source_files


@dataclass(frozen=True, slots=True)
class FileImage:
    """A PNG, JPEG or WebP file."""

    path: Path

    def load(self) -> NDArray[np.uint8]:
        """uint8 [H, W, 3] RGB; a VideoError if the file is damaged. See `motionbench.video.read_image`."""
        return read_image(self.path)

    def digest(self) -> str:
        """sha256 of the file's bytes."""
        return _file_sha256(self.path)


@dataclass(frozen=True, slots=True)
class FileFootage:
    """A video file, or a folder of frames."""

    path: Path

    def load(self, protocol: Protocol) -> Clip:
        """Decode once under the protocol; a VideoError if that fails. See `motionbench.video.load_video`."""
        return load_video(self.path, protocol)

    def digest(self) -> str:
        """sha256 of the file's bytes; of a folder, of the names and bytes of its pictures and its fps.txt."""
        if not self.path.is_dir():
            return _file_sha256(self.path)
        return _files_sha256(self.path, source_files(self.path))


@dataclass(frozen=True, slots=True)
class FirstFrameOf:
    """Frame 0 of a video, as the picture of a case that brings none of its own."""

    footage: FileFootage

    def load(self) -> NDArray[np.uint8]:
        """uint8 [H, W, 3] RGB at native size, black bars included; a VideoError if it cannot be decoded."""
        return load_frame0(self.footage.path)

    def digest(self) -> str:
        """A sha256 made from that of the video."""
        return hashlib.sha256(f"frame 0 of {self.footage.digest()}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class MaskFolder:
    """Object masks as PNG files named by frame number (`00000.png`).

    Either the files lie in the folder itself and their pixel values are object ids (a palette as in DAVIS, or one grey
    channel; 0 is background), or there is a folder for each object, named by its id, in which every pixel that is not
    0 belongs to the object. Only in the second form can masks overlap.

    Attributes:
        path: the folder.
        object_ids: ids of the case's objects, in its order. An object without pixels has an empty plane.
    """

    path: Path
    object_ids: tuple[int, ...]

    def load(self) -> Masks:
        """All annotated frames, in order; bool [K, M, H, W] with K in the order of `object_ids`.

        Raises:
            VideoError: there is no mask of frame 0, a file is damaged, sizes differ, or a mask holds an object id that
                the case does not list.
        """
        return self._layered() if self._object_folders() else self._flat()

    def digest(self) -> str:
        """sha256 of the names and bytes of all PNG files."""
        return _files_sha256(self.path, (f for f in self.path.rglob("*.png") if f.is_file()))

    def _object_folders(self) -> list[Path]:
        try:
            folders = sorted(f for f in self.path.iterdir() if f.is_dir() and not f.name.startswith("."))
            flat = any(f.suffix.lower() == ".png" for f in self.path.iterdir() if f.is_file())
        except OSError as error:
            raise VideoError(f"the masks in {self.path.name!r} cannot be read: {error.strerror}") from error
        if folders and flat:
            raise VideoError(
                f"the masks in {self.path.name!r} are PNG files and folders at the same time",
                "use one file per frame, or one folder per object",
            )
        return folders

    def _flat(self) -> Masks:
        numbered = _numbered(self.path)
        self._check_frame0(numbered)
        planes = []
        for path in numbered.values():
            labels = read_labels(path)
            unknown = np.setdiff1d(labels, (0, *self.object_ids))
            if len(unknown):
                raise _unknown_id(f"the mask {path.name} holds the unknown object id {unknown[0]}", self.object_ids)
            planes.append(np.stack([labels == i for i in self.object_ids]) if self.object_ids else labels[None][:0] > 0)
        _check_sizes(planes, numbered)
        return Masks(np.stack(planes, axis=1), self._ids(), np.array(list(numbered), dtype=np.int64))

    def _layered(self) -> Masks:
        found: dict[int, dict[int, Path]] = {}
        for folder in self._object_folders():
            if not folder.name.isascii() or not folder.name.isdigit() or int(folder.name) not in self.object_ids:
                raise _unknown_id(f"the mask folder {folder.name!r} is no object id of the case", self.object_ids)
            if int(folder.name) in found:
                raise VideoError(f"the object {int(folder.name)} has two mask folders")
            found[int(folder.name)] = _numbered(folder)
        frames = sorted({frame for files in found.values() for frame in files})
        self._check_frame0(frames)
        planes: dict[tuple[int, int], NDArray[np.bool_]] = {}
        for object_id, files in found.items():
            for frame, path in files.items():
                planes[object_id, frame] = read_labels(path) > 0
        shapes = {plane.shape for plane in planes.values()}
        if len(shapes) > 1:
            raise VideoError(f"the masks in {self.path.name!r} differ in size: {_sizes(shapes)}")
        values = np.zeros((len(self.object_ids), len(frames), *shapes.pop()), dtype=np.bool_)
        for (object_id, frame), plane in planes.items():
            values[self.object_ids.index(object_id), frames.index(frame)] = plane
        return Masks(values, self._ids(), np.array(frames, dtype=np.int64))

    def _ids(self) -> NDArray[np.int64]:
        return np.array(self.object_ids, dtype=np.int64)

    def _check_frame0(self, frames: Iterable[int]) -> None:
        if 0 not in set(frames):
            raise VideoError(f"the masks in {self.path.name!r} have no frame 0", "the first frame's mask is 00000.png")


def _numbered(folder: Path) -> dict[int, Path]:
    """Frame number to PNG file, in order; other files are left out."""
    found: dict[int, Path] = {}
    for path in sorted(folder.iterdir()):
        stem = path.stem
        if path.suffix.lower() != ".png" or not stem.isascii() or not stem.isdigit():
            continue
        if int(stem) in found:
            raise VideoError(f"the masks in {folder.name!r} have frame {int(stem)} twice")
        found[int(stem)] = path
    return dict(sorted(found.items()))


def _unknown_id(message: str, known: tuple[int, ...]) -> VideoError:
    ids = ", ".join(map(str, known)) or "none"
    return VideoError(message, f"the case lists {ids}; a black and white mask goes into a folder named by its object")


def _check_sizes(planes: list[NDArray[np.bool_]], numbered: dict[int, Path]) -> None:
    shapes = {plane.shape[1:] for plane in planes}
    if len(shapes) > 1:
        raise VideoError(f"the masks in {next(iter(numbered.values())).parent.name!r} differ in size: {_sizes(shapes)}")


def _sizes(shapes: Iterable[tuple[int, ...]]) -> str:
    return ", ".join(f"{width}x{height}" for height, width in sorted(shapes))


def _file_sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise VideoError(f"{path.name!r} cannot be read: {error.strerror}") from error


def _files_sha256(folder: Path, files: Iterable[Path]) -> str:
    names = sorted((file.relative_to(folder).as_posix(), _file_sha256(file)) for file in files)
    return hashlib.sha256(repr(names).encode("utf-8", "backslashreplace")).hexdigest()
