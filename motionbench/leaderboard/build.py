"""From a board's files to its tables and its page. The same files give the same bytes."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

from motionbench.canonical import show, write_atomic
from motionbench.errors import ConfigError, DataError
from motionbench.leaderboard import page, schemas
from motionbench.leaderboard.anchored import anchored_files
from motionbench.leaderboard.check import inspect
from motionbench.leaderboard.entries import TABLES
from motionbench.leaderboard.footage import gather
from motionbench.leaderboard.pairwise import pair_files
from motionbench.leaderboard.render import file_stem, table_files, title
from motionbench.leaderboard.reported import Reported, read_all, reported_files
from motionbench.leaderboard.tables import Table, measured_tables
from motionbench.markup import markdown, markdown_grid

INDEX = "README.md"
_GENERATED = re.compile(r"(.+-[0-9a-f]{8}-(all|single|multi)(-pairwise|-anchored)?|reported)\.(md|csv|tex)")


class BoardWarning(UserWarning):
    """Something on a sound board that a reader must know, such as a metric that a still picture wins."""


def _warn(message: str) -> None:
    warnings.warn(message, BoardWarning, stacklevel=3)


def build(
    board: Path,
    check: bool = False,
    warn: Callable[[str], None] = _warn,
    *,
    media: Path | None = None,
    site: Path | None = None,
) -> list[Path]:
    """Write the tables, the page and the schemas of a board and return their paths; tables that no entry feeds go.

    Args:
        board: the board's folder.
        check: write nothing; raise if a file is missing, stale or left over.
        warn: called with one line where the static baseline tops a metric, or where systems have the same rows; once
            for each group. By default a `BoardWarning` is issued.
        media: a folder of runs' folders; the page in `site` shows the videos of those that are on the board.
        site: a folder for a page of its own, outside the board, with the videos of `media` beside it.

    Returns:
        The index (README.md) first, then for each table its .md, .csv and .tex and, where anchors are frozen, the
        anchored .md and .csv, then the page and the schemas; with `site` its page last.

    Raises:
        ConfigError: there is no such folder, it cannot be written, or `media` is given without `site`.
        DataError: the board has problems (see `check`), or with `check` its files are not up to date.
    """
    board = Path(board)
    if media is not None and site is None:
        raise ConfigError(
            "--media needs --site: the board's own page holds no videos", "name a folder, --site DIR, for one that does"
        )
    if check and site is not None:
        raise ConfigError("--check writes nothing, so that --site has no use with it", "leave one of them out")
    inspection = inspect(board)
    if problems := inspection.problems:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise DataError(f"{problems[0]}{more}", f"`motionbench leaderboard check --board {show(board)}` lists them all")
    tables = measured_tables(inspection.entries, inspection.scores)
    for message in _messages(tables):
        warn(message)
    found, papers = page.groups(board, tables), read_all(board)
    contents = {board / TABLES / name: text.encode("utf-8") for name, text in _table_files(found, papers).items()}
    contents[board / page.SITE / page.PAGE_FILE] = b"".join(page.page(found, papers))
    contents |= {board / schemas.FOLDER / name: data for name, data in schemas.schema_files().items()}
    left_over = _left_over(board / TABLES, {path.name for path in contents})
    if check:
        _require_fresh(contents, left_over)
    else:
        _write(contents, left_over)
    return [*contents, *([_site(Path(site), media, tables, found, papers)] if site else [])]


def _site(
    site: Path, runs: Path | None, tables: Sequence[Table], found: Sequence[page.Group], papers: Sequence[Reported]
) -> Path:
    footage = None if runs is None else gather(Path(runs), site, tables)
    write_atomic(site / page.PAGE_FILE, page.page(found, papers, footage))
    return site / page.PAGE_FILE


def _table_files(found: Sequence[page.Group], papers: Sequence[Reported]) -> dict[str, str]:
    files = {INDEX: _index(found, bool(papers))}
    for group in found:
        for table in group.tables:
            files |= table_files(table)
            if (scores := group.anchored.get(table.subset)) is not None:
                files |= anchored_files(file_stem(table), title(table), table, scores)
        if group.pairs:
            files |= pair_files(file_stem(group.tables[0]), title(group.tables[0]), group.pairs)
    return files | reported_files(papers)


def _messages(tables: Sequence[Table]) -> list[str]:
    """What the subsets of one group warn of alike is said once, of the first of them."""
    found: dict[tuple[str, str], str] = {}
    for table in tables:
        for warning in table.warnings:
            found.setdefault((table.key, warning), f"{title(table)}: {warning}")
    return list(found.values())


def _index(found: Sequence[page.Group], reported: bool) -> str:
    parts = [
        "# Tables\n",
        "Written by `motionbench leaderboard build`; do not edit. Runs share a table only if dataset, profile, "
        f"protocol and metric versions are the same. The [page](../{page.SITE}/{page.PAGE_FILE}) shows all of them.\n",
    ]
    rows = [_index_row(table, group) for group in found for table in group.tables]
    if rows:
        parts.append(markdown_grid(["measured", "files", "pairs", "anchored", "systems", "baselines"], rows, left=4))
    else:
        parts.append("No run has been added yet.\n")
    if reported:
        links = _links("reported", "md", "csv", "tex")
        parts.append(f"Apart from these, and not comparable with them: numbers as printed in papers ({links}).\n")
    return "\n".join(parts)


def _index_row(table: Table, group: page.Group) -> list[str]:
    stem, systems = file_stem(table), sum(not line.baseline for line in table.lines)
    links = [_links(stem, "md", "csv", "tex")]
    links += [_links(f"{stem}-pairwise", "md", "csv", "tex") if group.pairs and table.subset == "all" else ""]
    links += [_links(f"{stem}-anchored", "md", "csv") if table.subset in group.anchored else ""]
    return [markdown(title(table)), *links, str(systems), str(len(table.lines) - systems)]


def _links(name: str, *kinds: str) -> str:
    return ", ".join(f"[{kind}]({name}.{kind})" for kind in kinds)


def _left_over(folder: Path, names: set[str]) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if _GENERATED.fullmatch(path.name) and path.name not in names)


def _require_fresh(contents: dict[Path, bytes], left_over: Sequence[Path]) -> None:
    stale = [path for path, data in contents.items() if not path.is_file() or path.read_bytes() != data]
    if bad := [*stale, *left_over]:
        raise DataError(
            f"{len(bad)} of the board's files are not up to date, the first is {show(bad[0])}",
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
