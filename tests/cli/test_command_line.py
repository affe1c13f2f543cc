"""The command line's promises: exit codes, one-line errors, JSON alone on stdout, an instant --help."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "run"))
from squares import build, scene, write_video


def motionbench(*arguments, cwd=None, env=None):
    command = [sys.executable, "-m", "motionbench", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=env, check=False)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cli")
    build(folder / "data", ["a", "b"])
    for number, name in enumerate("ab"):
        write_video(folder / "videos" / f"{name}.mp4", scene(number, speed=1.0)[0])
    return folder


def arguments(place, out, *more):
    return ("evaluate", place / "videos", "--dataset", place / "data", "--out", out, "--cache", place / "c", *more)


def test_help_is_instant_and_light():
    program = (
        "import sys, resource\n"
        "sys.argv = ['motionbench', '--help']\n"
        "from motionbench.cli import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert end.code == 0, end.code\n"
        "used = resource.getrusage(resource.RUSAGE_SELF)\n"
        "heavy = {'torch', 'cv2', 'pandas', 'av', 'scipy', 'diffusers'} & set(sys.modules)\n"
        "print('SECONDS', used.ru_utime + used.ru_stime, sorted(heavy))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    *_, last = done.stdout.strip().splitlines()
    _, seconds, heavy = last.split(maxsplit=2)
    assert "evaluate" in done.stdout
    assert heavy == "[]"
    assert float(seconds) < 0.5


def test_json_is_all_there_is_on_stdout(place, tmp_path):
    done = motionbench(*arguments(place, tmp_path / "run", "--json"))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["schema"] == "motionbench.run/1"
    assert "cases" in done.stderr


def test_quiet_says_nothing_but_the_table(place, tmp_path):
    done = motionbench(*arguments(place, tmp_path / "run", "--quiet"))
    assert (done.returncode, done.stderr) == (0, "")
    assert "flicker" in done.stdout


@pytest.mark.parametrize(
    ("line", "code", "text"),
    [
        ("evaluate", 2, "either a folder of videos or --model"),
        ("evaluate nowhere --dataset synth", 2, "not a folder"),
        ("evaluate --model nothing", 2, "no model called"),
        ("evaluate --model static --dataset nowhere/at/all", 3, "does not exist"),
        ("evaluate --model static --profile nothing", 2, "no profile named"),
        ("evaluate --model static --subset triple", 2, "triple"),
        ("evaluate --model static -o key", 2, "key=value"),
        ("evaluate --model static --workers 0", 2, "--workers 0"),
        ("evaluate --modle static", 2, "--modle"),
        ("report nowhere", 3, "cannot read"),
        ("leaderboard add nowhere", 3, ""),
        ("nonsense", 2, "nonsense"),
    ],
)
def test_errors_are_one_line_and_a_hint_with_their_exit_code(tmp_path, line, code, text):
    done = motionbench(*line.split(), cwd=tmp_path)
    assert done.returncode == code, done.stderr
    assert text in done.stderr
    assert "Traceback" not in done.stderr
    first, *rest = done.stderr.strip().splitlines()
    assert first.startswith("error: ")
    assert len(rest) <= 1
    assert done.stdout == ""


def test_failed_and_missing_cases_end_with_4_unless_allowed(place, tmp_path):
    videos = tmp_path / "videos"
    write_video(videos / "a.mp4", scene(0)[0])
    line = ("evaluate", videos, "--dataset", place / "data", "--out", tmp_path / "run", "--cache", place / "c")
    missing = motionbench(*line)
    assert missing.returncode == 4
    assert "missing" in missing.stderr
    allowed = motionbench(*line, "--allow-missing", "--json")
    assert allowed.returncode == 0
    content = json.loads(allowed.stdout)
    assert (content["status"], content["official"]) == ("partial", False)
    (videos / "b.mp4").write_bytes(b"")
    assert motionbench(*line, "--allow-missing").returncode == 4


@pytest.mark.parametrize("kind", ["models", "metrics", "backends", "profiles", "datasets"])
def test_ls_lists_everything_and_nothing_is_broken(kind):
    entries = json.loads(motionbench("ls", kind, "--json").stdout)
    assert entries
    assert all(entry["about"] and not entry["about"].startswith("broken") for entry in entries)
    assert motionbench("ls", kind).stdout.count("\n") == len(entries)


@pytest.mark.parametrize("form", ["table", "md", "csv", "tex", "html"])
def test_report_in_every_format(place, tmp_path, form):
    out = place / "for-reports"
    if not out.exists():
        assert motionbench(*arguments(place, out, "--quiet")).returncode == 0
    done = motionbench("report", out, "--format", form)
    assert done.returncode == 0, done.stderr
    assert ("report.html" if form == "html" else "flicker") in done.stdout.replace("\\_", "_")


def test_environment_variables_stand_in_for_path_options(place, tmp_path):
    import os

    env = {**os.environ, "MOTIONBENCH_OUT": str(tmp_path / "run"), "MOTIONBENCH_CACHE": str(place / "c")}
    env["MOTIONBENCH_DATASET"] = str(place / "data")
    done = motionbench("evaluate", place / "videos", "--quiet", env=env)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run" / "run.json").exists()
