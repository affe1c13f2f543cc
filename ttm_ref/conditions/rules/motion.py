"""The motion prompt: the caption without positions, colours, sizes, background, and without what does not move."""

from __future__ import annotations

from collections.abc import Sequence

from ttm_ref.conditions.rules import lexicon
from ttm_ref.conditions.rules.agreement import as_finite, opens_with_ing, said_alone
from ttm_ref.conditions.rules.cast import Cast, Figure
from ttm_ref.conditions.rules.clauses import CONNECT, Clause, tag_of
from ttm_ref.conditions.rules.naming import called, short_name
from ttm_ref.conditions.rules.phrases import Item, Phrase
from ttm_ref.conditions.rules.segments import Segment, resting, segments, stative
from ttm_ref.conditions.rules.tagger import Word

_SIDE_NOUNS = frozenset(lexicon.SIDES) | {"side", "corner", "edge"}

_WAYS = frozenset(("up", "down", "out"))


def sentence(words: Sequence[str]) -> str:
    """Words and marks as a sentence with a capital and a full stop; "" for none."""
    text = " ".join(word for word in words if word).replace(" ,", ",").replace(" ;", ";").replace(" :", ":")
    text = text.replace(";,", ";").strip(" ,;:")
    return f"{text[0].upper()}{text[1:]}." if text else ""


