"""The texts of training scenes as numbers, and the losses of the text network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from motionbench.backends.video_text.network import SCENE_TOKENS, DualEncoder
from motionbench.backends.video_text.words import Vocabulary, clauses, words
from motionbench.datasets.synth import grammar
from motionbench.datasets.synth.scene import layout_of
from motionbench.training import texts
from motionbench.training.views import View

NEGATIVES = 4  # false clauses for each object and step
_MIRROR = {"left": "right", "right": "left", "clockwise": "counterclockwise", "counterclockwise": "clockwise"}
_SCENE_TOKEN = {"on": 0, "camera": 2}  # by a clause's first word; scenery is 1
_SAME_BACKWARDS = ("still", "wave", "meet")


class Phrases:
    """Every clause once: its words, and those of its mirror image."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self._number: dict[str, int] = {}

    def add(self, clause: str) -> int:
        """The number of a clause."""
        return self._number.setdefault(" ".join(words(clause)), len(self._number))

    def table(self) -> Tensor:
        """Word numbers int64 [2, P, LENGTH] of all clauses and of their mirror images."""
        listed = list(self._number)
        mirrored = [" ".join(_MIRROR.get(word, word) for word in clause.split()) for clause in listed]
        return torch.from_numpy(np.stack([self.vocabulary.encode(listed), self.vocabulary.encode(mirrored)]))


@dataclass(frozen=True, slots=True)
class Telling:
    """The texts of one scene, as clause numbers.

    Attributes:
        objects: each object's true clause.
        rest: ground, scenery and camera as (scene token, clause, True if it is true of the frozen video as well).
        wrong: each object's false clauses.
        swaps: for each pair of objects, the places and false clauses of both.
        still, even: for each object, True if its clause is true of the frozen and of the reversed video as well.
    """

    objects: list[int]
    rest: list[tuple[int, int, bool]]
    wrong: list[list[int]]
    swaps: list[list[tuple[int, int]]]
    still: list[bool]
    even: list[bool]


def telling(index: int, split: str, phrases: Phrases, rounds: int = 2) -> Telling:
    """The texts of a scene; `rounds` draws of each kind of false clause."""
    layout, rng = layout_of(index, split), np.random.default_rng([index, rounds])
    count, parts = len(layout.actors), clauses(grammar.caption(layout))
    rest = []
    for clause in (parts[0], *parts[1 + count :]):
        token = _SCENE_TOKEN.get(words(clause)[0], 1)
        rest.append((token, phrases.add(clause), token < 2 or layout.camera.kind == "still"))
    wrong: list[list[int]] = [[] for _ in layout.actors]
    swaps: list[list[tuple[int, int]]] = []
    for number in range(rounds):
        for false in texts.wrongs(layout, rng):
            said = texts.prompts(false.layout)
            found = [(a - 1, phrases.add(said[a - 1])) for a in false.actors]
            if false.kind == "swap" and number == 0:
                swaps.append(found)
            for place, false_clause in found:
                wrong[place].append(false_clause)
    moves = [a.move for a in layout.actors]
    even = [m.kind in _SAME_BACKWARDS or (m.kind == "hop" and m.speed == "in place") for m in moves]
    prompts = [phrases.add(p) for p in texts.prompts(layout)]
    return Telling(prompts, rest, wrong, swaps, [m.kind == "still" for m in moves], even)


@dataclass(frozen=True, slots=True)
class Claims:
    """Which clauses a batch speaks of, and what each is true of. R flat tokens of all videos, C clauses.

    Attributes:
        listed: int64 [C] clause numbers, first those that are true of some video.
        true: how many of them those are.
        rows, columns: int64 [P] each, the tokens of unaltered videos and the clauses that are true of them.
        false: bool [P, C], the false clauses made for each pair's token.
        holds: bool [R, C], all that is true, in altered videos as well.
        captions: int64 [B, L] columns of each caption, -1 pads.
        swaps: int64 [S, L] columns of captions with two objects exchanged, and the videos int64 [S] they are false of.
    """

    listed: Tensor
    true: int
    rows: Tensor
    columns: Tensor
    false: Tensor
    holds: Tensor
    captions: Tensor
    swaps: tuple[Tensor, Tensor]


