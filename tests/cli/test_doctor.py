"""`motionbench doctor`: what it finds, what it exits with, and numbers that do not agree."""

from __future__ import annotations

import copy
import dataclasses
import json
import sys

import numpy as np
import pytest

from motionbench import doctor, numerics
from motionbench.cli import main


@pytest.fixture
def command(monkeypatch, capsys, tmp_path):
    def run(*line):
        place = ("--weights-dir", tmp_path / "w", "--cache", tmp_path / "c")
        monkeypatch.setattr(sys, "argv", ["motionbench", "doctor", *map(str, (*line, *place))])
        with pytest.raises(SystemExit) as end:
            main()
        out, err = capsys.readouterr()
        return end.value.code, out, err

    return run


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    from motionbench.profiles import load_profile

    return dict(numerics.measure(load_profile("lite"), tmp_path_factory.mktemp("weights")))


def test_this_machine_can_run_the_profile_lite(command):
    code, out, err = command("--json")
    found = json.loads(out)
    assert (code, err) == (0, "")
    assert found["ok"] and found["profiles"]["lite"] == {"ok": True, "problems": []}
    assert found["decoder"]["ok"] and found["decoder"]["mean_error"] < 4
    assert found["cache"]["writable"]
    assert found["versions"]["numpy"] == np.__version__
    assert {row["name"]: row["state"] for row in found["weights"]}["i3d"] == "absent"


def test_it_is_readable_too(command):
    code, out, _ = command()
    assert code == 0
    for text in ("PyAV", "round trip ok", "CPU threads", "CC-BY-NC-4.0", "profile    lite: can run"):
        assert text in out


def test_a_broken_decoder_is_found(command, monkeypatch):
    def broken(*_):
        raise RuntimeError("no such codec")

    monkeypatch.setattr("motionbench.video.load_video", broken)
    code, out, _ = command()
    assert code == 4
    assert "broken: video cannot be written and read: RuntimeError: no such codec" in out
    assert "lite: videos cannot be decoded" in out


def test_a_decoder_that_changes_pictures_is_found(monkeypatch):
    from motionbench import video

    real = video.load_video

    def darker(path, protocol):
        clip = real(path, protocol)
        frames = clip.video.frames // 2
        return dataclasses.replace(clip, video=dataclasses.replace(clip.video, frames=frames))

    monkeypatch.setattr("motionbench.video.load_video", darker)
    assert not doctor.check_decoder()["ok"]


def test_an_unwritable_cache_is_found(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    found = doctor.report(tmp_path, tmp_path / "file" / "cache")
    assert not found["cache"]["writable"]
    assert found["ok"]  # a run goes on without a cache


def test_the_shipped_values_hold_here(measured):
    stored = numerics._stored()
    compared = [numerics.compare(name, result, stored.get(name)) for name, result in measured.items()]
    assert {finding.verdict for finding in compared} <= {"equal", "close", "not stored"}
    assert sum(finding.verdict in ("equal", "close") for finding in compared) >= 4


def test_the_same_bits_are_equal(measured):
    for name, result in measured.items():
        assert numerics.compare(name, result, result).verdict == "equal"


def changed(result, factor):
    other = copy.deepcopy(result)
    for arrays in other["clips"].values():
        for entry in arrays.values():
            entry["sha256"] = "0" * 64
            for key in ("mean", "rms"):
                entry[key] *= factor
    return other


def test_small_differences_are_close_and_large_ones_differ(measured):
    flow = measured["dis"]
    assert numerics.compare("dis", flow, changed(flow, 1 + 1e-5)).verdict == "close"
    finding = numerics.compare("dis", flow, changed(flow, 1.01))
    assert finding.verdict == "differs"
    assert finding.difference == pytest.approx(0.01, rel=0.2)
    assert "synth-00" in finding.note


def test_another_shape_differs(measured):
    other = copy.deepcopy(measured["dis"])
    other["clips"]["synth-000"]["uv"]["shape"][0] += 1
    assert numerics.compare("dis", measured["dis"], other).verdict == "differs"


def test_another_recipe_is_another_backend(measured):
    other = copy.deepcopy(measured["dis"])
    other["recipes"]["dis"] += 1
    assert numerics.compare("dis", measured["dis"], other).verdict == "not stored"


def test_values_are_stored_for_their_weights(measured):
    one, other = ({**measured["dis"], "weights_sha256": letter * 64} for letter in "ab")
    stored = {numerics.key("dis", one): one}
    assert list(stored) == ["dis@aaaaaaaaaaaa"] and numerics.key("dis", measured["dis"]) == "dis"
    assert numerics.compare("dis", one, numerics.find("dis", one, stored)).verdict == "equal"
    finding = numerics.compare("dis", other, numerics.find("dis", other, stored))
    assert (finding.verdict, finding.note) == ("not stored", "the stored values are those of other weights")
    assert numerics.find("lk", measured["lk"], stored) is None


def test_the_command_names_what_differs(command, monkeypatch, measured):
    stored = {name: result for name, result in measured.items() if name != "lk"}
    stored["dis"] = changed(stored["dis"], 1.01)
    monkeypatch.setattr(numerics, "_stored", lambda: stored)
    monkeypatch.setattr(numerics, "measure", lambda profile, root: iter(measured.items()))
    code, out, _ = command("--numerics")
    assert code == 4
    assert "dis: DIFFERS from the stored values by more than 0.001 (relative)" in out
    assert "photometric: the stored values, bit for bit" in out
    assert "lk: runs; no stored values to compare with" in out


def test_a_backend_without_its_weights_is_no_difference(tmp_path, monkeypatch):
    from motionbench import registry
    from motionbench.profiles import load_profile

    real = registry.load

    def load(kind, name):
        value = real(kind, name)
        return dataclasses.replace(value, weights=("raft-large",)) if name == "dis" else value

    monkeypatch.setattr(registry, "load", load)
    found = {finding.backend: finding for finding in numerics.check(load_profile("lite"), tmp_path)}
    assert found["dis"].verdict == "not available"
    assert found["descriptor"].verdict == "not available"  # it builds on the flow
    assert found["photometric"].verdict == "equal"