class Motion:
    """Writes the motion of statements; knows which objects it has named, so that pronouns have something to mean."""

    def __init__(self, cast: Cast) -> None:
        self.cast = cast
        self.named: set[Figure] = set()

    def write(self, clauses: Sequence[Clause]) -> str:
        """One sentence of the caption; "" where nothing moves."""
        words: list[str] = []
        for clause in clauses:
            said = self._clause(clause)
            if said:
                words += [*(self._opener(clause) if words else []), *said]
        return sentence(words)

    def _opener(self, clause: Clause) -> list[str]:
        """Words like ", and" or "while", without the place that may lead a clause in."""
        kept = [
            w for w in clause.opener if isinstance(w, Word) and (w.tag in ("PUNCT", "CONJ", "SUB") or w.low in CONNECT)
        ]
        words = [word.low for word in kept]
        return words[:-1] if len(words) > 1 and words[-1] == "," else words

    def _clause(self, clause: Clause) -> list[str]:
        parts = [part for part in segments(clause.body) if not stative(part)]
        if not parts or (clause.subjects[0].head in lexicon.CAMERA and resting(parts[0])):
            return []
        words = self._subjects(clause)
        for k, part in enumerate(parts):
            words += [word.low for word in part.joint] if k else []
            alone = k == 0 and opens_with_ing(part.items)
            words += self.items(said_alone(clause, part) if alone else as_finite(clause, part, k == 0))
        return words

    def _subjects(self, clause: Clause) -> list[str]:
        found = [[*self.phrase(subject), *self._aside(subject)] for subject in clause.subjects]
        words: list[str] = []
        for k, subject in enumerate(found):
            if k:
                words += ["and"] if k == len(found) - 1 and k == 1 else [",", "and"] if k == len(found) - 1 else [","]
            words += subject
        return words

    def _aside(self, subject: Phrase) -> list[str]:
        """What the tail of a subject says of motion: "riding a bicycle"."""
        start = next((k for k, item in enumerate(subject.tail) if tag_of(item) in ("REL", "VERB")), len(subject.tail))
        if any(isinstance(item, Word) and item.low == "with" for item in subject.tail[:start]):
            return []  # "with smoke coming out of it" is of the smoke
        tail = subject.tail[start:]
        while tail and tag_of(tail[-1]) == "PUNCT":
            tail = tail[:-1]
        verb = tail[1:] if tail and tag_of(tail[0]) == "REL" else tail
        if not verb or stative(Segment((), tuple(verb))):
            return []
        return self.items(tail)

    def phrase(self, phrase: Phrase) -> list[str]:
        """A noun phrase in as few words as identify it."""
        figure = self.cast.is_object(phrase)
        if phrase.pronoun and (figure is None or figure in self.named):
            return [phrase.pronoun]
        if figure is None:
            return self._other(phrase)
        self.named.add(figure)
        noun = list(short_name(figure, self.cast.objects))
        if figure.number != 1 and not phrase.pronoun:
            lead = [word.low for word in phrase.words if word.tag in ("DET", "NUM", "POSS")]
            return [*lead, *noun]
        return [called(figure, self.cast.objects)]

    def _other(self, phrase: Phrase) -> list[str]:
        """Something that is no object: without colour and size, unless they tell of a path."""
        if phrase.pronoun or phrase.head in lexicon.COURSE:
            return [word.text.lower() if k == 0 else word.text for k, word in enumerate(phrase.words)] + self._of(
                phrase
            )
        lead = [word.low for word in phrase.words if word.tag in ("DET", "POSS", "NUM")]
        core = [w.text for w in phrase.core[:-1] if w.tag in ("ADJ", "NOUN") and not _visible(w.low)]
        if lead[:1] in (["a"], ["an"]):
            lead[0] = "an" if (core or [phrase.words[-1].text])[0][0] in "aeiou" else "a"
        return [*lead, *core, phrase.words[-1].text, *self._of(phrase)]

    def _of(self, phrase: Phrase) -> list[str]:
        """The tail "of smoke" of "a trail of smoke"."""
        of = [item for item in phrase.tail[:1] if isinstance(item, Word) and item.low == "of"]
        return ["of", *self.items(phrase.tail[1:2])] if of else []

    def items(self, items: Sequence[Item]) -> list[str]:
        """A part of a statement, without its places."""
        words: list[str] = []
        k = 0
        while k < len(items):
            item = items[k]
            after = items[k + 1] if k + 1 < len(items) else None
            if isinstance(item, Phrase):
                words += self.phrase(item)
                k += self._relative(items, k, words)
            elif item.tag == "PREP" and isinstance(after, Phrase):
                words += self._place(item, after, k > 0 and not isinstance(items[k - 1], Phrase))
                k += 1 + self._relative(items, k + 1, words)
            elif item.tag == "SUB" and isinstance(after, Phrase):
                k = self._nested(items, k, words)
            elif item.tag not in ("PLACE",) and not (item.tag == "ADJ" and _visible(item.low)):
                words.append(item.low if item.tag != "NOUN" else item.text)
            k += 1
        return words

    def _place(self, preposition: Word, phrase: Phrase, close: bool) -> list[str]:
        """A prepositional phrase if it says where something goes; of "runs down a hill" the particle alone."""
        low = preposition.low
        if self._keeps(low, phrase):
            return [low, *self.phrase(phrase)]
        return [low] if close and low in _WAYS else []

    def _keeps(self, low: str, phrase: Phrase) -> bool:
        if phrase.pronoun or self.cast.is_object(phrase) is not None:
            return True
        at_rest = low in ("in", "on", "at")
        abstract = phrase.head.endswith(("tion", "ment", "ness")) and phrase.head not in lexicon.SCENERY
        if phrase.head in lexicon.COURSE or abstract or (low == "with" and phrase.head in lexicon.BODY):
            return not (at_rest and phrase.head in _SIDE_NOUNS)
        if low == "with":
            return phrase.head not in lexicon.SCENERY | lexicon.NO_THING
        if low in _WAYS and phrase.head in lexicon.SCENERY | lexicon.NO_THING:
            return False
        return low not in lexicon.PLACES

    def _relative(self, items: Sequence[Item], k: int, words: list[str]) -> int:
        """How many items behind the phrase at k tell how it is ("that lies on a branch"), and are left out."""
        v = k + 2 if k + 1 < len(items) and tag_of(items[k + 1]) == "REL" else k + 1
        if v >= len(items) or tag_of(items[v]) not in ("VERB", "AUX"):
            return 0
        aside = v > k + 1 or (isinstance(items[v], Word) and items[v].form == "ing")  # type: ignore[union-attr]
        if not aside or not stative(Segment((), tuple(items[v:]))):
            return 0
        end = next((j for j in range(v, len(items)) if tag_of(items[j]) == "PUNCT"), len(items))
        return end - k - 1

    def _nested(self, items: Sequence[Item], k: int, words: list[str]) -> int:
        """Write the clause that a subordinator at k opens, if something moves in it; the index of its last item."""
        end = next((j for j in range(k, len(items)) if tag_of(items[j]) == "PUNCT"), len(items))
        verb = next((j for j in range(k + 2, end) if tag_of(items[j]) in ("VERB", "AUX")), None)
        still = verb is not None and stative(Segment((), tuple(items[verb:end])))
        first = items[k]
        if still and isinstance(first, Word) and first.low in lexicon.BESIDE:
            return end - 1
        words.append(first.low if isinstance(first, Word) else "")
        return k


def _visible(low: str) -> bool:
    """Whether a word tells of colour, size or position only."""
    return lexicon.is_colour(low) or low in lexicon.SIZES or low in lexicon.SIDES
