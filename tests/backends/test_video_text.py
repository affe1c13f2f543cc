"""The text network at work: clauses, observations, pairs of vectors, packaged weights."""

from __future__ import annotations

import dataclasses
import itertools
import json

import numpy as np
import pytest

from motionbench.backends.classical import CARRIED_MASKS, DIS, LK_TRACKS
from motionbench.backends.video_text import DUAL, FEATURES
from motionbench.backends.video_text.observe import OBJECT_CHANNELS, SCENE_CHANNELS, observe
from motionbench.backends.video_text.score import CLAUSES, pair
from motionbench.backends.video_text.words import LENGTH, Vocabulary, clauses, words
from motionbench.datasets.synth import grammar, render
from motionbench.datasets.synth.scene import layout_of
from motionbench.errors import WeightsError
from motionbench.types import Clip, InputMatch, Inputs, Video

AT = {name: i for i, name in enumerate(OBJECT_CHANNELS)}
CAMERA = {name: i for i, name in enumerate(SCENE_CHANNELS)}


def test_a_caption_falls_into_its_statements() -> None:
    text = (
        "On a sandy background, the left red star circles clockwise around the blue ball, a quarter of the way, a "
        "white dog moves up, hits the red star and stops, and an orange bar moves left, then turns back to the right. "
        "A stone pillar stands in front. The camera stays still."
    )
    assert clauses(text) == [
        "On a sandy background",
        "the left red star circles clockwise around the blue ball, a quarter of the way",
        "a white dog moves up, hits the red star and stops",
        "an orange bar moves left, then turns back to the right",
        "A stone pillar stands in front",
        "The camera stays still",
    ]
    assert clauses("") == clauses(" . ") == [""]


def test_clauses_of_synthetic_captions_are_the_object_prompts() -> None:
    for index in range(150):
        layout = layout_of(index, "test")
        count, parts = len(layout.actors), clauses(grammar.caption(layout))
        assert len(parts) == count + 2 + (layout.prop is not None) <= CLAUSES
        assert [words(c) for c in parts[1 : 1 + count]] == [words(o.prompt) for o in grammar.objects(layout)]
        assert max(len(words(c)) for c in parts) <= LENGTH


def test_words_beyond_the_vocabulary_are_counted_and_read_as_unknown() -> None:
    known = Vocabulary.of(["ball", "red"])
    assert known.encode(["The red zebra, a ball!"])[0, :4].tolist() == [3, 1, 2, 0]
    assert known.unknown(["A zebra ball", "an Aardvark zebra"]) == ["aardvark", "zebra"]
    assert known.encode(["red " * 99]).shape == (1, LENGTH)


def square(size: int, step: float, count: int = 16, scale: int = 1):
    """A bright square that moves right over dark ground: frames, true flow and masks."""
    frames, masks = np.full((count, size, size, 3), 40, np.uint8), np.zeros((1, count, size, size), bool)
    uv = np.zeros((count - 1, size, size, 2), np.float32)
    for t in range(count):
        left = round(20 * scale + t * step)
        masks[0, t, 50 * scale : 70 * scale, left : left + 20 * scale] = True
        frames[t][masks[0, t]] = (200, 100, 50)
        if t < count - 1:
            uv[t][masks[0, t]] = (step, 0)
    return frames, uv, masks


def seconds(count: int, rate: float = 8.0):
    return np.arange(count) / rate


def test_a_square_that_moves_right() -> None:
    frames, uv, masks = square(128, 3.0)
    seen = observe(frames, seconds(16), uv, masks)
    series = seen.series[0]
    assert series[:15, AT["flow_x"]] == pytest.approx(3.0, abs=1e-4) and series[15, AT["flow_x"]] == 0
    assert series[:, AT["x"]] == pytest.approx((29.5 + 3 * np.arange(16) - 63.5) / 64, abs=1e-5)
    assert series[:, AT["own_x"]] == pytest.approx(series[:, AT["x"]], abs=1e-4)
    assert series[:, AT["area"]] == pytest.approx(1.0) and series[:, AT["seen"]] == pytest.approx(1.0)
    colours = series[:, [AT["red"], AT["green"], AT["blue"]]] * 255
    assert colours == pytest.approx(np.tile([200.0, 100.0, 50.0], (16, 1)), abs=1e-2)
    assert abs(series[:, [AT[n] for n in ("flow_y", "grow", "turn", "rest", "cov")]]).max() < 1e-4
    assert abs(seen.camera[:, :4]).max() < 1e-4


def test_size_and_frame_rate_hardly_matter() -> None:
    plain = observe(*take(square(128, 4.0), 1))
    large = observe(*take(square(256, 8.0, scale=2), 1))
    slow = observe(*take(square(128, 4.0), 2))
    assert large.series == pytest.approx(plain.series, abs=0.02)
    moving = [AT["x"], AT["own_x"], AT["flow_x"]]
    assert slow.series[0, :14, moving] == pytest.approx(plain.series[0, :14, moving], abs=0.02)


