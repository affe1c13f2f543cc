"""Folder datasets: what is read, what is refused, and whose fault stops what."""

from __future__ import annotations

import copy
import json
import os
import pickle
import typing as t
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from motionbench.datasets import load_dataset, manifest, manifest_sha256, verify
from motionbench.datasets.folder import load_folder
from motionbench.errors import ConfigError, DataError, VideoError
from motionbench.types import Protocol, Video
from motionbench.video import save_video

Json = dict[str, t.Any]


def picture(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (24, 32, 3), dtype=np.uint8)


def palette(path: Path, labels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(labels.astype(np.uint8))
    image = image.convert("P") if image.mode != "P" else image
    image.putdata(labels.ravel().tolist())
    image.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255] + [0] * 756)
    image.save(path)


@pytest.fixture
def content() -> Json:
    return {
        "schema": "motionbench.dataset/1",
        "name": "mine",
        "version": "2",
        "license": "CC0",
        "cases": [
            {
                "id": "one",
                "subset": "multi",
                "category": "Animal",
                "caption": "Two dogs run.",
                "short_caption": "Dogs.",
                "motion_prompt": "They run.",
                "objects": [{"id": 1, "name": "left", "prompt": "A dog."}, {"id": 3, "name": "right", "prompt": "B."}],
                "first_frame": "one/first.png",
                "masks": "one/masks",
                "reference": "one/video.mp4",
                "source": "unknown fields are left alone",
            },
            {"id": "two", "subset": "single", "caption": "A car.", "objects": [], "reference": "two"},
        ],
    }


@pytest.fixture
def root(tmp_path: Path, content: Json) -> Path:
    folder = tmp_path / "data"
    (folder / "one").mkdir(parents=True)
    (folder / "two").mkdir()
    Image.fromarray(picture()).save(folder / "one" / "first.png")
    frames = np.stack([picture(i) for i in range(4)])
    save_video(Video(frames, np.arange(4) / 8), folder / "one" / "video.mp4")
    for index, frame in enumerate(frames):
        Image.fromarray(frame).save(folder / "two" / f"{index:05d}.png")
    labels = np.zeros((24, 32), dtype=np.uint8)
    labels[2:8, 3:9], labels[10:20, 12:30] = 1, 3
    palette(folder / "one" / "masks" / "00000.png", labels)
    palette(folder / "one" / "masks" / "00002.png", np.roll(labels, 2, axis=1))
    return put(folder, content)


def put(folder: Path, content: object) -> Path:
    (folder / "cases.json").write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return folder


def refused(folder: Path, *words: str) -> None:
    with pytest.raises(DataError) as caught:
        load_folder(folder)
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message, message


def test_everything_is_read(root: Path) -> None:
    data = load_folder(root)
    assert (data.name, data.version, data.license) == ("mine", "2", "CC0")
    one, two = data.cases
    assert (one.id, one.subset, one.category, one.caption) == ("one", "multi", "Animal", "Two dogs run.")
    assert (one.short_caption, one.motion_prompt) == ("Dogs.", "They run.")
    assert [(o.id, o.name, o.prompt) for o in one.objects] == [(1, "left", "A dog."), (3, "right", "B.")]
    assert np.array_equal(one.first_frame.load(), picture())
    assert one.reference is not None
    assert len(one.reference.load(Protocol()).video.frames) == 4
    assert one.masks is not None
    masks = one.masks.load()
    assert masks.object_ids.tolist() == [1, 3]
    assert masks.frames.tolist() == [0, 2]
    assert masks.values.sum(axis=(2, 3)).tolist() == [[36, 36], [180, 180]]
    assert (two.short_caption, two.motion_prompt, two.category, two.masks) == ("A car.", "A car.", "", None)
    assert np.array_equal(two.first_frame.load(), picture())  # frame 0 of the reference


def test_it_can_be_pickled(root: Path) -> None:
    data = pickle.loads(pickle.dumps(load_folder(root)))
    assert manifest_sha256(data) == manifest_sha256(load_folder(root))


