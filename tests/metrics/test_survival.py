"""SURVIVAL: which losses count, and what becomes of windows without seeds. Frames are 64 x 64, windows 5 frames."""

from __future__ import annotations

import numpy as np
import pytest

from motionbench.errors import NotApplicable
from motionbench.metrics.fates import object_fates
from motionbench.metrics.motion import SURVIVAL

from .views import still, view, windows_of

T, SIZE, L = 13, 64, 5
ON = [1] * L
NOWHERE = np.zeros((T, SIZE, SIZE), bool)


def box(x0, x1, y0, y1, frames=range(T)):
    mask = np.zeros((T, SIZE, SIZE), bool)
    for t in frames:
        mask[t, y0:y1, x0:x1] = True
    return mask


def moving(x, y, vx, vy=0.0, n=1):
    """n equal tracks [n, L, 2] that start at (x, y)."""
    steps = np.arange(L)[:, None] * np.array([vx, vy])
    return np.repeat((np.array([x, y]) + steps)[None], n, axis=0)


def lost_after(last, n=1):
    return [[int(k <= last) for k in range(L)]] * n


def background(start):
    return (still([(2, 2)], L), [ON], 0, start)


def fates(parts, others=NOWHERE):
    starts = (0, 4, 8)
    return object_fates(windows_of([*parts, *(background(s) for s in starts)]), 1, others)


def counts(found):
    return found.survived, found.lost, found.excused, found.empty


def everywhere(track, seen, starts=(0, 4, 8)):
    return [(track, seen, 1, s) for s in starts]


def test_all_survive():
    found = fates(everywhere(moving(20, 20, 1, n=3), [ON] * 3))
    assert counts(found) == (9, 0, 0, 0) and found.survival == 1.0


def test_a_share_by_hand():
    found = fates([(moving(20, 20, 1, n=4), [ON, ON, ON, *lost_after(2)], 1, s) for s in (0, 4, 8)])
    assert counts(found) == (9, 3, 0, 0) and found.survival == 0.75


def test_seen_again_at_the_end_is_survival():
    assert counts(fates(everywhere(moving(20, 20, 1), [[1, 0, 0, 1, 1]]))) == (3, 0, 0, 0)


def test_loss_behind_another_object_is_excused_by_extrapolation():
    """Last seen at x = 24 with 2 px a frame: expected at 26, 28. The cover starts at 28, so frame 4 excuses it."""
    track = moving(20, 30, 2)
    seen = lost_after(2)
    assert counts(fates([(track, seen, 1, 0)], box(28, 40, 20, 40)))[:3] == (0, 1 - 1, 1 + 2)
    # Beside its path, or only after the window, the cover excuses nothing.
    assert counts(fates([(track, seen, 1, 0)], box(28, 40, 40, 60)))[:2] == (0, 3)
    assert fates(everywhere(track, seen, (0,)), box(28, 40, 20, 40, frames=[0, 1, 2, 12])).excused == 0


def test_standing_cover_over_the_last_position_excuses():
    track = still([(30, 30)], L)
    found = fates([(track, lost_after(1), 1, s) for s in (0, 4, 8)], box(25, 35, 25, 35, frames=[3]))
    assert counts(found) == (0, 2, 1, 0)  # frame 3 lies in the first window only


@pytest.mark.parametrize(
    ("x", "vx", "excused"),
    [(63 - 6, 2, True), (63 - 7.5, 2, False), (62, 0, True), (61.5, 0, False), (1, 0, True), (2, 0, False)],
)
def test_loss_at_the_border(x, vx, excused):
    """Last seen in frame 2 within one step (at least 1 px) of the first or last column."""
    found = fates(everywhere(moving(x, 30, vx), lost_after(2)))
    assert found.excused == (3 if excused else 0)


def test_a_point_seen_once_moves_as_its_object_does():
    """Expected at x = 24 in frame 1, as the others moved by 4; the cover stands only there."""
    cover = box(23, 26, 25, 35, frames=[1, 5, 9])
    alone = fates(everywhere(moving(20, 30, 4), lost_after(0)), cover)
    among = fates(everywhere(moving(20, 30, 4, n=3), [*lost_after(0), ON, ON]), cover)
    assert alone.excused == 0 and counts(among) == (6, 0, 3, 0)


def test_a_vanished_object_keeps_losing():
    """Its points die in the first window and its mask is empty from then on: 4 lost in each window, none dropped."""
    found = fates([(moving(20, 30, 1, n=4), lost_after(1, 4), 1, 0)])
    assert counts(found) == (0, 12, 0, 2) and found.survival == 0.0


def test_an_object_that_left_through_the_border_is_excused_for_good():
    found = fates([(moving(50, 30, 4, n=4), lost_after(2, 4), 1, 0)])
    assert found.survival == 0.0 and counts(found) == (0, 12, 0, 2)  # last seen at 58, 5 px off: no exit
    found = fates([(moving(52, 30, 4, n=4), lost_after(2, 4), 1, 0)])
    assert found.survival is None and counts(found) == (0, 0, 12, 2)


