"""What every diffusers pipeline offers: callbacks, progress, saving, dtypes, offloading; and sizes and prompts."""

from __future__ import annotations

import itertools
import json
import types
import typing as t
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from diffusers import DiffusionPipeline
from diffusers.callbacks import PipelineCallback
from PIL import Image

from motionbench.errors import ConfigError, ModelError, WeightsError
from ttm_ref.colours import find_palette, read
from ttm_ref.pipelines import MotionToVideoPipeline, ThroughTheMaskPipeline

Make = Callable[..., t.Any]


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def video(pipeline: t.Any, scene: types.SimpleNamespace, **options: t.Any) -> t.Any:
    options = {"generator": seeded(), **options}
    return pipeline(scene.image, "a red ball", scene.prompts, scene.trajectories, **options).frames[0]


class TestCallback:
    def test_it_sees_every_step_and_may_replace_the_latents(
        self, make_pipeline: Make, scene: types.SimpleNamespace
    ) -> None:
        pipeline, seen = make_pipeline("video"), []

        def callback(owner: t.Any, step: int, timestep: torch.Tensor, inputs: dict[str, t.Any]) -> dict[str, t.Any]:
            assert owner is pipeline
            seen.append((step, float(timestep), inputs["latents"].shape))
            return {"latents": torch.zeros_like(inputs["latents"])} if step == 2 else {}

        last = video(pipeline, scene, callback_on_step_end=callback, output_type="latent")
        assert [step for step, _, _ in seen] == [0, 1, 2]
        assert seen[0][1] == 1000
        assert {shape for _, _, shape in seen} == {(1, 8, 4, 4, 4)}
        assert not last.any()

    def test_it_may_interrupt(self, make_pipeline: Make, scene: types.SimpleNamespace) -> None:
        pipeline, steps = make_pipeline("video"), []

        def callback(owner: t.Any, step: int, timestep: t.Any, inputs: dict[str, t.Any]) -> dict[str, t.Any]:
            owner._interrupt = step == 1
            steps.append(step)
            return inputs

        video(pipeline, scene, callback_on_step_end=callback)
        assert steps == [0, 1]
        steps.clear()
        video(pipeline, scene)
        assert not pipeline.interrupt, "the next call is not interrupted"

    def test_official_callbacks_say_what_they_want(self, make_pipeline: Make, scene: types.SimpleNamespace) -> None:
        class Official(PipelineCallback):  # type: ignore[misc]
            tensor_inputs: t.ClassVar = ["latents"]
            count = 0

            def callback_fn(self, pipeline: t.Any, step: int, timestep: t.Any, inputs: t.Any) -> t.Any:
                Official.count += 1
                return inputs

        video(make_pipeline("video"), scene, callback_on_step_end=Official())
        assert Official.count == 3
        with pytest.raises(ConfigError, match="prompt_embeds"):
            video(
                make_pipeline("video"), scene, callback_on_step_end=lambda *_: {},
                callback_on_step_end_tensor_inputs=["prompt_embeds"],
            )  # fmt: skip

    def test_progress_bar(
        self, make_pipeline: Make, scene: types.SimpleNamespace, capsys: pytest.CaptureFixture[str]
    ) -> None:
        pipeline = make_pipeline("video")
        video(pipeline, scene)
        assert capsys.readouterr() == ("", "")
        pipeline.set_progress_bar_config(desc="stage 2", disable=False)
        video(pipeline, scene)
        out, err = capsys.readouterr()
        assert out == ""
        assert "stage 2" in err
        assert "3/3" in err


class TestSaving:
    @pytest.mark.parametrize("backbone", ["wan", "unet"])
    def test_saved_and_loaded_it_makes_the_same_bytes(
        self, make_pipeline: Make, scene: types.SimpleNamespace, tmp_path: Path, backbone: str
    ) -> None:
        pipeline = make_pipeline("video", backbone)
        pipeline.save_pretrained(tmp_path / "one")
        again = MotionToVideoPipeline.from_pretrained(tmp_path / "one")
        again.set_progress_bar_config(disable=True)
        assert again.config.num_frames == pipeline.config.num_frames
        assert again.config.schedule == pipeline.config.schedule
        assert np.array_equal(video(pipeline, scene), video(again, scene))
        again.save_pretrained(tmp_path / "two")
        for file in sorted(p for p in (tmp_path / "one").rglob("*") if p.is_file()):
            if file.suffix == ".safetensors":
                other = tmp_path / "two" / file.relative_to(tmp_path / "one")
                assert file.read_bytes() == other.read_bytes(), file.name
        index = json.loads((tmp_path / "one" / "model_index.json").read_text())
        assert index["denoiser"] == ["ttm_ref.pipelines", type(pipeline.denoiser).__name__]

    def test_pickles_are_never_loaded(self, make_pipeline: Make, tmp_path: Path) -> None:
        make_pipeline("video").save_pretrained(tmp_path)
        weights = tmp_path / "denoiser" / "diffusion_pytorch_model.safetensors"
        torch.save({}, weights.with_suffix(".bin"))
        weights.unlink()
        with pytest.raises((OSError, WeightsError)):
            MotionToVideoPipeline.from_pretrained(tmp_path)

    def test_weights_that_do_not_fit(self, make_pipeline: Make, tmp_path: Path) -> None:
        make_pipeline("video").save_pretrained(tmp_path)
        path = tmp_path / "denoiser" / "config.json"
        config = json.loads(path.read_text())
        path.write_text(json.dumps({**config, "num_masked_layers": 2}))
        with pytest.raises(WeightsError, match="missing"):
            MotionToVideoPipeline.from_pretrained(tmp_path)


