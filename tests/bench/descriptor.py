"""What the video descriptor reacts to, against five alternatives.

    python tests/bench/descriptor.py [--videos FOLDER...] [--scenes 64] [--workers 2] [--keep FOLDER] [--out FILE]

Two disjoint sets of clean videos, A and B, and B under each corruption. Corpora: procedural scenes of the train split,
and, where folders are given, 16-frame windows of their videos (two crops each). All but the times is deterministic.

`z` is (d(A, corrupted B) - d(A, B)) / s, where s is the spread of the distance between random disjoint halves of
the clean videos, so that 3 is a clear difference for sets of this size. d(A, .) is a mean over random subsets of A.
`own` is the mean distance that a corruption moves a single video, over the typical distance of two clean videos.
"""

from __future__ import annotations

import argparse
import functools
import hashlib
import itertools
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from descriptor_candidates import CANDIDATES
from descriptor_corruptions import LADDERS, Ladder, Sample
from numpy.typing import NDArray
from scipy.stats import spearmanr

from motionbench.backends.classical.dis import pair_flow
from motionbench.backends.classical.opencv import luma, single_thread
from motionbench.backends.descriptor import describe
from motionbench.datasets.synth import render
from motionbench.metrics.distribution import frechet_distance, kernel_distance
from motionbench.types import Protocol, Video
from motionbench.video import conform, load_video

PROTOCOL = Protocol()
SHIPPED = "shipped"
DISTANCES: dict[str, Callable[..., float]] = {"kernel": kernel_distance, "Fréchet": frechet_distance}
EXTENSIONS = {".mp4", ".mov", ".mkv", ".webm", ".avi"}
SUBSETS, RESPLITS = 12, 60
FIRST_SCENE = 1000
Key = tuple[str, float]
CLEAN: Key = ("", 0.0)
Described = dict[str, NDArray[np.float64]]


@dataclass(frozen=True)
class Source:
    """One clean video: a scene number, or a window of a file. `other` is spliced and blended in."""

    scene: int = -1
    path: str = ""
    start: int = 0
    corner: int = 0


def window_sources(folders: Sequence[Path]) -> list[Source]:
    """Every window of every video: 16 frames at the protocol's rate, 10 frames apart, two corner crops of 80 %."""
    out = []
    for path in sorted(p for folder in folders for p in folder.rglob("*") if p.suffix.lower() in EXTENSIONS):
        video = load_video(path)
        kept = range(0, len(video.times), _stride(video))
        starts = range(0, len(kept) - PROTOCOL.frames + 1, 10)
        out += [Source(path=str(path), start=kept[s], corner=c) for s in starts for c in (0, 1)]
    return out


def _stride(video: Video) -> int:
    return max(1, round(round(1 / float(np.median(np.diff(video.times))), 6) / PROTOCOL.fps))


_OPEN: dict[str, Video] = {}  # the last file read: the windows of a file come one after another


def clip(source: Source) -> Video:
    """The frames of a source under the lite protocol."""
    if source.scene >= 0:
        return conform(render(source.scene, split="train").video, PROTOCOL).video
    if source.path not in _OPEN:
        _OPEN.clear()
        _OPEN[source.path] = load_video(source.path)
    video = _OPEN[source.path]
    height, width = (int(0.8 * n) for n in video.frames.shape[1:3])
    top, left = (source.corner * (n - k) for n, k in zip(video.frames.shape[1:3], (height, width), strict=True))
    chosen = slice(source.start, source.start + _stride(video) * PROTOCOL.frames, _stride(video))
    cut = video.frames[chosen, top : top + height, left : left + width]
    return conform(Video(np.ascontiguousarray(cut), video.times[chosen] - video.times[source.start]), PROTOCOL).video


def sample(source: Source, other: Source) -> Sample:
    """A clean video with all that a corruption may need."""
    video = clip(source)
    height, width = video.frames.shape[1:3]
    foreign = conform(Video(clip(other).frames, video.times), Protocol(size=max(height, width))).video.frames
    rows, columns = (np.minimum(np.arange(n), m - 1) for n, m in zip((height, width), foreign.shape[1:3], strict=True))
    masks = None
    if source.scene >= 0:
        masks = render(source.scene, split="train", size=height).masks.values
    return Sample(video.frames, video.times, foreign[:, rows][:, :, columns], masks)


def described(frames: NDArray[np.uint8], times: NDArray[np.float64], names: Sequence[str]) -> tuple[Described, float]:
    """The shipped descriptor and the named candidates of one video, and the seconds that the shipped one took."""
    with single_thread():
        greys = [luma(frame) for frame in frames]
        uv = np.stack([pair_flow(a, b) for a, b in itertools.pairwise(greys)])
        begun = time.process_time()
        out: Described = {SHIPPED: describe(frames, times, uv).astype(np.float64)}
        seconds = time.process_time() - begun
        return out | {name: CANDIDATES[name](frames, times, uv) for name in names}, seconds


