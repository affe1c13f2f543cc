"""Thinning and resizing: the same for a file, a folder and a video in memory."""

from __future__ import annotations

import typing as t
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motionbench.types import Protocol, Video
from motionbench.video import conform, load_video, save_video
from motionbench.video.protocol import clip_size, resize


def video_of(count: int, fps: float, height: int = 48, width: int = 64) -> Video:
    frames = np.random.default_rng(0).integers(60, 255, (count, height, width, 3), dtype=np.uint8)
    return Video(frames, np.arange(count) / fps)


@given(st.integers(1, 60), st.sampled_from([4.0, 8.0, 12.0, 20.0, 24.0, 30000 / 1001]), st.integers(1, 20))
@settings(max_examples=40, deadline=None)
def test_a_uniform_stride_from_the_start(count: int, fps: float, most: int) -> None:
    video = video_of(count, fps, 8, 8)
    clip = conform(video, Protocol(frames=most, fps=8, size=8))
    stride = max(1, round(fps / 8)) if count > 1 else 1
    assert clip.stride == stride
    assert np.array_equal(clip.video.frames, video.frames[::stride][:most])
    np.testing.assert_allclose(clip.video.times, video.times[::stride][:most], atol=1e-12)
    kept = len(clip.video.frames)
    assert clip.fps == pytest.approx(fps / stride if kept > 1 else 0.0)


def test_time_is_never_invented() -> None:
    clip = conform(video_of(10, 3.0), Protocol(fps=8))
    assert (clip.stride, len(clip.video.frames), clip.fps) == (1, 10, pytest.approx(3.0))


def test_uneven_times_stay_uneven() -> None:
    times = np.array([0, 0.1, 0.13, 0.4, 0.9, 1.0])
    clip = conform(Video(video_of(6, 8).frames, times + 7), Protocol(fps=8))
    np.testing.assert_allclose(clip.video.times, times)
    assert clip.fps == pytest.approx(5.0)


@pytest.mark.parametrize(
    ("native", "fields", "size"),
    [
        ((512, 512), {}, (256, 256)),
        ((270, 480), {}, (144, 256)),
        ((480, 270), {}, (256, 144)),
        ((720, 1280), {"fit": "short"}, (256, 456)),
        ((64, 96), {}, (168, 256)),
        ((100, 3000), {}, (8, 256)),
        ((1, 1), {}, (256, 256)),
        ((300, 400), {"size": 250, "multiple": 2}, (188, 250)),
        ((300, 400), {"size": 101, "multiple": 1}, (76, 101)),
        ((300, 400), {"size": 250, "multiple": 16}, (192, 256)),
    ],
)
def test_sizes(native: tuple[int, int], fields: dict[str, t.Any], size: tuple[int, int]) -> None:
    assert clip_size(*native, Protocol(**fields)) == size


def test_resize_shrinks_by_means_and_grows_smoothly() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (64, 96, 3), dtype=np.uint8)
    blocks = picture.reshape(16, 4, 24, 4, 3).mean(axis=(1, 3))
    assert np.abs(resize(picture, (16, 24)) - blocks).max() <= 0.5 + 1e-6
    ramp = np.repeat(np.arange(0, 240, 10, dtype=np.uint8)[None, :, None], 24, axis=0).repeat(3, axis=2)
    grown = resize(ramp, (48, 48)).astype(int)
    assert np.all(np.diff(grown[20, 4:-4, 0]) >= 3)
    assert resize(picture, (64, 96)) is picture


def test_clip_maps_back_to_native_pixels() -> None:
    clip = conform(video_of(2, 8, 270, 480), Protocol())
    assert clip.to_native() == (270 / 144, 480 / 256)


def test_file_folder_and_memory_agree(tmp_path: Path) -> None:
    video = video_of(20, 24.0, 50, 70)
    save_video(video, tmp_path / "a.mp4")
    (tmp_path / "frames").mkdir()
    for index, frame in enumerate(video.frames):
        cv2.imwrite(str(tmp_path / "frames" / f"{index}.png"), frame[..., ::-1])
    (tmp_path / "frames" / "fps.txt").write_text("24\n")
    protocol = Protocol(frames=6, size=64)
    expected = conform(video, protocol)
    for path in (tmp_path / "a.mp4", tmp_path / "frames"):
        clip = load_video(path, protocol)
        assert np.array_equal(clip.video.frames, expected.video.frames)
        np.testing.assert_allclose(clip.video.times, expected.video.times, atol=1e-9)
        assert (clip.stride, clip.crop, clip.native_size) == (3, (0, 0, 50, 70), (50, 70))
        assert clip.fps == pytest.approx(8.0)


def test_results_are_read_only() -> None:
    clip = conform(video_of(3, 8), Protocol())
    with pytest.raises(ValueError, match="read-only"):
        clip.video.frames[0] = 0