def take(parts, stride: int):
    frames, uv, masks = parts
    return (
        frames[::stride],
        seconds(16)[::stride],
        uv[::stride][: len(frames[::stride]) - 1] * stride,
        masks[:, ::stride],
    )


def test_the_camera_is_taken_out() -> None:
    frames, uv, masks = square(128, 0.0)
    uv += np.array([-2.0, 1.0], np.float32)
    seen = observe(frames, seconds(16), uv, masks)
    pan = seen.camera[:15, [CAMERA["camera_x"], CAMERA["camera_y"]]]
    assert pan == pytest.approx(np.tile([-2.0, 1.0], (15, 1)), abs=1e-3)
    assert abs(seen.series[0, :, [AT["flow_x"], AT["flow_y"]]]).max() < 1e-3
    own = seen.series[0, :, [AT["own_x"], AT["own_y"]]]
    assert own[:, -1] - own[:, 0] == pytest.approx([30 / 64, -15 / 64], abs=1e-3)


def test_turning_and_growing_have_their_signs() -> None:
    frames, uv, masks = square(128, 0.0)
    y, x = np.mgrid[:128, :128].astype(np.float32)
    turn = np.stack([-(y - 59.5), x - 29.5], -1) * 0.05
    seen = observe(frames, seconds(16), np.where(masks[0, :1, ..., None], turn, uv), masks)
    assert seen.series[0, 0, AT["turn"]] == pytest.approx(0.1 * 16, abs=0.01)
    assert abs(seen.series[0, 0, AT["grow"]]) < 0.01
    grow = np.stack([x - 29.5, y - 59.5], -1) * 0.05
    seen = observe(frames, seconds(16), np.where(masks[0, :1, ..., None], grow, uv), masks)
    assert seen.series[0, 0, AT["grow"]] == pytest.approx(0.1 * 16, abs=0.01)


@pytest.mark.parametrize(("count", "height", "width"), [(2, 40, 90), (3, 300, 64), (40, 64, 64)])
def test_any_video_gives_finite_numbers(count: int, height: int, width: int) -> None:
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 256, (count, height, width, 3), dtype=np.uint8)
    masks = rng.random((2, count, height, width)) < 0.3
    masks[0] = False
    uv = rng.normal(0, 50, (count - 1, height, width, 2)).astype(np.float32)
    seen = observe(frames, seconds(count, 30.0), uv, masks)
    assert all(np.isfinite(a).all() for a in (seen.series, seen.camera))
    assert seen.series[0, :, AT["seen"]].max() == 0 and seen.crops.shape[0] == 2
    assert observe(frames, seconds(count), uv, masks[:0]).series.shape[0] == 0


def test_a_pair_has_the_mean_of_the_best_cosines() -> None:
    rng = np.random.default_rng(1)
    tokens, said = (
        v / np.linalg.norm(v, axis=1, keepdims=True) for v in (rng.normal(size=(5, 8)), rng.normal(size=(3, 8)))
    )
    video, text = pair(tokens.astype(np.float32), said.astype(np.float32))
    assert np.linalg.norm(video) == pytest.approx(1, abs=1e-6) and np.linalg.norm(text) == pytest.approx(1, abs=1e-6)
    assert float(video @ text) == pytest.approx((said @ tokens.T).max(1).mean(), abs=1e-6)
    assert video.shape == (CLAUSES * 8,)


# The packaged network on scenes of the test split that are not in the benchmark


def scene_inputs(index: int, frames=None, split: str = "test") -> Inputs:
    scene = render(index, split)
    frames = scene.video.frames if frames is None else frames
    clip = Clip(Video(frames, scene.video.times), (128, 128), (0, 0, 128, 128), 1, 8.0)
    ones, masks0 = np.ones((128, 128), bool), scene.masks.values[:, 0]
    return Inputs(scene.case, clip, frames[0], ones, masks0, scene.masks.object_ids, InputMatch(1.0, 0.0, 0.0, 1.0))


def upstream(given: Inputs):
    flow = DIS.load()(given, {})
    tracks = LK_TRACKS.load()(given, {"flow": flow})
    return {"flow": flow, "masks": CARRIED_MASKS.load()(given, {"flow": flow, "tracks": tracks})}


@pytest.fixture(scope="module")
def compute():
    return DUAL.load()


@pytest.fixture(scope="module")
def scenes():
    """A few scenes of several objects, with what the backend builds on."""
    return [(given, upstream(given)) for given in map(scene_inputs, (2001, 2003, 2005, 2009))]


def told(given: Inputs, caption: str) -> Inputs:
    return dataclasses.replace(given, case=dataclasses.replace(given.case, caption=caption))


