"""The U-Net backbone: equality with its base, masked branches, checkpointing, training."""

from __future__ import annotations

import typing as t

import pytest
import torch
from diffusers import DDIMScheduler, UNetMotionModel
from torch import Tensor

from motionbench.errors import ConfigError, ModelError
from ttm_ref.unet import MaskedUNetMotion
from ttm_ref.unet_blocks import EncoderBlock, Guides, MaskedAttention

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


def _model(seed: int = 0, **config: t.Any) -> MaskedUNetMotion:
    """A small model whose every layer does something, the zero-initialised ones too."""
    torch.manual_seed(seed)
    model = MaskedUNetMotion(**{**TINY, "num_masked_layers": 2, **config})
    for name, parameter in model.named_parameters():
        if name.endswith("_m.to_out.weight"):
            torch.nn.init.normal_(parameter, std=0.3)
    return model


def _inputs(objects: int = 3, batch: int = 2, seed: int = 0, frames: int = 4) -> dict[str, Tensor]:
    g = torch.Generator().manual_seed(seed)
    return {
        "hidden_states": torch.randn(batch, 12, frames, 4, 4, generator=g),
        "timestep": torch.tensor([0, 999][:batch]),
        "encoder_hidden_states": torch.randn(batch, 5, 12, generator=g),
        "object_masks": _moving(batch, objects, frames),
        "local_states": torch.randn(batch, objects, 6, 12, generator=g),
        "local_mask": torch.rand(batch, objects, 6, generator=g) > 0.3,
    }


def _moving(batch: int, objects: int, frames: int) -> Tensor:
    """Masks of rectangles that differ in size, overlap at times and move to the right, two pixels a frame."""
    masks = torch.zeros(batch, objects, frames, 32, 32, dtype=torch.bool)
    for k in range(objects):
        top, left = (5 * k) % 24, (7 * k) % 20
        for frame in range(frames):
            masks[:, k, frame, top : top + 8, left + 2 * frame : left + 2 * frame + 9] = True
    return masks


def _squares(planes: list[tuple[int, int, int, int] | None], frames: int = 4) -> Tensor:
    """Masks [1, K, frames, 32, 32] of rectangles (top, bottom, left, right) that stand still; None is empty."""
    masks = torch.zeros(1, len(planes), frames, 32, 32, dtype=torch.bool)
    for k, plane in enumerate(planes):
        if plane is not None:
            masks[:, k, :, plane[0] : plane[1], plane[2] : plane[3]] = True
    return masks


@pytest.mark.parametrize("mid", [True, False])
def test_equals_its_base_at_init_whatever_the_conditions(mid: bool) -> None:
    torch.manual_seed(0)
    base = UNetMotionModel(in_channels=4, **{**TINY, "use_motion_mid_block": mid}).eval()
    model = MaskedUNetMotion.from_base(base, extra_in=8, num_masked_layers=2).eval()
    inputs = _inputs()
    with torch.no_grad():
        wanted = base(
            inputs["hidden_states"][:, :4],
            inputs["timestep"],
            inputs["encoder_hidden_states"].repeat_interleave(4, dim=0),
        ).sample
        got = model(**inputs).sample
    assert wanted.abs().mean() > 0.05
    assert torch.equal(wanted, got)


def test_from_base_refuses_a_base_with_inputs_that_it_does_not_have() -> None:
    base = UNetMotionModel(in_channels=4, **TINY, time_cond_proj_dim=8)
    with pytest.raises(ConfigError, match="time_cond_proj_dim"):
        MaskedUNetMotion.from_base(base, extra_in=8, num_masked_layers=2)


def test_from_base_refuses_what_is_not_its_to_choose() -> None:
    base = UNetMotionModel(in_channels=4, **TINY)
    for config in ({"in_channels": 12}, {"norm_eps": 1e-6}, {"mask_slef": True}):
        with pytest.raises(ConfigError, match=next(iter(config))):
            MaskedUNetMotion.from_base(base, extra_in=8, num_masked_layers=2, **config)
    with pytest.raises(ConfigError, match="plain"):
        MaskedUNetMotion.from_base(_model(), num_masked_layers=2)


