"""Object prompts: all that the caption says of one object, as sentences about it."""

from __future__ import annotations

from collections.abc import Sequence

from ttm_ref.conditions.rules import verbs
from ttm_ref.conditions.rules.agreement import as_finite, as_one, restated
from ttm_ref.conditions.rules.cast import Cast, Figure, spoken_of
from ttm_ref.conditions.rules.clauses import Clause, tag_of
from ttm_ref.conditions.rules.motion import sentence
from ttm_ref.conditions.rules.naming import called, short_name
from ttm_ref.conditions.rules.phrases import Item, Phrase, flat
from ttm_ref.conditions.rules.segments import main_verb, segments, verb_group


class Telling:
    """Writes the prompts of the objects of a cast."""

    def __init__(self, cast: Cast) -> None:
        self.cast = cast
        self.told: set[Figure] = set()

    def write(self, figure: Figure, place: str = "") -> str:
        """The prompt of one object, or of the member of a group at a place ("left", "first")."""
        self.told = set()
        said: list[str] = []
        # What a clause inside another one says counts only for those that have no clause of their own.
        own = [clause for clause in figure.clauses if clause.kind == "main"] or figure.clauses
        for clause in own:
            part = any(spoken_of(s) is not s for s in clause.subjects)
            subject = self._subject(figure, place, not said)
            said.append(self._whole(clause) if part else sentence([*subject, *self._body(figure, clause)]))
        member = figure.members.get(place)
        if member is not None:
            said.append(self.write(member))
        if not said and (figure.moved or figure.meant):
            said.append(sentence([*self._subject(figure, place, True), *self._passive(figure, place)]))
        if not said:
            said += [self._whole(clause) for clause in figure.seen[:1]]
        told = " ".join(dict.fromkeys(text for text in said if text))
        return told or sentence(self._subject(figure, place, True))

    def _subject(self, figure: Figure, place: str, first: bool) -> list[str]:
        full = figure.full
        place = "" if figure.side == place else place
        if figure.mentions[0].proper:
            return [figure.mentions[0].words[0].text]
        if not first:
            short = short_name(figure, self.cast.objects)
            return ["the", *([place] if place else []), *(short if not place else figure.noun)]
        tail = [word.text for word in flat(full.tail)]
        core = [word.low for word in full.core]
        if place:
            return ["the", place, *core[:-1], full.head, *tail]
        lead = "" if figure.number == 0 and not full.determiner else "the"
        return [lead, *core, *tail]

    def _body(self, figure: Figure, clause: Clause) -> list[str]:
        words: list[str] = []
        for k, part in enumerate(segments(clause.body)):
            first = k == 0
            items = as_finite(clause, part, first) if figure.number == 0 else as_one(clause, part, first)
            if clause.kind == "inner" and k == 0 and figure.number == 1:
                items = restated(items)
            words += [word.low for word in part.joint] + self._words(figure, clause, items)
        return words

    def _words(self, figure: Figure, clause: Clause, items: Sequence[Item]) -> list[str]:
        """The items as written; a pronoun for another object becomes its name, for it has no meaning here."""
        words: list[str] = []
        for item in items:
            if isinstance(item, Phrase) and [word.low for word in item.words] == ["each", "other"]:
                words.append(self._others(figure, clause))
                continue
            other = self.cast.is_object(item) if isinstance(item, Phrase) and item.pronoun else None
            if other is None or other is figure or other in self.told:
                words += [word.text for word in flat([item])]
            else:
                words.append(called(other, self.cast.objects))
            if isinstance(item, Phrase) and item in self.cast.of:
                self.told.add(self.cast.of[item])
        return words

    def _others(self, figure: Figure, clause: Clause) -> str:
        """Whom "each other" means for one of them."""
        all_of_them = [self.cast.is_object(subject) for subject in clause.subjects]
        rest = [called(f, self.cast.objects) for f in all_of_them if f is not None and f is not figure]
        return " and ".join(rest) if rest else "each other" if figure.number == 0 else "the other"

    def _passive(self, figure: Figure, place: str) -> list[str]:
        """The other side of "the person throws it up": "is thrown up by the person"."""
        be = "is" if figure.number == 1 or place else "are"
        words: list[str] = []
        agents: list[str] = []
        asides: list[str] = []
        for clause, part in figure.moved or figure.meant:
            verb = main_verb(part.items)
            if verb is None:
                continue
            done = [verbs.participle(v.base) for v in (*part.before, verb)]
            extra = [w.low for w in verb_group(part.items) if w.tag == "ADV"]
            between = [w.text for w in flat(part.items[len(verb_group(part.items)) : part.object]) if w.low != "with"]
            behind = part.items[part.object + 1 :]
            cut = next((k for k, item in enumerate(behind) if tag_of(item) == "SUB"), len(behind))
            rest, aside = ([w.text for w in flat(items)] for items in (behind[:cut], behind[cut:]))
            asides += aside
            words += [*(["and"] if words else []), be, " and ".join(done), *extra, *between, *rest]
            by = self._by(clause)
            agents = by if by else agents
        return [*words, *agents, *asides]

    def _by(self, clause: Clause) -> list[str]:
        who = [self.cast.is_object(subject) for subject in clause.subjects]
        names = [called(figure, self.cast.objects) for figure in who if figure is not None]
        return ["by", " and ".join(names)] if names else []

    def _whole(self, clause: Clause) -> str:
        subjects: list[Item] = list(clause.subjects)
        return sentence(
            [" and ".join(" ".join(w.text for w in flat([s])) for s in subjects), *(w.text for w in flat(clause.body))]
        )
