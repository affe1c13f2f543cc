"""Descriptions: counts and shapes against real networks, memory against closed forms, folders and bad input."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
import torch
from diffusers import FlowMatchEulerDiscreteScheduler
from torch import Tensor, nn

from motionbench.errors import ConfigError, WeightsError
from ttm_ref.backbones import skeleton
from ttm_ref.describe import describe
from ttm_ref.memory import inference_peak, training_peak
from ttm_ref.pipelines import ImageToMotionPipeline, MotionToVideoPipeline
from ttm_ref.render import to_json, to_text
from ttm_ref.settings import load
from ttm_ref.subjects import subjects
from ttm_ref.text import tiny_encoder, tiny_tokenizer
from ttm_ref.vae import PatchAutoencoder

TINY = """
[model]
backbone = "wan"
[model.config]
patch_size = [2, 2, 2]
num_attention_heads = 2
attention_head_dim = 12
ffn_dim = 32
num_layers = 3
text_dim = 16
freq_dim = 16
in_channels = 24
out_channels = 8
num_masked_layers = 2
coordinates = 8
[vae.config]
latent_channels = 8
[text]
dim = 16
layers = 1
heads = 2
vocabulary = 50
length = 20
object_length = 10
[data]
frames = 16
height = 64
width = 96
max_objects = 5
[objective]
prediction_type = "sample"
"""


class _Chain(nn.Module):
    """Four times the same matrix and a tanh: what forward keeps for backward is easy to count."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(64, 64, bias=False)

    def forward(self, x: Tensor) -> t.Any:
        for _ in range(4):
            x = torch.tanh(self.layer(x))
        return type("Output", (), {"sample": x})


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.toml"
    path.write_text(TINY)
    return path


def test_inference_peak_of_a_chain() -> None:
    # The last result, the product and its tanh are alive at once; 1000 x 64 numbers of two bytes each.
    assert inference_peak(_Chain, lambda m, x: m(x["x"]), {"x": (1000, 64)}) == 3 * 1000 * 64 * 2
    assert torch.get_default_dtype() == torch.float32


def test_training_peak_of_a_chain() -> None:
    peak = training_peak(_Chain, {"x": (1000, 64)}, checkpointing=False, mixed=False)
    layer = 1000 * 64 * 4
    # Four kept tanhs, the square of the loss or a gradient on the way back, and little else.
    assert 5 * layer <= peak <= 8.1 * layer
    assert training_peak(_Chain, {"x": (2000, 64)}, checkpointing=False, mixed=False) == pytest.approx(
        2 * peak, rel=0.05
    )


def test_training_peak_against_the_allocations_of_a_real_step(tiny: Path) -> None:
    settings = load(tiny, ["model.config.mask_self=false", "model.config.mask_cross=false"])
    shapes = {"hidden_states": (1, 24, 16, 8, 12), "timestep": (1,), "encoder_hidden_states": (1, 20, 16)}
    estimate = training_peak(lambda: skeleton(settings), shapes, checkpointing=False, mixed=False)
    model = skeleton(settings)
    inputs = {name: torch.zeros(shape) for name, shape in shapes.items()}
    kept: dict[int, int] = {}
    weights = {p.untyped_storage().data_ptr() for p in model.parameters()}

    def pack(x: Tensor) -> Tensor:
        if x.untyped_storage().data_ptr() not in weights:
            kept[x.untyped_storage().data_ptr()] = x.untyped_storage().nbytes()
        return x

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda x: x):
        model(**inputs).sample.square().mean().backward()
    # All that autograd keeps is alive at the end of the forward pass; backward adds a few temporary tensors.
    assert 0.9 * sum(kept.values()) <= estimate <= 1.5 * sum(kept.values())


