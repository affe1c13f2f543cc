"""Sentences from instructions: the global caption, the motion prompt and one prompt for each object.

The caption says everything: ground, scenery, size, colour, texture, shape, motion and camera. The motion prompt keeps
motion alone, without position, colour, size or background, except for what identifies an object: a noun that two
objects share gets its colour, and look-alike twins get their position in the first frame ("the left star").
"""

from __future__ import annotations

from collections.abc import Callable

from motionbench.datasets.synth.cast import Actor, Camera, Layout, Look, Move
from motionbench.datasets.synth.figures import GAIT
from motionbench.datasets.synth.hashing import Middle
from motionbench.datasets.synth.motion import impact
from motionbench.types import Object

HEADINGS = ("right", "lower right", "down", "lower left", "left", "upper left", "up", "upper right")
_ARCS = {"quarter": "a quarter of the way", "half": "half of the way", "full": "all the way"}

Name = Callable[[int], str]


def towards(heading: int) -> str:
    """Words for a heading: "to the left", "up", "to the lower right"."""
    word = HEADINGS[heading]
    return word if word in ("up", "down") else f"to the {word}"


def _sense(move: Move) -> str:
    return "clockwise" if move.clockwise else "counterclockwise"


def _pace_word(speed: float) -> str:
    return "slowly" if speed < 1.4 else "steadily" if speed < 2.3 else "quickly"


def describe(look: Look) -> str:
    """All that is to be seen of an object: "small red striped star"."""
    return " ".join(word for word in (look.size, look.colour, look.pattern, look.noun) if word)


def position(actor: Actor, twin: Actor) -> str:
    """Which of two twins this is, along the axis on which they are farther apart in the first frame."""
    dx, dy = actor.x - twin.x, actor.y - twin.y
    if abs(dx) >= abs(dy):
        return "left" if dx < 0 else "right"
    return "upper" if dy < 0 else "lower"


def _twin_of(actor: Actor, layout: Layout) -> Actor | None:
    return next((a for a in layout.actors if a.twin and actor.twin and a.id != actor.id), None)


def full_name(actor: Actor, layout: Layout) -> str:
    """The description, led by the position where there is a twin."""
    twin = _twin_of(actor, layout)
    return f"{position(actor, twin)} {describe(actor.look)}" if twin else describe(actor.look)


def short_name(actor: Actor, layout: Layout) -> str:
    """The fewest words that identify an object in its scene: noun, colour and noun, or position and noun."""
    alike = [a for a in layout.actors if a.look.noun == actor.look.noun and a.id != actor.id]
    coloured = actor.look.noun if not alike else f"{actor.look.colour} {actor.look.noun}"
    twin = _twin_of(actor, layout)
    if twin is None:
        return coloured
    return f"{position(actor, twin)} {actor.look.noun if len(alike) == 1 else coloured}"


def object_name(actor: Actor, layout: Layout) -> str:
    """A name that is unique in the scene: "red star", "left red star"."""
    twin = _twin_of(actor, layout)
    plain = f"{actor.look.colour} {actor.look.noun}"
    return f"{position(actor, twin)} {plain}" if twin else plain


def _clause(actor: Actor, layout: Layout, name: Name) -> str:
    move = actor.move
    way = f"{move.speed} {towards(move.heading)}"
    text = _solo(actor, move, way)
    if text is None:
        text = _joint(actor, layout, way, name)
    if move.passing is not None:
        side, other = move.passing
        text += f" and passes {side} the {name(other)}"
    return text


