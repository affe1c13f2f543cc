"""Any program as a model: what it is given, what it may do wrong, and that nothing of it stays behind."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest

from motionbench.errors import ConfigError, ModelError
from motionbench.models.command import CommandModel, split
from motionbench.types import Video
from motionbench.video import save_video

PYTHON = shlex.quote(sys.executable)
SLIDES = np.arange(6 * 24 * 32 * 3, dtype=np.uint32).astype(np.uint8).reshape(6, 24, 32, 3)


@pytest.fixture
def ready(tmp_path: Path) -> Path:
    """A video that a program only has to copy."""
    path = tmp_path / "ready.mp4"
    save_video(Video(SLIDES, np.arange(6) / 8), path)
    return path


@pytest.fixture
def program(tmp_path: Path, ready: Path):
    """program(code, arguments, **options) makes a model of a Python script that finds the ready video as READY."""

    def make(code: str, arguments: str = "{out}", **options) -> CommandModel:
        script = tmp_path / "program with space.py"
        head = f"import json, os, shutil, subprocess, sys, time\nREADY = {str(ready)!r}\n"
        script.write_text(head + textwrap.dedent(code))
        return CommandModel(f"{PYTHON} {shlex.quote(str(script))} {arguments}", **options)

    return make


def gone(pid: int) -> bool:
    """True once a process has ended (a zombie has)."""
    for _ in range(100):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False


def test_the_programs_video_is_the_models(program, make_request) -> None:
    video = program("shutil.copy(READY, sys.argv[1])").generate(make_request())
    assert np.array_equal(video.frames, SLIDES)
    assert video.times == pytest.approx(np.arange(6) / 8)


def test_it_is_given_everything_a_model_sees(program, make_request, tmp_path) -> None:
    code = """
        from PIL import Image
        import numpy as np
        keys = "image masks out prompt motion_prompt seed frames fps width height case_id".split()
        values = dict(zip(keys, sys.argv[2:]))
        masks = {name: np.asarray(Image.open(os.path.join(values["masks"], name))).tolist()
                 for name in sorted(os.listdir(values["masks"]))}
        image = np.asarray(Image.open(values["image"]).convert("RGB")).tolist()
        with open(sys.argv[1], "w") as file:
            json.dump({**values, "picture": image, "planes": masks, "cwd": os.getcwd()}, file)
        shutil.copy(READY, values["out"])
    """
    note = tmp_path / "note.json"
    words = "{image} {masks} {out} {prompt} {motion_prompt} {seed} {frames} {fps} {width} {height} {case_id}"
    masks0 = np.zeros((2, 64, 96), bool)
    masks0[0, :5], masks0[1, 10:20] = True, True
    request = make_request(masks0=masks0, seed=2**62 + 1, fps=23.976)
    program(code, f"{shlex.quote(str(note))} {words}").generate(request)
    seen = json.loads(note.read_text())
    assert [seen[k] for k in ("prompt", "motion_prompt", "case_id")] == ["a picture", "things move", "case"]
    assert [seen[k] for k in ("seed", "frames", "fps", "width", "height")] == [
        str(2**62 + 1),
        "8",
        "23.976",
        "96",
        "64",
    ]
    assert seen["image"].endswith(".png") and seen["out"].endswith(".mp4")
    assert np.array_equal(np.array(seen["picture"], np.uint8), request.image)
    assert list(seen["planes"]) == ["1.png", "2.png"]
    assert np.array_equal(np.array(seen["planes"]["2.png"]) == 255, masks0[1])
    for path in (seen["image"], seen["masks"], seen["cwd"]):
        assert not Path(path).exists()


def test_without_masks_the_folder_is_empty(program, make_request) -> None:
    code = "assert os.listdir(sys.argv[2]) == []; shutil.copy(READY, sys.argv[1])"
    program(code, "{out} {masks}").generate(make_request())


@pytest.mark.parametrize(
    "prompt",
    [
        "a cat; touch hacked", "$(touch hacked)", "`touch hacked`", "a 'b' \"c\"", "{out} {image}", "--help", "a\nb",
        "", " ", "*", "~", "<script>alert(1)</script>", "naïve 猫 🐈", "\\", "a && b | c > d", "%s {0}",
    ],
)  # fmt: skip
def test_a_prompt_is_one_argument_whatever_it_holds(program, make_request, tmp_path, prompt) -> None:
    code = "json.dump(sys.argv[2:], open(sys.argv[1] + '.json', 'w')); shutil.copy(READY, sys.argv[1])\n"
    code += f"shutil.copy(sys.argv[1] + '.json', {str(tmp_path / 'argv.json')!r})"
    program(code, "{out} {prompt} --text={prompt}").generate(make_request(caption=prompt))
    assert json.loads((tmp_path / "argv.json").read_text()) == [prompt, f"--text={prompt}"]
    assert not (tmp_path / "hacked").exists()


def test_a_zero_byte_in_a_prompt_is_the_cases_error(program, make_request) -> None:
    with pytest.raises(ModelError, match="cannot be started: embedded null byte"):
        program("pass", "{out} {prompt}").generate(make_request(caption="a\0b"))


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("sys.stderr.write('first\\nout of memory\\n\\n'); sys.exit(3)", r"failed \(exit code 3\): out of memory$"),
        ("print('only here'); sys.exit(1)", r"failed \(exit code 1\): only here$"),
        ("sys.exit(1)", r"failed \(exit code 1\)$"),
        ("raise ValueError('no')", r"failed \(exit code 1\): ValueError: no$"),
        ("os.kill(os.getpid(), 9)", r"failed \(killed by SIGKILL\)$"),
        ("sys.stderr.write('1%\\r50%\\r\\x1b[31mbad\\x1b[0m'); sys.exit(1)", ": bad$"),
        ("sys.stderr.buffer.write(b'\\xff\\xfe'); sys.exit(1)", "exit code 1"),
        ("sys.stderr.write('cannot read ' + sys.argv[1]); sys.exit(1)", ": cannot read out.mp4$"),
        ("pass", "ended well but wrote no video$"),
        ("print('done'); print('wrote /tmp/x.mp4')", "wrote no video: wrote /tmp/x.mp4$"),
        ("open(sys.argv[1], 'w').close()", r"cannot be read: .*empty"),
        ("open(sys.argv[1], 'w').write('text')", "wrote a video that cannot be read"),
        ("data = open(READY, 'rb').read(); open(sys.argv[1], 'wb').write(data[:-200])", "cannot be read"),
        ("os.mkdir(sys.argv[1])", "cannot be read"),
    ],
)
def test_what_a_program_may_do_wrong_is_one_line(program, make_request, code, reason) -> None:
    with pytest.raises(ModelError, match=reason) as caught:
        program(code).generate(make_request())
    assert "\n" not in caught.value.message and "motionbench-" not in caught.value.message


def test_a_slow_program_is_ended_with_its_children(program, make_request, tmp_path) -> None:
    pids = tmp_path / "pids"
    code = f"""
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        open({str(pids)!r}, "w").write(f"{{os.getpid()}} {{child.pid}}")
        sys.stderr.write("step 1 of 1000\\n"); sys.stderr.flush()
        time.sleep(60)
    """
    start = time.perf_counter()
    with pytest.raises(ModelError, match=r"ended after 1.5 s: step 1 of 1000") as caught:
        program(code, timeout=1.5).generate(make_request())
    assert time.perf_counter() - start < 8 and "timeout" in caught.value.hint
    assert all(gone(int(pid)) for pid in pids.read_text().split())


def test_a_program_that_ignores_sigterm_is_killed(program, make_request, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("motionbench.models.command.GRACE", 0.2)
    pids = tmp_path / "pids"
    code = f"""
        import signal
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        open({str(pids)!r}, "w").write(str(os.getpid()))
        time.sleep(60)
    """
    with pytest.raises(ModelError, match="ended after 1 s"):
        program(code, timeout=1).generate(make_request())
    assert gone(int(pids.read_text()))


def test_what_it_leaves_in_the_background_is_ended(program, make_request, tmp_path) -> None:
    pids = tmp_path / "pids"
    code = f"""
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        open({str(pids)!r}, "w").write(str(child.pid))
        shutil.copy(READY, sys.argv[1])
    """
    program(code).generate(make_request())
    assert gone(int(pids.read_text()))


def test_an_interrupt_ends_the_program(tmp_path, ready) -> None:
    """Ctrl-C reaches only us: the program has a process group of its own, and is ended by us."""
    pid_file = tmp_path / "pid"
    code = f"""
        import os, sys
        import numpy as np
        from motionbench.models.command import CommandModel
        from motionbench.types import Request
        sleeper = "import os, time; open({str(pid_file)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
        model = CommandModel(f"{PYTHON} -c \\"{{sleeper}}\\" {{{{out}}}}")
        model.generate(Request("c", np.zeros((16, 16, 3), np.uint8), "", "", (), None, 1, 8.0, (16, 16), 0))
    """
    # Where a shell runs the tests in the background, SIGINT is ignored, and children inherit that.
    ours = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    for _ in range(300):
        if pid_file.exists() and pid_file.read_text():
            break
        time.sleep(0.05)
    ours.send_signal(signal.SIGINT)
    stderr = ours.communicate(timeout=20)[1]
    assert "KeyboardInterrupt" in stderr
    assert gone(int(pid_file.read_text()))


def test_it_runs_in_a_folder_of_its_own_but_finds_files_of_ours(program, make_request, tmp_path, monkeypatch) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    (folder / "tool.py").write_text("import shutil, sys; open('litter', 'w'); shutil.copy(sys.argv[1], sys.argv[2])")
    (folder / "ready.mp4").symlink_to(tmp_path / "ready.mp4")
    model = CommandModel(f"{PYTHON} tool.py ready.mp4 {{out}}")
    monkeypatch.chdir("/")
    assert len(model.generate(make_request()).frames) == 6
    assert not (folder / "litter").exists()
    model = CommandModel(f"{PYTHON} -m tool ready.mp4 {{out}}", cwd=str(folder))
    model.generate(make_request())
    assert (folder / "litter").exists()


def test_a_relative_program_is_found(tmp_path, ready, make_request, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    tool = tmp_path / "tool.sh"
    tool.write_text('#!/bin/sh\ncp "$1" "$2"\n')
    with pytest.raises(ConfigError, match=r"no program '\./tool\.sh'"):
        CommandModel("./tool.sh --in=x {out}")
    tool.chmod(0o755)
    assert len(CommandModel("./tool.sh ready.mp4 {out}").generate(make_request()).frames) == 6


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("", "no program to run"),
        ("  ", "no program to run"),
        ("ls 'open", "cannot be split"),
        ("ls", r"has no \{out\}"),
        ("ls {out} {promt}", r"unknown placeholder \{promt\}"),
        ("no-such-program-anywhere {out}", "there is no program 'no-such-program-anywhere'"),
        ("/no/such/program {out}", "there is no program"),
    ],
)
def test_a_command_that_cannot_work_is_refused_at_once(command, reason) -> None:
    with pytest.raises(ConfigError, match=reason):
        CommandModel(command)


@pytest.mark.parametrize(
    "options", [{"timeout": 0}, {"timeout": "long"}, {"timeout": True}, {"cwd": "/no/such/folder"}]
)
def test_options_that_make_no_sense_are_refused(options) -> None:
    with pytest.raises(ConfigError):
        CommandModel("ls {out}", **options)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("prog {image} {out}", ["prog", "{image}", "{out}"]),
        ('"prog {image} {out}"', ["prog", "{image}", "{out}"]),
        ("prog 'two words' {out}.mp4", ["prog", "two words", "{out}.mp4"]),
        ("""prog '{"a": 1}' {out}""", ["prog", '{"a": 1}', "{out}"]),
    ],
)
def test_a_command_is_split_once(command, words) -> None:
    assert split(command) == words


def test_no_shell_is_ever_started(program, make_request, monkeypatch) -> None:
    started = []
    real = subprocess.Popen

    def watch(words, **options):
        started.append((words, options.get("shell", False)))
        return real(words, **options)

    monkeypatch.setattr(subprocess, "Popen", watch)
    program("shutil.copy(READY, sys.argv[1])", "{out} '$HOME'").generate(make_request())
    assert started[0][1] is False and isinstance(started[0][0], list) and started[0][0][-1] == "$HOME"
    assert os.environ["HOME"] not in started[0][0]
