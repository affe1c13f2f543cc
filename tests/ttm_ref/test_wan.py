"""The Wan backbone: equal to its base at the start, nothing leaks in a masked branch, no input breaks it."""

from __future__ import annotations

import typing as t

import pytest
import torch
from diffusers import WanTransformer3DModel
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from motionbench.errors import ConfigError, ModelError
from ttm_ref.regions import LocalPrompts, token_regions
from ttm_ref.wan import MaskedWanTransformer
from ttm_ref.wan_blocks import MaskedWanBlock

SIZES: dict[str, t.Any] = {
    "patch_size": (1, 2, 2),
    "num_attention_heads": 2,
    "attention_head_dim": 24,
    "text_dim": 16,
    "freq_dim": 32,
    "ffn_dim": 64,
    "num_layers": 3,
    "rope_max_seq_len": 32,
}
OWN: dict[str, t.Any] = {"in_channels": 12, "out_channels": 4, "num_masked_layers": 2, "coordinates": 8}


def model(seed: int = 0, trained: bool = True, **changes: t.Any) -> MaskedWanTransformer:
    """A small model; `trained` gives the masked branches outputs that are not zero."""
    torch.manual_seed(seed)
    made = MaskedWanTransformer(**{**SIZES, **OWN, **changes})
    for block in made.blocks if trained else ():
        for layer in (block.attn1_m, block.attn2_m) if isinstance(block, MaskedWanBlock) else ():
            nn.init.normal_(layer.to_out[0].weight, std=0.2)
            nn.init.normal_(layer.to_out[0].bias, std=0.2)
    return made


def inputs(objects: int = 3, batch: int = 2, seed: int = 0) -> dict[str, Tensor]:
    """5 latent frames of 8 x 8 from 17 pixel frames of 64 x 64, as Wan's VAE makes them; 80 tokens."""
    generator = torch.Generator().manual_seed(seed)
    masks = torch.zeros(batch, objects, 17, 64, 64, dtype=torch.bool)
    for b, k in torch.cartesian_prod(torch.arange(batch), torch.arange(objects)).reshape(-1, 2).tolist():
        top, left = torch.randint(0, 40, (2,), generator=generator).tolist()
        masks[b, k, :, top : top + 24, left : left + 24] = True
    return {
        "hidden_states": torch.randn(batch, 12, 5, 8, 8, generator=generator),
        "timestep": torch.linspace(20, 900, batch),
        "encoder_hidden_states": torch.randn(batch, 7, 16, generator=generator),
        "object_masks": masks,
        "local_states": torch.randn(batch, objects, 6, 16, generator=generator),
        "local_mask": torch.arange(6).expand(batch, objects, 6) < 4,
    }


@pytest.fixture(scope="module")
def base() -> WanTransformer3DModel:
    torch.manual_seed(1)
    return WanTransformer3DModel(**SIZES, in_channels=4, out_channels=4)


@settings(deadline=None, max_examples=8)
@given(
    seed=st.integers(0, 10**6), layers=st.integers(0, 3), coordinates=st.sampled_from([0, 8]), objects=st.integers(0, 4)
)
def test_at_the_start_it_is_its_base_whatever_the_conditions_say(
    base: WanTransformer3DModel, seed: int, layers: int, coordinates: int, objects: int
) -> None:
    made = MaskedWanTransformer.from_base(base, extra_in=8, num_masked_layers=layers, coordinates=coordinates)
    given_inputs = inputs(objects, seed=seed)
    latents = given_inputs["hidden_states"][:, :4]
    with torch.no_grad():
        wanted = base(latents, given_inputs["timestep"], given_inputs["encoder_hidden_states"]).sample
        assert (made(**given_inputs).sample - wanted).abs().max() == 0.0


@pytest.mark.parametrize("half", [torch.bfloat16, torch.float16])
def test_from_base_keeps_each_weights_type_and_leaves_the_base_alone(half: torch.dtype, tmp_path: t.Any) -> None:
    WanTransformer3DModel(**SIZES, in_channels=4, out_channels=4).save_pretrained(tmp_path)
    mixed = WanTransformer3DModel.from_pretrained(tmp_path, torch_dtype=half)
    before = {name: value.clone() for name, value in mixed.state_dict().items()}
    made = MaskedWanTransformer.from_base(mixed, extra_in=8, num_masked_layers=1)
    for name, value in mixed.named_parameters():
        assert made.get_parameter(name).dtype == value.dtype
        assert made.get_parameter(name).data_ptr() != value.data_ptr()
    assert all(value.requires_grad for value in made.parameters())
    assert made.blocks[0].norm1_m.weight.dtype == torch.float32
    assert made.blocks[0].attn1_m.to_q.weight.dtype == half
    with torch.no_grad():
        made.blocks[0].attn1.to_q.weight.zero_()
    assert all(torch.equal(value, before[name]) for name, value in mixed.state_dict().items())


