"""Runs on disk with chosen values, as `evaluate` would write them."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest

from motionbench.results import write_run
from motionbench.types import Estimate, Row, Run

METRICS = {"survival": ("higher", "lk"), "warp_error": ("lower", "dis"), "ad": ("none", "dis"), "fvd": ("lower", "d")}
CASES = [f"case-{i:03d}" for i in range(32)]


def subset_of(case):
    return "multi" if int(case[-3:]) % 2 else "single"


def identity_of(name, source, kind):
    metrics = {
        m: {"version": 1, "backend": b, "recipes": {b: 1}, "weights_sha256": None} for m, (_, b) in METRICS.items()
    }
    return {
        "system": {"name": name, "kind": kind, "source": source, "options": {}},
        "dataset": {
            "name": "synth",
            "version": "1.0",
            "manifest_sha256": "ab" * 32,
            "cases": len(CASES),
            "subsets": {"single": 16, "multi": 16},
        },
        "profile": {"name": "lite", "sha256": "cd" * 32},
        "protocol": {"frames": 16, "fps": 8.0, "size": 256, "fit": "long", "multiple": 8, "letterbox": "crop"},
        "metrics": metrics,
        "seed": 0,
        "versions": {"motionbench": "0.1"},
    }


def estimate_of(metric, subset, values):
    direction, backend = METRICS[metric]
    by_case = metric != "fvd"
    value = (math.fsum(values.values()) / len(values) if values else None) if by_case else 30.0
    details = {} if by_case else {"floor": 12.5, "floor_n": 16}
    se = None if by_case else 4.0
    n = len(values) if by_case else len(CASES)
    expected = sum(subset in ("all", subset_of(case)) for case in CASES)
    return Estimate(metric, backend, subset, value, "", direction, n, expected, None, None, se, "", "ok", "", details)


@pytest.fixture
def make(tmp_path):
    """Write a run and return its folder: `values` maps a metric to its numbers; None leaves a case out."""
    serial = iter(range(1000))

    def write(name, values, *, source="", kind="videos", edit=None, status="complete"):
        rows, estimates = [], []
        for metric in METRICS:
            given = dict(zip(CASES, values.get(metric, [0.5] * len(CASES)), strict=True))
            for case, value in given.items():
                if value is None:
                    rows.append(Row(case, subset_of(case), metric, "not_applicable", {}, "not shown"))
                else:
                    content = {"value": float(value) if metric != "fvd" else None}
                    rows.append(Row(case, subset_of(case), metric, "ok", content))
            for subset in ("all", "single", "multi"):
                inside = {c: v for c, v in given.items() if v is not None and subset in ("all", subset_of(c))}
                estimates.append(estimate_of(metric, subset, inside))
        identity = copy.deepcopy(identity_of(name, source, kind))
        if edit:
            edit(identity)
        folder = tmp_path / f"run-{next(serial)}"
        write_run(Run(identity, tuple(estimates), tuple(rows), status, True, ()), folder)
        return folder

    return write


@pytest.fixture
def noise():
    """Case effects that all systems share, and a function that adds a system's own."""
    rng = np.random.default_rng(0)
    base = rng.uniform(0.2, 0.6, len(CASES))
    return lambda shift, spread=0.05: base + shift + rng.normal(0, spread, len(CASES))
