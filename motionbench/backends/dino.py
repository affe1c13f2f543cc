"""DINO ViT-B/16 of every frame (role `subject`; Caron et al. 2021, arXiv 2104.14294), for VBench's consistency.

Frames are resized with the short side to 224 (bilinear, without antialiasing, as VBench does), so a wide frame keeps
its width; DINO's positions are interpolated to it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from motionbench.types import Backend, Features, Inputs

SIDE = 224
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
WEIGHTS = "dino-vit-b16"
BYTES_EACH = 24 * 2**20


def _load() -> Callable[[Inputs, Mapping[str, Features]], Features]:
    import timm
    import torch
    from torch.nn import functional

    from motionbench.backends import networks

    network = networks.load(
        timm.create_model("vit_base_patch16_224", num_classes=0, dynamic_img_size=True, pretrained=False), WEIGHTS
    )
    mean, std = (torch.tensor(x).view(1, 3, 1, 1) for x in (MEAN, STD))

    def compute(inputs: Inputs, upstream: Mapping[str, Features]) -> Features:
        frames = networks.pictures(inputs.clip.video.frames).float()
        scale = SIDE / min(frames.shape[2:])
        size = tuple(int(side * scale) for side in frames.shape[2:])
        frames = functional.interpolate(frames, size, mode="bilinear", align_corners=False)
        with networks.inference():
            found = networks.in_chunks(network, (frames / 255.0 - mean) / std, BYTES_EACH)
        return {"frames": found}

    return compute


DINO = Backend("dino", "subject", 1, _load, weights=(WEIGHTS,))