def test_from_base_refuses_other_models(base: WanTransformer3DModel) -> None:
    with pytest.raises(ConfigError, match="no plain text-to-video Wan"):
        MaskedWanTransformer.from_base(WanTransformer3DModel(**SIZES, image_dim=8, in_channels=4, out_channels=4))
    with pytest.raises(ConfigError, match="no plain text-to-video Wan"):
        MaskedWanTransformer.from_base(model())
    with pytest.raises(ConfigError, match="the base decides in_channels, num_layers"):
        MaskedWanTransformer.from_base(base, num_layers=4, in_channels=9)


def branch_inputs() -> tuple[MaskedWanBlock, Tensor, tuple[Tensor, Tensor], Tensor, LocalPrompts]:
    """One block with live branches, 80 tokens a sample, and three objects with prompts."""
    made, given_inputs = model(), inputs()
    regions = token_regions(given_inputs["object_masks"], (5, 4, 4), 5)
    generator = torch.Generator().manual_seed(5)
    x = torch.randn(2, 80, 48, generator=generator).requires_grad_()
    states = torch.randn(2, 18, 48, generator=generator).requires_grad_()
    owner = torch.arange(3).repeat_interleave(6)
    local = LocalPrompts(states, given_inputs["local_mask"].flatten(1), owner, regions.boxes)
    return made.blocks[0], x, made.rope(given_inputs["hidden_states"]), regions.ids, local


@pytest.mark.parametrize("one", [0, 1, 2, 3])
def test_the_masked_self_branch_leaks_exactly_nothing_between_objects(one: int) -> None:
    block, x, rotary, ids, _ = branch_inputs()
    assert (ids == one).any()
    out = block.attn1_m(block.norm1_m(x), rotary, ids)
    (gradient,) = torch.autograd.grad(out[ids == one].square().sum(), x)
    assert (gradient[ids != one] == 0).all()
    assert (gradient[ids == one].abs().amax(-1) > 0).all()


@pytest.mark.parametrize("one", [0, 1, 2])
def test_the_masked_cross_branch_leaks_exactly_nothing_from_other_prompts(one: int) -> None:
    block, x, _, _, local = branch_inputs()
    alone = local.membership[..., one] & (local.membership.sum(-1) == 1)
    assert alone.any()
    out = block.attn2_m(block.norm2_m(x), torch.zeros(2, 1, 48), local)
    grad_x, grad_states = torch.autograd.grad(out[alone].square().sum(), (x, local.states))
    own = (local.owner == one) & local.mask
    assert (grad_states[~own] == 0).all()
    assert (grad_states[own & alone.any(1, keepdim=True)].abs().amax(-1) > 0).all()
    assert (grad_x[~alone] == 0).all()


def test_a_token_without_a_prompt_gets_nothing_from_the_cross_branch_not_even_its_bias() -> None:
    block, x, _, _, local = branch_inputs()
    outside = ~local.membership.any(-1)
    assert outside.any()
    out = block.attn2_m(block.norm2_m(x), torch.zeros(2, 1, 48), local)
    assert (out[outside] == 0).all()
    assert (out[~outside].abs().amax(-1) > 0).all()


def test_an_object_without_a_prompt_is_no_object_to_the_cross_branch() -> None:
    made, given_inputs = model(), inputs()
    given_inputs["local_mask"] = given_inputs["local_mask"].clone()
    given_inputs["local_mask"][:, 1] = False
    seen = []
    made.blocks[0].attn2_m.register_forward_hook(lambda _, args, out: seen.append((args[2], out)))
    made(**given_inputs)
    (local, out) = seen[0]
    boxes = token_regions(given_inputs["object_masks"], (5, 4, 4), 5).boxes
    only_second = boxes[..., 1] & (boxes.sum(-1) == 1)
    assert only_second.any()
    assert (out[only_second] == 0).all()
    assert torch.equal(local.membership, boxes & torch.tensor([True, False, True]))


@pytest.mark.parametrize("missing", [("object_masks",), ("local_states", "local_mask")])
def test_without_masks_or_without_prompts_the_cross_branch_gives_nothing(missing: tuple[str, ...]) -> None:
    made, given_inputs = model(), inputs()
    outputs: list[Tensor] = []
    for block in made.blocks[:2]:
        block.attn2_m.register_forward_hook(lambda _, args, out: outputs.append(out))
    made(**{name: value for name, value in given_inputs.items() if name not in missing})
    assert [out.detach().abs().max().item() for out in outputs] == [0.0, 0.0]


def test_the_masked_branches_do_reach_the_output() -> None:
    given_inputs = inputs()
    with torch.no_grad():
        whole = model()(**given_inputs).sample
        prompts = model()(**{**given_inputs, "local_states": given_inputs["local_states"].flip(1)}).sample
        masks = model()(**{**given_inputs, "object_masks": given_inputs["object_masks"].flip(3)}).sample
    assert (whole - prompts).abs().max() > 1e-3
    assert (whole - masks).abs().max() > 1e-3


