"""Noun phrases, "the left small brown ball" or "a teddy bear in a blue sweater", and what stands between them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from ttm_ref.conditions.rules import lexicon
from ttm_ref.conditions.rules.tagger import Word


@dataclass(frozen=True, eq=False)
class Phrase:
    """A noun phrase or a pronoun; two phrases are equal only if they are the same place of the text.

    Attributes:
        words: as written, determiner included, without `tail`.
        tail: what follows and belongs to it: "in a blue sweater", "that lies on a branch".
    """

    words: tuple[Word, ...]
    tail: tuple[Item, ...] = ()

    @property
    def pronoun(self) -> str:
        """The pronoun in lower case, "" for a noun phrase."""
        return self.words[0].low if self.words[0].tag == "PRON" else ""

    @property
    def determiner(self) -> str:
        """The first word if it is a determiner or possessive, else ""."""
        return self.words[0].low if self.words[0].tag in ("DET", "POSS") else ""

    @property
    def possessive(self) -> bool:
        """Whether it belongs to someone named before: "its head"."""
        return self.words[0].tag == "POSS"

    @property
    def core(self) -> tuple[Word, ...]:
        """The words without determiners, possessives and a leading number."""
        rest = list(self.words)
        while len(rest) > 1 and rest[0].tag in ("DET", "POSS", "NUM"):
            rest.pop(0)
        return tuple(rest)

    @property
    def head(self) -> str:
        """The noun in the singular, "emu" of "two emus"."""
        return lexicon.singular(self.words[-1].low)

    @property
    def number(self) -> int:
        """How many: 1 for a singular, 0 for a plural of unknown number or of more than `MOST`."""
        for word in self.words:
            if word.tag == "NUM":
                count = lexicon.NUMBERS.get(word.low, int(word.low) if word.low.isdecimal() else 0)
                return count if count <= MOST else 0
        return 2 if self.determiner == "both" else 0 if lexicon.is_plural(self.words[-1].low) else 1

    @property
    def owner(self) -> Phrase | None:
        """Whose it is: "the dog" of "the dog's tail", "it" of "its tail"; None where nobody owns it."""
        for k, word in enumerate(self.words[:-1]):
            if word.low.endswith(("'s", "s'")):
                low = word.low[:-2] if word.low.endswith("'s") else word.low[:-1]
                return Phrase((*self.words[:k], replace(word, text=word.text[: len(low)], low=low)))
        if self.possessive and self.words[0].low in _OWNERS:
            low = _OWNERS[self.words[0].low]
            return Phrase((Word(low, low, "PRON"),))
        return None

    @property
    def proper(self) -> bool:
        """Whether it is one name of its own, "Tom"."""
        word = self.words[0]
        known = self.head in lexicon.ANIMATE | lexicon.SCENERY | lexicon.FLUIDS | lexicon.BODY
        named = word.tag == "NOUN" and word.text[0].isupper() and not word.text.isupper()
        return len(self.words) == 1 and named and not known and self.number == 1

    @property
    def side(self) -> str:
        """The position that tells it from others of its kind, "" where none is named."""
        own = [lexicon.SIDES[word.low] for word in self.core[:-1] if word.low in lexicon.SIDES]
        own += ["other"] if self.words[0].low in ("another", "other") else []
        return own[0] if own else _tail_side(self.tail)

    @property
    def colour(self) -> tuple[str, ...]:
        """The colour words with what joins them: ("brown", "and", "white")."""
        core = self.core[:-1]
        where = [k for k, word in enumerate(core) if lexicon.is_colour(word.low) and not word.low.endswith("ful")]
        return tuple(word.low for word in core[where[0] : where[-1] + 1] if word.text != ",") if where else ()

    @property
    def noun(self) -> tuple[str, ...]:
        """The noun with the nouns joined to it, in the singular: ("teddy", "bear")."""
        core = self.core
        first = len(core) - 1
        while first > 0 and core[first - 1].tag in ("NOUN", "ADJ") and not lexicon.is_adjective(core[first - 1].low):
            first -= 1
        return (*(word.low for word in core[first:-1]), self.head)

    @property
    def details(self) -> frozenset[str]:
        """All words that describe it, those of its tail included; positions left out."""
        own = {word.low for word in self.core[:-1] if word.low not in lexicon.SIDES and word.tag != "CONJ"}
        return frozenset(own)


Item = Word | Phrase
# More of a kind are one crowd.
MOST = 12
_OWNERS = {"his": "he", "her": "she", "its": "it", "their": "they"}


def _tail_side(tail: Sequence[Item]) -> str:
    """The position in a tail: "left" of "on the left"."""
    for before, item in pairwise(tail):
        if isinstance(before, Word) and before.low in ("on", "in", "at", "to") and isinstance(item, Phrase):
            words = [word.low for word in item.words if word.low in lexicon.SIDES]
            if words and item.head in (*lexicon.SIDES, "side", "corner"):
                return lexicon.SIDES[words[0]]
    return ""


def flat(items: Sequence[Item]) -> Iterator[Word]:
    """All words in order."""
    for item in items:
        if isinstance(item, Word):
            yield item
        else:
            yield from item.words
            yield from flat(item.tail)


def phrases_in(items: Sequence[Item]) -> Iterator[Phrase]:
    """All noun phrases in order, those inside tails included."""
    for item in items:
        if isinstance(item, Phrase):
            yield item
            yield from phrases_in(item.tail)


def chunk(words: Sequence[Word]) -> list[Item]:
    """A tagged sentence as noun phrases and the words between them."""
    items: list[Item] = []
    i = 0
    while i < len(words):
        size = _length(words, i)
        if size:
            items.append(Phrase(tuple(words[i : i + size])))
        else:
            items.append(_main_verb(words, i))
        i += max(size, 1)
    return _wear(_collapse(items))


def _length(words: Sequence[Word], i: int) -> int:
    """How many words from i on make one noun phrase; 0 if none starts there."""
    if words[i].tag == "PRON":
        return 1
    j, noun = i, 0
    while j < len(words):
        word = words[j]
        if word.tag == "NOUN":
            noun = j
        elif word.tag == "NUM" and noun:
            break
        elif word.tag in ("DET", "POSS", "ADJ", "NUM"):
            if noun or (word.tag in ("DET", "POSS") and j > i and words[j - 1].tag not in ("DET", "NUM")):
                break
        elif not (word.low in ("and", ",") and j > i and words[j - 1].tag == "ADJ" and _adjective_at(words, j + 1)):
            break
        j += 1
    if noun or (j > i and words[i].tag == "NOUN"):
        return j - i
    # "the other", "one": a noun phrase without a noun, unless it is an adjective behind a verb ("keep steady").
    return j - i if j > i and words[i].tag in ("DET", "NUM") else 0


def _adjective_at(words: Sequence[Word], j: int) -> bool:
    return j < len(words) and words[j].tag == "ADJ"


def _main_verb(words: Sequence[Word], i: int) -> Word:
    """Auxiliaries that no verb follows are verbs: "does a cartwheel", "has a hat"."""
    word = words[i]
    if word.tag != "AUX" or word.low not in _FULL:
        return word
    j = i + 1
    while j < len(words) and words[j].tag in ("ADV", "AUX"):
        j += 1
    if j < len(words) and words[j].tag in ("VERB", "TO"):
        return word
    return replace(word, tag="VERB", base=_FULL[word.low], form="s" if word.low in ("does", "has") else "past")


_FULL = {"does": "do", "do": "do", "did": "do", "has": "have", "have": "have", "had": "have"}


def _collapse(items: list[Item]) -> list[Item]:
    """Turn "a pair of dogs" into "two dogs", "a group of people" into "several people"."""
    out: list[Item] = []
    for item in items:
        of = len(out) > 1 and isinstance(out[-1], Word) and out[-1].low == "of"
        if of and isinstance(item, Phrase) and isinstance(out[-2], Phrase):
            count = lexicon.QUANTITY.get(out[-2].head)
            if count is not None:
                first = out[-2].words[0].text
                out[-2:] = [_counted(item, count, first)]
            else:
                out[-2:] = [replace(out[-2], tail=(*out[-2].tail, out[-1], item))]
        else:
            out.append(item)
    return out


def _counted(phrase: Phrase, count: int, first: str) -> Phrase:
    word = next((name for name, value in lexicon.NUMBERS.items() if value == count), "several") if count else "several"
    text = word.capitalize() if first[0].isupper() else word
    return replace(phrase, words=(Word(text, word, "NUM"), *phrase.core))


def _wear(items: list[Item]) -> list[Item]:
    """Clothes belong to who wears them: "a teddy bear in a blue sweater" is one phrase."""
    out: list[Item] = []
    for item in items:
        worn = isinstance(item, Phrase) and lexicon.CLOTHES & {item.head, item.words[-1].low}
        if worn and len(out) > 1 and isinstance(out[-1], Word) and out[-1].low in ("in", "with", "wearing"):
            owner = out[-2]
            if isinstance(owner, Phrase) and owner.head in lexicon.ANIMATE | lexicon.BODY:
                out[-2:] = [replace(owner, tail=(*owner.tail, out[-1], item))]
                continue
        if worn and len(out) > 1 and isinstance(out[-1], Word) and out[-1].low == "and":
            owner = out[-2]
            last = owner.tail[-1] if isinstance(owner, Phrase) and owner.tail else None
            if isinstance(owner, Phrase) and isinstance(last, Phrase) and last.head in lexicon.CLOTHES:
                out[-2:] = [replace(owner, tail=(*owner.tail, out[-1], item))]
                continue
        out.append(item)
    return out
