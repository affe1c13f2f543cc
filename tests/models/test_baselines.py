"""static and warp: what they promise about frame 0, borders, seeds, masks and time."""

from __future__ import annotations

import time

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motionbench.errors import ConfigError
from motionbench.models.static import StaticModel
from motionbench.models.warp import WarpModel, _motion, _view
from motionbench.types import Request


def disc(height, width, x, y, radius):
    rows, columns = np.mgrid[:height, :width]
    return (columns - x) ** 2 + (rows - y) ** 2 <= radius**2


def test_static_is_the_picture_again_and_again(make_request) -> None:
    request = make_request(33, 47, frames=5, fps=10.0)
    video = StaticModel().generate(request)
    assert video.frames.shape == (5, 33, 47, 3)
    assert all(np.array_equal(frame, request.image) for frame in video.frames)
    assert video.times == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.4])


def test_warp_starts_at_the_input_and_moves_on(make_request) -> None:
    request = make_request(masks0=disc(64, 96, 40, 30, 12)[None])
    video = WarpModel().generate(request)
    assert np.array_equal(video.frames[0], request.image)
    change = np.abs(video.frames[1:].astype(float) - video.frames[:-1]).mean(axis=(1, 2, 3))
    assert (change > 0.2).all()
    assert change.argmax() not in (0, len(change) - 1)  # it starts and ends at rest


def test_the_first_step_is_continuous(make_request) -> None:
    """The cut-out covers its own hole: with nearly no motion, nearly nothing changes, at its edge neither."""
    request = make_request(128, 128, masks0=disc(128, 128, 60, 60, 20)[None])
    frames = WarpModel(strength=1e-4).generate(request).frames.astype(int)
    assert np.abs(frames - request.image).max() <= 1


def test_the_seed_decides_and_nothing_else(make_request) -> None:
    masks = disc(64, 96, 40, 30, 12)[None]
    first, again = (WarpModel().generate(make_request(masks0=masks)).frames for _ in range(2))
    other = WarpModel().generate(make_request(masks0=masks, seed=8)).frames
    assert np.array_equal(first, again) and not np.array_equal(first, other)
    threads = cv2.getNumThreads()
    cv2.setNumThreads(4)
    try:
        assert np.array_equal(WarpModel().generate(make_request(masks0=masks)).frames, first)
    finally:
        cv2.setNumThreads(threads)


def test_without_masks_only_the_camera_moves(make_request) -> None:
    plain = WarpModel().generate(make_request()).frames
    empty = WarpModel().generate(make_request(masks0=np.zeros((2, 64, 96), bool))).frames
    assert np.array_equal(plain, empty)
    assert not np.array_equal(plain[-1], plain[0])


def test_the_object_moves_by_the_promised_amount(make_request) -> None:
    """A white disc on grey: 6 to 14 % of the diagonal, measured as the shift of its centre of mass."""
    mask = disc(128, 128, 64, 64, 14)
    image = np.full((128, 128, 3), 90, np.uint8)
    image[mask] = 255
    shifts = []
    for seed in range(20):
        request = make_request(128, 128, image=image, masks0=mask[None], seed=seed)
        weight = np.clip(WarpModel().generate(request).frames[-1][..., 0].astype(float) - 150, 0, None)
        rows, columns = np.mgrid[:128, :128]
        shifts.append(np.hypot((weight * columns).sum() / weight.sum() - 64, (weight * rows).sum() / weight.sum() - 64))
    low, high = 0.06 * np.hypot(128, 128), 0.14 * np.hypot(128, 128)
    assert 0.6 * low < min(shifts) and max(shifts) < 1.3 * high  # the camera adds its own part


def test_the_hole_is_filled_from_around_it(make_request) -> None:
    """Nothing of a red disc stays behind on a green ground."""
    mask = disc(96, 96, 48, 48, 10)
    image = np.zeros((96, 96, 3), np.uint8)
    image[..., 1] = 160
    image[mask] = (255, 0, 0)
    last = WarpModel(strength=3.0).generate(make_request(96, 96, image=image, masks0=mask[None], seed=3)).frames[-1]
    red = (last[..., 0] > 128).sum()
    assert 0.5 * mask.sum() < red < 2.0 * mask.sum()
    assert (last[..., 1] > 100).sum() > 96 * 96 - 3 * mask.sum()


