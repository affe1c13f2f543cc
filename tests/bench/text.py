"""What the text network can tell apart, on scenes it never saw.

    python tests/bench/text.py [--count 256] [--first 1000] [--split test] [--keep FOLDER] [--out FILE]

Every scene goes the way of a score: the lite protocol, the flow backend, tracks, masks carried from frame 0. False
captions differ from the true one in one point (`motionbench.training.texts`, other draws than in training).
Deterministic but for the times. With `--keep` the observations are stored, and a second run takes seconds.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from motionbench.backends.classical import CARRIED_MASKS, DIS, LK_TRACKS
from motionbench.backends.classical.opencv import single_thread
from motionbench.backends.video_text.observe import Observation, observe
from motionbench.backends.video_text.score import Matcher, pair
from motionbench.backends.video_text.words import clauses, words
from motionbench.datasets.synth import grammar, render
from motionbench.datasets.synth.cast import Layout
from motionbench.datasets.synth.scene import layout_of
from motionbench.metrics.text import probability
from motionbench.training import texts
from motionbench.types import Clip, InputMatch, Inputs, Protocol, Video
from motionbench.video import conform

PROTOCOL = Protocol()
CHOICES = 32
ALTERED = slice(0, 64, 8)  # these scenes are also measured frozen and reversed
SIDES: dict[str, Callable[[NDArray[np.uint8]], NDArray[np.uint8]]] = {
    "true": lambda frames: frames,
    "frozen": lambda frames: np.repeat(frames[:1], len(frames), axis=0),
    "reversed": lambda frames: frames[::-1].copy(),
}
Floats = NDArray[np.float32]


def inputs_of(index: int, split: str, side: str = "true") -> Inputs:
    """A scene under the lite protocol, with the masks that a scored video would have in frame 0."""
    scene = render(index, split)
    frames = SIDES[side](scene.video.frames)
    clip: Clip = conform(Video(frames, scene.video.times), PROTOCOL)
    first = scene.masks.values[:, -1 if side == "reversed" else 0]
    height, width = clip.video.frames.shape[1:3]
    masks = first.repeat(height // first.shape[1], axis=1).repeat(width // first.shape[2], axis=2)
    shown, match = np.ones((height, width), np.bool_), InputMatch(1.0, 0.0, 0.0, 1.0)
    return Inputs(scene.case, clip, clip.video.frames[0], shown, masks, scene.masks.object_ids, match)


def observed(index: int, split: str, side: str, keep: Path | None) -> Observation:
    """The observation of a scene, from the folder or measured."""
    path = keep / f"{split}-{index:06d}-{side}.safetensors" if keep is not None else None
    if path is not None and path.exists():
        return Observation(**load_file(path))
    given = inputs_of(index, split, side)
    flow = DIS.load()(given, {})
    tracks = LK_TRACKS.load()(given, {"flow": flow})
    masks = CARRIED_MASKS.load()(given, {"flow": flow, "tracks": tracks})["values"]
    with single_thread():
        seen = observe(given.clip.video.frames, given.clip.video.times, flow["uv"], masks)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file({k: getattr(seen, k) for k in ("series", "crops", "camera", "picture")}, path)
    return seen


@dataclass(frozen=True)
class Seen:
    """One scene: its layout and the tokens of its video."""

    layout: Layout
    tokens: Floats


class Judge:
    """Scores of texts against tokens; each clause is read once."""

    def __init__(self) -> None:
        self.matcher = Matcher()
        self._known: dict[str, Floats] = {}

    def vectors(self, said: Sequence[str]) -> Floats:
        for clause in said:
            if clause not in self._known:
                self._known[clause] = self.matcher.texts([clause])[0]
        return np.stack([self._known[clause] for clause in said])

    def caption(self, tokens: Floats, text: str) -> float:
        """The cosine that `text` is made of."""
        video, said = pair(tokens, self.vectors(clauses(text)))
        return float(video @ said)


def meaning(text: str) -> list[list[str]]:
    """The words of a caption's statements; their order does not matter."""
    return sorted(words(clause) for clause in clauses(text))


def retrieval(judge: Judge, scenes: Sequence[Seen]) -> list[bool]:
    """Is the right caption the best of 32 of distinct meaning? The others are those of the scenes that follow."""
    captions = [grammar.caption(s.layout) for s in scenes]
    out = []
    for i, seen in enumerate(scenes):
        others = [c for c in captions[i + 1 :] + captions[:i] if meaning(c) != meaning(captions[i])][: CHOICES - 1]
        own = judge.caption(seen.tokens, captions[i])
        out.append(all(own > judge.caption(seen.tokens, other) for other in others))
    return out


