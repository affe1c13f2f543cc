"""A caption split by rules: the offline default.

It knows English clauses: noun phrases with determiners, adjectives and numbers; coordination; relative clauses and
participles; who "it" is; verbs by a list and by their endings. It is no parser of the language at large. What it could
not attribute stands in the notes, and a sentence in which it finds no verb goes into the motion prompt as it is, so
that nothing is lost. Captions in other languages therefore come back whole, without objects. A chat model
(`conditions.chat`, `conditions.endpoint`) reads long and figurative captions better.
"""

from __future__ import annotations

from motionbench.types import Object
from ttm_ref.conditions.prompts import Prompts
from ttm_ref.conditions.rules.cast import Cast, Figure
from ttm_ref.conditions.rules.clauses import Clause, Splitter
from ttm_ref.conditions.rules.motion import Motion, sentence
from ttm_ref.conditions.rules.naming import ORDINALS, names
from ttm_ref.conditions.rules.phrases import chunk, flat
from ttm_ref.conditions.rules.reporting import strip
from ttm_ref.conditions.rules.tagger import Word, sentences
from ttm_ref.conditions.rules.telling import Telling

# No caption that a video model reads is longer; the time grows with the square of it.
_MOST_WORDS = 600


def parse(caption: str) -> Prompts:
    """Split a caption into a motion prompt and object prompts by rules.

    Args:
        caption: any text; an empty one has no objects and no motion.
    """
    words = caption.split()
    told = sentences(" ".join(words[:_MOST_WORDS]))
    split = [Splitter(strip(chunk(tagged))).run() for tagged in told]
    cast = Cast([clause for clauses in split for clause in clauses])
    writer = Motion(cast)
    notes = [f"only the first {_MOST_WORDS} words were read"] if len(words) > _MOST_WORDS else []
    motion = [_motion(writer, tagged, clauses, notes) for tagged, clauses in zip(told, split, strict=True)]
    objects = _objects(cast, notes)
    notes += [f"not attributed to an object: {_text(clause)!r}" for clause in cast.unresolved]
    return Prompts(" ".join(text for text in motion if text), objects, tuple(dict.fromkeys(notes)))


def _motion(writer: Motion, words: list[Word], clauses: list[Clause], notes: list[str]) -> str:
    """The motion of one sentence; all of it where no verb was found."""
    if clauses and not clauses[0].fragment:
        return writer.write(clauses)
    text = sentence([word.text for word in words])
    notes.append(f"no verb was found in {text!r}: it stands in the motion prompt as it is")
    return text


def _objects(cast: Cast, notes: list[str]) -> tuple[Object, ...]:
    telling = Telling(cast)
    found: list[tuple[str, str]] = []
    for figure, own in zip(cast.objects, names(cast.objects), strict=True):
        numbered = own[0].split()[0] in ORDINALS
        places = [name.split()[0] for name in own] if len(own) > 1 or numbered else [""]
        found += [(name, telling.write(figure, place)) for name, place in zip(own, places, strict=True)]
        notes += _doubts(figure, own)
    return tuple(Object(k + 1, name, prompt) for k, (name, prompt) in enumerate(found))


def _doubts(figure: Figure, own: list[str]) -> list[str]:
    if figure.number == 0:
        return [f"{own[0]!r} are of unknown number: kept as one object"]
    if own[0].split()[0] in ORDINALS:
        return [f"the caption does not say which {figure.head} is where: they count from the left"]
    return []


def _text(clause: Clause) -> str:
    return " ".join(word.text for word in flat([*clause.subjects, *clause.body]))
