from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motionbench.backends.classical import track_points
from motionbench.backends.classical.appearance import patches, similarity
from motionbench.backends.classical.seeds import (
    BACKGROUND_SEEDS,
    OBJECT_SEEDS,
    corner_strength,
    inset,
    seed_frame,
    seed_region,
)
from motionbench.errors import VideoError


def test_points_follow_a_moving_square_and_the_still_ground(square) -> None:
    frames, _ = square
    grid = np.stack(np.meshgrid(np.arange(34, 60, 5), np.arange(44, 70, 5)), -1).reshape(-1, 2).astype(np.float32)
    still = np.array([[10, 10], [110, 20], [15, 110]], np.float32)
    xy, visible = track_points(frames, np.concatenate([grid, still]))
    assert xy.shape == (len(grid) + 3, 9, 2) and xy.dtype == np.float32 and visible.dtype == np.bool_
    assert np.array_equal(xy[:, 0], np.concatenate([grid, still])) and visible[:, 0].all()
    truth = grid[:, None] + np.arange(9)[:, None] * np.array([3.0, 1.0])
    assert np.median(np.linalg.norm(xy[: len(grid)] - truth, axis=-1)) < 0.15
    assert visible[: len(grid)].mean() > 0.9
    assert np.abs(xy[len(grid) :] - still[:, None]).max() < 0.2 and visible[len(grid) :].all()


def test_points_of_a_vanished_object_are_not_visible(make_square) -> None:
    frames, masks = make_square(vanish=5)
    y, x = np.nonzero(cv2.erode(masks[0].astype(np.uint8), np.ones((9, 9), np.uint8)))
    _, visible = track_points(frames, np.stack([x, y], 1)[::7].astype(np.float32))
    assert visible[:, :5].mean() > 0.9
    assert visible[:, 5:].mean() < 0.05


def test_points_behind_an_occluder_are_not_visible(make_square) -> None:
    frames, _ = make_square(frames=12, step=(5.0, 0.0))
    behind = np.array([[80.0, 50.0], [84.0, 60.0]], np.float32)
    _, visible = track_points(frames, behind)
    assert visible[:, 1].all()
    assert not visible[:, 8].any()


def test_a_point_that_leaves_the_picture_is_not_visible(make_square) -> None:
    frames, _ = make_square(frames=16, step=(-4.0, 0.0))
    _, visible = track_points(frames, np.array([[35.0, 55.0]], np.float32))
    assert visible[0, 1:4].all() and not visible[0, 12:].any()


def test_no_points_and_one_frame() -> None:
    xy, visible = track_points(np.zeros((3, 32, 32, 3), np.uint8), np.zeros((0, 2), np.float32))
    assert xy.shape == (0, 3, 2) and visible.shape == (0, 3)
    with pytest.raises(VideoError):
        track_points(np.zeros((1, 32, 32, 3), np.uint8), np.zeros((1, 2), np.float32))


def test_flat_frames_keep_their_points() -> None:
    xy, visible = track_points(np.full((4, 64, 64, 3), 90, np.uint8), np.array([[20.0, 30.0]], np.float32))
    assert visible.all() and np.array_equal(xy, np.broadcast_to(xy[:, :1], xy.shape))


def test_each_point_is_tracked_by_itself(square) -> None:
    frames = square[0]
    points = np.array([[40, 50], [50, 60], [100, 20]], np.float32)
    together = track_points(frames, points)
    for n in range(3):
        alone = track_points(frames, points[n : n + 1])
        assert np.array_equal(alone[0][0], together[0][n]) and np.array_equal(alone[1][0], together[1][n])


