"""Folders of videos: which file belongs to which case, before anything is decoded."""

from __future__ import annotations

import pickle
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from motionbench.errors import ConfigError, DataError, VideoError
from motionbench.sources import is_folder, open_source, scan
from motionbench.sources.folder import match
from motionbench.types import Protocol

from .conftest import case_of, dataset_of


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).write_bytes(b"x")


def frames(folder: Path, count: int = 3) -> Path:
    folder.mkdir()
    for index in range(count):
        Image.fromarray(np.full((32, 48, 3), 10 * index, np.uint8)).save(folder / f"{index:05d}.png")
    return folder


def open_folder(folder: Path):
    return open_source(folder, seed=0, out=folder / "never-written")


def test_found_missing_extra_and_duplicates(tmp_path) -> None:
    touch(tmp_path, "a.mp4", "b.WEBM", "b.mov", "c.MKV", "x.avi", "notes.txt", "run.json", ".hidden.mp4", "d.mp4.part")
    frames(tmp_path / "e")
    frames(tmp_path / "y")
    (tmp_path / "empty").mkdir()
    listing = scan(tmp_path, ["a", "b", "c", "d", "e", "empty"])
    assert listing.found == ("a", "c", "e")
    assert listing.missing == ("d", "empty")
    assert listing.extra == ("x.avi", "y")
    assert listing.duplicates == {"b": ("b.WEBM", "b.mov")}


def test_a_file_and_a_folder_of_one_name_are_two(tmp_path) -> None:
    touch(tmp_path, "a.mp4")
    frames(tmp_path / "a")
    source = open_folder(tmp_path)
    assert source.check(dataset_of([case_of("a")])).duplicates == {"a": ("a", "a.mp4")}
    with pytest.raises(VideoError, match=r"2 videos for one case: a, a\.mp4"):
        source.footage(case_of("a"), Protocol())


@pytest.mark.parametrize(
    "name",
    [
        "with space",
        "quo'te\"s",
        "<script>alert(1)</script>".replace("/", "∕"),
        "a.b.c",
        "-dash",
        "naïve",
        "猫",
        "a%20b",
        "a.mp4",
    ],
)
def test_names_are_compared_exactly(tmp_path, write_video, name) -> None:
    write_video(tmp_path / f"{name}.mp4")
    source = open_folder(tmp_path)
    assert source.check(dataset_of([case_of(name), case_of(name + "x")])).found == (name,)
    footage = source.footage(case_of(name), Protocol())
    assert len(footage.load(Protocol()).video.frames) == 4


def test_case_matters_but_not_in_the_ending(tmp_path) -> None:
    touch(tmp_path, "Case.MP4")
    assert scan(tmp_path, ["case"]).found == ()
    assert scan(tmp_path, ["Case"]).found == ("Case",)


@pytest.mark.parametrize("stored", ["NFC", "NFD"])
@pytest.mark.parametrize("asked", ["NFC", "NFD"])
def test_two_ways_to_write_an_accent_are_one_name(tmp_path, stored, asked) -> None:
    touch(tmp_path, unicodedata.normalize(stored, "café au lait é.mp4"))
    wanted = unicodedata.normalize(asked, "café au lait é")
    assert scan(tmp_path, [wanted]).found == (wanted,)
    assert open_folder(tmp_path).footage(case_of(wanted), Protocol()) is not None


def test_both_ways_at_once_are_two_files_for_one_case(tmp_path) -> None:
    for form in ("NFC", "NFD"):
        touch(tmp_path, unicodedata.normalize(form, "é.mp4"))
    if len(list(tmp_path.iterdir())) < 2:
        pytest.skip("this file system takes both for one name")
    assert list(scan(tmp_path, ["é"]).duplicates) == ["é"]


