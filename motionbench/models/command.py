"""Any program as a model: it is given a picture and prompts, and writes a video file.

The command line is split once, by the rules of a POSIX shell, and no shell ever runs. Values are put into the split
words, so a prompt stays one argument whatever it contains. Write `--prompt={prompt}` for programs that would take a
prompt that starts with a dash for an option.

Placeholders: {image} a PNG file; {masks} a folder with one PNG for each object, `<object id>.png` (255 on the object,
0 elsewhere; empty where the case has no masks); {out} the video file to write (.mp4); {prompt} the caption;
{motion_prompt}; {seed}; {frames}; {fps}; {width}; {height}; {case_id}.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import signal
import subprocess
import tempfile
import typing as t
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from motionbench.errors import ConfigError, ModelError, VideoError
from motionbench.registry import nearest, one_line
from motionbench.types import Request, Video
from motionbench.video import load_video

PLACEHOLDERS = (
    "image",
    "masks",
    "out",
    "prompt",
    "motion_prompt",
    "seed",
    "frames",
    "fps",
    "width",
    "height",
    "case_id",
)
_FIELD = re.compile(r"\{([A-Za-z_]+)\}")
GRACE = 2.0  # seconds between asking a program to end and ending it


class CommandModel:
    """Runs a program for each request, in a temporary folder of its own.

    Args:
        command: the command line with placeholders. Words (or `--key=` values) that name a file relative to the
            working directory keep naming it.
        timeout: seconds after which the program and its children are ended.
        cwd: a folder to run in instead, for programs that must run in theirs (`python -m package`).

    Raises:
        ConfigError: the command cannot be split, has an unknown placeholder or no {out}, names no program, or the
            timeout or cwd makes no sense.
    """

    name = "command"

    def __init__(self, command: str, timeout: float = 3600.0, cwd: str | None = None) -> None:
        self.words = anchored(command)
        if isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or not timeout > 0:
            raise ConfigError(f"command: timeout is {timeout!r}, expected seconds above 0")
        if cwd is not None and not Path(cwd).is_dir():
            raise ConfigError(f"command: there is no folder {cwd!r} to run in")
        self.timeout = float(timeout)
        self.cwd = None if cwd is None else Path(cwd).resolve()
        if "{" not in self.words[0] and shutil.which(self.words[0]) is None:
            raise ConfigError(f"command: there is no program {split(command)[0]!r}", "is it installed and on the PATH?")

    def generate(self, request: Request) -> Video:
        """Run the program and read what it wrote.

        Raises:
            ModelError: it could not start, took too long, ended with another code than 0, or wrote no readable
                video. The message ends with the last line of its stderr (or of its stdout).
        """
        with tempfile.TemporaryDirectory(prefix="motionbench-", ignore_cleanup_errors=True) as temporary:
            folder = Path(temporary).resolve()
            work = folder / "work"
            work.mkdir()
            values = _inputs(request, folder, any("{masks}" in word for word in self.words))
            words = [_FIELD.sub(lambda match: values[match[1]], word) for word in self.words]
            self._run(words, self.cwd or work, folder)
            out = Path(values["out"])
            if not out.exists():
                raise ModelError(
                    f"the program ended well but wrote no video{_last_words(folder)}", "it must write {out}"
                )
            try:
                video = load_video(out)
            except VideoError as error:
                raise ModelError(f"the program wrote a video that cannot be read: {error.message}") from error
            assert isinstance(video, Video)
            return video

    def _run(self, words: Sequence[str], cwd: Path, folder: Path) -> None:
        with open(folder / "stdout", "wb") as stdout, open(folder / "stderr", "wb") as stderr:  # noqa: PTH123
            try:
                process = subprocess.Popen(
                    words, cwd=cwd, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, start_new_session=True
                )
            except (OSError, ValueError) as error:  # not executable, arguments too long, a NUL in a prompt
                raise ModelError(f"the program cannot be started: {one_line(str(error))}") from error
            try:
                code = process.wait(self.timeout)
            except subprocess.TimeoutExpired as error:
                raise ModelError(
                    f"the program was ended after {self.timeout:g} s{_last_words(folder)}", "set -o timeout=SECONDS"
                ) from error
            finally:
                _end(process)  # also what it left running in the background
        if code:
            reason = f"exit code {code}" if code > 0 else f"killed by {_signal_name(-code)}"
            raise ModelError(f"the program failed ({reason}){_last_words(folder)}")


def split(command: str) -> list[str]:
    """Split a command line into words and check its placeholders.

    Raises:
        ConfigError: an open quote, no word at all, an unknown placeholder, or no {out}.
    """
    try:
        words = shlex.split(command)
        if len(words) == 1 and " " in words[0]:  # command:"prog {out}", with the quotes still around it
            words = shlex.split(words[0])
    except ValueError as error:
        raise ConfigError(f"command: {command!r} cannot be split into words: {error}") from error
    if not words:
        raise ConfigError("command: there is no program to run", 'write command:"prog {image} {prompt} {out}"')
    used = {name for word in words for name in _FIELD.findall(word)}
    for name in sorted(used.difference(PLACEHOLDERS)):
        raise ConfigError(f"command: unknown placeholder {{{name}}}", nearest(name, PLACEHOLDERS, "placeholders"))
    if "out" not in used:
        raise ConfigError("command: the command has no {out}", "the program must be told which video file to write")
    return words


def anchored(command: str) -> list[str]:
    """The words of a command line, with those that name a file made independent of the working directory.

    A program without a slash is left alone: it is looked up on the PATH, as by a shell. Raises like `split`.
    """
    program, *arguments = split(command)
    return [_anchored(program) if "/" in program else program, *map(_anchored, arguments)]


def named_files(command: str) -> list[Path]:
    """The files that a command line names: the program itself, and words or `--key=` values that are files."""
    program, *arguments = anchored(command)
    found = shutil.which(program)
    paths = [Path(found)] if found else []
    paths += [Path(word.rpartition("=")[2]) for word in arguments]
    return [path for path in paths if path.is_absolute() and path.is_file()]


def _anchored(word: str) -> str:
    head, equals, tail = word.rpartition("=")
    if tail and "{" not in tail and Path(tail).is_file():
        return f"{head}{equals}{Path(tail).absolute()}"
    return word


def _inputs(request: Request, folder: Path, masks: bool) -> dict[str, str]:
    """Write the picture and the masks, and return the value of each placeholder."""
    image, planes = folder / "image.png", folder / "masks"
    _write_png(image, request.image)
    if masks:
        planes.mkdir()
        for item, plane in zip(request.objects, request.masks0 if request.masks0 is not None else (), strict=False):
            _write_png(planes / f"{item.id}.png", plane.astype(np.uint8) * 255)
    values: Mapping[str, t.Any] = {
        "image": image,
        "masks": planes,
        "out": folder / "out.mp4",
        "prompt": request.caption,
        "motion_prompt": request.motion_prompt,
        "seed": request.seed,
        "frames": request.frames,
        "fps": f"{request.fps:g}",
        "width": request.size[1],
        "height": request.size[0],
        "case_id": request.case_id,
    }
    return {key: str(value) for key, value in values.items()}


def _write_png(path: Path, picture: NDArray[np.uint8]) -> None:
    Image.fromarray(picture).save(path, format="PNG")


def _last_words(folder: Path) -> str:
    """`: ` and the last line that the program wrote to stderr, or else to stdout; "" if there is none."""
    for name in ("stderr", "stdout"):
        with open(folder / name, "rb") as file:  # noqa: PTH123
            file.seek(max(0, os.fstat(file.fileno()).st_size - 8192))
            text = file.read().decode("utf-8", "replace")
        # A progress bar rewrites its line with \r. The folder's random name would make each run's note another one.
        lines = [one_line(line.replace(f"{folder}{os.sep}", "")) for line in re.split(r"[\r\n]+", text)]
        lines = [line for line in lines if line]
        if lines:
            return f": {lines[-1]}"
    return ""


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the program's whole process group: politely, then not."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGTERM)
        if process.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(GRACE)
        os.killpg(process.pid, signal.SIGKILL)
    if process.poll() is None:
        process.kill()
    process.wait()


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
