"""Names and ids of entries, and what may be added to a board."""

from __future__ import annotations

import errno
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motionbench.errors import ConfigError, DataError, SchemaError
from motionbench.leaderboard import add, check
from motionbench.leaderboard.entries import read_entry, slug
from motionbench.results import read_run

HOSTILE = [
    "../../etc/passwd",
    "..",
    ".",
    "/abs/olute",
    "C:\\windows",
    "a/b",
    "con",
    "NUL.txt",
    "x\x00y",
    "<script>alert(1)</script>",
    '"quoted" name',
    "名前",
    "e\u202eman",
    "a" * 200,
    "TTM",
    "ttm.",
    "-rf",
    "=cmd()",
    "| pipe | x |",
]


def edit(folder: Path, change: Any, *, rehash: bool = True) -> None:
    """Rewrite a run's rows by `change(list of dicts)`, as a forger would: with the hash in run.json made right."""
    path = folder / "cases.jsonl"
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    change(rows)
    lines = [json.dumps(row, sort_keys=True, ensure_ascii=False, separators=(",", ":")) + "\n" for row in rows]
    path.write_text("".join(lines), encoding="utf-8")
    if rehash:
        edit_run(folder, lambda run: run.update(cases_sha256=hashlib.sha256(path.read_bytes()).hexdigest()))


def edit_run(folder: Path, change: Any) -> None:
    path = folder / "run.json"
    run = json.loads(path.read_text(encoding="utf-8"))
    change(run)
    path.write_text(json.dumps(run), encoding="utf-8")


@given(st.text(max_size=80))
def test_a_slug_is_a_safe_file_name_and_stable(name: str) -> None:
    found = slug(name)
    assert re.fullmatch(r"[a-z0-9_]([a-z0-9_-]|\.(?!\.))*", found)
    assert len(found) <= 57
    assert not found.endswith(".")
    assert slug(name) == found


@given(st.text(max_size=20), st.text(max_size=20))
def test_two_names_never_share_a_slug(one: str, other: str) -> None:
    assert (slug(one) == slug(other)) == (one == other)


@pytest.mark.parametrize("name", ["ttm", "ttm-3f2a91bc", slug("TTM"), "Ttm"])
def test_a_name_that_looks_like_a_slug_of_another_is_told_apart(name: str) -> None:
    assert slug(name) != slug("TTM")


def test_a_plain_name_is_its_own_slug() -> None:
    assert [slug(n) for n in ("ttm_unet", "wan2.1-1.3b", "a")] == ["ttm_unet", "wan2.1-1.3b", "a"]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_stays_inside_the_board_and_is_kept_as_text(name: str, make_run: Any, board: Path) -> None:
    folder = add(make_run(name), board)
    assert folder.resolve().is_relative_to((board / "entries").resolve())
    assert len(folder.relative_to(board).parts) == 3
    assert read_entry(folder).record.system == name
    assert check(board) == []


def test_an_entry_holds_the_runs_own_bytes_and_their_hashes(make_run: Any, board: Path) -> None:
    run = make_run("alpha")
    folder = add(run, board)
    assert {path.name for path in folder.iterdir()} == {"entry.json", "run.json", "cases.jsonl"}
    record = json.loads((folder / "entry.json").read_text())
    assert record["schema"] == "motionbench.entry/1"
    assert record["run_id"] == folder.name
    for name in ("run.json", "cases.jsonl"):
        assert (folder / name).read_bytes() == (run / name).read_bytes()
        assert record["files"][name] == hashlib.sha256((run / name).read_bytes()).hexdigest()


def test_adding_again_changes_nothing(make_run: Any, board: Path) -> None:
    run = make_run()
    folder = add(run, board)
    before = {path: path.stat().st_mtime_ns for path in board.rglob("*")}
    assert add(run / "run.json", board) == folder
    assert {path: path.stat().st_mtime_ns for path in board.rglob("*")} == before


def test_another_run_of_the_same_system_needs_replace(make_run: Any, board: Path) -> None:
    first = add(make_run(values={"survival": 0.8}), board)
    other = make_run(values={"survival": 0.9})
    with pytest.raises(ConfigError, match="another run") as error:
        add(other, board)
    assert "--replace" in error.value.hint
    assert read_run(first).estimates[0].value == pytest.approx(0.8)
    assert add(other, board, replace=True) == first
    assert read_run(first).estimates[0].value == pytest.approx(0.9)
    assert [path.name for path in first.parent.iterdir()] == [first.name]


def test_the_same_run_under_newer_libraries_takes_the_old_ones_place(make_run: Any, board: Path) -> None:
    old = add(make_run(libraries={"motionbench": "0.1.0"}), board)
    new = make_run(values={"survival": 0.81, "warp_error": 0.1}, libraries={"motionbench": "0.2.0"})
    with pytest.raises(ConfigError):
        add(new, board)
    folder = add(new, board, replace=True)
    assert folder != old
    assert not old.exists()
    assert check(board) == []


def test_seeds_options_and_datasets_are_entries_of_their_own(make_run: Any, board: Path) -> None:
    for number, more in enumerate([{}, {"seed": 1}, {"options": {"steps": 20}}, {"dataset": "other"}]):
        add(make_run(values={"survival": 0.8 + number / 100}, kind="model", **more), board)
    assert len(list((board / "entries" / "alpha").iterdir())) == 4
    assert check(board) == []


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"status": "partial", "reasons": ("case-0003: missing",)}, DataError),
        ({"official": False, "reasons": ("--limit 4",)}, ConfigError),
    ],
)
def test_partial_and_unofficial_runs_are_refused_with_the_reason(
    fields: dict[str, Any], error: type[Exception], make_run: Any, board: Path
) -> None:
    with pytest.raises(error, match=re.escape(fields["reasons"][0])) as caught:
        add(make_run(**fields), board)
    assert "\n" not in str(caught.value)
    assert caught.value.hint
    assert not board.exists()


def test_broken_hashes_and_files_are_refused(make_run: Any, board: Path, tmp_path: Path) -> None:
    changed = make_run()
    edit(changed, lambda rows: rows[0]["values"].update(value=0.9), rehash=False)
    with pytest.raises(SchemaError, match="sha256"):
        add(changed, board)
    bare = make_run()
    (bare / "cases.jsonl").unlink()
    with pytest.raises(DataError):
        add(bare, board)
    with pytest.raises(DataError):
        add(tmp_path / "nowhere", board)
    no_number = make_run()
    edit_run(no_number, lambda run: run["estimates"][0].update(value=float("nan")))
    with pytest.raises(SchemaError, match="NaN"):
        add(no_number, board)
    assert not board.exists()


def test_a_forged_run_is_refused(make_run: Any, board: Path) -> None:
    forged = make_run(values={"survival": 0.5})
    edit_run(forged, lambda run: run["estimates"][0].update(value=0.51))
    with pytest.raises(DataError, match=r"mean over cases\.jsonl is 0\.5"):
        add(forged, board)


def test_a_full_disk_leaves_nothing_half_written(make_run: Any, board: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = add(make_run(values={"survival": 0.8}), board)
    before = (kept / "run.json").read_bytes()

    def full(self: Path, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(ConfigError, match="No space left"):
        add(make_run(values={"survival": 0.9}), board, replace=True)
    with pytest.raises(ConfigError, match="No space left"):
        add(make_run("beta", values={"survival": 0.7}), board)
    assert (kept / "run.json").read_bytes() == before
    assert [path for path in board.rglob("*") if path.is_file() and path.parent != kept] == []
