"""A small world to train in: six videos of moving squares, prepared for small random networks."""

from __future__ import annotations

import json
from pathlib import Path

import av
import numpy as np
import torch
from diffusers import AutoencoderKL
from PIL import Image

from ttm_ref.codec import Autoencoder
from ttm_ref.vae import PatchAutoencoder

FRAMES, SIZE, VIDEOS = 8, 32, 6
WAN = [
    "model.config.patch_size=[2,2,2]",
    "model.config.num_attention_heads=2",
    "model.config.attention_head_dim=16",
    "model.config.in_channels=12",
    "model.config.out_channels=4",
    "model.config.text_dim=32",
    "model.config.freq_dim=32",
    "model.config.ffn_dim=64",
    "model.config.num_layers=2",
    "text.dim=32",
    "text.heads=2",
    "text.layers=1",
]
UNET = [
    'model.backbone="unet"',
    "model.config.in_channels=12",
    "model.config.out_channels=4",
    'model.config.down_block_types=["CrossAttnDownBlockMotion","DownBlockMotion"]',
    'model.config.up_block_types=["UpBlockMotion","CrossAttnUpBlockMotion"]',
    "model.config.block_out_channels=[16,16]",
    "model.config.layers_per_block=1",
    "model.config.cross_attention_dim=32",
    "model.config.num_attention_heads=2",
    "model.config.motion_num_attention_heads=2",
    "model.config.norm_num_groups=4",
    'objective.kind="v_prediction"',
    'objective.prediction_type="v_prediction"',
    "text.dim=32",
    "text.heads=2",
    "text.layers=1",
    'vae.kind="kl"',
]
RUN = [
    f"data.frames={FRAMES}",
    f"data.height={SIZE}",
    f"data.width={SIZE}",
    "data.held_out=1",
    "train.batch=4",
    "train.warmup=5",
    "train.validate_every=0",
]


def write_videos(folder: Path) -> Path:
    """A folder dataset of squares that move to the right or down over grey, lossless."""
    cases = []
    for number in range(VIDEOS):
        name, right = f"video-{number}", number % 2 == 0
        planes = np.zeros((FRAMES, SIZE, SIZE), np.uint8)
        for frame in range(FRAMES):
            at = 2 + 2 * frame
            top, left = (12, at) if right else (at, 12)
            planes[frame, top : top + 8, left : left + 8] = 1
        frames = np.full((FRAMES, SIZE, SIZE, 3), 90 + 10 * number, np.uint8)
        frames[planes > 0] = (220, 30, 30) if right else (30, 30, 220)
        _write_video(folder / "reference" / f"{name}.mp4", frames)
        for frame, plane in enumerate(planes):
            path = folder / "masks" / name / f"{frame:05d}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(plane).save(path)
        words = "The red square moves to the right." if right else "The blue square moves down."
        cases.append(
            {
                "id": name,
                "caption": words,
                "motion_prompt": words.replace("red ", "").replace("blue ", ""),
                "objects": [{"id": 1, "name": "square", "prompt": words}],
                "reference": f"reference/{name}.mp4",
                "masks": f"masks/{name}",
            }
        )
    (folder / "cases.json").write_text(json.dumps({"cases": cases}))
    return folder


def write_vae(folder: Path, kind: str) -> Autoencoder:
    """A small random autoencoder of 8 x 8 squares with 4 channels, on disk and loaded."""
    torch.manual_seed(0)
    vae: Autoencoder
    if kind == "patch":
        vae = PatchAutoencoder(4, 8, 8, (1, 1), (1, 1))
        vae.start_from(torch.rand(8, 3, SIZE, SIZE) * 2 - 1)
    else:
        vae = AutoencoderKL(
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
            block_out_channels=(8, 8, 8, 8),
            norm_num_groups=4,
            layers_per_block=1,
        )
    vae.save_pretrained(folder)
    return vae.eval()


def _write_video(path: Path, frames: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264rgb", rate=8, options={"qp": "0"})
        stream.width = stream.height = SIZE
        stream.pix_fmt = "rgb24"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))
