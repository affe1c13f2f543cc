"""What the prompts of synth say, and that it is true of the scene."""

from __future__ import annotations

import re

import numpy as np
import pytest

from motionbench.datasets.synth import dataset, grammar, render
from motionbench.datasets.synth.motion import SPEEDS
from motionbench.datasets.synth.scene import layout_of
from motionbench.datasets.synth.texture import COLOURS, GROUNDS, PATTERNS

INDICES = range(128)
SIZES = {"small", "large"}


def words(text: str) -> set[str]:
    return set(re.findall(r"[a-z]+", text.lower()))


def test_captions_are_unique_and_well_formed():
    cases = dataset().cases
    assert len({case.caption for case in cases}) == 128
    for case in cases:
        for text in (case.caption, case.short_caption, case.motion_prompt, *(o.prompt for o in case.objects)):
            assert text[0].isupper() and text.endswith(".") and "  " not in text and text.isascii()
            assert not re.search(r"\ba [aeio]", text) and not re.search(r"\ban [^aeio]", text.lower()), text


@pytest.mark.parametrize("index", INDICES)
def test_the_caption_mentions_everything(index):
    layout = layout_of(index, "test")
    caption = grammar.caption(layout)
    assert f"a {layout.ground} background" in caption.lower() and "camera" in caption
    for actor in layout.actors:
        assert grammar.describe(actor.look) in caption
    if layout.prop is not None:
        assert layout.prop.name in caption


@pytest.mark.parametrize("index", INDICES)
def test_names_identify(index):
    layout = layout_of(index, "test")
    objects = grammar.objects(layout)
    assert [o.id for o in objects] == list(range(1, len(layout.actors) + 1))
    assert len({o.name for o in objects}) == len(objects)
    prompt = grammar.motion_prompt(layout)
    shorts = [grammar.short_name(actor, layout) for actor in layout.actors]
    assert len(set(shorts)) == len(shorts)
    for actor, short, item in zip(layout.actors, shorts, objects, strict=True):
        assert f"the {short} " in prompt.lower()
        assert grammar.describe(actor.look) in item.prompt


@pytest.mark.parametrize("index", INDICES)
def test_the_motion_prompt_is_motion(index):
    layout = layout_of(index, "test")
    said = words(grammar.motion_prompt(layout))
    assert not said & (SIZES | set(PATTERNS) | set(GROUNDS) - {"wooden"} | {"background"})
    nouns = [actor.look.noun for actor in layout.actors]
    if len(set(nouns)) == len(nouns):
        assert not said & set(COLOURS)


def test_twins_are_told_apart_by_where_they_are():
    seen = 0
    for index in INDICES:
        layout = layout_of(index, "test")
        twins = [actor for actor in layout.actors if actor.twin]
        assert len(twins) in (0, 2)
        if not twins:
            continue
        seen += 1
        a, b = twins
        assert a.look == b.look
        masks = render(index).masks.values[:, 0]
        centres = {actor.id: np.argwhere(masks[actor.id - 1]).mean(axis=0) for actor in twins}
        place = grammar.position(a, b)
        axis = 1 if place in ("left", "right") else 0
        assert (centres[a.id][axis] < centres[b.id][axis]) == (place in ("left", "upper"))
        assert {grammar.object_name(a, layout).split()[0], grammar.object_name(b, layout).split()[0]} in (
            {"left", "right"},
            {"upper", "lower"},
        )
    assert seen >= 10


def test_straight_motion_is_what_the_words_say():
    # Direction and pace of every straight motion, from the tracks, with the camera's own motion taken out.
    checked = 0
    for index in INDICES:
        layout = layout_of(index, "test")
        if layout.camera.kind != "still":
            continue
        tracks = render(index).tracks
        for actor in layout.actors:
            if actor.move.kind not in ("glide", "exit", "enter"):
                continue
            xy = tracks.xy[tracks.object_ids == actor.id].astype(float)
            step = (xy[:, 4] - xy[:, 0]).mean(axis=0) / 4
            angle = np.arctan2(step[1], step[0]) / (2 * np.pi)
            assert abs((angle - actor.move.heading / 8 + 0.5) % 1 - 0.5) < 1 / 16
            low, high = SPEEDS[actor.move.speed]
            assert low - 1e-3 <= np.hypot(*step) <= high + 1e-3
            assert f"{actor.move.speed} {grammar.towards(actor.move.heading)}" in grammar.caption(layout)
            checked += 1
    assert checked > 15


def test_passing_is_true():
    # "passes behind X": at some time X, or the scenery, covers a part of the object.
    for index in INDICES:
        layout = layout_of(index, "test")
        if not any(actor.move.passing for actor in layout.actors):
            continue
        scene = render(index)
        hidden = (scene.amodal.values & ~scene.masks.values).any(axis=(1, 2, 3))
        for actor in layout.actors:
            if actor.move.passing is None:
                continue
            side, other = actor.move.passing
            assert hidden[(actor.id if side == "behind" else other) - 1], (index, actor.id)


def test_leaving_and_entering_are_true():
    kinds = set()
    for index in INDICES:
        layout = layout_of(index, "test")
        for actor in layout.actors:
            area = (
                render(index).masks.values[actor.id - 1].sum(axis=(1, 2))
                if actor.move.kind
                in (
                    "exit",
                    "enter",
                )
                else None
            )
            if area is None:
                continue
            kinds.add(actor.move.kind)
            assert area[0] > 30
            assert area[15] == 0 if actor.move.kind == "exit" else area[15] > 1.3 * area[0]
    assert kinds == {"exit", "enter"}
