"""Who is who: which noun phrases and pronouns speak of the same thing, which things can move, and what to call them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ttm_ref.conditions.rules import lexicon, verbs
from ttm_ref.conditions.rules.clauses import Clause, agrees, belonging, tag_of
from ttm_ref.conditions.rules.phrases import Item, Phrase, flat, phrases_in
from ttm_ref.conditions.rules.segments import Segment, segments, shared_objects, stative
from ttm_ref.conditions.rules.tagger import Word

# As many figures are remembered; it bounds the work on endless texts.
_MEMORY = 64
ROWS = {2: ("left", "right"), 3: ("left", "middle", "right")}


@dataclass(eq=False)
class Figure:
    """One thing (or group) of the scene and all that was said of it.

    Attributes:
        mentions: its phrases in order, without pronouns.
        clauses: statements with it as a subject.
        moved, meant: the parts of statements that move it, and those that act on it otherwise.
        seen: clauses that mention it in another role.
        members: those of a group that are spoken of alone, by their position.
        order: place of its first mention as a subject, else of its first mention.
    """

    mentions: list[Phrase]
    order: tuple[int, int]
    clauses: list[Clause] = field(default_factory=list)
    moved: list[tuple[Clause, Segment]] = field(default_factory=list)
    meant: list[tuple[Clause, Segment]] = field(default_factory=list)
    seen: list[Clause] = field(default_factory=list)
    members: dict[str, Figure] = field(default_factory=dict)
    introduced: bool = False

    @property
    def head(self) -> str:
        """The noun, singular."""
        return self.mentions[0].head

    @property
    def number(self) -> int:
        """How many; 0 for unknown."""
        return next((m.number for m in self.mentions if m.number > 1), self.mentions[0].number)

    @property
    def side(self) -> str:
        """Its position among its kind, "" where none is named."""
        return next((m.side for m in self.mentions if m.side), "")

    @property
    def details(self) -> frozenset[str]:
        """All adjectives."""
        return frozenset().union(*(m.details for m in self.mentions))

    @property
    def full(self) -> Phrase:
        """The mention that says most."""
        return max(self.mentions, key=lambda m: len(m.core) + 2 * len(m.tail))

    @property
    def worn(self) -> tuple[str, ...]:
        """Clothes that follow its noun: "in a red shirt"."""
        tail = self.full.tail[:2]
        dressed = [item for item in tail if isinstance(item, Phrase) and item.head in lexicon.CLOTHES]
        return tuple(word.low for word in flat(tail)) if dressed else ()

    @property
    def colour(self) -> tuple[str, ...]:
        """Its colour words."""
        return next((m.colour for m in self.mentions if m.colour), ())

    @property
    def noun(self) -> tuple[str, ...]:
        """Its noun with the nouns joined to it."""
        return max((m.noun for m in self.mentions), key=len)


class Cast:
    """All figures of a caption."""

    def __init__(self, clauses: Sequence[Clause]) -> None:
        self.figures: list[Figure] = []
        self.of: dict[Phrase, Figure] = {}
        self.unresolved: list[Clause] = []
        self._recent: list[Figure] = []
        for number, clause in enumerate(clauses):
            self._read(clause, number)
        self.movable = sorted((f for f in self.figures if _can_move(f)), key=lambda f: f.order)
        self.objects = _grouped(self.movable)

    def is_object(self, phrase: Phrase) -> Figure | None:
        """The object that a phrase speaks of, or None."""
        figure = self.of.get(phrase)
        return figure if figure is not None and figure in self.movable else None

    def _read(self, clause: Clause, number: int) -> None:
        for phrase in phrases_in(clause.opener):
            self._resolve(phrase, number, ())
        subjects = [self._resolve(spoken_of(subject), number, ()) for subject in clause.subjects]
        for subject, figure in zip(clause.subjects, subjects, strict=True):
            self._speak(figure, clause, number)
            for phrase in phrases_in(subject.tail):
                self._resolve(phrase, number, [figure])
        named = [figure for figure in subjects if figure is not None]
        for part in shared_objects(segments(clause.body)):
            self._part(clause, part, number, named)

    def _speak(self, figure: Figure | None, clause: Clause, number: int) -> None:
        if figure is None:
            self.unresolved.append(clause)
            return
        if not any(told.kind == "main" for told in figure.clauses):
            figure.order = (0, number)
        figure.clauses.append(clause)

    def _part(self, clause: Clause, part: Segment, number: int, subjects: list[Figure]) -> None:
        """Read the phrases of one part of a statement, and what is said inside it of others."""
        inner = dict(inner_clauses(part.items))
        own: Sequence[Figure | None] = subjects
        for k, item in enumerate(part.items):
            if not isinstance(item, Phrase):
                continue
            # In "until the ring hits it" the pronoun cannot be the ring.
            figure = self._resolve(item, number, own)
            for phrase in phrases_in(item.tail):
                self._resolve(phrase, number, own)
            if figure is None:
                continue
            figure.seen.append(clause)
            if k in inner and figure not in subjects:
                figure.clauses.append(inner[k])
                own = [figure]
            elif k == part.object:
                (figure.moved if part.moves else figure.meant).append((clause, part))

    def _resolve(self, phrase: Phrase, number: int, exclude: Sequence[Figure | None]) -> Figure | None:
        if not phrase.pronoun and (phrase.words[-1].tag != "NOUN" or phrase.head == "other"):
            return None  # "the other", "one", "both": whom they mean is beyond these rules
        found = self._pronoun(phrase, exclude) if phrase.pronoun else self._same(phrase)
        if found is None and not phrase.pronoun:
            found = Figure([], (1, number * 1000 + len(self.figures)))
            self.figures.append(found)
        if found is None:
            return None
        if not phrase.pronoun:
            found.mentions.append(phrase)
            found.introduced = found.introduced or _indefinite(phrase)
        self.of[phrase] = found
        if found in self._recent:
            self._recent.remove(found)
        self._recent.append(found)
        return found

    def _pronoun(self, phrase: Phrase, exclude: Sequence[Figure | None]) -> Figure | None:
        passing = lexicon.BODY | lexicon.SCENERY | lexicon.NO_THING | lexicon.FLUIDS | lexicon.CAMERA | lexicon.COURSE
        for skipped in (passing | lexicon.CLOTHES, passing, frozenset[str]()):
            for figure in reversed(self._recent[-_MEMORY:]):
                known = figure not in exclude and figure.head not in skipped
                if known and agrees(phrase.pronoun, figure.mentions[0]):
                    return figure
        return None

    def _same(self, phrase: Phrase) -> Figure | None:
        """The figure that a noun phrase speaks of again, or None for a new one."""
        if phrase.words[0].low == "another" or phrase.possessive:
            return None
        best: tuple[int, int, Figure] | None = None
        for age, figure in enumerate(self._recent[-_MEMORY:]):
            if figure.head != phrase.head or (figure.number == 1) != (phrase.number == 1):
                continue
            if _indefinite(phrase) and figure.introduced:
                continue
            if figure.side and phrase.side and figure.side != phrase.side:
                continue
            if phrase.side == "other" and not figure.side:
                continue
            mine, theirs = phrase.details, figure.details
            if mine <= theirs or theirs <= mine:
                rank = (len(mine & theirs) + (figure.side == phrase.side), age, figure)
                best = rank if best is None or rank[:2] > best[:2] else best
        return best[2] if best else None


def spoken_of(subject: Phrase) -> Phrase:
    """The dog, where the dog's tail wags."""
    return (subject.owner or subject) if belonging(subject) or subject.head in lexicon.BODY else subject


