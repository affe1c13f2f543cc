"""The benchmark of synth: cases, assets, hashes, and that the bytes are the same everywhere."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from motionbench.datasets import synth
from motionbench.datasets.synth import assets, benchmark
from motionbench.errors import DataError
from motionbench.types import Case, Protocol

RENDER = (
    "import sys; from motionbench.datasets.synth import render; from motionbench.datasets.synth.assets import hashes;"
    "print(*[hashes(render(int(i))).frames for i in sys.argv[1:]])"
)


def test_cases():
    data = synth.dataset()
    assert (data.name, data.version) == ("synth", "1.0")
    assert [case.id for case in data.cases] == [f"synth-{i:03d}" for i in range(128)]
    assert Counter(case.subset for case in data.cases) == {"single": 64, "multi": 64}
    for case in data.cases:
        assert len(case.objects) == 1 if case.subset == "single" else 2 <= len(case.objects) <= 4
    # A limited run sees both subsets.
    assert {case.subset for case in data.cases[:4]} == {"single", "multi"}


def test_assets_load_what_render_gives():
    case = pickle.loads(pickle.dumps(synth.dataset().cases[9]))
    scene = synth.render(9)
    assert isinstance(case, Case) and case == synth.dataset().cases[9]
    assert np.array_equal(case.first_frame.load(), scene.video.frames[0])
    assert np.array_equal(case.masks.load().values, scene.masks.values)
    clip = case.reference.load(Protocol(size=128))
    assert np.array_equal(clip.video.frames, scene.video.frames) and clip.fps == 8.0
    assert case.reference.load(Protocol()).video.frames.shape == (16, 256, 256, 3)
    assert len({case.first_frame.digest(), case.reference.digest(), case.masks.digest()}) == 3


def test_one_case_is_rendered_once(monkeypatch):
    count = Counter()
    monkeypatch.setattr(assets, "render", lambda *a: (count.update(["render"]), synth.render(*a))[1])
    assets._last.cache_clear()
    case = synth.dataset().cases[50]
    digests = [asset.digest() for asset in (case.first_frame, case.reference, case.masks)]
    assert count["render"] == 0 and all(len(d) == 64 for d in digests)
    case.reference.load(Protocol())
    case.first_frame.load()
    case.masks.load()
    assert count["render"] == 1
    assets._last.cache_clear()


@pytest.mark.parametrize("asset", ["first_frame", "reference", "masks"])
def test_other_bytes_are_a_data_error(asset):
    broken = replace(getattr(synth.dataset().cases[2], asset), sha="0" * 64)
    with pytest.raises(DataError, match="synth-002"):
        broken.load(Protocol()) if asset == "reference" else broken.load()


def test_verify_names_the_case(monkeypatch):
    known = dict(benchmark.manifest())
    known["synth-001"] = replace(known["synth-001"], masks="0" * 64)
    monkeypatch.setattr(benchmark, "manifest", lambda: known)
    seen = []
    with pytest.raises(DataError, match="synth-001: the masks"):
        synth.verify(lambda done, total: seen.append((done, total)))
    assert seen == [(1, 128)]


def test_every_case_has_the_bytes_of_the_manifest():
    assert synth.verify() == 128


def dispatched() -> str:
    """The processor features that this NumPy would use beyond its baseline."""
    core = np._core if hasattr(np, "_core") else np.core
    return " ".join(core._multiarray_umath.__cpu_dispatch__)


def test_other_processes_threads_and_processor_features_give_the_same_bytes():
    wanted = [synth.manifest()[f"synth-{i:03d}"].frames for i in (5, 60)]
    for threads, disabled in (("1", ""), ("2", dispatched())):
        environment = {"OMP_NUM_THREADS": threads, "PYTHONHASHSEED": threads, "NPY_DISABLE_CPU_FEATURES": disabled}
        command = [sys.executable, "-W", "ignore", "-c", RENDER, "5", "60"]
        out = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
        assert out.stdout.split() == wanted


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": "other", "cases": {}}'])
def test_a_broken_manifest_is_a_data_error(monkeypatch, tmp_path, text):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / benchmark.MANIFEST).write_text(text)
    monkeypatch.setattr(benchmark.resources, "files", lambda package: tmp_path)
    with pytest.raises(DataError, match="manifest"):
        benchmark.manifest.__wrapped__()


def test_written_manifest_is_the_shipped_one(monkeypatch):
    monkeypatch.setattr(benchmark, "CASES", 2)
    cases = json.loads(benchmark.write_manifest())["cases"]
    assert cases == {
        name: {k: getattr(v, k) for k in ("image", "frames", "masks")}
        for name, v in sorted(synth.manifest().items())[:2]
    }


def test_training_scenes_have_digests_of_their_content():
    first, second = (synth.render(i, split="train").case for i in (0, 1))
    assert first.id == "synth-train-000000"
    assert len({asset.digest() for c in (first, second) for asset in (c.first_frame, c.reference, c.masks)}) == 6
    assert first.reference.load(Protocol()).video.frames.shape[0] == 16


def test_a_scene_takes_a_quarter_of_a_second_with_all_ground_truth():
    seconds = []
    for index in range(1, 40, 4):
        start = time.process_time()
        scene = synth.render(index)
        for part in ("video", "masks", "amodal", "flow", "tracks", "case"):
            getattr(scene, part)
        seconds.append(time.process_time() - start)
    assert np.median(seconds) < 0.25
