"""What to call the objects of a caption: names that differ, and the fewest words that tell one from the others."""

from __future__ import annotations

from collections.abc import Sequence

from ttm_ref.conditions.rules.cast import ROWS, Figure

ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth",
             "eleventh", "twelfth")  # fmt: skip


def names(objects: Sequence[Figure]) -> list[list[str]]:
    """A name for each object, several for a group of known number; all of them differ.

    The name is position, colour and noun, as far as the caption says them. A group of two or three is told apart from
    left to right; same objects without a position are numbered.
    """
    plain = [[*figure.colour, *figure.noun] for figure in objects]
    found: list[list[str]] = []
    for figure, words in zip(objects, plain, strict=True):
        text = " ".join(words)
        if figure.number > 1:
            places = ROWS.get(figure.number, ORDINALS[: figure.number])
            found.append([f"{place} {text}" for place in places])
            continue
        alike = [f for f, w in zip(objects, plain, strict=True) if w == words and f.number == 1]
        if figure.mentions[0].proper:
            text = figure.mentions[0].words[0].text
        elif figure.number == 0:
            text = " ".join([*figure.colour, *figure.noun[:-1], figure.mentions[0].words[-1].low])
        elif figure.side not in ("", "other"):
            text = f"{figure.side} {text}"
        elif len(alike) > 1 and all(f.worn for f in alike):
            text = f"{text} {' '.join(figure.worn)}"
        elif len(alike) > 1 and sum(not f.side or f.side == "other" for f in alike) > 1:
            text = f"{ORDINALS[min(alike.index(figure), 11)]} {text}"
        found.append([text])
    return found


def short_name(figure: Figure, objects: Sequence[Figure]) -> tuple[str, ...]:
    """The fewest words that tell an object from the others: noun, colour or position and noun, or all of it."""
    if figure.mentions[0].proper:
        return (figure.mentions[0].words[0].text,)
    others = [other for other in objects if other is not figure and other.head == figure.head]
    noun = figure.noun if figure.number == 1 else (*figure.noun[:-1], figure.mentions[0].words[-1].low)
    side = (figure.side,) if figure.side else ()
    choices: list[tuple[tuple[str, ...], tuple[str, ...]]] = [((), ()), ((), figure.colour)]
    if side:
        choices = [((), ()), (side, ()), (side, figure.colour)]
    for place, colour in choices:
        if not any(_fits(other, place, colour) for other in others):
            return (*place, *colour, *noun)
    return (*side, *figure.colour, *noun, *figure.worn)


def _fits(other: Figure, side: tuple[str, ...], colour: tuple[str, ...]) -> bool:
    """Whether a position and a colour could mean the other one too: it contradicts neither."""
    if side and other.side and other.side != side[0]:
        return False
    return not (colour and other.colour and other.colour != colour)


def called(figure: Figure, objects: Sequence[Figure]) -> str:
    """The short name with its article: "the dog", "Tom"."""
    name = " ".join(short_name(figure, objects))
    return name if figure.mentions[0].proper else f"the {name}"
