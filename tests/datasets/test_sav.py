"""SA-V: run lengths, both layouts, the real example, and what is refused."""

from __future__ import annotations

import json
import pickle
import typing as t
from pathlib import Path

import numpy as np
import pytest
import sav_trees as trees
from PIL import Image

from motionbench.datasets import load_dataset, manifest_sha256, verify
from motionbench.datasets.sav import find_recordings, load_annotation
from motionbench.datasets.sav.rle import decode
from motionbench.errors import DataError, MotionBenchError, VideoError
from motionbench.sources.request import first_masks
from motionbench.types import FrameMasks, Protocol


def runs(*lengths: int) -> np.ndarray:
    """The mask of 4 x 5 pixels with these runs of background and object, down the columns."""
    values = np.arange(len(lengths)) % 2 == 1
    return np.repeat(values, lengths).reshape(5, 4).T


@pytest.mark.parametrize(
    ("counts", "lengths"),
    [
        ("d0", (20,)),  # 20 = 20 + 0 * 32: 'd' is 48 + 32 + 20, more follows
        ("0d0", (0, 20)),
        ("12327", (1, 2, 3, 4, 10)),  # from the fourth number on, differences to the number two before
        ("532N7", (5, 3, 2, 1, 9)),  # 'N' is 48 + 30: -2 in five bits
    ],
)
def test_run_lengths_by_hand(counts: str, lengths: tuple[int, ...]) -> None:
    assert np.array_equal(decode(counts, (4, 5)), runs(*lengths))


@pytest.mark.parametrize(
    "counts", ["", "d", "c0", "0c0", "0e0", "0d0d", "12328", "1232", "12 27", "é0", "0" + "P" * 20]
)
def test_broken_run_lengths(counts: str) -> None:
    with pytest.raises(ValueError, match="its"):
        decode(counts, (4, 5))


def test_the_real_annotation(shared_data: Path) -> None:
    path = shared_data / "sav_example" / "sav_000001_manual.json"
    found, said = load_annotation(path), json.loads(path.read_text())
    assert (found.size, found.frame_count, found.masklets) == ((848, 480), 483, (0, 1, 2, 3, 4))
    masks = found.masks()
    assert masks.values.shape == (5, 121, 848, 480)
    assert masks.object_ids.tolist() == [1, 2, 3, 4, 5]
    assert masks.frames.tolist() == list(range(0, 481, 4))
    areas = masks.values.sum(axis=(2, 3))
    for k, area in enumerate(areas):
        seen = area > 0
        assert area[seen].mean() / (848 * 480) == pytest.approx(said["masklet_size_rel"][k], rel=1e-6)
        first = int(seen.argmax())
        assert first == said["masklet_first_appeared_frame"][k]
        assert int((seen[first:-1] != seen[first + 1 :]).sum()) == said["masklet_visibility_changes"][k]
    assert said["masklet_visibility_changes"][0] == 2
    assert said["masklet_visibility_changes"][2] == 10
    some = found.masks(masklets=(2, 4), frames=(0, 1, 8))
    assert (some.object_ids.tolist(), some.frames.tolist()) == ([3, 5], [0, 8])
    assert np.array_equal(some.values, masks.values[[2, 4]][:, [0, 2]])
    automatic = load_annotation(path.with_name("sav_000001_auto.json"))
    assert automatic.masks(frames=(0,)).values.sum(axis=(1, 2, 3)).min() > 0
    assert len(automatic.masklets) == 9


@pytest.fixture
def train(tmp_path: Path) -> Path:
    root = tmp_path / "sav_train"
    trees.add_train(root / "sav_000", "sav_000001")
    trees.add_train(root / "sav_001", "sav_000002", objects=1, seed=1)
    trees.captions(root, 'sav_000001,"Two squares, which move."', "sav_000002,One square moves.")
    return root


@pytest.fixture
def val(tmp_path: Path) -> Path:
    root = tmp_path / "sav_val"
    trees.add_val(root, "sav_000001")
    trees.add_val(root, "sav_000002", objects=1, seed=1)
    trees.put(root / "sav_val.txt", "sav_000001\nsav_000002\n")
    trees.captions(root, 'sav_000001,"Two squares, which move."', "sav_000002,One square moves.")
    return root


