"""`motionbench weights`: tables, exit codes, questions, and no download that was not asked for."""

from __future__ import annotations

import json
import os
import sys

import pytest
from server import CONTENT, OTHER, SHA256

from motionbench import weights
from motionbench.cli import main
from motionbench.cli.transfers import Transfers


@pytest.fixture
def command(monkeypatch, capsys):
    """command(line...) runs the command line in this process: exit code, stdout, stderr."""

    def run(*line):
        monkeypatch.setattr(sys, "argv", ["motionbench", *map(str, line)])
        with pytest.raises(SystemExit) as end:
            main()
        out, err = capsys.readouterr()
        return end.value.code, out, err

    return run


def test_the_table(command, tmp_path):
    code, out, err = command("weights", "ls", "--weights-dir", tmp_path)
    assert (code, err) == (0, "")
    lines = {line.split()[0]: line for line in out.splitlines()}
    assert "absent  101.9 MB       CC-BY-NC-4.0 (no commercial use)  CoTracker3" in lines["cotracker3"]
    assert set(lines) == set(weights.shipped())
    code, out, _ = command("weights", "ls", "--weights-dir", tmp_path, "--json")
    rows = {row["name"]: row for row in json.loads(out)}
    assert rows["raft-small"]["state"] == "absent"
    assert rows["raft-small"]["bytes"] == 4_006_189
    assert rows["cotracker3"]["non_commercial"] is True
    assert list(tmp_path.iterdir()) == []


def test_ls_weights_lists_them_too(command):
    code, out, _ = command("ls", "weights", "--json")
    assert code == 0
    assert {"name", "about", "license"} <= set(json.loads(out)[0])


def test_fetch_and_verify(command, tmp_path, server, listed):
    listed("a", [server.url("good")], sha256=SHA256)
    code, out, err = command("weights", "fetch", "a", "--weights-dir", tmp_path)
    path = tmp_path / "a" / "a.pt"
    assert (code, out) == (0, f"{path}\n")
    assert "a: 0.0 of 0.0 MB" in err
    assert command("weights", "verify", "a", "--weights-dir", tmp_path)[:2] == (0, f"a  {SHA256}\n")
    assert command("weights", "verify", "--weights-dir", tmp_path)[:2] == (0, f"a  {SHA256}\n")
    time = path.stat().st_mtime_ns
    path.write_bytes(OTHER)
    os.utime(path, ns=(time, time))  # unchanged by its look: verify reads it all the same
    code, out, _ = command("weights", "verify", "--weights-dir", tmp_path)
    assert code == 3
    assert f"expected {SHA256}" in out


@pytest.mark.parametrize("how", ["a", "CC-BY-NC-4.0"])
def test_a_licence_is_accepted_by_name(command, tmp_path, server, listed, how):
    listed("a", [server.url("good")], sha256=SHA256, non_commercial=True, license="CC-BY-NC-4.0")
    code, _, err = command("weights", "fetch", "a", "--weights-dir", tmp_path)
    assert code == 3
    assert "forbids commercial use" in err
    assert "hint: motionbench weights fetch a --accept-license CC-BY-NC-4.0" in err
    code, _, _ = command("weights", "fetch", "a", "--weights-dir", tmp_path, "--accept-license", how, "--quiet")
    assert code == 0
    assert (tmp_path / "a" / "a.pt").read_bytes() == CONTENT


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 3)])
def test_on_a_terminal_the_licence_is_a_question(command, tmp_path, server, listed, monkeypatch, answer, code):
    listed("a", [server.url("good")], sha256=SHA256, non_commercial=True, license="CC-BY-NC-4.0")
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    asked = []
    monkeypatch.setattr("typer.confirm", lambda text, **_: asked.append(text) or answer == "y")
    assert command("weights", "fetch", "a", "--weights-dir", tmp_path, "--quiet")[0] == code
    assert len(asked) == 1
    assert "CC-BY-NC-4.0" in asked[0]


def test_offline_is_obeyed(command, tmp_path, server, listed, monkeypatch):
    listed("a", [server.url("good")], sha256=SHA256)
    assert command("weights", "fetch", "a", "--weights-dir", tmp_path, "--offline")[0] == 3
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    code, _, err = command("weights", "fetch", "a", "--weights-dir", tmp_path)
    assert code == 3
    assert "forbidden" in err
    assert server.asked == []


@pytest.mark.parametrize(
    ("line", "code", "text"),
    [
        ("weights fetch", 2, "names, or --profile"),
        ("weights fetch raft-smal", 2, "did you mean raft-small"),
        ("weights fetch --profile none", 2, "no profile named"),
        ("weights verify raft-small", 3, ""),
        ("weights make-random", 2, "folder"),
        ("weights nothing", 2, "nothing"),
    ],
)
def test_mistakes_are_one_line(command, tmp_path, monkeypatch, line, code, text):
    monkeypatch.setenv("MOTIONBENCH_WEIGHTS_DIR", str(tmp_path))
    done, out, err = command(*line.split())
    assert done == code
    assert text in err + out
    assert "Traceback" not in err


def test_a_profile_names_its_weights(command, tmp_path):
    assert command("weights", "fetch", "--profile", "lite", "--weights-dir", tmp_path, "--offline")[:2] == (0, "")


def test_all_sources_that_failed_are_printed(command, tmp_path, server, listed):
    listed("a", [server.url("missing"), server.url("page")], sha256=SHA256)
    code, _, err = command("weights", "fetch", "a", "--weights-dir", tmp_path)
    assert code == 3
    assert "  http://127.0.0.1" in err
    assert "HTTP 404" in err
    assert "web page" in err


def test_random_stand_ins(command, tmp_path):
    code, out, err = command("weights", "make-random", tmp_path / "r", "raft-small")
    assert (code, out) == (0, f"{tmp_path / 'r'}\n")
    assert err == "raft-small: made\n"
    _, out, _ = command("weights", "ls", "--weights-dir", tmp_path / "r")
    assert "raft-small       present (random)" in out
    code, _, err = command("weights", "make-random", tmp_path / "r", "i3d-torchscript")
    assert code == 2
    assert "cannot be made at random: i3d-torchscript" in err


def test_progress_has_lines_with_the_time_left(capsys, monkeypatch):
    clock = iter([0.0, 0.0, 11.0, 22.0])
    monkeypatch.setattr("motionbench.cli.transfers.time.monotonic", lambda: next(clock))
    with Transfers(quiet=False) as transfers:
        transfers.show("a", 0, 200_000_000)
        transfers.show("a", 1_000_000, 200_000_000)
        transfers.show("a", 110_000_000, 200_000_000)
        transfers.show("a", 200_000_000, 200_000_000)
    assert capsys.readouterr().err == "a: 110.0 of 200.0 MB, about 9 s left\na: 200.0 of 200.0 MB\n"
