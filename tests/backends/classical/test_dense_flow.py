from __future__ import annotations

import cv2
import numpy as np
import pytest

from motionbench.backends.classical import dense_flow
from motionbench.backends.classical.camera import camera_field
from motionbench.backends.classical.dis import pair_flow
from motionbench.errors import VideoError


def shifted(make_texture, x: float, y: float, frames: int = 3, size: int = 128) -> np.ndarray:
    big = make_texture(0, size + 64, size + 64)
    rows, columns = np.mgrid[:size, :size].astype(np.float32)
    views = [cv2.remap(big, columns + 32 - x * t, rows + 32 - y * t, cv2.INTER_CUBIC) for t in range(frames)]
    return np.clip(np.stack(views), 0, 255).round().astype(np.uint8)


@pytest.mark.parametrize("motion", [(2.0, 0.0), (0.0, -3.0), (-1.5, 2.5), (0.0, 0.0)])
def test_a_translation_is_found_in_both_directions(make_texture, motion) -> None:
    uv, back = dense_flow(shifted(make_texture, *motion))
    inner = np.s_[:, 16:-16, 16:-16]
    assert uv.shape == back.shape == (2, 128, 128, 2) and uv.dtype == back.dtype == np.float32
    assert np.abs(uv[inner] - motion).mean() < 0.1
    assert np.abs(back[inner] + motion).mean() < 0.1


def test_the_thread_count_of_the_process_does_not_matter_and_is_left_alone(square) -> None:
    frames = square[0][:3]
    before = cv2.getNumThreads()
    try:
        found = []
        for threads in (1, 2):
            cv2.setNumThreads(threads)
            found.append(dense_flow(frames))
            assert cv2.getNumThreads() == threads
    finally:
        cv2.setNumThreads(before)
    assert np.array_equal(found[0][0], found[1][0]) and np.array_equal(found[0][1], found[1][1])


def test_one_pair_does_not_depend_on_those_before_it(square) -> None:
    frames = square[0]
    alone = dense_flow(frames[3:5])[0][0]
    assert np.array_equal(dense_flow(frames[:5])[0][3], alone)


@pytest.mark.parametrize("size", [(8, 8), (8, 256), (16, 256), (256, 8), (24, 40), (72, 64)])
def test_small_and_long_pictures_are_padded(make_texture, size) -> None:
    # OpenCV's DIS reads beyond its arrays on some of these sizes, and refuses others.
    frames = make_texture(3, *size).round().astype(np.uint8)
    uv, _ = dense_flow(np.stack([frames, frames]))
    assert uv.shape == (1, *size, 2)
    assert np.abs(uv).max() < 0.05


def test_flat_frames_do_not_move() -> None:
    uv, back = dense_flow(np.full((2, 64, 64, 3), 77, np.uint8))
    assert np.abs(uv).max() == 0 and np.abs(back).max() == 0


def test_one_frame_is_too_few() -> None:
    with pytest.raises(VideoError, match="at least 2 frames"):
        dense_flow(np.zeros((1, 32, 32, 3), np.uint8))


def test_the_halo_of_a_moving_object_is_cut_down(square) -> None:
    frames, masks = square
    uv, _ = dense_flow(frames)
    raw = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames[:2]]
    ground = ~masks[0]
    spill = np.linalg.norm(raw.calc(grey[0], grey[1], None), axis=-1)[ground].mean()
    assert np.linalg.norm(uv[0], axis=-1)[ground].mean() < 0.6 * spill
    assert np.abs(uv[0][50:60, 40:50] - (3, 1)).mean() < 0.2


def test_the_camera_is_what_most_of_the_picture_follows() -> None:
    y, x = np.mgrid[:96, :160].astype(np.float32)
    truth = np.stack([0.01 * x - 0.02 * y + 1, 0.02 * x + 0.01 * y - 2], -1)
    field = truth.copy()
    field[30:70, 40:90] = (9, -7)
    assert np.abs(camera_field(field) - truth).max() < 0.05


def test_a_pair_of_equal_pictures_has_no_flow(make_texture) -> None:
    grey = make_texture(5, 96, 96)[..., 0].round().astype(np.uint8)
    assert np.abs(pair_flow(grey, grey)).max() < 1e-3
