"""Writing a board's anchors: once, and anew only where that is asked for."""

from __future__ import annotations

from pathlib import Path

from motionbench.canonical import dump, show, write_atomic
from motionbench.errors import DataError
from motionbench.leaderboard.anchors import ANCHORS_FILE, SCHEMA, measure, read_anchors
from motionbench.leaderboard.check import check
from motionbench.leaderboard.entries import entry_folders, read_entry


def freeze(board: Path, *, replace: bool = False) -> Path:
    """Freeze the anchors of every group of a board that has runs of `static` and `reference`; return the file's path.

    What is frozen stays as it is, and groups that are new are added.

    Args:
        board: the board's folder.
        replace: forget what is frozen and take all of it from the present entries; every anchored score may change.

    Raises:
        ConfigError: there is no such folder, or it cannot be written.
        DataError: the board has problems, or no group has both runs.
    """
    board = Path(board)
    path = board / ANCHORS_FILE
    problems = [problem for problem in check(board) if not (replace and problem.path == path)]
    if problems:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise DataError(f"{problems[0]}{more}", f"`motionbench leaderboard check --board {show(board)}` lists them all")
    found = list(measure([read_entry(folder) for folder in entry_folders(board)]))
    if not found:
        raise DataError(
            "no data set on the board has runs of both static and reference",
            "evaluate the models `static` and `reference` on one data set and add the two runs",
        )
    frozen = {} if replace else read_anchors(board)
    benchmarks = [frozen.get(one.group, one).model_dump(mode="json", by_alias=True) for one in found]
    write_atomic(path, [dump({"schema": SCHEMA, "benchmarks": benchmarks})])
    return path
