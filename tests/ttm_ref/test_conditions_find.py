"""What the dataset gives wins, the rest is found, nothing is invented; which box is whose."""

from __future__ import annotations

import typing as t
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motionbench.errors import ModelError
from motionbench.types import Object
from ttm_ref.conditions.find import find
from ttm_ref.conditions.places import choose, kind_of, place_of
from ttm_ref.conditions.prompts import Prompts

IMAGE = np.zeros((20, 30, 3), np.uint8)
DOG, CAT = Object(1, "dog", "The dog runs."), Object(7, "cat", "The cat sits.")
CAPTION = "A brown dog runs. A cat jumps."
Array = np.ndarray[t.Any, t.Any]


def _masks(count: int) -> Array:
    masks = np.zeros((count, 20, 30), np.bool_)
    for k in range(count):
        masks[k, 2 * k : 2 * k + 2] = True
    return masks


class Tools:
    """A parser, a detector and a segmenter that write down what they are asked."""

    def __init__(self, boxes: Sequence[Sequence[float]] = ()) -> None:
        self.boxes, self.asked = np.array(boxes, np.float32).reshape(-1, 4), list[t.Any]()

    def parse(self, caption: str) -> Prompts:
        self.asked.append(caption)
        return Prompts("They move.", (DOG, CAT), ("a note",))

    def detect(self, image: Array, names: Sequence[str]) -> Array:
        self.asked.append(tuple(names))
        return self.boxes

    def segment(self, image: Array, boxes: Array) -> Array:
        self.asked.append(len(boxes))
        masks = np.zeros((len(boxes), *image.shape[:2]), np.bool_)
        for mask, (left, top, right, bottom) in zip(masks, boxes.astype(int), strict=True):
            mask[top:bottom, left:right] = True
        return masks


def test_what_the_dataset_gives_is_used_as_it_is() -> None:
    tools = Tools()
    found = find(IMAGE, CAPTION, motion_prompt="It moves.", objects=[CAT, DOG], masks0=_masks(2), parser=tools.parse,
                 boxes=tools.detect, segmenter=tools.segment)  # fmt: skip
    assert (found.motion_prompt, found.objects, found.notes) == ("It moves.", (CAT, DOG), ())
    np.testing.assert_array_equal(found.masks0, _masks(2))
    assert tools.asked == []


def test_only_what_is_missing_is_found() -> None:
    tools = Tools([[0, 0, 5, 5], [10, 10, 20, 15]])
    found = find(IMAGE, CAPTION, objects=[CAT, DOG], masks0=_masks(2), parser=tools.parse)
    assert (found.motion_prompt, found.objects, tools.asked) == ("They move.", (CAT, DOG), [CAPTION])
    tools.asked.clear()
    found = find(IMAGE, CAPTION, motion_prompt="It moves.", objects=[CAT, DOG], parser=tools.parse,
                 boxes=tools.detect, segmenter=tools.segment)  # fmt: skip
    assert tools.asked == [("cat", "dog"), 2] and found.motion_prompt == "It moves."
    assert found.masks0.sum(axis=(1, 2)).tolist() == [25, 50]


def test_all_is_found_from_picture_and_caption() -> None:
    tools = Tools([[0, 0, 5, 5], [10, 10, 20, 15]])
    found = find(IMAGE, CAPTION, boxes=tools.detect, segmenter=tools.segment)
    assert found.motion_prompt == "The dog runs. The cat jumps."
    assert [item.prompt for item in found.objects] == ["The brown dog runs.", "The cat jumps."]
    assert tools.asked == [("brown dog", "cat"), 2] and found.masks0.shape == (2, 20, 30)


def test_an_object_that_is_not_seen_stays_empty_and_is_reported() -> None:
    tools = Tools([[np.nan] * 4, [10, 10, 20, 15]])
    found = find(IMAGE, CAPTION, boxes=tools.detect, segmenter=tools.segment)
    assert found.masks0.sum(axis=(1, 2)).tolist() == [0, 50]
    assert found.notes == ("'brown dog' was not found in the picture",)
    tools = Tools([[np.nan] * 4, [np.nan] * 4])
    found = find(IMAGE, CAPTION, boxes=tools.detect, segmenter=tools.segment)
    assert not found.masks0.any() and len(found.notes) == 2 and tools.asked == [("brown dog", "cat")]


def test_no_masks_are_invented() -> None:
    tools = Tools()
    for given_tools in ({}, {"boxes": tools.detect}, {"segmenter": tools.segment}):
        with pytest.raises(ModelError, match="no masks for 'brown dog', 'cat'") as caught:
            find(IMAGE, CAPTION, **given_tools)
        assert "-o boxes=" in caught.value.hint and "-o segmenter=" in caught.value.hint
        assert "\n" not in str(caught.value) + caught.value.hint


def test_nothing_that_moves_needs_no_tool() -> None:
    for caption in ("", "The camera pans to the left."):
        found = find(IMAGE, caption)
        assert found.objects == () and found.masks0.shape == (0, 20, 30)
    assert find(IMAGE, "", masks0=_masks(0)).masks0.shape == (0, 20, 30)


def test_masks_without_prompts_get_those_of_the_caption() -> None:
    found = find(IMAGE, CAPTION, masks0=_masks(2))
    assert [item.name for item in found.objects] == ["brown dog", "cat"]
    assert any("order of mention" in note for note in found.notes)
    found = find(IMAGE, CAPTION, masks0=_masks(3))
    assert [item.prompt for item in found.objects] == [CAPTION] * 3
    assert len({item.name for item in found.objects}) == 3 and found.notes


