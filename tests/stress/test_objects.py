from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import pytest

from motionbench.datasets.synth import render
from motionbench.datasets.synth.plates import without
from motionbench.errors import NotApplicable
from motionbench.stress import objects, picture, swaps
from motionbench.stress.backdrop import RegisteredBackdrop
from motionbench.stress.choice import choose_objects
from motionbench.stress.layers import centre_and_diameter
from motionbench.stress.material import Material, of_scene
from motionbench.stress.registration import grown
from motionbench.types import Protocol

ONE = 2


def _centre(material: Material, object_id: int, at: int) -> np.ndarray:
    return centre_and_diameter(material.masks[material.plane(object_id), at])[0]


@pytest.mark.parametrize(("severity", "gone"), list(enumerate((15, 14, 12, 8, 2), start=1)))
def test_a_vanished_object_leaves_the_true_plate(severity: int, gone: int) -> None:
    clean = of_scene(3, protocol=Protocol(size=128))
    made = objects.vanish(clean, severity, 0, ONE)
    truth = without(render(3), (ONE,))
    assert np.array_equal(made.frames[gone:], truth[gone:])
    assert np.array_equal(made.frames[:gone], clean.frames[:gone])
    assert not made.masks[clean.plane(ONE), gone:].any()
    others = [k for k in range(len(clean.masks)) if k != clean.plane(ONE)]
    assert np.array_equal(made.masks[others], clean.masks[others])


def test_the_plate_of_a_scene_differs_only_where_the_object_and_its_shadow_are() -> None:
    scene = render(3)
    changed = (without(scene, (ONE,)) != scene.video.frames).any(-1)
    for at in range(16):
        assert not (changed[at] & ~grown(scene.amodal.values[ONE - 1, at], 10)).any()
    assert np.array_equal(without(scene, ()), scene.video.frames)


def test_a_jump_moves_the_mask_by_its_share_of_the_diameter(scene: Material) -> None:
    size = centre_and_diameter(scene.masks[scene.plane(ONE), 0])[1]
    ways = []
    for severity, part in enumerate(objects.TELEPORT, start=1):
        made = objects.teleport(scene, severity, 3, ONE)
        ways.append(_centre(made, ONE, 12) - _centre(scene, ONE, 12))
        assert np.linalg.norm(ways[-1]) == pytest.approx(part * size, rel=0.15, abs=0.4)
    assert all(np.dot(way, ways[-1]) > 0 for way in ways)


def test_jitter_is_the_same_jitter_scaled(scene: Material) -> None:
    strong, weak = (objects.object_jitter(scene, s, 3, ONE) for s in (5, 4))
    for at in range(1, 16):
        base = _centre(scene, ONE, at)
        assert np.allclose(_centre(strong, ONE, at) - base, 2 * (_centre(weak, ONE, at) - base), atol=1.2)


def test_a_frozen_object_rides_on_the_background(scene: Material) -> None:
    made = objects.partial_freeze(scene, 5, 0, ONE)
    camera = scene.backdrop.camera()
    start = np.append(_centre(scene, ONE, 0), 1.0)
    for at in (5, 15):
        assert np.allclose(_centre(made, ONE, at), (camera[at] @ start)[:2], atol=0.7)


def test_a_fading_object_comes_ever_closer_to_the_plate(scene: Material) -> None:
    made = objects.fade(scene, 5, 0, ONE)
    plate = scene.backdrop.plate((ONE,)).frames
    inside = [scene.masks[scene.plane(ONE), at] for at in range(16)]
    left = [np.abs(made.frames[at].astype(float) - plate[at])[inside[at]].mean() for at in range(6, 16)]
    assert left == sorted(left, reverse=True) and left[-1] < 1


def test_a_fade_is_a_share_of_the_way_to_the_plate(scene: Material) -> None:
    core = ~grown(~scene.masks[scene.plane(ONE), 15], 2)
    plate = scene.backdrop.plate((ONE,)).frames[15][core].astype(float)
    clean = scene.frames[15][core] - plate
    for severity, left in enumerate((0.8, 0.6, 0.4, 0.2, 0.0), start=1):
        made = objects.fade(scene, severity, 0, ONE).frames[15][core] - plate
        assert np.abs(made - left * clean).mean() < 1.5


def test_a_double_hides_behind_its_original(scene: Material) -> None:
    made = objects.duplicate(scene, 5, 0, ONE)
    core = scene.masks[scene.plane(ONE), 15] & ~grown(~scene.masks[scene.plane(ONE), 15], 3)
    assert np.array_equal(made.frames[15][core], scene.frames[15][core])
    assert (made.frames[15] != scene.frames[15]).any(-1).sum() > 0.5 * scene.masks[scene.plane(ONE), 15].sum()


