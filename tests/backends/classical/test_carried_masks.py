from __future__ import annotations

import cv2
import numpy as np
import pytest

from motionbench.backends.classical.colours import colour_table, levels
from motionbench.backends.classical.pose import apply, fit_similarity


def overlap(found: np.ndarray, truth: np.ndarray) -> float:
    return float((found & truth).sum() / max(1, (found | truth).sum()))


def test_a_moving_square_keeps_its_mask(square, square_features) -> None:
    found, truth = square_features["masks"]["values"][0], square[1]
    assert np.array_equal(found[0], truth[0])
    assert min(overlap(f, t) for f, t in zip(found, truth, strict=True)) > 0.9


def test_a_still_clip_keeps_its_masks(make_square, inputs_of, features_of) -> None:
    frames, masks = make_square(frames=8, step=(0.0, 0.0))
    found = features_of(inputs_of(frames, masks[None, 0]))["masks"]["values"][0]
    assert min(overlap(f, masks[0]) for f in found) > 0.97


def test_a_vanished_object_leaves_no_mask_behind(make_square, inputs_of, features_of) -> None:
    frames, masks = make_square(frames=10, vanish=5)
    found = features_of(inputs_of(frames, masks[None, 0]))["masks"]["values"][0]
    assert overlap(found[4], masks[4]) > 0.9
    assert found[7:].sum() <= 0.02 * masks[0].sum()


def test_a_mask_never_leaks_over_a_cut(make_square, make_texture, inputs_of, features_of) -> None:
    frames, masks = make_square(frames=10)
    frames = frames.copy()
    frames[5:] = make_texture(11, 128, 128, 120.0).round().astype(np.uint8)
    found = features_of(inputs_of(frames, masks[None, 0]))["masks"]["values"][0]
    assert found.sum((1, 2)).max() < 1.3 * masks[0].sum()


def test_an_object_comes_back_from_behind_another(make_texture, inputs_of, features_of) -> None:
    ground, own, bar = (make_texture(s, 128, 128, level) for s, level in ((1, 80), (2, 190), (3, 40)))
    own[..., 2] *= 0.4
    bar[..., 0] *= 0.4
    x = np.arange(128)[None, :] + np.zeros((128, 1))
    y = x.T
    frames, truth = [], []
    for t in range(14):
        left = 20 + 5 * t
        inside = (x >= left) & (x < left + 24) & (y >= 50) & (y < 74)
        front = (x >= 56) & (x < 72)
        picture = np.where(inside[..., None], np.roll(own, 5 * t, 1), ground)
        frames.append(np.where(front[..., None], bar, picture))
        truth.append(inside & ~front)
    masks = np.stack([truth[0], front])
    found = features_of(inputs_of(np.stack(frames).round().astype(np.uint8), masks))["masks"]["values"]
    assert overlap(found[0, 5], truth[5]) > 0.75
    assert overlap(found[0, -1], truth[-1]) > 0.75
    assert all(overlap(plane, front) > 0.9 for plane in found[1])


def test_overlapping_planes_are_both_carried(square, inputs_of, features_of) -> None:
    frames, masks = square
    part = masks[0].copy()
    part[:56] = False
    found = features_of(inputs_of(frames, np.stack([masks[0], part])))["masks"]["values"]
    assert overlap(found[0, -1], masks[-1]) > 0.85
    lower = masks[-1].copy()
    lower[: 56 + 8] = False
    assert overlap(found[1, -1], lower) > 0.75


@pytest.mark.parametrize("side", [1, 2, 3])
def test_tiny_objects_in_a_still_clip_are_kept(make_texture, inputs_of, features_of, side) -> None:
    picture = make_texture(9, 96, 96, 90.0)
    picture[40 : 40 + side, 50 : 50 + side] = (250, 20, 20)
    mask = np.zeros((1, 96, 96), np.bool_)
    mask[0, 40 : 40 + side, 50 : 50 + side] = True
    found = features_of(inputs_of(np.stack([picture.round().astype(np.uint8)] * 6), mask))
    assert (found["masks"]["values"][0].sum((1, 2)) >= 0.5 * side * side).all()
    assert found["masks"]["values"][0].sum((1, 2)).max() <= 2 * side * side + 4
    assert (found["windows"]["object_ids"] == 1).any()


def test_a_mask_of_the_whole_picture(square, inputs_of, features_of) -> None:
    frames = square[0][:5]
    found = features_of(inputs_of(frames, np.ones((1, 128, 128), np.bool_)))
    assert found["masks"]["values"].mean() > 0.95
    assert (found["tracks"]["object_ids"] == 1).all()


def test_colours_of_the_object_and_of_the_rest() -> None:
    frame = np.full((40, 40, 3), (20, 120, 20), np.uint8)
    inside = np.zeros((40, 40), np.bool_)
    inside[10:20, 10:20] = True
    frame[inside] = (200, 30, 30)
    table = colour_table(levels(frame), inside, ~inside)
    assert table.shape == (4096,)
    assert table[levels(frame)][inside].min() > 0.95 and table[levels(frame)][~inside].max() < 0.05
    assert table[levels(np.full((1, 1, 3), (30, 30, 240), np.uint8))][0, 0] == pytest.approx(0.5, abs=1e-6)


def test_a_similarity_is_fitted_through_outliers() -> None:
    rng = np.random.default_rng(0)
    source = rng.uniform(0, 100, (40, 2))
    turn, scale = 0.3, 1.2
    pose = np.array(
        [[scale * np.cos(turn), -scale * np.sin(turn), 5], [scale * np.sin(turn), scale * np.cos(turn), -8]]
    )
    target = apply(pose, source)
    target[:12] += rng.uniform(-60, 60, (12, 2))
    fitted = fit_similarity(source, target)
    assert fitted is not None and np.abs(fitted[0] - pose).max() < 0.05 and fitted[1] == pytest.approx(0.7, abs=0.06)
    assert fit_similarity(source[:5], target[:5]) is None
    same = fit_similarity(np.ones((8, 2)), np.full((8, 2), 3.0))
    assert same is not None and np.allclose(apply(same[0], np.ones((1, 2))), 3.0)
    assert fit_similarity(source, 10 * source) is None


def test_masks_survive_gain_and_noise(square, inputs_of, features_of) -> None:
    frames, masks = square
    rng = np.random.default_rng(5)
    noisy = frames * np.linspace(1, 0.85, 9)[:, None, None, None] + rng.normal(0, 4, frames.shape)
    found = features_of(inputs_of(np.clip(noisy, 0, 255).astype(np.uint8), masks[None, 0]))["masks"]["values"][0]
    assert overlap(found[-1], masks[-1]) > 0.8
    assert cv2.connectedComponents(found[-1].astype(np.uint8))[0] <= 3
