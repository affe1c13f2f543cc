"""Checkpoints of the U-Net: the same bytes again, or an error that names what does not fit."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
import torch
from diffusers import UNetMotionModel
from safetensors.torch import load_file, save_file

from motionbench.errors import WeightsError
from ttm_ref.unet import MaskedUNetMotion

WEIGHTS = "diffusion_pytorch_model.safetensors"
TINY: dict[str, t.Any] = {
    "block_out_channels": (16, 32),
    "down_block_types": ("CrossAttnDownBlockMotion", "DownBlockMotion"),
    "up_block_types": ("UpBlockMotion", "CrossAttnUpBlockMotion"),
    "cross_attention_dim": 12,
    "num_attention_heads": 2,
    "motion_num_attention_heads": 2,
    "norm_num_groups": 4,
    "motion_max_seq_length": 8,
    "use_motion_mid_block": False,
}


def _model(count: int = 2) -> MaskedUNetMotion:
    torch.manual_seed(0)
    model = MaskedUNetMotion(**TINY, num_masked_layers=count)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    return model


def test_save_and_load_give_the_same_bytes(tmp_path: Path) -> None:
    model = _model()
    model.save_pretrained(tmp_path / "a")
    again = MaskedUNetMotion.from_pretrained(tmp_path / "a")
    again.save_pretrained(tmp_path / "b")
    for name in (WEIGHTS, "config.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert all(torch.equal(a, b) for a, b in zip(model.state_dict().values(), again.state_dict().values(), strict=True))
    assert str(tmp_path) not in (tmp_path / "b" / "config.json").read_text()


def test_the_plain_class_refuses_masked_weights_and_takes_stage_one(tmp_path: Path) -> None:
    _model().save_pretrained(tmp_path / "stage2")
    with pytest.raises(ValueError, match="down_block_type"):
        UNetMotionModel.from_pretrained(tmp_path / "stage2")
    stage1 = _model(0)
    stage1.save_pretrained(tmp_path / "stage1")
    plain = UNetMotionModel.from_pretrained(tmp_path / "stage1")
    assert all(
        torch.equal(a, b) for a, b in zip(plain.state_dict().values(), stage1.state_dict().values(), strict=True)
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("missing", r"1 missing weights.*attn1_m\.to_q"),
        ("unexpected", r"1 unexpected weights.*extra"),
        ("shape", r"conv_in\.weight.*16, 12, 3, 3"),
        ("fewer layers", r"12 unexpected weights.*_m\."),
        ("corrupt", "cannot be loaded"),
        ("empty", "cannot be loaded"),
        ("no weights", "cannot be loaded"),
        ("pickle", "cannot be loaded"),
        ("no json", "JSON"),
        ("bad value", "cannot be loaded"),
        ("other class", "holds a UNetMotionModel"),
        ("no class", "_class_name"),
        ("no folder", "no folder"),
    ],
)
def test_checkpoints_that_do_not_fit_are_refused_by_name(tmp_path: Path, change: str, message: str) -> None:
    _model().save_pretrained(tmp_path)
    weights, config = tmp_path / WEIGHTS, tmp_path / "config.json"
    state, values = load_file(weights), json.loads(config.read_text())
    key = "down_blocks.0.attentions.0.transformer_blocks.0.attn1_m.to_q.weight"
    if change == "missing":
        save_file({k: v for k, v in state.items() if k != key}, weights)
    elif change == "unexpected":
        save_file({**state, "extra.weight": torch.zeros(1)}, weights)
    elif change == "corrupt":
        weights.write_bytes(weights.read_bytes()[:5000])
    elif change == "empty":
        weights.write_bytes(b"")
    elif change == "no weights":
        weights.unlink()
    elif change == "pickle":
        weights.unlink()
        torch.save(state, tmp_path / "diffusion_pytorch_model.bin")
    elif change == "no json":
        config.write_text("{")
    edits = {
        "shape": {"in_channels": 4},
        "fewer layers": {"num_masked_layers": 1},
        "bad value": {"norm_num_groups": "x"},
    }
    edits["other class"] = {"_class_name": "UNetMotionModel"}
    if change in edits:
        config.write_text(json.dumps({**values, **edits[change]}))
    elif change == "no class":
        config.write_text(json.dumps({k: v for k, v in values.items() if k != "_class_name"}))
    folder = tmp_path / "nowhere" if change == "no folder" else tmp_path
    with pytest.raises(WeightsError, match=message) as caught:
        MaskedUNetMotion.from_pretrained(folder)
    assert "\n" not in caught.value.message and caught.value.hint
