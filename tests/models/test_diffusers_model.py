"""diffusers pipelines: tiny random ones, loaded from a folder as a user's would be. Nothing reaches the network."""

from __future__ import annotations

import json
import shutil
import sys
import types
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from motionbench.errors import ConfigError, MissingDependency, ModelError
from motionbench.models import generate, resolve_model
from motionbench.models.pipeline import as_frames, cover, multiple

from . import tiny_pipelines

FAST = {"num_inference_steps": "1"}


@pytest.fixture(scope="module")
def svd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_pipelines.save_svd(tmp_path_factory.mktemp("pipelines") / "tiny svd")


@pytest.fixture(scope="module")
def cogvideox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_pipelines.save_cogvideox(tmp_path_factory.mktemp("pipelines") / "tiny-cogvideox")


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Networks this small lose more by threads than they gain."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any attempt to connect fails at once."""
    import socket

    def refuse(*arguments, **options):
        raise OSError("the tests have no network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def build(folder: Path, **options):
    spec = resolve_model(f"diffusers:{folder}", FAST | options, {"device": "cpu", "offline": True})
    return spec.build()


def test_a_pipeline_without_a_prompt(svd, make_request) -> None:
    model = build(svd)
    video = generate(model, make_request(30, 45, frames=3, fps=8.0))
    assert video.frames.shape == (3, 32, 48, 3)  # the nearest multiples of 8
    assert video.times == pytest.approx(np.arange(3) / 8)
    assert video.frames.std() > 1


def test_a_pipeline_with_a_prompt(cogvideox, make_request, capfd) -> None:
    video = generate(build(cogvideox), make_request(42, 30, frames=6, caption="a cat runs"))
    assert video.frames.shape == (6, 48, 32, 3)  # made 9, the next 1 + 4 k; multiples of 8 * 2
    captured = capfd.readouterr()
    assert captured.out == "" and "%|" not in captured.err  # no progress bar reaches the terminal


def test_seed_and_prompt_decide(cogvideox, make_request) -> None:
    model = build(cogvideox)

    def frames(**fields):
        return generate(model, make_request(32, 32, frames=1, **fields)).frames

    first, other_seed, other_prompt = frames(), frames(seed=2**63 - 1), frames(caption="a dog")
    assert np.array_equal(frames(), first)
    assert not np.array_equal(other_seed, first) and not np.array_equal(other_prompt, first)


def test_a_pipeline_with_its_own_rate_makes_frames_for_the_same_time(cogvideox, make_request) -> None:
    """16 frames a second where 8 are asked for: twice the frames, never the double speed."""
    video = generate(build(cogvideox, fps="16"), make_request(16, 32, frames=3, fps=8.0))
    assert video.times == pytest.approx(np.arange(5) / 16)


def test_options_go_to_the_call(cogvideox, make_request) -> None:
    video = generate(build(cogvideox, num_frames="9", height="16", width="32"), make_request(40, 64, frames=2))
    assert video.frames.shape == (9, 16, 32, 3)  # frames that the user asked for are not cut
    video = generate(build(cogvideox, height="32"), make_request(64, 128, frames=1))
    assert video.frames.shape[1:3] == (32, 64)  # the aspect is kept


def test_the_call_gets_what_its_signature_takes(svd, make_request, monkeypatch) -> None:
    model = build(svd)
    seen = {}

    def call(**arguments):
        seen.update(arguments)
        return types.SimpleNamespace(frames=np.zeros((1, arguments["num_frames"], 32, 32, 3), np.float32))

    monkeypatch.setattr(model, "pipeline", call)
    generate(model, make_request(64, 64, frames=7, fps=7.6))
    assert set(seen) == {
        "image",
        "height",
        "width",
        "num_frames",
        "fps",
        "generator",
        "output_type",
        "num_inference_steps",
    }
    assert seen["fps"] == 8 and isinstance(seen["fps"], int)  # its default is a whole number
    assert (seen["num_frames"], seen["output_type"], seen["num_inference_steps"]) == (7, "np", 1)
    assert seen["image"].size == (64, 64) and seen["generator"].device.type == "cpu"


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"num_inference_step": "1"}, "no option 'num_inference_step'"),
        ({"trust_remote_code": "true"}, "no option 'trust_remote_code'"),
        ({"use_safetensors": "false"}, "no option 'use_safetensors'"),
        ({"prompt": "mine"}, "no option 'prompt'"),
        ({"dtype": "int8"}, "dtype is 'int8'"),
        ({"fps": "-1"}, "fps is -1"),
        ({"fps": "fast"}, "fps is 'fast'"),
    ],
)
def test_wrong_options_are_refused_before_weights_are_read(cogvideox, tmp_path, options, reason) -> None:
    bare = tmp_path / "bare"
    bare.mkdir()
    shutil.copy(cogvideox / "model_index.json", bare)
    with pytest.raises(ConfigError, match=reason):
        build(bare, **options)


