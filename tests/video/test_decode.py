"""What a file says about its picture is honoured: formats, rotation, pixel shape, colours, transparency, times."""

from __future__ import annotations

import subprocess
import sys
import typing as t
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from motionbench.errors import VideoError
from motionbench.types import Protocol
from motionbench.video import load_video, probe

Frames = NDArray[np.uint8]


def error(a: NDArray[t.Any], b: NDArray[t.Any]) -> float:
    return float(np.abs(a.astype(float) - b.astype(float)).mean())


@pytest.mark.parametrize(
    ("name", "codec", "pixels", "most"),
    [
        ("a.mp4", "libx264", "yuv420p", 4.0),
        ("a.mov", "libx264", "yuv420p", 4.0),
        ("a.mkv", "libx264", "yuv420p", 4.0),
        ("a.avi", "libx264", "yuv420p", 4.0),
        ("a.webm", "libvpx-vp9", "yuv420p", 4.0),
        ("b.webm", "libvpx", "yuv420p", 5.0),
        ("b.avi", "mpeg4", "yuv420p", 6.0),
        ("a.gif", "gif", "rgb8", 14.0),
        ("b.mkv", "ffv1", "bgr0", 0.0),
    ],
)
def test_formats(name: str, codec: str, pixels: str, most: float, scene: t.Any, write: t.Any) -> None:
    frames = scene()
    video = load_video(write(name, frames, codec, pixels))
    assert video.frames.shape == frames.shape
    assert error(video.frames, frames) <= most
    step = 0.01 if name.endswith(".gif") else 1e-9  # GIF counts time in hundredths of a second
    np.testing.assert_allclose(video.times, np.arange(10) / 8, atol=step)
    assert video.times[0] == 0
    assert np.all(np.diff(video.times) > 0)


@pytest.mark.parametrize("size", [(1, 1), (33, 57), (64, 2), (50, 50)])
def test_odd_sizes_are_kept(size: tuple[int, int], scene: t.Any, write: t.Any) -> None:
    frames = np.random.default_rng(0).integers(0, 256, (3, *size, 3), dtype=np.uint8)
    video = load_video(write("a.mkv", frames, "ffv1", "bgr0"))
    assert np.array_equal(video.frames, frames)


MATRICES = {
    # a, b, c, d of (p, q) -> (a p + c q, b p + d q): what a player shows of the stored picture.
    "upright": ((1, 0, 0, 1), lambda f: f),
    "clockwise": ((0, 1, -1, 0), lambda f: np.rot90(f, -1)),
    "half": ((-1, 0, 0, -1), lambda f: np.rot90(f, 2)),
    "counterclockwise": ((0, -1, 1, 0), lambda f: np.rot90(f, 1)),
    "left-right": ((-1, 0, 0, 1), lambda f: f[:, ::-1]),
    "top-bottom": ((1, 0, 0, -1), lambda f: f[::-1]),
    "transposed": ((0, 1, 1, 0), lambda f: f.transpose(1, 0, 2)),
    "anti-transposed": ((0, -1, -1, 0), lambda f: f[::-1, ::-1].transpose(1, 0, 2)),
}


@pytest.mark.parametrize("kind", MATRICES)
def test_display_matrix(kind: str, scene: t.Any, tmp_path: Path) -> None:
    (a, b, c, d), shown = MATRICES[kind]
    frames, one = scene(2), 1 << 16
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264rgb", rate=8, options={"qp": "0"})
        stream.height, stream.width, stream.pix_fmt = 48, 64, "rgb24"
        stream.set_display_matrix([a * one, b * one, 0, c * one, d * one, 0, 0, 0, 1 << 30])
        for frame in frames:
            output.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        output.mux(stream.encode(None))
    video = load_video(path)
    for got, frame in zip(video.frames, frames, strict=True):
        assert np.array_equal(got, shown(frame))
    about = probe(path)
    assert about.size == video.frames.shape[1:3]
    undone = frames[0][:, ::-1] if about.mirrored else frames[0]
    assert np.array_equal(np.rot90(undone, -about.rotation // 90), video.frames[0])


def test_pixel_aspect_is_made_square(scene: t.Any, write: t.Any) -> None:
    frames = scene()
    wide = write("a.mp4", frames, aspect=Fraction(4, 3))
    assert load_video(wide).frames.shape[1:3] == (48, 85)
    assert probe(wide).pixel_aspect == pytest.approx(4 / 3)
    clip = load_video(wide, Protocol(size=64))
    assert clip.native_size == (48, 85)


@pytest.mark.parametrize("matrix", [1, 5])
@pytest.mark.parametrize("levels", [1, 2])
@pytest.mark.parametrize("pixels", ["yuv420p", "yuv444p", "yuv420p10le"])
def test_colours_follow_matrix_and_range(matrix: int, levels: int, pixels: str, write: t.Any) -> None:
    colours = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0), (200, 100, 50)]
    frames = np.tile(np.repeat(np.array(colours, dtype=np.uint8), 16, axis=0), (1, 32, 1, 1))
    scaler = VideoReformatter()

    def prepare(picture: av.VideoFrame) -> av.VideoFrame:
        made = scaler.reformat(picture, format=pixels, dst_colorspace=matrix, dst_color_range=levels, src_color_range=2)
        made.pts, made.colorspace, made.color_range = 0, matrix, levels
        return made

    path = write("a.mp4", frames, "libx264", pixels, options={"qp": "0"}, prepare=prepare, colour=(matrix, levels))
    shown = load_video(path).frames[0, 16, 8::16]
    assert np.abs(shown.astype(int) - np.array(colours)).max() <= 2


