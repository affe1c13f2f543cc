"""Frozen anchors: what the still picture and the real videos score, so that others can be placed between them.

    <board>/anchors.json

For each data set, profile, protocol and set of metric versions, and for each metric and subset, the file holds the
interquartile means of `static` and of `reference` over the cases that both have. They are written once
(`motionbench.leaderboard.freeze`) and not again when entries come and go, since a scale that is made from the entries
themselves moves with each new one: min-max scaling over five systems lets a sixth one turn round the order of others.

A metric is dropped, with the reason, where the two ends do not stand apart: where the still picture scores as well as
the real videos or better, nobody can be placed between them. Distances between sets have no value for a case, and a
metric without a better direction has no way to go; neither is ever in the file.
"""

from __future__ import annotations

import math
import typing as t
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pydantic

from motionbench.canonical import Count, Record, Sha256, parse_record, read_bytes, show
from motionbench.errors import SchemaError
from motionbench.leaderboard.arithmetic import OF_SETS
from motionbench.leaderboard.entries import Entry, group
from motionbench.leaderboard.scores import read_scores
from motionbench.leaderboard.standing import SEED, Scores
from motionbench.leaderboard.tables import subsets
from motionbench.stats import MIN_CASES, sign_flip_p

SCHEMA, ANCHORS_FILE = "motionbench.anchors/1", "anchors.json"
ALPHA = 0.05
APART = (
    0.1  # standard deviations of the cases' differences; of a shorter way a score says more of chance than of motion
)
_SAME = 1e-9  # relative; the same rows on another machine
_ENDS = ("static", "reference")

RunId = t.Annotated[str, pydantic.StringConstraints(pattern=r"^[0-9a-f]{12}$")]


class Source(Record):
    """The run that an end comes from: its id on the board, and the sha256 of its files."""

    run_id: RunId
    run_json: Sha256 = pydantic.Field(alias="run.json")
    cases_jsonl: Sha256 = pydantic.Field(alias="cases.jsonl")


class Anchor(Record):
    """The two ends of one metric in one subset.

    `n` cases have a value in both; `static` and `reference` are their interquartile means, null without such a case;
    `p` is of the paired sign-flip test, null below 8 cases. `dropped` is why nobody is placed in the metric, null where
    somebody is; then `left_out` are the other cases, which no system's score rests on.
    """

    metric: str
    version: Count
    backend: str
    direction: t.Literal["higher", "lower"]
    subset: t.Literal["all", "single", "multi"]
    n: Count
    static: float | None
    reference: float | None
    p: float | None
    left_out: list[str]
    dropped: str | None


class Benchmark(Record):
    """The anchors of one data set, profile, protocol and set of metric versions; `group` is a digest of all four."""

    group: Sha256
    dataset: str
    version: str
    manifest_sha256: Sha256
    profile: str
    profile_sha256: Sha256
    static: Source
    reference: Source
    anchors: list[Anchor]

    @property
    def title(self) -> str:
        """Data set, version and profile, for a message."""
        return f"{show(self.dataset, 60)} {show(self.version, 60)}, profile {show(self.profile, 60)}"


class Anchors(Record):
    """`anchors.json`."""

    schema_: t.Literal["motionbench.anchors/1"] = pydantic.Field(alias="schema")
    benchmarks: list[Benchmark]


def interquartile_mean(values: Sequence[float]) -> float:
    """Return the mean of what is left when a quarter of the values, rounded down, is cut off at either end.

    Agarwal et al. 2021, https://arxiv.org/abs/2108.13264: a few cases cannot move it as far as a mean, and it rests on
    more of them than a median.

    Example:
        >>> interquartile_mean([0.0, 1.0, 2.0, 99.0])
        1.5
    """
    cut = len(values) // 4
    kept = sorted(values)[cut : len(values) - cut]
    return math.fsum(kept) / len(kept)


def read_anchors(board: Path) -> dict[str, Benchmark]:
    """Return a board's frozen anchors by group; empty where none are frozen.

    Raises:
        SchemaError: the file breaks its schema, or has one group twice.
    """
    path = board / ANCHORS_FILE
    if not path.exists():
        return {}
    benchmarks = parse_record(Anchors, read_bytes(path), SCHEMA, show(path)).benchmarks
    found = {one.group: one for one in benchmarks}
    if len(found) < len(benchmarks):
        raise SchemaError(f"{show(path)} has the anchors of one group twice")
    return found


def ends(entries: Sequence[Entry]) -> dict[str, dict[str, Entry]]:
    """Return by group the runs of `static` and `reference` that it has; of several, that of the lowest seed.

    What a run is decides, not what it calls itself: a stranger's system named "static" is no end of a scale.
    """
    found: dict[str, dict[str, Entry]] = {}
    for entry in sorted(entries, key=lambda e: (e.identity.seed, e.record.run_id)):
        if entry.identity.system.source in _ENDS:
            found.setdefault(group(entry.identity), {}).setdefault(entry.identity.system.source, entry)
    return found


