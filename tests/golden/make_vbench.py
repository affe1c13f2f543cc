"""Make vbench.json: VBench's flicker, dynamic degree and subject consistency of random videos, flows and vectors.

    python tests/golden/make_vbench.py VBENCH       # a checkout of github.com/Vchitect/VBench, commit 45e79ec

Its own functions are called; the networks, file readers and progress bars around them are replaced by what `video`,
`flow` and `vectors` draw.
"""

from __future__ import annotations

import importlib.util
import json
import sys
import types
import typing as t
from pathlib import Path
from unittest.mock import MagicMock

import numpy as np
import torch
from numpy.typing import NDArray

HERE = Path(__file__).parent
SHAPES = ((16, 64, 96), (9, 48, 48), (5, 40, 72))
SPEEDS = ((0.2, 0.8), (0.0, 0.4), (0.1, 0.5))


def video(number: int) -> NDArray[np.uint8]:
    """uint8 [T, H, W, 3]."""
    return np.random.default_rng(number).integers(0, 256, (*SHAPES[number], 3)).astype(np.uint8)


def flow(number: int) -> NDArray[np.float32]:
    """float32 [T-1, H, W, 2], about as fast as VBench's threshold."""
    frames, height, width = SHAPES[number]
    rng = np.random.default_rng(10 + number)
    speed = (
        6.0
        * min(height, width)
        / 256.0
        * rng.uniform((0.2, 0.0, 0.1)[number], (0.8, 0.4, 0.5)[number], (frames - 1, 1, 1, 1))
    )
    return (rng.standard_normal((frames - 1, height, width, 2)) * speed).astype(np.float32)


def vectors(number: int) -> NDArray[np.float32]:
    """float32 [T, 32]."""
    rng = np.random.default_rng(20 + number)
    return (rng.standard_normal((SHAPES[number][0], 32)) + rng.standard_normal(32)).astype(np.float32)


def _peer(checkout: Path, name: str) -> t.Any:
    spec = importlib.util.spec_from_file_location(f"vbench.{name}", checkout / "vbench" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main(checkout: Path) -> None:
    """Write vbench.json beside this file."""
    package = types.ModuleType("vbench")
    package.__path__ = []
    sys.modules["vbench"] = package
    raft = "vbench.third_party.RAFT.core"
    for name in (
        "vbench.utils",
        "vbench.distributed",
        raft,
        f"{raft}.raft",
        f"{raft}.utils_core",
        "easydict",
        "decord",
    ):
        sys.modules[name] = MagicMock()
    for name in ("vbench.third_party", "vbench.third_party.RAFT", f"{raft}.utils_core.utils"):
        sys.modules[name] = MagicMock()
    flicker, dynamic, subject = (
        _peer(checkout, n) for n in ("temporal_flickering", "dynamic_degree", "subject_consistency")
    )
    for module in (flicker, dynamic, subject):
        module.get_rank, module.tqdm = lambda: 0, lambda items, disable: items
    found: dict[str, list[float]] = {"flicker": [], "dynamic_degree": [], "subject_consistency": []}
    for number in range(len(SHAPES)):
        frames = video(number)
        flicker.get_frames = lambda path, frames=frames: list(frames[..., ::-1])
        found["flicker"].append(float(flicker.cal_score("")))
        scorer = dynamic.DynamicDegree.__new__(dynamic.DynamicDegree)
        picture = torch.from_numpy(frames[:1].astype(np.float32)).permute(0, 3, 1, 2)
        scorer.set_params(frame=picture, count=len(frames))
        pairs = [torch.from_numpy(uv).permute(2, 0, 1)[None] for uv in flow(number)]
        found["dynamic_degree"].append(float(scorer.check_move([scorer.get_score(picture, uv) for uv in pairs])))
    subject.dino_transform = lambda size: lambda images: images
    subject.load_video = lambda number: torch.from_numpy(vectors(number))
    score, each = subject.subject_consistency(lambda x: x, range(len(SHAPES)), "cpu", False)
    found["subject_consistency"] = [float(one["video_results"]) for one in each]
    content = {
        "commit": "45e79ec14e69a2187202c675d2dbce1a71843d53",
        "dataset_subject_consistency": float(score),
        **found,
    }
    (HERE / "vbench.json").write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
