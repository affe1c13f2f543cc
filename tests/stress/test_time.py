from __future__ import annotations

import itertools

import numpy as np
import pytest

from motionbench.errors import NotApplicable, VideoError
from motionbench.stress import temporal
from motionbench.stress.choice import choose_objects
from motionbench.stress.corruptions import BENIGN, CORRUPTIONS
from motionbench.stress.material import Material, stress_seed


def test_frame_0_and_the_material_stay_and_a_seed_fixes_the_bytes(scene: Material) -> None:
    before = scene.frames.copy()
    target = choose_objects(scene)[0][0]
    for name, corruption in CORRUPTIONS.items():
        object_id = target if corruption.per_object else None
        made = corruption.apply(scene, len(corruption.levels), 7, object_id)
        if not corruption.moves_case:
            assert np.array_equal(made.frames[0], scene.frames[0]), name
            assert np.array_equal(made.masks[:, 0], scene.masks[:, 0]), name
        assert corruption.text or not np.array_equal(made.frames, scene.frames[: len(made.frames)]), name
        again = corruption.apply(scene, len(corruption.levels), 7, object_id)
        assert np.array_equal(made.frames, again.frames) and made.texts == again.texts, name
    assert np.array_equal(scene.frames, before)


def test_a_severity_that_does_not_exist_is_refused(scene: Material) -> None:
    with pytest.raises(ValueError, match="severities 1 to 5"):
        CORRUPTIONS["freeze"].apply(scene, 6, 0)
    with pytest.raises(ValueError, match="severities 1 to 1"):
        BENIGN["crf18"].apply(scene, 2, 0)


def test_freeze_repeats_the_last_frame_that_moves(scene: Material) -> None:
    for severity, last in zip(range(1, 6), (13, 11, 7, 4, 0), strict=True):
        made = temporal.freeze(scene, severity, 0, None)
        assert np.array_equal(made.frames[: last + 1], scene.frames[: last + 1])
        assert all(np.array_equal(frame, scene.frames[last]) for frame in made.frames[last:])
        assert np.array_equal(made.masks[:, -1], scene.masks[:, last])


def test_hold_shows_every_kth_frame(scene: Material) -> None:
    made = temporal.hold(scene, 2, 0, None)
    assert np.array_equal(made.frames, scene.frames[[0, 0, 0, 3, 3, 3, 6, 6, 6, 9, 9, 9, 12, 12, 12, 15]])


def _order(made: Material, clean: Material) -> list[int]:
    known = {frame.tobytes(): at for at, frame in enumerate(clean.frames)}
    return [known[frame.tobytes()] for frame in made.frames]


def test_drops_are_nested_and_keep_the_order(scene: Material) -> None:
    orders = [_order(temporal.drop(scene, s, 5, None), scene) for s in range(1, 6)]
    assert [len(order) for order in orders] == [15, 14, 13, 11, 10]
    for few, more in zip(orders[1:], orders, strict=False):
        assert set(few) < set(more) and few == sorted(few) and few[0] == 0
    assert np.allclose(np.diff(temporal.drop(scene, 5, 5, None).times), 1 / 8)


def test_shuffles_are_permutations_that_grow(scene: Material) -> None:
    natural = list(range(16))
    local = [_order(temporal.local_shuffle(scene, s, 5, None), scene) for s in range(1, 6)]
    full = [_order(temporal.full_shuffle(scene, s, 5, None), scene) for s in range(1, 6)]
    assert all(sorted(order) == natural and order[0] == 0 for order in local + full)
    for order, window in zip(local, temporal.WINDOW, strict=True):
        assert max(at - frame for at, frame in enumerate(order)) <= window
    moved = [sum(abs(at - frame) for at, frame in enumerate(order)) for order in local]
    assert moved == sorted(moved) and moved[0] > 0
    displaced = [{at for at, frame in enumerate(order) if at != frame} for order in full]
    assert [len(d) for d in displaced] == [2, 3, 5, 8, 15]
    assert all(few < more for few, more in itertools.pairwise(displaced))


def test_reversal_takes_the_case_along_and_undoes_itself(scene: Material) -> None:
    once = temporal.reverse(scene, 1, 0, None)
    assert np.array_equal(once.image, scene.frames[-1])
    twice = temporal.reverse(once, 1, 0, None)
    assert np.array_equal(twice.frames, scene.frames) and np.array_equal(twice.masks, scene.masks)


def test_half_speed_keeps_the_frames_and_puts_others_between(scene: Material) -> None:
    made = temporal.speed(scene, 1, 0, None)
    assert np.array_equal(made.frames[::2], scene.frames[:8])
    before, between, after = (made.frames[k].astype(float) for k in (2, 3, 4))
    apart = np.abs(after - before).mean()
    assert max(np.abs(between - before).mean(), np.abs(between - after).mean()) < apart


def test_a_faster_clip_is_shorter_where_the_reference_ends(scene: Material) -> None:
    made = temporal.speed(scene, 3, 0, None)
    assert np.array_equal(made.frames, scene.frames[::2])
    with pytest.raises(VideoError):
        temporal.in_order(scene, np.array([0, 16]))


def test_seeds_depend_on_run_case_and_corruption() -> None:
    seeds = {stress_seed(r, c, n) for r in (0, 1) for c in ("a", "b") for n in ("freeze", "fade")}
    assert len(seeds) == 8 and all(0 <= seed < 2**63 for seed in seeds)


def test_an_object_without_masks_is_refused(scene: Material) -> None:
    with pytest.raises(NotApplicable, match="no masks of object 99"):
        CORRUPTIONS["vanish"].apply(scene, 1, 0, 99)
    with pytest.raises(NotApplicable, match="needs an object"):
        CORRUPTIONS["vanish"].apply(scene, 1, 0, None)