def measure(entries: Sequence[Entry]) -> Iterator[Benchmark]:
    """Yield the anchors of every group that has both ends, sorted by data set, version, profile and group.

    Raises:
        DataError, SchemaError: an entry's rows cannot be read.
    """
    both = {key: found for key, found in ends(entries).items() if len(found) == len(_ENDS)}
    places = {key: found["static"].identity for key, found in both.items()}
    order = sorted(both, key=lambda k: (places[k].dataset.name, places[k].dataset.version, places[k].profile.name, k))
    for key in order:
        identity, static, reference = places[key], both[key]["static"], both[key]["reference"]
        yield Benchmark(
            group=key,
            dataset=identity.dataset.name,
            version=identity.dataset.version,
            manifest_sha256=identity.dataset.manifest_sha256,
            profile=identity.profile.name,
            profile_sha256=identity.profile.sha256,
            static=_source(static),
            reference=_source(reference),
            anchors=list(_anchors(static, reference)),
        )


def _source(entry: Entry) -> Source:
    files = entry.record.files
    given = {"run_id": entry.record.run_id, "run.json": files.run_json, "cases.jsonl": files.cases_jsonl}
    return Source.model_validate(given)


def _anchors(static: Entry, reference: Entry) -> Iterator[Anchor]:
    still, real = read_scores(static), read_scores(reference)
    directions = {estimate.metric: estimate.direction for estimate in static.run.estimates}
    for subset in subsets(static.identity):
        low, high = still.of_subset(subset), real.of_subset(subset)
        cases = {case for case, kind in still.subsets.items() if subset in ("all", kind)}
        for metric, made in sorted(static.identity.metrics.items()):
            direction = directions[metric]
            if metric in OF_SETS or direction == "none":
                continue
            numbers = _numbers(low.get(metric, {}), high.get(metric, {}), cases, higher=direction == "higher")
            head = {"metric": metric, "version": made.version, "backend": made.backend}
            yield Anchor.model_validate(head | {"direction": direction, "subset": subset} | numbers)


def _numbers(static: Scores, reference: Scores, cases: set[str], *, higher: bool) -> dict[str, t.Any]:
    both = sorted(static.keys() & reference.keys())
    found: dict[str, t.Any] = {"n": len(both), "static": None, "reference": None, "p": None, "left_out": []}
    if not both:
        return found | {"dropped": "no case has a value of static and of the real videos"}
    still, real = [static[case] for case in both], [reference[case] for case in both]
    found |= {"static": interquartile_mean(still), "reference": interquartile_mean(real)}
    if len(both) < MIN_CASES:
        return found | {"dropped": f"fewer than {MIN_CASES} cases"}
    differences = np.array(real) - np.array(still)
    found["p"] = sign_flip_p(differences, SEED)
    way = found["reference"] - found["static"]
    least = max(APART * float(differences.std(ddof=1)), _SAME * max(abs(found["static"]), abs(found["reference"])))
    if found["p"] >= ALPHA or abs(way) <= least:
        return found | {"dropped": "static and the real videos do not stand apart"}
    if (way > 0) != higher:
        return found | {"dropped": "static scores better than the real videos: it rewards a still picture"}
    return found | {"left_out": sorted(cases - set(both)), "dropped": None}


def disagreements(frozen: Mapping[str, Benchmark], entries: Sequence[Entry]) -> Iterator[str]:
    """What is frozen and no longer follows from a board's sound entries, one line for each group."""
    now = {one.group: one for one in measure([e for e in entries if group(e.identity) in frozen])}
    hint = "put the entries back, or freeze anew with `motionbench leaderboard anchors --replace`"
    for key, benchmark in frozen.items():
        if key not in now:
            yield f"anchors of {benchmark.title}: no sound runs of static and reference stand behind them; {hint}"
        elif changed := list(_changes(benchmark, now[key])):
            more = f" (and {len(changed) - 1} more)" if len(changed) > 1 else ""
            yield f"anchors of {benchmark.title}: {changed[0]}{more}; {hint}"


def _changes(old: Benchmark, new: Benchmark) -> Iterator[str]:
    names = ("dataset", "version", "manifest_sha256", "profile", "profile_sha256")
    yield from (f"{name} is not that of the group" for name in names if getattr(old, name) != getattr(new, name))
    if [(a.metric, a.subset) for a in old.anchors] != [(a.metric, a.subset) for a in new.anchors]:
        yield "other metrics or subsets than the entries have"
        return
    for was, now in zip(old.anchors, new.anchors, strict=True):
        for name in Anchor.model_fields:
            before, after = getattr(was, name), getattr(now, name)
            if before != after and not _close(before, after):
                where = f"{show(was.metric)} ({was.subset}): {name}"
                yield f"{where} is frozen as {_said(before)}, the entries give {_said(after)}"


def _close(before: object, after: object) -> bool:
    if not isinstance(before, float) or not isinstance(after, float):
        return False
    return math.isclose(before, after, rel_tol=_SAME, abs_tol=_SAME)


def _said(value: object) -> str:
    return show(f"{len(value)} cases" if isinstance(value, list) else repr(value), 60)
