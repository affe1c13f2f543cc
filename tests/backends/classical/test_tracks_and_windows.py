from __future__ import annotations

import cv2
import numpy as np
import pytest

from motionbench.backends.classical import CARRIED_MASKS, DIS, LK_TRACKS, LK_WINDOWS
from motionbench.backends.classical.windows import window_starts, window_steps
from motionbench.errors import NotApplicable, VideoError


def test_the_roles_keep_their_contracts(square_features) -> None:
    tracks, windows, masks = (square_features[role] for role in ("tracks", "windows", "masks"))
    n = len(tracks["object_ids"])
    assert tracks["xy"].shape == (n, 9, 2) and tracks["visible"].shape == (n, 9)
    assert set(tracks["object_ids"]) == {0, 1}
    m = len(windows["object_ids"])
    assert windows["xy"].shape == (m, 5, 2) and windows["visible"].shape == (m, 5) and windows["start"].shape == (m,)
    assert sorted(set(windows["start"])) == [0, 4]
    assert masks["values"].shape == (1, 9, 128, 128) and list(masks["object_ids"]) == [1]
    kinds = {"xy": np.float32, "visible": np.bool_, "object_ids": np.int64, "start": np.int64, "values": np.bool_}
    for features in (tracks, windows, masks):
        for key, array in features.items():
            assert array.dtype == kinds[key], key


def test_windows_are_seeded_in_the_carried_masks(square_features) -> None:
    windows, masks = square_features["windows"], square_features["masks"]["values"][0]
    assert windows["visible"][:, 0].all()
    for start in (0, 4):
        own = windows["xy"][(windows["start"] == start) & (windows["object_ids"] == 1), 0].astype(int)
        assert len(own) and masks[start][own[:, 1], own[:, 0]].all()
    moved = windows["xy"][:, -1] - windows["xy"][:, 0]
    seen = windows["visible"][:, -1]
    assert np.abs(moved[seen & (windows["object_ids"] == 1)] - (12, 4)).mean() < 0.3
    assert seen[windows["object_ids"] == 1].mean() > 0.9


def test_windows_see_a_late_loss(make_square, inputs_of, features_of) -> None:
    frames, masks = make_square(frames=10, vanish=9)
    windows = features_of(inputs_of(frames, masks[None, 0]))["windows"]
    last = (windows["object_ids"] == 1) & (windows["start"] == 5)
    assert last.any() and windows["visible"][last, -1].mean() < 0.05


@pytest.mark.parametrize(("fps", "steps"), [(8.0, 4), (6.0, 3), (7.49, 4), (0.5, 1), (0.0, 1), (30.0, 15)])
def test_a_window_is_half_a_second(fps, steps) -> None:
    assert window_steps(fps) == steps


@pytest.mark.parametrize(
    ("frames", "steps", "starts"),
    [(16, 4, [0, 4, 8, 11]), (9, 4, [0, 4]), (5, 4, [0]), (2, 1, [0]), (16, 3, [0, 3, 6, 9, 12])],
)
def test_windows_lie_end_to_end_and_reach_the_last_frame(frames, steps, starts) -> None:
    assert window_starts(frames, steps) == starts


def test_a_clip_shorter_than_a_window_is_a_video_error(make_square, inputs_of, features_of) -> None:
    frames, masks = make_square(frames=3)
    with pytest.raises(VideoError, match="needs 5 frames, the clip has 3"):
        features_of(inputs_of(frames, masks[None, 0]))


def test_without_masks_only_the_background_is_tracked(square, inputs_of) -> None:
    inputs = inputs_of(square[0], None)
    flow = DIS.load()(inputs, {})
    tracks = LK_TRACKS.load()(inputs, {"flow": flow})
    assert len(tracks["xy"]) and (tracks["object_ids"] == 0).all()
    with pytest.raises(NotApplicable):
        CARRIED_MASKS.load()(inputs, {"flow": flow, "tracks": tracks})


def test_no_objects_at_all(square, inputs_of, features_of) -> None:
    features = features_of(inputs_of(square[0][:5], np.zeros((0, 128, 128), np.bool_)))
    assert features["masks"]["values"].shape == (0, 5, 128, 128)
    assert (features["windows"]["object_ids"] == 0).all()


@pytest.mark.parametrize("shape", [(2, 16, 16), (2, 8, 256), (5, 256, 8), (128, 24, 32), (5, 40, 24)])
def test_any_size_and_length(make_texture, inputs_of, features_of, shape) -> None:
    count, height, width = shape
    still = make_texture(8, height, width).round().astype(np.uint8)
    masks = np.zeros((2, height, width), np.bool_)
    masks[0, height // 4 : height // 2, width // 4 : width // 2] = True
    features = features_of(inputs_of(np.stack([still] * count), masks, fps=2.0 if count == 2 else 8.0))
    assert features["masks"]["values"][1].sum() == 0
    assert (features["masks"]["values"][0] == masks[0]).mean() > 0.99
    assert features["tracks"]["visible"].all() and features["windows"]["visible"].all()


def test_results_do_not_depend_on_threads_or_on_earlier_clips(make_square, inputs_of, features_of) -> None:
    frames, masks = make_square(frames=6)
    inputs = inputs_of(frames, masks[None, 0])
    before = cv2.getNumThreads()
    try:
        cv2.setNumThreads(1)
        first = features_of(inputs)
        other_frames, other_masks = make_square(frames=5, size=96, step=(1.0, 2.0))
        features_of(inputs_of(other_frames, other_masks[None, 0]))
        cv2.setNumThreads(2)
        second = features_of(inputs)
    finally:
        cv2.setNumThreads(before)
    for role, arrays in first.items():
        for key, array in arrays.items():
            assert np.array_equal(array, second[role][key]), (role, key)


def test_the_declarations_are_those_of_the_roles() -> None:
    assert (DIS.name, DIS.role, DIS.stored, DIS.requires) == ("dis", "flow", False, ())
    assert (LK_TRACKS.name, LK_TRACKS.role, LK_TRACKS.requires) == ("lk", "tracks", ("flow",))
    assert (LK_WINDOWS.name, LK_WINDOWS.role) == ("lk-windows", "windows")
    assert set(LK_WINDOWS.requires) == {"flow", "masks"} and set(CARRIED_MASKS.requires) == {"flow", "tracks"}
    assert (CARRIED_MASKS.name, CARRIED_MASKS.role) == ("carried", "masks")
    for backend in (LK_TRACKS, LK_WINDOWS, CARRIED_MASKS):
        assert backend.inputs == ("masks",) and backend.stored and backend.domain == "any"
