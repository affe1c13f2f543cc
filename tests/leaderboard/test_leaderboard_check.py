"""What `check` finds on a board that someone edited by hand."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from motionbench.errors import ConfigError
from motionbench.leaderboard import add, check
from motionbench.leaderboard.entries import entry_folders, read_entry
from motionbench.leaderboard.tables import measured_tables

Change = Callable[[dict[str, Any]], Any]


def forge(entry: Path, run: Change | None = None, rows: Callable[[list[dict[str, Any]]], Any] | None = None) -> None:
    """Edit an entry's files and make every hash right again."""
    if rows is not None:
        lines = [json.loads(line) for line in (entry / "cases.jsonl").read_text(encoding="utf-8").splitlines()]
        rows(lines)
        lines.sort(key=lambda row: (row["case_id"], row["metric"]))
        (entry / "cases.jsonl").write_text("".join(json.dumps(row) + "\n" for row in lines), encoding="utf-8")
    digest = hashlib.sha256((entry / "cases.jsonl").read_bytes()).hexdigest()
    content = json.loads((entry / "run.json").read_text(encoding="utf-8"))
    content["cases_sha256"] = digest
    if run is not None:
        run(content)
    (entry / "run.json").write_text(json.dumps(content), encoding="utf-8")
    record = json.loads((entry / "entry.json").read_text())
    record["files"] = {
        "run.json": hashlib.sha256((entry / "run.json").read_bytes()).hexdigest(),
        "cases.jsonl": digest,
        "videos.json": record["files"]["videos.json"],
    }
    (entry / "entry.json").write_text(json.dumps(record))


def estimate(run: dict[str, Any], metric: str, subset: str = "all") -> dict[str, Any]:
    return next(e for e in run["estimates"] if (e["metric"], e["subset"]) == (metric, subset))


def score(rows: list[dict[str, Any]]) -> dict[str, Any]:
    return next(row for row in rows if (row["case_id"], row["metric"]) == ("case-0000", "warp_error"))


VALUES = {"survival": lambda index: 0.5 + index / 100, "warp_error": 0.1, "fvd": 300.0}


def drop_case(rows: list[dict[str, Any]]) -> None:
    rows[:] = [row for row in rows if row["case_id"] != "case-0003"]


def drop_metric(rows: list[dict[str, Any]]) -> None:
    rows[:] = [row for row in rows if (row["case_id"], row["metric"]) != ("case-0003", "fvd")]