def test_similarity_of_patches() -> None:
    frame = np.random.default_rng(0).integers(0, 255, (40, 40, 3), np.uint8)
    points = np.array([[20, 20], [0, 39]], np.float32)
    own = patches(frame, points, 4)
    assert own.shape == (2, 3, 81)
    assert np.array_equal(own[0].reshape(3, 9, 9), frame[16:25, 16:25].transpose(2, 0, 1))
    assert similarity(own, own) == pytest.approx([1, 1])
    assert (similarity(own, 255 - own) < 0).all()
    flat = np.full((1, 3, 81), 60, np.float32)
    assert similarity(flat, flat + 1)[0] > 0.99
    other = flat.copy()
    other[:, 0], other[:, 2] = 200, 5
    assert similarity(flat, other)[0] < 0.7


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 40), st.integers(0, 1))
def test_seeds_are_inside_distinct_and_as_many_as_fit(seed, count, flat) -> None:
    rng = np.random.default_rng(seed)
    region = rng.random((30, 40)) < rng.random()
    grey = np.full((30, 40), 9, np.uint8) if flat else rng.integers(0, 255, (30, 40), np.uint8)
    found = seed_region(corner_strength(grey), region, count)
    assert found.dtype == np.float32
    assert len(found) == min(count, int(region.sum())) == len(np.unique(found, axis=0))
    assert region[found[:, 1].astype(int), found[:, 0].astype(int)].all()


@pytest.mark.parametrize("flat", [True, False])
def test_seeds_cover_a_region_evenly(make_texture, flat) -> None:
    grey = np.full((120, 120), 50, np.uint8) if flat else make_texture(4, 120, 120)[..., 0].astype(np.uint8)
    region = np.zeros((120, 120), np.bool_)
    region[10:110, 10:110] = True
    found = seed_region(corner_strength(grey), region, 32)
    quarters = np.histogram2d(found[:, 1], found[:, 0], bins=2, range=[[10, 110], [10, 110]])[0]
    assert len(found) == 32 and quarters.min() >= 5


def test_seeds_move_with_their_region(make_texture) -> None:
    grey = make_texture(4, 100, 100)[..., 0].astype(np.uint8)
    region = np.zeros((100, 100), np.bool_)
    region[20:50, 30:70] = True
    first = seed_region(corner_strength(grey), region, 20)
    second = seed_region(corner_strength(np.roll(grey, (7, 5), (0, 1))), np.roll(region, (7, 5), (0, 1)), 20)
    assert np.array_equal(second, first + np.array([5, 7]))


def test_seeds_of_a_frame(make_texture) -> None:
    grey = make_texture(6, 96, 96)[..., 0].astype(np.uint8)
    masks = np.zeros((4, 96, 96), np.bool_)
    masks[0, 10:70, 10:70] = True
    masks[1, 20:40, 20:40] = True  # inside the first: the smaller object owns the pixels
    masks[2, 80, 80:85] = True  # five pixels
    points, owners = seed_frame(grey, masks, np.array([7, 3, 9, 4]))
    x, y = points.astype(int).T
    assert [int((owners == i).sum()) for i in (0, 7, 3, 9, 4)] == [BACKGROUND_SEEDS, OBJECT_SEEDS, OBJECT_SEEDS, 5, 0]
    assert not masks[1][y[owners == 7], x[owners == 7]].any()
    assert not masks.any(0)[y[owners == 0], x[owners == 0]].any()
    points, owners = seed_frame(grey, None, np.array([1]))
    assert len(points) == BACKGROUND_SEEDS and (owners == 0).all()
    _, owners = seed_frame(grey, np.ones((1, 96, 96), np.bool_), np.array([1]))
    assert (owners == 1).all()


def test_the_inset_leaves_at_least_half() -> None:
    region = np.zeros((60, 60), np.bool_)
    region[10:50, 10:50] = True
    assert inset(region).sum() == 32 * 32
    thin = np.zeros((60, 60), np.bool_)
    thin[20:23] = True
    assert np.array_equal(inset(thin), thin)
    assert not inset(np.zeros((8, 8), np.bool_)).any()
    assert inset(np.ones((8, 8), np.bool_)).all()
