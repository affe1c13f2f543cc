"""DINO ViT-B/16 of every frame (role `subject`; Caron et al. 2021, arXiv 2104.14294), for VBench's consistency.

Frames are resized with the short side to 224 (bilinear, without antialiasing, as VBench does), so a wide frame keeps
its width; the last columns that fill no patch are not read, and positions are interpolated, both as in DINO's code.
"""

from __future__ import annotations

import math
import typing as t
from collections.abc import Callable, Mapping

from motionbench.types import Backend, Features, Inputs

if t.TYPE_CHECKING:
    from torch import Tensor

SIDE, PATCH = 224, 16
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
WEIGHTS = "dino-vit-b16"
BYTES_EACH = 24 * 2**20


def _load() -> Callable[[Inputs, Mapping[str, Features]], Features]:
    import timm
    from torch.nn import functional

    from motionbench import device
    from motionbench.backends import networks

    network = networks.load(timm.create_model("vit_base_patch16_224", num_classes=0, pretrained=False), WEIGHTS)

    def compute(inputs: Inputs, upstream: Mapping[str, Features]) -> Features:
        frames = networks.pictures(inputs.clip.video.frames).float()
        short = min(frames.shape[2:])
        size = [int(SIDE * side / short) for side in frames.shape[2:]]
        frames = functional.interpolate(frames, size, mode="bilinear", align_corners=False)
        with networks.inference():
            places = positions(network.pos_embed, (size[0], size[1])).to(device.chosen().name)
            found = networks.in_chunks(lambda part: embed(network, part, places), normalised(frames), BYTES_EACH)
        return {"frames": found}

    return compute


def normalised(frames: Tensor) -> Tensor:
    """Values 0 to 255 of [N, 3, H, W] as DINO reads them."""
    import torch

    mean, std = (torch.tensor(x).view(1, 3, 1, 1) for x in (MEAN, STD))
    return (frames / 255.0 - mean) / std


def positions(learned: Tensor, size: tuple[int, int]) -> Tensor:
    """Positions for the patches of a picture, as DINO's own code interpolates them.

    Args:
        learned: [1, 1 + n * n, D], the class token's and those of a square grid.
        size: height and width of the picture.

    Returns:
        [1, 1 + (height // 16) * (width // 16), D].
    """
    import torch
    from torch.nn import functional

    side = math.isqrt(learned.shape[1] - 1)
    grid = (size[0] // PATCH, size[1] // PATCH)
    if grid == (side, side) and size[0] == size[1]:
        return learned
    square = learned[:, 1:].reshape(1, side, side, -1).permute(0, 3, 1, 2)
    # The tenth of a patch keeps rounding from losing a row; it also stretches the grid a little, here as there.
    factors = tuple((count + 0.1) / side for count in grid)
    stretched = functional.interpolate(square, scale_factor=factors, mode="bicubic")
    return torch.cat([learned[:, :1], stretched.flatten(2).transpose(1, 2)], dim=1)


def embed(network: t.Any, pictures: Tensor, places: Tensor) -> Tensor:
    """The class token [N, D] of pictures [N, 3, H, W] with positions for H // 16 x W // 16 patches.

    What does not fill a patch, at the right and at the bottom, is not read.
    """
    import torch

    patches = network.patch_embed.proj(pictures).flatten(2).transpose(1, 2)
    tokens = torch.cat([network.cls_token.expand(len(pictures), -1, -1), patches], dim=1) + places
    found: Tensor = network.norm(network.blocks(tokens))[:, 0]
    return found


DINO = Backend("dino", "subject", 2, _load, weights=(WEIGHTS,))