def claims(view: View, told: Sequence[Telling], rng: np.random.Generator) -> Claims:
    """Number the clauses of a batch of B tellings and of a draw of their false clauses."""
    width, number, pairs = view.width, dict[int, int](), list[tuple[int, int]]()
    for b, one in enumerate(told):
        said = [*enumerate(one.objects), *((width - SCENE_TOKENS + t, c) for t, c, _ in one.rest)]
        pairs += [(b * width + place, number.setdefault(clause, len(number))) for place, clause in said]
    true = len(number)
    drawn = _drawn(told, width, rng)
    false = torch.zeros(len(pairs), true + sum(map(len, drawn.values())), dtype=torch.bool)
    for i, (row, _) in enumerate(pairs):
        for clause in drawn.get(row, ()):
            if number.setdefault(clause, len(number)) >= true:
                false[i, number[clause]] = True
    captions = [[column for row, column in pairs if row // width == b] for b in range(len(told))]
    swapped, owners = _swapped(told, captions, number)
    rows, columns = (torch.tensor(x) for x in zip(*pairs, strict=True))
    holds = torch.zeros(len(view.present) * width, len(number), dtype=torch.bool)
    holds[rows, columns] = True
    for a, (b, backwards) in enumerate(view.altered, start=len(told)):
        one = told[b]
        kept = [(k, c) for k, c in enumerate(one.objects) if (one.even if backwards else one.still)[k]]
        kept += [(width - SCENE_TOKENS + t, c) for t, c, fixed in one.rest if fixed]
        for place, clause in kept:
            holds[a * width + place, number[clause]] = True
    spare = functional.pad(false, (0, max(0, len(number) - false.shape[1])))[:, : len(number)]
    longest = max(map(len, [*captions, *swapped]))
    padded = [torch.tensor([c + [-1] * (longest - len(c)) for c in lot]) for lot in (captions, swapped)]
    return Claims(torch.tensor(list(number)), true, rows, columns, spare, holds, padded[0], (padded[1], owners))


def _drawn(told: Sequence[Telling], width: int, rng: np.random.Generator) -> dict[int, list[int]]:
    """False clauses by flat token."""
    found = {}
    for b, one in enumerate(told):
        for k, wrong in enumerate(one.wrong):
            found[b * width + k] = [
                wrong[i] for i in rng.permutation(len(wrong))[:NEGATIVES] if wrong[i] not in one.objects
            ]
    return found


def _swapped(
    told: Sequence[Telling], captions: Sequence[list[int]], number: dict[int, int]
) -> tuple[list[list[int]], Tensor]:
    out, owners = [], []
    for b, one in enumerate(told):
        for swap in one.swaps[:2]:
            changed = list(captions[b])
            for place, clause in swap:
                changed[place] = number.setdefault(clause, len(number))
            if sorted(changed) != sorted(captions[b]):
                out.append(changed)
                owners.append(b)
    return out, torch.tensor(owners, dtype=torch.int64)


def loss(model: DualEncoder, view: View, told: Sequence[Telling], table: Tensor, rng: np.random.Generator) -> Tensor:
    """The loss of a batch.

    Args:
        model: the network.
        view: B scenes and, after them, altered ones (frozen or reversed).
        told: the B tellings.
        table: word numbers [P, LENGTH] of all clauses.
        rng: draws the false clauses.
    """
    said = claims(view, told, rng)
    tokens = model.video(*view.inputs())
    cosines = tokens.flatten(0, 1) @ model.text(table[said.listed]).T
    scale = model.scale.exp()
    return _pairs(cosines * scale, view, said) + 0.5 * _captions(cosines, scale * 2.0, view, said)


def _pairs(logits: Tensor, view: View, said: Claims) -> Tensor:
    """Each token picks its clause among the batch's and its own false ones; each clause its token among all."""
    own = torch.zeros_like(said.false)
    own[torch.arange(len(said.rows)), said.columns] = True
    open_columns = said.false | own
    open_columns[:, : said.true] |= ~said.holds[said.rows][:, : said.true]
    by_token = functional.cross_entropy(logits[said.rows].masked_fill(~open_columns, -1e4), said.columns)
    closed = (said.holds | ~view.real()[:, None])[:, said.columns].T.clone()
    closed[torch.arange(len(said.rows)), said.rows] = False
    by_clause = functional.cross_entropy(logits[:, said.columns].T.masked_fill(closed, -1e4), said.rows)
    return by_token + by_clause


def _captions(cosines: Tensor, scale: Tensor, view: View, said: Claims) -> Tensor:
    """Each video picks its caption among the batch's and those with exchanged objects; each caption its video."""
    count = len(said.captions)
    best = cosines.masked_fill(~view.real()[:, None], -1.0).view(-1, view.width, cosines.shape[1]).amax(1)
    scores = torch.stack([_mean(best, columns) for columns in said.captions], 1) * scale
    kept = said.holds.view(-1, view.width, cosines.shape[1]).any(1)
    same = torch.stack([(kept[:, c] | (c < 0)).all(1) for c in said.captions], 1)
    same[torch.arange(count), torch.arange(count)] = False
    scores = scores.masked_fill(same, -1e4)
    swaps, owners = said.swaps
    extra = torch.full((count, max(1, len(swaps))), -1e4)
    if len(swaps):
        values = torch.stack([_mean(best[b : b + 1], c)[0] for b, c in zip(owners.tolist(), swaps, strict=True)])
        extra = extra.index_put((owners, torch.arange(len(swaps))), values * scale)
    target = torch.arange(count)
    by_video = functional.cross_entropy(torch.cat([scores[:count], extra], 1), target)
    return by_video + functional.cross_entropy(scores.T, target)


def _mean(best: Tensor, columns: Tensor) -> Tensor:
    return best[:, columns[columns >= 0]].mean(1)
