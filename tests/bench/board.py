"""How long a board of 100 systems and 128 cases takes to build, how large its page is, and how fast it sorts.

    python tests/bench/board.py [--systems 100] [--cases 128] [--out docs/benchmarks/board.md]

The runs are made up: random values in the metrics of the lite profile, written and added as real ones are. Sorting is
timed in headless Chromium, from the click to the end of the layout and to the painted frame; without Chromium it is
left out.
"""

from __future__ import annotations

import argparse
import importlib.util
import math
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

from motionbench.leaderboard import add, build, check
from motionbench.leaderboard.parts import PARTS
from motionbench.results import write_run
from motionbench.stats import reduce_mean
from motionbench.types import Direction, Estimate, Row, Run, Subset, Summary

HIGHER = ("tmr", "tmr_worst", "stillness", "survival", "coherence", "first_frame", "text", "text_object", "flicker")
FREE = ("ad", "ad_norm", "dynamic_degree")
LOWER = ("warp_error",)
OF_SETS = ("fvd", "fvd_split", "kvd")
METRICS = (*HIGHER, *FREE, *LOWER, *OF_SETS)


def make_run(out: Path, index: int, cases: int) -> Path:
    """Write a made-up run of `cases` cases; system 0 is the static baseline."""
    rng = np.random.default_rng(index)
    ids: list[tuple[str, Subset]] = [(f"case-{i:03d}", "single" if i % 2 else "multi") for i in range(cases)]
    hard = np.random.default_rng(999).normal(0.0, 0.1, cases)
    rows, estimates = [], []
    for metric in METRICS:
        level = 0.5 + 0.003 * index
        values = np.clip(level + hard + rng.normal(0.0, 0.08, cases), 0.0, 1.0)
        own = [
            Row(
                case,
                subset,
                metric,
                "ok",
                {"value": None if metric in OF_SETS else float(values[i])} | more(metric, subset, rng),
            )
            for i, (case, subset) in enumerate(ids)
        ]
        rows += own
        estimates += [estimate(metric, subset, own, index) for subset in ("all", "single", "multi")]
    run = Run(identity(index, cases), tuple(estimates), tuple(rows), "complete", True, ())
    write_run(run, out)
    return out


def more(metric: str, subset: str, rng: np.random.Generator) -> dict[str, object]:
    """The objects of a row of tmr: one, or three where there are several."""
    if metric != "tmr":
        return {}
    parts = rng.uniform(0.0, 1.0, (1 if subset == "single" else 3, len(PARTS)))
    named = [dict(zip(PARTS, map(float, row), strict=True)) for row in parts]
    return {
        "objects": [{"object_id": k, "tmr": math.prod(one.values()), **one} for k, one in enumerate(named, start=1)]
    }


def estimate(metric: str, subset: str, rows: list[Row], index: int) -> Estimate:
    """The mean of a metric's rows as the runner makes it, or a made-up distance."""
    some = [row for row in rows if subset in ("all", row.subset)]
    direction: Direction = "none" if metric in FREE else "higher" if metric in HIGHER else "lower"
    if metric in OF_SETS:
        low, high = (None, None) if metric == "fvd" else (90.0 + index, 110.0 + index)
        found = Summary(100.0 + index, low, high, 5.0)
    else:
        found = reduce_mean(some, 0)
    count = len(some)
    return Estimate(
        metric=metric,
        backend="made-up",
        subset="all" if subset == "all" else "single" if subset == "single" else "multi",
        value=found.value,
        unit="",
        direction=direction,
        n=count,
        expected=count,
        low=found.low,
        high=found.high,
        se=found.se,
        method="",
        status="ok",
        reason="",
    )


def identity(index: int, cases: int) -> dict[str, object]:
    """The identity of system `index`."""
    name = "static" if index == 0 else f"system-{index:03d}"
    return {
        "system": {"name": name, "kind": "model", "source": name, "options": {}},
        "dataset": {
            "name": "made-up",
            "version": "1",
            "manifest_sha256": "ab" * 32,
            "cases": cases,
            "subsets": {"single": cases // 2, "multi": cases - cases // 2},
        },
        "profile": {"name": "lite", "sha256": "cd" * 32},
        "protocol": {"frames": 16, "fps": 8.0, "size": 256, "fit": "long", "multiple": 8, "letterbox": "crop"},
        "metrics": {
            metric: {"version": 1, "backend": "made-up", "recipes": {}, "weights_sha256": None} for metric in METRICS
        },
        "seed": 0,
        "versions": {"motionbench": "0.1.0"},
    }


# From a click to the end of the layout, and to the end of the next frame, in which rows that come into sight are drawn.
SORT = """(async () => {
  const heads = [...document.querySelectorAll('.panel.current .board thead button')].slice(0, 8), found = [];
  const painted = () => new Promise((done) => requestAnimationFrame(() => {
    const channel = new MessageChannel();
    channel.port1.onmessage = done;
    channel.port2.postMessage(0);
  }));
  for (const head of heads) {
    await painted();
    const start = performance.now();
    head.click();
    document.body.offsetHeight;
    const laid = performance.now() - start;
    await painted();
    found.push([laid, performance.now() - start]);
  }
  return found;
})()"""


def sorting(page: Path, scratch: Path, view: str) -> list[tuple[float, float]]:
    """Milliseconds of each of eight sorts of a view, to the layout and to the frame; empty without Chromium."""
    place = Path(__file__).parents[1] / "browser.py"
    spec = importlib.util.spec_from_file_location("browser", place)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if module.CHROMIUM is None:
        return []
    browser = module.Browser(scratch)
    try:
        browser.open(page.as_uri() + view)
        return [(float(laid), float(painted)) for laid, painted in browser.run(SORT)]
    finally:
        browser.close()


def said(found: list[tuple[float, float]]) -> str:
    """The sorts of a view in words."""
    if not found:
        return "no Chromium here"
    laid, painted = zip(*found, strict=True)
    return (
        f"{statistics.median(laid):.0f} ms (median), {max(laid):.0f} ms (slowest); "
        f"to the painted frame {statistics.median(painted):.0f} ms, {max(painted):.0f} ms"
    )


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--systems", type=int, default=100)
    parser.add_argument("--cases", type=int, default=128)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        board = scratch / "board"
        for index in range(given.systems):
            add(make_run(scratch / "runs" / str(index), index, given.cases), board)
        started = time.perf_counter()
        assert check(board) == []
        checked = time.perf_counter() - started
        started = time.perf_counter()
        build(board, warn=lambda message: None)
        built = time.perf_counter() - started
        page = board / "site" / "index.html"
        sorts = {view: sorting(page, scratch / view.strip("#/&=."), view) for view in ("#/board", "#/board&cols=All")}
        size = page.stat().st_size / 1e6
    main_view, every = (said(found) for found in sorts.values())
    numbers = sum(metric not in OF_SETS for metric in METRICS) * given.systems * given.cases
    text = f"""# A large board

`python tests/bench/board.py --systems {given.systems} --cases {given.cases}`: made-up runs, {len(METRICS)} metrics, \
{math.floor(numbers / 1000)} thousand values of cases.

| | |
|---|---|
| `leaderboard check` | {checked:.1f} s |
| `leaderboard build` (it checks first) | {built:.1f} s |
| page without videos | {size:.2f} MB |
| a sort, main columns, click to layout | {main_view} |
| a sort, all {len(METRICS)} columns, click to layout | {every} |
"""
    print(text)
    if given.out:
        given.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