def test_links_are_followed_and_a_dead_one_is_the_cases_error(tmp_path, write_video) -> None:
    elsewhere = tmp_path / "elsewhere"
    videos = tmp_path / "videos"
    elsewhere.mkdir()
    videos.mkdir()
    (videos / "a.mp4").symlink_to(write_video(elsewhere / "real.mp4"))
    (videos / "b").symlink_to(frames(elsewhere / "frames"), target_is_directory=True)
    (videos / "c.mp4").symlink_to(elsewhere / "gone.mp4")
    linked = tmp_path / "linked"
    linked.symlink_to(videos, target_is_directory=True)
    source = open_folder(linked)
    assert source.check(dataset_of([case_of(n) for n in "abc"])).found == ("a", "b", "c")
    assert len(source.footage(case_of("a"), Protocol()).load(Protocol()).video.frames) == 4
    assert len(source.footage(case_of("b"), Protocol()).load(Protocol()).video.frames) == 3
    for act in (lambda f: f.load(Protocol()), lambda f: f.digest()):
        with pytest.raises(VideoError):
            act(source.footage(case_of("c"), Protocol()))


def test_what_is_missing_is_none(tmp_path) -> None:
    assert open_folder(tmp_path).footage(case_of("a"), Protocol()) is None


def test_it_travels_to_workers_and_ignores_their_folder(tmp_path, write_video, monkeypatch) -> None:
    (tmp_path / "videos").mkdir()
    write_video(tmp_path / "videos" / "a.mp4")
    monkeypatch.chdir(tmp_path)
    source = pickle.loads(pickle.dumps(open_source("videos", seed=0, out=tmp_path)))
    monkeypatch.chdir("/")
    footage = source.footage(case_of("a"), Protocol())
    assert footage.load(Protocol()).fps == pytest.approx(8.0)
    assert source.identity() == {"name": "videos", "kind": "videos", "source": "", "options": {}}


def test_the_digest_follows_the_content(tmp_path, write_video) -> None:
    write_video(tmp_path / "a.mp4")
    source = open_folder(tmp_path)
    first = source.footage(case_of("a"), Protocol()).digest()
    write_video(tmp_path / "a.mp4", 5)
    assert source.footage(case_of("a"), Protocol()).digest() != first


@pytest.mark.parametrize("place", ["absent", "file.mp4"])
def test_what_is_no_folder_is_said(tmp_path, place) -> None:
    touch(tmp_path, "file.mp4")
    with pytest.raises(DataError, match="cannot be listed") as caught:
        open_folder(tmp_path / place)
    assert "\n" not in caught.value.message


def test_a_folder_takes_no_options_but_a_name(tmp_path) -> None:
    with pytest.raises(ConfigError, match="takes no options, but x was set"):
        open_source(tmp_path, options={"x": "1"}, seed=0, out=tmp_path)
    assert open_source(tmp_path, seed=0, out=tmp_path, name="Mine").identity()["name"] == "Mine"


def test_a_models_name_wins_over_a_folder_of_that_name(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("warp", "reference", "mine"):
        (tmp_path / name).mkdir()
    assert not is_folder("warp") and not is_folder("reference") and is_folder("mine") and is_folder("./warp")
    assert is_folder(Path("warp")) and is_folder(Path("absent"))
    assert not is_folder("command:mine") and not is_folder("absent")
    assert open_source("warp", seed=0, out=tmp_path).kind == "model"
    assert open_source(Path("warp"), seed=0, out=tmp_path).kind == "videos"


NAMES = st.text(st.sampled_from("abé.̈"), min_size=1, max_size=3)


@given(files=st.lists(NAMES, max_size=8, unique=True), ids=st.lists(NAMES, max_size=8, unique=True))
def test_every_case_and_every_file_is_counted_once(files, ids) -> None:
    ids = list({unicodedata.normalize("NFC", i): i for i in ids}.values())
    groups: dict[str, tuple[str, ...]] = {}
    for name in files:
        key = unicodedata.normalize("NFC", name)
        groups[key] = (*groups.get(key, ()), f"{name}.mp4")
    listing = match(groups, ids)
    assert sorted([*listing.found, *listing.missing, *listing.duplicates]) == sorted(ids)
    used = len(listing.found) + sum(map(len, listing.duplicates.values()))
    hidden = sum(n.startswith(".") for k, g in groups.items() for n in g if k not in
                 {unicodedata.normalize("NFC", i) for i in ids})  # fmt: skip
    assert used + len(listing.extra) + hidden == len(files)
