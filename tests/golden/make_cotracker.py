"""Make cotracker.npz: points followed by CoTracker3's own offline predictor under weights that it is given here.

    python tests/golden/make_cotracker.py COTRACKER     # a checkout of facebookresearch/co-tracker, commit 82e02e8

The predictor is CoTracker's class, called as in its README: video float32 [1, T, 3, H, W] in 0..255, queries (0, x, y).
Weights: `weights(state)`; clips: `clip(n)`; queries: `points(n)`. `xy_n` is float32 [T, N, 2] pixels, `visible_n` bool
[T, N]; no score lies so near the threshold 0.9 that rounding could decide.
"""

from __future__ import annotations

import importlib.util
import sys
import typing as t
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

HERE = Path(__file__).parent
SHAPES = ((3, 96, 160), (5, 128, 128), (8, 180, 120))
# Of the updating transformer, so scaled that points move by some pixels, each by others, and some count as visible.
SCALES = {"to_out.weight": 0.1, "fc2.weight": 0.1, "bias": 0.0, "flow_head.weight": 0.5, "vis_conf_head.weight": 3.0}
MARGIN = 1e-3
PEER = "facebookresearch/co-tracker 82e02e8029753ad4ef13cf06be7f4fc5facdda4d"
ABOUT = f"{PEER}; python tests/golden/make_cotracker.py COTRACKER"


def clip(number: int) -> NDArray[np.uint8]:
    """Clip 0, 1 or 2: uint8 [T, H, W, 3], coarse squares that drift to the right under fine noise."""
    frames, height, width = SHAPES[number]
    rng = np.random.default_rng(number)
    coarse = rng.integers(0, 256, (height // 8 + 1, width // 8 + 8, 3)).repeat(8, 0).repeat(8, 1)[:height]
    moving = np.stack([np.roll(coarse, 2 * k, axis=1)[:, :width] for k in range(frames)])
    return np.clip(moving + rng.integers(-20, 20, moving.shape), 0, 255).astype(np.uint8)


def points(number: int) -> NDArray[np.float32]:
    """Queries in frame 0 of clip 0, 1 or 2: float32 [6 + n, 2], x and y in pixels."""
    _, height, width = SHAPES[number]
    inside = np.random.default_rng(50 + number).random((6 + number, 2)) * (width - 9, height - 9)
    return (4 + inside).astype(np.float32)


def weights(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Drawn weights for all tensors of the network."""
    made: dict[str, Tensor] = _module(HERE.parent / "backends" / "shared_weights.py").drawn(state)
    for name in made:
        if name.startswith("updateformer."):
            made[name] = made[name] * next((scale for end, scale in SCALES.items() if name.endswith(end)), 1.0)
    return made


def _module(path: Path) -> t.Any:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main(checkout: Path) -> None:
    """Write cotracker.npz beside this file."""
    sys.path.insert(0, str(checkout))
    from cotracker.predictor import CoTrackerPredictor

    predictor = CoTrackerPredictor(checkpoint=None, offline=True, v2=False, window_len=60)
    predictor.model.load_state_dict(weights(predictor.model.state_dict()))
    scores: list[Tensor] = []
    predictor.model.forward = _listening(predictor.model.forward, scores)
    arrays = {}
    for number in range(len(SHAPES)):
        video = torch.from_numpy(clip(number)).permute(0, 3, 1, 2)[None].float()
        queries = torch.from_numpy(np.insert(points(number), 0, 0, axis=1))[None]
        xy, visible = predictor(video, queries=queries)
        arrays[f"xy_{number}"], arrays[f"visible_{number}"] = xy[0].numpy(), visible[0].numpy()
        later = scores.pop()[0, 1:]
        assert (later - 0.9).abs().min() > MARGIN, "a score lies on the threshold"
        steps = (xy[0, 1:] - xy[0, :1]).norm(dim=-1)
        shown = visible[0, 1:].float().mean()
        print(f"clip {number}: points move by {steps.min():.2f} to {steps.max():.2f} pixels, {shown:.0%} are visible")
    np.savez_compressed(HERE / "cotracker.npz", about=ABOUT, **arrays)


def _listening(forward: t.Callable[..., t.Any], scores: list[Tensor]) -> t.Callable[..., t.Any]:
    def listening(*args: t.Any, **kwargs: t.Any) -> t.Any:
        found = forward(*args, **kwargs)
        scores.append(found[1])
        return found

    return listening


if __name__ == "__main__":
    main(Path(sys.argv[1]))
