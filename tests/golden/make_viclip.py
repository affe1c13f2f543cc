"""Make viclip.npz: embeddings of VBench's copy of ViCLIP, at small size, under weights that it is given here.

    python tests/golden/make_viclip.py VBENCH       # a checkout of github.com/Vchitect/VBench, commit 45e79ec

Weights: `shared_weights.fill(network, 0)`; sizes: `SIZES`; inputs: `clips(n)` and `numbers(n)`. The embeddings are not
normalised. VBench's files need einops and timm.
"""

from __future__ import annotations

import importlib.util
import sys
import types
import typing as t
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

HERE = Path(__file__).parent
SIZES = {
    "side": 56,
    "width": 64,
    "layers": 3,
    "heads": 4,
    "vocabulary": 200,
    "text_width": 48,
    "text_layers": 2,
    "text_heads": 3,
    "joint": 40,
}
LENGTHS = ((5, 32), (2, 20, 9), (31,))


def clips(number: int) -> Tensor:
    """Batch 0, 1 or 2: float32 [B, 3, 8, 56, 56]."""
    shape = (len(LENGTHS[number]), 3, 8, SIZES["side"], SIZES["side"])
    return torch.from_numpy(np.random.default_rng(number).standard_normal(shape).astype(np.float32))


def numbers(number: int) -> Tensor:
    """Batch 0, 1 or 2: int64 [B, 32], texts of the given lengths that end with the highest number."""
    rng, made = np.random.default_rng(100 + number), np.zeros((len(LENGTHS[number]), 32), np.int64)
    for row, length in zip(made, LENGTHS[number], strict=True):
        row[:length] = rng.integers(1, SIZES["vocabulary"] - 1, length)
        row[length - 1] = SIZES["vocabulary"] - 1
    return torch.from_numpy(made)


def _module(name: str, path: Path) -> t.Any:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def main(checkout: Path) -> None:
    """Write viclip.npz beside this file."""
    folder = checkout / "vbench/third_party/ViCLIP"
    package = types.ModuleType("peer")
    package.__path__ = [str(folder)]
    sys.modules["peer"] = package
    # The text encoder builds a tokenizer from a file that is not in the checkout; numbers are given here.
    package.simple_tokenizer = sys.modules["peer.simple_tokenizer"] = types.ModuleType("peer.simple_tokenizer")  # type: ignore[attr-defined]
    sys.modules["peer.simple_tokenizer"].SimpleTokenizer = object  # type: ignore[attr-defined]
    vision, text = (_module(f"peer.{name}", folder / f"{name}.py") for name in ("viclip_vision", "viclip_text"))
    s = SIZES
    both = nn.Module()
    both.vision_encoder = vision.VisionTransformer(s["side"], 14, s["width"], s["layers"], s["heads"], s["joint"])
    both.text_encoder = text.CLIP_TEXT(
        s["joint"], 32, s["vocabulary"], s["text_width"], s["text_heads"], s["text_layers"], 0
    )
    both.temp = nn.Parameter(torch.tensor(0.01))
    _module("shared_weights", HERE.parent / "backends" / "shared_weights.py").fill(both)
    arrays = {}
    for number in range(len(LENGTHS)):
        with torch.no_grad():
            arrays[f"video_{number}"] = both.vision_encoder(clips(number)).numpy()
            arrays[f"text_{number}"] = both.text_encoder(numbers(number)).numpy()
    np.savez_compressed(HERE / "viclip.npz", **arrays)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
