"""The stress run: clean clips and corrupted ones, all metrics of a profile on each, and what follows from it."""

from __future__ import annotations

import dataclasses
import hashlib
import time
import typing as t
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import platformdirs

from motionbench import __version__, datasets, engine, weights
from motionbench.cache import Cache
from motionbench.canonical import dump, write_atomic
from motionbench.errors import ConfigError, DataError
from motionbench.plan import Plan, make_plan
from motionbench.profiles import Profile, load_profile
from motionbench.stats import mean_interval
from motionbench.stress import record, summary
from motionbench.stress.chart import heat_map
from motionbench.stress.choice import Task, assign, choose_cases, selected
from motionbench.stress.corruptions import BENIGN, RECIPE, Corruption
from motionbench.stress.pool import run_tasks
from motionbench.stress.record import CorruptionRecord, Done, MetricRecord, Reaction, Refused, Stress
from motionbench.stress.samples import Outcome, Sample, Setup
from motionbench.types import Dataset, Metric

CASES = 48
PICTURE = "stress.png"
PER_CORRUPTION = 8
FEW = 12  # cases; a dataset of no more gives all of them to each corruption

Progress = Callable[[int, int], None]


def stress(
    dataset: str | Path | Dataset = "synth",
    profile: str | Path = "lite",
    out: str | Path | None = None,
    *,
    metrics: Sequence[str] | None = None,
    corruptions: Sequence[str] | None = None,
    cases: int = CASES,
    per_corruption: int | None = None,
    seed: int = 0,
    cache: str | Path | None = None,
    weights_dir: str | Path | None = None,
    workers: int = 1,
    progress: Progress = lambda done, total: None,
    warn: Callable[[str], None] = lambda message: None,
) -> Stress:
    """Corrupt a dataset's references and write how every metric reacts.

    Args:
        dataset: "synth", a folder with a cases.json, or a `Dataset`; its cases need reference videos.
        profile: a shipped profile's name or a .toml file.
        out: folder of `stress.json` and `pairs.jsonl`; by default `runs/stress-<dataset>`.
        metrics: metric ids; by default the profile's.
        corruptions: names from CORRUPTIONS and BENIGN; by default all.
        cases: at most this many cases, evenly from all categories.
        per_corruption: at most this many cases for each corruption (benign changes get four times as many, those
            of texts alone all cases). By default 8, or all of up to 12 cases.
        seed: seed of the choice and of all draws.
        cache, weights_dir, workers: as in `motionbench.evaluate`.
        progress: called with (cases done, cases in all).
        warn: called with a line that the user should see.

    Returns:
        What was written.

    Raises:
        ConfigError: fewer than two cases with a reference, or an unknown name or number.
        DataError: fewer than two references can be read.
    """
    started = time.perf_counter()
    if cases < 2 or (per_corruption is not None and per_corruption < 2):
        raise ConfigError("a stress run needs at least 2 cases, for each corruption as well", "give a larger number")
    chosen = load_profile(profile)
    data = dataset if isinstance(dataset, Dataset) else datasets.load_dataset(dataset)
    wanted = selected(corruptions)
    some = choose_cases(data, cases, seed)
    each = per_corruption or (FEW if len(some) <= FEW else PER_CORRUPTION)
    tasks = assign(some, wanted, each, seed)
    plan = make_plan(chosen, metrics or chosen.metrics)
    trained = Path(weights_dir) if weights_dir is not None else weights.default_folder()
    plan = dataclasses.replace(plan, weights_sha256=weights.require(plan.weights, trained))
    store = Path(cache) if cache is not None else Path(platformdirs.user_cache_dir("motionbench"))
    folder = Path(out) if out is not None else Path("runs") / f"stress-{data.name}"
    ids = tuple(m.id for m in plan.metrics)
    Cache(store).sweep()
    outcomes = _measure(
        Setup(chosen, ids, data.name, store, trained, plan.weights_sha256, seed), tasks, workers, progress
    )
    _check(outcomes, data, warn)
    with engine.one_thread():
        made, lines = _reduce(plan, chosen, data, tasks, wanted, outcomes, seed, each)
    record.write(made, lines, folder)
    write_atomic(folder / PICTURE, [heat_map(made)])
    _write_timing(outcomes, folder, time.perf_counter() - started)
    return made


def _measure(setup: Setup, tasks: Sequence[Task], workers: int, progress: Progress) -> list[Outcome]:
    outcomes: list[Outcome] = []
    progress(0, len(tasks))
    for outcome in run_tasks(setup, tasks, workers):
        outcomes.append(outcome)
        progress(len(outcomes), len(tasks))
    return sorted(outcomes, key=lambda o: o.case_id)


def _check(outcomes: Sequence[Outcome], data: Dataset, warn: Callable[[str], None]) -> None:
    broken = [o for o in outcomes if not o.samples]
    for outcome in broken[:5]:
        warn(f"{outcome.case_id}: {outcome.refusals[0].reason}")
    if len(outcomes) - len(broken) < 2:
        raise DataError(
            f"fewer than 2 references of {data.name} can be used: {broken[0].refusals[0].reason}",
            "run `motionbench data verify` on the dataset",
        )


