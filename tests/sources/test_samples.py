"""Several samples of a case, VBench's names among them: whose is which file, and one row for each case."""

from __future__ import annotations

import json

import numpy as np
import pytest

import motionbench
from motionbench import run as running
from motionbench.errors import DataError
from motionbench.samples import unequal
from motionbench.sources import open_source
from motionbench.sources.samples import claim
from motionbench.types import Video
from motionbench.video import save_video

from .conftest import case_of, dataset_of


def files(*names: str) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for name in names:
        stem = name.removesuffix(".mp4").removesuffix(".mov")
        found[stem] = (*found.get(stem, ()), name)
    return found


def test_samples_by_id_with_a_dash_or_in_a_folder() -> None:
    claims = claim(files("a-0.mp4", "a-10.mp4", "a-2.mp4", "b/0.mp4", "b/1.mov", "c.mp4"), dict.fromkeys("abc", ""))
    assert claims.samples == {"a": ("a-0.mp4", "a-2.mp4", "a-10.mp4"), "b": ("b/0.mp4", "b/1.mov"), "c": ("c.mp4",)}
    assert not claims.clashes and not claims.extra


def test_vbench_names_videos_by_the_prompt() -> None:
    prompt = "A dog, running - fast"
    long = "x" * 300
    found = files(f"{prompt}-0.mp4", f"{prompt}-1.mp4", f"{long[:180]}-0.mp4")
    assert claim(found, {"dog": prompt, "x": long}).samples == {
        "dog": (f"{prompt}-0.mp4", f"{prompt}-1.mp4"),
        "x": (f"{long[:180]}-0.mp4",),
    }


def test_an_id_wins_over_a_caption_and_over_a_number() -> None:
    claims = claim(files("a-1.mp4", "a-2.mp4", "hello-0.mp4"), {"a": "hello", "a-1": ""})
    assert claims.samples == {"a": ("a-2.mp4",), "a-1": ("a-1.mp4",)}
    assert claims.extra == ("hello-0.mp4",)


@pytest.mark.parametrize(
    "names", [("a.mp4", "a-0.mp4"), ("a-0.mp4", "a-0.mov"), ("a-0.mp4", "a-00.mp4"), ("a-0.mp4", "a/0.mp4")]
)
def test_two_files_for_one_place_are_a_clash(names) -> None:
    claims = claim(files(*names), {"a": ""})
    assert not claims.samples and sorted(claims.clashes["a"]) == sorted(names)


def test_one_caption_of_two_cases_names_neither() -> None:
    with pytest.raises(DataError, match="could belong to 2 cases: a, b") as caught:
        claim(files("hello-0.mp4"), {"a": "hello", "b": "hello"})
    assert "\n" not in caught.value.message
    assert claim(files("a-0.mp4"), {"a": "hello", "b": "hello"}).samples == {"a": ("a-0.mp4",)}


@pytest.mark.parametrize("name", ["-0", "--0", "a-", "a-x", "a-1234567", "a-²", "a\n\x1b[31m-0"])
def test_hostile_names_are_extra(name) -> None:
    claims = claim({name: (f"{name}.mp4",)}, {"a": "b"})
    assert not claims.samples and claims.extra == (f"{name}.mp4",)


def test_a_hostile_caption_is_shown_on_one_line() -> None:
    with pytest.raises(DataError) as caught:
        claim(files("x\n\x1b[31m" + "y" * 500 + "-0.mp4"), dict.fromkeys("ab", "x\n\x1b[31m" + "y" * 500))
    assert caught.value.message.isprintable() and len(caught.value.message) < 200


def test_unequal_numbers_are_named() -> None:
    assert unequal({"a": "12", "b": "34"}) == ""
    assert "most cases have 2 samples, but 'c' 1;" in unequal({"a": "12", "b": "34", "c": "5"})


def clip(path, brightness: int, seed: int) -> None:
    """The case's picture, then noise of some strength."""
    image = np.random.default_rng(seed).integers(0, 256, (32, 48, 3)).astype(np.int16)
    noise = np.random.default_rng(brightness).integers(-brightness, brightness + 1, (6, 32, 48, 3))
    noise[0] = 0
    path.parent.mkdir(parents=True, exist_ok=True)
    save_video(Video(np.clip(image + noise, 0, 255).astype(np.uint8), np.arange(6) / 8), path)