def test_checkpointing_costs_less_memory(tiny: Path) -> None:
    settings = load(
        tiny, ["model.config.mask_self=false", "model.config.mask_cross=false", "model.config.num_layers=6"]
    )
    shapes = {"hidden_states": (1, 24, 16, 8, 12), "timestep": (1,), "encoder_hidden_states": (1, 20, 16)}
    kept, recomputed = (
        training_peak(lambda: skeleton(settings), shapes, checkpointing=checkpointing, mixed=True)
        for checkpointing in (False, True)
    )
    assert recomputed < 0.6 * kept


def test_numbers_of_a_tiny_configuration(tiny: Path) -> None:
    (stage,) = describe(tiny).stages
    model = skeleton(load(tiny))
    parts = {part.role: part for part in stage.parts}
    assert parts["denoiser"].parameters == sum(p.numel() for p in model.parameters())
    blocks = [
        part for block in model.blocks[:2] for part in (block.norm1_m, block.attn1_m, block.norm2_m, block.attn2_m)
    ]
    assert parts["denoiser"].masked == sum(p.numel() for part in blocks for p in part.parameters()) > 0
    assert parts["autoencoder"].parameters == sum(p.numel() for p in PatchAutoencoder(latent_channels=8).parameters())
    text = sum(p.numel() for p in tiny_encoder(50, 16, 1, 2).parameters())
    assert parts["text encoder"].parameters == text
    assert stage.video == (1, 3, 16, 64, 96)
    assert stage.latents == stage.denoiser_output == (1, 8, 16, 8, 12)
    assert stage.denoiser_input == (1, 24, 16, 8, 12)
    assert stage.prompt == (1, 20, 16) and stage.object_prompts == (1, 5, 10, 16)
    (grid,) = stage.grids
    assert (grid.tokens, grid.layers, grid.masked_layers) == ((8, 4, 6), 3, 2)
    assert (grid.cell_pixels, grid.cell_frames) == ((16, 16), 2)
    assert stage.tokens == 8 * 4 * 6
    trained = (parts["denoiser"].parameters or 0) + text
    memory = stage.memory
    assert memory.weights == memory.gradients == memory.average == 4 * trained and memory.optimizer == 8 * trained
    assert memory.frozen == 0
    assert describe(tiny, ["optimizer.name=muon"]).stages[0].memory.optimizer < 8 * trained