def test_both_layouts_give_the_same_cases(train: Path, val: Path) -> None:
    both = [load_dataset(train), load_dataset(val)]
    assert [data.name for data in both] == ["sav_train", "sav_val"]
    for one, other in zip(both[0].cases, both[1].cases, strict=True):
        assert (one.id, one.subset, one.caption, one.objects) == (other.id, other.subset, other.caption, other.objects)
        assert type(one) is type(other)
        assert one.masks is not None and other.masks is not None and one.reference is not None
        assert isinstance(one.masks, FrameMasks) and isinstance(other.masks, FrameMasks)
        assert other.reference is not None
        first, second = one.masks.load(), other.masks.load()
        assert np.array_equal(first.values, second.values)
        assert first.frames.tolist() == second.frames.tolist() == [0, 4, 8]
        assert first.object_ids.tolist() == second.object_ids.tolist() == [item.id for item in one.objects]
        assert one.masks.load_frames((4, 5)).frames.tolist() == other.masks.load_frames((4, 5)).frames.tolist() == [4]
        assert np.array_equal(first_masks(one, trees.SIZE), first.values[:, 0])
        clips = [case.reference.load(Protocol(frames=3)) for case in (one, other) if case.reference is not None]
        assert [clip.video.times.tolist() for clip in clips] == [[0.0, 0.125, 0.25]] * 2
        assert [clip.stride for clip in clips] == [3, 3]
        assert np.abs(one.first_frame.load().astype(int) - other.first_frame.load()).mean() < 4
        assert one.first_frame.load().shape == (*trees.SIZE, 3)
    case = both[0].cases[0]
    assert (case.subset, both[0].cases[1].subset) == ("multi", "single")
    assert (case.caption, case.short_caption) == ("Two squares, which move.", "Two squares, which move.")
    masks = t.cast(FrameMasks, case.masks).load().values
    assert (masks[0, 0] & masks[1, 0]).any(), "the objects overlap"
    assert masks.any(axis=(2, 3)).tolist() == [[True, True, True], [True, False, True]]
    assert pickle.loads(pickle.dumps(both[1].cases)) == both[1].cases
    assert manifest_sha256(both[0]) != manifest_sha256(both[1])
    assert verify(train) == verify(val) == 2


def test_what_is_scored_changes_the_manifest(train: Path) -> None:
    before = manifest_sha256(load_dataset(train))
    trees.put(train / "sav_000" / "sav_000001_manual.json", trees.annotation(trees.planes()[::-1], "sav_000001"))
    assert manifest_sha256(load_dataset(train)) != before


def test_objects_and_subset_from_the_list(train: Path) -> None:
    (train / "captions.csv").unlink()
    objects = [{"masklet": 1, "name": "right", "prompt": "The right square moves."}]
    rows = [
        {
            "id": "sav_000/sav_000001.mp4",
            "caption": "A.",
            "short_caption": "B.",
            "objects": objects,
            "category": "Other",
        },
        {"id": 2, "caption": "C.", "subset": "multi-object", "motion_prompt": "It moves."},
    ]
    trees.put(train / "captions.json", rows)
    one, two = load_dataset(train).cases
    assert [(o.id, o.name, o.prompt) for o in one.objects] == [(2, "right", "The right square moves.")]
    assert (one.subset, one.short_caption, one.category, one.motion_prompt) == ("single", "B.", "Other", "A.")
    assert (two.id, two.subset, two.motion_prompt, two.category) == ("sav_000002", "multi", "It moves.", "")
    masks = t.cast(FrameMasks, one.masks).load()
    assert masks.object_ids.tolist() == [2]
    assert np.array_equal(masks.values, trees.planes()[1:])


@pytest.mark.parametrize(
    ("objects", "word"),
    [
        ([{"name": "dog"}], "which mask"),
        ([{"masklet": 7}], "names the object 7"),
        ([{"masklet": 0}, {"masklet": 0}], "twice"),
        ([{"masklet": -1}], "no list of objects"),
        ("dog", "no list of objects"),
    ],
)
def test_objects_that_do_not_fit(train: Path, objects: t.Any, word: str) -> None:
    (train / "captions.csv").unlink()
    trees.put(train / "captions.jsonl", json.dumps({"id": "sav_000001", "caption": "A.", "objects": objects}))
    refused(train, word)


def refused(folder: Path, *words: str, error: type[MotionBenchError] = DataError) -> None:
    with pytest.raises(error) as caught:
        for case in load_dataset(folder).cases:
            assert case.masks is not None
            case.masks.load()
    assert "\n" not in caught.value.message
    for word in words:
        assert word in caught.value.message, caught.value.message


