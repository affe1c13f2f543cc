"""Small SA-V downloads in both layouts: two objects that overlap on a video of 9 frames at 24 fps."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import numpy as np
from PIL import Image
from pycocotools import mask as coco

from motionbench.types import Video
from motionbench.video import save_video

SIZE = (48, 32)  # height, width
FRAMES = 9


def planes(objects: int = 2) -> np.ndarray:
    """bool [K, M, H, W]: squares that move; object 1 overlaps object 0 and is not seen in frame 4."""
    values = np.zeros((objects, 3, *SIZE), np.bool_)
    for k in range(objects):
        for m in range(3):
            if (k, m) != (1, 1):
                values[k, m, 8 + 4 * k : 20 + 4 * k, 4 + m + 3 * k : 12 + m + 3 * k] = True
    return values


def annotation(values: np.ndarray, name: str, frames: int = FRAMES) -> dict[str, t.Any]:
    height, width = values.shape[2:]
    rows = [
        [
            {
                "size": [height, width],
                "counts": coco.encode(np.asfortranarray(plane.astype(np.uint8)))["counts"].decode(),
            }
            for plane in values[:, m]
        ]
        for m in range(values.shape[1])
    ]
    return {
        "video_id": name,
        "video_duration": frames / 24,
        "video_frame_count": float(frames),
        "video_height": float(height),
        "video_width": float(width),
        "video_split": "train",
        "masklet": rows,
        "masklet_id": list(range(len(values))),
        "masklet_frame_count": [values.shape[1]] * len(values),
        "masklet_num": len(values),
    }


def film(seed: int = 0) -> np.ndarray:
    blocks = np.random.default_rng(seed).integers(0, 256, (FRAMES, SIZE[0] // 8, SIZE[1] // 8, 3), dtype=np.uint8)
    return blocks.repeat(8, axis=1).repeat(8, axis=2)


def add_train(root: Path, name: str, objects: int = 2, seed: int = 0) -> None:
    root.mkdir(parents=True, exist_ok=True)
    save_video(Video(film(seed), np.arange(FRAMES) / 24), root / f"{name}.mp4")
    put(root / f"{name}_manual.json", annotation(planes(objects), name))


def add_val(root: Path, name: str, objects: int = 2, seed: int = 0) -> None:
    pictures, masks = root / "JPEGImages_24fps" / name, root / "Annotations_6fps" / name
    pictures.mkdir(parents=True)
    for number, frame in enumerate(film(seed)):
        Image.fromarray(frame).save(pictures / f"{number:05d}.jpg", quality=95, subsampling=0)
    for k, frames in enumerate(planes(objects)):
        (masks / f"{k:03d}").mkdir(parents=True)
        for m, plane in enumerate(frames):
            Image.fromarray(plane.astype(np.uint8) * 255).save(masks / f"{k:03d}" / f"{4 * m:05d}.png")


def put(path: Path, content: t.Any) -> None:
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")


def captions(root: Path, *rows: str, header: str = "id,caption", name: str = "captions.csv") -> None:
    (root / name).write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
