"""Where the videos of a SA-V download lie, in either of its two layouts, and their pictures.

    train       <any folders>/sav_000001.mp4, sav_000001_manual.json, sav_000001_auto.json
    val, test   JPEGImages_24fps/sav_000123/00000.jpg, 00001.jpg, ...
                Annotations_6fps/sav_000123/000/00000.png, 00004.png, ...   (one folder for each object, from 000 on)

Videos without annotation are found as well: a list may ask for nothing but pictures.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from motionbench.datasets.files import FileFootage, FileImage, FirstFrameOf
from motionbench.datasets.sav.annotation import FPS
from motionbench.errors import DataError
from motionbench.types import Clip, Protocol
from motionbench.video.frame_folder import FrameFolder, frame_files
from motionbench.video.protocol import fit_frames, stride_for

PICTURES = "JPEGImages_24fps"
MASKS = "Annotations_6fps"
_VIDEOS = (".mp4", ".mov", ".mkv", ".webm", ".avi", ".gif")
_DEPTH = 3  # folders of folders of folders, as in <root>/sav_train/sav_000


@dataclass(frozen=True, slots=True)
class Recording:
    """One video of a download.

    Attributes:
        id: such as "sav_000001".
        video: the video file, or the folder of its frames.
        masks: its `_manual.json`, else its `_auto.json`, or the folder of its PNG masks; None without annotation.
    """

    id: str
    video: Path
    masks: Path | None

    @property
    def first_frame(self) -> FirstFrameOf | FileImage:
        """The first frame, to be loaded where it is needed."""
        if self.video.is_dir():
            return FileImage(min(frame_files(self.video), key=lambda file: (len(file.stem), file.name)))
        return FirstFrameOf(FileFootage(self.video))

    @property
    def footage(self) -> FileFootage | FramesAt24:
        """The video, to be decoded where it is needed."""
        return FramesAt24(self.video) if self.video.is_dir() else FileFootage(self.video)


@dataclass(frozen=True, slots=True)
class FramesAt24:
    """A folder of JPEG frames of SA-V, which say nothing of their rate: it is 24 frames per second."""

    path: Path

    def load(self, protocol: Protocol) -> Clip:
        """Read the frames that the protocol keeps; a VideoError if that fails."""
        source = FrameFolder.scan(self.path, FPS)
        stride = stride_for(1 / source.interval if source.interval else 0.0, protocol)
        frames, times = source.read(stride, protocol.frames)
        return fit_frames(frames, times, stride, protocol)

    def digest(self) -> str:
        """sha256 over the names and bytes of the pictures, and the rate."""
        return hashlib.sha256(f"{FPS} {FileFootage(self.path).digest()}".encode()).hexdigest()


def find_recordings(root: str | Path) -> dict[str, Recording]:
    """List the videos under a folder by id, sorted. Nothing is opened; folders are searched three levels deep.

    Raises:
        DataError: the folder does not exist, or an id comes twice.
    """
    root = Path(root)
    if not root.is_dir():
        raise DataError(f"the SA-V folder {str(root)!r} does not exist", "give the folder of your download")
    found: dict[str, Recording] = {}
    for folder, folders, names in os.walk(root, followlinks=True):
        here = Path(folder)
        for recording in _frames(here) if PICTURES in folders else _files(here, names):
            if (other := found.setdefault(recording.id, recording)) is not recording:
                pair = [str(item.video.relative_to(root)) for item in (other, recording)]
                raise DataError(
                    f"the video {recording.id!r} is there twice: {pair[0]}, {pair[1]}", "remove one of them"
                )
        deep = len(here.relative_to(root).parts) >= _DEPTH
        folders[:] = [] if deep else sorted(f for f in folders if f not in (PICTURES, MASKS) and f[0] != ".")
    return dict(sorted(found.items()))


def _files(folder: Path, names: list[str]) -> list[Recording]:
    there = set(names)
    found = []
    for name in sorted(names):
        stem, suffix = os.path.splitext(name)  # noqa: PTH122 - Path("..mp4").stem differs from one Python to another
        if suffix.lower() in _VIDEOS and not name.startswith("."):
            kinds = [f"{stem}_{kind}.json" for kind in ("manual", "auto")]
            masks = next((folder / kind for kind in kinds if kind in there), None)
            found.append(Recording(stem, folder / name, masks))
    return found


def _frames(folder: Path) -> list[Recording]:
    pictures, masks = folder / PICTURES, folder / MASKS
    try:
        names = sorted(entry.name for entry in os.scandir(pictures) if entry.is_dir() and entry.name[0] != ".")
    except OSError as error:
        raise DataError(f"{folder.name}/{PICTURES} cannot be read: {error.strerror}") from error
    return [Recording(n, pictures / n, masks / n if (masks / n).is_dir() else None) for n in names]
