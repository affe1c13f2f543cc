"""Randomly initialised networks of the backends' classes in the format of their weight files, for tests only.

`random = "module:function"` in weights.toml names them; `motionbench weights make-random` writes what they return.
"""

from __future__ import annotations

import json
import typing as t
from collections.abc import Mapping
from pathlib import Path

if t.TYPE_CHECKING:
    import torch
    from torch import nn

    StateDict = Mapping[str, torch.Tensor]

SMALL = 0.02


def i3d(root: Path) -> StateDict:
    """`i3d_pretrained_400.pt`."""
    from motionbench.backends.i3d.network import InceptionI3d

    return InceptionI3d().state_dict()


def viclip(root: Path) -> dict[str, StateDict]:
    """`ViClip-InternVid-10M-FLT.pth`, whose tensors lie under "model"."""
    from motionbench.backends.viclip.network import ViCLIP

    return {"model": _stirred(ViCLIP()).state_dict()}


def clip_b32(root: Path) -> StateDict:
    """open_clip's ViT-B/32."""
    return _clip("ViT-B-32")


def clip_l14(root: Path) -> StateDict:
    """open_clip's ViT-L/14."""
    return _clip("ViT-L-14")


def dino(root: Path) -> StateDict:
    """`dino_vitbase16_pretrain.pth`."""
    import timm

    network: nn.Module = timm.create_model("vit_base_patch16_224", num_classes=0, pretrained=False)
    return _stirred(network).state_dict()


def cotracker3(root: Path) -> StateDict | None:
    """`scaled_offline.pth`, by CoTracker's own code if the folder has it."""
    import torch

    from motionbench.backends.cotracker import CODE

    code = root / CODE
    if not code.is_dir():
        return None
    hub: t.Any = torch.hub
    made = hub.load(str(code), "cotracker3_offline", source="local", pretrained=False)
    state: StateDict = made.model.state_dict()
    return state


def sam2_tiny(root: Path) -> dict[str, t.Any]:
    """The folder of SAM 2.1 Hiera-T."""
    return _sam2(
        {
            "hidden_size": 96,
            "embed_dim_per_stage": [96, 192, 384, 768],
            "num_attention_heads_per_stage": [1, 2, 4, 8],
            "blocks_per_stage": [1, 2, 7, 2],
            "global_attention_blocks": [5, 7, 9],
            "window_positional_embedding_background_size": [7, 7],
        },
        [768, 384, 192, 96],
    )


def sam2_large(root: Path) -> dict[str, t.Any]:
    """The folder of SAM 2.1 Hiera-L."""
    return _sam2(
        {
            "hidden_size": 144,
            "num_attention_heads": 2,
            "embed_dim_per_stage": [144, 288, 576, 1152],
            "num_attention_heads_per_stage": [2, 4, 8, 16],
            "blocks_per_stage": [2, 6, 36, 4],
            "global_attention_blocks": [23, 33, 43],
            "window_positional_embedding_background_size": [7, 7],
            "window_size_per_stage": [8, 4, 16, 8],
        },
        [1152, 576, 288, 144],
        video_file=False,  # its folder lists none: transformers reads the video processor's settings from the picture's
    )


def _clip(name: str) -> StateDict:
    from motionbench.backends.clip.load import build

    network: nn.Module = build(name)
    return network.state_dict()


def _stirred(network: nn.Module) -> nn.Module:
    """Parameters that start at zero are drawn as well: what is all zero gives vectors without direction."""
    import torch

    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.ndim > 0 and not parameter.any():
                torch.nn.init.normal_(parameter, std=SMALL)
    return network


def _sam2(hiera: dict[str, t.Any], channels: list[int], video_file: bool = True) -> dict[str, t.Any]:
    from transformers import Sam2VideoConfig, Sam2VideoModel
    from transformers.models.sam2.configuration_sam2 import Sam2HieraDetConfig, Sam2VisionConfig

    vision = Sam2VisionConfig(backbone_config=Sam2HieraDetConfig(**hiera), backbone_channel_list=channels)
    config = Sam2VideoConfig(vision_config=vision)
    image = {"image_processor_type": "Sam2ImageProcessorFast", "size": {"height": 1024, "width": 1024}}
    video = {"video_processor_type": "Sam2VideoVideoProcessor", "size": {"height": 1024, "width": 1024}}
    names: dict[str, dict[str, t.Any]] = {
        "config.json": {**config.to_dict(), "architectures": ["Sam2VideoModel"]},
        "preprocessor_config.json": image,
        "processor_config.json": {"processor_class": "Sam2VideoProcessor", "target_size": 1024},
    }
    if video_file:
        names["video_preprocessor_config.json"] = video
    files: dict[str, t.Any] = {name: (json.dumps(made, default=str) + "\n").encode() for name, made in names.items()}
    return {**files, "model.safetensors": Sam2VideoModel(config).state_dict()}