@pytest.mark.parametrize("order", [[1, 0, 2], [2, 0, 1]])
def test_the_order_of_the_objects_does_not_matter(order: list[int]) -> None:
    made, given_inputs = model(), inputs()
    # Apart from each other: where two objects cover a token equally, the first gets it.
    masks = torch.zeros(2, 3, 17, 64, 64, dtype=torch.bool)
    masks[:, 0, :, :24, :24] = masks[:, 1, :, 16:40, 32:] = masks[:, 2, :, 40:, 8:40] = True
    moved = {**given_inputs, **{name: given_inputs[name][:, order] for name in ("local_states", "local_mask")}}
    with torch.no_grad():
        one, two = made(**{**given_inputs, "object_masks": masks}), made(**{**moved, "object_masks": masks[:, order]})
    torch.testing.assert_close(one.sample, two.sample, atol=2e-6, rtol=0)


def test_padding_objects_and_padding_states_change_nothing() -> None:
    made, given_inputs = model(), inputs()
    wide = {
        **given_inputs,
        "object_masks": nn.functional.pad(given_inputs["object_masks"], (0, 0, 0, 0, 0, 0, 0, 2)),
        "local_states": nn.functional.pad(given_inputs["local_states"], (0, 0, 0, 3, 0, 2), value=7.0),
        "local_mask": nn.functional.pad(given_inputs["local_mask"], (0, 3, 0, 2)),
    }
    with torch.no_grad():
        torch.testing.assert_close(made(**given_inputs).sample, made(**wide).sample, atol=2e-6, rtol=0)


@pytest.mark.parametrize("objects", [0, 1, 12])
@pytest.mark.parametrize("case", ["whole", "empty masks", "no prompts", "no masks", "empty objects", "nothing"])
def test_no_number_of_objects_and_no_missing_part_gives_nan(objects: int, case: str) -> None:
    made, given_inputs = model(), inputs(objects)
    if case in ("empty masks", "empty objects"):
        given_inputs["object_masks"] = torch.zeros_like(given_inputs["object_masks"])
    if case == "empty objects":
        given_inputs["local_mask"] = torch.zeros_like(given_inputs["local_mask"])
    if case in ("no masks", "nothing"):
        del given_inputs["object_masks"]
    if case in ("no prompts", "nothing"):
        del given_inputs["local_states"], given_inputs["local_mask"]
    out = made(**given_inputs).sample
    out.square().mean().backward()
    assert out.shape == (2, 4, 5, 8, 8)
    assert out.isfinite().all()
    # Each parameter stays in the graph, which training on several devices needs.
    assert all(p.grad is not None and p.grad.isfinite().all() for p in made.parameters())


def test_no_masks_is_the_same_as_empty_masks() -> None:
    made, given_inputs = model(), inputs()
    empty = {**given_inputs, "object_masks": torch.zeros_like(given_inputs["object_masks"])}
    del given_inputs["object_masks"]
    with torch.no_grad():
        torch.testing.assert_close(made(**given_inputs).sample, made(**empty).sample, atol=2e-6, rtol=0)


def gradients(made: MaskedWanTransformer, given_inputs: dict[str, Tensor]) -> list[Tensor]:
    made.zero_grad()
    made(**given_inputs).sample.square().sum().backward()
    return [t.cast(Tensor, p.grad).clone() for p in made.parameters()]


def test_gradient_checkpointing_gives_the_same_gradients() -> None:
    made, given_inputs = model(), inputs()
    plain = gradients(made, given_inputs)
    made.enable_gradient_checkpointing()
    calls = []
    made.blocks[0].attn1_m.to_q.register_forward_hook(lambda *_: calls.append(1))
    for one, two in zip(plain, gradients(made, given_inputs), strict=True):
        assert (one - two).abs().max() == 0.0
    assert len(calls) == 2  # the forward pass really ran twice


def test_it_learns() -> None:
    made, given_inputs = model(trained=False), inputs()
    target = torch.randn(2, 4, 5, 8, 8, generator=torch.Generator().manual_seed(3))
    optimiser, losses = torch.optim.AdamW(made.parameters(), lr=3e-3), []
    for _ in range(30):
        loss = (made(**given_inputs).sample - target).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.7 * losses[0]
    assert made.blocks[0].attn1_m.to_out[0].weight.abs().max() > 0
    assert made.blocks[1].attn2_m.to_out[0].weight.abs().max() > 0


@pytest.mark.parametrize(
    "change",
    [{"hidden_states": 11}, {"frames": 0}, {"timestep": 0}, {"masks": 0}, {"prompts": 0}, {"size": 0}],
    ids=str,
)
def test_inputs_that_do_not_fit_are_one_line(change: dict[str, int]) -> None:
    given_inputs = inputs()
    if "hidden_states" in change:
        given_inputs["hidden_states"] = given_inputs["hidden_states"][:, :11]
    if "size" in change:
        given_inputs["hidden_states"] = given_inputs["hidden_states"][..., :7]
    if "timestep" in change:
        given_inputs["timestep"] = torch.tensor(3.0)
    if "masks" in change:
        given_inputs["object_masks"] = given_inputs["object_masks"][:, :2]
    if "prompts" in change:
        del given_inputs["local_mask"]
    if "frames" in change:
        given_inputs["object_masks"] = given_inputs["object_masks"][:, :, :16]
    with pytest.raises(ModelError) as caught:
        model()(**given_inputs)
    assert "\n" not in caught.value.message