def test_a_front_object_does_not_tear_the_one_behind(make_request) -> None:
    """A small disc on a large one: both move apart, and the large one is whole where the small one was."""
    large, small = disc(128, 128, 60, 64, 30), disc(128, 128, 60, 64, 8)
    image = np.full((128, 128, 3), 40, np.uint8)
    image[large] = (0, 200, 0)
    image[small] = (250, 250, 250)
    for masks in (np.stack([large, small]), np.stack([small, large])):
        last = WarpModel().generate(make_request(128, 128, image=image, masks0=masks, seed=5)).frames[-1]
        white = (last.min(axis=2) > 200).sum()
        assert 0.6 * small.sum() < white < 1.6 * small.sum()
        green = (last[..., 1] > 130).sum()
        assert green > 0.85 * large.sum()


def test_no_border_ever_shows() -> None:
    """The corners of the output come from inside the picture, at the greatest zoom and pan too."""
    for width, height in ((17, 16), (640, 360)):
        for sign_x in (-1, 0, 1):
            for sign_y in (-1, 0, 1):
                for eased in (0.0, 0.3, 1.0):
                    camera = (1.12, sign_x * (width - 1.0), sign_y * (height - 1.0))
                    back = np.linalg.inv(_view(camera, eased, width, height))
                    for x in (0, width - 1):
                        for y in (0, height - 1):
                            at = back @ [x, y, 1]
                            assert -1e-9 <= at[0] <= width - 1 + 1e-9 and -1e-9 <= at[1] <= height - 1 + 1e-9


def test_an_object_starts_where_it_is(make_request) -> None:
    layer = WarpModel()._layer(
        np.random.default_rng(0), np.zeros((64, 64, 3), np.uint8), disc(64, 64, 30, 30, 9), np.zeros((64, 64), bool)
    )
    assert _motion(layer, 0.0) == pytest.approx(np.eye(3))
    end = _motion(layer, 1.0) @ [*layer.centre, 1]
    assert end[:2] == pytest.approx([layer.centre[0] + layer.shift[0], layer.centre[1] + layer.shift[1]])


def test_an_object_at_the_border_is_not_pulled_off_it(make_request) -> None:
    mask = np.zeros((64, 64), bool)
    mask[20:44, :12] = True
    for seed in range(30):
        layer = WarpModel()._layer(
            np.random.default_rng(seed), np.zeros((64, 64, 3), np.uint8), mask, np.zeros((64, 64), bool)
        )
        assert layer.shift[0] <= 0


@settings(max_examples=30, deadline=None)
@given(
    height=st.integers(16, 70),
    width=st.integers(16, 70),
    frames=st.integers(1, 5),
    objects=st.integers(0, 3),
    seed=st.integers(0, 2**63 - 1),
)
def test_any_size_and_any_masks_make_a_video(height, width, frames, objects, seed) -> None:
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, (height, width, 3)).astype(np.uint8)
    kinds = [np.zeros, np.ones, lambda shape, _: rng.random(shape) > 0.5, lambda shape, _: rng.random(shape) > 0.98]
    masks = np.array([kinds[k](image.shape[:2], bool) for k in rng.integers(0, 4, objects)], bool)
    masks = masks.reshape(objects, height, width)
    request = Request("c", image, "", "", (), masks, frames, 8.0, (height, width), seed)
    video = WarpModel().generate(request)
    assert video.frames.shape == (frames, height, width, 3)
    assert np.array_equal(video.frames[0], image)


@pytest.mark.parametrize("strength", [-1, 5, "much", float("nan"), True])
def test_a_strength_that_makes_no_sense_is_refused(strength) -> None:
    with pytest.raises(ConfigError, match="strength"):
        WarpModel(strength)


def test_it_takes_a_moment_only(make_request) -> None:
    masks = np.stack([disc(128, 128, 40, 40, 15), disc(128, 128, 90, 80, 20)])
    request = make_request(128, 128, masks0=masks, frames=16)
    WarpModel().generate(request)
    best = min(_timed(request) for _ in range(3))
    assert best <= 0.15


def _timed(request: Request) -> float:
    start = time.perf_counter()
    WarpModel().generate(request)
    return time.perf_counter() - start
