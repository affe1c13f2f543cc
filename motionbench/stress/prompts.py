"""Prompts that no longer fit their clip: another verb, another direction, swapped objects, another case's words."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping

from motionbench.datasets.synth import grammar
from motionbench.datasets.synth.cast import Layout
from motionbench.errors import NotApplicable
from motionbench.stress.backdrop import SynthBackdrop
from motionbench.stress.material import Material, Texts

_VERBS: Mapping[str, str] = {
    "stays still": "hops three times in place",
    "sits still": "rolls away",
    "stands still and waves its arms": "hops twice in place",
    "moves": "hops three times",
    "rolls": "hops twice",
    "walks": "spins",
    "hops": "spins",
    "spins": "hops",
    "grows": "shrinks",
    "shrinks": "grows",
    "circles": "stays still beside",
    "follows": "moves away from",
    "swims": "hops",
    "flies": "rolls",
    "crawls": "hops",
    "runs": "sits still",
    "jogs": "lies down",
    "jumps": "lies down",
    "sits": "runs",
    "stands": "falls",
    "leans": "jumps",
    "turns": "lifts",
    "lifts": "drops",
    "pours": "drinks",
    "shakes": "folds",
    "slides": "throws",
    "shuffle": "throw",
    "jump": "sleep",
    "holds": "throws",
    "waves": "sleeps",
    "takes off": "sits down",
}
_DIRECTIONS: Mapping[str, str] = {
    "clockwise": "counterclockwise",
    "counterclockwise": "clockwise",
    "up": "down",
    "down": "up",
    "forward": "backward",
    "backward": "forward",
    "zooms in": "zooms out",
    "zooms out": "zooms in",
    "closer": "away",
}
_SIDES: Mapping[str, str] = {
    "left": "right",
    "right": "left",
    "leftmost": "rightmost",
    "rightmost": "leftmost",
    "clockwise": "counterclockwise",
    "counterclockwise": "clockwise",
}
# A side as a direction; "the left star" names an object and stays.
_HEADING = re.compile(r"\b(to|from|off) the (?:(upper|lower) )?(left|right)\b")


def replaced(text: str, words: Mapping[str, str]) -> str:
    """A text with whole words or phrases exchanged, all at once; capitals at the beginning are kept."""
    pattern = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))

    def exchange(found: re.Match[str]) -> str:
        new = words[found.group().lower()]
        return new[0].upper() + new[1:] if found.group()[0].isupper() else new

    return re.sub(rf"\b(?:{pattern})\b", exchange, text, flags=re.IGNORECASE)


def mirrored(texts: Texts) -> Texts:
    """The texts of the clip as seen in a mirror: left is right."""
    return _each(texts, lambda text: replaced(text, _SIDES))


def other_verb(material: Material, severity: int, seed: int, object_id: int | None) -> Material:
    """Every known verb becomes another one."""
    return _changed(material, _each(material.texts, lambda text: replaced(text, _VERBS)), "no known verb")


def other_direction(material: Material, severity: int, seed: int, object_id: int | None) -> Material:
    """Every direction becomes its opposite; the names of objects stay."""
    return _changed(material, _each(material.texts, _turned), "no direction")


def _turned(text: str) -> str:
    def turn(found: re.Match[str]) -> str:
        before, height, side = found.groups()
        high = {"upper": "lower ", "lower": "upper ", None: ""}[height]
        return f"{before} the {high}{_SIDES[side]}"

    return _HEADING.sub(turn, replaced(text, _DIRECTIONS))


def swapped_objects(material: Material, severity: int, seed: int, object_id: int | None) -> Material:
    """Two objects change roles: each is said to do what the other one does."""
    if len(material.texts.objects) < 2:
        raise NotApplicable("there is one object only")
    if isinstance(material.backdrop, SynthBackdrop):
        return _changed(material, _texts_of(_swapped(material.backdrop.scene.layout)), "two equal objects")
    first, second, *rest = material.texts.objects
    exchange = {first.name.lower(): second.name, second.name.lower(): first.name}
    new = _each(material.texts, lambda text: replaced(text, exchange))
    objects = (
        dataclasses.replace(first, prompt=second.prompt),
        dataclasses.replace(second, prompt=first.prompt),
        *rest,
    )
    return _changed(material, dataclasses.replace(new, objects=objects), "two equal objects")


def _swapped(layout: Layout) -> Layout:
    first, second, *rest = layout.actors
    pair = (dataclasses.replace(first, look=second.look), dataclasses.replace(second, look=first.look))
    return dataclasses.replace(layout, actors=(*pair, *rest))


def _texts_of(layout: Layout) -> Texts:
    return Texts(
        grammar.caption(layout), grammar.short_caption(layout), grammar.motion_prompt(layout), grammar.objects(layout)
    )


def unrelated(material: Material, severity: int, seed: int, object_id: int | None) -> Material:
    """All texts are those of another case."""
    if material.donor is None:
        raise NotApplicable("there is no other case to take the texts from")
    other = material.donor.texts
    objects = tuple(
        dataclasses.replace(other.objects[k % len(other.objects)], id=own.id) if other.objects else own
        for k, own in enumerate(material.texts.objects)
    )
    return _changed(material, dataclasses.replace(other, objects=objects), "the same texts in the other case")


def _each(texts: Texts, change: Callable[[str], str]) -> Texts:
    objects = tuple(dataclasses.replace(o, name=change(o.name), prompt=change(o.prompt)) for o in texts.objects)
    return Texts(change(texts.caption), change(texts.short_caption), change(texts.motion_prompt), objects)


def _changed(material: Material, texts: Texts, missing: str) -> Material:
    if texts == material.texts:
        raise NotApplicable(f"the texts hold {missing}")
    return dataclasses.replace(material, texts=texts)
