"""The parts of a statement: "runs down a hill", "and takes off"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ttm_ref.conditions.rules import lexicon, verbs
from ttm_ref.conditions.rules.clauses import CONNECT, tag_of
from ttm_ref.conditions.rules.phrases import Item, Phrase
from ttm_ref.conditions.rules.tagger import Word

# With one of these even "stands" or "stays" tells of motion.
_MOTION_WORDS = lexicon.word_set("still motionless up down around back forward away off over out upright apart") | {
    "in place", "at rest", "on the spot",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Segment:
    """One verb with what belongs to it.

    Attributes:
        joint: what joins it to the part before it: ", then"; empty for the first.
        items: the verb and its complements.
        object: index in `items` of the direct object, -1 for none.
        moves: whether the verb moves its object.
        before: verbs of the parts before it that move the same: "shakes" of "shakes and turns a pillow".
    """

    joint: tuple[Word, ...]
    items: tuple[Item, ...]
    object: int = -1
    moves: bool = False
    before: tuple[Word, ...] = ()


def segments(body: Sequence[Item]) -> list[Segment]:
    """A statement's body by its verbs."""
    cuts = [(0, 0)]
    nested = False
    for k, item in enumerate(body):
        tag = tag_of(item)
        # Inside "until the ring hits it" nothing is cut, up to the comma.
        nested = (nested or (tag == "SUB" and _clause_follows(body, k))) and tag != "PUNCT"
        if nested or k == 0 or not isinstance(item, Word) or tag not in ("VERB", "AUX"):
            continue
        start = k
        while start > 0 and tag_of(body[start - 1]) == "ADV" and _low(body[start - 1]) not in CONNECT:
            start -= 1
        joint = start
        while joint > 0 and (tag_of(body[joint - 1]) in ("CONJ", "PUNCT") or _low(body[joint - 1]) in CONNECT):
            joint -= 1
        # In "sits on a bench reading a newspaper" nobody takes the bench for the reader.
        if 0 < joint < start or (item.form == "ing" and at_place(body, start - 1)):
            cuts.append((joint, start))
    ends = [joint for joint, _ in cuts[1:]] + [len(body)]
    parts = [
        Segment(tuple(w for w in body[joint:start] if isinstance(w, Word)), tuple(body[start:end]))
        for (joint, start), end in zip(cuts, ends, strict=True)
    ]
    return [Segment(part.joint, part.items, *_object(part.items)) for part in parts]


def shared_objects(parts: Sequence[Segment]) -> list[Segment]:
    """The parts, where those that name what is moved know the bare verbs before them."""
    found: list[Segment] = []
    waiting: list[Word] = []
    for part in parts:
        verb = main_verb(part.items)
        bare = len(verb_group(part.items)) == len(part.items)
        if verb is not None and bare and verb.base in verbs.MANIPULATION:
            waiting.append(verb)
            found.append(part)
            continue
        found.append(replace(part, before=tuple(waiting)) if part.moves else part)
        waiting = []
    return found


def at_place(items: Sequence[Item], k: int) -> bool:
    """Whether item k is a place that a preposition leads: "on a bench"."""
    item = items[k]
    return k > 0 and isinstance(item, Phrase) and item.head in lexicon.SCENERY and tag_of(items[k - 1]) == "PREP"


def _low(item: Item) -> str:
    return item.low if isinstance(item, Word) else ""


def _clause_follows(body: Sequence[Item], k: int) -> bool:
    return k + 2 < len(body) and isinstance(body[k + 1], Phrase)


def verb_group(items: Sequence[Item]) -> list[Word]:
    """The words before the first complement: "is slowly turning"."""
    group: list[Word] = []
    for item in items:
        if not isinstance(item, Word) or item.tag not in ("VERB", "AUX", "ADV", "TO"):
            break
        group.append(item)
    return group


def main_verb(items: Sequence[Item]) -> Word | None:
    """The verb that says what happens: "turning" of "is slowly turning"."""
    return next((word for word in reversed(verb_group(items)) if word.tag == "VERB"), None)


def resting(part: Segment) -> bool:
    """Whether a part says that something keeps still: no motion of a camera, though it is news of an object."""
    verb = main_verb(part.items)
    return verb is None or verb.base in verbs.STATIVE


def stative(part: Segment) -> bool:
    """Whether a part tells how something is, and nothing of whether it moves."""
    verb = main_verb(part.items)
    if verb is not None and verb.base not in verbs.STATIVE:
        return False
    if verb is not None and verb.base in ("face", "hold", "fill", "cover") and verb.form == "ing":
        return True
    near = [_low(item) for item in part.items[: len(verb_group(part.items)) + 1]]
    return not _MOTION_WORDS & set(near)


def _object(items: Sequence[Item]) -> tuple[int, bool]:
    """The direct object and whether it is moved: "an orange" of "throws an orange up", "a bag" of "holds up a bag"."""
    group = verb_group(items)
    verb = main_verb(items)
    if verb is None or any(word.tag == "AUX" and word.form == "" and verb.form == "past" for word in group):
        return -1, False
    k = len(group)
    particle = k < len(items) and _low(items[k]) in ("up", "down", "off", "out", "away", "back", "over")
    playing = verb.base == "play" and k < len(items) and _low(items[k]) == "with"
    if (particle and verb.base in _PARTICLE_VERBS) or playing:
        k += 1
    if k >= len(items) or not isinstance(items[k], Phrase):
        return -1, False
    return k, verb.base in verbs.MANIPULATION or playing


# "Holds up a backpack" lifts it, "runs down a hill" does nothing to the hill.
_PARTICLE_VERBS = verbs.MANIPULATION - lexicon.word_set(
    "roll spin turn wave bounce move fly ride drive swing slide tip"
)
