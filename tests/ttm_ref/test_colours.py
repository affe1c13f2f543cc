"""Masks as colours and back: closed forms, lossy files, and what must not happen (lost, merged or swapped objects)."""

from __future__ import annotations

import io

import av
import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from motionbench.errors import DataError, ModelError
from ttm_ref.blobs import blob_sizes, without_specks
from ttm_ref.colours import PALETTE, find_palette, paint, read


def discs(count: int, frames: int = 8, size: int = 128, radius: int = 9) -> NDArray[np.bool_]:
    """`count` discs that do not touch and move to the right. bool [count, frames, size, size]."""
    y, x = np.mgrid[:size, :size]
    columns, pitch = 4, size // 4
    return np.array(
        [
            [
                (y - pitch * (k // columns) - pitch // 2) ** 2 + (x - pitch * (k % columns) - radius - f) ** 2
                < radius**2
                for f in range(frames)
            ]
            for k in range(count)
        ]
    ).reshape(count, frames, size, size)


def through_h264(video: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Encode with halved chroma, as the files of a project page are, and decode."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=8, options={"crf": "23"})
        stream.height, stream.width, stream.pix_fmt = video.shape[1], video.shape[2], "yuv420p"
        for frame in video:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
    file.seek(0)
    with av.open(file) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])


def iou(one: NDArray[np.bool_], two: NDArray[np.bool_]) -> NDArray[np.float64]:
    axes = tuple(range(1, one.ndim))
    return (one & two).sum(axes) / np.maximum(1, (one | two).sum(axes))


class TestPaint:
    def test_each_object_has_its_constant_colour_on_black(self) -> None:
        masks = discs(12)
        video = paint(masks)
        for k in range(12):
            assert (video[masks[k]] == PALETTE[k]).all()
        assert not video[~masks.any(0)].any()

    def test_later_objects_lie_over_earlier_ones(self) -> None:
        masks = np.ones((3, 2, 8, 8), np.bool_)
        masks[2, :, :, 4:] = False
        video = paint(masks)
        assert (video[:, :, :4] == PALETTE[2]).all()
        assert (video[:, :, 4:] == PALETTE[1]).all()

    def test_no_object_is_black(self) -> None:
        assert not paint(np.zeros((0, 2, 8, 8), np.bool_)).any()

    def test_thirteen_objects_are_too_many(self) -> None:
        with pytest.raises(ModelError, match="13 objects"):
            paint(np.zeros((13, 1, 8, 8), np.bool_))

    def test_colours_are_far_apart(self) -> None:
        colours = np.concatenate([[[0, 0, 0]], PALETTE]).astype(float)
        gaps = np.linalg.norm(colours[:, None] - colours[None], axis=-1)
        assert gaps[~np.eye(13, dtype=bool)].min() >= 120


class TestRead:
    @pytest.mark.parametrize("count", [0, 1, 2, 7, 12])
    def test_what_was_painted_is_read_exactly(self, count: int) -> None:
        masks = discs(count)
        assert np.array_equal(read(paint(masks), PALETTE[:count]), masks)

    def test_an_object_that_vanishes_leaves_empty_planes(self) -> None:
        masks = discs(3)
        masks[1, 4:] = False
        assert np.array_equal(read(paint(masks), PALETTE[:3]), masks)

    def test_an_object_that_is_never_shown_keeps_its_number(self) -> None:
        masks = discs(3)
        masks[0] = False
        assert np.array_equal(read(paint(masks), PALETTE[:3]), masks)

    @settings(max_examples=30, deadline=None)
    @given(hnp.arrays(np.uint8, (2, 16, 16, 3)), st.integers(0, 12))
    def test_planes_are_disjoint_whatever_the_video(self, video: NDArray[np.uint8], count: int) -> None:
        planes = read(video, PALETTE[:count])
        assert planes.shape == (count, 2, 16, 16)
        assert planes.sum(0).max(initial=0) <= 1

    def test_the_order_of_the_palette_is_the_order_of_the_planes(self) -> None:
        masks = discs(4)
        order = [2, 0, 3, 1]
        assert np.array_equal(read(paint(masks), PALETTE[:4][order]), masks[order])

    @pytest.mark.parametrize("count", [2, 7, 12])
    def test_blur_and_noise_move_edges_only(self, count: int) -> None:
        masks = discs(count, radius=11)
        rng = np.random.default_rng(0)
        soft = np.stack([cv2.GaussianBlur(frame, (0, 0), 1.2) for frame in paint(masks)])
        noisy = np.clip(soft + rng.normal(0, 12, soft.shape), 0, 255).astype(np.uint8)
        planes = read(noisy, PALETTE[:count])
        visible = np.stack([(paint(masks) == colour).all(-1) for colour in PALETTE[:count]])
        assert iou(planes, visible).min() > 0.88
        # Nothing far from an object is taken for one.
        near = np.stack([cv2.dilate(f.astype(np.uint8), np.ones((5, 5))) for f in visible.any(0)])
        assert not (planes.any(0) & (near == 0)).any()

    @pytest.mark.parametrize("count", [1, 3, 7, 12])
    def test_a_lossy_file_keeps_number_and_identity(self, count: int) -> None:
        masks = discs(count)
        planes = read(through_h264(paint(masks)), PALETTE[:count])
        overlap = np.array([[(p & m).sum() for m in masks] for p in planes])
        assert (overlap.argmax(1) == np.arange(count)).all()
        assert planes.any((2, 3)).all()
        assert iou(planes, masks).min() > 0.75

    def test_the_edge_of_one_colour_is_not_taken_for_another(self) -> None:
        """Half of a dusty red on black is nearest to a dark red: the palette of real trajectories."""
        palette = np.array([(124, 28, 26), (121, 74, 70)], np.uint8)
        masks = discs(2, radius=12)
        video = np.zeros((*masks.shape[1:], 3), np.uint8)
        for k in range(2):
            video[masks[k]] = palette[k]
        soft = np.stack([cv2.GaussianBlur(frame, (0, 0), 1.5) for frame in video])
        nearest = ((soft[..., None, :].astype(int) - [[0, 0, 0], *palette.tolist()]) ** 2).sum(-1).argmin(-1)
        around = np.stack([cv2.dilate(f.astype(np.uint8), np.ones((9, 9))) for f in masks[1]]) > 0
        assert (around & (nearest == 1)).any(), "the trap must be there"
        assert not (read(soft, palette)[0] & around).any()

    def test_specks_go_and_parts_stay(self) -> None:
        masks = discs(1, frames=3)
        masks[0, :, 100:110, 100:110] = True  # 100 of about 350 pixels: a part
        dirty = masks.copy()
        dirty[0, 1, 60:62, 60:61] = True  # 2 pixels: a speck
        assert np.array_equal(read(paint(dirty), PALETTE[:1]), masks)

    def test_thin_objects_survive(self) -> None:
        masks = np.zeros((2, 1, 128, 128), np.bool_)
        masks[0, 0, 60:62, 10:110] = True
        masks[1, 0, 20:40, 20:40] = True
        assert np.array_equal(read(paint(masks), PALETTE[:2]), masks)


class TestBlobs:
    @pytest.mark.parametrize("share", [0.05, 0.3, 0.5, 0.6, 0.95])
    def test_sizes_equal_opencv(self, share: float) -> None:
        mask = np.random.default_rng(1).random((61, 83)) < share
        _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
        assert np.array_equal(blob_sizes(mask), np.where(mask, stats[labels, 4], 0))

    def test_a_spiral_is_one_blob(self) -> None:
        mask = np.zeros((9, 9), np.bool_)
        mask[0, :] = mask[:, 8] = mask[8, :] = mask[2:, 0] = mask[2, :7] = mask[2:7, 6] = mask[6, 2:7] = True
        mask[1, 8] = True
        assert set(np.unique(blob_sizes(mask))) == {0, int(mask.sum())}

    @pytest.mark.parametrize("value", [False, True])
    def test_empty_and_full(self, value: bool) -> None:
        mask = np.full((5, 7), value)
        assert (blob_sizes(mask) == 35 * value).all()
        assert np.array_equal(without_specks(mask[None], 0.1, 3), mask[None])


class TestFindPalette:
    def test_colours_come_by_area(self) -> None:
        masks = np.zeros((2, 1, 64, 64), np.bool_)
        masks[0, 0, :8, :8] = masks[1, 0, 20:50, 20:50] = True
        assert find_palette(paint(masks)[0]).tolist() == [[0, 255, 0], [255, 0, 0]]

    def test_masks_give_the_order(self) -> None:
        masks = discs(5, frames=1)
        frame = paint(masks)[0]
        order = [3, 1, 4, 0, 2]
        assert np.array_equal(find_palette(frame, masks[order, 0]), PALETTE[:5][order])

    def test_a_lossy_frame_has_as_many_colours(self) -> None:
        for count in (1, 4, 7):
            frame = through_h264(paint(discs(count, frames=1, size=256, radius=18)))[0]
            found = find_palette(frame).astype(int)
            assert len(found) == count
            gaps = np.linalg.norm(found[:, None] - PALETTE[None, :count].astype(int), axis=-1)
            assert sorted(gaps.argmin(1)) == list(range(count))

    def test_black_has_none(self) -> None:
        assert find_palette(np.zeros((16, 16, 3), np.uint8)).shape == (0, 3)

    def test_a_picture_is_no_mask_video(self) -> None:
        y, x = np.mgrid[:128, :128]
        frame = np.stack([2 * y, 2 * x, 255 - y - x], axis=-1).clip(0, 255).astype(np.uint8)
        with pytest.raises(DataError, match="more than 12 colours"):
            find_palette(frame)

    def test_masks_that_show_no_colour_or_the_same(self) -> None:
        masks = discs(2, frames=1)[:, 0]
        frame = paint(masks[:1, None])[0]
        with pytest.raises(DataError, match="shows no colour"):
            find_palette(frame, masks)
        with pytest.raises(DataError, match="same colour"):
            find_palette(frame, masks[[0, 0]])
