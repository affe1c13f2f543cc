"""A backend of another package declares weights: the run checks them first, and its numbers name them."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from motionbench import evaluate, weights
from motionbench.errors import WeightsError
from motionbench.weights.random import make_random

CODE = """
import numpy as np
from motionbench import weights
from motionbench.types import Backend, Metric, Need, Summary

def load():
    state = weights.load_state_dict(weights.path("raft-small"))
    factor = float(next(iter(state.values())).abs().mean())
    def compute(inputs, upstream):
        return {"luma": (inputs.clip.video.frames.mean(axis=(1, 2, 3)) * factor).astype(np.float32)}
    return compute

NET = Backend(name="net-luma", role="luma", recipe=1, load=load, weights=("raft-small",))
TWO = Backend(name="two-luma", role="luma", recipe=1, load=load, weights=("raft-small", "cotracker3"))
GLOW = Metric(
    "glow", 1, (Need("luma"),), lambda view: {"value": float(view.generated.roles["luma"]["luma"].mean())},
    lambda rows, seed: Summary(float(np.mean([r.values["value"] for r in rows])), method="mean"), "", "none", "Glow",
)
"""
PROFILE = 'name = "net"\n[protocol]\nframes = 4\n[backends]\nluma = "{}"\n[metrics]\ndefault = ["glow"]\n'


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """The package, installed; returns its folder."""
    site = tmp_path / "site"
    info = site / "weighty-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: weighty\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[motionbench.backends]\nnet-luma = weighty:NET\ntwo-luma = weighty:TWO\n"
        "[motionbench.metrics]\nglow = weighty:GLOW\n"
    )
    (site / "weighty.py").write_text(CODE)
    monkeypatch.syspath_prepend(str(site))
    importlib.invalidate_caches()
    yield site
    sys.modules.pop("weighty", None)


def score(tmp_path, root, name, backend="net-luma", **more):
    profile = tmp_path / f"{backend}.toml"
    profile.write_text(PROFILE.format(backend))
    more = {"limit": 2, "cache": tmp_path / "cache", **more}
    return evaluate("static", "synth", profile, tmp_path / name, weights_dir=root, **more)


@pytest.fixture
def random(tmp_path):
    make_random(tmp_path / "random", ["raft-small"])
    return tmp_path / "random"


def test_a_run_with_random_weights_says_so_and_names_them(plugin, tmp_path, random):
    run = score(tmp_path, random, "run")
    assert run.status == "complete"
    assert not run.official
    assert "the weights are random, for testing only" in run.reasons
    first = run.identity["metrics"]["glow"]["weights_sha256"]
    assert len(first) == 64
    assert (
        json.loads((tmp_path / "run" / "run.json").read_text())["identity"]["metrics"]["glow"]["weights_sha256"]
        == first
    )
    make_random(random, ["raft-small"], seed=1)
    other = score(tmp_path, random, "other")
    assert other.identity["metrics"]["glow"]["weights_sha256"] != first
    values = [next(e.value for e in r.estimates if e.subset == "all") for r in (run, other)]
    assert values[0] != values[1]  # the cache does not mistake one file for the other


@pytest.mark.slow
def test_two_workers_find_the_same_weights(plugin, tmp_path, random):
    score(tmp_path, random, "one")
    score(tmp_path, random, "two", workers=2, cache=tmp_path / "other-cache")
    for file in ("run.json", "cases.jsonl"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_missing_weights_stop_a_run_before_it_begins(plugin, tmp_path, monkeypatch):
    monkeypatch.setattr("motionbench.video.load_video", lambda *_: pytest.fail("a video was decoded"))
    with pytest.raises(WeightsError) as caught:
        score(tmp_path, tmp_path / "none", "run", "two-luma")
    assert len(caught.value.details) == 2
    assert not (tmp_path / "run").exists()


def test_the_command_line_lists_them_one_a_line(plugin, tmp_path):
    (tmp_path / "two.toml").write_text(PROFILE.format("two-luma"))
    (tmp_path / "videos").mkdir()
    (tmp_path / "videos" / "synth-000.mp4").write_bytes(b"no video, and nobody looks")
    environment = os.environ | {"PYTHONPATH": str(plugin), "MOTIONBENCH_WEIGHTS_DIR": str(tmp_path / "none")}
    line = ["evaluate", "videos", "--profile", "two.toml", "--out", "run", "--cache", "cache"]
    done = subprocess.run(
        [sys.executable, "-m", "motionbench", *line],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3, done.stderr
    assert done.stdout == ""
    lines = [text for text in done.stderr.splitlines() if "motionbench weights fetch" in text]
    assert lines[0].strip().startswith("cotracker3 (101.9 MB, CC-BY-NC-4.0): missing; run: ")
    assert lines[0].endswith("motionbench weights fetch cotracker3")
    assert lines[1].endswith("motionbench weights fetch raft-small")
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "run").exists()


def test_a_run_without_weights_needs_no_folder(tmp_path):
    run = evaluate(
        "static", "synth", "lite", tmp_path / "run", metrics=["flicker"], limit=1, cache=tmp_path / "c",
        weights_dir=tmp_path / "none",
    )  # fmt: skip
    assert run.identity["metrics"]["flicker"]["weights_sha256"] is None
    assert not (tmp_path / "none").exists()


def test_nothing_of_the_folder_is_in_the_files(plugin, tmp_path, random):
    score(tmp_path, random, "run")
    assert str(Path(tmp_path)) not in (tmp_path / "run" / "run.json").read_text()
    assert weights.folder() == random