def test_text_and_json_say_the_same(tiny: Path) -> None:
    description = describe(tiny)
    text, values = to_text(description), json.loads(to_json(description))
    stage = values["stages"][0]
    assert "192 = 8 x 4 x 6, one for 16 x 16 pixels x 2 frames, 2 of 3 layers masked" in text
    assert stage["tokens"] == 192 and stage["video"] == [1, 3, 16, 64, 96]
    memory = stage["memory"]
    assert memory["inference"] == memory["inference_weights"] + max(memory["denoising"], memory["decoding"])
    fixed = sum(memory[k] for k in ("weights", "frozen", "gradients", "optimizer", "average"))
    assert memory["training_checkpointed"] == fixed + memory["activations_checkpointed"]
    assert max(map(len, text.splitlines())) <= 120 + len(str(tiny))


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("model.config.in_channels=16", "16 to 8 channels"),
        ("model.config.text_dim=12", "text encoder makes 16"),
        ("data.height=60", "multiples of 8"),
        ("model.config.coordinates=3", "coordinates"),
        ("model.config.num_layer=3", "num_layer"),
        ("vae.kind=wan", "makes no AutoencoderKLWan"),
        ("vae.config.latent_channels=4", "latents have 4"),
        ("train.stage=vae", "autoencoder alone"),
        ("data.width=72", "do not divide into patches"),
    ],
)
def test_parts_that_do_not_fit_are_refused(tiny: Path, override: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        describe(tiny, [override])


def _save_stage(folder: Path, kind: type[t.Any], settings_path: Path, *overrides: str) -> None:
    kind(
        vae=PatchAutoencoder(latent_channels=8),
        text_encoder=tiny_encoder(50, 16, 1, 2),
        tokenizer=tiny_tokenizer(["a red ball"]),
        denoiser=skeleton(load(settings_path, overrides)),
        scheduler=FlowMatchEulerDiscreteScheduler(shift=1.0),
        num_frames=16,
        height=64,
        width=96,
        max_length=20,
        object_length=10,
    ).save_pretrained(folder)


def test_a_folder_of_weights_is_described_like_its_configuration(tiny: Path, tmp_path: Path) -> None:
    root = tmp_path / "weights"
    _save_stage(root / "stage1", ImageToMotionPipeline, tiny, "model.config.num_masked_layers=0")
    _save_stage(root / "stage2", MotionToVideoPipeline, tiny)
    assert [(s.name, s.denoiser().config.num_masked_layers) for s in subjects(root)] == [("motion", 0), ("video", 2)]
    (found,), (wanted,) = describe(root / "stage2").stages, describe(tiny).stages
    assert [(p.kind, p.parameters) for p in found.parts] == [(p.kind, p.parameters) for p in wanted.parts]
    assert found.denoiser_input == wanted.denoiser_input and found.prompt == wanted.prompt
    assert found.memory == wanted.memory


def test_a_shared_component_is_found_beside_the_stages(tiny: Path, tmp_path: Path) -> None:
    root = tmp_path / "weights"
    _save_stage(root / "stage2", MotionToVideoPipeline, tiny)
    (root / "stage2" / "vae").rename(root / "vae")
    (stage,) = subjects(root)
    assert isinstance(stage.vae(), PatchAutoencoder) and stage.name == "video"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("empty", "holds no pipeline"),
        ("no json", "cannot be read"),
        ("list", "no JSON object"),
        ("other pipeline", "is a StableDiffusionPipeline"),
        ("no vae", "has no vae"),
        ("unknown class", "is a Evil"),
        ("bad frames", "num_frames"),
        ("bad value", "makes no MaskedWanTransformer"),
    ],
)
def test_folders_that_cannot_be_described(tiny: Path, tmp_path: Path, change: str, message: str) -> None:
    root = tmp_path / "weights"
    _save_stage(root, MotionToVideoPipeline, tiny)
    index, config = root / "model_index.json", root / "denoiser" / "config.json"
    values = json.loads(index.read_text())
    if change == "empty":
        index.unlink()
    elif change == "no json":
        index.write_text("{")
    elif change == "list":
        index.write_text("[]")
    elif change == "no vae":
        (root / "vae" / "config.json").unlink()
    elif change == "bad value":
        config.write_text(json.dumps({**json.loads(config.read_text()), "ffn_dim": "many"}))
    edits: dict[str, dict[str, t.Any]] = {
        "other pipeline": {"_class_name": "StableDiffusionPipeline"},
        "unknown class": {"denoiser": ["os", "Evil"]},
        "bad frames": {"num_frames": "16"},
    }
    if change in edits:
        index.write_text(json.dumps({**values, **edits[change]}))
    with pytest.raises(WeightsError, match=message) as caught:
        describe(root)
    assert "\n" not in caught.value.message


def test_unknown_names_and_overrides_for_folders(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no configuration"):
        describe("paper-unet")
    with pytest.raises(ConfigError, match="folder"):
        describe(tmp_path, ["train.steps=1"])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "billions", "tokens"), [("paper-unet-stage2", 1.31, 65_536), ("paper-wan-stage2", 1.57, 8_448)]
)
def test_full_size_is_described_without_allocating_it(name: str, billions: float, tokens: int) -> None:
    (stage,) = describe(name).stages
    assert (stage.parts[0].parameters or 0) / 1e9 == pytest.approx(billions, rel=0.02)
    assert stage.tokens == tokens
    assert stage.parts[2].parameters == {"paper-unet-stage2": 123_060_480, "paper-wan-stage2": 5_680_910_336}[name]
    assert 1 < stage.memory.activations_checkpointed / 2**30 < 12 < stage.memory.activations / 2**30 < 80