def shift_all(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        if row["metric"] == "survival":
            row["values"]["value"] += 1.0


@pytest.mark.parametrize(
    ("run", "rows", "message"),
    [
        (lambda r: estimate(r, "survival").update(value=0.7), None, "survival (all): the value is 0.7, but the mean"),
        (lambda r: estimate(r, "survival").update(value=0.575 + 3e-9), None, "but the mean"),
        (lambda r: estimate(r, "fvd").update(value=-3.0), None, "fvd (all): the value -3.0 is impossible"),
        (lambda r: estimate(r, "survival").update(n=15), None, "n is 15, but cases.jsonl has 16"),
        (lambda r: estimate(r, "survival").update(expected=17), None, "expected is 17"),
        (lambda r: estimate(r, "survival").update(low=0.9, high=0.1), None, "upside down"),
        (lambda r: estimate(r, "survival").update(low=None), None, "half an interval"),
        (lambda r: estimate(r, "fvd").update(se=-1.0), None, "negative"),
        (lambda r: estimate(r, "fvd").update(value=None, se=None), None, "no value and no reason"),
        (lambda r: estimate(r, "fvd").update(backend="i3d"), None, "no such metric with the backend 'i3d'"),
        (lambda r: estimate(r, "fvd").update(status="not_applicable"), None, "but the status not_applicable"),
        (lambda r: r["estimates"].append(estimate(r, "fvd")), None, "fvd (all): two estimates"),
        (lambda r: r["estimates"].remove(estimate(r, "fvd", "multi")), None, "fvd (multi): no estimate"),
        (lambda r: r.update(status="partial", reasons=["late"]), None, "the run is partial: late"),
        (lambda r: r.update(official=False), None, "the run is unofficial: it gives no reason"),
        (None, drop_case, "15 cases have rows, but the dataset has 16"),
        (None, drop_metric, "1 cases lack rows of some metric, the first is 'case-0003'"),
        (None, shift_all, "the value 1.5 is impossible (range 0 to 1)"),
        (None, lambda rows: rows[0].update(subset="single"), "is in two subsets"),
        (None, lambda rows: score(rows).update(status="failed", note="x"), "'case-0000', warp_error: failed"),
        (None, lambda rows: score(rows)["values"].update(value=True), "the value True is no number"),
        (None, lambda rows: score(rows)["values"].update(value=10**400), "is no number"),
        (None, lambda rows: score(rows)["values"].update(value="0.1"), "the value '0.1' is no number"),
        (None, lambda rows: score(rows)["values"].update(value=None), "only 15 of 16 scored cases have a value"),
        (None, lambda rows: rows.append({**rows[0], "metric": "kvd"}), "a row of 'kvd', which the run did not"),
    ],
)
def test_a_number_that_does_not_add_up_is_found(
    run: Change | None, rows: Any, message: str, make_run: Any, board: Path
) -> None:
    entry = add(make_run(values=VALUES), board)
    forge(entry)
    assert check(board) == []
    forge(entry, run, rows)
    problems = check(board)
    assert message in "\n".join(map(str, problems))
    assert all("\n" not in str(problem) for problem in problems)
    assert all(problem.path == entry for problem in problems)


def test_the_mean_may_differ_by_round_off(make_run: Any, board: Path) -> None:
    entry = add(make_run(values=VALUES), board)
    forge(entry, lambda r: estimate(r, "survival").update(value=estimate(r, "survival")["value"] + 5e-10))
    assert check(board) == []


def test_an_interval_of_few_cases_is_found(make_run: Any, board: Path) -> None:
    entry = add(make_run(values={"survival": 0.5}, cases=6), board)
    forge(entry, lambda r: estimate(r, "survival").update(low=0.4, high=0.6))
    assert "an interval from 6 cases" in str(check(board)[0])


def test_changed_missing_and_stray_files_are_found(make_run: Any, board: Path) -> None:
    folders = [add(make_run(name, {"survival": 0.1 * k}), board) for k, name in enumerate("abcdefg", 1)]
    changed, rows, lone, moved, garbage, linked, stray = folders
    (changed / "run.json").write_bytes((changed / "run.json").read_bytes() + b"\n")
    (rows / "cases.jsonl").write_bytes((rows / "cases.jsonl").read_bytes().replace(b"0.2", b"0.3", 1))
    (lone / "cases.jsonl").unlink()
    shutil.move(moved, moved.with_name("0" * 12))
    (garbage / "entry.json").write_bytes(b"\xff{")
    (stray / "video.mp4").write_bytes(b"")
    (linked / "run.json").rename(board / "elsewhere.json")
    (linked / "run.json").symlink_to(board / "elsewhere.json")
    (board / "entries" / "note.txt").write_text("hello")
    text = "\n".join(map(str, check(board)))
    for folder, message in [
        (changed, "is not the file that was added"),
        (rows, "its sha256 differs"),
        (lone, "cannot read"),
        (moved.with_name("0" * 12), "lies in the wrong folder"),
        (garbage, "is no valid JSON"),
        (linked / "run.json", "a link"),
        (stray / "video.mp4", "does not belong here"),
        (board / "entries" / "note.txt", "does not belong here"),
    ]:
        assert any(line.startswith(str(folder)) and message in line for line in text.splitlines()), (folder, message)


def test_a_system_that_stands_there_twice_is_found(make_run: Any, board: Path, tmp_path: Path) -> None:
    first = add(make_run(values=VALUES), board)
    second = add(make_run(values=VALUES, libraries={"motionbench": "0.2.0"}), tmp_path / "other")
    shutil.copytree(second, first.parent / second.name)
    (problem,) = check(board)
    assert "the same system, dataset and metrics as" in problem.message


def test_unlike_entries_are_found(make_run: Any, board: Path) -> None:
    first = add(make_run("alpha", VALUES), board)
    again = add(make_run("beta", {**VALUES, "warp_error": 0.2}), board)
    shutil.copy(first / "cases.jsonl", again / "cases.jsonl")
    forge(again, lambda r: r.update(estimates=json.loads((first / "run.json").read_text())["estimates"]))
    assert check(board) == []

    def rename(rows: list[dict[str, Any]]) -> None:
        for row in rows:
            row["case_id"] = row["case_id"].replace("0001", "0099")

    forge(again, rows=rename)
    assert "other cases than" in str(check(board)[0])
    shutil.rmtree(again)
    third = add(make_run("gamma", {**VALUES, "warp_error": 0.2}), board)
    forge(third, lambda r: [e.update(direction="higher") for e in r["estimates"] if e["metric"] == "warp_error"])
    assert "other units or directions" in str(check(board)[0])


def test_a_reported_file_is_held_against_its_schema_and_is_no_entry(make_run: Any, board: Path) -> None:
    entry = add(make_run(), board)
    (board / "reported").mkdir()
    (board / "reported" / "x.json").write_text('{"schema": "motionbench.reported/1", "rows": []}')
    assert "x.json" in str(check(board)[0])
    (board / "reported" / "x.json").unlink()
    (entry / "run.json").write_text('{"schema": "motionbench.reported/1"}')
    assert "has the schema 'motionbench.reported/1'" in str(check(board)[0])


def test_a_board_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no board"):
        check(tmp_path / "nowhere")


def test_an_empty_board_is_sound(tmp_path: Path) -> None:
    assert check(tmp_path) == []


def test_no_interval_in_a_table_leaves_its_metrics_range(make_run: Any, board: Path) -> None:
    add(make_run(values={"survival": 0.99, "ad": 0.01, "warp_error": 0.5}), board)  # each ± 0.02
    table = measured_tables([read_entry(folder) for folder in entry_folders(board)])[0]
    found = {head.metric: cell for head, cell in zip(table.columns, table.lines[0].cells, strict=True)}
    assert (found["survival"].estimate.low, found["survival"].estimate.high) == (pytest.approx(0.97), 1.0)
    assert found["survival"].text == "0.990 [0.970, 1.000]"
    assert found["survival"].estimate.method == "mean, cut to [0, 1]"
    assert found["ad"].estimate.low == 0.0 and found["ad"].estimate.method == "mean, cut to [0, inf]"
    assert found["warp_error"].estimate.method == "mean"