class TestRealTrajectories:
    @pytest.mark.parametrize("clip", ["dit/meerkats", "unet/sharks"])
    def test_stage_2_runs_on_them(self, make_pipeline: Make, shared_data: Path, clip: str) -> None:
        """As masks in our colours, and as the video that they are, whatever its colours."""
        path = shared_data / "paper_gallery" / "trajectories" / f"{clip}.mp4"
        if not path.is_file():
            pytest.skip("the paper's trajectories are not here")
        with av.open(str(path)) as container:
            frames = [f.to_ndarray(format="rgb24") for f in itertools.islice(container.decode(video=0), 0, 12, 3)]
        side = frames[0].shape[0]
        image, trajectory = frames[0][:, :side], np.stack([frame[:, side : 2 * side] for frame in frames])
        masks = read(trajectory, find_palette(trajectory[0]))
        assert masks.any((2, 3)).all()
        pipeline = make_pipeline("video")
        clean = pipeline(image, "two animals", ["one", "the other"], masks, generator=seeded()).frames
        raw = pipeline(
            image, "two animals", ["one", "the other"], masks, trajectory=trajectory, generator=seeded()
        ).frames
        assert clean.shape == raw.shape == (1, 4, 32, 32, 3)
        assert not np.array_equal(clean, raw)


class TestPlaces:
    def test_dtypes(self, make_pipeline: Make, scene: types.SimpleNamespace) -> None:
        """The noise does not depend on the dtype, so a lower precision gives nearly the same video."""
        single = video(make_pipeline("video"), scene)
        half = video(make_pipeline("video").to(torch.bfloat16), scene)
        assert half.dtype == np.float32
        assert 0 < np.abs(single - half).mean() < 0.02

    def test_model_offload_runs_every_network_through_its_hook(
        self, make_pipeline: Make, scene: types.SimpleNamespace
    ) -> None:
        """Here "offloaded to the CPU" and "on the device" are both the CPU; what is tested is that no network is
        called past its hook, which on a GPU would leave it behind."""
        expected = video(make_pipeline("video"), scene)
        pipeline = make_pipeline("video")
        pipeline.enable_model_cpu_offload(device="cpu")
        calls: list[str] = []
        for name in ("text_encoder", "vae", "denoiser"):
            hook = getattr(pipeline, name)._hf_hook
            original = hook.pre_forward

            def pre_forward(
                *arguments: t.Any, _name: str = name, _original: t.Any = original, **options: t.Any
            ) -> t.Any:
                calls.append(_name)
                return _original(*arguments, **options)

            hook.pre_forward = pre_forward
        assert np.array_equal(video(pipeline, scene), expected)
        assert set(calls) == {"text_encoder", "vae", "denoiser"}
        assert calls[-1] == "vae"
        assert np.array_equal(video(pipeline, scene), expected), "and once more"

    def test_the_chain_moves_both_stages(self, make_pipeline: Make) -> None:
        chain = ThroughTheMaskPipeline(make_pipeline("motion"), make_pipeline("video"))
        assert chain.to(torch.float64) is chain
        assert chain.motion.denoiser.dtype == chain.video.vae.dtype == torch.float64
        chain.enable_model_cpu_offload(device="cpu")
        assert hasattr(chain.motion.denoiser, "_hf_hook")
        assert hasattr(chain.video.denoiser, "_hf_hook")

    def test_given_noise(self, make_pipeline: Make, scene: types.SimpleNamespace) -> None:
        pipeline = make_pipeline("video")
        noise = torch.randn(1, 8, 4, 4, 4, generator=seeded())
        assert np.array_equal(video(pipeline, scene, latents=noise, generator=None), video(pipeline, scene))
        with pytest.raises(ConfigError, match="latents of shape"):
            video(pipeline, scene, latents=noise[:, :4])

    def test_initial_noise_is_kept_and_scales_what_is_drawn_alone(
        self, make_pipeline: Make, scene: types.SimpleNamespace, tmp_path: Path
    ) -> None:
        pipeline, noise = make_pipeline("video"), torch.randn(1, 8, 4, 4, 4, generator=seeded())
        pipeline.register_to_config(initial_noise=0.5)
        assert np.array_equal(video(pipeline, scene), video(pipeline, scene, latents=0.5 * noise))
        assert not np.array_equal(video(pipeline, scene), video(pipeline, scene, latents=noise))
        pipeline.save_pretrained(tmp_path)
        assert type(pipeline).from_pretrained(tmp_path).config.initial_noise == 0.5

    @pytest.mark.parametrize("scale", [-0.1, float("nan"), float("inf"), True, "1"])
    def test_initial_noise_that_is_no_deviation(self, make_pipeline: Make, scale: t.Any) -> None:
        pipeline = make_pipeline("video")
        pipeline.register_to_config(initial_noise=scale)
        with pytest.raises(ConfigError, match="initial_noise"):
            pipeline.check_components()


