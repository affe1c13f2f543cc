"""The model behind `--model ttm_ref`: what it returns, which options it takes, and weights that are not whole."""

from __future__ import annotations

import json
import shutil
import types
import typing as t
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from motionbench.engine import one_thread
from motionbench.errors import ConfigError, ModelError, MotionBenchError, WeightsError
from motionbench.models import generate
from motionbench.types import I2VModel, Object, Request
from ttm_ref import manifest
from ttm_ref.model import TTMRef
from ttm_ref.pack import pack
from ttm_ref.pipelines.pictures import to_bytes
from ttm_ref.stages import Stages

Make = Callable[..., t.Any]


def request(scene: types.SimpleNamespace, **changes: t.Any) -> Request:
    values: dict[str, t.Any] = {
        "case_id": "a",
        "image": scene.image,
        "caption": "a red ball moves to the left , the blue box turns",
        "motion_prompt": "moves to the left , turns",
        "objects": (Object(1, "ball", scene.prompts[0]), Object(2, "box", scene.prompts[1])),
        "masks0": scene.masks,
        "frames": 4,
        "fps": 8.0,
        "size": scene.image.shape[:2],
        "seed": 7,
    }
    return Request(**{**values, **changes})


@pytest.fixture(scope="module")
def model(weights: Path) -> TTMRef:
    return TTMRef(weights=str(weights))


class TestVideo:
    def test_native_frames_rate_and_field_of_view(self, model: TTMRef, scene: types.SimpleNamespace) -> None:
        assert isinstance(model, I2VModel)
        video = generate(model, request(scene))
        assert video.frames.shape == (4, 40, 40, 3), "32 x 32 show the central 40 x 40 of the picture"
        assert video.times.tolist() == [0, 0.125, 0.25, 0.375]

    @pytest.mark.parametrize(
        ("frames", "fps", "expected"), [(1, 8.0, 1), (3, 8.0, 3), (16, 8.0, 4), (9, 24.0, 4), (4, 24.0, 2), (2, 4.0, 3)]
    )
    def test_time_is_never_invented(
        self, model: TTMRef, scene: types.SimpleNamespace, frames: int, fps: float, expected: int
    ) -> None:
        """At most as many native frames as cover the requested time, at the native 8 frames a second."""
        video = model.generate(request(scene, frames=frames, fps=fps))
        assert video.times.tolist() == [k / 8 for k in range(expected)]
        whole = model.generate(request(scene))
        assert np.array_equal(video.frames, whole.frames[:expected])

    @pytest.mark.parametrize(
        ("size", "expected"), [((32, 32), (32, 32)), ((40, 56), (40, 40)), ((8, 8), (32, 32)), ((480, 854), (480, 480))]
    )
    def test_size(
        self, model: TTMRef, scene: types.SimpleNamespace, size: tuple[int, int], expected: tuple[int, int]
    ) -> None:
        assert model.generate(request(scene, size=size)).frames.shape[1:3] == expected

    def test_it_is_the_chain(self, model: TTMRef, weights: Path, scene: types.SimpleNamespace) -> None:
        stages, generator = Stages(weights, torch.float32), torch.Generator().manual_seed(7)
        motion, video = stages.motion(), stages.video()
        image, asked = (
            scene.image[:32, :32],
            request(scene, image=scene.image[:32, :32], masks0=scene.masks[:, :32, :32]),
        )
        masks = motion(image, asked.motion_prompt, asked.masks0, generator=generator).masks[0]
        prompts = [item.prompt for item in asked.objects]
        expected = video(image, asked.caption, prompts, masks, generator=generator).frames[0]
        found = model.generate(request(scene, image=image, masks0=asked.masks0, size=(32, 32)))
        assert np.array_equal(found.frames, to_bytes(expected))

    def test_same_request_same_bytes(self, model: TTMRef, weights: Path, scene: types.SimpleNamespace) -> None:
        one = model.generate(request(scene)).frames
        model.generate(request(scene, seed=8))
        assert np.array_equal(one, model.generate(request(scene)).frames)
        assert np.array_equal(one, TTMRef(weights=str(weights)).generate(request(scene)).frames)
        assert not np.array_equal(one, model.generate(request(scene, seed=8)).frames)

    def test_threads_change_nothing_in_a_run(self, model: TTMRef, scene: types.SimpleNamespace) -> None:
        """The engine's one thread reaches torch, so that the number of cores is no part of a score."""
        before = torch.get_num_threads()
        torch.set_num_threads(2)
        try:
            with one_thread():
                assert torch.get_num_threads() == 1
                one = model.generate(request(scene)).frames
        finally:
            torch.set_num_threads(before)
        with one_thread():
            assert np.array_equal(one, model.generate(request(scene)).frames)

    def test_the_request_is_not_touched(self, model: TTMRef, scene: types.SimpleNamespace) -> None:
        image, masks = scene.image.copy(), scene.masks.copy()
        scene.image.setflags(write=False)
        scene.masks.setflags(write=False)
        model.generate(request(scene))
        assert np.array_equal(image, scene.image)
        assert np.array_equal(masks, scene.masks)


