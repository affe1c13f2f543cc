"""Frozen anchors and the score between them, in closed form."""

from __future__ import annotations

import csv
import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats as scipy_stats
from typer.testing import CliRunner

from motionbench.cli import app
from motionbench.errors import DataError
from motionbench.leaderboard import add, build, check, freeze
from motionbench.leaderboard.anchors import interquartile_mean, read_anchors

CASES = 16


def noise(index: int, seed: int = 0) -> float:
    return 0.02 * math.sin(7.3 * index + seed)


def still(index: int) -> float:
    return 0.2 + noise(index)


def real(index: int) -> float:
    return 0.9 + noise(index, 5)


Put = Callable[..., Path]


@pytest.fixture
def put(make_run: Any, board: Path) -> Put:
    """Return a function that puts a system on the board under a name that says what it is."""

    def put(name: str, values: dict[str, Any], **more: Any) -> Path:
        kind = {"static": "model", "reference": "reference"}.get(name, "videos")
        replace = more.pop("replace", False)
        return add(make_run(name, values, kind=kind, **{"cases": CASES} | more), board, replace=replace)

    return put


def scores(board: Path, subset: str = "all") -> dict[tuple[str, str], str]:
    """The printed scores by system and metric, from the CSV."""
    build(board, warn=lambda text: None)
    (path,) = (board / "tables").glob(f"*-{subset}-anchored.csv")
    with path.open(encoding="utf-8", newline="") as file:
        return {(row["system"], row["metric"]): row["score"] for row in csv.DictReader(file)}


@pytest.mark.parametrize("count", [1, 3, 4, 5, 18, 125])
def test_the_interquartile_mean_is_that_of_the_paper(count: int) -> None:
    values = np.random.default_rng(count).normal(size=count)
    assert interquartile_mean(values.tolist()) == pytest.approx(scipy_stats.trim_mean(values, 0.25), rel=1e-12)


def test_static_has_exactly_0_the_real_videos_exactly_1_and_half_way_is_a_half(put: Put, board: Path) -> None:
    put("static", {"survival": still})
    put("reference", {"survival": lambda index: still(index) + 0.5})
    put("frozen", {"survival": still})
    put("perfect", {"survival": lambda index: still(index) + 0.5})
    put("half", {"survival": lambda index: still(index) + 0.25})
    put("beyond", {"survival": lambda index: still(index) + 0.75})
    put("below", {"survival": lambda index: still(index) - 0.1})
    freeze(board)
    for subset in ("all", "single", "multi"):
        found = {system: float(score) for (system, _), score in scores(board, subset).items()}
        assert [found[name] for name in ("static", "frozen", "reference", "perfect")] == [0.0, 0.0, 1.0, 1.0]
        assert found["half"] == pytest.approx(0.5, abs=1e-12)
        assert found["beyond"] == pytest.approx(1.5, abs=1e-12)
        assert found["below"] == pytest.approx(-0.2, abs=1e-12)


def test_where_lower_is_better_the_way_goes_down(put: Put, board: Path) -> None:
    put("static", {"warp_error": lambda index: 4.0 + noise(index)})
    put("reference", {"warp_error": lambda index: 1.0 + noise(index)})
    put("a", {"warp_error": lambda index: 2.5 + noise(index)})
    put("worse", {"warp_error": lambda index: 7.0 + noise(index)})
    freeze(board)
    found = scores(board)
    assert float(found["static", "warp_error"]) == 0.0 and float(found["reference", "warp_error"]) == 1.0
    assert float(found["a", "warp_error"]) == pytest.approx(0.5, abs=1e-12)
    assert float(found["worse", "warp_error"]) == pytest.approx(-1.0, abs=1e-12)


def flipped(index: int) -> float:
    return still(index) + (0.1 if index % 4 < 2 else -0.1)