def test_schema_and_name_may_be_absent(root: Path, content: Json) -> None:
    for field in ("schema", "name", "version", "license"):
        del content[field]
    data = load_folder(put(root, content))
    assert (data.name, data.version, data.license) == ("data", "1", "")


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "not valid JSON"),
        ("{", "not valid JSON"),
        ("[1]", "a list"),
        ("null", "null"),
        ('{"cases": NaN}', "NaN"),
        ('{"cases": [], "cases": []}', "'cases' comes twice"),
        ("[" * 100_000 + "]" * 100_000, "nested too deeply"),
        ('{"cases": ' + "9" * 5000 + "}", "not valid JSON"),
        ('{"cases": []}', "at least one case"),
        ('{"cases": {}}', "at least one case"),
        ('{"schema": "motionbench.dataset/2", "cases": [{}]}', "motionbench.dataset/2"),
        ('{"cases": [3]}', "case number 1"),
        ('{"name": 3, "cases": [{}]}', "name"),
    ],
)
def test_bad_lists(root: Path, text: str, word: str) -> None:
    refused(put(root, text), word)


def test_bytes_that_are_no_text(root: Path) -> None:
    (root / "cases.json").write_bytes(b'{"cases": "\xff"}')
    refused(root, "UTF-8")
    (root / "cases.json").write_bytes(b"\xef\xbb\xbf" + b'{"cases": []}')
    refused(root, "at least one case")
    (root / "cases.json").unlink()
    refused(root, "there is no cases.json")


BAD_FIELDS: list[tuple[str, t.Any, str]] = [
    ("id", 7, "id"),
    ("id", None, "id"),
    ("id", "", "empty"),
    ("id", "a/b", "slash"),
    ("id", "a\\b", "slash"),
    ("id", "a\0b", "control"),
    ("id", "a\nb", "control"),
    ("id", "\x85", "control"),
    ("id", ".", "dot"),
    ("id", "..", "dot"),
    ("id", ".hidden", "dot"),
    ("id", "ü" * 101, "longer"),
    ("id", "\ud800", "id"),
    ("subset", "triple", "subset"),
    ("subset", None, "subset"),
    ("caption", 3, "caption"),
    ("caption", None, "caption"),
    ("caption", "\ud800", "caption"),
    ("short_caption", [], "short_caption"),
    ("objects", {}, "objects"),
    ("objects", [1], "objects[0]"),
    ("objects", [{"id": 0}], "objects[0].id"),
    ("objects", [{"id": -1}], "objects[0].id"),
    ("objects", [{"id": "1"}], "objects[0].id"),
    ("objects", [{"id": 1.0}], "objects[0].id"),
    ("objects", [{"id": True}], "objects[0].id"),
    ("objects", [{"id": 2**40}], "objects[0].id"),
    ("objects", [{"name": "x"}], "objects[0].id is missing"),
    ("objects", [{"id": 1, "name": 5}], "objects[0].name"),
    ("objects", [{"id": 1}, {"id": 1}], "id 1 twice"),
    ("first_frame", 3, "first_frame"),
    ("first_frame", "", "first_frame"),
    ("first_frame", "/etc/passwd", "relative"),
    ("first_frame", "C:\\x.png", "relative"),
    ("first_frame", "\\\\host\\x.png", "relative"),
    ("first_frame", "../x.png", "out of the folder"),
    ("first_frame", "one/../one/first.png", "out of the folder"),
    ("first_frame", "one\\..\\..\\x.png", "out of the folder"),
    ("first_frame", "one/none.png", "does not exist"),
    ("first_frame", "one", "not a file"),
    ("first_frame", "a\0b", "relative"),
    ("first_frame", "x" * 5000, "cannot be opened"),
    ("masks", "one/first.png", "not a folder"),
    ("masks", "one/none", "does not exist"),
    ("masks", ["one/masks"], "masks"),
    ("reference", "one/none.mp4", "does not exist"),
    ("reference", False, "reference"),
]


@pytest.mark.parametrize(("field", "value", "word"), BAD_FIELDS, ids=range(len(BAD_FIELDS)))
def test_bad_fields(root: Path, content: Json, field: str, value: t.Any, word: str) -> None:
    content["cases"][0][field] = value
    case = "case number 1" if (field == "id" and not value) or (field == "id" and value == 7) else "cases.json, case"
    refused(put(root, content), word, case)


@pytest.mark.parametrize("field", ["id", "subset", "caption"])
def test_missing_fields(root: Path, content: Json, field: str) -> None:
    del content["cases"][0][field]
    refused(put(root, content), f"{field} is missing")


def test_a_case_needs_a_picture(root: Path, content: Json) -> None:
    content["cases"][1]["reference"] = None
    refused(put(root, content), "case 'two'", "first_frame or a reference")