def test_an_object_that_survived_and_then_has_no_seeds():
    """Hidden right after the window's end: excused. Gone for no reason: lost."""
    parts = [(moving(20, 30, 1, n=4), [ON] * 4, 1, 0)]
    assert counts(fates(parts)) == (4, 8, 0, 2)
    assert counts(fates(parts, box(24, 40, 20, 40, frames=range(5, T)))) == (4, 0, 8, 2)


def test_the_majority_speaks_for_an_empty_window():
    tracks = np.concatenate([moving(20, 30, 1, n=3), moving(20, 50, 1, n=1)])
    cover = box(20, 40, 25, 35, frames=range(3, T))
    assert counts(fates([(tracks, lost_after(2, 4), 1, 0)], cover)) == (0, 1, 3 + 8, 2)
    assert counts(fates([(tracks[::-1][:2], lost_after(2, 2), 1, 0)], cover)) == (0, 1, 1 + 4, 2)
    few = np.concatenate([tracks, np.repeat(tracks[3:], 3, axis=0)])  # 3 of 7 are excused
    assert counts(fates([(few, lost_after(2, 7), 1, 0)], cover)) == (0, 4 + 14, 3, 2)


def test_windows_before_the_first_seeds_do_not_count():
    assert counts(fates(everywhere(moving(20, 20, 1, n=2), [ON] * 2, (4, 8)))) == (4, 0, 0, 0)
    assert fates([]) is None


# The metric


def clip(parts, masks, ids, times=None):
    roles = {
        "windows": windows_of(parts),
        "masks": {"values": np.stack(masks), "object_ids": np.asarray(ids, np.int64)},
    }
    return view(roles, np.arange(T) / 8 if times is None else times, (SIZE, SIZE))


def grid(n=9):
    return [(x, y) for x in np.linspace(3, 60, n) for y in (4.0, 59.0)]


def scene(tracks_of, masks, ids):
    parts = [(still(grid(), L), [ON] * len(grid()), 0, s) for s in (0, 4, 8)]
    for key, (track, seen) in tracks_of.items():
        parts += [(track, seen, key, s) for s in (0, 4, 8)]
    return SURVIVAL.measure(clip(parts, masks, ids))


def test_mean_and_worst_over_objects():
    values = scene(
        {7: (moving(20, 20, 1, n=2), [ON] * 2), 3: (moving(20, 40, 0, n=2), [ON, *lost_after(2)])},
        [box(15, 25, 15, 25), box(15, 31, 35, 51)],
        [7, 3],
    )
    assert (values["value"], values["worst"]) == (0.75, 0.5)
    first, second = values["objects"]
    assert (first["object_id"], first["survival"], first["tracks"], first["area"]) == (7, 1.0, 6, 100)
    assert (second["object_id"], second["survival"], second["excused"]) == (3, 0.5, 0)
    assert first["amplitude"] == pytest.approx(8 / 10)  # 8 px/s, 10 px across
    assert second["amplitude"] == 0.0
    assert values["amplitude"] == pytest.approx(0.4) and values["camera_inliers"] == 1.0


def test_another_objects_mask_excuses_and_the_own_one_does_not():
    loses = (moving(20, 20, 1), lost_after(2))
    stays = (still([(50, 50)], L), [ON])
    own = scene({1: loses, 2: stays}, [box(10, 40, 10, 40), box(45, 55, 45, 55)], [1, 2])
    other = scene({1: loses, 2: stays}, [box(15, 21, 15, 25), box(22, 40, 10, 40)], [1, 2])
    assert own["objects"][0]["survival"] == 0.0
    assert other["objects"][0]["survival"] is None and "behind another object" in other["objects"][0]["reason"]
    assert other["value"] == 1.0


def test_an_object_without_a_mask_is_named_and_left_out():
    values = scene({1: (moving(20, 20, 1), [ON])}, [box(15, 25, 15, 25), NOWHERE], [1, 2])
    assert values["value"] == 1.0
    assert values["objects"][1]["survival"] is None and "empty in the first frame" in values["objects"][1]["reason"]
    values = scene({1: (moving(20, 20, 1), [ON])}, [box(15, 25, 15, 25), box(1, 2, 1, 2)], [1, 2])
    assert "no point could be placed" in values["objects"][1]["reason"]


def test_no_object_that_can_be_judged():
    with pytest.raises(NotApplicable, match="empty in the first frame"):
        scene({}, [NOWHERE], [1])
    none = {"values": np.zeros((0, T, SIZE, SIZE), bool), "object_ids": np.zeros(0, np.int64)}
    roles = {"windows": windows_of([background(0)]), "masks": none}
    with pytest.raises(NotApplicable, match="no objects"):
        SURVIVAL.measure(view(roles, np.arange(T) / 8, (SIZE, SIZE)))


def test_values_are_plain_numbers():
    values = scene({1: (moving(20, 20, 1), [ON])}, [box(15, 25, 15, 25)], [1])
    flat = {**values, **values["objects"][0]}
    assert all(v is None or isinstance(v, (int, float, str, list)) for v in flat.values())
    assert not any(isinstance(v, np.generic) for v in flat.values())
