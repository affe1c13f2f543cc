"""Make i3d.npz: logits of VideoGPT's I3D under weights that it is given here.

    python tests/golden/make_i3d.py VIDEOGPT        # a checkout of github.com/wilson1yan/VideoGPT, commit 733d2b1

The weights are those of `shared_weights.fill(network, 0)`, the clips those of `clip(n)`; `videogpt_N` went through
VideoGPT's preprocessing, `stylegan_v_N` was resized to 224 x 224 as StyleGAN-V does.
"""

from __future__ import annotations

import importlib.util
import sys
import typing as t
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

HERE = Path(__file__).parent
SHAPES = ((9, 96, 160), (10, 224, 224), (16, 180, 130))


def clip(number: int) -> NDArray[np.uint8]:
    """Clip 0, 1 or 2: uint8 [T, H, W, 3], coarse squares under fine noise."""
    frames, height, width = SHAPES[number]
    rng = np.random.default_rng(number)
    coarse = rng.integers(0, 256, (frames, height // 8 + 1, width // 8 + 1, 3)).astype(np.float32)
    fine = rng.integers(-20, 20, (frames, height, width, 3))
    return np.clip(coarse.repeat(8, 1).repeat(8, 2)[:, :height, :width] + fine, 0, 255).astype(np.uint8)


def _module(path: Path) -> t.Any:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main(checkout: Path) -> None:
    """Write i3d.npz beside this file."""
    shared = _module(HERE.parent / "backends" / "shared_weights.py")
    peer, data = _module(checkout / "videogpt/fvd/pytorch_i3d.py"), _module(checkout / "videogpt/data.py")
    network, arrays = shared.fill(peer.InceptionI3d(400, in_channels=3)), {}
    for number in range(len(SHAPES)):
        frames = torch.from_numpy(clip(number))
        squashed = functional.interpolate(
            frames.permute(0, 3, 1, 2).float(), (224, 224), mode="bilinear", align_corners=False
        )
        with torch.no_grad():
            arrays[f"videogpt_{number}"] = network(data.preprocess(frames, 224)[None] * 2)[0].numpy()
            arrays[f"stylegan_v_{number}"] = network((2.0 * squashed / 255.0 - 1.0).transpose(0, 1)[None])[0].numpy()
    np.savez_compressed(HERE / "i3d.npz", **arrays)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
