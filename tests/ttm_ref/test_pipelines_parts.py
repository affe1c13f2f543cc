"""The parts of the pipelines by themselves: pictures of any mode, guidance, schedules, steps."""

from __future__ import annotations

import math
import typing as t

import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler, EulerDiscreteScheduler, FlowMatchEulerDiscreteScheduler
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from motionbench.errors import ConfigError, ModelError
from ttm_ref.pipelines.guidance import Guidance
from ttm_ref.pipelines.pictures import as_planes, as_rgb, cover_box, fit_picture, fit_planes, to_arrays, to_tensor
from ttm_ref.pipelines.sampling import advance, sigmas, start

CPU = torch.device("cpu")
ZERO_SNR = {
    "prediction_type": "v_prediction",
    "rescale_betas_zero_snr": True,
    "timestep_spacing": "trailing",
    "clip_sample": False,
}
MODES = [
    "1",
    "L",
    "P",
    "RGB",
    "RGBA",
    "CMYK",
    "YCbCr",
    "LAB",
    "HSV",
    "I",
    "F",
    "LA",
    "PA",
    "RGBX",
    "RGBa",
    "La",
    "I;16",
]


class TestPictures:
    @pytest.mark.parametrize("mode", MODES)
    def test_every_mode(self, mode: str) -> None:
        rgb = as_rgb(Image.new(mode, (5, 3)))
        assert rgb.shape == (3, 5, 3)
        assert rgb.dtype == np.uint8

    def test_known_colours(self) -> None:
        assert as_rgb(Image.new("RGB", (1, 1), (10, 20, 30))).tolist() == [[[10, 20, 30]]]
        assert as_rgb(Image.new("RGBA", (1, 1), (200, 100, 50, 51))).tolist() == [[[40, 20, 10]]]
        assert as_rgb(Image.new("L", (1, 1), 77)).tolist() == [[[77, 77, 77]]]
        assert as_rgb(Image.new("1", (1, 1), 1)).tolist() == [[[255, 255, 255]]]
        assert as_rgb(Image.new("I;16", (1, 1), 0xABCD)).tolist() == [[[0xAB] * 3]]
        assert as_rgb(np.full((1, 1), 9, np.uint8)).tolist() == [[[9, 9, 9]]]
        assert as_rgb(np.array([[[200, 100, 50, 51]]], np.uint8)).tolist() == [[[40, 20, 10]]]

    def test_orientation_is_applied(self) -> None:
        picture = Image.fromarray(np.arange(6, dtype=np.uint8).reshape(2, 3))
        picture.getexif()[0x0112] = 6  # the camera was turned: the first column of the file is the top row
        assert as_rgb(picture)[..., 0].tolist() == [[3, 0], [4, 1], [5, 2]]

    @pytest.mark.parametrize(
        "picture",
        [
            None,
            "picture.png",
            np.zeros((4, 4, 3)),
            np.zeros((4, 4, 2), np.uint8),
            np.zeros((0, 4, 3), np.uint8),
            np.zeros((1, 4, 4, 3), np.uint8),
            torch.zeros(3, 4, 4),
        ],
    )
    def test_no_picture(self, picture: t.Any) -> None:
        with pytest.raises(ModelError, match="the picture"):
            as_rgb(picture)

    @given(st.integers(1, 300), st.integers(1, 300), st.integers(1, 64), st.integers(1, 64))
    def test_the_cut_is_central_has_the_aspect_and_is_as_large_as_can_be(
        self, high: int, wide: int, height: int, width: int
    ) -> None:
        left, top, right, bottom = cover_box((high, wide), height, width)
        assert left >= 0 <= top
        assert right <= wide
        assert bottom <= high
        assert math.isclose(left, wide - right, abs_tol=1e-6)
        assert math.isclose(top, high - bottom, abs_tol=1e-6)
        assert math.isclose((right - left) / (bottom - top), width / height, rel_tol=1e-6)
        assert math.isclose(right - left, wide, abs_tol=1e-6) or math.isclose(bottom - top, high, abs_tol=1e-6)

    @pytest.mark.parametrize("size", [(1, 1), (1, 400), (400, 1), (31, 33), (128, 128), (17, 900)])
    def test_any_size_fits(self, size: tuple[int, int]) -> None:
        picture = np.full((*size, 3), 100, np.uint8)
        assert (fit_picture(picture, 32, 48) == 100).all()
        masks = np.ones((2, *size), np.bool_)
        assert fit_planes(masks, 32, 48).all()
        assert fit_planes(masks, 32, 48).shape == (2, 32, 48)

    def test_a_picture_of_the_right_size_is_not_touched(self) -> None:
        rng = np.random.default_rng(0)
        picture = rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)
        planes = rng.random((3, 32, 32)) < 0.5
        assert np.array_equal(fit_picture(picture, 32, 32), picture)
        assert np.array_equal(fit_planes(planes, 32, 32), planes)

    def test_masks_are_cut_like_the_picture(self) -> None:
        mask = np.zeros((40, 120), np.bool_)
        mask[10:30, 46:74] = True
        picture = np.repeat(mask[..., None].astype(np.uint8) * 255, 3, axis=2)
        one, two = fit_planes(mask[None], 20, 20)[0], fit_picture(picture, 20, 20)[..., 0] >= 128
        assert one.sum() == 10 * 14
        assert (one != two).mean() < 0.02

    def test_planes_of_other_types_and_shapes(self) -> None:
        assert as_planes(torch.tensor([[[0, 2]]]), 3).tolist() == [[[False, True]]]
        for wrong in (None, np.zeros((4, 4)), np.zeros((1, 2, 4, 4))):
            with pytest.raises(ModelError, match="masks have the shape"):
                as_planes(wrong, 3)

    def test_tensors_and_back(self) -> None:
        video = np.random.default_rng(0).integers(0, 256, (4, 6, 5, 3), dtype=np.uint8)
        there = to_tensor(video)
        assert there.shape == (3, 4, 6, 5)
        assert there.min() >= -1
        assert there.max() <= 1
        assert np.allclose(to_arrays(there[None])[0] * 255, video, atol=1e-3)