def cosine(features) -> float:
    return float(features["video"] @ features["text"])


def test_features_have_their_shapes_and_lengths(compute, scenes) -> None:
    given, roles = scenes[0]
    found, count = compute(given, roles), len(given.case.objects)
    assert tuple(found) == FEATURES
    assert found["video"].shape == found["text"].shape and found["video"].ndim == 1
    assert found["objects"].shape == found["object_texts"].shape == (count, 128)
    for name in ("video", "text", "objects", "object_texts"):
        assert found[name].dtype == np.float32
        assert np.linalg.norm(found[name], axis=-1) == pytest.approx(1.0, abs=1e-5)
    assert found["logistic"].shape == (2, 2) and (found["logistic"][:, 0] > 0).all()
    assert found["unknown"].tolist() == [0, 0]


def test_the_same_bits_again_alone_or_not_and_for_any_number_of_threads(compute, scenes) -> None:
    import torch

    before, seen = torch.get_num_threads(), []
    try:
        for threads, order in ((1, (0, 1)), (2, (1, 0)), (4, (0,))):
            torch.set_num_threads(threads)
            found = {i: compute(*scenes[i]) for i in order}
            assert torch.get_num_threads() == threads
            seen.append(tuple(found[0][name].tobytes() for name in FEATURES))
    finally:
        torch.set_num_threads(before)
    assert len(set(seen)) == 1


def test_the_right_caption_beats_others(compute, scenes) -> None:
    others = [grammar.caption(layout_of(index, "test")) for index in range(3000, 3008)]
    for given, roles in scenes[:2]:
        own = cosine(compute(given, roles))
        assert all(own > cosine(compute(told(given, other), roles)) for other in others)


def test_objects_prefer_their_own_prompts(compute, scenes) -> None:
    for given, roles in scenes:
        found = compute(given, roles)
        match = found["objects"] @ found["object_texts"].T
        pairs = itertools.combinations(range(len(match)), 2)
        assert all(match[i, i] + match[j, j] > match[i, j] + match[j, i] for i, j in pairs)


def test_a_frozen_video_scores_less_than_the_true_one(compute, scenes) -> None:
    for given, roles in scenes:
        frames = np.repeat(given.clip.video.frames[:1], 16, axis=0)
        still = dataclasses.replace(
            given, clip=dataclasses.replace(given.clip, video=Video(frames, given.clip.video.times))
        )
        planes = np.repeat(roles["masks"]["values"][:, :1], 16, axis=1)
        frozen = {"flow": {"uv": np.zeros_like(roles["flow"]["uv"])}, "masks": {**roles["masks"], "values": planes}}
        assert cosine(compute(still, frozen)) < cosine(compute(given, roles)) - 0.1


def test_unknown_words_are_counted(compute, scenes) -> None:
    given, roles = scenes[0]
    found = compute(told(given, "A zebra moves to the left. A qualm stays still."), roles)
    assert found["unknown"].tolist() == [2, 0]


def test_the_contract() -> None:
    assert (DUAL.role, DUAL.domain, DUAL.min_frames) == ("video_text", "synth", 2)
    assert set(DUAL.requires) == {"flow", "masks"} and set(DUAL.inputs) == {"masks", "text"}


# The packaged files


def test_altered_files_are_refused() -> None:
    from motionbench.backends.video_text.packaged import read, trained

    facts, weights = read("dual.json"), read("dual.safetensors")
    assert len(facts) + len(weights) <= 8_000_000
    with pytest.raises(WeightsError, match="not the file"):
        trained(facts, weights[:-1] + bytes([weights[-1] ^ 1]))
    with pytest.raises(WeightsError, match="schema"):
        trained(json.dumps({**json.loads(facts), "schema": "other/9"}).encode(), weights)
    with pytest.raises(WeightsError, match=r"dual\.json cannot be read"):
        trained(b"{}", weights)
    with pytest.raises(WeightsError, match="cannot be read"):
        read("no-such-file")


def test_other_weights_need_another_recipe() -> None:
    from motionbench.backends.video_text.packaged import read

    # Features are cached under the recipe's number: whoever replaces the weights raises it and changes this line.
    assert (DUAL.recipe, json.loads(read("dual.json"))["weights_sha256"][:16]) == (2, "5c19a1923f61c20e")


def test_the_facts_say_where_the_weights_come_from() -> None:
    from motionbench.backends.video_text.packaged import read

    facts = json.loads(read("dual.json"))
    training = facts["training"]
    assert training["command"].startswith("python -m motionbench.training.text FOLDER")
    assert set(training["data"]) == {"dataset", "scenes", "calibration_scenes", "recipe", "sha256"}
    assert len(training["data"]["sha256"]) == 64 and training["torch"]
    assert set(facts["vocabulary"]) >= {"left", "right", "clockwise", "red", "hops"}
