"""What a run says of its circumstances: what made it, why it is not official, where its time went."""

from __future__ import annotations

import dataclasses
import datetime
import importlib.metadata
import os
import platform
import typing as t
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from motionbench import __version__, datasets, weights
from motionbench.job import Outcome
from motionbench.plan import Plan
from motionbench.profiles import Profile
from motionbench.sources import Source
from motionbench.types import Case, Dataset
from motionbench.weights.random import REASON as RANDOM_WEIGHTS

_LIBRARIES = ("numpy", "scipy", "opencv-python-headless", "av")


def identity(
    source: Source, data: Dataset, cases: Sequence[Case], profile: Profile, plan: Plan, seed: int
) -> dict[str, t.Any]:
    """What the numbers depend on, as run.json has it; runs that differ in the protocol's part share no table."""
    return {
        "system": source.identity(),
        "dataset": {
            "name": data.name,
            "version": data.version,
            "manifest_sha256": datasets.manifest_sha256(data),
            "cases": len(cases),
            "subsets": {s: sum(c.subset == s for c in cases) for s in ("single", "multi")},
        },
        "profile": {"name": profile.name, "sha256": profile.sha256},
        "protocol": dataclasses.asdict(profile.protocol),
        "metrics": {
            m.id: {
                "version": m.version,
                "backend": plan.backend_name(m),
                "recipes": plan.recipes(m),
                "weights_sha256": plan.weights_digest(m),
                "device": plan.device_name(m),
            }
            for m in plan.metrics
        },
        "seed": seed,
        "versions": {"motionbench": __version__, **{n: importlib.metadata.version(n) for n in _LIBRARIES}},
    }


def unofficial(
    profile: Profile, plan: Plan, data: Dataset, cases: Sequence[Case], allow_missing: bool, trained: Path
) -> list[str]:
    """Why a run may not stand for the benchmark; empty if it may."""
    reasons = []
    if len(cases) < len(data.cases):
        reasons.append(f"only {len(cases)} of {len(data.cases)} cases were asked for")
    if {m.id for m in plan.metrics} != set(profile.metrics):
        reasons.append("the metrics are not the profile's")
    if not profile.shipped:
        reasons.append("the profile is not one that motionbench ships")
    if allow_missing:
        reasons.append("missing videos were allowed")
    if plan.weights and weights.is_random(trained):
        reasons.append(RANDOM_WEIGHTS)
    return reasons


def timing(outcomes: Sequence[Outcome], store: Path, whole: Mapping[str, float]) -> dict[str, t.Any]:
    """Seconds by what they were spent on, and the machine: beside the numbers and no part of them.

    Args:
        outcomes: of all cases.
        store: the cache's folder.
        whole: seconds of the run itself: "statistics", "report" and "total".
    """
    spent: dict[str, float] = defaultdict(float)
    for outcome in outcomes:
        for what, seconds in outcome.seconds.items():
            spent[what] += seconds
    backends = {w.removeprefix("backends/"): s for w, s in spent.items() if w.startswith("backends/")}
    return {
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "seconds": {
            "decode": spent["decode"],
            "generate": spent["generate"],
            "backends": backends,
            "metrics": spent["metrics"],
            "statistics": whole["statistics"],
            "report": spent["report"] + whole["report"],
            "total": whole["total"],
        },
        "decoded_videos": sum(o.decoded for o in outcomes),
        "cache": {"hits": sum(o.hits for o in outcomes), "misses": sum(o.misses for o in outcomes)},
        "host": {
            "platform": platform.platform(),
            "python": platform.python_version(),
            "cores": os.cpu_count() or 1,
            "cache": str(store),
        },
    }
