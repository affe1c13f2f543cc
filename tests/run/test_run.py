"""The main job from end to end: the same bytes whatever the way, nothing decoded or computed twice."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time

import pytest

from motionbench import evaluate
from motionbench.errors import ConfigError, DataError
from motionbench.results import read_run, read_timing


def files(folder):
    return (folder / "run.json").read_bytes(), (folder / "cases.jsonl").read_bytes()


@pytest.fixture(scope="module")
def first(squares, outputs, tmp_path_factory):
    """One run that the others are compared with: (its folder, its cache)."""
    place = tmp_path_factory.mktemp("first")
    evaluate(outputs, squares, out=place / "run", cache=place / "cache", name="slow")
    return place / "run", place / "cache"


def test_a_run_is_complete_and_says_what_it_is(first):
    run = read_run(first[0])
    assert (run.status, run.official) == ("complete", True)
    assert run.identity.system.name == "slow"
    assert run.identity.dataset.subsets == {"single": 5, "multi": 5}
    rows = list(run.rows())
    assert len(rows) == 10 * len(run.identity.metrics)
    # Nothing stands still in these cases, and they are no synthetic scenes.
    apart = ("stillness", "text", "text_object")
    assert {r.status for r in rows if r.metric not in apart} == {"ok"}
    assert {r.status for r in rows if r.metric in apart} == {"not_applicable"}
    estimates = {(e.metric, e.subset): e for e in run.estimates}
    slow, true = estimates["ad", "all"].value, estimates["ad", "all"].details["reference"]
    assert slow < 0.75 * true  # half the speed; the background stands still in both
    assert estimates["ad", "all"].n == estimates["ad", "all"].expected == 10
    assert estimates["fvd", "all"].low is None
    assert estimates["flicker", "single"].low is None  # five cases carry no interval
    assert "8" in estimates["flicker", "single"].reason


def test_each_video_is_decoded_once(first):
    timing = read_timing(first[0])
    assert timing.decoded_videos == 20


def test_nothing_is_recomputed_on_a_warm_cache(first, squares, outputs, tmp_path):
    evaluate(outputs, squares, out=tmp_path, cache=first[1], name="slow")
    assert files(tmp_path) == files(first[0])
    timing = read_timing(tmp_path)
    assert (timing.decoded_videos, timing.cache.misses) == (0, 0)


def test_two_workers_give_the_same_bytes(first, squares, outputs, tmp_path):
    evaluate(outputs, squares, out=tmp_path / "run", cache=tmp_path / "cache", name="slow", workers=2)
    assert files(tmp_path / "run") == files(first[0])


def test_the_order_of_cases_does_not_matter(first, squares, outputs, tmp_path):
    shutil.copytree(squares, tmp_path / "data")
    content = json.loads((squares / "cases.json").read_text())
    random.Random(1).shuffle(content["cases"])
    (tmp_path / "data" / "cases.json").write_text(json.dumps(content))
    evaluate(outputs, tmp_path / "data", out=tmp_path / "run", cache=tmp_path / "cache", name="slow")
    assert files(tmp_path / "run") == files(first[0])


def test_the_same_bytes_without_a_cache_that_can_be_written(first, squares, outputs, tmp_path):
    (tmp_path / "cache").write_bytes(b"a file where the folder should be")
    evaluate(outputs, squares, out=tmp_path / "run", cache=tmp_path / "cache", name="slow")
    assert files(tmp_path / "run") == files(first[0])


@pytest.mark.slow
def test_a_killed_run_goes_on_where_it_was(first, squares, outputs, tmp_path):
    command = [sys.executable, "-m", "motionbench", "evaluate", str(outputs), "--dataset", str(squares)]
    command += ["--out", str(tmp_path / "run"), "--cache", str(tmp_path / "cache"), "--name", "slow", "--workers", "2"]
    draw = random.Random(0)
    for _ in range(5):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(draw.uniform(1.0, 5.0))
        process.kill()
        process.wait()
    stored = len(list((tmp_path / "cache").glob("*/*.safetensors")))
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    assert files(tmp_path / "run") == files(first[0])
    timing = read_timing(tmp_path / "run")
    assert len(list((tmp_path / "cache").glob("*/*.safetensors"))) - stored <= timing.cache.misses


def test_workers_end_when_their_parent_is_killed(squares, outputs, tmp_path):
    command = [sys.executable, "-m", "motionbench", "evaluate", str(outputs), "--dataset", str(squares)]
    command += ["--out", str(tmp_path / "run"), "--cache", str(tmp_path / "cache"), "--workers", "2"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    time.sleep(2.5)
    process.kill()
    process.wait()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            os.killpg(process.pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGKILL)
    pytest.fail("a worker outlived its parent")


def test_what_limits_a_run_makes_it_unofficial(squares, outputs, tmp_path):
    run = evaluate(outputs, squares, out=tmp_path, cache=tmp_path / "c", limit=3, metrics=["flicker"])
    assert not run.official
    assert len(run.rows) == 3
    assert len(run.reasons) == 2


def test_nothing_to_score_stops_before_anything_else(squares, tmp_path):
    (tmp_path / "videos").mkdir()
    with pytest.raises(DataError, match="none of the 10 cases has a video"):
        evaluate(tmp_path / "videos", squares, out=tmp_path / "run", cache=tmp_path / "c")
    assert not (tmp_path / "run" / "run.json").exists()


def test_wrong_requests_are_one_line(squares, outputs, tmp_path):
    with pytest.raises(ConfigError, match="no metric called"):
        evaluate(outputs, squares, out=tmp_path, metrics=["fdv"])
    with pytest.raises(ConfigError, match="limit"):
        evaluate(outputs, squares, out=tmp_path, limit=0)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ConfigError, match="cannot be written"):
        evaluate(outputs, squares, out=tmp_path / "file" / "run")