def test_twelve_objects_and_overlapping_and_empty_masks_pass() -> None:
    masks = np.ones((12, 20, 30), np.bool_)
    masks[5] = False
    objects = [Object(k + 1, f"thing {k}", "It moves.") for k in range(12)]
    np.testing.assert_array_equal(find(IMAGE, CAPTION, objects=objects, masks0=masks).masks0, masks)


@pytest.mark.parametrize("masks", [_masks(3), np.ones((2, 20, 31), bool), np.ones((20, 30), bool)])
def test_masks_that_do_not_fit_are_an_error(masks: Array) -> None:
    with pytest.raises(ModelError):
        find(IMAGE, CAPTION, objects=[DOG, CAT], masks0=masks)


@pytest.mark.parametrize("image", [IMAGE[..., 0], IMAGE[..., :1], IMAGE.astype(np.float32), IMAGE[:0]])
def test_pictures_that_are_none_are_an_error(image: Array) -> None:
    with pytest.raises(ModelError, match="the picture is"):
        find(image, CAPTION)


def test_masks_of_numbers_are_read_as_masks() -> None:
    found = find(IMAGE, CAPTION, objects=[DOG, CAT], masks0=_masks(2).astype(np.uint8) * 255)
    assert found.masks0.dtype == np.bool_
    np.testing.assert_array_equal(found.masks0, _masks(2))


# --- which box is whose ----------------------------------------------------------------------------------------------


def _choose(names: Sequence[str], found: dict[str, list[tuple[float, Sequence[float]]]]) -> Array:
    """The choice among (score, box) pairs of each kind, in a picture of 100 x 100."""
    kinds = list(dict.fromkeys(kind_of(name) for name in names))
    boxes = [np.array([box for _, box in found.get(kind, [])], np.float32).reshape(-1, 4) for kind in kinds]
    scores = [np.array([score for score, _ in found.get(kind, [])], np.float32) for kind in kinds]
    return choose(names, kinds, boxes, scores, 0.3, 100, 100)


A, B, C = (10, 10, 20, 90), (40, 20, 60, 50), (75, 40, 95, 60)
NAN = [np.nan] * 4


@pytest.mark.parametrize(
    ("names", "found", "wanted"),
    [
        (["dog", "cat"], {"dog": [(0.9, A)], "cat": [(0.8, B)]}, [A, B]),
        (["dog", "cat"], {"dog": [(0.9, A)], "cat": [(0.2, B)]}, [A, NAN]),  # below the threshold
        (["dog", "cat"], {"dog": [(0.6, A)], "cat": [(0.8, A), (0.5, B)]}, [NAN, A]),  # no box twice, the better fit
        (["dog", "cat"], {"dog": [(0.9, A)], "cat": [(0.8, A), (0.5, B)]}, [A, B]),
        (["right dog", "left dog"], {"dog": [(0.5, A), (0.9, C)]}, [C, A]),
        (["left dog", "middle dog", "right dog"], {"dog": [(0.5, C), (0.6, A), (0.7, B)]}, [A, B, C]),
        (["left dog", "right dog"], {"dog": [(0.5, B), (0.9, C), (0.8, A)]}, [A, C]),  # the best two
        (["left dog", "right dog"], {"dog": [(0.9, C)]}, [NAN, C]),  # one box goes to the nearer place
        (["left dog", "right dog"], {"dog": [(0.9, A)]}, [A, NAN]),
        (["left dog"], {"dog": [(0.9, C), (0.6, B), (0.5, A)]}, [A]),  # the leftmost of all
        (["dog"], {"dog": [(0.5, A), (0.9, C)]}, [C]),
        (["upper dog", "lower dog"], {"dog": [(0.9, C), (0.8, B)]}, [B, C]),
        (["second dog", "first dog"], {"dog": [(0.9, A), (0.8, C)]}, [C, A]),
        (["dog"], {"dog": [(0.9, (50, 50, 50, 50))]}, [NAN]),  # a box without area
        (["dog"], {}, [NAN]),
    ],
)
def test_one_box_each(names: list[str], found: t.Any, wanted: t.Any) -> None:
    np.testing.assert_array_equal(_choose(names, found), np.array(wanted, np.float32))


def test_places_of_names() -> None:
    assert (kind_of("left red dog"), place_of("left red dog")) == ("red dog", "left")
    assert (kind_of("second dog"), place_of("second dog")) == ("dog", "second")
    assert (kind_of("other dog"), place_of("other dog")) == ("dog", "")
    assert (kind_of("left"), place_of("left")) == ("left", "")


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_box_serves_two_objects_and_none_is_made_up(data: st.DataObject) -> None:
    names = data.draw(
        st.lists(st.sampled_from(["left dog", "right dog", "dog", "cat", "first cat", "bird"]), unique=True)
    )
    numbers = st.floats(0, 90, width=32)
    box = st.tuples(numbers, numbers).map(lambda p: (p[0], p[1], p[0] + 10, p[1] + 10))
    score = st.floats(0, 1, width=32)
    found = {
        kind: data.draw(st.lists(st.tuples(score, box), max_size=5, unique=True)) for kind in ("dog", "cat", "bird")
    }
    first = _choose(names, found)
    assert first.shape == (len(names), 4)
    seen = [tuple(row) for row in first if np.isfinite(row).all()]
    assert len(set(seen)) == len(seen)
    allowed = [
        [tuple(np.array(b, np.float32)) for s, b in found[kind_of(name)] if s >= np.float32(0.3)] for name in names
    ]
    assert all(np.isnan(row).all() or tuple(row) in options for row, options in zip(first, allowed, strict=True))
