"""Single pictures, and folders of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from motionbench.errors import VideoError
from motionbench.types import Protocol
from motionbench.video import images, load_video, probe, read_image, read_labels


@pytest.fixture
def rgb() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)


def test_plain_pictures(rgb: np.ndarray, tmp_path: Path) -> None:
    Image.fromarray(rgb).save(tmp_path / "a.png")
    Image.fromarray(rgb).save(tmp_path / "a.webp", lossless=True)
    assert np.array_equal(read_image(tmp_path / "a.png"), rgb)
    assert np.array_equal(read_image(tmp_path / "a.webp"), rgb)
    smooth = np.repeat(np.linspace(0, 255, 30)[None, :, None], 20, axis=0).repeat(3, axis=2).astype(np.uint8)
    Image.fromarray(smooth).save(tmp_path / "a.jpg", quality=95)
    assert np.abs(read_image(tmp_path / "a.jpg").astype(int) - smooth).max() <= 6
    (tmp_path / "misnamed.png").write_bytes((tmp_path / "a.jpg").read_bytes())
    assert read_image(tmp_path / "misnamed.png").shape == (20, 30, 3)


def test_unusual_pictures(rgb: np.ndarray, tmp_path: Path) -> None:
    alpha = np.full((20, 30, 1), 128, dtype=np.uint8)
    Image.fromarray(np.concatenate([rgb, alpha], axis=2)).save(tmp_path / "alpha.png")
    assert np.array_equal(read_image(tmp_path / "alpha.png"), np.rint(rgb * (128 / 255)).astype(np.uint8))
    Image.fromarray(rgb[..., 0]).save(tmp_path / "grey.png")
    assert np.array_equal(read_image(tmp_path / "grey.png"), rgb[..., :1].repeat(3, axis=2))
    deep = rgb[..., 0].astype(np.uint16) * 256 + 77
    Image.fromarray(deep).save(tmp_path / "deep.png")
    assert np.array_equal(read_image(tmp_path / "deep.png"), rgb[..., :1].repeat(3, axis=2))
    Image.fromarray(rgb[..., 0] > 99).save(tmp_path / "bits.png")
    assert set(np.unique(read_image(tmp_path / "bits.png"))) == {0, 255}
    turned = Image.fromarray(rgb)
    exif = turned.getexif()
    exif[0x0112] = 6  # stored lying on its side
    turned.save(tmp_path / "turned.png", exif=exif)
    assert np.array_equal(read_image(tmp_path / "turned.png"), np.rot90(rgb, -1))


def test_labels_keep_their_numbers(tmp_path: Path) -> None:
    labels = np.random.default_rng(0).integers(0, 4, (20, 30), dtype=np.uint8)
    palette = Image.fromarray(labels, mode="P")
    palette.putpalette([0, 0, 0, 200, 0, 0, 0, 0, 0, 7, 7, 7] + [9] * 756)
    palette.save(tmp_path / "palette.png")
    Image.fromarray(labels).save(tmp_path / "grey.png")
    Image.fromarray(labels.astype(np.uint16) * 300).save(tmp_path / "deep.png")
    palette.save(tmp_path / "bits.png", bits=2)
    assert np.array_equal(read_labels(tmp_path / "palette.png"), labels)
    assert np.array_equal(read_labels(tmp_path / "grey.png"), labels)
    assert np.array_equal(read_labels(tmp_path / "bits.png"), labels)
    assert np.array_equal(read_labels(tmp_path / "deep.png"), labels.astype(int) * 300)
    Image.fromarray(np.stack([labels] * 3, axis=-1)).save(tmp_path / "colour.png")
    with pytest.raises(VideoError, match="colours"):
        read_labels(tmp_path / "colour.png")


def test_bad_pictures(rgb: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.fromarray(rgb).save(tmp_path / "a.png")
    whole = (tmp_path / "a.png").read_bytes()
    cases = {"empty.png": b"", "text.png": b"hello", "half.png": whole[: len(whole) // 2], "head.png": whole[:40]}
    # PostScript and TIFF have parsers that do more than a picture needs; they are never reached.
    cases["script.png"] = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\nshowpage\n"
    for name, content in cases.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(VideoError, match=name):
            read_image(tmp_path / name)
    with pytest.raises(VideoError, match="cannot be read"):
        read_image(tmp_path / "none.png")
    monkeypatch.setattr(images, "MAX_PIXELS", 100)
    with pytest.raises(VideoError, match="30x20"):
        read_image(tmp_path / "a.png")


def folder_of(path: Path, names: list[str], values: list[int] | None = None, size: tuple[int, int] = (8, 8)) -> Path:
    path.mkdir(exist_ok=True)
    for index, name in enumerate(names):
        Image.fromarray(np.full((*size, 3), values[index] if values else index, dtype=np.uint8)).save(path / name)
    return path


def test_natural_order(tmp_path: Path) -> None:
    names = ["frame1.png", "frame2.png", "frame10.png", "frame11.png"]
    folder = folder_of(tmp_path / "a", names[::-1], [3, 2, 1, 0])
    (folder / "notes.txt").write_text("not a frame")
    (folder / ".hidden.png").write_bytes(b"junk")
    video = load_video(folder)
    assert video.frames[:, 0, 0, 0].tolist() == [0, 1, 2, 3]


def test_rate_of_a_folder(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "a", [f"{i:05d}.png" for i in range(12)])
    np.testing.assert_allclose(load_video(folder).times, np.arange(12) / 8)
    np.testing.assert_allclose(load_video(folder, Protocol(fps=5)).video.times, np.arange(12) / 5)
    (folder / "fps.txt").write_text("24\n")
    clip = load_video(folder, Protocol(size=8))
    assert (clip.stride, clip.fps) == (3, pytest.approx(8.0))
    assert clip.video.frames[:, 0, 0, 0].tolist() == [0, 3, 6, 9]
    assert probe(folder).fps == 24
    assert probe(folder).duration == pytest.approx(0.5)
    for text in ("fast", "0", "-3", "nan", "inf", "1e9", ""):
        (folder / "fps.txt").write_text(text)
        with pytest.raises(VideoError, match="fps"):
            load_video(folder)


def test_only_kept_frames_are_read(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "a", [f"{i}.png" for i in range(12)])
    (folder / "fps.txt").write_text("24")
    (folder / "4.png").write_bytes(b"junk")
    assert len(load_video(folder, Protocol(size=8)).video.frames) == 4
    with pytest.raises(VideoError, match=r"4\.png"):
        load_video(folder)


def test_bad_folders(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(VideoError, match="no frames"):
        load_video(tmp_path / "empty")
    twice = folder_of(tmp_path / "twice", ["0.png", "0.webp"])
    with pytest.raises(VideoError, match="two pictures for one frame"):
        load_video(twice)
    mixed = folder_of(folder_of(tmp_path / "mixed", ["0.png"]), ["1.png"], size=(9, 8))
    with pytest.raises(VideoError, match=r"0\.png is 8x8, 1\.png is 8x9"):
        load_video(mixed)


def test_one_picture_is_one_frame(tmp_path: Path) -> None:
    clip = load_video(folder_of(tmp_path / "a", ["x.png"]), Protocol())
    assert (clip.fps, clip.video.times.tolist()) == (0.0, [0.0])