def hard_negatives(judge: Judge, scenes: Sequence[Seen]) -> dict[str, list[bool]]:
    """Does the right caption beat the one that is wrong in one point? By kind, over all objects."""
    out = defaultdict(list)
    for seen in scenes:
        caption = grammar.caption(seen.layout)
        own = judge.caption(seen.tokens, caption)
        for false in texts.wrongs(seen.layout, np.random.default_rng([77, seen.layout.index])):
            other = grammar.caption(false.layout)
            if meaning(other) != meaning(caption):
                out[false.kind].append(own > judge.caption(seen.tokens, other))
    return dict(out)


def object_swaps(judge: Judge, scenes: Sequence[Seen]) -> dict[str, list[bool]]:
    """Object prompts against masks: each object with its own prompt against the two prompts exchanged (sum of two
    cosines), one mask's own prompt against the other's, and against its own prompt with the other one's looks."""
    out = defaultdict(list)
    for seen in scenes:
        prompts = judge.vectors([" ".join(clauses(p)) for p in texts.prompts(seen.layout)])
        match = seen.tokens[: len(prompts)] @ prompts.T
        for i in range(len(prompts)):
            for j in range(i + 1, len(prompts)):
                out["prompts exchanged"].append(match[i, i] + match[j, j] > match[i, j] + match[j, i])
                out["own prompt or the other's"] += [match[i, i] > match[i, j], match[j, j] > match[j, i]]
        for false in texts.wrongs(seen.layout, np.random.default_rng([77, seen.layout.index])):
            for actor in false.actors:
                prompt = " ".join(clauses(texts.prompts(false.layout)[actor - 1]))
                other = float(seen.tokens[actor - 1] @ judge.vectors([prompt])[0])
                name = "looks or motion exchanged" if false.kind == "swap" else f"object: {false.kind}"
                out[name].append(match[actor - 1, actor - 1] > other)
    return dict(out)


def altered(judge: Judge, scenes: Sequence[tuple[Seen, Seen, Seen]]) -> Iterator[tuple[str, int, str]]:
    """Mean scores of the true, frozen and reversed video under the true prompts, and how often they fall."""
    logistic = judge.matcher.logistic
    rows: dict[str, list[list[float]]] = {"text": [], "text_object": []}
    for sides in scenes:
        layout = sides[0].layout
        prompts = judge.vectors([" ".join(clauses(p)) for p in texts.prompts(layout)])
        whole = [probability(judge.caption(s.tokens, grammar.caption(layout)), logistic[0]) for s in sides]
        single = [
            np.mean([probability(float(c), logistic[1]) for c in (s.tokens[: len(prompts)] * prompts).sum(1)])
            for s in sides
        ]
        rows["text"].append(whole)
        rows["text_object"].append([float(x) for x in single])
    for name, values in rows.items():
        table = np.array(values)
        falls = (table[:, :1] > table[:, 1:]).mean(0)
        means = ", ".join(f"{side} {m:.2f}" for side, m in zip(SIDES, table.mean(0), strict=True))
        yield f"`{name}`: {means}", len(table), f"frozen below true {falls[0]:.0%}, reversed below true {falls[1]:.0%}"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--split", default="test")
    parser.add_argument("--first", type=int, default=1000)
    parser.add_argument("--count", type=int, default=256)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    indices = range(given.first, given.first + given.count)
    seen = {i: observed(i, given.split, "true", given.keep) for i in indices}
    judge = Judge()
    start = time.perf_counter()
    scenes = [Seen(layout_of(i, given.split), judge.matcher.tokens(o)) for i, o in seen.items()]
    seconds = (time.perf_counter() - start) / len(scenes)
    lines = [f"Scenes {given.first} to {given.first + given.count - 1} of `{given.split}`.", ""]
    lines += ["| question | n | right |", "|---|---|---|"]
    found = {f"caption: 1 of {CHOICES}": retrieval(judge, scenes)}
    found |= {f"caption: other {kind}": v for kind, v in sorted(hard_negatives(judge, scenes).items())}
    found |= object_swaps(judge, scenes)
    lines += [f"| {name} | {len(v)} | {np.mean(v):.1%} |" for name, v in found.items()]
    some = [
        tuple(
            replace(s, tokens=judge.matcher.tokens(observed(s.layout.index, given.split, side, given.keep)))
            for side in SIDES
        )
        for s in scenes[ALTERED]
    ]
    lines += ["", "| score of the true prompts | n | |", "|---|---|---|"]
    lines += [f"| {name} | {count} | {falls} |" for name, count, falls in altered(judge, some)]
    text = "\n".join(lines) + "\n"
    print(text)
    print(f"network: {seconds * 1000:.1f} ms a video")
    if given.out is not None:
        given.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