def test_from_base_keeps_dtype_and_leaves_the_base_alone() -> None:
    base = UNetMotionModel(in_channels=4, **TINY).half()
    model = MaskedUNetMotion.from_base(base, extra_in=8, num_masked_layers=1)
    assert model.dtype == torch.float16
    with torch.no_grad():
        model.conv_in.weight.zero_()
        model.conv_out.weight.zero_()
    assert base.conv_in.weight.any() and base.conv_out.weight.any()


def test_size_of_stable_diffusion_with_animatediff() -> None:
    with torch.device("meta"):
        model = MaskedUNetMotion()
        stage1 = MaskedUNetMotion(num_masked_layers=0)
        half = MaskedUNetMotion(mask_self=False, mask_cross=False)
    total = sum(p.numel() for p in model.parameters())
    masked = sum(p.numel() for name, p in model.named_parameters() if "_m." in name)
    assert abs(total / 1.31e9 - 1) < 0.02
    # Self: four d x d. Cross: two d x d, two d x 768. Two norms of 2 d. Two blocks on each resolution.
    assert masked == 2 * sum(4 * d * d + 2 * d * d + 2 * d * 768 + 4 * d for d in (320, 640, 1280))
    assert total - masked == sum(p.numel() for p in stage1.parameters())
    assert total == sum(p.numel() for p in half.parameters())


@pytest.mark.parametrize("count", [0, 1, 2])
def test_masked_layers_are_counted_from_the_input(count: int) -> None:
    model = MaskedUNetMotion(**TINY, num_masked_layers=count)
    found = [block.masked for block in model.modules() if isinstance(block, EncoderBlock)]
    assert found == [True] * count + [False] * (2 - count)
    assert model(**_inputs()).sample.isfinite().all()


@pytest.mark.parametrize("config", [{"num_masked_layers": 3}, {"num_masked_layers": -1}, {"prediction_type": "noise"}])
def test_impossible_configurations_are_refused(config: dict[str, t.Any]) -> None:
    with pytest.raises(ConfigError):
        MaskedUNetMotion(**{**TINY, "num_masked_layers": 2, **config})


def test_masks_and_prompts_matter() -> None:
    model, inputs = _model(), _inputs()
    out = model(**inputs).sample
    other = {**inputs, "object_masks": inputs["object_masks"].roll(1, dims=1)}
    assert (model(**other).sample - out).abs().max() > 1e-4
    other = {**inputs, "local_states": inputs["local_states"] + 1}
    assert (model(**other).sample - out).abs().max() > 1e-4


def test_coverage_decides_which_tokens_belong_to_an_object() -> None:
    inputs = _inputs()
    inputs["object_masks"] = _squares([(0, 4, 0, 4)] * 3).expand(2, -1, -1, -1, -1)  # a quarter of one token
    outs = [_model(coverage=coverage, mask_cross=False)(**inputs).sample for coverage in (0.2, 0.3, 0.5)]
    assert not torch.equal(outs[0], outs[1]) and torch.equal(outs[1], outs[2])


def test_order_of_objects_does_not_matter() -> None:
    model, inputs, order = _model().double(), _inputs(), torch.tensor([2, 0, 1])
    # Ties in coverage go to the first object, so the objects lie apart.
    inputs["object_masks"] = _squares([(0, 8, 0, 8), (16, 32, 0, 16), (8, 24, 24, 32)]).expand(2, -1, -1, -1, -1)
    inputs = {k: v.double() if v.is_floating_point() else v for k, v in inputs.items()}
    permuted = {k: v[:, order] if k in ("object_masks", "local_states", "local_mask") else v for k, v in inputs.items()}
    torch.testing.assert_close(model(**inputs).sample, model(**permuted).sample, rtol=0, atol=1e-10)


def test_flags_turn_single_branches_into_unmasked_ones() -> None:
    inputs = _inputs()
    free = {k: v for k, v in inputs.items() if k not in ("object_masks", "local_states", "local_mask")}
    both_off = _model(mask_self=False, mask_cross=False)
    assert torch.equal(both_off(**inputs).sample, both_off(**free).sample)
    no_self = _model(mask_self=False)
    swapped = {**inputs, "object_masks": inputs["object_masks"].flip(-1)}
    assert not torch.equal(no_self(**inputs).sample, no_self(**swapped).sample)  # boxes move
    no_cross = _model(mask_cross=False)
    assert torch.equal(
        no_cross(**inputs).sample, no_cross(**{**inputs, "local_states": inputs["local_states"] + 1}).sample
    )
    assert not torch.equal(no_cross(**inputs).sample, no_cross(**swapped).sample)


