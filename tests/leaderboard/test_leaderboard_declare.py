"""Declarations, video hashes, words and schemas: what a stranger may hand in, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from motionbench.errors import ConfigError, DataError, SchemaError
from motionbench.leaderboard import add, build, check
from motionbench.leaderboard.declare import read_declaration
from motionbench.leaderboard.entries import read_entry
from motionbench.leaderboard.schemas import schema_files
from motionbench.report.media import media_name

REPOSITORY = Path(__file__).resolve().parents[2]
GOOD = """\
inputs: [mask, first_frame, mask]
training_data: [some clips]
saw_benchmark: "no"
tuning: none
best_of: 1
submitter: A lab
relationship: authors
links: {code: "https://example.org/x"}
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "model.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_declaration_is_kept_sorted_and_survives_a_replacement(make_run: Any, board: Path, tmp_path: Path) -> None:
    add(make_run(), board, declare=written(tmp_path, GOOD))
    again = add(make_run(values={"survival": 0.7, "warp_error": 0.1}), board, replace=True)
    record = read_entry(again).record
    assert record.tier == "self"
    assert record.declaration is not None and record.declaration.inputs == ["first_frame", "mask"]
    assert check(board) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GOOD + "colour: red\n", "colour"),
        (GOOD + "best_of: 2\n", "a key comes twice"),
        (GOOD.replace("https://example.org/x", "javascript:alert(1)"), "links.code"),
        (GOOD.replace("https://example.org/x", "https://a.b/'><script>"), "links.code"),
        (GOOD.replace("[some clips]", "&a [x, *a]"), "aliases"),
        (GOOD.replace("A lab", "x" * 201), "submitter"),
        (GOOD.replace("best_of: 1", "best_of: .nan"), "no valid declaration"),
        (GOOD.replace("mask, first", "telepathy, first"), "inputs"),
        ("x" * 1_000_000, "bytes"),
        ("!!python/object/apply:os.system [ls]", "no valid declaration"),
    ],
)
def test_a_bad_declaration_is_refused_in_one_line(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(SchemaError) as error:
        read_declaration(written(tmp_path, text))
    assert message in str(error.value) and "\n" not in str(error.value)


def test_one_video_for_two_cases_is_refused(make_run: Any, board: Path, with_previews: Any) -> None:
    videos = {f"case-{i:04d}": bytes([i // 2]) for i in range(16)}
    with pytest.raises(DataError, match="2 cases have one and the same video"):
        add(with_previews(make_run(), videos), board)
    own = {case: case.encode() for case in videos}
    entry = add(with_previews(make_run(), own), board)
    record = json.loads((entry / "videos.json").read_text())
    record["videos"]["case-0001"] = record["videos"]["case-0000"]
    (entry / "videos.json").write_text(json.dumps(record))
    assert "videos.json is not the file that was added" in str(check(board)[0])


def test_the_static_baseline_may_show_one_picture_twice(make_run: Any, board: Path, with_previews: Any) -> None:
    videos = {f"case-{i:04d}": b"same" for i in range(16)}
    add(with_previews(make_run("static", kind="model"), videos), board)
    assert check(board) == []


def test_words_of_the_cases_are_kept_once_and_shown_as_text(make_run: Any, board: Path, with_previews: Any) -> None:
    videos = {f"case-{i:04d}": bytes([i]) for i in range(16)}
    add(with_previews(make_run(), videos, "<script>alert(1)</script>"), board)
    (path,) = (board / "words").glob("*.json")
    before = path.read_bytes()
    add(with_previews(make_run("beta", {"survival": 0.2, "warp_error": 0.1}), videos, "other words"), board)
    assert path.read_bytes() == before
    page = next(path for path in build(board, warn=lambda text: None) if path.name == "index.html").read_text()
    assert "alert(1)" in page and "<script>alert" not in page and "</script><b>cat" not in page


def test_long_names_are_refused(make_run: Any, board: Path) -> None:
    with pytest.raises(DataError, match="1000000 characters"):
        add(make_run("x" * 1_000_000), board)
    with pytest.raises(DataError, match="the system has a name of 1 characters"):
        add(make_run(" "), board)


def test_the_committed_schemas_are_those_of_the_code() -> None:
    for name, data in schema_files().items():
        assert (REPOSITORY / "leaderboard" / "schema" / name).read_bytes() == data, name


def test_videos_are_shown_in_a_site_of_their_own(
    make_run: Any, board: Path, tmp_path: Path, with_previews: Any
) -> None:
    run = with_previews(make_run(), {f"case-{i:04d}": bytes([i]) for i in range(16)})
    entry = add(run, board)
    with pytest.raises(ConfigError, match="--media needs --site"):
        build(board, media=run.parent)
    *_, page = build(board, media=run.parent, site=tmp_path / "site")
    shown = tmp_path / "site" / "media" / entry.name / f"{media_name('case-0003')}-g.mp4"
    assert shown.read_bytes() == bytes([3])
    assert f'"run":"{entry.name}"' in page.read_text() and '"videos":"1111111111111111"' in page.read_text()
    assert '"media":false' in (board / "site" / "index.html").read_text()
    build(board, check=True)
