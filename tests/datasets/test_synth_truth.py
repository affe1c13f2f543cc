"""Ground truth of synth: masks, ids, flow and tracks agree with one another and with the pixels."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from motionbench.datasets.synth import redraw, render
from motionbench.datasets.synth.scene import layout_of
from motionbench.errors import ConfigError

SAMPLE = (0, 3, 5, 8, 17, 22, 25, 40, 41, 56, 65, 74, 95, 124)


@functools.lru_cache(maxsize=32)
def scene(index: int, size: int = 128):
    return render(index, size=size)


def bilinear(frames, x, y):
    """Values [..., C] of one picture [H, W, C] at points inside it."""
    height, width = frames.shape[:2]
    j, i = np.clip(np.floor(x).astype(int), 0, width - 2), np.clip(np.floor(y).astype(int), 0, height - 2)
    fx, fy = (x - j)[..., None], (y - i)[..., None]
    upper = frames[i, j] * (1 - fx) + frames[i, j + 1] * fx
    return upper * (1 - fy) + (frames[i + 1, j] * (1 - fx) + frames[i + 1, j + 1] * fx) * fy


@pytest.mark.parametrize("index", SAMPLE)
def test_masks_and_ids(index):
    s = scene(index)
    modal, amodal = s.masks.values, s.amodal.values
    owner = np.array([0, *(part.object_id for part in s._stack.parts)])[s.parts]
    assert np.array_equal(s.masks.object_ids, np.arange(1, len(modal) + 1))
    assert np.array_equal(s.masks.frames, np.arange(16))
    assert modal.sum(axis=0).max() <= 1  # one owner for each pixel
    assert np.array_equal(modal.any(axis=0), owner > 0)
    assert not (modal & ~amodal).any()
    hidden = amodal & ~modal
    # What an object hides behind is a nearer object or scenery, never the ground.
    for plane in hidden:
        assert (s.parts[plane] > 0).all()


@pytest.mark.parametrize("index", SAMPLE)
def test_flow_is_the_motion_of_the_tracks(index):
    s = scene(index)
    tracks, uv, parts = s.tracks, s.flow.uv, s.parts
    checked = 0
    for t in range(15):
        x, y = tracks.xy[:, t, 0].astype(float), tracks.xy[:, t, 1].astype(float)
        j, i = np.floor(x).astype(int), np.floor(y).astype(int)
        inside = tracks.visible[:, t] & (j >= 0) & (i >= 0) & (j < 127) & (i < 127)
        j, i = np.clip(j, 0, 126), np.clip(i, 0, 126)
        corners = np.stack([parts[t, i, j], parts[t, i + 1, j], parts[t, i, j + 1], parts[t, i + 1, j + 1]])
        same = inside & (corners == corners[0]).all(axis=0)
        # A rigid part's flow is affine in x, so bilinear interpolation between its pixels is exact.
        moved = bilinear(uv[t].astype(float), x, y)[same]
        assert np.abs(moved - np.diff(tracks.xy[same, t : t + 2].astype(float), axis=1)[:, 0]).max(initial=0) < 2e-5
        checked += same.sum()
    assert checked > 300


@pytest.mark.parametrize("index", SAMPLE)
def test_flow_carries_the_pixels(index):
    s = scene(index)
    grid_x, grid_y = np.meshgrid(np.arange(128.0), np.arange(128.0))
    errors, plain = [], []
    for t in (2, 7, 12):
        x, y = grid_x + s.flow.uv[t, ..., 0], grid_y + s.flow.uv[t, ..., 1]
        inside = (x >= 1) & (y >= 1) & (x <= 126) & (y <= 126)
        j, i = np.clip(np.rint(x).astype(int), 1, 126), np.clip(np.rint(y).astype(int), 1, 126)
        same = inside.copy()
        for di in (-1, 0, 1):
            for dj in (-1, 0, 1):
                same &= s.parts[t + 1, i + di, j + dj] == s.parts[t]
                same &= np.roll(s.parts[t], (di, dj), axis=(0, 1)) == s.parts[t]
        there = bilinear(s.video.frames[t + 1].astype(float), np.clip(x, 0, 127), np.clip(y, 0, 127))
        error = np.abs(there - s.video.frames[t]).mean(axis=-1)
        moving = same & (np.hypot(*np.moveaxis(s.flow.uv[t], -1, 0)) > 0.3)
        errors.append(error[same])
        plain.append(np.abs(s.video.frames[t + 1].astype(float) - s.video.frames[t]).mean(axis=-1)[moving])
        plain[-1] = (plain[-1].mean() if moving.any() else 0.0, error[moving].mean() if moving.any() else 0.0)
    assert np.median(np.concatenate(errors)) < 1.0
    assert np.concatenate(errors).mean() < 2.0
    before, after = np.array(plain).sum(axis=0)
    assert after < 0.5 * before or before == 0.0


@pytest.mark.parametrize("index", SAMPLE)
def test_visible_points_lie_on_their_mask(index):
    s = scene(index)
    tracks = s.tracks
    assert tracks.visible[:, 0].all()
    assert set(tracks.object_ids) == {0, *s.masks.object_ids}
    for number in s.masks.object_ids:
        assert 12 <= (tracks.object_ids == number).sum() <= 24
    column, row = np.rint(tracks.xy[..., 0]).astype(int), np.rint(tracks.xy[..., 1]).astype(int)
    n, t = np.nonzero(tracks.visible)
    owner = (s.masks.values * s.masks.object_ids[:, None, None, None]).max(axis=0)
    assert np.array_equal(owner[t, row[n, t], column[n, t]], tracks.object_ids[n])
    # Where an object's point is in the frame and not visible, something nearer covers it (or it is at its own edge).
    n, t = np.nonzero(~tracks.visible & (tracks.object_ids > 0)[:, None])
    inside = (column[n, t] >= 0) & (column[n, t] < 128) & (row[n, t] >= 0) & (row[n, t] < 128)
    n, t = n[inside], t[inside]
    assert (s.parts[t, row[n, t], column[n, t]] > 0).mean() > 0.95 if len(n) else True


def test_edges_are_supersampled_and_ids_are_hard():
    s = scene(8)
    frame, mask = s.video.frames[0].astype(float), s.masks.values[0, 0]
    assert mask.dtype == np.bool_
    colours = {tuple(c) for c in s.video.frames[0][mask | np.roll(mask, 1, 0) | np.roll(mask, 1, 1)]}
    assert len(colours) > 50
    assert frame.max() > 0


def test_same_scene_at_any_size():
    for index in (5, 17, 40, 96):
        small, large = scene(index), scene(index, 256)
        halved = large.video.frames.astype(float).reshape(16, 128, 2, 128, 2, 3).mean(axis=(2, 4))
        assert np.abs(halved - small.video.frames).mean() < 1.0
        cover = large.masks.values.reshape(-1, 16, 128, 2, 128, 2).mean(axis=(3, 5)) > 0.5
        assert (cover & small.masks.values).sum() / (cover | small.masks.values).sum() > 0.9
        xy = (large.tracks.xy + 0.5) / 2 - 0.5
        assert np.abs(xy - small.tracks.xy).max() < 1e-4
        assert (large.tracks.visible == small.tracks.visible).mean() > 0.98
        flow = large.flow.uv.reshape(15, 128, 2, 128, 2, 2).mean(axis=(2, 4)) / 2
        assert np.median(np.abs(flow - small.flow.uv)) < 1e-3
    odd = render(3, size=99)
    assert odd.video.frames.shape == (16, 99, 99, 3) and odd.masks.values.shape[2:] == (99, 99)


def test_redraw_keeps_the_first_frame_and_the_prompts():
    for index in (4, 13, 41, 66):
        one, two = scene(index), redraw(index, 1)
        assert np.array_equal(one.video.frames[0], two.video.frames[0])
        assert np.array_equal(one.masks.values[:, 0], two.masks.values[:, 0])
        assert one.case == two.case
        assert not np.array_equal(one.video.frames[-1], two.video.frames[-1])
        assert np.array_equal(redraw(index, 0).video.frames, one.video.frames)


def test_splits_share_no_scene():
    captions = {split: {layout_of(i, split).ground_seed for i in range(256)} for split in ("test", "train")}
    assert len(captions["test"]) == len(captions["train"]) == 256
    assert not captions["test"] & captions["train"]


@pytest.mark.parametrize(("arguments", "word"), [((0, "val"), "val"), ((-1,), "-1"), ((0, "test", 8), "8")])
def test_bad_arguments(arguments, word):
    with pytest.raises(ConfigError, match=word):
        render(*arguments).video  # noqa: B018