class TestGuidance:
    @given(st.floats(0, 10), st.floats(0, 10))
    def test_weights_are_the_formula(self, image: float, text: float) -> None:
        runs = {(run.visual, run.text): run.weight for run in Guidance(image, text).passes()}
        e0, eI, eIT = 3.0, -1.0, 7.0
        found = sum(
            runs.get(key, 0.0) * e for key, e in (((False, False), e0), ((True, False), eI), ((True, True), eIT))
        )
        assert math.isclose(found, e0 + image * (eI - e0) + text * (eIT - eI), abs_tol=1e-9)
        assert math.isclose(sum(runs.values()), 1.0, abs_tol=1e-9)

    @pytest.mark.parametrize("scale", [-1, math.nan, math.inf, "2", None, True])
    def test_no_scale(self, scale: t.Any) -> None:
        with pytest.raises(ConfigError, match="text_guidance"):
            Guidance(1.0, scale)


class TestSchedules:
    @pytest.mark.parametrize("name", ["power", "linear_quadratic"])
    @pytest.mark.parametrize("steps", [1, 2, 3, 10, 50])
    def test_from_one_downwards_and_above_zero(self, name: str, steps: int) -> None:
        levels = sigmas(name, steps)
        assert len(levels) == steps
        assert levels[0] == 1.0
        assert all(a > b > 0 for a, b in zip(levels, [*levels[1:], levels[-1] / 2], strict=True))

    def test_linear_quadratic_is_movie_gens(self) -> None:
        """The first half of 50 steps are those of 1,000 even ones."""
        levels = sigmas("linear_quadratic", 50)
        assert levels[:26] == pytest.approx([1 - i / 1000 for i in range(26)])

    @pytest.mark.parametrize("steps", [0, -1, 2.5, True, "10"])
    def test_no_number_of_steps(self, steps: t.Any) -> None:
        with pytest.raises(ConfigError, match="num_inference_steps"):
            sigmas("power", steps)

    def test_unknown_schedule(self) -> None:
        with pytest.raises(ConfigError, match="karras"):
            sigmas("karras", 4)


