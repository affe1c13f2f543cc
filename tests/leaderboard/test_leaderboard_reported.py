"""Numbers that papers printed: as printed, apart, and kept out of measured tables."""

from __future__ import annotations

import dataclasses
import shutil
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_type_hints

import pytest

from motionbench.leaderboard import add, build, check
from motionbench.leaderboard.entries import Entry, read_entry
from motionbench.leaderboard.reported import Reported, read_all
from motionbench.leaderboard.scores import EntryScores, Gathering
from motionbench.leaderboard.tables import measured_tables

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def paper_board(board: Path) -> Path:
    (board / "reported").mkdir(parents=True)
    for path in (REPOSITORY / "leaderboard" / "reported").glob("*.json"):
        (board / "reported" / path.name).write_bytes(path.read_bytes())
    return board


def test_a_reported_number_cannot_enter_a_measured_table(paper_board: Path, make_run: Any) -> None:
    reported = read_all(paper_board)
    assert len(reported) == 4
    assert get_type_hints(measured_tables)["entries"] == Sequence[Entry]
    assert not issubclass(Reported, Entry) and not issubclass(Entry, Reported)
    with pytest.raises(TypeError, match="takes entries, not Reported"):
        measured_tables(reported)
    entry = read_entry(add(make_run(), paper_board))
    with pytest.raises(TypeError):
        measured_tables([entry, reported[0]])


def test_the_papers_numbers_are_as_printed() -> None:
    tables = read_all(REPOSITORY / "leaderboard")
    cells = {
        (table.table, c.row_label, c.subset, c.backbone, c.metric_label): c for table in tables for c in table.rows
    }
    assert len(cells) == 116 + 58 + 50 + 10
    for key, printed in {
        ("1", "TTM (U-Net)", "single", "U-Net", "FVD"): "925.39",
        ("1", "TTM (U-Net)", "multi", "U-Net", "FVD"): "1089.86",
        ("1", "ConsistI2V", "multi", None, "human: quality"): "84.3",
        ("1", "VideoCrafter", "single", None, "ViCLIP-T"): "0.209",
        ("2", "TTM (DiT)", "all", "DiT", "FVD"): "192.45",
        ("3", "both (TTM)", "all", "U-Net", "AD"): "5.15",
        ("3", "TI2V", "all", "DiT", "AD"): "10.70",
        ("4", "optical flow", "all", "U-Net", "CF"): "0.934",
    }.items():
        assert cells[key].value_as_printed == printed
    own = {label for (_, label, *_), cell in cells.items() if cell.authored_by_paper}
    assert own == {
        *("TTM (U-Net)", "TTM (DiT)", "no masked attention", "masked cross-attention only"),
        *("masked self-attention only", "both (TTM)", "optical flow", "segmentation masks"),
    }


def test_reported_tables_stand_apart_without_marks(paper_board: Path, make_run: Any) -> None:
    add(make_run("a"), paper_board)
    add(make_run("b", {"survival": 0.9, "warp_error": 0.3}), paper_board)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        paths = build(paper_board)
    texts = {path.name: path.read_text() for path in paths}
    for name in ("reported.md", "reported.tex"):
        assert "not comparable with measured rows" in " ".join(texts[name].split())
        assert "925.39" in texts[name]
    tables = [line for line in texts["reported.md"].splitlines() if line.startswith("|")]
    assert not any("**" in line or "<ins>" in line or "↑" in line for line in tables)
    assert "textbf" not in texts["reported.tex"] and "underline" not in texts["reported.tex"]
    measured = "".join(text for name, text in texts.items() if "-all" in name or "-single" in name or "-multi" in name)
    assert "925.39" not in measured and "TTM" not in measured


def test_the_repositorys_own_board_is_sound_and_its_tables_are_fresh() -> None:
    assert check(REPOSITORY / "leaderboard") == []
    build(REPOSITORY / "leaderboard", check=True)


def test_another_processors_last_bits_change_no_table(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    whole = Gathering.scores

    def one_bit_up(self: Gathering) -> EntryScores:
        found = whole(self)
        values = {m: {case: v * (1 + 2.0**-52) for case, v in by_case.items()} for m, by_case in found.values.items()}
        return dataclasses.replace(found, values=values)

    board = tmp_path / "leaderboard"
    shutil.copytree(REPOSITORY / "leaderboard", board)
    monkeypatch.setattr(Gathering, "scores", one_bit_up)
    build(board)
    for fresh in (board / "tables").iterdir():
        assert fresh.read_bytes() == (REPOSITORY / "leaderboard" / "tables" / fresh.name).read_bytes(), fresh.name
