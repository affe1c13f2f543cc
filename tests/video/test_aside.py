"""The clip half a pixel aside, checked against a picture whose values between its pixels are known."""

from __future__ import annotations

import numpy as np
import pytest

from motionbench.types import Clip, Video
from motionbench.video import aside
from motionbench.video.aside import ASIDE


def clip(frames: np.ndarray) -> Clip:
    height, width = frames.shape[1:3]
    return Clip(Video(frames, np.arange(len(frames)) / 8.0), (height, width), (0, 0, height, width), 1, 8.0)


def test_it_is_half_a_pixel() -> None:
    assert np.hypot(*ASIDE) == pytest.approx(0.5)


@pytest.mark.parametrize("axis", [0, 1])
def test_a_ramp_moves_by_what_it_should(axis: int) -> None:
    # Ten levels per pixel: a move by d changes every value by -10 d; cubic interpolation is exact on a line.
    ramp = np.broadcast_to(10 * np.arange(24, dtype=np.uint8), (24, 24))
    frames = np.broadcast_to((ramp if axis == 0 else ramp.T)[None, ..., None], (3, 24, 24, 3)).copy()
    moved = aside(clip(frames)).video.frames.astype(int)
    inner = (slice(None), slice(4, -4), slice(4, -4))
    assert np.abs((moved - frames)[inner] + 10 * ASIDE[axis]).max() <= 0.5 + 1e-6


def test_all_but_the_pixels_stays() -> None:
    before = clip(np.random.default_rng(0).integers(0, 256, (4, 17, 31, 3), dtype=np.uint8))
    after = aside(before)
    assert after.video.frames.shape == before.video.frames.shape
    assert np.array_equal(after.video.times, before.video.times)
    assert (after.native_size, after.crop, after.stride, after.fps) == (
        before.native_size,
        before.crop,
        before.stride,
        before.fps,
    )


def test_an_even_picture_stays_as_it_is() -> None:
    frames = np.full((2, 9, 9, 3), 77, np.uint8)
    assert np.array_equal(aside(clip(frames)).video.frames, frames)
