"""What is said of a training scene, and what is nearly the same and wrong.

Hard negatives are made by the grammar from a changed instruction, so that they read like true prompts: another
direction, another verb, another colour, another pace, another noun, and the looks of two objects exchanged.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from motionbench.backends.video_text.words import words
from motionbench.datasets.synth import grammar
from motionbench.datasets.synth.cast import Actor, Layout, Look, Move
from motionbench.datasets.synth.figures import FIGURES
from motionbench.datasets.synth.scene import layout_of
from motionbench.datasets.synth.shapes import SHAPES
from motionbench.datasets.synth.texture import COLOURS

KINDS = ("direction", "verb", "colour", "swap", "pace", "noun")
_OPPOSITE = {"left": "right", "right": "left", "top": "bottom", "bottom": "top", "": ""}
_TURNING = ("spin", "circle", "tumble", "orbit")
_UNDIRECTED = ("still", "spin", "resize", "wave", "orbit")
# Kinds that can be said of one another's motion without being false.
_ALIKE = ({"glide", "walk", "follow", "exit", "enter", "hit", "struck", "meet", "bounce"}, {"tumble", "roll"})
_VERBS = ("still", "glide", "spin", "tumble", "roll", "hop", "turn", "circle", "resize", "walk", "wave")


@dataclass(frozen=True, slots=True)
class Wrong:
    """A false telling of a scene: what was changed, in which objects, and the changed layout."""

    kind: str
    actors: tuple[int, ...]
    layout: Layout


def _with(layout: Layout, *changed: Actor) -> Layout:
    new = {actor.id: actor for actor in changed}
    return replace(layout, actors=tuple(new.get(a.id, a) for a in layout.actors))


def moving(move: Move) -> bool:
    """True if the instruction has a direction or a sense of turning."""
    return move.kind not in ("still", "resize", "wave") and not (move.kind == "hop" and move.speed == "in place")


def other_direction(actor: Actor, rng: np.random.Generator) -> Actor | None:
    """The opposite heading (or, half of the time, one a right angle or more away), or the other sense of turning."""
    move = actor.move
    if not moving(move):
        return None
    turning = move.kind in _TURNING and (move.kind in _UNDIRECTED or rng.random() < 0.5)
    if turning:
        return replace(actor, move=replace(move, clockwise=not move.clockwise))
    by = 4
    if move.kind not in ("hop", "bounce", "enter", "exit", "walk") and rng.random() < 0.5:
        by = int(rng.choice((2, 3, 5, 6)))
    new = replace(move, heading=(move.heading + by) % 8, then=(move.then + by) % 8, edge=_OPPOSITE[move.edge])
    return replace(actor, move=new)


def other_verb(actor: Actor, layout: Layout, rng: np.random.Generator) -> Actor:
    """Another kind of motion that such an object could make."""
    move = actor.move
    near = next((group for group in _ALIKE if move.kind in group), {move.kind})
    allowed = [
        verb
        for verb in _VERBS
        if verb not in near
        and verb != move.kind
        and (verb != "walk" or actor.look.noun in FIGURES)
        and (verb != "wave" or actor.look.noun == "puppet")
    ]
    verb = str(rng.choice(allowed))
    speed = move.speed if move.speed in ("slowly", "steadily", "quickly") else str(rng.choice(("slowly", "steadily")))
    heading = int(rng.integers(8)) if move.kind in _UNDIRECTED else move.heading
    amounts = {
        "hop": ("twice", "three times"),
        "circle": ("tight half", "tight full", "wide quarter", "wide half"),
        "resize": ("twice", "half"),
    }
    amount = str(rng.choice(amounts[verb])) if verb in amounts else ""
    if verb == "hop":
        # What this one hits is told by its pace: it has to keep one.
        hitter = any(a.move.other == actor.id for a in layout.actors)
        heading, speed = int(rng.choice((0, 4))), str(rng.choice((speed if hitter else "in place", speed)))
    then = (heading + int(rng.choice((2, 4, 6)))) % 8
    new = Move(verb, heading, speed, bool(rng.random() < 0.5), amount, "", then, 0, move.passing)
    return replace(actor, move=new)


def other_pace(actor: Actor, rng: np.random.Generator) -> Actor | None:
    """Another of the three words for speed, where the prompt has one."""
    paces = ("slowly", "steadily", "quickly")
    if actor.move.speed not in paces or actor.move.kind in ("circle", "wave", "still", "resize", "struck"):
        return None
    return replace(actor, move=replace(actor.move, speed=str(rng.choice([p for p in paces if p != actor.move.speed]))))


def _looks(layout: Layout, actor: Actor, look: Look) -> Layout:
    """The look given to an actor, and to its twin."""
    same = [a for a in layout.actors if a.id == actor.id or (a.twin and actor.twin)]
    return _with(layout, *(replace(a, look=look) for a in same))


def _recoloured(layout: Layout, actor: Actor, rng: np.random.Generator) -> Layout:
    taken = {a.look.colour for a in layout.actors}
    colour = str(rng.choice([name for name in COLOURS if name not in taken]))
    return _looks(layout, actor, replace(actor.look, colour=colour))


def _renamed(layout: Layout, actor: Actor, rng: np.random.Generator) -> Layout:
    names = FIGURES if actor.look.noun in FIGURES else SHAPES
    noun = str(rng.choice([name for name in names if name != actor.look.noun]))
    return _looks(layout, actor, replace(actor.look, noun=noun))


def exchanged(layout: Layout, first: Actor, second: Actor) -> Layout:
    """The two objects' descriptions exchanged, while what is done where stays; twins exchange what they do."""
    if first.twin and second.twin:
        return _with(layout, replace(first, move=second.move), replace(second, move=first.move))
    return _with(layout, replace(first, look=second.look), replace(second, look=first.look))


def wrongs(layout: Layout, rng: np.random.Generator) -> Iterator[Wrong]:
    """False tellings of a scene, one of each kind for each object where there is one."""
    for actor in layout.actors:
        directed, paced = other_direction(actor, rng), other_pace(actor, rng)
        if directed is not None:
            yield Wrong("direction", (actor.id,), _with(layout, directed))
        yield Wrong("verb", (actor.id,), _with(layout, other_verb(actor, layout, rng)))
        yield Wrong("colour", (actor.id,), _recoloured(layout, actor, rng))
        yield Wrong("noun", (actor.id,), _renamed(layout, actor, rng))
        if paced is not None:
            yield Wrong("pace", (actor.id,), _with(layout, paced))
    for i, first in enumerate(layout.actors):
        for second in layout.actors[i + 1 :]:
            if first.twin == second.twin:
                yield Wrong("swap", (first.id, second.id), exchanged(layout, first, second))


def prompts(layout: Layout) -> list[str]:
    """The object prompts, in the order of the ids."""
    return [o.prompt for o in grammar.objects(layout)]


def vocabulary(scenes: int, split: str = "train") -> list[str]:
    """Every word of the captions and motion prompts of the first scenes, sorted."""
    found: set[str] = set()
    for index in range(scenes):
        layout = layout_of(index, split)
        for text in (grammar.caption(layout), grammar.motion_prompt(layout)):
            found.update(words(text))
    return sorted(found)