def _solo(actor: Actor, move: Move, way: str) -> str | None:
    kind = move.kind
    if kind == "turn":
        back = abs(move.then - move.heading) == 4
        return f"moves {way}, then turns {'back ' if back else 'and moves '}{towards(move.then)}"
    if kind == "resize":
        return "grows steadily to twice its size" if move.amount == "twice" else "shrinks steadily to half its size"
    if kind == "circle":
        width, arc = move.amount.split()
        return f"moves {_sense(move)} along a {width} {arc} circle, starting {towards(move.heading)}"
    if kind == "hop":
        place = "in place" if move.speed == "in place" else way
        return f"hops {move.amount} {place}"
    simple = {
        "still": "stays still",
        "glide": f"moves {way}",
        "roll": f"rolls {way}",
        "walk": f"{GAIT.get(actor.look.noun, 'moves')} {way}",
        "wave": "stands still and waves its arms",
        "exit": f"moves {way} and leaves the frame",
        "enter": f"comes in from the {move.edge} edge and moves {way}",
        "bounce": f"moves {way} and bounces off the {move.edge} edge",
        "spin": f"spins {move.speed} {_sense(move)} in place",
        "tumble": f"moves {way} while spinning {_sense(move)}",
    }
    return simple.get(kind)


def _joint(actor: Actor, layout: Layout, way: str, name: Name) -> str:
    move = actor.move
    other = next(a for a in layout.actors if a.id == move.other)
    if move.kind == "orbit":
        return f"circles {_sense(move)} around the {name(other.id)}, {_ARCS[move.amount]}"
    if move.kind == "follow":
        return f"follows the {name(other.id)} {way}"
    if move.kind == "meet":
        return f"moves {way}, collides with the {name(other.id)} and bounces back"
    hitter, target = (actor, other) if move.kind == "hit" else (other, actor)
    _, (_, left), (_, gained) = impact(hitter, target, Middle())
    if move.kind == "struck":
        return (
            f"stays still until the {name(other.id)} hits it, then moves {_pace_word(gained)} {towards(move.heading)}"
        )
    after = "stops" if abs(left) < 0.2 else "bounces back" if left < 0 else f"goes on {_pace_word(left)}"
    return f"moves {way}, hits the {name(other.id)} and {after}"


def _names(layout: Layout, of: Callable[[Actor, Layout], str]) -> Name:
    names = {actor.id: of(actor, layout) for actor in layout.actors}
    if layout.prop is not None:
        names[0] = layout.prop.name
    return lambda number: names[number]


def _a(words: str) -> str:
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def _join(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])}, and {parts[-1]}"


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _camera(camera: Camera) -> str:
    if camera.kind == "pan":
        return f"the camera pans {camera.speed} {towards(camera.heading)}"
    return "the camera stays still" if camera.kind == "still" else f"the camera slowly zooms {camera.amount}"


def caption(layout: Layout) -> str:
    """Everything that is to be seen, in one to three sentences."""
    name = _names(layout, object_name)
    parts = []
    for actor in layout.actors:
        full = full_name(actor, layout)
        parts.append(f"{f'the {full}' if actor.twin else _a(full)} {_clause(actor, layout, name)}")
    text = _sentence(f"on a {layout.ground} background, {_join(parts)}")
    if layout.prop is not None:
        text += f" {_sentence(f'{_a(layout.prop.name)} stands in front')}"
    return f"{text} {_sentence(_camera(layout.camera))}"


def short_caption(layout: Layout) -> str:
    """Who does what, without textures, sizes, background and camera."""
    name = _names(layout, object_name)
    parts = []
    for actor in layout.actors:
        label = object_name(actor, layout)
        parts.append(f"{f'the {label}' if actor.twin else _a(label)} {_clause(actor, layout, name)}")
    return _sentence(_join(parts))


def motion_prompt(layout: Layout) -> str:
    """All motion, and no more of the objects than identifies them."""
    name = _names(layout, short_name)
    parts = [f"the {short_name(actor, layout)} {_clause(actor, layout, name)}" for actor in layout.actors]
    text = _sentence(_join(parts))
    return text if layout.camera.kind == "still" else f"{text} {_sentence(_camera(layout.camera))}"


def objects(layout: Layout) -> tuple[Object, ...]:
    """The objects with their own prompts."""
    name = _names(layout, object_name)
    return tuple(
        Object(
            actor.id,
            object_name(actor, layout),
            _sentence(f"the {full_name(actor, layout)} {_clause(actor, layout, name)}"),
        )
        for actor in layout.actors
    )
