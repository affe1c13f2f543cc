"""Denoisers from settings: constructor arguments are checked, pretrained bases keep what they compute."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
import torch
from diffusers import MotionAdapter, UNet2DConditionModel, UNetMotionModel, WanTransformer3DModel

from motionbench.errors import ConfigError, WeightsError
from ttm_ref.backbones import denoiser, skeleton
from ttm_ref.settings import Settings, load, names, parse
from ttm_ref.unet import MaskedUNetMotion

UNET: dict[str, t.Any] = {
    "block_out_channels": [16, 32],
    "down_block_types": ["CrossAttnDownBlockMotion", "DownBlockMotion"],
    "up_block_types": ["UpBlockMotion", "CrossAttnUpBlockMotion"],
    "cross_attention_dim": 12,
    "num_attention_heads": 2,
    "motion_num_attention_heads": 2,
    "norm_num_groups": 4,
    "motion_max_seq_length": 8,
    "in_channels": 12,
    "num_masked_layers": 2,
}
WAN: dict[str, t.Any] = {
    "num_attention_heads": 2,
    "attention_head_dim": 12,
    "ffn_dim": 32,
    "num_layers": 3,
    "text_dim": 12,
    "freq_dim": 16,
    "in_channels": 12,
    "out_channels": 4,
    "num_masked_layers": 2,
}
V = {"kind": "v_prediction", "prediction_type": "v_prediction"}


def _settings(backbone: str, config: dict[str, t.Any], **model: str) -> Settings:
    objective = V if backbone == "unet" else {}
    return parse({"model": {"backbone": backbone, "config": config, **model}, "objective": objective})


@pytest.mark.parametrize("name", [name for name in names() if name.startswith("paper-")])
def test_every_paper_configuration_makes_a_model(name: str) -> None:
    settings = load(name)
    with torch.device("meta"):
        model = skeleton(settings)
    assert model.config.prediction_type == settings.objective.prediction_type
    assert next(model.parameters()).is_meta


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mask_slef": True}, "mask_slef"),
        ({"num_masked_layers": 5}, "num_masked_layers"),
        ({"block_out_channels": [16]}, "makes no MaskedUNetMotion"),
        ({"norm_num_groups": 5}, "makes no MaskedUNetMotion"),
        ({"num_attention_heads": "two"}, "makes no MaskedUNetMotion"),
        ({"num_attention_heads": 0}, "makes no MaskedUNetMotion"),
    ],
)
def test_constructor_arguments_that_do_not_fit_are_refused(change: dict[str, t.Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        skeleton(_settings("unet", {**UNET, **change}))
    assert caught.value.hint and "\n" not in caught.value.message


def test_a_unet_on_stable_diffusion_and_motion_modules(tmp_path: Path) -> None:
    torch.manual_seed(0)
    flat = UNet2DConditionModel(
        block_out_channels=(16, 32),
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        cross_attention_dim=12,
        attention_head_dim=2,
        norm_num_groups=4,
    )
    adapter = MotionAdapter(
        block_out_channels=(16, 32),
        motion_num_attention_heads=2,
        motion_norm_num_groups=4,
        motion_max_seq_length=8,
        use_motion_mid_block=False,
    )
    flat.save_pretrained(tmp_path / "base" / "unet")
    adapter.save_pretrained(tmp_path / "adapter")
    places = {"base": str(tmp_path / "base"), "adapter": str(tmp_path / "adapter")}
    model = denoiser(_settings("unet", UNET, **places)).eval()
    assert isinstance(model, MaskedUNetMotion) and model.config.num_masked_layers == 2
    base = UNetMotionModel.from_unet2d(flat, adapter).eval()
    x, when, text = torch.randn(1, 12, 4, 4, 4), torch.tensor([500]), torch.randn(1, 5, 12)
    masks = torch.ones(1, 1, 4, 32, 32, dtype=torch.bool)
    prompts = {"local_states": torch.randn(1, 1, 5, 12), "local_mask": torch.ones(1, 1, 5, dtype=torch.bool)}
    with torch.no_grad():
        wanted = base(x[:, :4], when, text.repeat_interleave(4, dim=0)).sample
        assert torch.equal(model(x, when, text, masks, **prompts).sample, wanted)
    with pytest.raises(ConfigError, match="norm_eps"):
        denoiser(_settings("unet", {**UNET, "norm_eps": 1e-6}, **places))


def test_a_wan_on_its_base(tmp_path: Path) -> None:
    plain = {k: v for k, v in WAN.items() if k not in ("in_channels", "num_masked_layers")}
    torch.manual_seed(0)
    base = WanTransformer3DModel(**plain, in_channels=4).eval()
    base.save_pretrained(tmp_path / "transformer")
    model = denoiser(_settings("wan", WAN, base=str(tmp_path))).eval()
    x, when, text = torch.randn(1, 12, 3, 4, 4), torch.tensor([500]), torch.randn(1, 5, 12)
    with torch.no_grad():
        assert torch.equal(model(x, when, text).sample, base(x[:, :4], when, text).sample)
    with pytest.raises(ConfigError, match="ffn_dim = 32, the settings say 64"):
        denoiser(_settings("wan", {**WAN, "ffn_dim": 64}, base=str(tmp_path)))


def test_a_base_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "transformer").mkdir()
    with pytest.raises(WeightsError, match="cannot be loaded"):
        denoiser(_settings("wan", WAN, base=str(tmp_path)))
