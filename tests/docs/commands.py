"""Command lines in documents: read by the real command line, without running them."""

from __future__ import annotations

import importlib.util
import re
import shlex
import tomllib
import typing as t
from collections.abc import Callable, Sequence

import typer

from .blocks import ROOT

GLUE = ("&&", "||", "|", ";", "&")
WITHOUT_A_CHECK = ("cd", ".", "source", "export", "mkdir", "git", "hf", "open", "nvidia-smi")
_ELLIPSIS = ("...", "…")


class Unfit(Exception):
    """A command line that would not work, in one line."""


def check_script(code: str) -> int:
    """Check every command of a bash block; return how many there were.

    Raises:
        Unfit: what is wrong with the first bad one.
    """
    count = 0
    for line in re.sub(r"\\\n\s*", " ", code).splitlines():
        words = shlex.split(line.removeprefix("$ "), comments=True)
        while words:
            end = next((k for k, word in enumerate(words) if word in GLUE), len(words))
            _check([word for word in words[:end] if word not in _ELLIPSIS], line)
            words = words[end + 1 :]
            count += 1
    return count


def _check(words: Sequence[str], line: str) -> None:
    words = list(words)
    while words and re.match(r"^[A-Z_]+=", words[0]):
        words.pop(0)
    name, arguments = words[0], words[1:]
    if name in ("motionbench", "ttm-ref"):
        read_command(name, arguments)
    elif name in CHECKS:
        CHECKS[name](arguments)
    elif name not in WITHOUT_A_CHECK:
        raise Unfit(f"no rule for the command {name!r} in {line!r}")


def read_command(name: str, arguments: Sequence[str], partial: bool = False) -> None:
    """Let the real command line read `arguments`.

    Args:
        name: motionbench or ttm-ref.
        arguments: the words behind it.
        partial: only subcommands and options must exist, arguments may be left out.

    Raises:
        Unfit: no such command or option, a wrong number of arguments, a value that is no choice.
    """
    if name == "motionbench":
        from motionbench.cli import app
    else:
        from ttm_ref.cli import app
    command: t.Any = typer.main.get_command(app)
    errors: t.Any = typer.BadParameter.__mro__[2]
    words, context = list(arguments), None
    try:
        while hasattr(command, "resolve_command"):
            if not words or words[0].startswith("-"):
                break
            context = command.context_class(command, info_name=command.name, parent=context)
            _, command, words = command.resolve_command(context, words)
        if partial:
            _options_exist(command, words)
        elif words not in (["--help"], ["--version"]):
            command.make_context(command.name, words, parent=context)
    except errors as error:
        raise Unfit(f"{shlex.join([name, *arguments])}: {error.format_message()}") from error


def _options_exist(command: t.Any, words: Sequence[str]) -> None:
    known = {"--help", *(name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts))}
    for word in words:
        option = word.split("=")[0]
        if option.startswith("-") and option not in known:
            raise Unfit(f"{command.name} has no option {option}")


def _pip(arguments: Sequence[str]) -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    for word in arguments:
        for extra in re.findall(r"^(?:\.|motionbench)\[([\w,-]+)\]$", word):
            if unknown := set(extra.split(",")) - set(extras):
                raise Unfit(f"pip: there is no extra {unknown}")


def _python(arguments: Sequence[str]) -> None:
    if arguments[:1] == ["-m"]:
        if arguments[1] != "venv" and importlib.util.find_spec(arguments[1]) is None:
            raise Unfit(f"python: there is no module {arguments[1]}")
    elif arguments and not arguments[0].startswith("-"):
        _exists(arguments[0])


def _pytest(arguments: Sequence[str]) -> None:
    for word in arguments:
        if "/" in word:
            _exists(word)


def _exists(path: str) -> None:
    if not (ROOT / path).exists():
        raise Unfit(f"there is no {path}")


def _accelerate(arguments: Sequence[str]) -> None:
    if list(arguments[:3]) != ["launch", "-m", "ttm_ref.cli"]:
        raise Unfit(f"accelerate: {arguments}")
    read_command("ttm-ref", arguments[3:])


def _tool(arguments: Sequence[str]) -> None:
    """Linters and mkdocs: nothing of ours in their arguments."""


CHECKS: dict[str, Callable[[Sequence[str]], None]] = {
    "pip": _pip,
    "python": _python,
    "pytest": _pytest,
    "accelerate": _accelerate,
    "ruff": _tool,
    "mypy": _tool,
    "mkdocs": _tool,
}