class TestInput:
    @pytest.mark.parametrize("size", [(1, 1), (3, 500), (500, 3)])
    def test_any_size(self, model: TTMRef, scene: types.SimpleNamespace, size: tuple[int, int]) -> None:
        image, masks = np.zeros((*size, 3), np.uint8), np.ones((2, *size), np.bool_)
        assert len(generate(model, request(scene, image=image, masks0=masks, size=size)).frames) == 4

    def test_empty_prompts_and_no_objects(self, model: TTMRef, scene: types.SimpleNamespace) -> None:
        asked = request(scene, caption="", motion_prompt="", objects=(), masks0=scene.masks[:0])
        assert len(generate(model, asked).frames) == 4

    def test_twelve_objects_and_thirteen(self, model: TTMRef, scene: types.SimpleNamespace) -> None:
        def many(count: int) -> Request:
            objects = tuple(Object(k + 1, "thing", "a thing") for k in range(count))
            return request(scene, objects=objects, masks0=np.ones((count, 40, 56), np.bool_))

        assert len(generate(model, many(12)).frames) == 4
        with pytest.raises(ModelError, match="13 objects, but only 12 colours"):
            generate(model, many(13))

    def test_an_empty_mask_and_overlapping_masks(self, model: TTMRef, scene: types.SimpleNamespace) -> None:
        masks = np.stack([np.zeros((40, 56), np.bool_), np.ones((40, 56), np.bool_)])
        assert len(generate(model, request(scene, masks0=masks)).frames) == 4
        assert len(generate(model, request(scene, masks0=np.ones_like(masks))).frames) == 4

    def test_masks_that_nobody_gave(self, model: TTMRef, scene: types.SimpleNamespace) -> None:
        with pytest.raises(ModelError, match="no masks") as error:
            generate(model, request(scene, masks0=None))
        assert error.value.hint

    def test_what_was_not_certain_is_logged(
        self, model: TTMRef, scene: types.SimpleNamespace, caplog: pytest.LogCaptureFixture
    ) -> None:
        model.generate(request(scene))
        assert not caplog.records
        asked = request(scene, objects=(), motion_prompt="", caption="it rains")
        model.generate(asked)
        assert caplog.records
        assert all(record.getMessage().startswith("a: ") for record in caplog.records)

    def test_nan(self, weights: Path, scene: types.SimpleNamespace) -> None:
        broken = TTMRef(weights=str(weights))
        with torch.no_grad():
            broken._video.vae.to_pixels.bias.fill_(torch.nan)
        with pytest.raises(ModelError, match="NaN"):
            generate(broken, request(scene))


