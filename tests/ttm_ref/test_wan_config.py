"""The Wan backbone: its sizes, its ablations, and checkpoints that load whole or not at all."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
import torch
from diffusers import WanTransformer3DModel
from safetensors.torch import load_file, save_file
from torch import Tensor

from motionbench.errors import ConfigError, WeightsError
from ttm_ref.wan import MaskedWanTransformer

SMALL: dict[str, t.Any] = {
    "patch_size": (2, 2, 2),
    "num_attention_heads": 2,
    "attention_head_dim": 24,
    "in_channels": 6,
    "out_channels": 2,
    "text_dim": 16,
    "freq_dim": 32,
    "ffn_dim": 64,
    "num_layers": 3,
    "rope_max_seq_len": 32,
    "num_masked_layers": 2,
}
WAN_14B = {"num_attention_heads": 40, "ffn_dim": 13824, "num_layers": 40}
WEIGHTS = "diffusion_pytorch_model.safetensors"


def count(**settings: t.Any) -> int:
    with torch.device("meta"):
        return sum(p.numel() for p in MaskedWanTransformer(**settings).parameters())


def test_the_sizes_of_the_paper() -> None:
    assert count() == pytest.approx(1.57e9, rel=0.02)
    with torch.device("meta"):
        plain = sum(p.numel() for p in WanTransformer3DModel(**WAN_14B, in_channels=48).parameters())
    # Ten times four projections with bias, two norms of queries and keys, and one affine norm, in two layers each.
    added = 10 * 2 * (4 * (5120 * 5120 + 5120) + 2 * 5120 + 2 * 5120)
    assert count(**WAN_14B, num_masked_layers=10) == plain + added


@pytest.mark.parametrize(
    "change",
    [
        {"mask_self": False},
        {"mask_cross": False},
        {"mask_self": False, "mask_cross": False},
        {"prediction_type": "sample"},
    ],
    ids=str,
)
def test_the_ablations_have_the_same_parameters(change: dict[str, t.Any]) -> None:
    one, two = MaskedWanTransformer(**SMALL), MaskedWanTransformer(**{**SMALL, **change})
    shapes = [{name: tuple(p.shape) for name, p in m.named_parameters()} for m in (one, two)]
    assert shapes[0] == shapes[1]


def live(**changes: t.Any) -> MaskedWanTransformer:
    torch.manual_seed(0)
    made = MaskedWanTransformer(**{**SMALL, **changes})
    for name, value in made.named_parameters():
        if "_m.to_out" in name:
            torch.nn.init.normal_(value, std=0.2)
    return made


def inputs() -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    masks = torch.zeros(1, 2, 4, 16, 16, dtype=torch.bool)
    masks[0, 0, :, :8], masks[0, 1, :, 8:, 8:] = True, True
    return {
        "hidden_states": torch.randn(1, 6, 4, 4, 4, generator=generator),
        "timestep": torch.tensor([500.0]),
        "encoder_hidden_states": torch.randn(1, 5, 16, generator=generator),
        "object_masks": masks,
        "local_states": torch.randn(1, 2, 3, 16, generator=generator),
        "local_mask": torch.ones(1, 2, 3, dtype=torch.bool),
    }


@pytest.mark.parametrize("mask_self", [True, False])
@pytest.mark.parametrize("mask_cross", [True, False])
def test_an_unmasked_layer_sees_neither_masks_nor_object_prompts(mask_self: bool, mask_cross: bool) -> None:
    made, given = live(mask_self=mask_self, mask_cross=mask_cross), inputs()
    with torch.no_grad():
        whole = made(**given).sample
        other_prompts = made(**{**given, "local_states": given["local_states"] + 1}).sample
        # Other ids, but the same box: two corners of it are left of the first object.
        corners = given["object_masks"].clone()
        corners[0, 0] = False
        corners[0, 0, :, 0, 0] = corners[0, 0, :, 7, 15] = True
        other_ids = made(**{**given, "object_masks": corners}).sample
    assert torch.equal(whole, other_prompts) != mask_cross
    assert torch.equal(whole, other_ids) != mask_self


@pytest.mark.parametrize("number", [1, 2])
def test_the_residual_is_a_condition_that_follows_the_noisy_latents(number: int) -> None:
    plain, given = live(prediction_type="sample", coordinates=8), inputs()
    added = live(prediction_type="sample", coordinates=8, residual=number)
    with torch.no_grad():
        wanted = plain(**given).sample + given["hidden_states"][:, 2 * number : 2 * number + 2]
        assert torch.equal(added(**given).sample, wanted)


@pytest.mark.parametrize("number", [1, 2])
def test_the_residual_may_come_through_a_gate(number: int) -> None:
    made, given = live(prediction_type="sample", coordinates=8, residual=number, gate=True), inputs()
    carried = given["hidden_states"][:, 2 * number : 2 * number + 2]
    assert made.proj_out.out_features == 3 * 8
    with torch.no_grad():
        made.proj_out.weight.zero_()
        # Two channels of the video and then the gate, for each place in a patch.
        for gate, share in ((-50.0, 0.0), (0.0, 0.5), (50.0, 1.0)):
            made.proj_out.bias.copy_(torch.tensor([0.25, -0.5, gate]).repeat(len(made.proj_out.bias) // 3))
            own = torch.tensor([0.25, -0.5]).view(1, 2, 1, 1, 1)
            torch.testing.assert_close(made(**given).sample, own + share * carried)


def test_coverage_decides_which_tokens_an_object_gets() -> None:
    # The first object covers all of two tokens; the second a quarter of one.
    given = inputs()
    given["object_masks"][0, 1] = False
    given["object_masks"][0, 1, :, 8:12, 8:12] = True
    with torch.no_grad():
        low, mean, high = (live(coverage=share)(**given).sample for share in (0.2, 0.24, 0.25))
    assert torch.equal(low, mean)
    assert not torch.equal(mean, high)


def test_saving_loading_and_saving_again_gives_the_same_bytes(tmp_path: Path) -> None:
    made, given = live(coordinates=0), inputs()
    made.save_pretrained(tmp_path / "one")
    again = MaskedWanTransformer.from_pretrained(tmp_path / "one")
    again.save_pretrained(tmp_path / "two")
    for file in (WEIGHTS, "config.json"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()
    assert (made(**given).sample - again(**given).sample).abs().max() == 0.0
    assert json.loads((tmp_path / "one" / "config.json").read_text())["num_masked_layers"] == 2


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_keeps_the_norms_in_full(tmp_path: Path, dtype: torch.dtype) -> None:
    live().save_pretrained(tmp_path)
    made = MaskedWanTransformer.from_pretrained(tmp_path, torch_dtype=dtype)
    for name, value in made.named_parameters():
        full = any(
            part in name.split(".") for part in ("norm1_m", "norm2_m", "norm2", "time_embedder", "scale_shift_table")
        )
        assert value.dtype == (torch.float32 if full else dtype), name
    halves = {name: x.to(dtype) if x.is_floating_point() and name != "timestep" else x for name, x in inputs().items()}
    with torch.no_grad():
        out, exact = made(**halves).sample, live()(**inputs()).sample
    assert out.dtype == dtype
    torch.testing.assert_close(out.float(), exact, atol=0.1, rtol=0)


def edit(folder: Path, change: t.Callable[[dict[str, Tensor]], None]) -> None:
    state = load_file(folder / WEIGHTS)
    change(state)
    save_file(state, folder / WEIGHTS, metadata={"format": "pt"})


@pytest.mark.parametrize("ignore", [True, False])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop("blocks.1.attn2_m.to_k.weight"), r"missing.*blocks\.1\.attn2_m\.to_k\.weight"),
        (lambda s: s.pop("blocks.2.attn1.to_q.bias"), r"missing.*blocks\.2\.attn1\.to_q\.bias"),
        (lambda s: s.update({"blocks.2.attn1_m.to_q.bias": torch.zeros(48)}), r"unexpected.*blocks\.2\.attn1_m"),
        (lambda s: s.update({"blocks.0.norm1_m.weight": torch.zeros(47)}), r"blocks\.0\.norm1_m\.weight"),
        (lambda s: s.update({"patch_embedding.weight": torch.zeros(48, 5, 2, 2, 2)}), r"patch_embedding\.weight"),
    ],
    ids=["masked missing", "missing", "unexpected", "masked shape", "shape"],
)
def test_weights_that_do_not_fit_are_named(tmp_path: Path, ignore: bool, change: t.Any, message: str) -> None:
    live().save_pretrained(tmp_path)
    edit(tmp_path, change)
    with pytest.raises(WeightsError, match=message) as caught:
        MaskedWanTransformer.from_pretrained(tmp_path, ignore_mismatched_sizes=ignore)
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("layers", [0, 1, 3])
def test_a_configuration_of_another_depth_is_refused(tmp_path: Path, layers: int) -> None:
    live().save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "num_masked_layers": layers}))
    with pytest.raises(WeightsError, match=r"blocks\.[012]\."):
        MaskedWanTransformer.from_pretrained(tmp_path)


def test_folders_of_other_classes_are_refused(tmp_path: Path) -> None:
    sizes = {name: value for name, value in SMALL.items() if name != "num_masked_layers"}
    WanTransformer3DModel(**sizes).save_pretrained(tmp_path / "plain")
    with pytest.raises(WeightsError, match="WanTransformer3DModel"):
        MaskedWanTransformer.from_pretrained(tmp_path / "plain")
    live().save_pretrained(tmp_path / "masked")
    # diffusers' own class must not load it without the masked branches; the error is diffusers' or torch's.
    with pytest.raises((TypeError, ValueError)):
        WanTransformer3DModel.from_pretrained(tmp_path / "masked")


@pytest.mark.parametrize("damage", ["cut", "noise", "gone", "config"])
def test_damaged_folders_are_one_line(tmp_path: Path, damage: str) -> None:
    live().save_pretrained(tmp_path)
    file = tmp_path / WEIGHTS
    if damage == "cut":
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    elif damage == "noise":
        file.write_bytes(b"\xff" * 1000)
    elif damage == "gone":
        file.unlink()
    else:
        (tmp_path / "config.json").write_text("{")
    with pytest.raises(WeightsError) as caught:
        MaskedWanTransformer.from_pretrained(tmp_path)
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"num_masked_layers": 4}, "num_masked_layers is 4"),
        ({"num_masked_layers": -1}, "num_masked_layers is -1"),
        ({"prediction_type": "epsilon"}, "'epsilon'"),
        ({"coordinates": 3}, "coordinates is 3"),
        ({"image_dim": 1280}, "image_dim is 1280"),
        ({"coverage": 1.0}, "coverage is 1.0"),
        ({"residual": 3}, "residual is 3"),
        ({"gate": True}, "gate has nothing to let through"),
        ({"residual": 1}, "residual does not go with prediction_type 'flow'"),
        ({"residual": 2, "prediction_type": "sample", "in_channels": 5}, "5 input channels"),
    ],
)
def test_settings_that_no_model_has(change: dict[str, t.Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        MaskedWanTransformer(**{**SMALL, **change})