def edit(folder: Path, **fields: t.Any) -> dict[str, t.Any]:
    path = folder / "sav_000" / "sav_000001_manual.json"
    content = json.loads(path.read_text()) | fields
    trees.put(path, content)
    return t.cast("dict[str, t.Any]", content)


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"video_height": 32.0, "video_width": 48.0}, "a mask in frame 0 is 32x48, the video is 48x32"),
        ({"video_frame_count": 8.0}, "masks for 3 frames, but every fourth of the video's 8 is 2"),
        ({"video_frame_count": 13.0}, "every fourth of the video's 13 is 4"),
        ({"masklet_frame_count": [2, 3]}, "masklet_frame_count is [2, 3]"),
        ({"masklet_id": [0]}, "2 masks for 1 objects"),
        ({"masklet_id": [0, 0]}, "masklet_id is [0, 0]"),
        ({"masklet": "none"}, "masklet should be a valid array"),
        ({"video_width": None}, "video_width"),
    ],
)
def test_annotations_that_contradict_themselves(train: Path, fields: dict[str, t.Any], word: str) -> None:
    edit(train, **fields)
    refused(train, "sav_000001_manual.json", word)


def test_a_broken_mask_names_file_object_and_frame(train: Path) -> None:
    rows = edit(train)["masklet"]
    rows[2][1]["counts"] = rows[2][1]["counts"][:-1]
    edit(train, masklet=rows)
    refused(train, "sav_000001_manual.json", "object 1 in frame 8", "broken")


def test_a_broken_file(train: Path) -> None:
    path = train / "sav_000" / "sav_000001_manual.json"
    path.write_bytes(path.read_bytes()[:-40])
    refused(train, "sav_000001_manual.json is no SA-V annotation: Invalid JSON")


def test_a_frame_that_was_not_annotated(train: Path) -> None:
    rows = edit(train)["masklet"]
    rows[1][0] = None
    edit(train, masklet=rows)
    masks = load_dataset(train).cases[0].masks
    assert masks is not None
    assert masks.load().frames.tolist() == [0, 8]
    rows[0][1] = None
    edit(train, masklet=rows)
    refused(train, "no masks in frame 0", error=VideoError)


def test_masks_of_the_val_set_that_do_not_fit(val: Path) -> None:
    folder = val / "Annotations_6fps" / "sav_000001"
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(folder / "000" / "00004.png")
    refused(val, "differ in size", "9x9", error=VideoError)
    (folder / "000" / "00004.png").rename(folder / "000" / "00012.png")
    refused(val, "Annotations_6fps/sav_000001/000/00012.png is a mask of no frame")
    (folder / "000" / "00012.png").rename(folder / "000" / "notes.txt")
    for path in (folder / "000" / "00000.png", folder / "001" / "00000.png"):
        path.unlink()
    refused(val, "no frame 0", error=VideoError)
    (folder / "000").rename(folder / "dog")
    refused(val, "'dog', which is no object number")


def test_without_captions(train: Path) -> None:
    (train / "captions.csv").unlink()
    with pytest.raises(DataError, match="no captions") as caught:
        load_dataset(train)
    assert "captions.csv" in caught.value.hint


def test_missing_and_repeated_videos(train: Path) -> None:
    trees.captions(train, *(f"sav_{n:06d},A." for n in range(1, 11)))
    refused(train, "8 of 10 videos", "sav_000003, sav_000004, sav_000005, sav_000006, sav_000007 and 3 more")
    trees.captions(train, "sav_000001,A.", "sav_000001.mp4,B.")
    refused(train, "'sav_000001' twice")
    trees.captions(train, "sav_000001,A.", "1,B.")
    refused(train, "'sav_000001' twice, once by its number")
    trees.add_train(train / "copy", "sav_000001")
    refused(train, "there twice", "sav_000001.mp4")


def test_videos_without_annotation_are_found(tmp_path: Path) -> None:
    trees.add_train(tmp_path, "clip")
    (tmp_path / "clip_manual.json").unlink()
    trees.captions(tmp_path, "clip,A square.,2", header="id,caption,count")
    assert [(r.id, r.masks) for r in find_recordings(tmp_path).values()] == [("clip", None)]
    case = load_dataset(tmp_path).cases[0]
    assert (case.masks, case.subset, case.objects) == (None, "multi", ())