class TestOptions:
    def test_variants(self, weights: Path, model: TTMRef, scene: types.SimpleNamespace) -> None:
        base = model.generate(request(scene)).frames
        for variant in ("ti2v", "no_mask"):
            found = TTMRef(weights=str(weights), variant=variant).generate(request(scene))
            assert found.frames.shape == base.shape
            assert not np.array_equal(found.frames, base)

    def test_ti2v_needs_no_masks(self, weights: Path, scene: types.SimpleNamespace) -> None:
        baseline = TTMRef(weights=str(weights), variant="ti2v")
        one = baseline.generate(request(scene)).frames
        assert np.array_equal(one, baseline.generate(request(scene, masks0=None, objects=(), motion_prompt="")).frames)

    def test_steps_and_guidance_have_an_effect(
        self, weights: Path, model: TTMRef, scene: types.SimpleNamespace
    ) -> None:
        base = model.generate(request(scene)).frames
        for option in (
            {"steps": 2},
            {"image_guidance": 2.0},
            {"text_guidance": 3},
            {"motion_text_guidance": 4.0, "motion_image_guidance": 2.0},
        ):
            assert not np.array_equal(base, TTMRef(weights=str(weights), **option).generate(request(scene)).frames)

    @pytest.mark.parametrize(
        "option",
        [
            {"variant": "both"},
            {"variant": None},
            {"steps": 0},
            {"steps": "many"},
            {"image_guidance": -1},
            {"motion_text_guidance": "2"},
            {"device": "tpu9"},
            {"device": 3.5},
            {"dtype": "int8"},
            {"offload": True, "device": "cpu"},
            {"parser": "magic"},
            {"parser": 3},
            {"parser_model": "llama"},
            {"parser": "http://localhost:9/v1"},
        ],
    )
    def test_that_make_no_sense(self, weights: Path, option: dict[str, t.Any]) -> None:
        with pytest.raises(ConfigError) as error:
            TTMRef(weights=str(weights), **option)
        assert error.value.hint
        assert "\n" not in error.value.message

    @pytest.mark.skipif(torch.cuda.is_available(), reason="there is CUDA here")
    def test_a_device_that_is_not_here(self, weights: Path) -> None:
        with pytest.raises(ConfigError, match="no CUDA here"):
            TTMRef(weights=str(weights), device="cuda")

    def test_a_lower_precision(self, weights: Path, model: TTMRef, scene: types.SimpleNamespace) -> None:
        half = TTMRef(weights=str(weights), dtype="bfloat16").generate(request(scene)).frames
        assert np.abs(half.astype(int) - model.generate(request(scene)).frames).mean() < 4


def edit_json(path: Path, **changes: t.Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def edit_tensors(path: Path, change: Callable[[dict[str, torch.Tensor]], t.Any]) -> None:
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path)


def drop(fragment: str) -> Callable[[dict[str, torch.Tensor]], t.Any]:
    return lambda tensors: tensors.pop(next(name for name in tensors if fragment in name))