def test_grey_and_deep_samples(scene: t.Any, write: t.Any) -> None:
    grey = scene(2).mean(axis=-1).astype(np.uint8)
    frames = grey[..., None].repeat(3, axis=-1)
    assert error(load_video(write("a.mkv", frames, "ffv1", "gray")).frames, frames) <= 1
    assert error(load_video(write("b.mkv", frames, "ffv1", "gray16le")).frames, frames) <= 1


def test_alpha_is_laid_on_black(scene: t.Any, write: t.Any) -> None:
    frames = scene(3)
    alpha = np.zeros((3, 48, 64, 1), dtype=np.uint8)
    alpha[:, :, 32:] = 255
    alpha[:, :24, :32] = 128
    path = write("a.mov", np.concatenate([frames, alpha], axis=-1), "qtrle", "argb", source="rgba")
    expected = np.rint(frames * (alpha / 255)).astype(np.uint8)
    assert np.array_equal(load_video(path).frames, expected)


@pytest.mark.parametrize("codec", ["libvpx", "libvpx-vp9"])
def test_alpha_of_webm_is_not_lost(codec: str, scene: t.Any, write: t.Any) -> None:
    frames = scene(3)
    alpha = np.zeros((3, 48, 64, 1), dtype=np.uint8)
    alpha[:, :, 32:] = 255
    options = {"auto-alt-ref": "0"}
    path = write("a.webm", np.concatenate([frames, alpha], axis=-1), codec, "yuva420p", source="rgba", options=options)
    video = load_video(path)
    assert len(video.frames) == 3
    assert video.frames[:, :, :28].max() <= 8
    assert error(video.frames[:, :, 36:], frames[:, :, 36:]) <= 6
    np.testing.assert_allclose(video.times, np.arange(3) / 8)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_variable_frame_rate(name: str, scene: t.Any, write: t.Any) -> None:
    stamps = [0, 100, 130, 400, 420, 700, 1500]
    video = load_video(write(name, scene(7), stamps=stamps))
    np.testing.assert_allclose(video.times, np.array(stamps) / 1000, atol=1e-6)


def test_times_start_at_zero(scene: t.Any, write: t.Any) -> None:
    video = load_video(write("a.mkv", scene(4), stamps=[5000, 5100, 5200, 5300]))
    np.testing.assert_allclose(video.times, [0, 0.1, 0.2, 0.3], atol=1e-6)


def test_one_frame(scene: t.Any, write: t.Any) -> None:
    path = write("a.mp4", scene(1))
    assert load_video(path).times.tolist() == [0.0]
    clip = load_video(path, Protocol())
    assert (clip.fps, clip.stride, len(clip.video.frames)) == (0.0, 1, 1)
    assert (probe(path).fps, probe(path).duration) == (0.0, 0.0)


def test_only_what_is_kept_is_decoded(scene: t.Any, write: t.Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from motionbench.video import container

    path = write("a.mp4", scene(60), rate=24, options={"bf": "0"})
    painted = []
    original = container.Painter.paint
    monkeypatch.setattr(container.Painter, "paint", lambda self, f: painted.append(f.pts) or original(self, f))
    clip = load_video(path, Protocol(frames=5, fps=8))
    assert len(painted) == 5
    np.testing.assert_allclose(clip.video.times, np.arange(5) / 8, atol=1e-9)
    assert clip.stride == 3


def test_decoding_is_repeatable(scene: t.Any, write: t.Any) -> None:
    path = write("a.mp4", scene(20))
    assert np.array_equal(load_video(path).frames, load_video(path).frames)


def test_sound_and_cover_art_are_left_alone(scene: t.Any, tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as output:
        video = output.add_stream("libx264", rate=8)
        video.height, video.width, video.pix_fmt = 48, 64, "yuv420p"
        sound = output.add_stream("aac", rate=44100, layout="mono")
        for frame in scene(8):
            output.mux(video.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        for index in range(60):
            noise = av.AudioFrame.from_ndarray(np.zeros((1, 1024), dtype=np.float32), format="fltp", layout="mono")
            noise.rate, noise.pts = 44100, 1024 * index
            output.mux(sound.encode(noise))
        output.mux(video.encode(None))
        output.mux(sound.encode(None))
    np.testing.assert_allclose(load_video(path).times, np.arange(8) / 8)


def test_change_of_size_is_an_error(scene: t.Any, write: t.Any, tmp_path: Path) -> None:
    parts = [write("a.ts", scene(8), "mpeg2video"), write("b.ts", scene(8, 64, 96), "mpeg2video")]
    joined = tmp_path / "c.ts"
    joined.write_bytes(b"".join(p.read_bytes() for p in parts))
    with pytest.raises(VideoError):
        load_video(joined)


def test_what_an_edit_list_hides_stays_hidden(scene: t.Any, write: t.Any) -> None:
    path = write("a.mp4", scene(12), stamps=[125 * (i - 3) for i in range(12)])
    video = load_video(path)
    np.testing.assert_allclose(video.times, np.arange(9) / 8, atol=1e-6)
    assert not probe(path).cut_off


def test_fragmented_mp4(scene: t.Any, write: t.Any) -> None:
    path = write("a.mp4", scene(24), options={"g": "6"}, container={"movflags": "frag_keyframe+empty_moov"})
    np.testing.assert_allclose(load_video(path).times, np.arange(24) / 8)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 6 // 10])
    with pytest.raises(VideoError, match="cut off"):
        load_video(path)


def test_nothing_heavy_is_imported_early() -> None:
    code = (
        "import sys, motionbench, motionbench.datasets\n"
        "print([m for m in ('cv2', 'av', 'PIL', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