def test_ids_are_unique(root: Path, content: Json) -> None:
    content["cases"].append(copy.deepcopy(content["cases"][0]))
    refused(put(root, content), "'one' comes twice")


@pytest.mark.parametrize(
    "name", ["a b", 'it\'s "q"', "<script>alert(1)</script", "ünïcødé 视频", "-x", "%d", "a.b", "ü" * 100]
)
def test_odd_ids_are_fine(root: Path, content: Json, name: str) -> None:
    name = name.replace("/", "")
    content["cases"][0]["id"] = name
    assert load_folder(put(root, content)).cases[0].id == name


def test_odd_file_names_are_fine(root: Path, content: Json) -> None:
    name = "it's %05d <b> ü.png"
    (root / "one" / "first.png").rename(root / "one" / name)
    content["cases"][0]["first_frame"] = f"one/{name}"
    assert np.array_equal(load_folder(put(root, content)).cases[0].first_frame.load(), picture())


def test_links_must_not_lead_out(root: Path, content: Json, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    Image.fromarray(picture()).save(secret / "00000.png")
    (root / "out.png").symlink_to(secret / "00000.png")
    (root / "outside").symlink_to(secret)
    (root / "holds").mkdir()
    (root / "holds" / "00000.png").symlink_to(secret / "00000.png")
    (root / "inside.png").symlink_to(root / "one" / "first.png")
    (root / "loop").symlink_to(root / "loop")
    for field, value in (
        ("first_frame", "out.png"),
        ("first_frame", "outside/00000.png"),
        ("masks", "outside"),
        ("masks", "holds"),
        ("reference", "holds"),
        ("first_frame", "loop"),
    ):
        changed = copy.deepcopy(content)
        changed["cases"][0][field] = value
        refused(put(root, changed), "case 'one'", field)
    content["cases"][0]["first_frame"] = "inside.png"
    load_folder(put(root, content))
    elsewhere = tmp_path / "link"
    elsewhere.symlink_to(root)
    load_folder(elsewhere)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_unreadable_files(root: Path) -> None:
    (root / "one" / "first.png").chmod(0)
    refused(root, "case 'one'", "first_frame", "cannot be read")


def layered(root: Path, **folders: dict[int, np.ndarray]) -> None:
    for name, frames in folders.items():
        for frame, mask in frames.items():
            path = root / "one" / "masks" / name.lstrip("_") / f"{frame:05d}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.where(mask, 255, 0).astype(np.uint8)).save(path)


@pytest.fixture
def no_masks(root: Path) -> Path:
    for path in (root / "one" / "masks").iterdir():
        path.unlink()
    return root


def masks_of(root: Path) -> t.Any:
    masks = load_folder(root).cases[0].masks
    assert masks is not None
    return masks


def test_a_folder_for_each_object(no_masks: Path) -> None:
    full, half = np.ones((24, 32), dtype=bool), np.zeros((24, 32), dtype=bool)
    half[:12] = True
    layered(no_masks, _1={0: full, 3: half}, _3={0: half})
    masks = masks_of(no_masks).load()
    assert masks.frames.tolist() == [0, 3]
    assert masks.values.sum(axis=(2, 3)).tolist() == [[768, 384], [384, 0]]


def test_an_absent_object_has_an_empty_plane(root: Path) -> None:
    palette(root / "one" / "masks" / "00000.png", np.zeros((24, 32)))
    assert not masks_of(root).load().values[:, 0].any()


def broken(root: Path, word: str) -> None:
    masks = masks_of(root)  # the list itself is fine
    with pytest.raises(VideoError, match=word) as caught:
        masks.load()
    assert "\n" not in str(caught.value)
    with pytest.raises(DataError, match="1 of 2 cases are broken: 'one'"):
        verify(root)


def test_broken_masks_cost_one_case(root: Path) -> None:
    folder = root / "one" / "masks"
    labels = np.zeros((24, 32))
    labels[0, 0] = 2
    palette(folder / "00000.png", labels)
    broken(root, "unknown object id 2")
    (folder / "00000.png").write_bytes(b"junk")
    broken(root, "00000")
    palette(folder / "00000.png", np.zeros((24, 30)))
    broken(root, "differ in size")
    (folder / "00002.png").unlink()
    with pytest.raises(DataError, match="the masks are 30x24, the first frame is 32x24"):
        verify(root)
    (folder / "00000.png").unlink()
    broken(root, "no frame 0")
    palette(folder / "00001.png", np.zeros((24, 32)))
    broken(root, "no frame 0")
    Image.fromarray(picture()).save(folder / "00000.png")
    broken(root, "colours")
    palette(folder / "00000.png", np.zeros((24, 32)))
    palette(folder / "0.png", np.zeros((24, 32)))
    broken(root, "twice")


def test_broken_object_folders(no_masks: Path) -> None:
    full = np.ones((24, 32), dtype=bool)
    layered(no_masks, _1={0: full}, _2={0: full})
    broken(no_masks, "'2' is no object id")
    (no_masks / "one" / "masks" / "2" / "00000.png").unlink()
    (no_masks / "one" / "masks" / "2").rmdir()
    layered(no_masks, _3={0: full[:20]})
    broken(no_masks, "differ in size")
    palette(no_masks / "one" / "masks" / "00000.png", np.zeros((24, 32)))
    broken(no_masks, "at the same time")


def test_black_and_white_masks_are_explained(root: Path) -> None:
    Image.fromarray(np.full((24, 32), 255, dtype=np.uint8)).save(root / "one" / "masks" / "00000.png")
    with pytest.raises(VideoError, match="unknown object id 255") as caught:
        masks_of(root).load()
    assert "folder named by its object" in caught.value.hint


def test_broken_media_cost_one_case(root: Path) -> None:
    (root / "one" / "first.png").write_bytes(b"junk")
    (root / "two" / "00000.png").write_bytes(b"")
    for case in load_folder(root).cases:
        with pytest.raises(VideoError):
            case.first_frame.load()
    with pytest.raises(DataError, match="2 of 2 cases"):
        verify(root)


def test_verify_counts(root: Path) -> None:
    seen: list[tuple[int, int]] = []
    assert verify(root, lambda done, total: seen.append((done, total))) == 2
    assert seen == [(1, 2), (2, 2)]


def test_manifest_does_not_depend_on_order(root: Path, content: Json, tmp_path: Path) -> None:
    one = manifest_sha256(load_folder(root))
    content["cases"].reverse()
    assert manifest_sha256(load_folder(put(root, content))) == one
    root.rename(tmp_path / "moved")
    assert manifest_sha256(load_folder(tmp_path / "moved")) == one
    assert [case["id"] for case in manifest(load_folder(tmp_path / "moved"))["cases"]] == ["one", "two"]


@pytest.mark.parametrize(
    "file", ["one/first.png", "one/video.mp4", "one/masks/00000.png", "two/00001.png", "two/fps.txt", "two/00009.png"]
)
def test_manifest_depends_on_every_file(root: Path, file: str) -> None:
    before = manifest_sha256(load_folder(root))
    path = root / file
    path.write_bytes((path.read_bytes() if path.exists() else b"24") + b"\n")
    assert manifest_sha256(load_folder(root)) != before


@pytest.mark.parametrize("field", ["caption", "short_caption", "motion_prompt", "category", "subset", "id"])
def test_manifest_depends_on_every_text(root: Path, content: Json, field: str) -> None:
    before = manifest_sha256(load_folder(root))
    content["cases"][0][field] = "single"
    assert manifest_sha256(load_folder(put(root, content))) != before


def test_load_dataset(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_dataset(str(root)).name == "mine"
    assert load_dataset(root).name == "mine"
    with pytest.raises(ConfigError, match="no dataset named 'synht'") as caught:
        load_dataset("synht")
    assert "synth" in caught.value.hint
    with pytest.raises(DataError, match="does not exist"):
        load_dataset(root / "none")
    with pytest.raises(DataError, match="is a file"):
        load_dataset(root / "cases.json")
    with pytest.raises(DataError, match=r"no cases\.json"):
        load_dataset(root / "one")
    monkeypatch.chdir(root.parent)
    (root.parent / "synth").symlink_to(root)
    assert load_dataset("./synth").name == "mine"
    assert load_dataset("data").name == "mine"
    assert len(load_dataset("synth").cases) == 128


@pytest.mark.parametrize(("name", "count"), [("real_clips", 10), ("real_clips_nomask", 6), ("paper_gallery", 5)])
def test_real_folders(shared_data: Path, name: str, count: int) -> None:
    assert verify(shared_data / name) == count
