"""Running a page: its blocks, in order, in one empty folder, as a newcomer would who copies and pastes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from .blocks import Block

TIMEOUT = 600
_PIP = """#!{python}
# Stands in for pip: an editable install without a network. It leaves what an installer leaves: metadata and a link.
import pathlib, sys, tomllib
*_, folder = sys.argv
project = tomllib.loads((pathlib.Path(folder) / "pyproject.toml").read_text())["project"]
info = pathlib.Path({site!r}) / f"{{project['name'].replace('-', '_')}}-{{project['version']}}.dist-info"
info.mkdir(parents=True, exist_ok=True)
head = f"Metadata-Version: 2.1\\nName: {{project['name']}}\\nVersion: {{project['version']}}\\n"
(info / "METADATA").write_text(head)
points = project.get("entry-points", {{}}).items()
groups = [f"[{{group}}]\\n" + "".join(f"{{k}} = {{v}}\\n" for k, v in some.items()) for group, some in points]
(info / "entry_points.txt").write_text("\\n".join(groups))
for module in pathlib.Path(folder).resolve().glob("*.py"):
    link = info.parent / module.name
    link.unlink(missing_ok=True)
    link.symlink_to(module)
"""


class Failed(AssertionError):
    """A block that does not do what its page says."""


def run_page(blocks: Sequence[Block], folder: Path, cache: Path, *, slow: bool) -> int:
    """Run the blocks of one page; return how many were executed.

    Args:
        blocks: all blocks of the page, in order.
        folder: an empty folder, where they run.
        cache: the artefact store; pages may share it, it cannot change a number.
        slow: run those of class `slow` as well.

    Raises:
        Failed: with the block's place and what it said.
    """
    environment = _environment(folder, cache)
    printed, count = "", 0
    for block in blocks:
        if block.name == "file":
            path = folder / block.argument
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.code, encoding="utf-8")
        elif block.name == "run" or (block.name == "slow" and slow):
            printed = _execute(block, folder, environment)
            count += 1
        elif block.name == "output" and printed and comparable(block.code) != comparable(printed):
            raise Failed(f"{block.where}: the page shows\n{block.code}\nand the command printed\n{printed}")
    return count


def comparable(text: str) -> list[str]:
    """The lines of a printed text without numbers, marks and widths: another machine may round otherwise."""
    without = re.sub(r"[-+]?[\d.,]+(?:e[-+]?\d+)?|[⁰¹²³⁴⁵⁶⁷⁸⁹]+|─+|–", " ", text)
    return [" ".join(line.split()) for line in without.splitlines() if line.strip()]


def _execute(block: Block, folder: Path, environment: dict[str, str]) -> str:
    command = ["bash", "-euo", "pipefail", "-c"] if block.language == "bash" else [sys.executable, "-c"]
    done = subprocess.run(
        [*command, block.code],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
        preexec_fn=_one_core,
    )
    if done.returncode:
        raise Failed(f"{block.where}: exit code {done.returncode}\n{block.code}\n{done.stdout}\n{done.stderr}")
    return done.stdout


def _one_core() -> None:
    """Leave the child one core: for a few tiny cases, to start worker processes takes longer than the work."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def _environment(folder: Path, cache: Path) -> dict[str, str]:
    """The caller's, without its settings for motionbench and its width, and with a pip that fetches nothing."""
    site, programs = folder / ".site", folder / ".bin"
    site.mkdir()
    programs.mkdir()
    pip = programs / "pip"
    pip.write_text(_PIP.format(python=sys.executable, site=str(site)))
    pip.chmod(0o755)
    kept = {k: v for k, v in os.environ.items() if not k.startswith("MOTIONBENCH_") and k != "COLUMNS"}
    path = os.pathsep.join([str(programs), str(Path(sys.executable).parent), kept.get("PATH", "")])
    return kept | {"PATH": path, "PYTHONPATH": str(site), "MOTIONBENCH_CACHE": str(cache), "MOTIONBENCH_OFFLINE": "1"}
