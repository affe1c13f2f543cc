"""SA-V's JSON annotation of one video: masklets at 6 fps on video at 24 fps.

Field names are those of SA-V's own README (facebookresearch/sam2, sav_dataset): `masklet[m][k]` is the mask of object k
in annotated frame m, which is frame 4 m of the video; `masklet_id[k]` is its number, from 0 on. Masks of different
objects may overlap, and an object that is not seen has an empty mask. `video_frame_count` and the like come as floats.
"""

from __future__ import annotations

import typing as t
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydantic

from motionbench.datasets.sav.rle import decode
from motionbench.errors import DataError, VideoError
from motionbench.types import Masks

FPS = 24.0
STRIDE = 4  # every fourth frame is annotated


class _Rle(pydantic.BaseModel):
    size: tuple[int, int]
    counts: str


class _File(pydantic.BaseModel):
    """What is read of the file; the other fields are statistics of the masks."""

    model_config = pydantic.ConfigDict(allow_inf_nan=False)

    video_id: str
    video_frame_count: int
    video_height: int
    video_width: int
    masklet: list[list[_Rle | None]]
    masklet_id: list[int]
    masklet_frame_count: list[int] | None = None


@dataclass(frozen=True, slots=True)
class Annotation:
    """One annotation file, checked, with its masks still encoded.

    Attributes:
        path: the file.
        video_id: such as "sav_000001".
        size: (height, width) of the video.
        frame_count: frames of the video.
        masklets: numbers of the K objects, from 0 on.
        counts: [M][K] run lengths (see `rle.decode`); None where an object was not annotated.
    """

    path: Path
    video_id: str
    size: tuple[int, int]
    frame_count: int
    masklets: tuple[int, ...]
    counts: tuple[tuple[str | None, ...], ...]

    def masks(self, masklets: Collection[int] | None = None, frames: Collection[int] | None = None) -> Masks:
        """Decode masks.

        Args:
            masklets: only these objects; by default all.
            frames: only these frames of the video, of which those that are annotated are returned; by default all.

        Returns:
            bool [K, M, H, W] in the file's order of objects, whose ids are their masklet numbers plus 1 (0 is the
            background), and frame numbers of the video: 0, 4, 8 and so on. A frame in which one of the objects was not
            annotated counts as not annotated.

        Raises:
            DataError: a mask is damaged; the message names the file, the object and the frame.
            VideoError: frame 0 is asked for and not annotated.
        """
        kept = [k for k, number in enumerate(self.masklets) if masklets is None or number in masklets]
        rows = {STRIDE * m: [row[k] for k in kept] for m, row in enumerate(self.counts)}
        rows = {n: row for n, row in rows.items() if (frames is None or n in frames) and None not in row}
        if 0 not in rows and (frames is None or 0 in frames):
            raise VideoError(f"{self.path.name} has no masks in frame 0")
        values = np.zeros((len(kept), len(rows), *self.size), np.bool_)
        for m, (frame, row) in enumerate(rows.items()):
            for k, counts in enumerate(row):
                try:
                    values[k, m] = decode(t.cast(str, counts), self.size)
                except ValueError as error:
                    where = f"{self.path.name}: the mask of object {self.masklets[kept[k]]} in frame {frame}"
                    raise DataError(f"{where} is broken: {error}", "download the file again") from error
        ids = np.array([self.masklets[k] + 1 for k in kept], np.int64)
        return Masks(values, ids, np.array(list(rows), np.int64))


def load_annotation(path: str | Path) -> Annotation:
    """Read a `*_manual.json` or `*_auto.json` file of SA-V and check that it agrees with itself.

    Raises:
        DataError: the file is missing or no such JSON; the masks are of another size than the video; or their number
            does not fit the video's length or the number of objects. The message names the file.

    Example:
        >>> load_annotation("sav_000001_manual.json").masks(frames=[0]).values.shape  # doctest: +SKIP
        (5, 1, 848, 480)
    """
    path = Path(path)
    try:
        read = _File.model_validate_json(path.read_bytes())
    except OSError as error:
        raise DataError(f"{path.name} cannot be read: {error.strerror}") from error
    except pydantic.ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        reason = first["msg"].removeprefix("Input ")
        raise DataError(f"{path.name} is no SA-V annotation: {where} {reason}".replace("  ", " ")) from error
    if fault := _fault(read):
        raise DataError(f"{path.name} is broken: {fault}", "download the file again")
    return Annotation(
        path=path,
        video_id=read.video_id,
        size=(read.video_height, read.video_width),
        frame_count=read.video_frame_count,
        masklets=tuple(read.masklet_id),
        counts=tuple(tuple(None if rle is None else rle.counts for rle in row) for row in read.masklet),
    )


def _fault(read: _File) -> str:
    """What in the file contradicts itself; empty if nothing does."""
    size, objects, rows = (read.video_height, read.video_width), len(read.masklet_id), len(read.masklet)
    if min(size) < 1 or size[0] * size[1] > 1 << 26:
        return f"the video is {size[1]}x{size[0]}"
    if len(set(read.masklet_id)) < objects or min(read.masklet_id, default=0) < 0:
        return f"masklet_id is {read.masklet_id}"
    expected = -(-read.video_frame_count // STRIDE)
    if rows != expected:
        return f"it has masks for {rows} frames, but every fourth of the video's {read.video_frame_count} is {expected}"
    if any(count != rows for count in read.masklet_frame_count or ()):
        return f"it has masks for {rows} frames, but masklet_frame_count is {read.masklet_frame_count}"
    for m, row in enumerate(read.masklet):
        if len(row) != objects:
            return f"frame {STRIDE * m} has {len(row)} masks for {objects} objects"
        for rle in row:
            if rle is not None and rle.size != size:
                height, width = rle.size
                return f"a mask in frame {STRIDE * m} is {width}x{height}, the video is {size[1]}x{size[0]}"
    return ""