def test_without_masks_self_attention_is_plain_and_object_prompts_are_unseen() -> None:
    model, inputs = _model(), _inputs()
    free = {**inputs, "object_masks": None}
    other = {**free, "local_states": inputs["local_states"] + 1}
    assert torch.equal(model(**free).sample, model(**other).sample)
    everywhere = {**inputs, "object_masks": torch.zeros_like(inputs["object_masks"])}
    torch.testing.assert_close(model(**free).sample, model(**everywhere).sample, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("case", ["empty plane", "empty prompt", "no objects", "twelve", "all overlap", "one frame"])
def test_odd_objects_give_finite_outputs_and_gradients(case: str) -> None:
    inputs = _inputs(objects={"no objects": 0, "twelve": 12}.get(case, 3), frames=1 if case == "one frame" else 4)
    if case == "empty plane":
        inputs["object_masks"][:, 1] = False
    if case == "empty prompt":
        inputs["local_mask"][:, 1] = False
        inputs["local_states"][:, 1] = 0
        inputs["local_mask"][1] = False
    if case == "all overlap":
        inputs["object_masks"][:] = True
    model = _model()
    out = model(**inputs).sample
    assert out.shape == (2, 4, inputs["hidden_states"].shape[2], 4, 4)
    out.square().mean().backward()
    gradients = {name: p.grad for name, p in model.named_parameters()}
    # Training on several devices needs a gradient for every parameter, used or not.
    assert [name for name, g in gradients.items() if g is None] == []
    assert all(g.isfinite().all() for g in gradients.values() if g is not None) and out.isfinite().all()


def test_a_branch_leaks_nothing_from_object_to_object() -> None:
    torch.manual_seed(0)
    branch = MaskedAttention(8, 12, heads=2)
    torch.nn.init.normal_(branch.to_out.weight)
    ids = torch.tensor([[0, 1, 1, 2, 2, 0]])
    boxes = torch.nn.functional.one_hot(ids, 3)[..., 1:].bool()
    states = torch.randn(1, 4, 12, requires_grad=True)
    guides = Guides(ids, states, boxes, torch.tensor([0, 0, 1, 1]), torch.tensor([[True, True, True, False]]))
    x = torch.randn(1, 6, 8, requires_grad=True)
    crossed = branch.forward_cross(x, guides)
    assert torch.equal(crossed[0, [0, 5]], torch.zeros(2, 8))
    (own,) = torch.autograd.grad(crossed[0, 1:3].sum(), states, retain_graph=True)
    assert own[0, :2].abs().sum() > 0 and torch.equal(own[0, 2:], torch.zeros(2, 12))
    (other,) = torch.autograd.grad(crossed[0, 3:5].sum(), states)
    assert other[0, 2].abs().sum() > 0 and torch.equal(other[0, [0, 1, 3]], torch.zeros(3, 12))
    alone = MaskedAttention(8, 8, heads=2)
    torch.nn.init.normal_(alone.to_out.weight)
    (seen,) = torch.autograd.grad(alone.forward_self(x, ids)[0, 1].sum(), x)
    assert seen[0, 1:3].abs().sum() > 0 and torch.equal(seen[0, [0, 3, 4, 5]], torch.zeros(4, 8))


def test_the_same_object_is_one_group_through_all_frames() -> None:
    torch.manual_seed(0)
    like = next(b for b in MaskedUNetMotion(**TINY, num_masked_layers=2).modules() if isinstance(b, EncoderBlock))
    torch.nn.init.normal_(like.attn1_m.to_out.weight)
    for layer in (like.attn1.to_out[0], like.attn2.to_out[0]):
        torch.nn.init.zeros_(layer.weight)
    ids = torch.tensor([[1, 0, 0, 2, 0, 1, 2, 0]])  # two frames of four tokens
    guides = Guides(
        ids, torch.zeros(1, 0, 12), torch.zeros(1, 8, 0).bool(), torch.zeros(0).long(), torch.zeros(1, 0).bool()
    )
    x = torch.randn(2, 4, 16, requires_grad=True)
    out = like(x, encoder_hidden_states=torch.randn(2, 5, 12), cross_attention_kwargs={"guides": guides})
    (seen,) = torch.autograd.grad(out[0, 0].sum(), x)
    assert torch.nonzero(seen.abs().sum(-1)).tolist() == [[0, 0], [1, 1]]


@pytest.mark.parametrize("mid", [True, False])
def test_checkpointing_gives_the_same_gradients(mid: bool) -> None:
    gradients = []
    for checkpointing in (False, True):
        model, inputs = _model(use_motion_mid_block=mid).train(), _inputs()
        inputs["local_states"].requires_grad_()
        if checkpointing:
            model.enable_gradient_checkpointing()
        model(**inputs).sample.square().mean().backward()
        gradients.append([p.grad for p in model.parameters()] + [inputs["local_states"].grad])
    assert gradients[0][-1] is not None and gradients[0][-1].abs().sum() > 0
    for one, other in zip(*gradients, strict=True):
        assert torch.equal(t.cast(Tensor, one), t.cast(Tensor, other))


@pytest.mark.parametrize("checkpointing", [False, True])
def test_low_precision_trains_and_runs_with_masks(checkpointing: bool) -> None:
    model, inputs = _model().train(), _inputs()
    if checkpointing:
        model.enable_gradient_checkpointing()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = model(**inputs).sample
    out.float().square().mean().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())
    whole = model.eval()(**inputs).sample
    half = {k: v.bfloat16() if v.is_floating_point() else v for k, v in inputs.items()}
    with torch.no_grad():
        low = model.to(torch.bfloat16)(**half).sample
    assert low.dtype == torch.bfloat16
    assert (low.float() - whole).abs().mean() < 0.1 * whole.abs().mean()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"hidden_states": torch.zeros(2, 4, 4, 4, 4)}, r"not \[batch, 12"),
        ({"hidden_states": torch.zeros(2, 12, 4, 5, 4)}, "multiples of 2"),
        ({"hidden_states": torch.zeros(2, 12, 9, 4, 4)}, "8 positions"),
        ({"timestep": torch.tensor(3)}, "timestep"),
        ({"local_mask": None}, "together"),
        ({"local_mask": torch.ones(2, 3, 5, dtype=torch.bool)}, "do not fit"),
        (
            {"object_masks": torch.ones(2, 2, 4, 32, 32, dtype=torch.bool)},
            r"masks and prompts are \[\(2, 2\), \(2, 3\)\]",
        ),
        ({"object_masks": torch.ones(2, 3, 32, 32, dtype=torch.bool)}, "object masks are"),
        ({"object_masks": torch.ones(2, 3, 6, 32, 32, dtype=torch.bool)}, "6 frames"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(change: dict[str, t.Any], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        _model()(**{**_inputs(), **change})


def test_fifty_steps_of_v_prediction_lower_the_loss() -> None:
    scheduler = DDIMScheduler(prediction_type="v_prediction", rescale_betas_zero_snr=True, timestep_spacing="trailing")
    assert scheduler.alphas_cumprod[-1] == 0
    model, inputs = _model().train(), _inputs(batch=2)
    generator = torch.Generator().manual_seed(0)
    clean = torch.randn(2, 4, 4, 4, 4, generator=generator)
    optimizer, losses = torch.optim.AdamW(model.parameters(), lr=2e-3), []
    for _ in range(50):
        noise = torch.randn(clean.shape, generator=generator)
        steps = torch.randint(0, 1000, (2,), generator=generator)
        noisy = scheduler.add_noise(clean, noise, steps)
        hidden = torch.cat([noisy, clean, inputs["hidden_states"][:, 8:]], dim=1)
        out = model(**{**inputs, "hidden_states": hidden, "timestep": steps}).sample
        loss = (out - scheduler.get_velocity(clean, noise, steps)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert sum(losses[-10:]) < 0.7 * sum(losses[:10])
