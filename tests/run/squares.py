"""A small dataset on disk: textured squares that move over a textured background."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np

from motionbench.types import Video
from motionbench.video import save_video

SIZE, FRAMES = 96, 12


def scene(seed: int, speed: float = 2.0) -> tuple[np.ndarray, np.ndarray]:
    """uint8 [T, H, W, 3] frames and bool [T, H, W] mask of a square that moves to the right."""
    rng = np.random.default_rng(seed)
    background = cv2.resize(rng.integers(0, 256, (24, 24, 3), dtype=np.uint8), (SIZE, SIZE))
    patch = cv2.resize(rng.integers(0, 256, (10, 10, 3), dtype=np.uint8), (32, 32))
    frames, masks = [], []
    for t in range(FRAMES):
        x, y = round(8 + speed * t), 20 + 4 * (seed % 5)
        frame, mask = background.copy(), np.zeros((SIZE, SIZE), bool)
        frame[y : y + 32, x : x + 32] = patch
        mask[y : y + 32, x : x + 32] = True
        frames.append(frame)
        masks.append(mask)
    return np.stack(frames), np.stack(masks)


def write_png(path: Path, image: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), image if image.ndim == 2 else image[..., ::-1])


def write_video(path: Path, frames: np.ndarray, fps: float = 8.0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    save_video(Video(frames, np.arange(len(frames)) / fps), path)


def build(folder: Path, ids: list[str]) -> Path:
    """Write a folder dataset with one single-object case for each id."""
    cases = []
    for number, case_id in enumerate(ids):
        frames, masks = scene(number)
        place = f"cases/{number:02d}"
        write_video(folder / place / "reference.mp4", frames)
        write_png(folder / place / "first_frame.png", frames[0])
        write_png(folder / place / "masks" / "00000.png", masks[0].astype(np.uint8))
        cases.append(
            {
                "id": case_id,
                "subset": "single" if number % 2 == 0 else "multi",
                "category": "Other",
                "caption": f"A square number {number} moves to the right.",
                "motion_prompt": "The square moves to the right.",
                "objects": [{"id": 1, "name": "square", "prompt": "A square moves to the right."}],
                "first_frame": f"{place}/first_frame.png",
                "masks": f"{place}/masks",
                "reference": f"{place}/reference.mp4",
            }
        )
    content = {"schema": "motionbench.dataset/1", "name": "squares", "version": "1", "license": "CC0", "cases": cases}
    (folder / "cases.json").write_text(json.dumps(content))
    return folder
