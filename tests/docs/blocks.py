"""The code blocks of README.md and docs/, and what is done with each of them.

A comment on the line before a fence says it: `<!-- block: CLASS -->`. There are these classes, and no other:

    run             executed, in order, in one folder for the whole page
    slow            the same, under the marker `slow`
    file NAME       written to NAME in that folder, for the blocks that follow
    output          must be what the block before it printed, numbers apart
    parse           bash: every command line is read by the real command line, without running it
    check           python: compiled, imported, and every call to something imported must fit its signature
    data            neither: JSON, TOML and CSV are parsed, other text must not hold a command

Without a comment bash is `parse`, python is `run`, and everything else is `data`. A fence without a language that holds
a command is bash, and so is indented code; of a command in backticks, subcommand and options must exist.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CLASSES = {
    "bash": ("run", "slow", "parse"),
    "python": ("run", "slow", "check", "file"),
    "text": ("data", "output", "file"),
    "": ("data", "output", "file"),
    "json": ("data", "file"),
    "toml": ("data", "file"),
    "csv": ("data", "file"),
    "bibtex": ("data",),
}
DEFAULTS = {"bash": "parse", "python": "run"}
COMMANDS = ("motionbench", "ttm-ref", "pip", "python", "pytest")

_FENCE = re.compile(r"^(?P<indent> *)(?P<fence>`{3,})(?P<language>\w*)\s*$")
_MARK = re.compile(r"^\s*<!-- block: (?P<name>\w+)(?: (?P<argument>\S+))? -->\s*$")
_COMMAND = re.compile(rf"^(?:\$ )?(?:{'|'.join(COMMANDS)}) \S")


@dataclass(frozen=True)
class Block:
    """One block of a page. `argument` is the name after `file`."""

    page: Path
    line: int
    language: str
    name: str
    argument: str
    code: str

    @property
    def where(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def pages() -> list[Path]:
    """README.md, CONTRIBUTING.md, the board's README and everything under docs/, sorted."""
    fixed = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "leaderboard" / "README.md"]
    return sorted([*fixed, *(ROOT / "docs").rglob("*.md")])


def blocks(page: Path, text: str | None = None) -> list[Block]:
    """All blocks of a page: fenced ones, then commands in indented code.

    Raises:
        ValueError: an unknown language or class, a class that the language does not have, or a fence left open.
    """
    lines = (page.read_text(encoding="utf-8") if text is None else text).splitlines()
    found, fenced, mark, number = [], set(), None, 0
    while number < len(lines):
        line = lines[number]
        if opened := _FENCE.match(line):
            start, indent = number, len(opened["indent"])
            number += 1
            while number < len(lines) and lines[number].strip() != opened["fence"]:
                number += 1
            if number == len(lines):
                raise ValueError(f"{page}:{start + 1}: the fence is never closed")
            fenced.update(range(start, number + 1))
            code = "\n".join(text_line[indent:] for text_line in lines[start + 1 : number]) + "\n"
            found.append(_block(page, start + 1, opened["language"], mark, code))
        if line.strip() or mark is None:
            mark = _MARK.match(line)
        number += 1
    return found + _indented(page, lines, fenced)


def commands_in_backticks(page: Path) -> list[tuple[int, str]]:
    """Line numbers and text of `motionbench ...` and `ttm-ref ...` in running text."""
    text = page.read_text(encoding="utf-8")
    for block in re.findall(r"^ *```.*?^ *```$", text, flags=re.M | re.S):
        text = text.replace(block, "\n" * block.count("\n"))
    found = re.finditer(r"`((?:motionbench|ttm-ref) [^`]+)`", text)
    return [(text.count("\n", 0, m.start()) + 1, " ".join(m[1].replace("\\|", "|").split())) for m in found]


def _block(page: Path, line: int, language: str, mark: re.Match[str] | None, code: str) -> Block:
    if language not in CLASSES:
        raise ValueError(f"{page}:{line}: no rule for blocks of {language!r}")
    if mark is None and language in ("", "text") and any(_COMMAND.match(x) for x in code.splitlines()):
        language = "bash"
    name = mark["name"] if mark else DEFAULTS.get(language, "data")
    if name not in CLASSES[language]:
        raise ValueError(f"{page}:{line}: a {language or 'plain'} block cannot be {name!r}")
    argument = (mark["argument"] if mark else None) or ""
    if (name == "file") != bool(argument):
        raise ValueError(f"{page}:{line}: `file` takes a name, and nothing else does")
    return Block(page, line, language, name, argument, code)


def _indented(page: Path, lines: list[str], fenced: set[int]) -> list[Block]:
    """Indented code that starts with a command; each run of such lines is one block."""
    found: list[Block] = []
    for number, line in enumerate(lines):
        if number in fenced or not line.startswith("    ") or not _COMMAND.match(line[4:]):
            continue
        found.append(Block(page, number + 1, "bash", "parse", "", line[4:] + "\n"))
    return found