def work(job: tuple[Source, Source | None]) -> tuple[dict[Key, Described], float]:
    """One clean video, and, where it has an `other`, the same under every corruption.

    The candidates are only shown the mildest severity of each, and all that should not matter.
    """
    source, other = job
    video = clip(source)
    clean, seconds = described(video.frames, video.times, list(CANDIDATES))
    out: dict[Key, Described] = {CLEAN: clean}
    if other is None:
        return out, seconds
    given = sample(source, other)
    for number, ladder in enumerate(LADDERS):
        if ladder.masks and given.masks is None:
            continue
        for severity in ladder.severities:
            rng = np.random.default_rng([abs(source.scene), source.start, source.corner, number])
            frames, times = ladder.corrupt(given, severity, rng)
            shown = list(CANDIDATES) if severity == ladder.severities[0] or ladder.group == "benign" else []
            out[ladder.name, severity] = described(np.ascontiguousarray(frames), times, shown)[0]
    return out, seconds


@dataclass(frozen=True)
class Corpus:
    """Clean features of A [n, d] and of B [m, d] and corrupted ones of B, for one descriptor."""

    a: NDArray[np.float64]
    b: NDArray[np.float64]
    corrupted: dict[Key, NDArray[np.float64]]

    def standardised(self) -> Corpus:
        """Every feature by its mean and deviation over the clean videos, squashed as the shipped one is."""
        clean = np.concatenate([self.a, self.b])
        mean, scale = clean.mean(0), np.maximum(clean.std(0), 0.25 * clean.std(0).mean())

        def apply(x: NDArray[np.float64]) -> NDArray[np.float64]:
            return 3 * np.tanh((x - mean) / scale / 3)

        return Corpus(apply(self.a), apply(self.b), {k: apply(v) for k, v in self.corrupted.items()})

    def effects(self, distance: Callable[..., float]) -> dict[Key, float]:
        """z of each corruption (see the top of the file)."""
        rng, n = np.random.default_rng(0), min(len(self.a), len(self.b))
        clean = np.concatenate([self.a, self.b])
        null = []
        for _ in range(RESPLITS):
            order = rng.permutation(len(clean))
            null.append(distance(clean[order[:n]], clean[order[n : 2 * n]]))
        subsets = [rng.permutation(len(self.a))[:n] for _ in range(SUBSETS if len(self.a) > n else 1)]

        def mean(b: NDArray[np.float64]) -> float:
            return float(np.mean([distance(self.a[s], b) for s in subsets]))

        base, spread = mean(self.b), float(np.std(null))
        return {CLEAN: base} | {key: (mean(b) - base) / spread for key, b in self.corrupted.items()}

    def moves(self) -> dict[Key, float]:
        """`own` of each corruption (see the top of the file)."""
        pairs = np.linalg.norm(self.b[:, None] - self.b[None], axis=-1)
        typical = float(np.median(pairs[np.triu_indices(len(self.b), 1)]))
        return {k: float(np.linalg.norm(v - self.b, axis=1).mean()) / typical for k, v in self.corrupted.items()}


def kept_work(job: tuple[Source, Source | None], folder: Path) -> tuple[dict[Key, Described], float]:
    """`work`, or what an interrupted run has left of it in the folder."""
    path = folder / f"{hashlib.sha256(repr(job).encode()).hexdigest()[:20]}.npz"
    if not path.exists():
        found, seconds = work(job)
        flat = {f"{k}|{s}|{name}": x for (k, s), values in found.items() for name, x in values.items()}
        partial = path.with_suffix(".partial.npz")
        np.savez(partial, seconds=np.array(seconds), **flat)
        partial.replace(path)
    out: dict[Key, Described] = {}
    with np.load(path, allow_pickle=False) as stored:
        for label in stored.files:
            if label != "seconds":
                key, severity, name = label.split("|")
                out.setdefault((key, float(severity)), {})[name] = stored[label]
        return out, float(stored["seconds"])


def corpora(jobs: list[tuple[Source, Source | None]], workers: int, keep: Path) -> tuple[dict[str, Corpus], float]:
    """All descriptors of all videos, and the median seconds of the shipped one."""
    with ProcessPoolExecutor(workers) as pool:
        results = list(pool.map(functools.partial(kept_work, folder=keep), jobs))
    a = [r for (r, _), (_, other) in zip(results, jobs, strict=True) if other is None]
    b = [r for (r, _), (_, other) in zip(results, jobs, strict=True) if other is not None]
    out = {}
    for name in (SHIPPED, *CANDIDATES):
        keys = [key for key in b[0] if key != CLEAN and name in b[0][key]]
        corpus = Corpus(
            np.stack([r[CLEAN][name] for r in a]),
            np.stack([r[CLEAN][name] for r in b]),
            {key: np.stack([r[key][name] for r in b]) for key in keys},
        )
        out[name] = corpus if name == SHIPPED else corpus.standardised()
    return out, float(np.median([seconds for _, seconds in results]))


