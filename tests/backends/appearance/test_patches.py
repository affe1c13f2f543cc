"""The role `appearance` by patches: what it takes for the same object, and what it does not."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from motionbench.backends.appearance import PATCH_APPEARANCE
from motionbench.backends.appearance.field import Field, lattice, nearest, turned
from motionbench.backends.appearance.patches import FAR
from motionbench.types import Case, Clip, InputMatch, Inputs, Video

SIZE, SIDE = 96, 32


def _texture(seed, size=SIZE, level=(128, 128, 128)):
    """Blobs of several sizes in colours around a level, float32 [size, size, 3]."""
    rng = np.random.default_rng(seed)
    total = np.zeros((size, size, 3), np.float32)
    for cells in (4, 8, 12):
        noise = rng.normal(size=(cells, cells, 3)).astype(np.float32)
        total += cv2.resize(noise, (size, size), interpolation=cv2.INTER_CUBIC)
    return np.clip(total * 35 + np.float32(level), 0, 255)


GROUND = _texture(1, level=(60, 70, 60))
THING, OTHER = _texture(2, SIDE, (190, 130, 90)), _texture(3, SIDE, (190, 130, 90))


def _show(picture, left, top=30):
    frame = GROUND.copy()
    mask = np.zeros((SIZE, SIZE), bool)
    if picture is not None:
        frame[top : top + SIDE, left : left + SIDE] = picture
        mask[top : top + SIDE, left : left + SIDE] = True
    return frame.round().astype(np.uint8), mask


def _run(shown):
    frames, masks = (np.stack(a) for a in zip(*shown, strict=True))
    clip = Clip(Video(frames, np.arange(len(frames)) / 8.0), (SIZE, SIZE), (0, 0, SIZE, SIZE), 1, 8.0)
    ids = np.array([1], np.int64)
    case = Case("case", "single", "", "", "", "", (), None)  # type: ignore[arg-type]
    everywhere = np.ones((SIZE, SIZE), bool)
    inputs = Inputs(case, clip, frames[0], everywhere, masks[None, 0], ids, InputMatch(1.0, 0.0, 0.0, 1.0))
    return PATCH_APPEARANCE.load()(inputs, {"masks": {"values": masks[None], "object_ids": ids}})


def test_shapes_and_types():
    found = _run([_show(THING, 10), _show(THING, 20)])
    assert found["explained"].shape == found["found"].shape == found["own"].shape == (1, 2)
    assert found["apart"].shape == (1, 2, 2)
    assert {found[name].dtype for name in ("explained", "found", "own", "apart")} == {np.dtype(np.float32)}


def test_frame_0_is_itself():
    found = _run([_show(THING, 10), _show(THING, 10)])
    assert np.allclose(found["explained"], 0, atol=2e-3)
    assert np.allclose(found["found"], 0, atol=2e-3)
    assert (found["own"] > 0.95).all()
    assert (found["apart"] == 0).all()


def test_moving_is_not_changing_and_another_texture_of_the_same_colours_is():
    found = _run([_show(THING, 10), _show(THING, 43), _show(OTHER, 10)])
    moved, other = found["explained"][0, 1:]
    assert moved < 0.6  # fine texture on another grid of pixels
    assert other > moved + 0.2
    assert found["found"][0, 2] > found["found"][0, 1] + 0.2


@pytest.mark.parametrize("cut", [1, 2])
def test_a_region_that_begins_a_pixel_further_shows_the_same_thing(cut):
    frame, mask = _show(THING, 10)
    smaller = mask.copy()
    smaller[:, : 10 + cut] = smaller[: 30 + cut] = False
    found = _run([(frame, mask), (frame, smaller)])
    assert found["explained"][0, 1] < 0.25 and found["found"][0, 1] < 0.25


def test_an_object_that_filled_the_frame_and_is_lost():
    frame, whole = _texture(4).round().astype(np.uint8), np.ones((SIZE, SIZE), bool)
    found = _run([(frame, whole), (frame, np.zeros_like(whole))])
    assert found["explained"][0, 1] < 0.3 and found["own"][0, 1] == 1


def test_slow_drift_grows_all_the_way():
    steps = [_show((1 - a) * THING + a * OTHER, 10) for a in (0, 0.25, 0.5, 0.75, 1)]
    explained = _run(steps)["explained"][0]
    assert (np.diff(explained) > 0).all()


def test_a_quarter_turn_of_the_whole_is_less_than_another_thing():
    turned_thing = np.rot90(THING)
    found = _run([_show(THING, 10), _show(turned_thing, 10), _show(OTHER, 10)])["explained"][0]
    assert found[1] < found[2] + 0.1


def test_a_part_that_becomes_another_thing_does_not_drown_in_the_rest():
    swapped = THING.copy()
    swapped[: SIDE // 3] = OTHER[: SIDE // 3]
    found = _run([_show(THING, 10), _show(THING, 13), _show(swapped, 13), _show(OTHER, 13)])
    for name in ("explained", "found"):
        _, moved, part, whole = found[name][0]
        assert part - moved > 0.7 * (whole - moved)


@pytest.mark.parametrize("size", [0.8, 1.25])
def test_an_object_that_comes_closer_is_less_than_another_thing(size):
    side = round(SIDE * size)
    frame, mask = GROUND.round().astype(np.uint8), np.zeros((SIZE, SIZE), bool)
    frame[30 : 30 + side, 10 : 10 + side] = cv2.resize(THING, (side, side), interpolation=cv2.INTER_AREA)
    mask[30 : 30 + side, 10 : 10 + side] = True
    found = _run([_show(THING, 10), (frame, mask), _show(OTHER, 10)])["explained"][0]
    assert found[1] < found[2] - 0.2


def test_a_region_on_the_ground_is_not_its_own():
    frame, _ = _show(None, 0)
    _, mask = _show(THING, 50)
    found = _run([_show(THING, 10), (frame, mask)])
    assert found["own"][0, 1] < 0.4
    assert found["explained"][0, 1] > 0.6


def test_ground_under_a_mask_that_spills_over_is_known_and_not_its_own():
    frame, mask = _show(THING, 20)
    spilled = mask.copy()
    spilled[:, 52:58] = mask[:, 46:52]
    found = _run([(frame, mask), (frame, spilled)])
    assert found["explained"][0, 1] < 0.3
    assert found["own"][0, 1] < 0.9


def test_what_lost_its_region_is_found_again_or_gone():
    frame, _ = _show(THING, 50, 10)
    nothing, empty = _show(None, 0)
    found = _run([_show(THING, 10), (frame, empty), (nothing, empty)])
    assert found["explained"][0, 1] < 0.6
    assert found["own"][0, 1] == 1
    assert (found["explained"][0, 2], found["found"][0, 2], found["own"][0, 2]) == (FAR, FAR, 0)


def test_an_object_that_lies_between_the_points_of_every_second_pixel():
    frame, mask = _texture(4).round().astype(np.uint8), np.zeros((SIZE, SIZE), bool)
    mask[:72:2, :72:2] = True  # 1296 pixels: compared at its own size
    found = _run([(frame, mask), (frame, mask)])
    assert np.allclose(found["explained"], 0, atol=2e-3)


def test_an_object_without_pixels_is_far_from_everything():
    frame, empty = _show(None, 0)
    found = _run([(frame, empty), (frame, empty)])
    assert (found["explained"] == FAR).all()
    assert (found["own"] == 0).all()


def test_apart_is_symmetric_and_knows_repeats():
    apart = _run([_show(THING, 10), _show(THING, 20), _show(THING, 20), _show(THING, 40)])["apart"][0]
    assert np.array_equal(apart, apart.T)
    assert apart[1, 2] == 0
    assert apart[0, 1] > 1


@pytest.mark.parametrize("steps", [1, -1, 3])
def test_a_turned_picture_has_turned_descriptors(steps):
    size = 61
    picture = _texture(5, size).astype(np.uint8)
    matrix = cv2.getRotationMatrix2D((30, 30), -45 * steps, 1.0)
    rotated = cv2.warpAffine(picture, matrix, (size, size), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    centre = np.array([[30, 30]])
    before, after = Field(picture).describe(centre), Field(rotated).describe(centre)
    right = np.linalg.norm(turned(before, steps) - after)
    assert right < 0.35
    assert right < np.linalg.norm(before - after)


def test_turning_there_and_back():
    values = Field(_texture(6).astype(np.uint8)).describe(lattice(np.ones((SIZE, SIZE), bool)))
    assert np.array_equal(turned(turned(values, 3), -3), values)
    assert np.array_equal(turned(values, 8), values)


def test_nearest():
    of, among = np.array([[0.0, 0.0], [3.0, 4.0]], np.float32), np.array([[0.0, 0.0], [3.0, 0.0]], np.float32)
    assert np.allclose(nearest(of, among), [0, 4])
