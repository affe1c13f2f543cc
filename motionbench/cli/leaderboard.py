"""`motionbench leaderboard`: add a run, check all entries, freeze anchors, build tables and page."""

from __future__ import annotations

import typing as t
from pathlib import Path

import typer

from motionbench.cli.options import Board
from motionbench.cli.screen import Screen

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Tables from many runs.")


@app.command()
def add(
    run_folder: t.Annotated[Path, typer.Argument(metavar="RUN", help="A run's folder.")],
    board: Board = Path("leaderboard"),
    declare: t.Annotated[
        Path | None, typer.Option("--declare", help="A YAML file: inputs, training data, tuning, links.")
    ] = None,
    tier: t.Annotated[
        t.Literal["self", "rescored", "verified"],
        typer.Option("--tier", help="Who vouches; other than self for the board's maintainers."),
    ] = "self",
    replace: t.Annotated[bool, typer.Option("--replace", help="Take the place of the system's earlier run.")] = False,
) -> None:
    """Copy a complete, official run into the board's entries."""
    from motionbench import leaderboard

    print(leaderboard.add(run_folder, board, declare=declare, tier=tier, replace=replace))


@app.command()
def check(board: Board = Path("leaderboard")) -> None:
    """Check every entry: schema, hashes, cases, and that its numbers follow from its rows."""
    from motionbench import leaderboard

    problems = leaderboard.check(board)
    for problem in problems:
        print(problem)
    if problems:
        raise typer.Exit(4)


@app.command()
def anchors(
    board: Board = Path("leaderboard"),
    replace: t.Annotated[
        bool, typer.Option("--replace", help="Freeze anew what is frozen; all anchored scores may change.")
    ] = False,
) -> None:
    """Freeze what static and the real videos score, the ends of the optional anchored score."""
    from motionbench import leaderboard

    print(leaderboard.freeze(board, replace=replace))


@app.command()
def build(
    board: Board = Path("leaderboard"),
    stale: t.Annotated[
        bool, typer.Option("--check", help="Write nothing; fail if a table or the page is out of date.")
    ] = False,
    media: t.Annotated[
        Path | None, typer.Option("--media", help="A folder of runs whose videos the page in --site shows.")
    ] = None,
    site: t.Annotated[
        Path | None, typer.Option("--site", help="A folder for a page of its own, with videos beside it.")
    ] = None,
) -> None:
    """Write the tables of the board as Markdown, CSV and LaTeX, and its page."""
    from motionbench import leaderboard

    with Screen(quiet=False) as screen:
        paths = leaderboard.build(board, check=stale, warn=screen.warn, media=media, site=site)
    for path in paths:
        print(path)
