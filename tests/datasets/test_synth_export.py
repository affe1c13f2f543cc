"""`export` writes what `load_dataset` reads, goes on where it stopped, and spoils no other folder."""

from __future__ import annotations

import json

import numpy as np
import pytest

from motionbench.datasets import load_dataset, synth
from motionbench.errors import ConfigError, DataError
from motionbench.types import Protocol


def snapshot(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_what_is_written_is_what_is_rendered(tmp_path):
    seen = []
    assert synth.export(tmp_path / "out", count=3, start=4, progress=lambda *a: seen.append(a)) == 3
    assert seen == [(1, 3), (2, 3), (3, 3)]
    data = load_dataset(tmp_path / "out")
    assert [case.id for case in data.cases] == ["synth-004", "synth-005", "synth-006"]
    for written, case in zip(data.cases, synth.dataset().cases[4:7], strict=True):
        assert (written.caption, written.short_caption, written.motion_prompt) == (
            case.caption,
            case.short_caption,
            case.motion_prompt,
        )
        assert (written.objects, written.subset, written.category) == (case.objects, case.subset, case.category)
        assert np.array_equal(written.first_frame.load(), case.first_frame.load())
        one, two = written.reference.load(Protocol(size=128)), case.reference.load(Protocol(size=128))
        assert np.array_equal(one.video.frames, two.video.frames) and one.fps == two.fps == 8.0
        assert np.array_equal(written.masks.load().values, case.masks.load().values)
        assert np.array_equal(written.masks.load().frames, np.arange(16))


def test_interrupted_and_repeated_exports_give_the_same_bytes(tmp_path):
    class Stop(Exception):
        pass

    def stop(done, total):
        if done == 2:
            raise Stop

    with pytest.raises(Stop):
        synth.export(tmp_path / "a", "train", 3, size=64, progress=stop)
    assert not (tmp_path / "a" / "cases.json").exists()
    # As if it had been killed between a picture and the video of the third scene.
    (tmp_path / "a" / "masks" / "synth-train-000002").mkdir()
    synth.export(tmp_path / "a", "train", 3, size=64)
    synth.export(tmp_path / "b", "train", 3, size=64)
    assert snapshot(tmp_path / "a") == snapshot(tmp_path / "b")
    before = (tmp_path / "b" / "reference" / "synth-train-000000.mp4").stat().st_mtime_ns
    synth.export(tmp_path / "b", "train", 4, size=64)
    assert (tmp_path / "b" / "reference" / "synth-train-000000.mp4").stat().st_mtime_ns == before
    assert len(json.loads((tmp_path / "b" / "cases.json").read_text())["cases"]) == 4


def test_an_odd_size(tmp_path):
    synth.export(tmp_path / "odd", count=1, size=33)
    case = load_dataset(tmp_path / "odd").cases[0]
    scene = synth.render(0, size=33)
    assert np.array_equal(case.first_frame.load(), scene.video.frames[0])
    clip = case.reference.load(Protocol(size=33, multiple=1))
    assert np.array_equal(clip.video.frames, scene.video.frames)


def test_other_folders_are_left_alone(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "cases.json").write_text("{}")
    with pytest.raises(ConfigError, match="not empty"):
        synth.export(tmp_path / "mine", count=1)
    synth.export(tmp_path / "out", count=1, size=32)
    for arguments in ({"size": 48}, {"split": "train", "size": 32}):
        with pytest.raises(ConfigError, match="another split, size or version"):
            synth.export(tmp_path / "out", count=1, **arguments)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"split": "val"}, "val"),
        ({"count": 0}, "0"),
        ({"start": -1}, "-1"),
        ({"size": 8}, "8"),
        ({"split": "train"}, "how many"),
        ({"start": 128}, "how many"),
    ],
)
def test_bad_arguments(tmp_path, arguments, word):
    with pytest.raises(ConfigError, match=word):
        synth.export(tmp_path / "out", **arguments)
    assert not (tmp_path / "out").exists()


def test_a_file_in_the_way_is_one_line(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(DataError, match="cannot be written"):
        synth.export(tmp_path / "file" / "out", count=1)
