"""`motionbench data`: check a dataset, export synthetic scenes, choose cases."""

from __future__ import annotations

import typing as t
from pathlib import Path

import typer

from motionbench.cli.curate import curate
from motionbench.cli.options import Columns, DataList, DataRoot, Quiet, option
from motionbench.cli.screen import Screen
from motionbench.errors import ConfigError

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Check, export or choose a dataset.")
app.command()(curate)


@app.command()
def verify(
    name: t.Annotated[str, typer.Argument(help="synth, motionbench, a folder, or a list.")] = "synth",
    data_root: DataRoot = None,
    data_list: DataList = None,
    columns: Columns = None,
    quiet: Quiet = False,
) -> None:
    """Load every picture, video and mask of a dataset and check it against its manifest."""
    from motionbench import datasets

    with Screen(quiet=quiet) as screen:
        count = datasets.verify(name, screen.progress, data_root=data_root, data_list=data_list, columns=columns)
    print(f"{count} cases are as they should be")


@app.command()
def export(
    name: t.Annotated[str, typer.Argument(help="Only synth can be exported.")],
    folder: t.Annotated[Path, typer.Argument(help="Where the folder dataset is written.")],
    split: t.Annotated[str, typer.Option("--split", help="test, or train for endless other scenes.")] = "test",
    count: t.Annotated[int | None, option("How many cases; by default all 128 of the test split.", "--count")] = None,
    start: t.Annotated[int, typer.Option("--start", min=0, help="The first case's index.")] = 0,
    size: t.Annotated[int, typer.Option("--size", min=16, help="Side length in pixels.")] = 128,
    quiet: Quiet = False,
) -> None:
    """Write procedural scenes as a folder dataset: videos, first frames, masks and cases.json."""
    if name != "synth":
        raise ConfigError(f"{name!r} cannot be exported", "motionbench data export synth DIR")
    from motionbench.datasets import synth

    with Screen(quiet=quiet) as screen:
        synth.export(folder, split=split, count=count, start=start, size=size, progress=screen.progress)
    print(folder)
