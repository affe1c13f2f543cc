"""Words of a caption with their parts of speech, decided from left to right by lexicon and place."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ttm_ref.conditions.rules import lexicon, verbs

# Tags: DET POSS NUM PRON AUX TO CONJ SUB REL PREP ADV PLACE ADJ NOUN VERB PUNCT END
_TOKEN = re.compile(r"\d+(?:[.,]\d+)*|[^\W_]+(?:['’\-][^\W_]+)*['’]?|\.{2,}|\S", re.UNICODE)
_LINKING = lexicon.word_set("look seem appear keep stay remain turn become get feel stand sit lie grow")
_ENDS = frozenset(".!?…")
_LONGEST = max(len(phrase.split()) for phrase in lexicon.PHRASES)


@dataclass(frozen=True, slots=True)
class Word:
    """One word (or fixed phrase) as written, in lower case, its tag, and for verbs base and form."""

    text: str
    low: str
    tag: str
    base: str = ""
    form: str = ""


def tokens(text: str) -> list[str]:
    """Words, numbers and single marks, in order; fixed phrases ("in front of") are one token."""
    raw = _TOKEN.findall(text.lower() if text.isupper() else text)
    joined: list[str] = []
    i = 0
    while i < len(raw):
        size = next((n for n in range(_LONGEST, 1, -1) if " ".join(raw[i : i + n]).lower() in lexicon.PHRASES), 1)
        joined.append(" ".join(raw[i : i + size]))
        i += size
    return joined


def sentences(text: str) -> list[list[Word]]:
    """The tagged sentences of a text, without their full stops."""
    found: list[list[Word]] = []
    current: list[str] = []
    for token in [*tokens(text), "."]:
        if token[0] in _ENDS:
            if any(word[0].isalnum() for word in current):
                found.append(_Tagger(current).run())
            current = []
        else:
            current.append(token)
    return found


class _Tagger:
    """Tags one sentence. `noun` is None outside a noun phrase, else whether its noun was seen."""

    def __init__(self, words: Sequence[str]) -> None:
        self.words = words
        self.lows = [word.lower().replace("’", "'") for word in words]
        self.out: list[Word] = []
        self.noun: bool | None = None
        self.plural = False
        self.many = False

    def run(self) -> list[Word]:
        for i in range(len(self.words)):
            tag, base, form = self._tag(i)
            if tag in ("DET", "POSS", "NUM"):
                if not (self.noun is False and tag == "NUM"):
                    self.many = False
                self.many |= tag == "NUM" and self.lows[i] not in ("one", "1")
                self.noun = False
            elif tag == "ADJ":
                self.noun = False
            elif tag == "NOUN":
                self.noun = True
                self.plural = self.many or lexicon.is_plural(self.lows[i]) or self._joined()
            elif not (tag in ("CONJ", "PUNCT") and self._between_adjectives(i)):
                self.noun, self.many = None, False
            self.out.append(Word(self.words[i], self.lows[i], tag, base, form))
        return self.out

    def _next(self, i: int, ahead: int = 1) -> str:
        return self.lows[i + ahead] if i + ahead < len(self.lows) else ""

    def _tag(self, i: int) -> tuple[str, str, str]:
        tag = self._closed(i)
        if tag:
            return tag, "", ""
        verb = self._verb(i)
        if verb:
            return "VERB", *verb
        return ("ADJ" if self._adjective(i) else "NOUN"), "", ""

    def _closed(self, i: int) -> str:
        """The tag of a word of a closed class, "" for any other."""
        low, after = self.lows[i], self._next(i)
        if not (low[0].isalnum()):
            return "PUNCT"
        if low in lexicon.PHRASES:
            return lexicon.PHRASES[low]
        if low[0].isdigit() or low in lexicon.NUMBERS or low in lexicon.MANY:
            return "NUM"
        if low == "that":
            return "REL" if self.noun else "DET"
        if low in ("her", "his"):
            return "POSS" if after and _content(after) else "PRON"
        if self.noun is False and low in lexicon.SIDES:
            return "ADJ" if self._noun_follows(i) else "NOUN"
        if self.noun is False and low in ("opposite", "inside", "outside", "near", "back") and self._noun_follows(i):
            return "ADJ"
        if low == "to":
            verb = verbs.analyse(after) if after else None
            return "TO" if verb and verb[1] == "base" else "PREP"
        if low in lexicon.PREPOSITIONS:
            return "ADV" if low in lexicon.PARTICLES and not self._phrase_follows(i) else "PREP"
        for tag, words in _CLOSED:
            if low in words:
                return tag
        if low in lexicon.ADVERBS or (low.endswith("ly") and low not in lexicon.NOT_ADVERBS and len(low) > 3):
            return "ADJ" if self.noun is False and self._noun_follows(i) else "ADV"
        return ""

    def _phrase_follows(self, i: int) -> bool:
        """Whether a noun phrase starts behind word i, so that "down" is a preposition and no adverb."""
        after = self._next(i)
        if not after or not after[0].isalnum():
            return False
        if after in lexicon.DETERMINERS or after in lexicon.POSSESSIVES or after in lexicon.NUMBERS:
            return True
        if after in lexicon.PRONOUNS or after in lexicon.MANY or after in lexicon.SIDES:
            return after not in ("there",)
        return _content(after) and verbs.analyse(after) is None

    def _noun_follows(self, i: int) -> bool:
        """Inside a noun phrase: whether word i can be a modifier, because a noun is still to come."""
        after = self._next(i)
        if self.lows[i] in lexicon.COLOURS and after in ("and", ",") and lexicon.is_colour(self._next(i, 2)):
            return True
        if not after or not (_content(after) or after in lexicon.SIDES):
            return False
        return not self._finite(i + 1)

    def _finite(self, i: int) -> bool:
        """Whether word i looks like "moves" in its own right, and no plural noun before another verb."""
        verb = verbs.analyse(self.lows[i])
        if verb is None or verb[1] != "s":
            return False
        behind = self._next(i)
        following = verbs.analyse(behind) if behind else None
        noun_like = behind in lexicon.AUXILIARIES or (following is not None and following[1] in ("base", "s"))
        return not noun_like or behind in lexicon.PREPOSITIONS | lexicon.ADVERBS | lexicon.FLUIDS

    def _verb(self, i: int) -> tuple[str, str] | None:
        low = self.lows[i]
        verb = verbs.analyse(low)
        before = self.out[-1] if self.out else None
        if self.noun is True:
            if verb is None:
                return self._unknown(i)
            if verb[1] == "base":
                return verb if self.plural and not self._finite(i + 1 if i + 1 < len(self.lows) else i) else None
            return verb if verb[1] != "s" or self._finite(i) else None
        if verb is None or self.noun is False:
            return None
        if before is None:
            commanded = self._next(i) not in ("", "and") and not self._finite(i + 1)
            return verb if verb[1] in ("base", "ing") and commanded else None
        if before.tag == "PREP":
            return verb if verb[1] == "ing" else None
        if before.tag == "VERB" and verb[1] in ("base", "s", "past"):
            return None
        if before.tag == "CONJ" and not any(word.tag in ("VERB", "AUX") for word in self.out):
            return None
        if verb[1] == "past" and before.tag not in ("AUX", "ADV", "CONJ", "PRON", "REL", "PUNCT"):
            return None
        return verb

    def _unknown(self, i: int) -> tuple[str, str] | None:
        """A verb of no list: "the robot zorbles forward", "wings fluffing"."""
        low, after = self.lows[i], self._next(i)
        ends = not after or not _content(after)
        if not ends or len(low) < 5 or self._has_verb():
            return None
        if low.endswith("ing") or (low.endswith("s") and not low.endswith(("ss", "us", "is")) and not self.plural):
            return verbs.guess(low) if low not in lexicon.SINGULAR_S and singular_is_no_noun(low) else None
        return None

    def _has_verb(self) -> bool:
        """Whether the clause so far has a verb."""
        for word in reversed(self.out):
            if word.tag in ("CONJ", "SUB", "PUNCT", "REL"):
                return False
            if word.tag == "VERB":
                return True
        return False

    def _adjective(self, i: int) -> bool:
        low = self.lows[i]
        if not lexicon.is_adjective(low):
            return False
        if self.noun is True:
            return (low in lexicon.COLOURS or low in lexicon.ADJECTIVES) and not self._noun_follows(i)
        # A phrase that a preposition opens has a noun, not a verb, behind its adjective: "on stone steps".
        if self.out and self.out[-1].tag == "PREP" and self._next(i) and _content(self._next(i)):
            return True
        return self._noun_follows(i) or (self.noun is None and bool(self.out) and self._linked())

    def _linked(self) -> bool:
        """Whether the word before lets an adjective stand alone: "is red", "keeps steady"."""
        return self.out[-1].tag == "AUX" or self.out[-1].base in _LINKING

    def _between_adjectives(self, i: int) -> bool:
        """The joint of "brown and white dog"."""
        return self.noun is False and self.lows[i] in ("and", ",") and lexicon.is_adjective(self._next(i) or "-")

    def _joined(self) -> bool:
        """Whether the noun phrase that ends here is the last of "a girl and a boy"."""
        k = len(self.out) - 1
        while k >= 0 and self.out[k].tag in ("DET", "ADJ", "NOUN", "POSS", "NUM", "PREP"):
            k -= 1
        return k > 0 and self.out[k].low == "and" and self.out[k - 1].tag in ("NOUN", "PUNCT")


def singular_is_no_noun(low: str) -> bool:
    """Whether an unknown word in -s or -ing is not the form of a noun that the lexicon knows."""
    single = lexicon.singular(low)
    known = (lexicon.ANIMATE, lexicon.SCENERY, lexicon.BODY, lexicon.CLOTHES, lexicon.COURSE)
    return not any(single in words or low in words for words in known)


def _content(low: str) -> bool:
    """Whether a word may belong to an open class."""
    if not low[0].isalpha() or low in lexicon.PHRASES or low in lexicon.PREPOSITIONS or low in lexicon.ADVERBS:
        return False
    if low.endswith("ly") and low not in lexicon.NOT_ADVERBS:
        return False
    return not any(low in words for _, words in _CLOSED)


_CLOSED = (
    ("DET", lexicon.DETERMINERS),
    ("POSS", lexicon.POSSESSIVES),
    ("PRON", lexicon.PRONOUNS),
    ("AUX", lexicon.AUXILIARIES),
    ("CONJ", lexicon.CONJUNCTIONS),
    ("SUB", lexicon.BESIDE | lexicon.NESTING),
    ("REL", lexicon.RELATIVE),
)