def test_merged_objects_end_as_one(scene: Material) -> None:
    made = objects.merge(scene, 5, 0, ONE)
    assert not made.masks[scene.plane(ONE), -1].any()
    half = objects.merge(scene, 2, 0, ONE)
    assert half.masks[scene.plane(ONE), -1].any()


def test_merging_takes_two() -> None:
    single = next(m for m in (of_scene(k, protocol=Protocol(size=64)) for k in range(9)) if len(m.masks) == 1)
    with pytest.raises(NotApplicable, match="no other object"):
        objects.merge(single, 1, 0, 1)


def test_a_swapped_object_keeps_its_outline(scene: Material) -> None:
    made = swaps.identity_swap(scene, 5, 0, ONE)
    mask = scene.masks[scene.plane(ONE), 15]
    changed = (made.frames[15] != scene.frames[15]).any(-1)
    assert not (changed & ~grown(mask, 5)).any() and changed[mask].mean() > 0.8
    with pytest.raises(NotApplicable, match="another case"):
        swaps.identity_swap(dataclasses.replace(scene, donor=None), 5, 0, ONE)


def test_a_part_that_is_swapped_is_one_end_and_grows(scene: Material) -> None:
    mask = scene.masks[scene.plane(ONE), 15]
    shares, before = [], None
    for severity in range(1, 6):
        frame = swaps.part_swap(scene, severity, 0, ONE).frames[15]
        changed = (frame != scene.frames[15]).any(-1)
        assert not (changed & ~grown(mask, 5)).any()
        shares.append(float(changed[mask].mean()))
        assert before is None or changed[before].mean() > 0.9  # the larger end holds the smaller one
        before = changed
    assert shares == sorted(shares) and shares[-1] < 0.9 and shares[0] < 0.6 * shares[-1]
    assert np.array_equal(swaps.part_swap(scene, 5, 0, ONE).frames[:4], scene.frames[:4])


def test_a_swapped_texture_has_the_objects_own_colours(scene: Material) -> None:
    mask = ~grown(~scene.masks[scene.plane(ONE), 15], 2)
    own, other, same = (
        made.frames[15][mask].astype(float)
        for made in (scene, swaps.identity_swap(scene, 5, 0, ONE), swaps.texture_swap(scene, 5, 0, ONE))
    )
    assert np.abs(own.mean(0) - same.mean(0)).max() < 0.5 * np.abs(own.mean(0) - other.mean(0)).max()
    assert np.abs(own - same).mean() > 5
    with pytest.raises(NotApplicable, match="another case"):
        swaps.texture_swap(dataclasses.replace(scene, donor=None), 5, 0, ONE)


def test_drifting_background_leaves_the_objects(scene: Material) -> None:
    made = picture.background_drift(scene, 5, 0, None)
    core = ~grown(~scene.masks[:, 10].any(0), 4)
    assert np.array_equal(made.frames[10][core], scene.frames[10][core])
    assert (made.frames[10] != scene.frames[10]).any(-1).mean() > 0.5


def _square(still: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A textured ground that slides by 1 px a frame, and a square that moves over it (or rides on it)."""
    rng = np.random.default_rng(0)
    ground = cv2.GaussianBlur(rng.integers(0, 255, (96, 160, 3)).astype(np.float32), (0, 0), 1.5)
    ground = np.clip((ground - 127) * 4 + 127, 0, 255).astype(np.uint8)
    plates = np.stack([ground[:, t : t + 128] for t in range(16)])
    frames, masks = plates.copy(), np.zeros((1, 16, 96, 128), np.bool_)
    for t in range(16):
        left = 60 - t if still else 20 + 4 * t
        frames[t, 40:60, left : left + 20] = (200, 40, 40)
        masks[0, t, 40:60, left : left + 20] = True
    return plates, frames, masks


def test_what_is_behind_a_moving_object_is_found_in_other_frames() -> None:
    plates, frames, masks = _square(still=False)
    backdrop = RegisteredBackdrop(frames, masks, np.array([1]), 16)
    assert np.allclose(backdrop.camera()[15][:2, 2], (-15, 0), atol=0.3)
    plate = backdrop.plate((1,))
    assert plate.known.all()
    assert np.abs(plate.frames.astype(float) - plates)[masks[0]].mean() < 6


def test_what_no_frame_shows_is_not_known_and_not_uncovered(scene: Material) -> None:
    _, frames, masks = _square(still=True)
    backdrop = RegisteredBackdrop(frames, masks, np.array([1]), 16)
    assert not backdrop.plate((1,)).known[8][masks[0, 8]].any()
    material = dataclasses.replace(
        scene,
        image=frames[0],
        frames=frames,
        times=np.arange(16) / 8,
        masks=masks,
        object_ids=np.array([1]),
        backdrop=backdrop,
    )
    with pytest.raises(NotApplicable, match="no frame shows"):
        objects.vanish(material, 5, 0, 1)
    assert choose_objects(material) == ([], "object 1 stands still")
