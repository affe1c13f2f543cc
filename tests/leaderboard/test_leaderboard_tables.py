"""Marks, groups and files of measured tables, and the wall between them and reported ones."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
import re
import time
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

from motionbench.errors import DataError
from motionbench.leaderboard import BoardWarning, add, build, standing
from motionbench.leaderboard.entries import entry_folders, read_entry
from motionbench.leaderboard.tables import Table, measured_tables


def tables_of(board: Path) -> list[Table]:
    return measured_tables([read_entry(folder) for folder in entry_folders(board)])


def marks(table: Table, metric: str) -> dict[str, str]:
    index = [column.metric for column in table.columns].index(metric)
    return {line.label: line.cells[index].mark for line in table.lines}


@pytest.fixture
def fill(make_run: Any, board: Path) -> Any:
    def fill(systems: dict[str, dict[str, Any]], **more: Any) -> Path:
        for name, values in systems.items():
            add(make_run(name, values, **more), board)
        return board

    return fill


def spread(value: float) -> Any:
    """Values whose mean over the cases is `value`; they differ, so that no two systems have the same rows."""
    return lambda index: value + (0.01 if index % 2 else -0.01)


def test_best_and_second_go_by_direction(fill: Any) -> None:
    board = fill(
        {
            "a": {"survival": 0.9, "warp_error": 3.0, "ad": 1.0},
            "b": {"survival": 0.8, "warp_error": 1.0, "ad": 2.0},
            "c": {"survival": 0.7, "warp_error": 2.0, "ad": 3.0},
        }
    )
    table = tables_of(board)[0]
    assert marks(table, "survival") == {"a": "best", "b": "second", "c": ""}
    assert marks(table, "warp_error") == {"a": "", "b": "best", "c": "second"}
    assert set(marks(table, "ad").values()) == {""}
    assert [line.label for line in table.lines] == ["a", "b", "c"]


def noise(value: float, seed: int) -> Any:
    """Values around `value` that vary from case to case, so that a small difference can be chance."""
    return lambda index: value + 0.04 * math.sin(7.3 * index + seed)


def test_marks_are_sets_that_paired_tests_carry(fill: Any) -> None:
    scores = {"a": 0.8, "b": 0.801, "c": 0.6, "d": 0.602, "e": 0.3}
    board = fill({name: {"survival": noise(score, k)} for k, (name, score) in enumerate(scores.items())}, cases=32)
    table = tables_of(board)[0]
    assert marks(table, "survival") == {"a": "best", "b": "best", "c": "second", "d": "second", "e": ""}
    ranks = {line.label: standing.text(line.cells[0].ranks) for line in table.lines}
    assert ranks == {"a": "1–2", "b": "1–2", "c": "3–4", "d": "3–4", "e": "5"}


def test_a_difference_in_every_case_is_certain_however_small(fill: Any) -> None:
    board = fill({"a": {"survival": noise(0.8, 1)}, "b": {"survival": lambda i: noise(0.8, 1)(i) + 1e-4}})
    assert marks(tables_of(board)[0], "survival") == {"b": "best", "a": "second"}


def test_below_8_cases_nobody_is_ranked(fill: Any) -> None:
    board = fill({"a": {"survival": 0.9}, "b": {"survival": 0.1}}, cases=7)
    table = tables_of(board)[0]
    assert marks(table, "survival") == {"a": "", "b": ""}
    assert {line.cells[0].note for line in table.lines} == {"fewer than 8 cases"}


def test_one_system_alone_is_not_best(fill: Any) -> None:
    assert marks(tables_of(fill({"a": {"survival": 0.9}}))[0], "survival") == {"a": ""}


def test_baselines_stand_below_and_are_never_marked(fill: Any) -> None:
    names = ("static", "b", "shuffle", "warp", "reference", "a", "Static ")
    board = fill({name: {"survival": 0.9 - k / 100} for k, name in enumerate(names)})
    table = tables_of(board)[0]
    order = ["b", "a", "reference", "warp", "Static ", "static", "shuffle"]
    assert [line.label for line in table.lines] == order
    assert marks(table, "survival") == {"b": "best", "a": "second"} | dict.fromkeys(order[2:], "")


def test_the_reference_is_a_baseline_under_any_name(make_run: Any, board: Path) -> None:
    add(make_run("a", {"survival": 0.5}), board)
    add(make_run("mine", {"survival": 0.9}, kind="reference"), board)
    assert [line.baseline for line in tables_of(board)[0].lines] == ["", "reference"]


def test_partial_coverage_is_shown_with_n_and_not_ranked(fill: Any, board: Path) -> None:
    fill(
        {
            "a": {"survival": lambda index: None if index < 3 else 0.99},
            "b": {"survival": 0.8},
            "c": {"survival": 0.7},
            "none": {"survival": None},
        }
    )
    table = tables_of(board)[0]
    assert marks(table, "survival") == {"b": "best", "c": "second", "a": "", "none": ""}
    text = {line.label: line.cells[0].text for line in table.lines}
    assert text["a"].endswith("(13 of 16)")
    assert text["none"] == "n/a"
    page = build(board)[1].read_text()
    assert "- Cases are lacking for a in survival\\[lk-windows\\]: the first frame is not the input" in page


def test_a_small_fvd_is_shown_and_never_bold(fill: Any) -> None:
    board = fill({name: {"fvd": 100.0 * k, "warp_error": 0.1 * k} for k, name in enumerate("abc", 1)})
    table = tables_of(board)[0]
    assert set(marks(table, "fvd").values()) == {""}
    assert marks(table, "warp_error")["a"] == "best"
    assert table.lines[0].cells[1].text == "100 ± 11"
    page = next(path for path in build(board) if path.name.endswith("all.md")).read_text()
    assert "is not ranked: it rests on 16 videos" in page


def test_a_large_fvd_is_ranked(fill: Any) -> None:
    board = fill({"a": {"fvd": 10.0}, "b": {"fvd": 90.0}}, cases=2000)
    assert marks(tables_of(board)[0], "fvd") == {"a": "best", "b": "second"}


def test_unlike_runs_never_share_a_table(make_run: Any, board: Path) -> None:
    unlike = [{}, {"dataset": "other"}, {"profile": "paper"}, {"versions": {"survival": 2}}, {"cases": 18}]
    for number, more in enumerate(unlike):
        add(make_run("a", {"survival": 0.5 + number / 10}, **more), board)
        add(make_run("b", {"survival": 0.4 + number / 10}, **more), board)
    add(make_run("a", {"survival": 0.2, "warp_error": 0.1}), board)
    tables = tables_of(board)
    assert len({table.key for table in tables}) == 6
    assert [table.subset for table in tables] == ["all", "single", "multi"] * 6
    assert sorted(len(table.lines) for table in tables) == [1] * 3 + [2] * 15
    names = {path.name for path in build(board) if path.parent.name == "tables"}
    assert len({name for name in names if "pairwise" not in name}) == 6 * 3 * 3 + 1
    assert len(names) == 6 * 3 * 3 + 1 + 5 * 3  # one group has one system: no pair


def test_a_subset_that_is_the_whole_dataset_gets_no_table(make_run: Any, board: Path) -> None:
    add(make_run("a", {"survival": 0.5}, cases=1), board)
    assert [table.subset for table in tables_of(board)] == ["all"]
    assert tables_of(board)[0].lines[0].cells[0].text == "0.5000"


def test_runs_that_differ_by_seed_or_options_or_in_looks_only_get_names_of_their_own(
    make_run: Any, board: Path
) -> None:
    for number, (name, more) in enumerate(
        [("a", {}), ("a", {"seed": 1}), ("b", {"options": {"s": 1}}), ("b", {"options": {"s": 2}}), ("c\u202e", {})]
    ):
        add(make_run(name, {"survival": 0.9 - number / 10}, kind="model", **more), board)
    labels = [line.label for line in tables_of(board)[0].lines]
    assert labels == ["a (seed 0)", "a (seed 1)", 'b ({"s":1})', 'b ({"s":2})', "c\\u202e"]


def test_static_on_top_is_a_warning_in_the_table_too(fill: Any) -> None:
    board = fill({"static": {"warp_error": 0.0, "survival": 0.1}, "a": {"warp_error": 0.5, "survival": 0.9}})
    with pytest.warns(BoardWarning, match=r"The static baseline tops warp_error\[dis\]") as caught:
        paths = build(board)
    assert not any("survival" in str(warning.message) for warning in caught)
    assert "> **Warning:** The static baseline tops warp_error" in paths[1].read_text()
    heard: list[str] = []
    build(board, warn=heard.append)
    assert len(heard) == 1 and "tops warp_error" in heard[0]


def test_the_real_videos_stand_beside_a_metric_that_knows_them(make_run: Any, board: Path) -> None:
    run = make_run("a", {"ad": 2.0})
    rows = [json.loads(line) for line in (run / "cases.jsonl").read_text().splitlines()]
    for row in rows:
        row["values"]["reference"] = 3.25
    (run / "cases.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    content = json.loads((run / "run.json").read_text())
    content["cases_sha256"] = hashlib.sha256((run / "cases.jsonl").read_bytes()).hexdigest()
    for estimate in content["estimates"]:
        estimate["details"] = {"reference": 3.25}
    (run / "run.json").write_text(json.dumps(content))
    add(run, board)
    page = build(board)[1].read_text()
    assert "|  | *real videos* |  |  | 3.250 |" in page


def test_no_table_is_built_from_a_broken_board(fill: Any) -> None:
    board = fill({"a": {"survival": 0.9}})
    next(board.rglob("cases.jsonl")).unlink()
    with pytest.raises(DataError, match="cannot read"):
        build(board)
    assert not (board / "tables").exists()


def test_the_same_entries_give_the_same_bytes_and_a_stale_table_is_found(fill: Any, make_run: Any) -> None:
    board = fill({"a": {"survival": 0.9, "warp_error": 0.3}, "b": {"survival": 0.8, "warp_error": 0.1}})
    with pytest.raises(DataError, match="not up to date"):
        build(board, check=True)
    paths = build(board)
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in paths}
    assert build(board) == build(board, check=True) == paths
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in paths} == before
    paths[1].write_text("edited")
    with pytest.raises(DataError, match=re.escape(str(paths[1]))):
        build(board, check=True)
    build(board)
    assert paths[1].read_bytes() == before[paths[1]][0]
    (board / "tables" / "notes.txt").write_text("mine")
    for folder in (board / "entries").iterdir():
        for path in folder.rglob("*"):
            if path.is_file():
                path.unlink()
        for path in list(folder.iterdir()):
            path.rmdir()
        folder.rmdir()
    with pytest.raises(DataError, match="not up to date"):
        build(board, check=True)
    build(board)
    assert {path.name for path in (board / "tables").iterdir()} == {"README.md", "notes.txt"}


HOSTILE = ["<script>alert(1)</script>", "a | b", "=1+1", "x\ny", "[l](javascript:x)", "`c` **b** _i_", "www.evil.com"]


def test_hostile_names_act_in_no_format(fill: Any) -> None:
    board = fill({name: {"survival": 0.1 + k / 10} for k, name in enumerate(HOSTILE)})
    paths = {path.suffix: path.read_text() for path in build(board) if "-all." in path.name}
    tokens = MarkdownIt("commonmark").enable("table").parse(paths[".md"])
    inner = [child for token in tokens for child in token.children or []]
    kinds = {child.type for child in inner if child.type != "html_inline" or "ins>" not in child.content}
    assert kinds <= {"text", "text_special", "softbreak", "strong_open", "strong_close", "code_inline"}
    assert {child.content for child in inner if child.type == "code_inline"} == {"motionbench compare"}
    assert not {token.type for token in tokens} & {"html_block", "code_block", "fence"}
    first = [token.children for token, before in zip(tokens[1:], tokens, strict=False) if before.type == "td_open"][
        1::5
    ]
    assert {"".join(child.content for child in cell or []) for cell in first} == {
        n.replace("\n", "\\n") for n in HOSTILE
    }
    assert "www.evil" not in paths[".md"]  # GitHub makes links of bare addresses
    rows = list(csv.DictReader(io.StringIO(paths[".csv"])))
    assert {row["system"] for row in rows} == {n.replace("\n", "\\n") for n in HOSTILE} - {"=1+1"} | {"'=1+1"}
    assert sorted(float(row["value"]) for row in rows) == pytest.approx([0.1 + k / 10 for k in range(len(HOSTILE))])


def test_latex_marks_and_escapes(fill: Any) -> None:
    board = fill({"a_b & 5%": {"survival": 0.9}, "c#$^~\\{}": {"survival": 0.8}, "static": {"survival": 0.1}})
    text = next(path for path in build(board) if path.name.endswith("all.tex")).read_text()
    assert r"a\_b \& 5\% & 1 & \textbf{0.900} {\scriptsize [0.880, 0.920]} \\" in text
    name = r"c\#\$\textasciicircum{}\textasciitilde{}\textbackslash{}\{\}"
    assert name + r" & 2 & \underline{0.800} {\scriptsize [0.780, 0.820]} \\" in text
    assert r"\textit{static}" in text
    assert r"\shortstack[r]{survival $\uparrow$\\{\tiny [lk-windows]}\\{\tiny (share)}}" in text
    for command in (r"\toprule", r"\midrule", r"\bottomrule", r"\caption", r"\label"):
        assert command in text


def test_csv_has_numbers_to_eight_digits(fill: Any) -> None:
    board = fill({"a": {"survival": spread(0.7), "fvd": 123.456789012345}, "b": {"survival": None, "fvd": 5.0}})
    text = next(path for path in build(board) if path.name.endswith("all.csv")).read_text()
    rows = {(row["system"], row["metric"]): row for row in csv.DictReader(io.StringIO(text))}
    assert rows["a", "fvd"]["value"] == "123.45679"
    assert rows["b", "survival"]["value"] == ""
    assert rows["b", "survival"]["reason"] == "the first frame is not the input"
    assert rows["a", "survival"]["n"] == rows["a", "survival"]["expected"] == "16"


def test_a_hundred_entries_are_built_fast(make_run: Any, board: Path) -> None:
    for number in range(100):
        metrics = dict.fromkeys(("survival", "ad", "warp_error", "fvd"), 0.1 + number / 1000)
        add(make_run(f"system-{number}", metrics, cases=64), board)
    started = time.process_time()
    build(board)
    assert time.process_time() - started < 30


def test_one_set_of_videos_under_two_names_ties_and_is_named(fill: Any) -> None:
    board = fill(
        {"a": {"survival": 0.9, "fvd": 9.0}, "b": {"survival": 0.9, "fvd": 9.0}, "c": {"survival": 0.8, "fvd": 9.0}}
    )
    with pytest.warns(BoardWarning, match="The same scores in every case: a, b"):
        build(board)
    assert marks(tables_of(board)[0], "survival") == {"a": "best", "b": "best", "c": "second"}
