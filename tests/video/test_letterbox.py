"""Bars are found to the pixel, and nothing that could be content is taken for one."""

from __future__ import annotations

import typing as t

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from motionbench.types import Protocol
from motionbench.video import find_letterbox, load_video
from motionbench.video.protocol import fit_frames

Frames = NDArray[np.uint8]


def texture(count: int, height: int, width: int, seed: int = 0, low: int = 60, high: int = 220) -> Frames:
    """A cloud of smooth noise that drifts."""
    rng = np.random.default_rng(seed)
    big = cv2.resize(rng.random((24, 24)).astype(np.float32), (width + 40, height + 40), interpolation=cv2.INTER_CUBIC)
    big = (big - big.min()) / (big.max() - big.min())
    views = [big[i : i + height, 2 * i : 2 * i + width] for i in range(count)]
    return (low + (high - low) * np.stack(views)[..., None] * [1.0, 0.9, 0.8]).astype(np.uint8)


def boxed(content: Frames, top: int, bottom: int, left: int, right: int, level: int = 0) -> Frames:
    return np.pad(content, ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=level)


@given(
    st.integers(0, 40),
    st.integers(0, 40),
    st.sampled_from([0, 16, 20]),
    st.integers(1, 4),
    st.integers(0, 3),
)
@settings(max_examples=40, deadline=None)
def test_bars_are_found_exactly(rows: int, columns: int, level: int, count: int, seed: int) -> None:
    rows, columns = (0 if n < 3 else n for n in (rows, columns))
    frames = boxed(texture(count, 90, 120, seed), rows, rows, columns, columns, level)
    assert find_letterbox(frames) == (rows, columns, 90, 120)


@pytest.mark.parametrize("crf", ["18", "28", "35"])
def test_bars_survive_compression(crf: str, write: t.Any) -> None:
    frames = boxed(texture(8, 144, 256), 56, 56, 0, 0)
    video = load_video(write("a.mp4", frames, options={"crf": crf}))
    top, left, height, width = find_letterbox(video.frames)
    assert (left, width) == (0, 256)
    assert abs(top - 56) <= 2
    assert abs(top + height - 200) <= 2


def test_a_fade_hides_no_bars_and_makes_none() -> None:
    content = texture(10, 90, 120)
    fade = np.linspace(0, 1, 10)[:, None, None, None]
    assert find_letterbox((content * fade).astype(np.uint8)) == (0, 0, 90, 120)
    frames = boxed((content * fade).astype(np.uint8), 20, 20, 0, 0)
    assert find_letterbox(frames) == (20, 0, 90, 120)


def night() -> Frames:
    frames = texture(4, 120, 160, low=0, high=14)
    frames[:, 100:] = texture(4, 20, 160, low=30, high=90)
    return frames


def stars() -> Frames:
    frames = np.zeros((4, 120, 160, 3), dtype=np.uint8)
    at = np.random.default_rng(0).integers(0, 120, (60, 2))
    frames[:, at[:, 0], at[:, 1]] = 255
    return frames


def ball() -> Frames:
    frames = np.zeros((8, 120, 160, 3), dtype=np.uint8)
    for index, frame in enumerate(frames):
        cv2.circle(frame, (40 + 10 * index, 60), 25, (230, 120, 40), -1)
    return frames


def spotlight() -> Frames:
    y, x = np.mgrid[:120, :160]
    glow = np.exp(-((y - 60) ** 2 + (x - 80) ** 2) / 900)[..., None] * [255, 240, 200]
    return np.repeat(glow.astype(np.uint8)[None], 4, axis=0)


def vignette() -> Frames:
    y = np.linspace(-1, 1, 120)[:, None, None]
    return (texture(4, 120, 160) * np.clip(1.15 - np.abs(y) ** 3 * 1.2, 0, 1)).astype(np.uint8)


def one_side() -> Frames:
    return boxed(texture(4, 90, 160), 0, 30, 0, 0)


def sliver() -> Frames:
    return boxed(texture(4, 20, 160), 50, 50, 0, 0)


def pole() -> Frames:
    frames = np.zeros((4, 120, 160, 3), dtype=np.uint8)
    frames[:, 20:100, 70:90] = 200
    return frames


def black() -> Frames:
    return np.zeros((4, 120, 160, 3), dtype=np.uint8)


def nearly_black() -> Frames:
    return np.random.default_rng(0).integers(0, 24, (4, 120, 160, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    "make",
    [night, stars, ball, spotlight, vignette, one_side, sliver, pole, black, nearly_black],
    ids=lambda m: m.__name__,
)
def test_content_is_no_bar(make: t.Callable[[], Frames]) -> None:
    assert find_letterbox(make()) == (0, 0, 120, 160)


def test_what_is_drawn_into_a_bar_does_not_hide_it() -> None:
    frames = boxed(texture(8, 90, 160), 25, 25, 0, 0)
    for index in range(2, 8):
        frames[index, 115 : 120 + index, 10 + 12 * index : 20 + 12 * index] = 200
    assert find_letterbox(frames) == (25, 0, 90, 160)


def test_unequal_bars() -> None:
    assert find_letterbox(boxed(texture(4, 80, 160), 10, 30, 0, 0)) == (10, 0, 80, 160)


def test_half_mixed_rows_belong_to_the_bar() -> None:
    frames = boxed(texture(4, 90, 160), 25, 25, 0, 0).astype(float)
    frames[:, 25] *= 0.4
    frames[:, 114] *= 0.5
    assert find_letterbox(frames.astype(np.uint8)) == (26, 0, 88, 160)


def test_crop_is_reported_and_can_be_left_out() -> None:
    frames, times = boxed(texture(4, 90, 160), 35, 35, 0, 0), np.arange(4) / 8
    cut = fit_frames(frames, times, 1, Protocol(size=160))
    assert (cut.native_size, cut.crop, cut.video.frames.shape[1:3]) == ((160, 160), (35, 0, 90, 160), (88, 160))
    kept = fit_frames(frames, times, 1, Protocol(size=160, letterbox="keep"))
    assert (kept.crop, kept.video.frames.shape[1:3]) == ((0, 0, 160, 160), (160, 160))


BARRED = {
    "dynamicrafter": (100, 306),
    "motion_i2v": (90, 322),
    "videocrafter": (90, 322),
}


def test_real_outputs(shared_data: t.Any) -> None:
    folder = shared_data / "paper_gallery" / "outputs"
    for path in sorted(p for name in (*BARRED, "ttm_unet") for p in (folder / name).glob("*.mp4")):
        top, left, height, width = find_letterbox(load_video(path).frames)
        assert (left, width) == (0, 512)
        if path.parent.name in BARRED:
            lowest, tallest = BARRED[path.parent.name]
            assert lowest <= top <= 112
            assert 285 <= height <= tallest
        else:
            assert (top, height) == (0, 512)


def test_real_clips_have_no_bars(shared_data: t.Any) -> None:
    for path in sorted(shared_data.glob("real_clips*/cases/*/reference.mp4")):
        clip = load_video(path, Protocol())
        assert clip.crop == (0, 0, *clip.native_size), path
