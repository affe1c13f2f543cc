from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from motionbench.errors import NotApplicable
from motionbench.stress import benign, prompts
from motionbench.stress.corruptions import BENIGN
from motionbench.stress.material import Material, Texts
from motionbench.types import Object


def _texts(caption: str) -> Texts:
    return Texts(caption, caption, caption, (Object(1, "left star", caption),))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("The left star moves to the left.", "The left star moves to the right."),
        ("It goes to the upper right, then turns back to the lower left.",
         "It goes to the lower left, then turns back to the upper right."),
        ("It comes in from the left edge.", "It comes in from the right edge."),
        ("It goes up clockwise; the camera zooms in.", "It goes down counterclockwise; the camera zooms out."),
    ],
)  # fmt: skip
def test_directions_turn_and_names_stay(scene: Material, before: str, after: str) -> None:
    made = prompts.other_direction(dataclasses.replace(scene, texts=_texts(before)), 1, 0, None)
    assert made.caption == after and made.texts.objects[0].name == "left star"


def test_a_text_without_the_word_is_refused(scene: Material) -> None:
    still = dataclasses.replace(scene, texts=_texts("A star."))
    with pytest.raises(NotApplicable):
        prompts.other_direction(still, 1, 0, None)
    with pytest.raises(NotApplicable):
        prompts.other_verb(still, 1, 0, None)
    with pytest.raises(NotApplicable):
        prompts.swapped_objects(still, 1, 0, None)


def test_verbs_are_exchanged_once() -> None:
    assert prompts.replaced("The fox walks, then spins.", prompts._VERBS) == "The fox spins, then hops."


def test_swapped_objects_do_what_the_other_did(scene: Material) -> None:
    made = prompts.swapped_objects(scene, 1, 0, None).texts
    first, second = scene.texts.objects[:2]
    assert made.objects[0].name == second.name and made.objects[1].name == first.name
    verb = first.prompt.split(first.name.split()[-1])[-1]
    assert verb.split("passes")[0].strip(" and") in made.objects[0].prompt


def test_a_mirror_undoes_itself(scene: Material) -> None:
    once = benign.mirror(scene, 1, 0, None)
    assert np.array_equal(once.frames[3], scene.frames[3][:, ::-1]) and np.array_equal(once.image, once.frames[0])
    twice = benign.mirror(once, 1, 0, None)
    assert np.array_equal(twice.frames, scene.frames) and twice.texts == scene.texts
    assert prompts.mirrored(_texts("The left star moves to the right, brightly.")).caption == (
        "The right star moves to the left, brightly."
    )


def test_a_later_start_takes_the_case_along(scene: Material) -> None:
    made = benign.one_later(scene, 1, 0, None)
    assert np.array_equal(made.image, scene.frames[1]) and np.array_equal(made.masks[:, 0], scene.masks[:, 1])
    assert made.times[0] == 0 and len(made.frames) == 15


def test_coding_loses_more_at_a_higher_rate_factor(scene: Material) -> None:
    lost = [
        np.abs(BENIGN[f"crf{n}"].apply(scene, 1, 0).frames.astype(float) - scene.frames).mean() for n in (18, 23, 28)
    ]
    assert 0 < lost[0] < lost[1] < lost[2] < 6


@pytest.mark.parametrize("name", ["gamma_up", "gamma_down", "shift", "resize"])
def test_small_changes_are_small(scene: Material, name: str) -> None:
    made = BENIGN[name].apply(scene, 1, 0)
    assert made.frames.shape == scene.frames.shape
    assert 0.1 < np.abs(made.frames.astype(float) - scene.frames).mean() < 8
