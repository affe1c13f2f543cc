"""Whatever is wrong with one video is one line in its rows, and nothing else is lost."""

from __future__ import annotations

import json
import shutil
import unicodedata

import av
import numpy as np
import pytest
from squares import build, scene, write_png, write_video

from motionbench import evaluate
from motionbench.errors import ConfigError, DataError
from motionbench.results import read_run
from motionbench.run import Listener


def rows_of(run, case_id):
    return {row.metric: row for row in run.rows if row.case_id == case_id}


def notes(run, case_id):
    return {row.note for row in run.rows if row.case_id == case_id and row.status in ("failed", "missing")}


def truncated(path):
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def audio_only(path):
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=44100)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate, frame.pts = 44100, 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


BROKEN = {
    "case-0": lambda path: path.write_bytes(b""),
    "case-1": truncated,
    "case-2": lambda path: path.write_text("this is no video\n" * 20),
    "case-3": audio_only,
    "case-4": lambda path: write_video(path, scene(4)[0][:1]),
    "case-5": lambda path: path.unlink(),
    "case-6": lambda path: shutil.copy(path, path.with_suffix(".mov")),
    "case-7": lambda path: write_video(path, scene(7)[0][:2]),
}


def test_broken_videos_fail_alone(squares, outputs, tmp_path):
    shutil.copytree(outputs, tmp_path / "videos")
    for case_id, break_it in BROKEN.items():
        break_it(tmp_path / "videos" / f"{case_id}.mp4")
    write_video(tmp_path / "videos" / "of no case.mp4", scene(0)[0])
    warnings = []
    listener = Listener(warn=warnings.append)
    run = evaluate(tmp_path / "videos", squares, out=tmp_path / "run", cache=tmp_path / "cache", listener=listener)
    assert run.status == "partial"
    for case_id in ("case-8", "case-9"):
        # `stillness` is about objects that should stand still, `text` about synthetic scenes.
        apart = ("stillness", "text", "text_object")
        assert {r.status for m, r in rows_of(run, case_id).items() if m not in apart} == {"ok"}
    for case_id in BROKEN:
        (note, *_) = found = notes(run, case_id)
        assert found, case_id
        assert all(n and "\n" not in n and "Traceback" not in n for n in found), note
    assert {r.status for r in rows_of(run, "case-5").values()} == {"missing"}
    for case_id in ("case-0", "case-1", "case-2", "case-3", "case-6"):
        assert {r.status for r in rows_of(run, case_id).values()} == {"failed"}
    single = rows_of(run, "case-4")
    assert single["first_frame"].status == "ok"  # one frame is enough for this, and for nothing that moves
    assert single["ad"].status == single["fvd"].status == "failed"
    assert "1 frame" in single["ad"].note
    assert any("of no case" in w for w in warnings)
    assert any("case-5" in w for w in warnings)
    assert any("case-6" in w for w in warnings)
    estimate = next(e for e in run.estimates if e.metric == "flicker" and e.subset == "all")
    assert (estimate.n, estimate.expected, estimate.status) == (3, 10, "incomplete")


MASKS = {
    "case-0": (np.zeros((96, 96), np.uint8), "not_applicable"),
    "case-1": (np.ones((48, 48), np.uint8), "failed"),
    "case-2": (np.full((96, 96), 7, np.uint8), "failed"),
}


def test_bad_masks_fail_alone(squares, outputs, tmp_path):
    shutil.copytree(squares, tmp_path / "data")
    for number, (mask, _) in enumerate(MASKS.values()):
        write_png(tmp_path / "data" / f"cases/{number:02d}/masks/00000.png", mask)
    run = evaluate(outputs, tmp_path / "data", out=tmp_path / "run", cache=tmp_path / "cache")
    for case_id, (_, status) in MASKS.items():
        row = rows_of(run, case_id)["survival"]
        assert row.status == status, row
        assert row.note
        assert "\n" not in row.note
    assert rows_of(run, "case-3")["survival"].status == "ok"


NAMES = [
    "with space",
    'quote\'s "name"',
    "<script>alert(1)</script>".replace("/", "∕"),
    "ünïcødé 文字",
    "-dash",
    "%05d",
    "a;b&c",
]


def test_hostile_names_are_only_names(tmp_path):
    data = build(tmp_path / "data", NAMES)
    videos = tmp_path / "videos"
    for number, name in enumerate(NAMES):
        form = "NFD" if number % 2 else "NFC"
        write_video(videos / f"{unicodedata.normalize(form, name)}.mp4", scene(number)[0])
    run = evaluate(videos, data, out=tmp_path / "run", cache=tmp_path / "cache", metrics=["flicker"])
    assert run.status == "complete"
    assert {r.case_id for r in run.rows} == set(NAMES)
    page = (tmp_path / "run" / "report.html").read_text()
    assert "<script>alert" not in page


def change(**fields):
    return lambda content: content["cases"][0].update(fields)


@pytest.mark.parametrize(
    "break_it",
    [
        lambda content: content.update(cases="none"),
        lambda content: content["cases"].append(content["cases"][0]),
        change(subset="triple"),
        change(objects="one"),
        change(objects=[{"id": "1", "name": "x", "prompt": "x"}]),
        change(reference="/etc/passwd"),
        change(reference="../../x.mp4"),
        change(first_frame="cases/../../x.png"),
        change(masks="cases/none"),
        change(caption=3),
        change(id=""),
        change(id="../evil"),
        change(id="a/b"),
    ],
)
def test_a_malformed_dataset_is_refused_in_one_line(squares, outputs, tmp_path, break_it):
    shutil.copytree(squares, tmp_path / "data")
    content = json.loads((squares / "cases.json").read_text())
    break_it(content)
    (tmp_path / "data" / "cases.json").write_text(json.dumps(content))
    with pytest.raises(DataError) as caught:
        evaluate(outputs, tmp_path / "data", out=tmp_path / "run", cache=tmp_path / "cache")
    assert "\n" not in caught.value.message
    assert not (tmp_path / "run").exists()


def test_pictures_that_cannot_be_written_cost_the_page_and_no_number(squares, outputs, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "media").write_bytes(b"a file where the folder should be")
    warnings = []
    with pytest.raises(ConfigError, match="cannot write"):
        evaluate(
            outputs,
            squares,
            out=tmp_path / "run",
            cache=tmp_path / "cache",
            metrics=["flicker"],
            listener=Listener(warn=warnings.append),
        )
    assert len(warnings) == 1
    assert "pictures cannot be written" in warnings[0]
    assert len(list(read_run(tmp_path / "run").rows())) == 10
