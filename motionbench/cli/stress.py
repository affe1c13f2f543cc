"""`motionbench stress`: how every metric reacts to controlled corruptions of a dataset's references."""

from __future__ import annotations

import typing as t
from pathlib import Path

import typer

from motionbench.cli.options import AsJson, CacheDir, OutDir, ProfileName, Quiet, Seed, Workers, option
from motionbench.cli.screen import Screen
from motionbench.errors import ConfigError


def stress(
    dataset: t.Annotated[str, typer.Argument(help="synth, or a folder with a cases.json and references.")] = "synth",
    profile: ProfileName = "lite",
    metric: t.Annotated[list[str] | None, option("Only these metrics; may be repeated.", "--metric")] = None,
    corruption: t.Annotated[
        list[str] | None, option("Only these corruptions or benign changes; may be repeated.", "--corruption")
    ] = None,
    cases: t.Annotated[int, typer.Option("--cases", min=2, help="At most this many cases, evenly chosen.")] = 48,
    each: t.Annotated[
        int | None,
        typer.Option(
            "--each",
            min=2,
            help="At most this many cases for each corruption, four times as many for a benign one; "
            "by default 8, or all of up to 12 cases.",
        ),
    ] = None,
    seed: Seed = 0,
    out: OutDir = None,
    cache: CacheDir = None,
    workers: Workers = None,
    cards: t.Annotated[Path | None, option("Also write a card for each metric into this folder.", "--cards")] = None,
    beside: t.Annotated[
        list[Path] | None, option("Further stress runs, of other datasets, that the cards show.", "--with")
    ] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Corrupt reference videos in known ways and measure which metric sees what."""
    from motionbench import datasets, engine, run
    from motionbench import stress as room

    if workers is not None and workers < 1:
        raise ConfigError(f"--workers {workers} leaves nobody to do the work", "give a number from 1 on")
    data = datasets.load_dataset(dataset)
    folder = out or Path("runs") / f"stress-{run.folder_name(data.name)}"
    with Screen(quiet=quiet) as screen:
        found = room.stress(
            data,
            profile,
            folder,
            metrics=metric,
            corruptions=corruption,
            cases=cases,
            per_corruption=each,
            seed=seed,
            cache=cache,
            workers=workers or engine.default_workers(),
            progress=screen.progress,
            warn=screen.warn,
        )
    print((folder / "stress.json").read_text(encoding="utf-8") if as_json else room.render(found), end="")
    if cards is not None:
        written = room.write_cards([folder, *(beside or [])], cards)
        if not quiet:
            screen.note(f"{len(written)} cards in {cards}")
    if not quiet:
        screen.note(f"numbers: {folder / 'stress.json'}, heat map: {folder / 'stress.png'}")
