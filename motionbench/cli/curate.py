"""`motionbench data curate`: choose a benchmark from a folder of videos."""

from __future__ import annotations

import typing as t
from pathlib import Path

import typer

from motionbench.cli.options import Device, Quiet, WeightsDir, option
from motionbench.cli.screen import Screen


def curate(
    videos: t.Annotated[Path, typer.Argument(help="A SA-V download, or any folder of videos.")],
    out: t.Annotated[Path, option("Where the list and its provenance are written.", "--out", env="MOTIONBENCH_OUT")],
    scores: t.Annotated[
        Path | None, option("A table of scores, instead of networks.", "--scores", env="MOTIONBENCH_SCORES")
    ] = None,
    pool: t.Annotated[int, typer.Option("--pool", min=1, help="How many of the best videos to draw from.")] = 500,
    single: t.Annotated[int, typer.Option("--single", min=0, help="How many with one object that can move.")] = 64,
    multi: t.Annotated[int, typer.Option("--multi", min=0, help="How many with several objects that can move.")] = 64,
    seed: t.Annotated[int, typer.Option("--seed", min=0, help="The draw's seed.")] = 0,
    captioner: t.Annotated[
        str | None, option("A vision-language model: a folder, or a downloaded Hugging Face repository.", "--captioner")
    ] = None,
    weights_dir: WeightsDir = None,
    device: Device = None,
    quiet: Quiet = False,
) -> None:
    """Choose a benchmark from a folder of videos, as SA-V-128 was chosen from SA-V."""
    from motionbench.curate import Recipe, networks
    from motionbench.curate import curate as choose

    recipe = Recipe(pool=pool, single=single, multi=multi, seed=seed)
    with Screen(quiet=quiet) as screen:
        path = choose(
            videos,
            out,
            recipe,
            scores=scores,
            models=lambda: networks.load_models(captioner or networks.CAPTIONER, weights_dir, device),
            progress=screen.progress,
            warn=screen.warn,
        )
        if not quiet:
            screen.note(f"use it with: --dataset {path} --data-root {videos}")
    print(path)
