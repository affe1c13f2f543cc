"""The input match finds what a system did to its input, and says so when it did something else."""

from __future__ import annotations

import time
import typing as t

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from motionbench.types import Clip, InputMatch, Protocol
from motionbench.video import load_video, match_input, read_image
from motionbench.video.protocol import fit_frames
from motionbench.video.search import Thumbnail

Picture = NDArray[np.uint8]


def picture(height: int, width: int, seed: int) -> Picture:
    """Clouds at three scales and some hard-edged shapes: no two places look alike."""
    rng = np.random.default_rng(seed)
    layers = [cv2.resize(rng.random((n, n, 3)), (width, height), interpolation=cv2.INTER_CUBIC) for n in (3, 9, 27)]
    image = np.clip(255 * (0.5 * layers[0] + 0.3 * layers[1] + 0.2 * layers[2]), 0, 255).astype(np.uint8)
    for _ in range(8):
        x, y, r = rng.integers(0, width), rng.integers(0, height), rng.integers(height // 20, height // 6)
        cv2.circle(image, (int(x), int(y)), int(r), [int(c) for c in rng.integers(0, 256, 3)], -1)
    return image


def shown(image: Picture, size: tuple[int, int], scale: float, dx: float, dy: float, around: Picture) -> Picture:
    """The picture laid into a frame by frame_xy = scale * input_xy + (dx, dy), over another one."""
    height, width = size
    matrix = np.array([[1 / scale, 0, -dx / scale], [0, 1 / scale, -dy / scale]])
    soft = cv2.GaussianBlur(image, (0, 0), 0.5 * (1 / scale - 1)) if scale < 0.9 else image
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    frame = cv2.warpAffine(soft, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    y, x = (np.arange(height) - dy) / scale, (np.arange(width) - dx) / scale
    inside = np.outer(
        abs(y - (image.shape[0] - 1) / 2) <= image.shape[0] / 2, abs(x - (image.shape[1] - 1) / 2) <= image.shape[1] / 2
    )
    return np.where(inside[..., None], frame, cv2.resize(around, (width, height))).astype(np.uint8)


def clip_of(frame: Picture, protocol: Protocol | None = None) -> Clip:
    return fit_frames(frame[None], np.zeros(1), 1, protocol or Protocol())


def miss(found: InputMatch, image: Picture, scale: float, dx: float, dy: float, clip: Clip) -> float:
    """The largest distance by which a corner of the input is misplaced, in pixels of the clip."""
    corners = [(x, y) for x in (0, image.shape[1] - 1) for y in (0, image.shape[0] - 1)]
    off = [
        np.hypot((found.scale - scale) * x + found.dx - dx, (found.scale - scale) * y + found.dy - dy)
        for x, y in corners
    ]
    return float(max(off) / max(clip.to_native()))


def centred(image: Picture, size: tuple[int, int], scale: float) -> tuple[float, float]:
    return (size[1] - 1) / 2 - scale * (image.shape[1] - 1) / 2, (size[0] - 1) / 2 - scale * (image.shape[0] - 1) / 2


FITS = {
    "identical": ((240, 320), (240, 320), 1.0),
    "smaller": ((480, 640), (240, 320), 0.5),
    "larger": ((240, 320), (480, 640), 2.0),
    "centre crop to a square": ((288, 512), (320, 320), 320 / 288),
    "centre crop to a tall frame": ((288, 512), (512, 288), 512 / 288),
    "square outpainted to 16:9": ((512, 512), (288, 512), 288 / 512),
    "16:9 outpainted to a square": ((288, 512), (512, 512), 1.0),
    "zoomed in": ((240, 320), (240, 320), 1.3),
    "zoomed out": ((240, 320), (240, 320), 0.7),
}


@pytest.mark.parametrize("kind", FITS)
@pytest.mark.parametrize("seed", [0, 1])
def test_what_systems_do(kind: str, seed: int) -> None:
    source, size, scale = FITS[kind]
    image = picture(*source, seed)
    dx, dy = centred(image, size, scale)
    clip = clip_of(shown(image, size, scale, dx, dy, picture(*size, seed + 10)))
    found = match_input(image, clip)
    assert found.ncc > 0.97
    assert miss(found, image, scale, dx, dy, clip) < 1.0


def test_letterboxed_input_is_given_in_native_pixels() -> None:
    image = picture(288, 512, 3)
    frame = np.zeros((512, 512, 3), dtype=np.uint8)
    frame[112:400] = image
    clip = clip_of(frame)
    assert clip.crop == (112, 0, 288, 512)
    found = match_input(image, clip)
    assert found.ncc > 0.99
    assert miss(found, image, 1.0, 0.0, 112.0, clip) < 0.5


def test_outpainted_inside_a_letterbox() -> None:
    image, scale = picture(512, 512, 4), 288 / 512
    dx, dy = centred(image, (288, 512), scale)
    frame = np.zeros((512, 512, 3), dtype=np.uint8)
    frame[112:400] = shown(image, (288, 512), scale, dx, dy, picture(288, 512, 14))
    clip = clip_of(frame)
    found = match_input(image, clip)
    assert found.ncc > 0.97
    assert miss(found, image, scale, dx, dy + 112, clip) < 1.0


@given(st.integers(0, 10_000), st.floats(0.6, 1.4), st.floats(-0.12, 0.12), st.floats(-0.12, 0.12))
@settings(max_examples=25, deadline=None)
def test_any_place(seed: int, zoom: float, right: float, down: float) -> None:
    image = picture(180, 240, seed)
    dx, dy = centred(image, (180, 240), zoom)
    dx, dy = dx + right * 240, dy + down * 180
    frame = shown(image, (180, 240), zoom, dx, dy, picture(180, 240, seed + 1))
    noise = np.random.default_rng(seed).normal(0, 6, frame.shape)
    clip = clip_of(np.clip(0.85 * frame + 15 + noise, 0, 255).astype(np.uint8))
    found = match_input(image, clip)
    assert found.ncc > 0.85
    assert miss(found, image, zoom, dx, dy, clip) < 2.0


def test_another_picture_does_not_match() -> None:
    scores = [match_input(picture(256, 256, 2 * i), clip_of(picture(256, 256, 2 * i + 1))).ncc for i in range(12)]
    assert np.median(scores) < 0.6  # clouds are alike: the best of all places is found, and none is good
    assert max(scores) < 0.7
    assert match_input(picture(256, 256, 0)[::-1], clip_of(picture(256, 256, 0))).ncc < 0.6


def test_a_tiny_patch_does_not_win() -> None:
    image = picture(256, 256, 0)
    frame = picture(256, 256, 1)
    frame[100:150, 100:150] = cv2.resize(image, (50, 50), interpolation=cv2.INTER_AREA)
    found = match_input(image, clip_of(frame))
    assert found.ncc < 0.6
    assert found.scale > 0.45


def test_flat_pictures_give_numbers() -> None:
    flat, grey = np.full((64, 96, 3), 90, dtype=np.uint8), np.full((64, 96, 3), 140, dtype=np.uint8)
    textured = picture(64, 96, 0)
    assert match_input(flat, clip_of(flat)) == InputMatch(1.0, 0.0, 0.0, 1.0)
    for image, frame in ((flat, grey), (flat, textured), (textured, flat), (textured, np.zeros_like(flat))):
        assert match_input(image, clip_of(frame)).ncc == 0.0


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1), (2, 2), (3, 200), (2000, 30)])
@pytest.mark.parametrize("other", [(1, 1), (64, 64), (300, 20)])
def test_odd_shapes_never_fail(size: tuple[int, int], other: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
    frame = rng.integers(0, 256, (*other, 3), dtype=np.uint8)
    found = match_input(image, clip_of(frame))
    assert np.isfinite([found.scale, found.dx, found.dy, found.ncc]).all()
    assert found.scale > 0
    assert -1 <= found.ncc <= 1


def test_it_is_repeatable() -> None:
    image, clip = picture(200, 300, 0), clip_of(picture(220, 280, 1))
    assert match_input(image, clip) == match_input(image, clip)


def test_ncc_is_the_textbook_formula() -> None:
    image = picture(128, 128, 0)
    noise = np.random.default_rng(0).normal(0, 30, image.shape)
    frame = np.clip(image + noise, 0, 255).astype(np.uint8)
    found = match_input(image, clip_of(frame, Protocol(size=128)))
    a, b = (cv2.cvtColor(p, cv2.COLOR_RGB2GRAY).ravel() for p in (image, frame))
    assert found.ncc == pytest.approx(np.corrcoef(a, b)[0, 1], abs=0.02)
    assert found.scale == pytest.approx(1.0, abs=0.01)


def test_the_search_equals_a_plain_loop() -> None:
    rng = np.random.default_rng(0)
    frame = rng.normal(100, 30, (9, 13)).astype(np.float32)
    template = np.ascontiguousarray(frame[2:8, 4:12] + rng.normal(0, 25, (6, 8))).astype(np.float32)
    best = (-2.0, 0, 0)
    for row in range(-5, 9):
        for column in range(-7, 13):
            y, x = slice(max(row, 0), min(row + 6, 9)), slice(max(column, 0), min(column + 8, 13))
            a = frame[y, x].astype(float)
            b = template[y.start - row : y.stop - row, x.start - column : x.stop - column].astype(float)
            if a.size < max(0.3 * frame.size, 0.7 * template.size):
                continue
            score = np.corrcoef(a.ravel(), b.ravel())[0, 1]
            best = max(best, (score, row, column))
    score, row, column = Thumbnail(frame, template.shape, 0.7, 0.3).best(template)
    assert (row, column) == best[1:]
    assert score == pytest.approx(best[0], abs=1e-5)


def gallery(shared_data: t.Any, system: str) -> dict[str, InputMatch]:
    root = shared_data / "paper_gallery"
    found = {}
    for path in sorted((root / "outputs" / system).glob("*.mp4")):
        image = read_image(root / "cases" / path.stem / "first_frame.png")
        found[path.stem] = match_input(image, load_video(path, Protocol()))
    return found


@pytest.mark.parametrize("system", ["motion_i2v", "dynamicrafter"])
def test_real_outpainting(system: str, shared_data: t.Any) -> None:
    found = gallery(shared_data, system).values()
    assert all(match.ncc > 0.6 for match in found)
    assert all(0.52 < match.scale < 0.58 for match in found)


@pytest.mark.parametrize("system", ["ttm_unet", "ti2v_unet", "consisti2v"])
def test_real_plain_fits(system: str, shared_data: t.Any) -> None:
    for match in gallery(shared_data, system).values():
        assert match.ncc > 0.95
        assert match.scale == pytest.approx(1.0, abs=0.004)
        assert abs(match.dx) + abs(match.dy) < 2


def test_real_first_frame_that_is_not_the_input(shared_data: t.Any) -> None:
    assert all(match.ncc < 0.6 for match in gallery(shared_data, "videocrafter").values())


def test_it_is_fast() -> None:
    """At 256 pixels a search takes some 20 ms of one core; the limit leaves room for slow machines."""
    image, clip = picture(512, 512, 0), clip_of(picture(288, 512, 1))
    match_input(image, clip)
    start = time.process_time()
    for _ in range(5):
        match_input(image, clip)
    assert (time.process_time() - start) / 5 < 0.15