def ladder_table(corpus: Corpus) -> Iterator[str]:
    """The shipped descriptor on every severity."""
    effects = {name: corpus.effects(distance) for name, distance in DISTANCES.items()}
    own = corpus.moves()
    yield "| corruption | severities | z kernel | z Fréchet | own | rho kernel, Fréchet |"
    yield "|---|---|---|---|---|---|"
    for ladder in _present(corpus):
        keys = [(ladder.name, s) for s in ladder.severities]
        zs = [[e[k] for k in keys] for e in effects.values()]
        rhos = [f"{spearmanr(range(len(z) + 1), [0, *z]).statistic:.2f}" for z in zs] if ladder.ordered else []
        row = [ladder.name, _join(ladder.severities, "g"), *(_join(z, ".1f") for z in zs)]
        row += [_join([own[k] for k in keys], ".2f"), ", ".join(rhos)]
        yield f"| {' | '.join(row)} |"


def candidate_table(found: dict[str, Corpus]) -> Iterator[str]:
    """z of the kernel distance at the mildest severity, for every descriptor, and the largest benign z."""
    effects = {name: corpus.effects(kernel_distance) for name, corpus in found.items()}
    yield "| mildest severity | " + " | ".join(f"{name} ({found[name].b.shape[1]})" for name in found) + " |"
    yield "|---|" + "---|" * len(found)
    for ladder in _present(found[SHIPPED]):
        if ladder.group != "benign":
            key = (ladder.name, ladder.severities[0])
            yield f"| {ladder.name} {key[1]:g} | " + " | ".join(f"{e[key]:.1f}" for e in effects.values()) + " |"
    benign = [(x.name, s) for x in LADDERS if x.group == "benign" for s in x.severities]
    yield "| largest benign | " + " | ".join(f"{max(e[k] for k in benign):.1f}" for e in effects.values()) + " |"


def _present(corpus: Corpus) -> list[Ladder]:
    return [ladder for ladder in LADDERS if (ladder.name, ladder.severities[0]) in corpus.corrupted]


def _join(values: Sequence[float], form: str) -> str:
    return " · ".join(format(v, form) for v in values)


def scene_jobs(count: int) -> list[tuple[Source, Source | None]]:
    """B is `count` scenes, A 1.5 times as many after them; other footage comes from a scene of A.

    Scenes below `FIRST_SCENE` helped to choose the scales and shares of the shipped descriptor.
    """
    start, middle, end = FIRST_SCENE, FIRST_SCENE + count, FIRST_SCENE + count + 3 * count // 2
    corrupted: list[tuple[Source, Source | None]] = [(Source(i), Source(i + count)) for i in range(start, middle)]
    return corrupted + [(Source(i), None) for i in range(middle, end)]


def window_jobs(folders: Sequence[Path]) -> list[tuple[Source, Source | None]]:
    """A random half of the windows is B; other footage is the window that is half the list away."""
    sources = window_sources(folders)
    if len(sources) < 8:
        sys.exit(f"the folders yield {len(sources)} windows of {PROTOCOL.frames} frames: give more or longer videos")
    in_b = set(np.random.default_rng(0).permutation(len(sources))[: len(sources) // 2].tolist())
    far = len(sources) // 2
    return [(s, sources[(i + far) % len(sources)] if i in in_b else None) for i, s in enumerate(sources)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--videos", type=Path, nargs="+", help="folders of real videos")
    parser.add_argument("--scenes", type=int, default=64, help="corrupted scenes")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, help="also write the tables here")
    parser.add_argument("--keep", type=Path, help="keep what is described here; an interrupted run goes on from it")
    options = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    todo = [("Procedural scenes", scene_jobs(options.scenes))]
    if options.videos:
        todo.append(("Windows of real videos", window_jobs(options.videos)))
    lines = []
    with tempfile.TemporaryDirectory() as temporary:
        keep = options.keep or Path(temporary)
        keep.mkdir(parents=True, exist_ok=True)
        for title, jobs in todo:
            found, seconds = corpora(jobs, options.workers, keep)
            shipped = found[SHIPPED]
            lines += [f"## {title}", "", f"A: {len(shipped.a)}, B: {len(shipped.b)} videos, d = {shipped.b.shape[1]}."]
            lines += [f"Shipped descriptor without the flow: {1000 * seconds:.0f} ms a video (median, one core).", ""]
            lines += [*ladder_table(shipped), "", *candidate_table(found), ""]
    text = "\n".join(lines)
    print(text)
    if options.out:
        options.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