def evaluate(tmp_path, name: str, metrics: list[str], listener=None, **settings):
    data = dataset_of([case_of("a", seed=0, reference=6), case_of("b", seed=1, reference=6)])
    return motionbench.evaluate(
        tmp_path / name, data, metrics=metrics, out=tmp_path / f"run {name}", cache=tmp_path / "cache",
        listener=listener or running.Listener(), **settings,
    )  # fmt: skip


def test_a_case_is_the_mean_over_its_samples(tmp_path) -> None:
    for k, strength in enumerate((5, 20, 80)):
        clip(tmp_path / "many" / f"a-{k}.mp4", strength, 0)
        clip(tmp_path / f"only {k}" / "a.mp4", strength, 0)
        for folder, file in (("many", "b-0.mp4"), (f"only {k}", "b.mp4")):
            clip(tmp_path / folder / file, 40, 1)
    warnings: list[str] = []
    run = evaluate(tmp_path, "many", ["flicker", "fvd"], running.Listener(warn=warnings.append))
    single = [evaluate(tmp_path, f"only {k}", ["flicker", "fvd"]) for k in range(3)]
    values = [next(r.values["value"] for r in s.rows if (r.case_id, r.metric) == ("a", "flicker")) for s in single]
    row = next(r for r in run.rows if (r.case_id, r.metric) == ("a", "flicker"))
    assert row.values["samples"] == values and row.values["value"] == pytest.approx(np.mean(values), rel=1e-12)
    other = next(r.values["value"] for r in run.rows if (r.case_id, r.metric) == ("b", "flicker"))
    found = {e.metric: e for e in run.estimates if e.subset == "all"}
    assert found["flicker"].value == pytest.approx((np.mean(values) + other) / 2, rel=1e-12)
    assert (found["flicker"].n, found["flicker"].expected, len(run.rows)) == (2, 2, 4)
    assert found["fvd"].value == next(e.value for e in single[0].estimates if e.metric == "fvd" and e.subset == "all")
    written = json.loads((tmp_path / "run many" / "run.json").read_text())
    assert written["identity"]["system"]["options"] == {"samples": "1 to 3"}
    assert json.loads((tmp_path / "run only 0" / "run.json").read_text())["identity"]["system"]["options"] == {}
    assert any("most cases have" in w for w in warnings)


def test_workers_change_nothing(tmp_path) -> None:
    for k in range(2):
        for name, seed in (("a", 0), ("b", 1)):
            clip(tmp_path / "v" / name / f"{k}.mp4", 10 + k, seed)
    evaluate(tmp_path, "v", ["flicker"])
    before = [(tmp_path / "run v" / name).read_bytes() for name in ("run.json", "cases.jsonl")]
    evaluate(tmp_path, "v", ["flicker"], workers=2)
    assert [(tmp_path / "run v" / name).read_bytes() for name in ("run.json", "cases.jsonl")] == before
    assert json.loads(before[0])["identity"]["system"]["options"] == {"samples": 2}


def test_one_broken_sample_is_the_cases_failure(tmp_path) -> None:
    for k in range(2):
        clip(tmp_path / "v" / f"a-{k}.mp4", 10, 0)
        clip(tmp_path / "v" / f"b-{k}.mp4", 10, 1)
    (tmp_path / "v" / "a-1.mp4").write_bytes(b"no video")
    run = evaluate(tmp_path, "v", ["flicker"])
    row = next(r for r in run.rows if r.case_id == "a")
    assert (run.status, row.status) == ("partial", "failed") and row.note.startswith("sample 1: ")


def test_the_folder_itself_counts_samples_only_where_there_are_several(tmp_path, write_video) -> None:
    write_video(tmp_path / "a.mp4")
    source = open_source(tmp_path, seed=0, out=tmp_path / "out").settle([case_of("a")])
    assert source.identity()["options"] == {}
