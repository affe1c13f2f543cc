"""Small random instances of both backbones, as pipelines and as a folder of weights."""

from __future__ import annotations

import types
import typing as t
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKL, AutoencoderKLWan, DDIMScheduler, FlowMatchEulerDiscreteScheduler

from ttm_ref.pack import pack
from ttm_ref.pipelines import ImageToMotionPipeline, MotionToVideoPipeline, TextImageToVideoPipeline
from ttm_ref.text import tiny_encoder, tiny_tokenizer
from ttm_ref.unet import MaskedUNetMotion
from ttm_ref.vae import PatchAutoencoder
from ttm_ref.wan import MaskedWanTransformer

WORDS = "a red ball moves to the left , the blue box turns around and stops"
STAGES: dict[str, t.Any] = {
    "motion": ImageToMotionPipeline,
    "video": MotionToVideoPipeline,
    "baseline": TextImageToVideoPipeline,
}


def _wan(layers: int, **config: t.Any) -> dict[str, t.Any]:
    """Everything but the texts: autoencoder, denoiser, scheduler and the pipeline's own numbers."""
    vae = PatchAutoencoder(
        latent_channels=8, fine_width=8, coarse_width=16, encoder_blocks=(1, 1), decoder_blocks=(1, 1)
    )
    denoiser = MaskedWanTransformer(
        **{
            "patch_size": (2, 2, 2),
            "num_attention_heads": 2,
            "attention_head_dim": 16,
            "in_channels": 24,
            "out_channels": 8,
            "text_dim": 32,
            "freq_dim": 32,
            "ffn_dim": 64,
            "num_layers": 2,
            "num_masked_layers": layers,
            "prediction_type": "sample",
            "coordinates": 8,
            **config,
        }
    )
    return {
        "vae": vae,
        "denoiser": denoiser,
        "scheduler": FlowMatchEulerDiscreteScheduler(),
        "schedule": "power",
        "num_inference_steps": 3,
    }


def _causal(layers: int, **config: t.Any) -> dict[str, t.Any]:
    """Wan as at full size: a causal video autoencoder, velocities, the linear-quadratic schedule."""
    parts = _wan(layers, **{"patch_size": (1, 2, 2), "in_channels": 12, "out_channels": 4, "prediction_type": "flow"})
    vae = AutoencoderKLWan(
        base_dim=8, z_dim=4, dim_mult=[1, 1, 1, 1], num_res_blocks=1, latents_mean=[0.1] * 4, latents_std=[0.7] * 4
    )
    return {**parts, "vae": vae, "schedule": "linear_quadratic", "num_inference_steps": 4}


def _unet(layers: int, **config: t.Any) -> dict[str, t.Any]:
    vae = AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=(8, 8, 8, 8),
        norm_num_groups=4,
        layers_per_block=1,
    )
    denoiser = MaskedUNetMotion(
        **{
            "in_channels": 12,
            "out_channels": 4,
            "down_block_types": ("CrossAttnDownBlockMotion", "DownBlockMotion"),
            "up_block_types": ("UpBlockMotion", "CrossAttnUpBlockMotion"),
            "block_out_channels": (16, 16),
            "layers_per_block": 1,
            "cross_attention_dim": 32,
            "num_attention_heads": 2,
            "motion_num_attention_heads": 2,
            "norm_num_groups": 4,
            "num_masked_layers": layers,
            **config,
        }
    )
    scheduler = DDIMScheduler(
        prediction_type="v_prediction",
        rescale_betas_zero_snr=True,
        timestep_spacing="trailing",
        clip_sample=False,
        set_alpha_to_one=False,
    )
    return {"vae": vae, "denoiser": denoiser, "scheduler": scheduler, "num_inference_steps": 2}


@pytest.fixture(scope="session")
def make_pipeline() -> Callable[..., t.Any]:
    """make_pipeline(STAGE, BACKBONE, **denoiser config): stages "motion", "video", "baseline"; random weights."""

    def make(stage: str, backbone: str = "wan", seed: int = 0, **config: t.Any) -> t.Any:
        torch.manual_seed(seed)
        parts = {"wan": _wan, "causal": _causal, "unet": _unet}[backbone](int(stage != "motion"), **config)
        tokenizer = tiny_tokenizer([WORDS])
        encoder = tiny_encoder(len(tokenizer), 32, 1, 2)
        size = 64 if backbone == "unet" else 32
        for module in (parts["vae"], parts["denoiser"], encoder):
            torch.manual_seed(seed)
            for parameter in module.parameters():
                # New branches start at zero; here they must have an effect.
                if not parameter.any():
                    torch.nn.init.normal_(parameter, std=0.05)
            module.eval()
        pipeline = STAGES[stage](
            **parts,
            text_encoder=encoder,
            tokenizer=tokenizer,
            num_frames=5 if backbone == "causal" else 4,
            height=size,
            width=size,
            fps=8.0,
            max_length=16,
            object_length=8,
        )
        pipeline.set_progress_bar_config(disable=True)
        return pipeline

    return make


@pytest.fixture(scope="session")
def weights(make_pipeline: Callable[..., t.Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of weights with both stages, TI2V and one ablation; read only."""
    folder = tmp_path_factory.mktemp("weights")
    stages = {
        "stage1": make_pipeline("motion"),
        "stage2": make_pipeline("video"),
        "variants/ti2v": make_pipeline("baseline", mask_self=False, mask_cross=False),
        "variants/no_mask": make_pipeline("video", mask_self=False, mask_cross=False),
    }
    # Trained separately, the stages have different texts but the same autoencoder.
    with torch.no_grad():
        stages["stage1"].text_encoder.shared.weight += 0.1
    pack(folder, stages, {"made by": "a test"})
    return folder


@pytest.fixture
def scene() -> types.SimpleNamespace:
    """A picture uint8 [40, 56, 3] and two objects: masks bool [2, 40, 56], trajectories bool [2, 4, 40, 56]."""
    rng = np.random.default_rng(0)
    masks = np.zeros((2, 40, 56), np.bool_)
    masks[0, 8:24, 10:26] = masks[1, 20:34, 28:44] = True
    return types.SimpleNamespace(
        image=rng.integers(0, 256, (40, 56, 3), dtype=np.uint8),
        masks=masks,
        trajectories=np.stack([np.roll(masks, 2 * f, axis=2) for f in range(4)], axis=1),
        prompts=["the red ball moves to the left", "the blue box turns"],
    )
