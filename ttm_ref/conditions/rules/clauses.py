"""Clauses: who does what, where one clause ends and the next one starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ttm_ref.conditions.rules import lexicon
from ttm_ref.conditions.rules.phrases import Item, Phrase
from ttm_ref.conditions.rules.tagger import Word

CONNECT = frozenset(("then", "meanwhile", "suddenly", "finally", "first", "afterwards"))


@dataclass(frozen=True, eq=False)
class Clause:
    """One statement.

    Attributes:
        subjects: who, with their tails.
        body: the verb and all behind it.
        opener: what leads in: ", and", "while", "On a sandy background,".
        kind: "main", or "inner" for one inside another clause's body or tail.
        fragment: True where there is no verb at all: a bare noun phrase.
    """

    subjects: tuple[Phrase, ...]
    body: tuple[Item, ...]
    opener: tuple[Item, ...] = ()
    kind: str = "main"
    fragment: bool = False


@dataclass(frozen=True, slots=True)
class _Match:
    """A subject at `start` whose verb is at `verb`; `last` is the item that its tail was folded into."""

    subjects: tuple[Phrase, ...]
    verb: int


def tag_of(item: Item | None) -> str:
    """The tag of a word, "NP" for a phrase, "" for nothing."""
    return "" if item is None else "NP" if isinstance(item, Phrase) else item.tag


def finite(item: Item | None) -> bool:
    """Whether a clause can hang on this verb: no -ing form."""
    if not isinstance(item, Word):
        return False
    return (item.tag == "VERB" and item.form != "ing") or (
        item.tag == "AUX" and item.low not in ("being", "been", "be")
    )


class Splitter:
    """Splits one chunked sentence into its clauses."""

    def __init__(self, items: Sequence[Item]) -> None:
        self.items = list(items)

    def at(self, i: int) -> Item | None:
        """Item i, or None beyond the ends."""
        return self.items[i] if 0 <= i < len(self.items) else None

    def run(self) -> list[Clause]:
        """The main clauses in order; together they hold every item of the sentence."""
        starts: list[tuple[int, int, _Match]] = []
        i = 0
        while i < len(self.items):
            match = self._subject(i) if self._boundary(i) else None
            if match is None or self._inner(i, match, starts):
                i += 1
                continue
            starts.append((self._opening(i) if starts else 0, i, match))
            i = match.verb
        if not starts:
            return self._fragment()
        ends = [opening for opening, _, _ in starts[1:]] + [len(self.items)]
        return [
            _placed(Clause(match.subjects, tuple(self.items[match.verb : end]), tuple(self.items[opening:i])))
            for (opening, i, match), end in zip(starts, ends, strict=True)
        ]

    def _fragment(self) -> list[Clause]:
        first = next((i for i, item in enumerate(self.items) if isinstance(item, Phrase) and self._boundary(i)), None)
        if first is None:
            return []
        phrase = self.items[first]
        assert isinstance(phrase, Phrase)
        rest = tuple(self.items[first + 1 :])
        return [Clause((phrase,), rest, tuple(self.items[:first]), fragment=True)]

    def _boundary(self, i: int) -> bool:
        """Whether a new clause may start at item i."""
        if not isinstance(self.at(i), Phrase):
            return False
        before = self.at(i - 1)
        if before is None or tag_of(before) in ("PUNCT", "CONJ", "SUB", "PLACE"):
            return True
        if isinstance(before, Word) and before.tag == "ADV":
            return before.low in CONNECT or self.at(i - 2) is None
        # "In the park a man walks"; "while in the park a man walks".
        return isinstance(before, Phrase) and tag_of(self.at(i - 2)) == "PREP" and self._lead(i - 2)

    def _lead(self, i: int) -> bool:
        """Whether the preposition at i opens a clause."""
        before = self.at(i - 1)
        return tag_of(before) in ("", "SUB", "CONJ") or (isinstance(before, Word) and before.text in (";", ":"))

    def _inner(self, i: int, match: _Match, starts: Sequence[tuple[int, int, _Match]]) -> bool:
        """Whether the clause at i is a part of the one before it."""
        if not starts:
            return False
        subject, before = match.subjects[0], self.at(i - 1)
        word = before.low if isinstance(before, Word) else ""
        if word in lexicon.NESTING or belonging(subject):
            return True
        hosts = starts[-1][2].subjects
        return word in lexicon.BESIDE and bool(subject.pronoun) and any(agrees(subject.pronoun, h) for h in hosts)

    def _subject(self, i: int) -> _Match | None:
        """The subject that starts at i, if a verb follows it."""
        told = self._apposition(i)
        if told is not None:
            return told
        subjects: list[Phrase] = []
        j = i
        while True:
            phrase = self.at(j)
            if not isinstance(phrase, Phrase) or phrase.head in ("way", "time", "quarter", "half"):
                return None
            end = self._behind(j)
            subjects.append(replace(phrase, tail=(*phrase.tail, *self.items[j + 1 : end])))
            step = self._joint(end, len(subjects))
            if not step:
                break
            j = end + step
        verb = self._verb(end)
        if verb is None:
            return None
        while verb > end and tag_of(self.at(verb - 1)) == "ADV":
            verb -= 1
        subjects[-1] = replace(subjects[-1], tail=(*subjects[-1].tail, *self.items[end:verb]))
        return _Match(tuple(subjects), verb)

    def _apposition(self, i: int) -> _Match | None:
        """The boy and the girl of "two children, a boy and a girl, run"."""
        first = self.at(i)
        if not isinstance(first, Phrase) or first.number < 2 or tag_of(self.at(i + 1)) != "PUNCT":
            return None
        subjects: list[Phrase] = []
        j = i + 2
        while isinstance(item := self.at(j), Phrase):
            end = self._behind(j)
            subjects.append(replace(item, tail=(*item.tail, *self.items[j + 1 : end])))
            joint = self.at(end)
            j = end + 1 if isinstance(joint, Word) and (joint.low == "and" or not finite(self.at(end + 1))) else end
        closed = tag_of(self.at(j)) == "PUNCT" and finite(self.at(j + 1))
        return _Match(tuple(subjects), j + 1) if closed and len(subjects) == first.number else None

    def _behind(self, j: int) -> int:
        """The index behind the phrase at j and its prepositional phrases."""
        j += 1
        while tag_of(self.at(j)) == "PREP" and isinstance(self.at(j + 1), Phrase):
            j += 2
        return j + 1 if tag_of(self.at(j)) == "PLACE" else j

    def _joint(self, j: int, count: int) -> int:
        """How many items join the next subject: "and", ",", ", and"; 0 if none follows."""
        low = [item.low if isinstance(item, Word) else "" for item in self.items[j : j + 2]]
        if low[:1] == ["and"] and isinstance(self.at(j + 1), Phrase):
            return 1
        # A comma joins subjects only in a list that ends with "and": "a cat, a dog, and a bird run".
        if low[:1] == [","] and low[1:] == ["and"] and count > 1 and isinstance(self.at(j + 2), Phrase):
            return 2
        if low[:1] == [","] and isinstance(self.at(j + 1), Phrase):
            end = self._behind(j + 1)
            more = [item.low if isinstance(item, Word) else "" for item in self.items[end : end + 2]]
            return 1 if more[:1] in ([","], ["and"]) and not finite(self.at(end)) else 0
        return 0

    def _verb(self, j: int) -> int | None:
        """The index of the verb of a subject that ends before j, past a relative clause or participle."""
        while tag_of(self.at(j)) == "ADV":
            j += 1
        item = self.at(j)
        aside = j + 1 if tag_of(item) == "PUNCT" else j
        start = self.at(aside)
        if not isinstance(start, Word) or start.tag not in ("VERB", "AUX", "REL"):
            return None
        if start.tag == "REL" or (start.tag == "VERB" and start.form in ("ing", "past")):
            later = self._later(aside + 1)
            if later is not None:
                return later
        if start.tag == "REL" or aside != j:
            return None
        return j

    def _later(self, j: int) -> int | None:
        """The finite verb that belongs to the subject itself, behind "that wears a hat" or "riding a horse"."""
        seen = False
        for k in range(j, len(self.items)):
            item, before = self.items[k], self.items[k - 1]
            if tag_of(item) == "SUB" or (tag_of(item) == "CONJ" and tag_of(self.at(k + 1)) == "NP"):
                return None
            if finite(item):
                if isinstance(before, Phrase) or tag_of(before) in ("PUNCT", "ADV", "PLACE"):
                    return k
                seen = seen or tag_of(before) in ("REL", "CONJ", "TO")
        return None

    def _opening(self, i: int) -> int:
        """Where the words start that lead into the clause whose subject is item i."""
        k = i
        while True:
            before = self.at(k - 1)
            low = before.low if isinstance(before, Word) else ""
            if tag_of(before) in ("PUNCT", "CONJ", "SUB", "PLACE") or low in CONNECT:
                k -= 1
            elif isinstance(before, Phrase) and tag_of(self.at(k - 2)) == "PREP" and self._lead(k - 2):
                k -= 2
            else:
                return k


def _placed(clause: Clause) -> Clause:
    """The place says which dog: "on the left, a dog runs" as "a dog on the left runs"."""
    places = [
        k for k, item in enumerate(clause.opener) if isinstance(item, Phrase) and clause.opener[k - 1 : k] and k > 0
        and replace(clause.subjects[0], tail=clause.opener[k - 1 : k + 1]).side
    ]  # fmt: skip
    if len(clause.subjects) > 1 or len(places) != 1 or clause.subjects[0].side:
        return clause
    k = places[0]
    before = clause.opener[k - 1]
    lead = replace(before, text=before.low) if isinstance(before, Word) else before
    subject = replace(clause.subjects[0], tail=(lead, clause.opener[k], *clause.subjects[0].tail))
    return replace(clause, subjects=(subject,), opener=(*clause.opener[: k - 1], *clause.opener[k + 1 :]))


def belonging(phrase: Phrase) -> bool:
    """Whether this is a part of someone: "its tail", bare "wings", "her skirt", but not "two hands"."""
    if phrase.head in lexicon.CLOTHES:
        return phrase.possessive
    return phrase.head in lexicon.BODY and (phrase.possessive or phrase.words[0].tag not in ("NUM", "DET"))


def agrees(pronoun: str, phrase: Phrase) -> bool:
    """Whether a pronoun can stand for a phrase."""
    gender = lexicon.PERSONS.get(phrase.head, "")
    if phrase.pronoun:
        return PRONOUN_KIND.get(phrase.pronoun) == PRONOUN_KIND.get(pronoun)
    kind = PRONOUN_KIND.get(pronoun, "")
    if kind == "they":
        return phrase.number != 1 or phrase.head in lexicon.PEOPLE
    if kind in ("he", "she"):
        return phrase.head in lexicon.PEOPLE and gender in (kind, "") and phrase.number == 1
    return kind == "it" and not gender and phrase.number == 1 and phrase.head not in lexicon.PEOPLE - {"baby", "child"}


PRONOUN_KIND = {
    "he": "he", "him": "he", "himself": "he", "she": "she", "her": "she", "herself": "she", "it": "it", "itself": "it",
    "they": "they", "them": "they", "themselves": "they",
}  # fmt: skip