class TestInput:
    @pytest.mark.parametrize("size", [(1, 1), (9, 700), (700, 9), (33, 31)])
    def test_any_size(self, make_pipeline: Make, size: tuple[int, int]) -> None:
        chain = ThroughTheMaskPipeline(make_pipeline("motion"), make_pipeline("video"))
        chain.set_progress_bar_config(disable=True)
        image = np.full((*size, 3), 90, np.uint8)
        out, masks = chain(image, "", "", ["it"], np.ones((1, *size), np.bool_), generator=seeded())
        assert np.isfinite(out.frames).all()
        assert masks[0, 0].all()

    @pytest.mark.parametrize("mode", ["L", "P", "RGBA", "CMYK", "I;16", "1"])
    def test_any_mode(self, make_pipeline: Make, mode: str) -> None:
        out = make_pipeline("baseline")(Image.new(mode, (20, 30)), "", generator=seeded())
        assert np.isfinite(out.frames).all()

    @pytest.mark.parametrize("prompt", ["", "   ", "unknown words only \N{SNOWMAN}", "ball " * 500])
    def test_any_prompt(self, make_pipeline: Make, scene: types.SimpleNamespace, prompt: str) -> None:
        out = make_pipeline("video")(
            scene.image, prompt, [prompt, ""], scene.trajectories, generator=seeded(), text_guidance=2.0
        )
        assert np.isfinite(out.frames).all()

    def test_other_sizes_and_lengths_than_its_own(self, make_pipeline: Make, scene: types.SimpleNamespace) -> None:
        pipeline = make_pipeline("motion")
        masks = pipeline(scene.image, "", scene.masks, num_frames=6, height=48, width=64).masks
        assert masks[0].shape == (2, 6, 48, 64)
        with pytest.raises(ConfigError, match="multiples of 8"):
            pipeline(scene.image, "", scene.masks, height=30)
        with pytest.raises(ModelError):
            pipeline(scene.image, "", scene.masks, num_frames=5)  # not divisible by the patch

    def test_masks_of_another_size(self, make_pipeline: Make, scene: types.SimpleNamespace) -> None:
        with pytest.raises(ModelError, match="masks of 55 x 40 pixels for a picture of 56 x 40"):
            make_pipeline("motion")(scene.image, "", scene.masks[..., :-1])

    def test_options_that_do_not_exist(self, make_pipeline: Make, scene: types.SimpleNamespace) -> None:
        with pytest.raises(ConfigError, match="output_type is 'pt'"):
            video(make_pipeline("video"), scene, output_type="pt")
        with pytest.raises(ConfigError, match="num_inference_steps"):
            video(make_pipeline("video"), scene, num_inference_steps=0)

    def test_tuples(self, make_pipeline: Make, scene: types.SimpleNamespace) -> None:
        motion = make_pipeline("motion")(scene.image, "", scene.masks, generator=seeded(), return_dict=False)
        assert isinstance(motion, tuple)
        assert motion[0][0].shape == (2, 4, 32, 32)
        assert motion[1] is None
        assert isinstance(make_pipeline("baseline")(scene.image, "", return_dict=False), tuple)

    def test_stages_that_do_not_fit(self, make_pipeline: Make) -> None:
        with pytest.raises(ConfigError, match="height=32, stage 2 has 64"):
            ThroughTheMaskPipeline(make_pipeline("motion"), make_pipeline("video", "unet"))

    def test_they_are_diffusers_pipelines(self, make_pipeline: Make) -> None:
        for stage in ("motion", "video", "baseline"):
            pipeline = make_pipeline(stage)
            assert isinstance(pipeline, DiffusionPipeline)
            assert set(pipeline.components) == {"vae", "text_encoder", "tokenizer", "denoiser", "scheduler"}
