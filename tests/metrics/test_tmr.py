"""tmr on hand-made features: what each part sees, and what it must not see."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from motionbench.errors import NotApplicable
from motionbench.metrics.tmr import STILLNESS, TMR, TMR_WORST
from motionbench.metrics.tmr.character import Character
from motionbench.metrics.tmr.parts import compare
from motionbench.metrics.tmr.tracks import Window
from motionbench.metrics.tmr.traits import hazard
from motionbench.types import Case, CaseView, InputMatch, Object, View

FRAMES, SIZE, SIDE, STEPS = 17, 96, 16, 4
GRID = np.stack(np.meshgrid(np.arange(2, 14, 3), np.arange(2, 14, 3)), -1).reshape(-1, 2).astype(float)
GROUND = np.stack(np.meshgrid(np.arange(4, SIZE, 16), np.arange(70, SIZE, 8)), -1).reshape(-1, 2).astype(float)
SWAYS = 20 + 12 * np.sin(np.arange(FRAMES) / 5)


def side(places, lost=None, unlike=0.3, own=1.0, pan=0.0):
    """One side of a case with one square object per row of `places` (x by frame).

    `lost`: from this frame on, the first object's points are gone. `pan`: camera speed in pixels per frame.
    """
    places = np.atleast_2d(np.asarray(places, float))
    camera = pan * np.arange(places.shape[1])
    count, frames = places.shape
    masks = np.zeros((count, frames, SIZE, SIZE), bool)
    parts = []
    for k, row in enumerate(places):
        for t, x in enumerate(row):
            left = round(x + camera[t])
            masks[k, t, 24 * k + 4 : 24 * k + 4 + SIDE, left : left + SIDE] = True
    for start in range(0, frames - 1, STEPS):
        window = np.arange(start, start + STEPS + 1)
        for k, row in enumerate(places):
            xy = GRID[:, None] + np.stack([row + camera, np.full(frames, 24.0 * k + 4)], -1)[None, window]
            seen = np.ones(xy.shape[:2], bool)
            if lost is not None and k == 0:
                seen[:, window >= max(lost, start + 1)] = False
            parts.append((xy, seen, k + 1, start))
        ground = GROUND[:, None] + np.stack([camera, np.zeros(frames)], -1)[None, window]
        parts.append((ground, np.ones(ground.shape[:2], bool), 0, start))
    windows = {
        "xy": np.concatenate([p[0] for p in parts]).astype(np.float32),
        "visible": np.concatenate([p[1] for p in parts]),
        "object_ids": np.concatenate([np.full(len(p[0]), p[2], np.int64) for p in parts]),
        "start": np.concatenate([np.full(len(p[0]), p[3], np.int64) for p in parts]),
    }
    unlike = np.broadcast_to(np.asarray(unlike, np.float32), (frames,))
    looks = {
        "explained": np.stack([unlike] * count),
        "found": np.stack([unlike] * count),
        "own": np.full((count, frames), own, np.float32),
        "apart": np.abs(places[:, :, None] - places[:, None]).astype(np.float32) * 3,
        "object_ids": np.arange(1, count + 1),
    }
    roles = {"windows": windows, "masks": {"values": masks, "object_ids": np.arange(1, count + 1)}, "appearance": looks}
    return View(roles, np.arange(frames) / 8.0, (SIZE, SIZE), InputMatch(1.0, 0.0, 0.0, 1.0))


def score(generated, reference=None, metric=TMR, prompts=("moves", "moves"), again=None):
    """`again`: the second measurement of the reference, as the first one by default."""
    if reference is not None:
        reference = dataclasses.replace(reference, again=again or reference)
    objects = tuple(Object(k + 1, "thing", prompt) for k, prompt in enumerate(prompts))
    case = Case("case", "single", "", "", "", "", objects, None)  # type: ignore[arg-type]
    return metric.measure(CaseView(case, generated, reference))


def parts(generated, reference=None):
    return score(generated, reference)["objects"][0]


REFERENCE = side(SWAYS)


def test_the_reference_has_all_of_everything():
    found = parts(REFERENCE, REFERENCE)
    assert found["tmr"] == 1.0
    assert all(found[name] == 1.0 for name in ("motion", "survival", "identity", "naturalness"))


def test_a_frozen_object_has_nothing_whatever_else_is_right():
    found = parts(side(np.full(FRAMES, SWAYS[0])), REFERENCE)
    assert found["tmr"] == 0.0
    assert found["survival"] == found["identity"] == 1.0


def test_half_of_the_motion_is_enough_and_more_earns_nothing():
    assert parts(side(20 + 6.5 * np.sin(np.arange(FRAMES) / 5)), REFERENCE)["motion"] == 1.0
    assert parts(side(20 + 18 * np.sin(np.arange(FRAMES) / 5)), REFERENCE)["tmr"] <= 1.0
    little = parts(side(20 + 2 * np.sin(np.arange(FRAMES) / 5)), REFERENCE)
    assert little["motion"] == pytest.approx(2 / 6, rel=0.02)


def test_a_camera_that_moves_is_no_motion_of_the_object():
    # The object moves with the ground: its own place in the world stays.
    found = parts(side(np.full(FRAMES, 20.0), pan=2.0), REFERENCE)
    assert found["motion"] < 0.01


def test_a_camera_that_moves_takes_nothing_away():
    assert parts(side(SWAYS, pan=1.5), REFERENCE)["tmr"] == pytest.approx(1.0)


@pytest.mark.parametrize("reference", [REFERENCE, None])
def test_points_that_die_count_against_it_the_earlier_the_more(reference):
    values = [parts(side(SWAYS, lost=t), reference)["survival"] for t in (FRAMES, 14, 6, 1)]
    assert values == sorted(values, reverse=True)
    assert values[0] == 1.0
    assert values[-1] < 0.3


@pytest.mark.parametrize("reference", [REFERENCE, None])
def test_slow_drift_into_something_else_is_seen(reference):
    values = [
        parts(side(SWAYS, unlike=np.linspace(0, end, FRAMES)), reference)["identity"] for end in (0.3, 0.8, 1.0, 1.3)
    ]
    assert values[0] == 1.0
    assert values[1:] == sorted(values[1:], reverse=True)
    assert values[-1] < 0.6


def test_a_region_on_bare_ground_is_not_the_object():
    assert parts(side(SWAYS, own=0.0), REFERENCE)["identity"] < 0.2
    assert parts(side(SWAYS, own=0.0))["identity"] < 0.2


@pytest.mark.parametrize("sigma", [1.0, 2.0])
def test_jitter_is_unnatural(sigma):
    noise = np.random.default_rng(0).normal(size=FRAMES)
    shaken = [parts(side(SWAYS + by * noise), REFERENCE)["naturalness"] for by in (0.0, sigma / 2, sigma)]
    assert shaken[0] == 1.0
    assert shaken[0] > shaken[1] > shaken[2]


def test_held_and_shuffled_frames_are_unnatural():
    held = side(SWAYS[np.arange(FRAMES) // 4 * 4])
    order = np.random.default_rng(1).permutation(FRAMES)
    assert parts(held, REFERENCE)["naturalness"] < 0.5
    assert parts(side(SWAYS[order]), REFERENCE)["naturalness"] < 0.5


def test_two_objects_the_mean_and_the_worst():
    both = side(np.stack([SWAYS, SWAYS]))
    one_frozen = side(np.stack([SWAYS, np.full(FRAMES, SWAYS[0])]))
    assert score(one_frozen, both)["value"] == pytest.approx(0.5)
    assert score(one_frozen, both, TMR_WORST)["value"] == 0.0
    assert [o["object_id"] for o in score(one_frozen, both)["objects"]] == [1, 2]


def test_a_still_object_is_scored_apart():
    both = side(np.stack([SWAYS, np.full(FRAMES, 30.0)]))
    restless = side(np.stack([SWAYS, 30 + 10 * np.sin(np.arange(FRAMES) / 3)]))
    assert score(both, both)["value"] == 1.0
    assert score(both, both, STILLNESS)["value"] == 1.0
    assert score(restless, both)["value"] == 1.0
    assert score(restless, both, STILLNESS)["value"] < 0.6
    with pytest.raises(NotApplicable, match="every object moves"):
        score(REFERENCE, REFERENCE, STILLNESS)
    with pytest.raises(NotApplicable, match="no object moves"):
        score(side(np.full(FRAMES, 30.0)), side(np.full(FRAMES, 30.0)))


def test_a_prompt_can_ask_for_stillness_where_there_is_no_reference():
    still, restless = side(np.full(FRAMES, 30.0), unlike=0.1), side(SWAYS, unlike=0.1)
    # The noise that tracks of so small an object are granted is a little more than what slow objects show.
    assert score(still, None, STILLNESS, ("stays still",))["value"] > 0.9
    assert score(restless, None, STILLNESS, ("stays still",))["value"] < 0.6
    with pytest.raises(NotApplicable):
        score(still, None, TMR, ("stays still",))
    assert score(still, None, TMR, ("stays still until it is hit, then moves left",))["value"] == 0.0


def test_an_object_that_left_the_frame_is_not_judged():
    # It stands at the border and is lost there at once.
    gone = side(np.zeros(FRAMES), lost=1)
    xy = gone.roles["windows"]["xy"].copy()
    xy[gone.roles["windows"]["object_ids"] == 1, :, 0] = 0.0
    roles = {**gone.roles, "windows": {**gone.roles["windows"], "xy": xy}}
    with pytest.raises(NotApplicable, match="out of the frame"):
        score(dataclasses.replace(gone, roles=roles), REFERENCE)


# What a second measurement may show of the reference: its points die early, its looks change, it does not move at all.
@pytest.mark.parametrize("other", [side(SWAYS, lost=1), side(SWAYS, own=0.0), side(np.full(FRAMES, SWAYS[0]))])
def test_what_two_measurements_of_the_reference_do_not_agree_on_is_not_judged(other):
    for first, second in ((REFERENCE, other), (other, REFERENCE)):
        with pytest.raises(NotApplicable, match="two measurements"):
            score(REFERENCE, first, again=second)


def test_a_second_measurement_that_differs_a_little_changes_nothing():
    shown = side(SWAYS, lost=6)
    slightly = side(SWAYS * 1.02 + 0.5, unlike=0.33)
    assert score(shown, REFERENCE, again=slightly) == score(shown, REFERENCE)


def test_an_object_that_is_not_judged_leaves_the_others_alone():
    both, frozen = side(np.stack([SWAYS, SWAYS])), side(np.stack([SWAYS, np.full(FRAMES, SWAYS[0])]))
    found = score(frozen, both, again=side(np.stack([SWAYS, SWAYS]), lost=1))
    assert found["value"] == 0.0  # of the second one, which stands still where it should move
    assert [o["tmr"] for o in found["objects"]] == [None, 0.0]
    assert "do not agree" in found["objects"][0]["reason"]


def test_a_still_object_is_measured_twice_as_well():
    still, restless = side(np.full(FRAMES, 30.0)), side(30 + 10 * np.sin(np.arange(FRAMES) / 3))
    assert score(still, still, STILLNESS)["value"] == 1.0
    with pytest.raises(NotApplicable, match="two measurements"):
        score(still, still, STILLNESS, again=restless)


def leaving(areas, at_border=True):
    """The object's columns by frame, at the right border or away from it, and no likeness once it is gone."""
    shown = side(SWAYS)
    masks = np.zeros_like(shown.roles["masks"]["values"])
    edge = SIZE if at_border else SIZE - 10
    for t, columns in enumerate(areas):
        masks[0, t, 4 : 4 + SIDE, edge - columns : edge] = True
    looks = {**shown.roles["appearance"]}
    gone = np.asarray(areas) == 0
    looks["explained"] = looks["found"] = np.where(gone, 1.0, 0.3).astype(np.float32)[None]
    looks["own"] = np.where(gone, 0.0, 1.0).astype(np.float32)[None]
    roles = {**shown.roles, "masks": {**shown.roles["masks"], "values": masks}, "appearance": looks}
    return dataclasses.replace(shown, roles=roles)