@pytest.mark.parametrize(
    ("static", "reference", "cases", "reason"),
    [
        (still, still, CASES, "do not stand apart"),
        (still, flipped, CASES, "do not stand apart"),
        (still, lambda index: still(index) + (0.6 if index < 4 else 0.0), 64, "do not stand apart"),
        (real, still, CASES, "static scores better than the real videos"),
        (still, real, 7, "fewer than 8 cases"),
        (still, None, CASES, "no case has a value"),
    ],
)
def test_a_metric_whose_ends_do_not_stand_apart_is_dropped(
    static: Any, reference: Any, cases: int, reason: str, put: Put, board: Path
) -> None:
    put("static", {"survival": static, "warp_error": lambda index: 1.0 - still(index)}, cases=cases)
    put("reference", {"survival": reference, "warp_error": lambda index: 0.5 - still(index)}, cases=cases)
    freeze(board)
    (benchmark,) = read_anchors(board).values()
    (survival,) = (a for a in benchmark.anchors if (a.metric, a.subset) == ("survival", "all"))
    assert reason in str(survival.dropped)
    assert {metric for _, metric in scores(board)} <= {"warp_error"}
    (page,) = (board / "tables").glob("*-all-anchored.md")
    assert reason in page.read_text(encoding="utf-8")


def test_sets_and_metrics_without_a_direction_never_enter(put: Put, board: Path) -> None:
    put("static", {"survival": still, "ad": 0.0, "fvd": 500.0})
    put("reference", {"survival": real, "ad": 2.0, "fvd": 0.0})
    frozen = json.loads(freeze(board).read_text(encoding="utf-8"))
    assert {one["metric"] for one in frozen["benchmarks"][0]["anchors"]} == {"survival"}
    assert {metric for _, metric in scores(board)} == {"survival"}


def test_a_sixth_system_moves_nobody(put: Put, board: Path) -> None:
    put("static", {"survival": still})
    put("reference", {"survival": real})
    for number, name in enumerate("abcde"):
        put(name, {"survival": lambda index, number=number: 0.3 + 0.1 * number + noise(index, number)})
    anchors = freeze(board).read_bytes()
    before = scores(board)
    put("sixth", {"survival": lambda index: 1.0 - (index % 2)})
    assert freeze(board).read_bytes() == anchors
    after = scores(board)
    assert len(before) == 7 and {key: after[key] for key in before} == before


def test_cases_without_both_ends_count_for_nobody_and_a_hole_is_no_score(put: Put, board: Path) -> None:
    put("static", {"survival": lambda index: None if index == 2 else still(index)})
    put("reference", {"survival": real})
    put("whole", {"survival": lambda index: 0.0 if index == 2 else real(index)})
    put("hole", {"survival": lambda index: None if index == 3 else real(index)})
    freeze(board)
    (benchmark,) = read_anchors(board).values()
    (survival,) = (a for a in benchmark.anchors if a.subset == "all")
    assert survival.left_out == ["case-0002"] and survival.n == CASES - 1
    found = scores(board)
    assert float(found["whole", "survival"]) == 1.0  # its 0 is in the case that is left out
    assert found["hole", "survival"] == ""
    (page,) = (board / "tables").glob("*-all-anchored.md")
    assert "hole lacks cases that the anchors rest on" in page.read_text(encoding="utf-8")


def test_entries_that_change_are_held_against_what_is_frozen(put: Put, board: Path) -> None:
    put("static", {"survival": still})
    put("reference", {"survival": real})
    path = freeze(board)
    frozen = path.read_bytes()
    put("static", {"survival": lambda index: still(index) + 0.1}, libraries={"motionbench": "0.2.0"}, replace=True)
    (problem,) = check(board)
    assert problem.path == path and "\n" not in str(problem)
    assert "anchors of synth 1.0, profile lite: survival (all): static is frozen as 0.2" in problem.message
    assert "motionbench leaderboard anchors --replace" in problem.message
    for write in (build, freeze):
        with pytest.raises(DataError, match="is frozen as"):
            write(board)
    assert path.read_bytes() == frozen
    freeze(board, replace=True)
    assert check(board) == [] and path.read_bytes() != frozen


