"""Scenes as files: the folder format that `load_dataset` reads and that models are trained on.

    DIR/export.json              split, size and version of what lies here
    DIR/cases.json               the list, written last
    DIR/reference/ID.mp4         16 frames at 8 fps, lossless
    DIR/first_frame/ID.png
    DIR/masks/ID/00000.png ...   palette pictures, one for every frame: 0 is background, k is the object with id k

The masks are modal, so they never overlap and one picture holds all objects of a frame.
"""

from __future__ import annotations

import json
import typing as t
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from motionbench.datasets.synth.assets import case_id
from motionbench.datasets.synth.benchmark import CASES, LICENSE, NAME, VERSION
from motionbench.datasets.synth.scene import SPLITS, Scene, render
from motionbench.errors import ConfigError, DataError
from motionbench.types import Case
from motionbench.video import save_video

_MARK = "export.json"
_LIST = "cases.json"
# The colours of the DAVIS palette: black, then one for each object.
_PALETTE = (0, 0, 0, 128, 0, 0, 0, 128, 0, 128, 128, 0, 0, 0, 128)


def export(
    folder: str | Path,
    split: str = "test",
    count: int | None = None,
    start: int = 0,
    size: int = 128,
    progress: Callable[[int, int], None] | None = None,
) -> int:
    """Write scenes as a folder dataset. An interrupted export goes on where it stopped; the same call, the same bytes.

    Args:
        folder: where to write; made if it does not exist. It may hold an earlier export of the same split and size.
        split: "test" or "train".
        count: how many scenes; None for the rest of the 128 test cases.
        start: index of the first scene.
        size: height and width in pixels, 16 or more.
        progress: called after each scene with how many are done and how many there are.

    Returns:
        The number of scenes that `cases.json` lists.

    Raises:
        ConfigError: an unknown split, a size or range that makes no sense, or a folder that holds something else.
        DataError: the folder cannot be written to.
    """
    root, indices = Path(folder), _indices(split, count, start, size)
    try:
        _claim(root, split, size)
        entries = []
        for number, index in enumerate(indices):
            entries.append(_write(root, index, split, size))
            if progress is not None:
                progress(number + 1, len(indices))
        content = {
            "schema": "motionbench.dataset/1",
            "name": f"{NAME}-{split}-{size}",
            "version": VERSION,
            "license": LICENSE,
            "cases": entries,
        }
        _replace(root / _LIST, (json.dumps(content, indent=1) + "\n").encode())
    except OSError as error:
        raise DataError(f"{str(root)!r} cannot be written: {error.strerror or error}") from error
    return len(indices)


def _indices(split: str, count: int | None, start: int, size: int) -> range:
    if split not in SPLITS:
        raise ConfigError(f"synth has no split '{split}'", f"use one of: {', '.join(SPLITS)}")
    if size < 16:
        raise ConfigError(f"scenes of {size} pixels cannot be exported", "ask for 16 or more")
    if start < 0:
        raise ConfigError(f"synth has no scene {start}", "count from 0")
    if count is None:
        if split != "test" or start >= CASES:
            raise ConfigError("say how many scenes to export", "the training split has no end: give a count")
        count = CASES - start
    if count < 1:
        raise ConfigError(f"{count} scenes are nothing to export", "ask for 1 or more")
    return range(start, start + count)


def _claim(root: Path, split: str, size: int) -> None:
    """Make sure that everything in the folder is of one kind."""
    root.mkdir(parents=True, exist_ok=True)
    text = (json.dumps({"name": NAME, "version": VERSION, "split": split, "size": size}) + "\n").encode()
    mark = root / _MARK
    if mark.exists():
        if mark.read_bytes() != text:
            raise ConfigError(f"{str(root)!r} holds an export of another split, size or version", "use another folder")
    elif any(root.iterdir()):
        raise ConfigError(f"{str(root)!r} is not empty", "export into a new folder")
    else:
        _replace(mark, text)


def _write(root: Path, index: int, split: str, size: int) -> dict[str, t.Any]:
    """Write what is missing of a scene. The video comes last: where it lies, the scene is complete."""
    scene, name = render(index, split, size), case_id(index, split)
    video, picture, masks = (
        root / "reference" / f"{name}.mp4",
        root / "first_frame" / f"{name}.png",
        root / "masks" / name,
    )
    if not video.exists():
        for path in (video.parent, picture.parent, masks):
            path.mkdir(parents=True, exist_ok=True)
        for frame, labels in enumerate(_labels(scene)):
            labelled = Image.fromarray(labels)
            labelled.putpalette(_PALETTE)
            labelled.save(masks / f"{frame:05d}.png")
        Image.fromarray(scene.video.frames[0]).save(picture)
        save_video(scene.video, video)
    return _entry(scene.case, name)


def _labels(scene: Scene) -> NDArray[np.uint8]:
    """Object ids uint8 [16, size, size]."""
    ids = scene.masks.object_ids.astype(np.uint8)
    labels: NDArray[np.uint8] = (scene.masks.values * ids[:, None, None, None]).max(axis=0)
    return labels


def _entry(case: Case, name: str) -> dict[str, t.Any]:
    return {
        "id": case.id,
        "subset": case.subset,
        "category": case.category,
        "caption": case.caption,
        "short_caption": case.short_caption,
        "motion_prompt": case.motion_prompt,
        "objects": [asdict(item) for item in case.objects],
        "first_frame": f"first_frame/{name}.png",
        "masks": f"masks/{name}",
        "reference": f"reference/{name}.mp4",
    }


def _replace(path: Path, content: bytes) -> None:
    """Write a file that appears whole or not at all."""
    part = path.with_suffix(".part")
    part.write_bytes(content)
    part.replace(path)