def test_an_object_on_its_way_out_of_the_frame_keeps_its_identity():
    out = [16] * 6 + [10, 4] + [0] * 9
    assert parts(leaving(out), REFERENCE)["identity"] == 1.0
    assert parts(leaving(out, at_border=False), REFERENCE)["identity"] < 0.5


def test_an_object_at_the_border_that_is_gone_at_once_vanished():
    assert parts(leaving([16] * 8 + [0] * 9), REFERENCE)["identity"] < 0.5


def test_one_reference_has_luck_of_its_own_and_a_level_of_many_has_not():
    def shows(hazards):
        looks = np.tile(np.linspace(0.6, 0.1, 8), (3, 1))
        return Character(1.0, 1.0, np.asarray(hazards), np.zeros(4), looks, 0.0, 0.0)

    expected, shown = shows([2.0, 1.0, 0.6, 0.4]), shows([2.2, 1.2, 0.8, 0.6])
    assert compare(shown, expected, one=True).survival == 1.0
    assert compare(shown, expected, one=False).survival == pytest.approx(1 / (1 + (0.2 - 0.1) / 0.25))
    worse = shows([2.6, 1.6, 1.2, 1.0])  # 0.6 more, where the reference loses 1.0 in the mean
    assert compare(worse, expected, one=True).survival == pytest.approx(1 / (1 + (0.6 - 0.1 - 0.4 * 1.0) / 0.25))


@pytest.mark.parametrize(("survived", "points"), [(0, 32), (0, 1), (32, 32), (16, 32)])
def test_a_hazard_is_finite_and_a_few_points_are_no_large_one(survived, points):
    seen = np.ones((points, 5), bool)
    seen[survived:, 1:] = False
    window = Window(0, np.zeros((points, 5), complex), seen, np.zeros(points, bool), 5)
    assert hazard(window) == pytest.approx(-np.log((survived + 2) / (points + 2)))


def test_no_objects():
    with pytest.raises(NotApplicable, match="no objects"):
        empty = side(SWAYS)
        masks = {"values": np.zeros((0, FRAMES, SIZE, SIZE), bool), "object_ids": np.zeros(0, np.int64)}
        score(dataclasses.replace(empty, roles={**empty.roles, "masks": masks}))


def test_values_are_numbers_or_none():
    for reference in (REFERENCE, None):
        for name, value in parts(side(SWAYS, lost=1), reference).items():
            assert value is None or isinstance(value, str) or np.isfinite(value), name
