"""The masks of a SA-V case, decoded when they are loaded, and only the frames that are asked for."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from motionbench.datasets.files import FileFootage, MaskFolder
from motionbench.datasets.sav.annotation import load_annotation
from motionbench.errors import DataError, VideoError
from motionbench.types import Array, Masks
from motionbench.video import read_labels


@dataclass(frozen=True, slots=True)
class JsonMasks:
    """Masks from a `*_manual.json` or `*_auto.json` file.

    Attributes:
        path: the file.
        masklets: numbers of the case's objects in that file; their ids are these plus 1.
    """

    path: Path
    masklets: tuple[int, ...]

    def load(self) -> Masks:
        """All annotated frames, bool [K, M, H, W]. See `Annotation.masks`."""
        return load_annotation(self.path).masks(self.masklets)

    def load_frames(self, frames: Collection[int]) -> Masks:
        """Those of `frames` that are annotated; the others are not decoded."""
        return load_annotation(self.path).masks(self.masklets, frames)

    def digest(self) -> str:
        """sha256 of the file's bytes."""
        return FileFootage(self.path).digest()


@dataclass(frozen=True, slots=True)
class PngMasks:
    """Masks from a folder of the val or test set: `000/00000.png`, `000/00004.png`, ..., `001/00000.png`, ...

    A pixel that is not 0 belongs to the object. An object without a picture for a frame in which others have one is not
    seen there.

    Attributes:
        path: the folder of the video.
        masklets: numbers of the case's objects, the names of their folders; their ids are these plus 1.
    """

    path: Path
    masklets: tuple[int, ...]

    def load(self) -> Masks:
        """All annotated frames, bool [K, M, H, W]; a VideoError if there is none of frame 0 or a file is damaged."""
        return self._load(None)

    def load_frames(self, frames: Collection[int]) -> Masks:
        """Those of `frames` that are annotated; the others are not opened."""
        return self._load(frames)

    def digest(self) -> str:
        """sha256 of the names and bytes of all PNG files."""
        return MaskFolder(self.path, ()).digest()

    def _load(self, wanted: Collection[int] | None) -> Masks:
        files = {number: _numbered(folder) for number, folder in object_folders(self.path).items()}
        annotated = sorted({n for found in files.values() for n in found if wanted is None or n in wanted})
        if 0 not in annotated and (wanted is None or 0 in wanted):
            raise VideoError(f"the masks of {self.path.name!r} have no frame 0")
        planes: dict[tuple[int, int], Array] = {}
        for k, number in enumerate(self.masklets):
            for m, frame in enumerate(annotated):
                if frame in files[number]:
                    planes[k, m] = read_labels(files[number][frame]) > 0
        shapes = {plane.shape for plane in planes.values()}
        if len(shapes) != 1:
            sizes = ", ".join(f"{width}x{height}" for height, width in sorted(shapes)) or "missing"
            raise VideoError(f"the masks of {self.path.name!r} differ in size: {sizes}")
        values = np.zeros((len(self.masklets), len(annotated), *shapes.pop()), np.bool_)
        for at, plane in planes.items():
            values[at] = plane
        return Masks(values, np.array(self.masklets, np.int64) + 1, np.array(annotated, np.int64))


def object_folders(path: Path) -> dict[int, Path]:
    """The folders of a video's objects by number, in order.

    Raises:
        DataError: there is none, or one whose name is no number.
    """
    try:
        folders = sorted(entry for entry in path.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    except OSError as error:
        raise DataError(f"{path.parent.name}/{path.name} cannot be read: {error.strerror}") from error
    wrong = next((f.name for f in folders if not (f.name.isascii() and f.name.isdigit())), None)
    if wrong is not None or not folders:
        fault = "holds no object folder" if wrong is None else f"holds {wrong!r}, which is no object number"
        raise DataError(f"{path.parent.name}/{path.name} {fault}", "objects are folders named 000, 001 and so on")
    return dict(sorted((int(folder.name), folder) for folder in folders))


def _numbered(folder: Path) -> dict[int, Path]:
    """Frame number to PNG file."""
    files = [file for file in folder.iterdir() if file.suffix.lower() == ".png" and file.stem.isdigit()]
    return {int(file.stem): file for file in sorted(files)}
