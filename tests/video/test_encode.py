"""What is written can be read again: every bit of it where that is promised."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motionbench.errors import VideoError
from motionbench.types import Video
from motionbench.video import encode, encode_preview, load_video, probe, save_video


def noise(count: int, height: int, width: int, times: np.ndarray | None = None) -> Video:
    frames = np.random.default_rng(0).integers(0, 256, (count, height, width, 3), dtype=np.uint8)
    return Video(frames, np.arange(count) / 8 if times is None else times)


@given(st.integers(1, 12), st.integers(1, 40), st.integers(1, 40))
@settings(max_examples=25, deadline=None)
def test_lossless_round_trip(tmp_path_factory: pytest.TempPathFactory, count: int, height: int, width: int) -> None:
    video = noise(count, height, width)
    path = tmp_path_factory.mktemp("v") / "a.mp4"
    path.write_bytes(encode(video))
    read = load_video(path)
    assert np.array_equal(read.frames, video.frames)
    np.testing.assert_allclose(read.times, video.times, atol=1e-9)


@pytest.mark.parametrize("codec", ["lossless", "browser"])
def test_uneven_times_survive(codec: str, tmp_path: Path) -> None:
    times = np.array([3.0, 3.01, 3.5, 3.6, 9.0])
    (tmp_path / "a.mp4").write_bytes(encode(noise(5, 32, 32, times), codec))  # type: ignore[arg-type]
    np.testing.assert_allclose(load_video(tmp_path / "a.mp4").times, times - 3, atol=1e-5)


def test_preview_is_small_close_and_made_for_browsers(tmp_path: Path) -> None:
    y, x = np.mgrid[:95, :127]
    frames = np.stack([np.stack([x + 4 * i, y, 255 - x], axis=-1) for i in range(16)]).astype(np.uint8)
    content = encode_preview(Video(frames, np.arange(16) / 8))
    path = tmp_path / "a.mp4"
    path.write_bytes(content)
    read = load_video(path).frames
    assert read.shape == (16, 96, 128, 3)
    assert np.abs(read[:, :95, :127].astype(int) - frames).mean() < 3
    assert len(content) < 60_000
    assert content.index(b"moov") < content.index(b"mdat")
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
    assert probe(path).duration == pytest.approx(2.0)


def test_same_video_same_bytes() -> None:
    video = noise(6, 40, 50)
    for codec in ("lossless", "browser"):
        one, two = encode(video, codec), encode(video, codec)  # type: ignore[arg-type]
        assert one == two


MAKE = """
import hashlib, sys
import numpy as np
from motionbench.stress.benign import _encode
from motionbench.types import Video
from motionbench.video import encode
grid = np.stack(np.meshgrid(np.arange(100), np.arange(90)), -1).sum(-1)
frames = np.stack([np.stack([(grid * k + 9 * at) % 256 for k in (1, 2, 3)], -1) for at in range(12)]).astype(np.uint8)
print(hashlib.sha256(encode(Video(frames, np.arange(12) / 8.0), "browser") + _encode(frames, 23)).hexdigest())
"""


def test_what_the_memory_held_before_changes_no_byte() -> None:
    """glibc fills new memory with MALLOC_PERTURB_; elsewhere the processes are alike, and so are their bytes."""
    found = {
        subprocess.run(
            [sys.executable, "-c", MAKE], env=os.environ | {"MALLOC_PERTURB_": fill}, capture_output=True, check=True
        ).stdout
        for fill in ("1", "130", "255")
    }
    assert len(found) == 1


def test_nothing_to_encode() -> None:
    for shape in ((0, 8, 8), (2, 0, 8), (2, 8, 0)):
        with pytest.raises(VideoError, match="nothing to encode"):
            encode(noise(*shape))
    with pytest.raises(VideoError, match="closer than"):
        encode(noise(2, 8, 8, np.array([0.0, 1e-6])))


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "a.mp4"
    target.write_bytes(b"old")
    with pytest.raises(VideoError):
        save_video(noise(0, 8, 8), target)
    assert target.read_bytes() == b"old"
    save_video(noise(2, 8, 8), target)
    assert len(load_video(target).frames) == 2
    assert [p.name for p in tmp_path.iterdir()] == ["a.mp4"]
    assert stat.S_IMODE(target.stat().st_mode) & 0o444 == 0o444 & ~_umask()
    with pytest.raises(OSError, match="No such file"):
        save_video(noise(2, 8, 8), tmp_path / "none" / "a.mp4")


def _umask() -> int:
    import os

    mask = os.umask(0)
    os.umask(mask)
    return mask
