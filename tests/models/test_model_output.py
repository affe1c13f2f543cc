"""What a model may return, and the one line that it earns otherwise."""

from __future__ import annotations

import numpy as np
import pytest

from motionbench.errors import ConfigError, ModelError, NotApplicable, PluginError, WeightsError
from motionbench.models import generate
from motionbench.types import Video

GOOD = np.zeros((3, 20, 24, 3), np.uint8)


class Returns:
    name = "returns"

    def __init__(self, value):
        self.value = value

    def generate(self, request):
        return self.value


class Raises:
    name = "raises"

    def __init__(self, error):
        self.error = error

    def generate(self, request):
        raise self.error


def test_a_video_comes_back_as_it_is(make_request) -> None:
    video = Video(GOOD, np.array([0.0, 0.1, 0.5]))
    assert generate(Returns(video), make_request()).times.tolist() == [0.0, 0.1, 0.5]


@pytest.mark.parametrize("value", [GOOD, list(GOOD), tuple(GOOD)], ids=["array", "list", "tuple"])
def test_bare_frames_get_the_requested_rate(make_request, value) -> None:
    video = generate(Returns(value), make_request(fps=4.0))
    assert video.frames.shape == GOOD.shape and video.times.tolist() == [0.0, 0.25, 0.5]


def test_tensors_and_pictures_are_frames_too(make_request) -> None:
    import torch
    from PIL import Image

    for value in (torch.from_numpy(GOOD), [Image.fromarray(frame) for frame in GOOD]):
        assert np.array_equal(generate(Returns(value), make_request()).frames, GOOD)


def test_any_size_and_length_is_allowed(make_request) -> None:
    assert generate(Returns(np.zeros((1, 16, 333, 3), np.uint8)), make_request()).frames.shape == (1, 16, 333, 3)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "returned nothing"),
        ("video.mp4", "returned a str"),
        ({"frames": GOOD}, "returned a dict"),
        (GOOD[:0], "no frames"),
        ([], "no frames"),
        (GOOD.astype(np.float32), r"float32 frames \[3x20x24x3\], expected uint8"),
        (np.full(GOOD.shape, np.nan), "float64 frames .*with NaN"),
        (GOOD.astype(np.int64), "int64"),
        (GOOD[..., :1], r"shape \[3x20x24x1\]"),
        (np.zeros((3, 20, 24, 4), np.uint8), r"shape \[3x20x24x4\]"),
        (GOOD.transpose(0, 3, 1, 2), r"shape \[3x3x20x24\]"),
        (GOOD[None], r"shape \[1x3x20x24x3\]"),
        (GOOD[0], r"shape \[20x24x3\]"),
        (GOOD[:, :15], "24 x 15 pixels, at least 16"),
        (np.uint8(3), r"shape \[scalar\]"),
        ([GOOD[0], GOOD[0, :18]], "a list that is no array: ValueError"),
        (object(), "object frames"),
        (Video(GOOD, np.array([0.0, 0.0, 1.0])), "times that do not increase"),
        (Video(GOOD, np.array([0.0, np.nan, 1.0])), "times that do not increase"),
        (Video(GOOD[:0], np.zeros(0)), "no frames"),
    ],
)
def test_what_is_no_video_is_named_in_one_line(make_request, value, reason) -> None:
    with pytest.raises(ModelError, match=reason) as caught:
        generate(Returns(value), make_request())
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (RuntimeError("CUDA out of memory\nTried to allocate"), "the model failed: RuntimeError: CUDA out of memory"),
        (AssertionError(), "the model failed: AssertionError"),
        (NotApplicable("skip me"), "the model failed: NotApplicable: skip me"),
        (SystemExit(2), "the model failed: it called sys.exit(2)"),
        (OSError(28, "No space left on device"), "the model failed: OSError: [Errno 28] No space left on device"),
        (TypeError("frames has dtype float32"), "the model failed: TypeError: frames has dtype float32"),
    ],
)
def test_whatever_a_model_raises_is_its_cases_error(make_request, error, message) -> None:
    with pytest.raises(ModelError) as caught:
        generate(Raises(error), make_request())
    assert caught.value.message == message
    assert caught.value.__cause__ is error


@pytest.mark.parametrize("error", [KeyboardInterrupt(), MemoryError(), SystemExit(143)])
def test_the_machines_troubles_pass_through(make_request, error) -> None:
    with pytest.raises(type(error)):
        generate(Raises(error), make_request())


@pytest.mark.parametrize("error", [WeightsError("w"), ConfigError("c"), PluginError("p"), ModelError("m", "hint")])
def test_our_own_errors_pass_through(make_request, error) -> None:
    with pytest.raises(type(error)) as caught:
        generate(Raises(error), make_request())
    assert caught.value is error