def _grouped(figures: Sequence[Figure]) -> list[Figure]:
    """The figures without those that are a member of a group that was named before: "two dogs ... the left dog"."""
    alone: list[Figure] = []
    for figure in figures:
        group = next((f for f in figures if f.head == figure.head and figure.side in ROWS.get(f.number, ())), None)
        if group is None or figure.number != 1:
            alone.append(figure)
        else:
            group.members[figure.side] = figure
    return alone


def _indefinite(phrase: Phrase) -> bool:
    first = phrase.words[0]
    return first.low in ("a", "an", "another") or first.tag in ("NUM", "NOUN", "ADJ")


def _can_move(figure: Figure) -> bool:
    """Whether a figure is an object: it lives, something is said of what it does, or it is acted on."""
    head = figure.head
    if head in lexicon.CAMERA | lexicon.MEDIUM | lexicon.NO_THING:
        return False
    told = [clause for clause in figure.clauses if clause.kind == "main"]
    moving = any(not stative(part) for clause in figure.clauses for part in segments(clause.body))
    if head in lexicon.BODY | lexicon.CLOTHES and belonging(figure.mentions[0]):
        return False
    if head in lexicon.BODY:
        return bool(told)
    if head in lexicon.SCENERY:
        return moving
    if head in lexicon.ANIMATE:
        return True
    if head in lexicon.COURSE or not head.replace("-", "").isalpha():
        return False
    if any(clause.fragment for clause in told) and len(told) == 1:
        # "A red ball" is a thing; a lone word that the lexicon does not know may be anything.
        return figure.mentions[0].words[0].tag != "NOUN"
    named = bool(figure.meant) and (figure.mentions[0].proper or head in lexicon.VEHICLES)
    return bool(figure.clauses) or named or (bool(figure.moved) and head not in lexicon.FLUIDS)


def inner_clauses(items: Sequence[Item]) -> Iterator[tuple[int, Clause]]:
    """Clauses inside a part of a statement, with the index of their subject: "that lies on a branch", "it wave"."""
    for k, item in enumerate(items):
        if k == 0 or not isinstance(item, Phrase):
            continue
        v = k + 1
        while v < len(items) and tag_of(items[v]) in ("ADV", "REL"):
            v += 1
        verb = items[v] if v < len(items) else None
        if not isinstance(verb, Word) or verb.tag not in ("VERB", "AUX"):
            continue
        before = items[k - 1]
        caused = isinstance(before, Word) and before.base in verbs.CAUSATIVE
        told = (
            v > k + 1
            or tag_of(before) in ("SUB", "PUNCT", "CONJ")
            or verb.form == "ing"
            or (caused and verb.form == "base")
        )
        if told:
            end = next((j for j in range(v, len(items)) if tag_of(items[j]) == "PUNCT"), len(items))
            yield k, Clause((item,), tuple(items[v:end]), kind="inner")
