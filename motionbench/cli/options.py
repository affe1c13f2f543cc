"""Arguments and options that commands share, and the words that they accept."""

from __future__ import annotations

import enum
import typing as t
from pathlib import Path

import typer


class Subset(enum.StrEnum):
    """Which cases are scored."""

    all = "all"
    single = "single"
    multi = "multi"


class PrecisionName(enum.StrEnum):
    """What networks compute in."""

    float32 = "float32"
    bfloat16 = "bfloat16"
    float16 = "float16"


class Format(enum.StrEnum):
    """How a run is shown."""

    table = "table"
    md = "md"
    csv = "csv"
    tex = "tex"
    html = "html"


class Kind(enum.StrEnum):
    """What can be listed."""

    models = "models"
    metrics = "metrics"
    backends = "backends"
    profiles = "profiles"
    datasets = "datasets"
    weights = "weights"


def option(help_text: str, *names: str, env: str | None = None) -> t.Any:
    """An option that shows no default, with the environment variable that stands in for it."""
    return typer.Option(*names, help=help_text, envvar=env, show_default=False)


Model = t.Annotated[
    str | None,
    option("An entry point, package.module:attribute, diffusers:REPO_OR_DIR, command:'prog {image} {prompt} {out}', "
            "or the source reference or shuffle.", "--model", env="MOTIONBENCH_MODEL"),
]  # fmt: skip
Settings = t.Annotated[list[str] | None, option("A setting of the model; may be repeated.", "-o", "--option")]
DataName = t.Annotated[
    str, typer.Option("--dataset", help="synth, motionbench, a folder, or a list.", envvar="MOTIONBENCH_DATASET")
]
DataRoot = t.Annotated[
    Path | None, option("The folder of SA-V videos that a list names.", "--data-root", env="MOTIONBENCH_SAV")
]
DataList = t.Annotated[
    Path | None,
    option("The published list of SA-V-128, for --dataset motionbench.", "--data-list", env="MOTIONBENCH_SAV_LIST"),
]
Columns = t.Annotated[
    str | None, option("A list's columns: id=NAME,caption=NAME,...", "--columns", env="MOTIONBENCH_SAV_COLUMNS")
]
ProfileName = t.Annotated[str, typer.Option("--profile", help="lite, or a .toml file.", envvar="MOTIONBENCH_PROFILE")]
OutDir = t.Annotated[Path | None, option("Where the run is written; by default runs/NAME.", env="MOTIONBENCH_OUT")]
CacheDir = t.Annotated[
    Path | None, option("The artefact store; by default the user's cache folder.", "--cache", env="MOTIONBENCH_CACHE")
]
WeightsDir = t.Annotated[
    Path | None,
    option("The folder of trained weights; by default a folder of your data.", "--weights-dir",
            env="MOTIONBENCH_WEIGHTS_DIR"),
]  # fmt: skip
Device = t.Annotated[
    str | None, option("Where networks run, such as cpu or cuda:0.", "--device", env="MOTIONBENCH_DEVICE")
]
Precision = t.Annotated[
    PrecisionName, option("What the metrics' networks compute in.", "--precision", env="MOTIONBENCH_PRECISION")
]
Offline = t.Annotated[
    bool, typer.Option("--offline", help="Forbid downloads.", envvar="MOTIONBENCH_OFFLINE", show_envvar=False)
]
Workers = t.Annotated[int | None, option("Worker processes; by default one a core, at most 8.", "--workers")]
Limit = t.Annotated[int | None, option("Only N cases; for a first look, the run is not official.", "--limit")]
Seed = t.Annotated[int, typer.Option("--seed", min=0, help="The run's seed.")]
Cases = t.Annotated[Subset, typer.Option("--subset", help="Which cases; other than all, the run is not official.")]
AsJson = t.Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else, on stdout.")]
Quiet = t.Annotated[bool, typer.Option("--quiet", help="No progress and no warnings.")]
Board = t.Annotated[Path, typer.Option("--board", help="The board's folder.", envvar="MOTIONBENCH_BOARD")]
