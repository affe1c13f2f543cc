"""Training videos as files: a folder with `cases.json`, read without the benchmark's own loaders.

What `motionbench data export synth --split train` writes is such a folder:

    cases.json                {"cases": [{id, caption, motion_prompt, objects: [{id, name, prompt}], reference, masks}]}
    reference/ID.mp4          the video
    masks/ID/00000.png ...    pictures of object ids (0 is background), one for every frame

so a user's own videos need no more than that to be trained on.
"""

from __future__ import annotations

import json
import typing as t
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from av.error import FFmpegError
from numpy.typing import NDArray
from PIL import Image

from motionbench.errors import DataError


@dataclass(frozen=True, slots=True)
class Footage:
    """One training video on disk and its prompts. `names` and `prompts` belong to the objects `ids`, in their order."""

    id: str
    video: Path
    masks: Path | None
    caption: str
    motion_prompt: str
    ids: tuple[int, ...]
    names: tuple[str, ...]
    prompts: tuple[str, ...]

    def frames(self) -> NDArray[np.uint8]:
        """All frames, uint8 [F, H, W, 3] RGB.

        Raises:
            DataError: the file cannot be read as a video or holds no frame.
        """
        try:
            with av.open(str(self.video)) as container:
                found = [_pixels(frame) for frame in container.decode(video=0)]
        except (OSError, FFmpegError, IndexError) as error:
            raise DataError(f"{self.video.name!r} cannot be read as a video", str(error)) from error
        if not found:
            raise DataError(f"{self.video.name!r} holds no frame")
        return np.stack(found)

    def planes(self, frames: int) -> NDArray[np.bool_]:
        """The objects' masks in the first `frames` frames, bool [K, frames, H, W].

        Raises:
            DataError: there are no masks, or too few.
        """
        files = sorted(self.masks.glob("*.png"))[:frames] if self.masks is not None else []
        if len(files) < frames:
            raise DataError(f"'{self.id}' has masks for {len(files)} of {frames} frames", "every frame needs one")
        labels = np.stack([np.asarray(Image.open(file)) for file in files])
        return t.cast("NDArray[np.bool_]", labels[None] == np.asarray(self.ids)[:, None, None, None])


def _pixels(frame: av.VideoFrame) -> NDArray[np.uint8]:
    """uint8 [H, W, 3]. Planar RGB, as lossless exports store it, is only rearranged, which is faster than a scaler."""
    pixels = frame.to_ndarray() if frame.format.name == "gbrp" else frame.to_ndarray(format="rgb24")
    return t.cast("NDArray[np.uint8]", pixels)


def listing(folders: Sequence[str | Path]) -> list[Footage]:
    """The videos of one or more folders, in the order of their lists.

    Raises:
        DataError: a folder has no readable `cases.json`, or an entry without a video.
    """
    return [_footage(Path(folder), entry) for folder in folders for entry in _entries(Path(folder))]


def _entries(folder: Path) -> list[dict[str, t.Any]]:
    path = folder / "cases.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        hint = "`motionbench data export synth --split train --count N DIR` writes such a folder"
        raise DataError(f"{str(path)!r} cannot be read", hint) from error
    entries = content.get("cases") if isinstance(content, dict) else content
    if not isinstance(entries, list) or not entries:
        raise DataError(f"{str(path)!r} lists no case")
    return entries


def _footage(folder: Path, entry: t.Any) -> Footage:
    if not isinstance(entry, dict) or not entry.get("id") or not entry.get("reference"):
        raise DataError(
            f"{str(folder / 'cases.json')!r} has an entry without `id` or `reference`", "training needs both"
        )
    objects = entry.get("objects") or []
    try:
        ids = tuple(int(item["id"]) for item in objects)
        prompts = tuple(str(item["prompt"]) for item in objects)
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"'{entry['id']}' has an object without `id` or `prompt`") from error
    return Footage(
        id=str(entry["id"]),
        video=folder / str(entry["reference"]),
        masks=folder / str(entry["masks"]) if entry.get("masks") else None,
        caption=str(entry.get("caption", "")),
        motion_prompt=str(entry.get("motion_prompt") or entry.get("caption", "")),
        ids=ids,
        names=tuple(str(item.get("name", "")) for item in objects),
        prompts=prompts,
    )
