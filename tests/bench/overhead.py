"""How much a cold evaluation costs beyond the work itself: one decode and one bare pass of each backend.

    python tests/bench/overhead.py [--cases 64] [--out docs/benchmarks/overhead.md]

A reference has a second pass of what is read again half a pixel aside (`Need.again`). Both are timed in this one
process, one after another, so that only their ratio matters. Imports (both run once before), the report and the
statistics (bootstrap, jackknife) are left out, as timing.json counts them apart.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np

from motionbench import datasets, evaluate
from motionbench.cache import Cache
from motionbench.datasets import synth
from motionbench.engine import one_thread
from motionbench.plan import Plan, make_plan
from motionbench.profiles import load_profile
from motionbench.results import read_timing
from motionbench.sources import open_source
from motionbench.subject import Clock, Compute, Subject, Workbench
from motionbench.types import Features, Inputs, Video
from motionbench.video import load_video, save_video

PROFILE = "lite"
CHUNK = 8


def bare(data: Path, videos: Path) -> dict[str, float]:
    """Seconds of one decode and one pass of each backend over every video, by part."""
    profile = load_profile(PROFILE)
    plan = make_plan(profile, profile.metrics)
    loaded = {role: backend.load() for role, backend in plan.backends.items()}
    again = {role for m in plan.metrics for n in m.needs if n.again for role in plan.upstream(n.role)}
    dataset = datasets.load_dataset(data)
    source = open_source(videos, options={}, seed=0, out=videos, name="copy")
    parts: dict[str, float] = dict.fromkeys(("decode", *plan.backends), 0.0)
    with tempfile.TemporaryDirectory() as nowhere:
        for case in dataset.cases:
            image, masks = case.first_frame.digest(), case.masks.digest()
            for footage, twice in ((source.footage(case, profile.protocol), set()), (case.reference, again)):
                start = time.perf_counter()
                footage.load(profile.protocol)
                parts["decode"] += time.perf_counter() - start
                bench = Workbench(plan, Cache(Path(nowhere)), Clock())
                subject = Subject(bench, case, footage, image, masks)
                _pass(plan, loaded, subject.inputs(), set(loaded), parts)
                if twice:
                    _pass(plan, loaded, subject.again().inputs(), twice, parts)
    return parts


def _pass(plan: Plan, loaded: dict[str, Compute], inputs: Inputs, roles: set[str], parts: dict[str, float]) -> None:
    """Compute roles of one video one after another, and add up their seconds."""
    features: dict[str, Features] = {}
    for role in (r for r in loaded if r in roles):
        start = time.perf_counter()
        features[role] = loaded[role](inputs, {r: features[r] for r in plan.backends[role].requires})
        parts[role] += time.perf_counter() - start


def whole(data: Path, videos: Path, out: Path) -> dict[str, float]:
    """Seconds of a cold evaluation in one process without report and statistics, by part."""
    evaluate(videos, data, PROFILE, out / "run", cache=out / "cache", workers=1)
    seconds = read_timing(out / "run").seconds
    parts = {"decode": seconds.decode, **seconds.backends, "metrics": seconds.metrics}
    net = seconds.total - seconds.report - seconds.statistics
    return {**parts, "everything else": net - sum(parts.values())}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cases", type=int, default=64)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    bare_parts: Counter[str] = Counter()
    parts: Counter[str] = Counter()
    with one_thread(), tempfile.TemporaryDirectory() as folder:
        # Number 0 warms up. Then both in turn, eight cases at a time, so that a machine that becomes busy slows both.
        for number, start in enumerate((10_000, *range(0, options.cases, CHUNK))):
            place = Path(folder) / str(number)
            count = min(CHUNK, options.cases - start) if number else 2
            prepare(place, start, count)
            alone = bare(place / "data", place / "videos")
            run = whole(place / "data", place / "videos", place)
            if number:
                bare_parts.update(alone)
                parts.update(run)
    bare_seconds, seconds = sum(bare_parts.values()), sum(parts.values())
    lines = [
        "# What a cold evaluation costs beyond the work itself",
        "",
        f"`python tests/bench/overhead.py --cases {options.cases}`: {2 * options.cases} videos of 256 x 256 pixels and "
        "16 frames, one process; both in turn, a few cases at a time.",
        "",
        "| | seconds a video |",
        "|---|---|",
        f"| one decode and one bare pass of each backend | {bare_seconds / 2 / options.cases:.3f} |",
        f"| cold evaluation, without report and statistics | {seconds / 2 / options.cases:.3f} |",
        f"| **ratio** | **{seconds / bare_seconds:.2f}** |",
        "",
        "| part of the bare pass | share |",
        "|---|---|",
        *(f"| {name} | {100 * value / bare_seconds:.1f} % |" for name, value in bare_parts.items()),
        "",
        "| part of the evaluation | share |",
        "|---|---|",
        *(f"| {name} | {100 * value / seconds:.1f} % |" for name, value in parts.items()),
        "",
    ]
    print("\n".join(lines))
    if options.out:
        options.out.write_text("\n".join(lines), encoding="utf-8")


def prepare(place: Path, start: int, count: int) -> None:
    """Export scenes as a dataset, and the same videos with one pixel changed as a system's.

    With the same bytes on both sides, the two would share their features.
    """
    synth.export(place / "data", split="train", count=count, start=start, size=256)
    (place / "videos").mkdir()
    for case in json.loads((place / "data" / "cases.json").read_text())["cases"]:
        video = load_video(place / "data" / case["reference"])
        frames = np.array(video.frames)
        frames[0, 0, 0, 0] ^= 1
        save_video(Video(frames, video.times), place / "videos" / f"{case['id']}.mp4")


if __name__ == "__main__":
    main()
