"""Pictures and masks land where the input match says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motionbench.types import Clip, InputMatch, Protocol, Video
from motionbench.video import carry_image, carry_masks
from motionbench.video.protocol import fit_frames


def clip_of(height: int, width: int, protocol: Protocol) -> Clip:
    rng = np.random.default_rng(0)
    return fit_frames(rng.integers(60, 255, (1, height, width, 3), dtype=np.uint8), np.zeros(1), 1, protocol)


def test_identity_is_exact() -> None:
    image = np.random.default_rng(1).integers(0, 256, (64, 96, 3), dtype=np.uint8)
    masks = np.random.default_rng(2).random((3, 64, 96)) > 0.5
    clip, match = clip_of(64, 96, Protocol(size=96)), InputMatch(1.0, 0.0, 0.0, 1.0)
    carried, shown = carry_image(image, match, clip)
    assert np.array_equal(carried, image)
    assert shown.all()
    assert np.array_equal(carry_masks(masks, match, clip), masks)


def test_whole_number_shift() -> None:
    image = np.random.default_rng(1).integers(1, 256, (64, 96, 3), dtype=np.uint8)
    clip, match = clip_of(64, 96, Protocol(size=96)), InputMatch(1.0, 10.0, -6.0, 1.0)
    carried, shown = carry_image(image, match, clip)
    assert np.array_equal(carried[:58, 10:], image[6:, :86])
    assert np.array_equal(shown, np.pad(np.ones((58, 86), dtype=bool), ((0, 6), (10, 0))))
    assert carried[~shown].max() == 0


def test_half_size_is_the_mean_of_blocks() -> None:
    image = np.random.default_rng(1).integers(0, 256, (64, 96, 3), dtype=np.uint8)
    clip = clip_of(64, 96, Protocol(size=48))
    carried, shown = carry_image(image, InputMatch(1.0, 0.0, 0.0, 1.0), clip)
    blocks = image.reshape(32, 2, 48, 2, 3).mean(axis=(1, 3))
    assert np.abs(carried - blocks).max() <= 1
    assert shown.all()


def test_a_pixel_belongs_to_what_covers_half_of_it() -> None:
    masks = np.zeros((1, 64, 96), dtype=bool)
    masks[0, 10:20, 31:50] = True
    carried = carry_masks(masks, InputMatch(1.0, 0.0, 0.0, 1.0), clip_of(64, 96, Protocol(size=48)))[0]
    expected = np.zeros((32, 48), dtype=bool)
    expected[5:10, 15:25] = True
    assert np.array_equal(carried, expected)


def test_small_objects_survive_and_hidden_ones_do_not() -> None:
    masks = np.zeros((3, 512, 512), dtype=bool)
    masks[0, 100, 300] = True
    masks[1, 0, 0] = True
    clip = clip_of(512, 512, Protocol(size=128))
    carried = carry_masks(masks, InputMatch(1.0, 0.0, 0.0, 1.0), clip)
    assert carried.sum(axis=(1, 2)).tolist() == [1, 1, 0]
    assert carried[0, 25, 75]
    moved = carry_masks(masks, InputMatch(1.0, -200.0, 0.0, 1.0), clip)
    assert moved.sum(axis=(1, 2)).tolist() == [1, 0, 0]


def test_bars_are_cut_from_the_input_too() -> None:
    frames = np.zeros((1, 160, 160, 3), dtype=np.uint8)
    frames[:, 35:125] = np.random.default_rng(0).integers(60, 255, (90, 160, 3), dtype=np.uint8)
    clip = fit_frames(frames, np.zeros(1), 1, Protocol(size=160, multiple=2))
    carried, shown = carry_image(frames[0], InputMatch(1.0, 0.0, 0.0, 1.0), clip)
    assert np.array_equal(carried, clip.video.frames[0])
    assert shown.all()


@given(
    st.integers(8, 200),
    st.integers(8, 200),
    st.floats(0.3, 3),
    st.floats(-1, 1),
    st.floats(-1, 1),
    st.sampled_from([(64, 64), (90, 160), (160, 90)]),
)
@settings(max_examples=60, deadline=None)
def test_masks_keep_their_area_and_stay_inside(
    height: int, width: int, scale: float, right: float, down: float, size: tuple[int, int]
) -> None:
    clip = Clip(Video(np.zeros((1, *size, 3), np.uint8), np.zeros(1)), (300, 400), (10, 20, 270, 360), 1, 0.0)
    match = InputMatch(scale, 20 + right * 200, 10 + down * 150, 1.0)
    masks = np.zeros((2, height, width), dtype=bool)
    masks[0] = True
    masks[1, height // 4 : 3 * height // 4 + 1, width // 4 : 3 * width // 4 + 1] = True
    carried = carry_masks(masks, match, clip)
    _, shown = carry_image(np.full((height, width, 3), 255, np.uint8), match, clip)
    assert np.array_equal(carried[0], shown)
    assert not np.any(carried[1] & ~shown)


def test_empty_stack() -> None:
    clip = clip_of(64, 96, Protocol(size=96))
    assert carry_masks(np.zeros((0, 10, 10), dtype=bool), InputMatch(1, 0, 0, 1), clip).shape == (0, 64, 96)


def test_agrees_with_a_direct_loop() -> None:
    """Each clip pixel, by the definition: where its centre falls in the input, and what lies around there."""
    clip, match = clip_of(80, 120, Protocol(size=60, multiple=4)), InputMatch(0.8, 14.3, -5.2, 1.0)
    masks = np.zeros((1, 100, 100), dtype=bool)
    masks[0, 30:70, 20:80] = True
    carried = carry_masks(masks, match, clip)[0]
    ratio = clip.to_native()
    hits = 0
    for y in range(carried.shape[0]):
        for x in range(carried.shape[1]):
            input_x = (clip.crop[1] + (x + 0.5) * ratio[1] - 0.5 - match.dx) / match.scale
            input_y = (clip.crop[0] + (y + 0.5) * ratio[0] - 0.5 - match.dy) / match.scale
            inside = 29.5 <= input_y < 69.5 and 19.5 <= input_x < 79.5
            hits += carried[y, x] == inside
    assert hits / carried.size == pytest.approx(1.0, abs=0.02)
