"""A dataset of real clips without masks, with outlines that were drawn for it: OTHER_CLIPS of docs/tmr.md.

    python tests/bench/outlined_clips.py OUT VIDEO...

`outlines.json` beside this file names for each clip the video (the name of its file or, for `reference.mp4`, of its
folder), the frame at which the clip begins, and the object's outline there in shares of width and height. They are
cartwheel, orange, skateboard, treadmill and umbrella, and carphone, a well-known test sequence.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from motionbench.types import Video
from motionbench.video import load_video, save_video

OUTLINES = Path(__file__).with_name("outlines.json")
FILES = {"masks": "masks", "reference": "reference.mp4"}
PALETTE = [0, 0, 0, 255, 0, 0, *[0] * 762]


def name_of(video: Path) -> str:
    """By which `outlines.json` knows a video."""
    return video.parent.name if video.stem == "reference" else video.stem.split("_")[0]


def write_clip(video: Path, begin: int, out: Path) -> tuple[int, int]:
    """Write the rest of a video from a frame on, without loss; its height and width."""
    whole = load_video(video)
    save_video(Video(whole.frames[begin:], whole.times[begin:] - whole.times[begin]), out)
    return whole.frames.shape[1], whole.frames.shape[2]


def write_mask(outline: NDArray[np.float64], size: tuple[int, int], out: Path) -> None:
    """Write the mask of object 1."""
    mask = np.zeros(size, np.uint8)
    cv2.fillPoly(mask, [np.rint(outline * size[::-1]).astype(np.int32)], (1,))
    image = Image.fromarray(mask)
    image.putpalette(PALETTE)
    image.save(out)


def main() -> None:
    """Write the folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("videos", nargs="+", type=Path)
    options = parser.parse_args()
    videos, cases = {name_of(video): video for video in options.videos}, []
    for case_id, entry in json.loads(OUTLINES.read_text(encoding="utf-8")).items():
        name = entry["video"]
        if name not in videos:
            print(f"{case_id} is left out: no video called {name}")
            continue
        folder = options.out / "cases" / case_id
        (folder / "masks").mkdir(parents=True, exist_ok=True)
        size = write_clip(videos[name], entry["begin"], folder / "reference.mp4")
        write_mask(np.array(entry["outline"]), size, folder / "masks" / "00000.png")
        case = {"id": case_id, "subset": "single", "category": "real", "caption": f"a {name}"}
        case |= {"objects": [{"id": 1, "name": name, "prompt": f"the {name} moves"}]}
        cases.append(case | {key: f"cases/{case_id}/{file}" for key, file in FILES.items()})
    head = {"schema": "motionbench.dataset/1", "name": "outlined", "version": "1", "license": "see the videos"}
    (options.out / "cases.json").write_text(json.dumps(head | {"cases": cases}, indent=1), encoding="utf-8")
    print(f"{len(cases)} clips in {options.out}")


if __name__ == "__main__":
    main()