@pytest.mark.parametrize(
    ("name", "error", "reason"),
    [
        ("StableDiffusionPipeline", ConfigError, "takes no image"),
        ("StableDiffusionImg2ImgPipeline", ConfigError, "makes no video"),
        ("NoSuchPipeline", ConfigError, "is a NoSuchPipeline, which diffusers"),
        ("__version__", ConfigError, "which diffusers"),
        (["evil", "Evil"], ConfigError, "which diffusers"),
        ("WanAnimatePipeline", ConfigError, "makes no video|needs"),
    ],
)
def test_pipelines_that_cannot_do_it_are_named(tmp_path, name, error, reason) -> None:
    (tmp_path / "model_index.json").write_text(json.dumps({"_class_name": name, "_diffusers_version": "0.42.0"}))
    with pytest.raises(error, match=reason) as caught:
        build(tmp_path)
    assert "\n" not in caught.value.message


def test_a_package_that_the_pipeline_needs_is_named(tmp_path, monkeypatch) -> None:
    import diffusers.pipelines.wan.pipeline_wan_i2v as wan

    monkeypatch.setattr(wan, "is_ftfy_available", lambda: False)
    (tmp_path / "model_index.json").write_text(json.dumps({"_class_name": "WanImageToVideoPipeline"}))
    with pytest.raises(MissingDependency, match="ftfy") as caught:
        build(tmp_path)
    assert caught.value.hint == "pip install ftfy"


def test_a_rate_that_nobody_knows_must_be_given(tmp_path, monkeypatch) -> None:
    import diffusers

    class Odd:
        def __call__(self, image, num_frames=8):
            raise NotImplementedError

    monkeypatch.setattr(diffusers, "OddPipeline", Odd, raising=False)
    (tmp_path / "model_index.json").write_text(json.dumps({"_class_name": "OddPipeline"}))
    with pytest.raises(ConfigError, match="how many frames a second") as caught:
        resolve_model(f"diffusers:{tmp_path}").build()
    assert "fps=" in caught.value.hint


def test_only_safetensors_are_read(cogvideox, tmp_path) -> None:
    import torch
    from safetensors.torch import load_file

    copy = tmp_path / "pickled"
    shutil.copytree(cogvideox, copy)
    weights = copy / "vae" / "diffusion_pytorch_model.safetensors"
    torch.save(load_file(weights), weights.with_suffix(".bin"))
    weights.unlink()
    with pytest.raises(ConfigError, match="cannot be loaded: OSError") as caught:
        build(copy)
    assert "safetensors" in caught.value.hint


def test_code_in_a_folder_never_runs(cogvideox, tmp_path) -> None:
    marker = tmp_path / "ran"
    copy = tmp_path / "evil"
    shutil.copytree(cogvideox, copy)
    code = f"open({str(marker)!r}, 'w').close()\nclass Evil:\n    pass\n"
    for place in (copy / "pipeline.py", copy / "evil.py", copy / "scheduler" / "evil.py"):
        place.write_text(code)
    index = json.loads((copy / "model_index.json").read_text())
    for change in ({"_class_name": ["evil", "Evil"]}, {"scheduler": ["evil", "Evil"]}):
        (copy / "model_index.json").write_text(json.dumps(index | change))
        with pytest.raises(ConfigError):
            build(copy)
        assert not marker.exists() and "evil" not in sys.modules


