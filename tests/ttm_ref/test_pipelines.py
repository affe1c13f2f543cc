"""The pipelines on small random instances of both backbones: contracts, options and bad input."""

from __future__ import annotations

import types
import typing as t
from collections.abc import Callable

import numpy as np
import pytest
import torch
from PIL import Image

from motionbench.errors import ConfigError, ModelError
from ttm_ref import codec
from ttm_ref.colours import PALETTE, paint
from ttm_ref.pipelines import MotionOutput, ThroughTheMaskPipeline, VideoOutput
from ttm_ref.pipelines.pictures import to_tensor

Make = Callable[..., t.Any]
BACKBONES = ("wan", "unet")


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def video(pipeline: t.Any, scene: types.SimpleNamespace, **options: t.Any) -> t.Any:
    """Stage 2 on the scene; float32 [F, H, W, 3]."""
    options = {"generator": seeded(), **options}
    return pipeline(scene.image, "a red ball", scene.prompts, scene.trajectories, **options).frames[0]


@pytest.mark.parametrize("backbone", BACKBONES)
class TestShapes:
    def test_stage_1(self, make_pipeline: Make, scene: types.SimpleNamespace, backbone: str) -> None:
        pipeline = make_pipeline("motion", backbone)
        side = pipeline.config.height
        out = pipeline(scene.image, "moves", scene.masks, generator=seeded(), output_type="np")
        assert isinstance(out, MotionOutput)
        assert out.masks[0].shape == (2, 4, side, side)
        assert out.masks[0].dtype == np.bool_
        assert out.frames.shape == (1, 4, side, side, 3)
        assert out.frames.dtype == np.float32
        assert out.frames.min() >= 0
        assert out.frames.max() <= 1

    def test_stage_2_and_baseline(self, make_pipeline: Make, scene: types.SimpleNamespace, backbone: str) -> None:
        two, baseline = make_pipeline("video", backbone), make_pipeline("baseline", backbone)
        side = two.config.height
        assert video(two, scene).shape == (4, side, side, 3)
        out = baseline(scene.image, "a red ball", generator=seeded())
        assert isinstance(out, VideoOutput)
        assert out.frames.shape == (1, 4, side, side, 3)

    def test_output_types(self, make_pipeline: Make, scene: types.SimpleNamespace, backbone: str) -> None:
        pipeline = make_pipeline("video", backbone)
        array, pictures = video(pipeline, scene), video(pipeline, scene, output_type="pil")
        assert [picture.size for picture in pictures] == [array.shape[2:0:-1]] * 4
        assert np.array_equal(np.stack(pictures), np.rint(array * 255).astype(np.uint8))
        latents = pipeline(
            scene.image, "a red ball", scene.prompts, scene.trajectories, generator=seeded(), output_type="latent"
        ).frames
        assert latents.shape == (1, *codec.latent_shape(pipeline.vae, 4, *array.shape[1:3]))
        assert np.allclose(
            codec.decode(pipeline.vae, latents).detach()[0].permute(1, 2, 3, 0) / 2 + 0.5, array, atol=1e-6
        )

    def test_seeds(self, make_pipeline: Make, scene: types.SimpleNamespace, backbone: str) -> None:
        pipeline = make_pipeline("video", backbone)
        one = video(pipeline, scene)
        assert np.array_equal(one, video(pipeline, scene))
        assert not np.array_equal(one, video(pipeline, scene, generator=seeded(1)))

    def test_chain(self, make_pipeline: Make, scene: types.SimpleNamespace, backbone: str) -> None:
        chain = ThroughTheMaskPipeline(make_pipeline("motion", backbone), make_pipeline("video", backbone))
        chain.set_progress_bar_config(disable=True)
        out, masks = chain(scene.image, "a red ball", "moves", scene.prompts, scene.masks, generator=seeded())
        generator = seeded()
        expected = chain.motion(scene.image, "moves", scene.masks, generator=generator).masks[0]
        assert np.array_equal(masks, expected)
        side = chain.video.config.height
        assert out.frames.shape == (1, 4, side, side, 3)
        image = Image.fromarray(scene.image).resize((side, side), Image.Resampling.LANCZOS, box=(8, 0, 48, 40))
        again = chain.video(image, "a red ball", scene.prompts, masks, generator=generator).frames
        assert np.array_equal(out.frames, again)

    def test_what_conditions_the_video(self, make_pipeline: Make, scene: types.SimpleNamespace, backbone: str) -> None:
        """Picture, global prompt, object prompts, which prompt belongs to which object, masks: each has an effect."""
        pipeline = make_pipeline("video", backbone)

        def run(image: t.Any, prompt: str, prompts: list[str], masks: t.Any) -> t.Any:
            return pipeline(image, prompt, prompts, masks, generator=seeded(), output_type="latent").frames

        image, prompts, masks = scene.image, scene.prompts, scene.trajectories
        base = run(image, "a red ball", prompts, masks)
        for other in (
            run(255 - image, "a red ball", prompts, masks),
            run(image, "the blue box stops", prompts, masks),
            run(image, "a red ball", [prompts[0], "stops"], masks),
            run(image, "a red ball", prompts[::-1], masks),
            run(image, "a red ball", prompts, np.roll(masks, 8, axis=2)),
        ):
            assert not torch.equal(base, other)
        assert torch.equal(base, run(image, "a red ball", list(prompts), masks.copy()))