class TestBrokenWeights:
    """Every way in which a folder may be broken is one line that names what is wrong."""

    @pytest.fixture
    def copy(self, weights: Path, tmp_path: Path) -> Path:
        shutil.copytree(weights, tmp_path / "weights")
        return tmp_path / "weights"

    def refused(self, folder: Path, match: str, kind: type[MotionBenchError] = WeightsError, **options: t.Any) -> None:
        with pytest.raises(kind, match=match) as error:
            TTMRef(weights=str(folder), **options)
        assert "\n" not in error.value.message
        assert len(error.value.message) < 600
        assert error.value.hint

    def test_a_byte_that_changed(self, copy: Path) -> None:
        path = copy / "stage2" / "denoiser" / "diffusion_pytorch_model.safetensors"
        content = bytearray(path.read_bytes())
        content[-1] ^= 1
        path.write_bytes(content)
        self.refused(copy, "stage2/denoiser/.*is not the file")

    @pytest.mark.parametrize("name", ["vae/config.json", "scheduler/scheduler_config.json"])
    def test_a_file_that_is_missing(self, copy: Path, name: str) -> None:
        (copy / name).unlink()
        self.refused(copy, f"'{name}' is missing")

    def test_a_file_that_nobody_listed(self, copy: Path) -> None:
        (copy / "stage1" / "denoiser" / "diffusion_pytorch_model.bin").write_bytes(b"pickle")
        self.refused(copy, "is not in the manifest")

    def test_no_manifest_or_a_broken_one(self, copy: Path, tmp_path: Path) -> None:
        self.refused(tmp_path / "nowhere", "no weights at")
        (copy / "manifest.json").write_text("{")
        self.refused(copy, "cannot be read")
        (copy / "manifest.json").write_text('{"schema": "other/1", "files": {}}')
        self.refused(copy, "no manifest of the schema")
        for path in ("../secret", "/etc/passwd"):
            content = {"schema": manifest.SCHEMA, "files": {path: "0"}}
            (copy / "manifest.json").write_text(json.dumps(content))
            self.refused(copy, "outside the folder")
        (copy / "manifest.json").unlink()
        self.refused(copy, "has no manifest.json")

    def test_a_variant_that_is_not_there(self, copy: Path) -> None:
        self.refused(copy, "has no variants/cross", variant="cross")

    def test_a_stage_that_is_not_there(self, copy: Path) -> None:
        shutil.rmtree(copy / "stage1")
        manifest.write(copy, {})
        self.refused(copy, "has no stage1")
        TTMRef(weights=str(copy), variant="ti2v")

    @pytest.mark.parametrize(
        ("name", "changes", "match"),
        [
            ("stage2/denoiser/config.json", {"num_masked_layers": 2}, "missing"),
            ("stage2/denoiser/config.json", {"num_masked_layers": 0, "image_dim": None}, "unexpected"),
            ("stage2/denoiser/config.json", {"ffn_dim": 96}, "size mismatch|shape|mismatched"),
            ("stage2/denoiser/config.json", {"_class_name": "WanTransformer3DModel"}, "holds a Wan"),
            ("vae/config.json", {"fine_width": 16}, "size mismatch|shape|mismatched"),
            ("vae/config.json", {"encoder_blocks": [2, 1]}, "missing"),
            ("vae/config.json", {"decoder_blocks": [0, 1]}, "missing|unexpected"),
            ("stage1/text_encoder/config.json", {"num_layers": 2}, "missing"),
            ("stage1/text_encoder/config.json", {"d_model": 64}, "size mismatch|shape|mismatched"),
            ("stage1/model_index.json", {"denoiser": ["os", "system"]}, "no such class"),
            ("stage1/model_index.json", {"scheduler": ["diffusers", "PNDMScheduler"]}, "no such class"),
            ("stage1/model_index.json", {"vae": None}, "does not say what the vae is"),
            ("stage1/model_index.json", {"surprise": 3}, "unknown keys: surprise"),
            ("stage1/model_index.json", {"num_frames": "four"}, "num_frames='four'"),
            ("stage1/model_index.json", {"fps": 0}, "fps=0"),
            ("stage1/model_index.json", {"_class_name": "MotionToVideoPipeline"}, "not that of a ImageToMotion"),
        ],
    )
    def test_configuration_that_does_not_fit(
        self, copy: Path, name: str, changes: dict[str, t.Any], match: str
    ) -> None:
        edit_json(copy / name, **changes)
        manifest.write(copy, {})
        self.refused(copy, match)

    @pytest.mark.parametrize(
        ("changes", "match"),
        [
            ({"height": 36, "width": 36}, "multiples of 8"),
            ({"schedule": "karras"}, "unknown schedule"),
            ({"text_guidance": -1.0}, "text_guidance"),
            ({"fps": 6.0}, "stage 1 has fps"),
        ],
    )
    def test_numbers_that_do_not_fit(self, copy: Path, changes: dict[str, t.Any], match: str) -> None:
        edit_json(copy / "stage2" / "model_index.json", **changes)
        manifest.write(copy, {})
        self.refused(copy, match, ConfigError)

    def test_a_scheduler_that_would_sample_something_else(self, copy: Path) -> None:
        edit_json(copy / "scheduler" / "scheduler_config.json", shift=3.0)
        manifest.write(copy, {})
        self.refused(copy, "stage2: .* would alter the schedule", ConfigError)

    @pytest.mark.parametrize(
        ("name", "fragment"),
        [
            ("vae/diffusion_pytorch_model.safetensors", "encoder"),
            ("stage2/denoiser/diffusion_pytorch_model.safetensors", "attn2_m"),
            ("stage2/text_encoder/model.safetensors", "layer_norm"),
        ],
    )
    def test_weights_that_are_not_there(self, copy: Path, name: str, fragment: str) -> None:
        edit_tensors(copy / name, drop(fragment))
        manifest.write(copy, {})
        self.refused(copy, "1 missing")

    @pytest.mark.parametrize("name", ["vae", "stage1/denoiser", "stage1/text_encoder"])
    def test_a_file_that_is_cut(self, copy: Path, name: str) -> None:
        path = next((copy / name).glob("*.safetensors"))
        path.write_bytes(path.read_bytes()[:1000])
        manifest.write(copy, {})
        self.refused(copy, "cannot be loaded")

    def test_a_tokenizer_that_is_broken(self, copy: Path) -> None:
        (copy / "tokenizer" / "tokenizer.json").write_text("{}")
        manifest.write(copy, {})
        self.refused(copy, "tokenizer")

    def test_a_tokenizer_of_another_encoder(self, copy: Path) -> None:
        edit_json(copy / "stage1" / "text_encoder" / "config.json", vocab_size=5)
        edit_tensors(
            copy / "stage1" / "text_encoder" / "model.safetensors",
            lambda tensors: tensors.update(
                {name: x[:5].clone() for name, x in tensors.items() if "shared" in name or "embed_tokens" in name}
            ),
        )
        manifest.write(copy, {})
        self.refused(copy, "tokens, the text encoder knows 5", ConfigError)


