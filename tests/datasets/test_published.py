"""SA-V-128 by its published list: columns, files of every kind, and what is missing."""

from __future__ import annotations

import builtins
import json
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
import sav_trees as trees

from motionbench.datasets import load_dataset
from motionbench.datasets.sav import read_list
from motionbench.errors import ConfigError, DataError, MissingDependency, MotionBenchError


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("MOTIONBENCH_SAV", "MOTIONBENCH_SAV_LIST", "MOTIONBENCH_SAV_COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    trees.add_train(tmp_path / "sav" / "sav_train" / "sav_000", "sav_000001")
    trees.add_val(tmp_path / "sav" / "sav_val", "sav_000002", objects=1)
    return tmp_path / "sav"


def published(root: Path, *rows: str, header: str = "video_id,prompt,short_prompt,type") -> Path:
    trees.captions(root, *rows, header=header, name="sa-v-128.csv")
    return root


ROWS = ("sav_000001,Two squares move.,Squares.,multi-object", "sav_000002,One square moves.,Square.,single-object")


@pytest.mark.parametrize("name", ["motionbench", "sa-v-128"])
def test_by_name(root: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    published(root, *ROWS)
    data = load_dataset(name, data_root=root)
    assert (data.name, data.license) == ("sa-v-128", "CC BY 4.0")
    assert [(c.id, c.subset, c.caption, c.short_caption) for c in data.cases] == [
        ("sav_000001", "multi", "Two squares move.", "Squares."),
        ("sav_000002", "single", "One square moves.", "Square."),
    ]
    assert all(case.masks is not None and case.reference is not None for case in data.cases)
    monkeypatch.setenv("MOTIONBENCH_SAV", str(root))
    assert load_dataset(name) == data


def test_columns_of_any_name(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    published(root, "0,sav_000001,A.,B.", header="caption,clip,words,Short_Caption")
    with pytest.raises(DataError, match="no column for the id") as caught:
        load_dataset("motionbench", data_root=root)
    assert "caption, clip, words, Short_Caption" in caught.value.hint
    data = load_dataset("motionbench", data_root=root, columns={"id": "clip", "caption": "words"})
    assert (data.cases[0].caption, data.cases[0].short_caption) == ("A.", "B.")
    assert load_dataset("motionbench", data_root=root, columns="id=clip, caption=Words") == data
    monkeypatch.setenv("MOTIONBENCH_SAV_COLUMNS", "id=clip,caption=words")
    assert load_dataset("motionbench", data_root=root) == data
    for wrong in ("id", "id=", "=clip"):
        with pytest.raises(ConfigError, match="not pairs"):
            load_dataset("motionbench", data_root=root, columns=wrong)
    with pytest.raises(ConfigError, match="no field 'colour'"):
        load_dataset("motionbench", data_root=root, columns="colour=clip")
    with pytest.raises(DataError, match="no column 'none'"):
        load_dataset("motionbench", data_root=root, columns="id=none,caption=words")


def test_every_kind_of_table_says_the_same(tmp_path: Path) -> None:
    rows: list[dict[str, t.Any]] = [
        {
            "id": "000123",
            "caption": "A, b.",
            "subset": "single",
            "objects": [{"masklet": 1, "name": "a"}],
            "count": None,
        },
        {"id": "x.mp4", "caption": "é", "subset": None, "objects": None, "count": 3},
    ]
    trees.put(tmp_path / "a.json", rows)
    trees.put(tmp_path / "b.json", {"cases": rows})
    trees.put(tmp_path / "c.jsonl", "\n".join(map(json.dumps, rows)) + "\n\n")
    table = ["000123", '"A, b."', "single", '"[{""masklet"": 1, ""name"": ""a""}]"', ""]
    trees.captions(tmp_path, ",".join(table), "x.mp4,é,,,3", header="id,caption,subset,objects,count", name="d.csv")
    first, *others = (read_list(tmp_path / name) for name in ("a.json", "b.json", "c.jsonl", "d.csv"))
    assert others == [first] * 3
    assert [item.id for item in first] == ["000123", "x"]
    assert (first[0].subset, first[0].count, first[1].subset, first[1].count) == ("single", None, None, 3)
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    pandas.DataFrame(rows).to_parquet(tmp_path / "e.parquet")
    assert read_list(tmp_path / "e.parquet") == first


def test_parquet_needs_pyarrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def absent(name: str, *args: t.Any, **kwargs: t.Any) -> t.Any:
        if name.partition(".")[0] in ("pyarrow", "fastparquet"):
            raise ImportError(f"no {name}")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", absent)
    trees.put(tmp_path / "list.parquet", "PAR1")
    with pytest.raises(MissingDependency, match="pyarrow is not installed") as caught:
        read_list(tmp_path / "list.parquet")
    assert "pip install" in caught.value.hint


def test_a_folder_of_tables(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    trees.captions(tmp_path / "data", "a,A.", name="single-00000.csv")
    trees.captions(tmp_path / "data", "b,B.", name="multi-00000.csv")
    trees.put(tmp_path / "README.md", "# A list")
    assert [(item.id, item.subset) for item in read_list(tmp_path)] == [("b", "multi"), ("a", "single")]


@pytest.mark.parametrize(
    ("name", "text", "word"),
    [
        ("a.csv", "", "no csv table"),
        ("a.csv", "id,caption\n", "holds no rows"),
        ("a.csv", "id,caption\na,one, two\n", "quote texts that hold commas"),
        ("a.csv", "id,caption\na,\n", "row 1: the caption is empty"),
        ("a.csv", "id,caption,subset\na,A.,both\n", "row 1: the subset is 'both'"),
        ("a.csv", "id,caption,count\na,A.,many\n", "number of objects is 'many'"),
        ("a.csv", "id,caption\na,A.\na,B.\n", "'a' twice"),
        ("a.json", "{", "no json table"),
        ("a.json", "3", "holds no rows"),
        ("a.json", "[3]", "holds no rows"),
        ("a.json", '[{"id": "a", "caption": "\\ud800"}]', "row 1: the caption is no text"),
        ("a.jsonl", '{"id": "a"\n', "no jsonl table"),
        ("a.csv", b"id,caption\na,\xff\n", "no csv table"),
        ("a.txt", "id,caption\na,A.\n", "no known kind"),
    ],
)
def test_lists_that_are_refused(tmp_path: Path, name: str, text: str | bytes, word: str) -> None:
    (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(MotionBenchError, match=word) as caught:
        read_list(tmp_path / name)
    assert "\n" not in caught.value.message


def test_what_is_missing_is_counted_and_listed(root: Path) -> None:
    published(root, *ROWS, *(f"sav_{n:06d},A.,B.,single" for n in range(3, 129)))
    with pytest.raises(DataError) as caught:
        load_dataset("motionbench", data_root=root)
    assert caught.value.message.startswith("126 of 128 videos of the list are missing: sav_000003, sav_000004, ")
    assert caught.value.message.endswith(" and 121 more")
    published(root, *ROWS)
    (root / "sav_train" / "sav_000" / "sav_000001_manual.json").unlink()
    with pytest.raises(DataError, match=r"1 of 2 videos of the list are missing: sav_000001 \(masks\)"):
        load_dataset("motionbench", data_root=root)


def test_without_folder_or_list(root: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="needs the videos of SA-V") as told:
        load_dataset("motionbench")
    assert "--data-root" in told.value.hint and "MOTIONBENCH_SAV" in told.value.hint
    with pytest.raises(DataError, match="no list of SA-V-128") as caught:
        load_dataset("motionbench", data_root=root)
    assert "GuyYariv/SA-V-128-Benchmark" in caught.value.hint
    with pytest.raises(DataError, match="does not exist"):
        load_dataset("motionbench", data_root=tmp_path / "none", data_list=published(root, *ROWS) / "sa-v-128.csv")


def test_any_list_is_a_dataset(root: Path) -> None:
    path = published(root, *ROWS) / "sa-v-128.csv"
    mine = path.rename(root / "mine.csv")
    data = load_dataset(mine)
    assert (data.name, len(data.cases)) == ("mine", 2)
    with pytest.raises(DataError, match="1 of 2"):
        load_dataset(mine, data_root=root / "sav_train")


def test_the_command_line_says_what_is_missing(root: Path, tmp_path: Path) -> None:
    published(root, "sav_000001,A.,B.,single", "sav_000009,A.,B.,single")
    command = ["evaluate", "--model", "static", "--dataset", "motionbench", "--data-root", str(root), "--out"]
    done = subprocess.run(
        [sys.executable, "-m", "motionbench", *command, str(tmp_path / "run")],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 3, done.stderr
    assert done.stderr.splitlines()[0] == "error: 1 of 2 videos of the list are missing: sav_000009"
    assert done.stdout == ""
