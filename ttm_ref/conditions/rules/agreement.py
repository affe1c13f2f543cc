"""Verbs that fit a subject: "jump" of two dogs is "jumps" of one, "rolling" alone is "rolls"."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from ttm_ref.conditions.rules import verbs
from ttm_ref.conditions.rules.clauses import Clause, tag_of
from ttm_ref.conditions.rules.phrases import Item
from ttm_ref.conditions.rules.segments import Segment
from ttm_ref.conditions.rules.tagger import Word

_ONE = {"are": "is", "were": "was", "have": "has", "do": "does", "aren't": "isn't"}


def plural(clause: Clause) -> bool:
    """Whether a statement speaks of more than one."""
    return len(clause.subjects) > 1 or clause.subjects[0].number != 1


def as_finite(clause: Clause, part: Segment, first: bool) -> list[Item]:
    """The items of a part, where an -ing form that no auxiliary carries becomes a verb: "rolling" to "rolls"."""
    opens = opens_with_ing(clause.body)
    joined = first or any(word.tag == "CONJ" for word in part.joint)
    if not (opens and joined and clause.kind == "main"):
        return list(part.items)
    return said_alone(clause, part)


def opens_with_ing(items: Sequence[Item]) -> bool:
    """Whether the first word but adverbs is an -ing form: "slowly rolling"."""
    verb = next((item for item in items if tag_of(item) != "ADV"), None)
    return isinstance(verb, Word) and verb.form == "ing"


def said_alone(clause: Clause, part: Segment) -> list[Item]:
    """The items of a part that opens with an -ing form, as a statement of its own: "reading" to "reads"."""
    if plural(clause):
        return _first_verb(part.items, "ing", lambda word: word.base, "base")
    return _first_verb(part.items, "ing", lambda word: verbs.third_person(word.base))


def as_one(clause: Clause, part: Segment, first: bool) -> list[Item]:
    """The items of a part as they are said of one thing alone."""
    items = as_finite(clause, part, first)
    if not plural(clause):
        return items
    verb = next((item for item in items if tag_of(item) in ("VERB", "AUX")), None)
    if isinstance(verb, Word) and verb.tag == "AUX":
        return [
            _said(item, _ONE.get(item.low, item.low)) if item is verb and isinstance(item, Word) else item
            for item in items
        ]
    joined = first or any(word.tag == "CONJ" or word.low == "then" for word in part.joint)
    return _first_verb(items, "base", lambda word: verbs.third_person(word.base)) if joined else items


def _said(word: Word, text: str) -> Word:
    return replace(word, text=text, low=text)


def _first_verb(items: Sequence[Item], form: str, say: Callable[[Word], str], to: str = "s") -> list[Item]:
    """The items with the first verb said anew, if it has the form."""
    out = list(items)
    for k, item in enumerate(out):
        if isinstance(item, Word) and item.tag == "VERB":
            if item.form == form:
                out[k] = replace(_said(item, say(item)), form=to)
            break
    return out


def restated(items: Sequence[Item]) -> list[Item]:
    """Statements of their own: "waves" for "makes it wave", "runs" for "a dog running"."""
    finite = _first_verb(items, "ing", lambda word: verbs.third_person(word.base))
    return _first_verb(finite, "base", lambda word: verbs.third_person(word.base))
