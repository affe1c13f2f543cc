"""A folder of numbered pictures as a video."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from motionbench.errors import VideoError
from motionbench.video.images import IMAGE_SUFFIXES, read_image

RATE_FILE = "fps.txt"
MAX_FPS = 1000.0


@dataclass(frozen=True, slots=True)
class FrameFolder:
    """Frames in natural order of their names (2 before 10), one picture each.

    Attributes:
        path: the folder.
        files: the pictures in order; hidden files and other kinds of files are left out.
        fps: frames per second, from `fps.txt` in the folder (one number), else the caller's rate.
    """

    path: Path
    files: tuple[Path, ...]
    fps: float

    @classmethod
    def scan(cls, path: Path, fps: float) -> FrameFolder:
        """List the frames.

        Args:
            path: the folder.
            fps: the rate where the folder has no `fps.txt`.

        Raises:
            VideoError: no pictures, two pictures of one name, or an `fps.txt` that is not a number in (0, 1000].
        """
        files = sorted(frame_files(path), key=lambda file: (_natural(file.stem), file.name))
        if not files:
            raise VideoError(f"the folder {path.name!r} has no frames", "frames are png, jpg or webp pictures")
        for one, two in itertools.pairwise(files):
            if one.stem == two.stem:
                raise VideoError(f"the folder {path.name!r} has two pictures for one frame: {one.name}, {two.name}")
        return cls(path, tuple(files), _rate(path, fps))

    @property
    def interval(self) -> float:
        """Seconds between frames; 0.0 for a single frame."""
        return 1 / self.fps if len(self.files) > 1 else 0.0

    def read(self, stride: int, limit: int | None) -> tuple[list[NDArray[np.uint8]], NDArray[np.float64]]:
        """Read every `stride`-th picture, at most `limit`: uint8 [H, W, 3] frames, float64 seconds from 0.

        Raises:
            VideoError: a picture is unreadable, or not of the size of the first one.
        """
        wanted = self.files[::stride][:limit]
        frames: list[NDArray[np.uint8]] = []
        for file in wanted:
            try:
                frame = read_image(file)
            except VideoError as error:
                raise VideoError(f"the folder {self.path.name!r}: {error.message}", error.hint) from error
            if frames and frame.shape != frames[0].shape:
                raise VideoError(
                    f"the frames in {self.path.name!r} differ in size: {wanted[0].name} is {_size(frames[0])}, "
                    f"{file.name} is {_size(frame)}"
                )
            frames.append(frame)
        return frames, np.arange(len(frames), dtype=np.float64) * stride / self.fps


def frame_files(path: Path) -> list[Path]:
    """The pictures in a folder, unsorted; hidden files are left out."""
    try:
        found = list(path.iterdir())
    except OSError as error:
        raise VideoError(f"the folder {path.name!r} cannot be read: {error.strerror}") from error
    return [f for f in found if f.suffix.lower() in IMAGE_SUFFIXES and not f.name.startswith(".") and f.is_file()]


def _natural(text: str) -> list[tuple[int, int, str]]:
    """A sort key in which runs of digits compare as numbers."""
    parts = re.findall(r"[0-9]+|[^0-9]+", text)
    return [(0, int(part), part) if part[0] in "0123456789" else (1, 0, part) for part in parts]


def _rate(path: Path, fps: float) -> float:
    file = path / RATE_FILE
    if not file.is_file():
        return fps
    try:
        rate = float(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise VideoError(f"{RATE_FILE} in {path.name!r} is not a number") from error
    if not 0 < rate <= MAX_FPS:
        raise VideoError(f"{RATE_FILE} in {path.name!r} is {rate:g}, expected a rate above 0 and up to {MAX_FPS:g}")
    return rate


def _size(frame: NDArray[np.uint8]) -> str:
    return f"{frame.shape[1]}x{frame.shape[0]}"
