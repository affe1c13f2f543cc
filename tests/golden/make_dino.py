"""Make dino.npz: class tokens of DINO's own ViT, at small size, under weights that it is given here.

    python tests/golden/make_dino.py DINO       # a checkout of github.com/facebookresearch/dino, commit 7c446df

Weights: `shared_weights.fill(network)`; sizes: `SIZES`; inputs: `pictures(n)`.
"""

from __future__ import annotations

import importlib.util
import sys
import typing as t
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

HERE = Path(__file__).parent
PEER = "facebookresearch/dino 7c446df5b9f45747937fb0d72314eb9f7b66930a"
ABOUT = f"{PEER}; python tests/golden/make_dino.py DINO"
SIZES = {"embed_dim": 48, "depth": 2, "num_heads": 3}
SHAPES = ((224, 224), (224, 357), (298, 224), (224, 238))


def pictures(number: int) -> Tensor:
    """Batch 0, 1, 2 or 3: float32 [2, 3, H, W]."""
    drawn = np.random.default_rng(number).standard_normal((2, 3, *SHAPES[number]))
    return torch.from_numpy(drawn.astype(np.float32))


def _module(name: str, path: Path) -> t.Any:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main(checkout: Path) -> None:
    """Write dino.npz beside this file."""
    sys.path.insert(0, str(checkout))  # its file imports its own utils
    peer = _module("vision_transformer", checkout / "vision_transformer.py")
    network = peer.VisionTransformer(patch_size=16, mlp_ratio=4, qkv_bias=True, norm_layer=_norm, **SIZES)
    _module("shared_weights", HERE.parent / "backends" / "shared_weights.py").fill(network)
    with torch.no_grad():
        arrays = {f"tokens_{n}": network(pictures(n)).numpy() for n in range(len(SHAPES))}
    np.savez_compressed(HERE / "dino.npz", about=ABOUT, **arrays)


def _norm(width: int) -> torch.nn.LayerNorm:
    return torch.nn.LayerNorm(width, eps=1e-6)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