def test_a_hub_name_without_a_network_is_one_line() -> None:
    with pytest.raises(ConfigError, match="cannot be found") as caught:
        resolve_model("diffusers:nobody-here/no-such-model", {}, {"offline": True}).build()
    assert "\n" not in caught.value.message


def test_an_error_inside_is_the_cases_error(cogvideox, make_request) -> None:
    with pytest.raises(ModelError, match="the model failed: ValueError"):
        generate(build(cogvideox, height="33", width="33"), make_request())


def test_the_identity_names_the_folder_only(cogvideox) -> None:
    spec = resolve_model(f"diffusers:{cogvideox}", FAST)
    assert spec.identity() == {
        "name": "diffusers:tiny-cogvideox", "kind": "model", "options": {"num_inference_steps": 1},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"vae_scale_factor_spatial": 8, "transformer": {"patch_size": (1, 2, 2)}}, 16),
        ({"vae_scale_factor_spatial": 8, "transformer": {"patch_size": 2}}, 16),
        ({"vae_spatial_compression_ratio": 32, "transformer": {"patch_size": 1}}, 32),
        ({"vae_scale_factor": 8, "unet": {"block_out_channels": (320, 640, 1280, 1280)}}, 64),
        ({"vae_scale_factor_spatial": 16, "transformer": None, "transformer_2": {"patch_size": [1, 2, 2]}}, 32),
        ({}, 8),
    ],
)
def test_sizes_fit_autoencoder_and_network(attributes, expected) -> None:
    parts = {k: types.SimpleNamespace(config=types.SimpleNamespace(**v)) if isinstance(v, dict) else v
             for k, v in attributes.items()}  # fmt: skip
    assert multiple(types.SimpleNamespace(**parts)) == expected


def test_the_picture_covers_what_is_asked_for() -> None:
    image = np.zeros((40, 80, 3), np.uint8)
    image[:, 20:60] = 255  # the middle half
    square = np.asarray(cover(image, 32, 32))
    assert square.shape == (32, 32, 3) and square[:, 2:-2].min() > 250
    assert np.array_equal(np.asarray(cover(image, 40, 80)), image)


FLOATS = np.linspace(0, 1, 2 * 4 * 5 * 3, dtype=np.float32).reshape(2, 4, 5, 3)
BYTES = np.rint(FLOATS * 255).astype(np.uint8)


def test_every_form_of_output_gives_the_same_frames() -> None:
    import torch
    from PIL import Image

    pictures = [Image.fromarray(frame) for frame in BYTES]
    tensor = torch.from_numpy(FLOATS.transpose(0, 3, 1, 2).copy())
    forms = [FLOATS, FLOATS[None], list(FLOATS), [list(FLOATS)], pictures, [pictures], tensor, tensor[None], [tensor]]
    for form in (*forms, types.SimpleNamespace(frames=FLOATS[None]), types.SimpleNamespace(images=[pictures])):
        assert np.array_equal(as_frames(form), BYTES)
    assert np.array_equal(as_frames(tensor.to(torch.float64)), BYTES)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (np.full((2, 4, 5, 3), np.nan, np.float32), "NaN"),
        (np.zeros((4, 5, 3), np.float32), "expected frames"),
        (np.zeros((2, 2, 4, 5, 3), np.float32), "expected frames"),
        (np.zeros((2, 4, 5, 3), np.int64), "int64"),
        ("frames", "expected frames"),
        ([np.zeros((4, 5, 3)), np.zeros((4, 6, 3))], "is no video"),
    ],
)
def test_other_outputs_are_refused(value, reason) -> None:
    with pytest.raises(ModelError, match=reason):
        as_frames(value)
