"""Synthetic runs, written by the results room, so that the board reads what `evaluate` writes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from motionbench.canonical import dump
from motionbench.report.media import media_name
from motionbench.results import write_run
from motionbench.types import Estimate, Row, Run

MakeRun = Callable[..., Path]

# id: (unit, direction, has a value for each case, backend)
METRICS = {
    "survival": ("share", "higher", True, "lk-windows"),
    "ad": ("px", "none", True, "dis"),
    "warp_error": ("", "lower", True, "dis"),
    "fvd": ("", "lower", False, "descriptor"),
}


def case_ids(count: int) -> list[tuple[str, str]]:
    return [(f"case-{index:04d}", "single" if index % 2 else "multi") for index in range(count)]


def rows_of(metric: str, values: Mapping[str, float | None], cases: list[tuple[str, str]]) -> list[Row]:
    """A case whose value is None is not applicable."""
    rows = []
    for case, subset in cases:
        value = values[case]
        if value is None:
            rows.append(Row(case, subset, metric, "not_applicable", {}, "the first frame is not the input"))
        else:
            content = {"value": value if METRICS[metric][2] else None}
            rows.append(Row(case, subset, metric, "ok", content))
    return rows


def estimate_of(metric: str, subset: str, rows: list[Row], set_value: float | None, interval: bool) -> Estimate:
    unit, direction, by_case, backend = METRICS[metric]
    rows = [row for row in rows if subset in ("all", row.subset)]
    ok = [row for row in rows if row.status == "ok"]
    value = math.fsum(row.values["value"] for row in ok) / len(ok) if by_case and ok else set_value if ok else None
    known = interval and value is not None and len(ok) >= 8 and by_case
    return Estimate(
        metric=metric,
        backend=backend,
        subset=subset,
        value=value,
        unit=unit,
        direction=direction,
        n=len(ok),
        expected=len(rows),
        low=value - 0.02 if known else None,
        high=value + 0.02 if known else None,
        se=None if by_case or value is None else 11.0,
        method="mean" if by_case else "Fréchet",
        status="ok" if ok else "not_applicable",
        reason="" if len(ok) == len(rows) else "the first frame is not the input",
    )


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    """Return a function that writes a sound run and returns its folder.

    `values` maps a metric to one number for all cases, to a function of the case's index, or to None for not
    applicable; a metric that it does not name is left out of the run.
    """
    serial = iter(range(10**6))

    def make(
        name: str = "alpha",
        values: Mapping[str, Any] | None = None,
        *,
        cases: int = 16,
        kind: str = "videos",
        options: Mapping[str, Any] | None = None,
        dataset: str = "synth",
        profile: str = "lite",
        seed: int = 0,
        versions: Mapping[str, int] | None = None,
        libraries: Mapping[str, str] | None = None,
        official: bool = True,
        status: str = "complete",
        interval: bool = True,
        reasons: tuple[str, ...] = (),
    ) -> Path:
        values = {"survival": 0.8, "warp_error": 0.1} if values is None else values
        ids = case_ids(cases)
        rows: list[Row] = []
        estimates: list[Estimate] = []
        for metric, given in values.items():
            by_case = METRICS[metric][2]
            chosen = given if callable(given) else (lambda index, given=given: given)
            numbers = {case: chosen(index) for index, (case, _) in enumerate(ids)}
            own = rows_of(metric, numbers, ids)
            rows += own
            whole = None if by_case else next((v for v in numbers.values() if v is not None), None)
            estimates += [estimate_of(metric, s, own, whole, interval) for s in ("all", "single", "multi")]
        multi = sum(subset == "multi" for _, subset in ids)
        identity = {
            "system": {
                "name": name,
                "kind": kind,
                "source": {"videos": "", "reference": "reference"}.get(kind, name),
                "options": dict(options or {}),
            },
            "dataset": {
                "name": dataset,
                "version": "1.0",
                "manifest_sha256": "ab" * 32,
                "cases": cases,
                "subsets": {"single": cases - multi, "multi": multi},
            },
            "profile": {"name": profile, "sha256": "cd" * 32},
            "protocol": {"frames": 16, "fps": 8.0, "size": 256, "fit": "long", "multiple": 8, "letterbox": "crop"},
            "metrics": {
                m: {
                    "version": (versions or {}).get(m, 1),
                    "backend": METRICS[m][3],
                    "recipes": {},
                    "weights_sha256": None,
                }
                for m in values
            },
            "seed": seed,
            "versions": dict(libraries or {"motionbench": "0.1.0"}),
        }
        run = Run(identity, tuple(estimates), tuple(rows), status, official, reasons)
        folder = tmp_path / "runs" / f"{next(serial):04d}"
        write_run(run, folder)
        return folder

    return make


@pytest.fixture
def board(tmp_path: Path) -> Path:
    return tmp_path / "board"


@pytest.fixture
def with_previews() -> Callable[..., Path]:
    """Return a function that gives a run previews, by case, as the runner leaves them."""

    def give(run: Path, contents: Mapping[str, bytes], caption: str = "A cat walks") -> Path:
        cases = []
        (run / "media").mkdir()
        for case, data in contents.items():
            name = f"{media_name(case)}-g.mp4"
            (run / "media" / name).write_bytes(data)
            words = {"caption": caption, "motion_prompt": "", "objects": [{"id": 1, "name": "</script><b>cat"}]}
            sides = {
                "generated": name,
                "reference": None,
                "overlay": {"generated": None, "reference": None},
                "match": None,
            }
            cases.append({"case_id": case, **words, **sides})
        (run / "media" / "index.json").write_bytes(dump({"schema": "motionbench.media/1", "cases": cases}))
        return run

    return give