class TestPacking:
    def test_each_component_once_and_every_file_listed(self, weights: Path) -> None:
        folders = {p.parent.relative_to(weights).as_posix() for p in weights.rglob("*config.json")}
        assert folders == {
            "vae",
            "tokenizer",
            "scheduler",
            *(f"{stage}/{part}" for stage in ("stage1", "stage2") for part in ("denoiser", "text_encoder")),
            "variants/ti2v/denoiser",
            "variants/no_mask/denoiser",
        }
        listed = json.loads((weights / manifest.NAME).read_text())
        assert listed["about"] == {"made by": "a test"}
        there = {p.relative_to(weights).as_posix() for p in weights.rglob("*") if p.is_file()}
        assert set(listed["files"]) == there - {manifest.NAME}

    def test_nothing_tells_where_it_was_made(self, weights: Path, tmp_path: Path) -> None:
        stages = Stages(weights, torch.float32)
        pack(tmp_path / "again", {"stage1": stages.motion(), "stage2": stages.video()}, {})
        for path in (tmp_path / "again").rglob("*.json"):
            assert str(weights) not in path.read_text(), path.name
        for name in ("vae", "stage1/denoiser", "stage2/denoiser", "stage2/text_encoder"):
            one = next((weights / name).glob("*.safetensors"))
            assert one.read_bytes() == (tmp_path / "again" / name / one.name).read_bytes()

    def test_a_place_that_is_taken_or_unknown(self, weights: Path, make_pipeline: Make, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="is not empty"):
            pack(weights, {}, {})
        with pytest.raises(ConfigError, match="no stage 'stage3'"):
            pack(tmp_path, {"stage3": make_pipeline("video")}, {})


class TestStages:
    def test_shared_components_are_loaded_once(self, weights: Path) -> None:
        stages = Stages(weights, torch.float32)
        assert stages.motion().vae is stages.video().vae
        assert stages.video().text_encoder is stages.video("no_mask").text_encoder
        assert stages.video().denoiser is not stages.video("no_mask").denoiser

    def test_half_precision_on_disk(self, weights: Path, model: TTMRef, tmp_path: Path, scene: t.Any) -> None:
        """Weights stored as fp16 run in float32, and nearly as before."""
        shutil.copytree(weights, tmp_path / "half")
        for path in (tmp_path / "half").rglob("*.safetensors"):
            edit_tensors(path, lambda tensors: tensors.update({k: v.half() for k, v in tensors.items()}))
        manifest.write(tmp_path / "half", {})
        half = TTMRef(weights=str(tmp_path / "half"))
        assert half._video.denoiser.dtype == half._video.text_encoder.dtype == torch.float32
        found = half.generate(request(scene)).frames
        assert np.abs(found.astype(int) - model.generate(request(scene)).frames).mean() < 2