class TestConditions:
    """What reaches the denoiser."""

    def spy(self, pipeline: t.Any, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, t.Any]]:
        seen: list[dict[str, t.Any]] = []
        forward = pipeline.denoiser.forward

        def record(**inputs: t.Any) -> t.Any:
            seen.append(inputs)
            return forward(**inputs)

        monkeypatch.setattr(pipeline.denoiser, "forward", record)
        return seen

    def test_stage_1_repeats_picture_and_painted_masks(
        self, make_pipeline: Make, scene: types.SimpleNamespace, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pipeline = make_pipeline("motion")
        seen = self.spy(pipeline, monkeypatch)
        image, masks = scene.image[:32, :32], scene.masks[:, :32, :32]
        pipeline(image, "moves", masks, generator=seeded())
        inputs = seen[0]["hidden_states"]
        for channels, picture in ((slice(8, 16), image), (slice(16, 24), paint(masks[:, None])[0])):
            expected = codec.encode(pipeline.vae, to_tensor(picture[None])[None]).detach()
            assert torch.allclose(inputs[:, channels], expected.expand(-1, -1, 4, -1, -1), atol=1e-5)
        assert seen[0]["object_masks"] is None
        assert torch.equal(inputs[:, :8], torch.randn(1, 8, 4, 4, 4, generator=seeded()))
        assert [float(step["timestep"][0]) for step in seen] == pytest.approx(
            [1000 * (1 - (i / 3) ** 1.5) for i in range(3)]
        )

    def test_stage_2_gets_the_painted_video_and_its_masks(
        self, make_pipeline: Make, scene: types.SimpleNamespace, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pipeline = make_pipeline("video")
        seen = self.spy(pipeline, monkeypatch)
        masks = scene.trajectories[..., :32, :32]
        pipeline(scene.image[:32, :32], "", scene.prompts, masks, generator=seeded())
        expected = codec.encode(pipeline.vae, to_tensor(paint(masks))[None]).detach()
        assert torch.allclose(seen[0]["hidden_states"][:, 16:], expected, atol=1e-5)
        assert np.array_equal(seen[0]["object_masks"][0].numpy(), masks)
        assert seen[0]["local_states"].shape == (1, 2, 8, 32)
        assert seen[0]["local_mask"].sum((0, 2)).tolist() == [7, 4]  # words of the two prompts

    @pytest.mark.parametrize(
        ("image", "text", "expected"),
        [
            (1.0, 1.0, [(True, True)]),
            (1.0, 2.0, [(True, False), (True, True)]),
            (2.0, 2.0, [(False, False), (True, True)]),
            (1.5, 2.5, [(False, False), (True, False), (True, True)]),
            (0.0, 0.0, [(False, False)]),
            (1.0, 0.0, [(True, False)]),
        ],
    )
    def test_needless_passes_are_saved(
        self,
        make_pipeline: Make,
        scene: types.SimpleNamespace,
        monkeypatch: pytest.MonkeyPatch,
        image: float,
        text: float,
        expected: list[tuple[bool, bool]],
    ) -> None:
        pipeline = make_pipeline("video")
        seen = self.spy(pipeline, monkeypatch)
        video(pipeline, scene, image_guidance=image, text_guidance=text, num_inference_steps=1)
        empty = pipeline._read([""], [["", ""]])
        passes = []
        for inputs in seen:
            visual = bool(inputs["hidden_states"][:, 8:].any())
            dropped = [inputs[name] is None for name in ("object_masks", "local_states", "local_mask")]
            assert dropped == [not visual] * 3, "the visual condition takes masks and boxes along"
            silent = torch.equal(inputs["encoder_hidden_states"], empty.states)
            if visual:
                assert torch.equal(inputs["local_states"], empty.local_states) == silent
            passes.append((visual, not silent))
        assert passes == expected

    def test_guidance_is_the_papers_formula(
        self, make_pipeline: Make, scene: types.SimpleNamespace, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """One Euler step from sigma 1 to 0 returns the guided prediction of the sample itself."""
        pipeline = make_pipeline("video")

        def predict(image: float, text: float) -> torch.Tensor:
            options = {"image_guidance": image, "text_guidance": text, "num_inference_steps": 1}
            return pipeline(
                scene.image, "a red ball", scene.prompts, scene.trajectories,
                generator=seeded(), output_type="latent", **options,
            ).frames  # fmt: skip

        nothing, visual, both = predict(0, 0), predict(1, 0), predict(1, 1)
        expected = nothing + 1.5 * (visual - nothing) + 3.0 * (both - visual)
        assert torch.allclose(predict(1.5, 3.0), expected, atol=1e-5)

    def test_no_object_leaves_everything_background(
        self, make_pipeline: Make, scene: types.SimpleNamespace, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pipeline = make_pipeline("video")
        seen = self.spy(pipeline, monkeypatch)
        out = pipeline(scene.image, "a ball", [], scene.trajectories[:0], generator=seeded()).frames
        assert np.isfinite(out).all()
        assert seen[0]["object_masks"] is None


class TestCausalAutoencoder:
    def test_frames_are_four_to_a_latent_one(self, make_pipeline: Make, scene: types.SimpleNamespace) -> None:
        chain = ThroughTheMaskPipeline(make_pipeline("motion", "causal"), make_pipeline("video", "causal"))
        chain.set_progress_bar_config(disable=True)
        out, masks = chain(scene.image, "a red ball", "moves", scene.prompts, scene.masks, generator=seeded())
        assert masks.shape == (2, 5, 32, 32)
        assert out.frames.shape == (1, 5, 32, 32, 3)
        latents = make_pipeline("baseline", "causal")(scene.image, "", generator=seeded(), output_type="latent")
        assert latents.frames.shape == (1, 4, 2, 4, 4)

    def test_a_length_that_it_cannot_make(self, make_pipeline: Make, scene: types.SimpleNamespace) -> None:
        with pytest.raises(ConfigError, match=r"4k \+ 1"):
            make_pipeline("motion", "causal")(scene.image, "", scene.masks, num_frames=4)
        with pytest.raises(ConfigError, match=r"4k \+ 1"):
            make_pipeline("video", "causal")(scene.image, "", scene.prompts, scene.trajectories)


class TestBatch:
    def test_a_batch_equals_its_samples(self, make_pipeline: Make, scene: types.SimpleNamespace) -> None:
        """Objects of samples with fewer of them are padded; that must not change anything."""
        pipeline = make_pipeline("video")
        images = [scene.image, 255 - scene.image]
        objects, masks = [scene.prompts, scene.prompts[:1]], [scene.trajectories, scene.trajectories[:1]]
        together = pipeline(
            images, ["a red ball", ""], objects, masks, generator=[seeded(0), seeded(1)], image_guidance=2.0
        ).frames
        for k, prompt in enumerate(["a red ball", ""]):
            alone = pipeline(images[k], prompt, objects[k], masks[k], generator=seeded(k), image_guidance=2.0).frames
            assert np.allclose(together[k], alone[0], atol=1e-4)

    def test_stage_1_in_a_batch(self, make_pipeline: Make, scene: types.SimpleNamespace) -> None:
        masks = make_pipeline("motion")(
            [scene.image] * 2, ["moves", "stops"], [scene.masks, scene.masks[:0]], generator=seeded()
        ).masks
        assert [m.shape for m in masks] == [(2, 4, 32, 32), (0, 4, 32, 32)]

    def test_counts_that_differ(self, make_pipeline: Make, scene: types.SimpleNamespace) -> None:
        pipeline = make_pipeline("video")
        with pytest.raises(ModelError, match="2 pictures, but 1 prompts"):
            pipeline([scene.image] * 2, ["a"], [[], []], [scene.trajectories] * 2)
        with pytest.raises(ModelError, match="2 masks for 1 object prompts"):
            pipeline(scene.image, "a", ["one"], scene.trajectories)
        with pytest.raises(ConfigError, match="3 generators for 1 videos"):
            video(pipeline, scene, generator=[seeded()] * 3)


class TestObjects:
    @pytest.mark.parametrize("count", [0, 1, 12])
    def test_zero_to_twelve(self, make_pipeline: Make, scene: types.SimpleNamespace, count: int) -> None:
        chain = ThroughTheMaskPipeline(make_pipeline("motion"), make_pipeline("video"))
        chain.set_progress_bar_config(disable=True)
        masks = np.zeros((count, 40, 56), np.bool_)
        for k in range(count):
            masks[k, 3 * k : 3 * k + 6, 10:40] = True  # neighbours overlap
        out, trajectories = chain(scene.image, "", "", ["" for _ in range(count)], masks, generator=seeded())
        assert np.isfinite(out.frames).all()
        assert trajectories.shape == (count, 4, 32, 32)

    def test_thirteen_are_a_clear_error(self, make_pipeline: Make, scene: types.SimpleNamespace) -> None:
        masks = np.ones((13, 40, 56), np.bool_)
        with pytest.raises(ModelError, match="13 objects, but only 12 colours"):
            make_pipeline("motion")(scene.image, "", masks)
        with pytest.raises(ModelError, match="13 objects"):
            make_pipeline("video")(scene.image, "", [""] * 13, np.repeat(masks[:, None], 4, 1))

    def test_an_empty_mask_and_overlapping_masks(self, make_pipeline: Make, scene: types.SimpleNamespace) -> None:
        masks = np.concatenate([np.zeros((1, 40, 56), np.bool_), np.ones((2, 40, 56), np.bool_)])
        one = make_pipeline("motion")(scene.image, "moves", masks, generator=seeded()).masks[0]
        assert not one[0, 0].any(), "frame 0 is what was given"
        assert one[1:, 0].all()
        out = make_pipeline("video")(scene.image, "", ["a", "b", "c"], np.repeat(masks[:, None], 4, 1)).frames
        assert np.isfinite(out).all()

    def test_an_object_without_mask_changes_nothing(self, make_pipeline: Make, scene: types.SimpleNamespace) -> None:
        pipeline = make_pipeline("video")
        empty = np.zeros_like(scene.trajectories[:1])
        more = pipeline(
            scene.image, "a red ball", [*scene.prompts, "stops"],
            np.concatenate([scene.trajectories, empty]), generator=seeded(),
        ).frames[0]  # fmt: skip
        assert np.allclose(more, video(pipeline, scene), atol=1e-5)


class TestTrajectories:
    def test_a_foreign_video_conditions_in_place_of_masks(
        self, make_pipeline: Make, scene: types.SimpleNamespace
    ) -> None:
        """Optical flow, or masks in other colours: what is concatenated is that video."""
        pipeline = make_pipeline("video")
        painted = paint(scene.trajectories)
        out = pipeline(scene.image, "a", trajectory=painted, generator=seeded()).frames
        assert out.shape == (1, 4, 32, 32, 3)
        swapped = painted[..., ::-1]
        assert not np.array_equal(out, pipeline(scene.image, "a", trajectory=swapped, generator=seeded()).frames)
        image, masks = scene.image[:32, :32], scene.trajectories[..., :32, :32]
        both = pipeline(image, "a", scene.prompts, masks, trajectory=paint(masks), generator=seeded())
        assert np.array_equal(both.frames, pipeline(image, "a", scene.prompts, masks, generator=seeded()).frames)

    def test_the_video_is_as_long_as_its_trajectories(self, make_pipeline: Make, scene: types.SimpleNamespace) -> None:
        assert make_pipeline("video")(scene.image, "", scene.prompts, scene.trajectories[:, :2]).frames.shape[1] == 2

    def test_neither_or_unlike(self, make_pipeline: Make, scene: types.SimpleNamespace) -> None:
        pipeline = make_pipeline("video")
        with pytest.raises(ModelError, match="neither masks nor a trajectory"):
            pipeline(scene.image, "")
        with pytest.raises(ModelError, match="2 and 4 frames"):
            pipeline(scene.image, "", scene.prompts, scene.trajectories, trajectory=paint(scene.trajectories[:, :2]))
        with pytest.raises(ModelError, match="shape"):
            pipeline(scene.image, "", trajectory=np.zeros((4, 40), np.uint8))
        with pytest.raises(ModelError, match="masks have the shape"):
            pipeline(scene.image, "", scene.prompts, scene.masks)


class TestPalette:
    def test_stage_1_reads_the_palette_of_paint(self, make_pipeline: Make, scene: types.SimpleNamespace) -> None:
        out = make_pipeline("motion")(scene.image, "moves", scene.masks, generator=seeded(), output_type="np")
        colours = np.rint(out.frames[0] * 255).astype(int)
        nearest = ((colours[..., None, :] - [[0, 0, 0], *PALETTE[:2].tolist()]) ** 2).sum(-1).argmin(-1)
        for k in range(2):
            plane = out.masks[0][k, 1:]
            assert (nearest[1:][plane] == k + 1).mean() > 0.5 if plane.any() else True
