"""From a board's files to its tables. The same files give the same bytes."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

from motionbench.canonical import show, write_atomic
from motionbench.errors import ConfigError, DataError
from motionbench.leaderboard.check import check as find_problems
from motionbench.leaderboard.entries import TABLES, entry_folders, read_entry
from motionbench.leaderboard.render import file_stem, table_files, title
from motionbench.leaderboard.reported import read_all, reported_files
from motionbench.leaderboard.tables import Table, measured_tables
from motionbench.markup import markdown, markdown_grid

INDEX = "README.md"
_GENERATED = re.compile(r"(.+-[0-9a-f]{8}-(all|single|multi)|reported)\.(md|csv|tex)")


class BoardWarning(UserWarning):
    """Something on a sound board that a reader must know, such as a metric that a still picture wins."""


def _warn(message: str) -> None:
    warnings.warn(message, BoardWarning, stacklevel=3)


def build(board: Path, check: bool = False, warn: Callable[[str], None] = _warn) -> list[Path]:
    """Write the tables of a board to `tables/` and return their paths; tables that no entry feeds any more go.

    Args:
        board: the board's folder.
        check: write nothing; raise if a table is missing, stale or left over.
        warn: called with one line where the static baseline tops a metric, or where systems have the same rows; once
            for each group. By default a `BoardWarning` is issued.

    Returns:
        The index (README.md) first, then for each table its .md, .csv and .tex, sorted.

    Raises:
        ConfigError: there is no such folder, or it cannot be written.
        DataError: the board has problems (see `check`), or with `check` its tables are not up to date.
    """
    board = Path(board)
    if problems := find_problems(board):
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise DataError(f"{problems[0]}{more}", f"`motionbench leaderboard check --board {show(board)}` lists them all")
    tables = measured_tables([read_entry(folder) for folder in entry_folders(board)])
    reported = reported_files(read_all(board))
    files = {INDEX: _index(tables, bool(reported))}
    for table in tables:
        files |= table_files(table)
    for message in _messages(tables):
        warn(message)
    files |= reported
    contents = {board / TABLES / name: text.encode("utf-8") for name, text in files.items()}
    left_over = _left_over(board / TABLES, set(files))
    if check:
        _require_fresh(contents, left_over)
    else:
        _write(contents, left_over)
    return list(contents)


def _messages(tables: Sequence[Table]) -> list[str]:
    """What the subsets of one group warn of alike is said once, of the first of them."""
    found: dict[tuple[str, str], str] = {}
    for table in tables:
        for warning in table.warnings:
            found.setdefault((table.key, warning), f"{title(table)}: {warning}")
    return list(found.values())


def _index(tables: Sequence[Table], reported: bool) -> str:
    parts = [
        "# Tables\n",
        "Written by `motionbench leaderboard build`; do not edit. Runs share a table only if dataset, profile, "
        "protocol and metric versions are the same.\n",
    ]
    if tables:
        rows = []
        for table in tables:
            stem, systems = file_stem(table), sum(not line.baseline for line in table.lines)
            links = ", ".join(f"[{kind}]({stem}.{kind})" for kind in ("md", "csv", "tex"))
            rows.append([markdown(title(table)), links, str(systems), str(len(table.lines) - systems)])
        parts.append(markdown_grid(["measured", "files", "systems", "baselines"], rows, left=2))
    else:
        parts.append("No run has been added yet.\n")
    if reported:
        links = ", ".join(f"[{kind}](reported.{kind})" for kind in ("md", "csv", "tex"))
        parts.append(f"Apart from these, and not comparable with them: numbers as printed in papers ({links}).\n")
    return "\n".join(parts)


def _left_over(folder: Path, names: set[str]) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if _GENERATED.fullmatch(path.name) and path.name not in names)


def _require_fresh(contents: dict[Path, bytes], left_over: Sequence[Path]) -> None:
    stale = [path for path, data in contents.items() if not path.is_file() or path.read_bytes() != data]
    if bad := [*stale, *left_over]:
        raise DataError(
            f"{len(bad)} of the board's tables are not up to date, the first is {show(bad[0])}",
            "run `motionbench leaderboard build`",
        )


def _write(contents: dict[Path, bytes], left_over: Sequence[Path]) -> None:
    for path, data in contents.items():
        if not path.is_file() or path.read_bytes() != data:
            write_atomic(path, [data])
    for path in left_over:
        try:
            path.unlink()
        except OSError as error:
            raise ConfigError(f"cannot remove {show(path)}: {error.strerror}", "check its permissions") from error
