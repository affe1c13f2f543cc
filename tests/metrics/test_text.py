"""Text alignment: the logistic of a cosine, by caption and by object."""

from __future__ import annotations

import dataclasses
import itertools
import math

import numpy as np
import pytest

from motionbench.errors import NotApplicable
from motionbench.metrics.text import TEXT, TEXT_OBJECT, cosine, probability
from motionbench.types import Object

from .views import view

E = np.eye(4, dtype=np.float32)
FLAT = np.array([[4.0, -2.0], [1.0, 0.0]], np.float32)


def role(video, text, objects=(), object_texts=(), logistic=FLAT, unknown=(0, 0)):
    return {
        "video_text": {
            "video": np.asarray(video, np.float32),
            "text": np.asarray(text, np.float32),
            "objects": np.asarray(objects, np.float32).reshape(-1, 4),
            "object_texts": np.asarray(object_texts, np.float32).reshape(-1, 4),
            "logistic": logistic,
            "unknown": np.array(unknown),
        }
    }


def seen(roles, objects=()):
    things = tuple(Object(n, f"thing {n}", f"The thing {n} moves.") for n in objects)
    found = view(roles, np.arange(2) / 8)
    return dataclasses.replace(found, case=dataclasses.replace(found.case, objects=things))


def test_closed_forms() -> None:
    assert cosine(E[0], E[1]) == 0.0 and cosine(E[0], 7 * E[0]) == 1.0 and cosine(E[0], -E[0]) == -1.0
    assert cosine(np.array([1.0, 1.0]), np.array([1.0, 0.0])) == pytest.approx(math.sqrt(0.5))
    assert cosine(np.zeros(3), E[0, :3]) == 0.0
    assert probability(0.5, FLAT[0]) == 0.5
    assert probability(1.0, FLAT[0]) == pytest.approx(1 / (1 + math.exp(-2)))
    assert 0.0 <= probability(-1.0, np.array([1e6, 0.0])) < 1e-100 and probability(1.0, np.array([1e6, 0.0])) == 1.0


def test_the_caption_uses_the_first_logistic() -> None:
    values = TEXT.measure(seen(role(E[0], (E[0] + E[1]) / np.sqrt(2), unknown=(3, 1))))
    assert values["cosine"] == pytest.approx(math.sqrt(0.5))
    assert values["value"] == pytest.approx(1 / (1 + math.exp(-(4 * math.sqrt(0.5) - 2))))
    assert values["unknown"] == 3


def test_objects_one_by_one_their_mean_and_the_worst() -> None:
    values = TEXT_OBJECT.measure(seen(role(E[0], E[0], E[:3], [E[0], -E[1], E[3]], unknown=(3, 1)), (4, 2, 9)))
    expected = [1 / (1 + math.exp(-c)) for c in (1.0, -1.0, 0.0)]
    assert [o["object_id"] for o in values["objects"]] == [4, 2, 9]
    assert [o["value"] for o in values["objects"]] == pytest.approx(expected)
    assert values["value"] == pytest.approx(sum(expected) / 3) and values["worst"] == pytest.approx(expected[1])
    assert values["unknown"] == 1


def test_exchanged_prompts_score_less() -> None:
    right = TEXT_OBJECT.measure(seen(role(E[0], E[0], E[:2], E[:2]), (1, 2)))
    wrong = TEXT_OBJECT.measure(seen(role(E[0], E[0], E[:2], E[1::-1]), (1, 2)))
    assert right["value"] > wrong["value"]


def test_a_case_without_objects_is_not_applicable() -> None:
    with pytest.raises(NotApplicable, match="no objects"):
        TEXT_OBJECT.measure(seen(role(E[0], E[0])))


def test_a_backend_that_is_not_calibrated_is_not_applicable() -> None:
    bare = {"video_text": {"video": E[0], "text": E[0]}}
    for metric in (TEXT, TEXT_OBJECT):
        with pytest.raises(NotApplicable, match="not how likely"):
            metric.measure(seen(bare))


def test_the_value_rises_with_the_cosine_and_keeps_its_range() -> None:
    angles = np.linspace(0, np.pi, 9)
    scores = [TEXT.measure(seen(role(E[0], np.cos(a) * E[0] + np.sin(a) * E[1])))["value"] for a in angles]
    assert all(a > b for a, b in itertools.pairwise(scores))
    assert all(0 <= s <= 1 for s in scores)


def test_both_are_higher_is_better_and_need_masks() -> None:
    for metric in (TEXT, TEXT_OBJECT):
        assert (metric.direction, metric.masks, [n.role for n in metric.needs]) == ("higher", True, ["video_text"])