def test_the_same_values_from_another_run_agree(put: Put, board: Path) -> None:
    put("static", {"survival": still})
    put("reference", {"survival": real})
    freeze(board)
    put("static", {"survival": still}, libraries={"motionbench": "0.2.0"}, replace=True)
    assert check(board) == []


def test_anchors_without_their_runs_or_edited_by_hand_are_found(put: Put, board: Path) -> None:
    static = put("static", {"survival": still})
    put("reference", {"survival": real})
    path = freeze(board)
    frozen = json.loads(path.read_text(encoding="utf-8"))

    def found(change: Callable[[dict[str, Any]], Any]) -> str:
        content = json.loads(json.dumps(frozen))
        change(content)
        path.write_text(json.dumps(content), encoding="utf-8")
        return "\n".join(problem.message for problem in check(board))

    assert found(lambda c: None) == ""
    assert "has the anchors of one group twice" in found(lambda c: c["benchmarks"].append(c["benchmarks"][0]))
    assert "Extra inputs" in found(lambda c: c["benchmarks"][0].update(more=1))
    assert "profile is not that of the group" in found(lambda c: c["benchmarks"][0].update(profile="other"))
    assert "other metrics or subsets" in found(lambda c: c["benchmarks"][0]["anchors"].pop())
    assert "left_out is frozen as 1 cases" in found(lambda c: c["benchmarks"][0]["anchors"][0].update(left_out=["x"]))
    assert "reference is frozen as None" in found(lambda c: c["benchmarks"][0]["anchors"][0].update(reference=None))
    shutil.rmtree(static)
    assert "no sound runs of static and reference" in found(lambda c: None)


def test_a_strangers_system_of_that_name_is_no_anchor(make_run: Any, board: Path) -> None:
    add(make_run("static", {"survival": still}), board)
    add(make_run("reference", {"survival": real}, kind="reference"), board)
    with pytest.raises(DataError, match="runs of both static and reference"):
        freeze(board)


def test_the_command_freezes_adds_and_says_what_it_wrote(put: Put, board: Path) -> None:
    put("static", {"survival": still})
    put("reference", {"survival": real})
    command = ["leaderboard", "anchors", "--board", str(board)]
    first = CliRunner().invoke(app, command)
    assert first.exit_code == 0 and first.stdout.strip() == str(board / "anchors.json")
    old = read_anchors(board)
    put("static", {"survival": still}, profile="other")
    put("reference", {"survival": real}, profile="other")
    assert CliRunner().invoke(app, command).exit_code == 0
    new = read_anchors(board)
    assert len(new) == 2 and old.items() <= new.items()


def test_the_schema_names_the_fields_of_the_file(put: Put, board: Path) -> None:
    put("static", {"survival": still})
    put("reference", {"survival": real})
    frozen = json.loads(freeze(board).read_text(encoding="utf-8"))
    build(board, warn=lambda text: None)
    build(board, check=True, warn=lambda text: None)
    schema = json.loads((board / "schema" / "anchors.schema.json").read_text(encoding="utf-8"))
    (benchmark,) = frozen["benchmarks"]
    found = {"Benchmark": benchmark, "Anchor": benchmark["anchors"][0], "Source": benchmark["static"]}
    assert set(schema["required"]) == set(frozen)
    for name, content in found.items():
        assert set(schema["$defs"][name]["required"]) == set(content)
        assert schema["$defs"][name]["additionalProperties"] is False


def test_tables_of_anchors_that_are_gone_go(put: Put, board: Path) -> None:
    put("static", {"survival": still})
    put("reference", {"survival": real})
    path = freeze(board)
    scores(board)
    path.unlink()
    build(board, warn=lambda text: None)
    assert list((board / "tables").glob("*-anchored.*")) == []