def _reduce(
    plan: Plan,
    profile: Profile,
    data: Dataset,
    tasks: Sequence[Task],
    wanted: Sequence[Corruption],
    outcomes: Sequence[Outcome],
    seed: int,
    per_corruption: int,
) -> tuple[Stress, list[t.Any]]:
    samples = [s for o in outcomes for s in o.samples]
    found = {m.id: _metric_record(plan, m, samples, seed) for m in plan.metrics}
    reactions: list[Reaction] = []
    lines: list[t.Any] = []
    for corruption in wanted:
        climbed, levels = summary.ladders(samples, corruption.name), len(corruption.levels)
        for metric in plan.metrics:
            if found[metric.id].kind == "set":
                stream = _stream(seed, f"{metric.id}/{corruption.name}")
                reactions.append(summary.react_as_set(metric, corruption.name, climbed, levels, stream))
                continue
            pairs = summary.pairs(metric.id, climbed, levels)
            benign = corruption.name in BENIGN
            reactions.append(summary.react(metric, corruption.name, pairs, found[metric.id].clean_sd, benign))
            lines += [
                {
                    "metric": metric.id,
                    "corruption": corruption.name,
                    "case_id": c,
                    "object_id": o,
                    "values": row.tolist(),
                }
                for (c, o), row in zip(pairs.cases, pairs.values, strict=True)
            ]
    made = {
        "schema": record.SCHEMA,
        "version": __version__,
        "dataset": {
            "name": data.name,
            "version": data.version,
            "manifest_sha256": datasets.manifest_sha256(dataclasses.replace(data, cases=tuple(s.case for s in tasks))),
        },
        "profile": {"name": profile.name, "sha256": profile.sha256},
        "protocol": dataclasses.asdict(profile.protocol),
        "seed": seed,
        "recipe": RECIPE,
        "cases": sorted(task.case.id for task in tasks),
        "per_corruption": per_corruption,
        "metrics": found,
        "corruptions": {c.name: _corruption_record(c, samples, outcomes) for c in wanted},
        "reactions": summary.scale_sets(reactions, BENIGN),
    }
    return Stress.model_validate(made), lines


def _metric_record(plan: Plan, metric: Metric, samples: Sequence[Sample], seed: int) -> MetricRecord:
    clean = [s.metrics[metric.id] for s in samples if s.severity == 0]
    values = [v for m in clean if (v := summary.own_value(metric.id, m, None)[0]) is not None]
    spread = mean_interval(values, _stream(seed, metric.id))
    reasons: dict[str, int] = defaultdict(int)
    for measured in clean:
        if measured.reason:
            reasons[measured.reason] += 1
    return MetricRecord(
        version=metric.version,
        title=metric.title,
        unit=metric.unit,
        direction=metric.direction,
        backend=plan.backend_name(metric),
        recipes=plan.recipes(metric),
        weights_sha256=plan.weights_digest(metric),
        kind="set" if summary.is_set(clean) else "case",
        clean_n=len(values),
        clean_mean=spread.value,
        clean_sd=_spread(values),
        clean_low=spread.low,
        clean_high=spread.high,
        note="; ".join(f"{count} without: {reason}" for reason, count in sorted(reasons.items())),
    )


def _corruption_record(
    corruption: Corruption, samples: Sequence[Sample], outcomes: Sequence[Outcome]
) -> CorruptionRecord:
    done = {(s.case_id, s.object_id or 0): s.object_id for s in samples if s.corruption == corruption.name}
    refused = sorted((r.case_id, r.reason) for o in outcomes for r in o.refusals if r.corruption == corruption.name)
    return CorruptionRecord(
        title=corruption.title,
        levels=list(corruption.levels),
        per_object=corruption.per_object,
        benign=corruption.name in BENIGN,
        clips=[Done(case_id=key[0], object_id=done[key]) for key in sorted(done)],
        refused=[Refused(case_id=case_id, reason=reason) for case_id, reason in refused],
    )


def _spread(values: Sequence[float]) -> float | None:
    """Standard deviation of clean clips; 0 where they differ by rounding alone, so that nothing is divided by it."""
    if len(values) < 2:
        return None
    sd = float(np.std(np.sort(values), ddof=1))
    return sd if sd > summary.ROUNDING * max(abs(value) for value in values) else 0.0


def _stream(seed: int, name: str) -> int:
    return int.from_bytes(hashlib.sha256(f"stress/{seed}/{name}".encode()).digest()[:4], "big")


def _write_timing(outcomes: Sequence[Outcome], folder: Path, total: float) -> None:
    """Seconds by what they were spent on; the only file that differs from run to run."""
    spent: dict[str, float] = defaultdict(float)
    calls: dict[str, int] = defaultdict(int)
    for outcome in outcomes:
        for what, seconds in outcome.seconds.items():
            spent[what] += seconds
            calls[what] += outcome.calls[what]
    clips = sum(len(outcome.samples) for outcome in outcomes)
    content = {"seconds": dict(spent), "calls": dict(calls), "total": total, "clips": clips}
    write_atomic(folder / record.TIMING, [dump(content)])