class TestSteps:
    @pytest.mark.parametrize("schedule", ["power", "linear_quadratic"])
    @pytest.mark.parametrize("prediction", ["flow", "sample"])
    def test_flow_with_a_perfect_network_ends_at_the_sample(self, prediction: str, schedule: str) -> None:
        sample, noise = torch.randn(2, 1, 3, 4, 4), torch.randn(2, 1, 3, 4, 4)
        scheduler = FlowMatchEulerDiscreteScheduler()
        x = noise
        for timestep in start(scheduler, prediction, schedule, 7, CPU):
            sigma = timestep / 1000
            assert torch.allclose(x, (1 - sigma) * sample + sigma * noise, atol=1e-5)
            x = advance(scheduler, prediction, noise - sample if prediction == "flow" else sample, timestep, x)
        assert torch.allclose(x, sample, atol=1e-5)

    def test_v_prediction_with_a_perfect_network_ends_at_the_sample(self) -> None:
        sample, noise = torch.randn(2, 1, 3, 4, 4), torch.randn(2, 1, 3, 4, 4)
        scheduler = DDIMScheduler(**ZERO_SNR)
        timesteps = start(scheduler, "v_prediction", "power", 10, CPU)
        assert timesteps[0] == 999
        assert scheduler.alphas_cumprod[999] == 0, "the first step starts at pure noise"
        x = noise
        for timestep in timesteps:
            alpha = scheduler.alphas_cumprod[timestep].sqrt()
            v = alpha * noise - (1 - alpha**2).sqrt() * sample
            x = advance(scheduler, "v_prediction", v, timestep, x)
        assert torch.allclose(x, sample, atol=1e-4)

    @pytest.mark.parametrize(
        ("scheduler", "prediction", "what"),
        [
            (DDIMScheduler(**ZERO_SNR), "flow", "use FlowMatch"),
            (FlowMatchEulerDiscreteScheduler(), "v_prediction", "use DDIM"),
            (EulerDiscreteScheduler(), "flow", "use FlowMatch"),
            (FlowMatchEulerDiscreteScheduler(shift=3.0), "flow", "shift=1.0"),
            (FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True), "flow", "shift=1.0"),
            (FlowMatchEulerDiscreteScheduler(shift_terminal=0.1), "flow", "shift=1.0"),
            (FlowMatchEulerDiscreteScheduler(invert_sigmas=True), "sample", "shift=1.0"),
            (FlowMatchEulerDiscreteScheduler(stochastic_sampling=True), "sample", "shift=1.0"),
            (DDIMScheduler(**{**ZERO_SNR, "rescale_betas_zero_snr": False}), "v_prediction", "rescale_betas_zero_snr"),
            (DDIMScheduler(**{**ZERO_SNR, "timestep_spacing": "leading"}), "v_prediction", "timestep_spacing"),
            (DDIMScheduler(**{**ZERO_SNR, "clip_sample": True}), "v_prediction", "clip_sample"),
        ],
    )
    def test_what_would_silently_sample_something_else(self, scheduler: t.Any, prediction: str, what: str) -> None:
        with pytest.raises(ConfigError) as error:
            start(scheduler, prediction, "power", 5, CPU)
        assert what in error.value.hint

    def test_more_steps_than_ddim_has(self) -> None:
        with pytest.raises(ConfigError, match="1000"):
            start(DDIMScheduler(**ZERO_SNR), "v_prediction", "power", 1001, CPU)
