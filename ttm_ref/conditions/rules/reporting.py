"""Taking away the words that speak of the video and not of the scene: "the video shows", "there is", "can be seen"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ttm_ref.conditions.rules import lexicon, verbs
from ttm_ref.conditions.rules.phrases import Item, Phrase
from ttm_ref.conditions.rules.tagger import Word

_SEEN = frozenset(("see", "show", "depict", "capture", "feature"))


def strip(items: Sequence[Item]) -> list[Item]:
    """The items of a sentence without reporting words."""
    rest = _shows(list(items))
    if len(rest) > 2 and isinstance(rest[0], Phrase) and rest[0].pronoun == "there" and _tag(rest[1]) == "AUX":
        rest = rest[2:]
    return _seen(rest)


def _tag(item: Item) -> str:
    return item.tag if isinstance(item, Word) else "NP"


def _shows(items: list[Item]) -> list[Item]:
    """Drop "The video shows" and "We see"."""
    for k, item in enumerate(items[:6]):
        if not (isinstance(item, Word) and item.tag == "VERB" and item.base in lexicon.SHOWS):
            continue
        subject = items[0] if k else None
        told = isinstance(subject, Phrase) and (subject.head in lexicon.MEDIUM or subject.pronoun in ("we", "you", "i"))
        if told and isinstance(items[-1 if k + 1 == len(items) else k + 1], Phrase) and k + 1 < len(items):
            return items[k + 1 :]
    return items


def _seen(items: list[Item]) -> list[Item]:
    """Turn "can be seen walking" and "is shown walking" into "walks"."""
    out: list[Item] = []
    for item in items:
        before = out[-1] if out else None
        if isinstance(item, Word) and item.form == "ing" and isinstance(before, Word) and before.base in _SEEN:
            k = len(out) - 1
            while k > 0 and _tag(out[k - 1]) in ("AUX", "ADV"):
                k -= 1
            if k < len(out) - 1:
                many = isinstance(out[k], Word) and any(
                    w.low in ("are", "were") for w in out[k:-1] if isinstance(w, Word)
                )
                del out[k:]
                form = item.base if many else verbs.third_person(item.base)
                item = replace(item, text=form, low=form, form="base" if many else "s")
        out.append(item)
    return out
