"""Training of the text network: false tellings, mirror images, the loss, and resuming."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from motionbench.backends.video_text.network import GROUND, LOOK, DualEncoder
from motionbench.backends.video_text.observe import OBJECT_CHANNELS, SCENE_CHANNELS
from motionbench.backends.video_text.words import Vocabulary, words
from motionbench.datasets.synth.scene import layout_of
from motionbench.training import texts
from motionbench.training.calibrate import fit_logistic
from motionbench.training.contrast import Phrases, claims, loss, telling
from motionbench.training.scenes import faulty
from motionbench.training.text import Settings, train
from motionbench.training.views import Scenes, mirrored, view

COUNT = 12
AT = {name: i for i, name in enumerate(OBJECT_CHANNELS)}


@pytest.fixture(scope="module")
def phrases() -> Phrases:
    return Phrases(Vocabulary.of(texts.vocabulary(64)))


@pytest.fixture(scope="module")
def told(phrases: Phrases):
    return [telling(index, "train", phrases) for index in range(COUNT)]


@pytest.fixture(scope="module")
def scenes(told) -> Scenes:
    """Random observations with the true number of objects."""
    rng = np.random.default_rng(0)
    counts = [len(one.objects) for one in told]

    def some(*shape: int) -> torch.Tensor:
        return torch.from_numpy(rng.normal(size=shape).astype(np.float32))

    return Scenes(
        some(sum(counts), 16, len(OBJECT_CHANNELS)),
        some(sum(counts), 2, 4 * LOOK * LOOK),
        some(COUNT, 16, len(SCENE_CHANNELS)),
        some(COUNT, 4 * GROUND * GROUND),
        np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
    )


def test_a_false_telling_is_false_of_the_named_objects_alone() -> None:
    kinds = set()
    for index in range(40):
        layout = layout_of(index, "train")
        true = texts.prompts(layout)
        for false in texts.wrongs(layout, np.random.default_rng(index)):
            kinds.add(false.kind)
            other = texts.prompts(false.layout)
            assert all(other[a - 1] != true[a - 1] for a in false.actors)
            if false.kind in ("direction", "pace"):
                changed = [set(words(x)) ^ set(words(y)) for x, y in zip(true, other, strict=True)]
                ways = {"left", "right", "up", "down", "upper", "lower", "clockwise", "counterclockwise", "to", "back"}
                ways |= {
                    "slowly",
                    "steadily",
                    "quickly",
                    "top",
                    "bottom",
                    "moves",
                    "and",
                    "goes",
                    "on",
                    "stops",
                    "bounces",
                }
                assert set().union(*changed) <= ways
    assert kinds == set(texts.KINDS)


def test_exchanged_looks_keep_the_motion() -> None:
    layout = next(ly for ly in (layout_of(i, "train") for i in range(1, 99, 2)) if ly.scenario == "independent")
    first, second = layout.actors[:2]
    other = texts.exchanged(layout, first, second)
    assert [a.move for a in other.actors] == [a.move for a in layout.actors]
    assert (other.actors[0].look, other.actors[1].look) == (second.look, first.look)


def test_the_mirror_image_of_a_clause_exchanges_the_sides(phrases: Phrases) -> None:
    number = phrases.add("The left star spins clockwise to the right")
    table = phrases.table()
    mirror = phrases.vocabulary.encode(["right star spins counterclockwise to left"])[0]
    assert np.array_equal(table[1, number].numpy(), mirror)


def test_mirroring_twice_is_nothing(scenes: Scenes) -> None:
    batch = view(scenes, [0, 3, 1])
    twice = mirrored(mirrored(batch))
    for field in ("series", "looks", "camera", "picture"):
        assert torch.equal(getattr(twice, field), getattr(batch, field))


def test_a_frozen_copy_has_no_motion_and_a_reversed_one_the_opposite(scenes: Scenes) -> None:
    batch = view(scenes, [2], [(0, False), (0, True)])
    count = len(batch.series) // 3
    true, still, back = batch.series.split(count)
    assert not still[:, :, AT["flow_x"]].any() and torch.equal(still[:, 7, AT["x"]], true[:, 0, AT["x"]])
    assert torch.equal(back[:, :15, AT["flow_x"]], -true[:, :15, AT["flow_x"]].flip(1))
    assert torch.equal(back[:, :, AT["x"]], true[:, :, AT["x"]].flip(1))
    assert not batch.camera[1, :, :4].any()


def test_claims_name_what_is_true(scenes: Scenes, told) -> None:
    batch = view(scenes, range(COUNT), [(b, False) for b in range(COUNT)])
    said = claims(batch, told, np.random.default_rng(0))
    assert said.holds[said.rows, said.columns].all()
    assert not (said.false & said.holds[said.rows]).any()
    assert (said.columns < said.true).all() and not said.false[:, : said.true].any()
    still = [all(one.still) for one in told]
    width = batch.width
    for b, one in enumerate(told):
        frozen = said.holds[(COUNT + b) * width : (COUNT + b) * width + len(one.objects)]
        assert frozen.any(1).tolist() == one.still
    assert not all(still)


def test_one_thing_learned_by_heart(scenes: Scenes, told, phrases: Phrases) -> None:
    torch.manual_seed(0)
    model, table = DualEncoder(len(phrases.vocabulary.numbers)), phrases.table()[0]
    optimizer = torch.optim.AdamW(model.parameters(), 2e-3)
    batch, values = view(scenes, range(COUNT), [(0, False), (1, True)]), []
    for step in range(25):
        value = loss(model, batch, told, table, np.random.default_rng(step))
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        values.append(value.item())
    assert np.isfinite(values).all() and values[-1] < 0.3 * values[0]


def test_an_interrupted_training_ends_with_the_same_weights(tmp_path, monkeypatch, scenes, told, phrases) -> None:
    settings = Settings(scenes=COUNT, steps=6, batch=6, altered=2)
    monkeypatch.setattr("motionbench.training.text.CHECKPOINT_EVERY", 3)
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    whole = train(tmp_path / "a", settings, scenes, told, phrases).state_dict()

    class Stop(Exception):
        pass

    calls = iter(range(5))

    def stop(*args, **kwargs):
        if next(calls) == 4:
            raise Stop
        return loss(*args, **kwargs)

    with monkeypatch.context() as patch, pytest.raises(Stop):
        patch.setattr("motionbench.training.text.loss", stop)
        train(tmp_path / "b", settings, scenes, told, phrases)
    again = train(tmp_path / "b", settings, scenes, told, phrases).state_dict()
    assert all(torch.equal(whole[name], again[name]) for name in whole)


def test_other_settings_have_other_checkpoints(tmp_path, scenes, told, phrases) -> None:
    settings = Settings(scenes=COUNT, steps=1, batch=4, altered=1)
    first = train(tmp_path, settings, scenes, told, phrases).state_dict()
    second = train(tmp_path, dataclasses.replace(settings, seed=1), scenes, told, phrases).state_dict()
    assert not torch.equal(first["video.out.weight"], second["video.out.weight"])


def test_faulty_masks_keep_the_first_frame_and_depend_on_the_seed() -> None:
    masks = np.zeros((3, 16, 64, 64), bool)
    masks[:, :, 20:40, 20:40] = True
    one, two, three = (faulty(masks, np.random.default_rng(s)) for s in (1, 1, 2))
    assert np.array_equal(one, two) and not np.array_equal(one, three)
    assert np.array_equal(one[:, 0], masks[:, 0]) and not np.array_equal(one, masks)


def test_the_logistic_of_known_odds() -> None:
    rng = np.random.default_rng(0)
    cosines = rng.uniform(-1, 1, 40000)
    true = rng.random(40000) < 1 / (1 + np.exp(-(6 * cosines - 1)))
    slope, _ = fit_logistic(cosines, true)
    assert slope == pytest.approx(6, abs=0.25)
