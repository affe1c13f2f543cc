"""The command line: the only room that prints.

stdout carries data only; progress, warnings and errors go to stderr. Heavy imports wait inside the commands, so that
`motionbench --help` is instant.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import typing as t
from pathlib import Path

import typer

from motionbench import __version__
from motionbench.cli.compare import compare
from motionbench.cli.data import app as data_app
from motionbench.cli.doctor import doctor
from motionbench.cli.humans import app as humans_app
from motionbench.cli.leaderboard import app as board_app
from motionbench.cli.options import (
    AsJson,
    CacheDir,
    Cases,
    Columns,
    DataList,
    DataName,
    DataRoot,
    Device,
    Format,
    Kind,
    Limit,
    Model,
    Offline,
    OutDir,
    Precision,
    PrecisionName,
    ProfileName,
    Quiet,
    Seed,
    Settings,
    Subset,
    WeightsDir,
    Workers,
    option,
)
from motionbench.cli.screen import Screen
from motionbench.cli.stress import stress
from motionbench.cli.weights import app as weights_app
from motionbench.errors import ConfigError, MotionBenchError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Trustworthy scores for image-to-video generation.",
)
app.add_typer(data_app, name="data")
app.add_typer(board_app, name="leaderboard")
app.command()(compare)
app.command()(stress)
app.add_typer(humans_app, name="humans")
app.add_typer(weights_app, name="weights")
app.command()(doctor)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"motionbench {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: t.Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None: ...


@app.command()
def evaluate(
    videos: t.Annotated[Path | None, typer.Argument(help="A folder of videos named <case id>.mp4.")] = None,
    model: Model = None,
    settings: Settings = None,
    dataset: DataName = "synth",
    data_root: DataRoot = None,
    data_list: DataList = None,
    columns: Columns = None,
    profile: ProfileName = "lite",
    name: t.Annotated[str | None, option("The system's name in tables.", "--name")] = None,
    metric: t.Annotated[list[str] | None, option("Only these metrics; may be repeated.", "--metric")] = None,
    subset: Cases = Subset.all,
    limit: Limit = None,
    seed: Seed = 0,
    out: OutDir = None,
    cache: CacheDir = None,
    weights_dir: WeightsDir = None,
    device: Device = None,
    precision: Precision = PrecisionName.float32,
    workers: Workers = None,
    allow_missing: t.Annotated[
        bool, typer.Option("--allow-missing", help="Missing videos are no failure; the run is not official.")
    ] = False,
    offline: Offline = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Score a folder of videos, or generate with a model and score what it made."""
    from motionbench import datasets, engine, run

    if (videos is None) == (model is None):
        raise ConfigError("give either a folder of videos or --model", "motionbench evaluate --help")
    if videos is not None and not videos.is_dir():
        raise ConfigError(f"{videos} is not a folder", "a model is named with --model")
    if workers is not None and workers < 1:
        raise ConfigError(f"--workers {workers} leaves nobody to do the work", "give a number from 1 on")
    target = videos if videos is not None else t.cast(str, model)
    folder = out or Path("runs") / run.folder_name(name or run.default_name(target))
    with Screen(quiet=quiet) as screen:
        done = run.evaluate(
            target,
            datasets.load_dataset(dataset, data_root=data_root, data_list=data_list, columns=columns),
            profile,
            folder,
            name=name,
            options=_settings(settings),
            metrics=metric,
            subset=subset.value,
            limit=limit,
            seed=seed,
            cache=cache,
            weights_dir=weights_dir,
            device=device,
            precision=precision.value,
            workers=workers or engine.default_workers(),
            allow_missing=allow_missing,
            offline=offline,
            listener=run.Listener(screen.progress, screen.warn),
        )
    print((folder / "run.json").read_text(encoding="utf-8") if as_json else _table(folder), end="")
    if not quiet:
        screen.note(f"report: {folder / 'report.html'}")
    bad = {"failed"} if allow_missing else {"failed", "missing"}
    if any(row.status in bad for row in done.rows):
        raise typer.Exit(4)


@app.command()
def generate(
    model: Model = None,
    settings: Settings = None,
    dataset: DataName = "synth",
    data_root: DataRoot = None,
    data_list: DataList = None,
    columns: Columns = None,
    profile: ProfileName = "lite",
    subset: Cases = Subset.all,
    limit: Limit = None,
    seed: Seed = 0,
    out: OutDir = None,
    device: Device = None,
    offline: Offline = False,
    quiet: Quiet = False,
) -> None:
    """Make a model's videos without scoring them."""
    from motionbench import datasets, run

    if model is None:
        raise ConfigError("generate needs --model", "motionbench ls models")
    folder = out or Path("runs") / run.folder_name(model)
    with Screen(quiet=quiet) as screen:
        failed = run.generate(
            model,
            datasets.load_dataset(dataset, data_root=data_root, data_list=data_list, columns=columns),
            profile,
            folder,
            options=_settings(settings),
            subset=subset.value,
            limit=limit,
            seed=seed,
            device=device,
            offline=offline,
            listener=run.Listener(screen.progress, screen.warn),
        )
    print(folder / "videos")
    if failed:
        raise typer.Exit(4)


@app.command()
def report(
    run_folder: t.Annotated[Path, typer.Argument(metavar="RUN", help="A run's folder.")],
    form: t.Annotated[Format, typer.Option("--format", help="How to show it.")] = Format.table,
) -> None:
    """Show a run: as a table on stdout, or as a page (html: written into the run's folder)."""
    from motionbench import report as reports

    if form is Format.html:
        print(reports.write_html(run_folder))
    elif form is Format.table:
        print(_table(run_folder), end="")
    else:
        print(reports.render(run_folder, form.value), end="")


@app.command(name="ls")
def list_things(kind: Kind, as_json: AsJson = False) -> None:
    """List what there is to choose from."""
    from motionbench import catalogue

    entries = catalogue.listing(kind.value)
    if as_json:
        print(json.dumps(entries, indent=2, sort_keys=True))
        return
    width = max((len(entry["name"]) for entry in entries), default=0)
    for entry in entries:
        print(f"{entry['name']:<{width}}  {entry['about']}")


def _table(folder: Path) -> str:
    """The table of a run, as wide and as colourful as stdout allows."""
    from motionbench import report

    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and not os.environ.get("CI")
    return report.render(folder, "table", width=shutil.get_terminal_size((110, 24)).columns, colour=colour)


def _settings(pairs: list[str] | None) -> dict[str, str]:
    settings: dict[str, str] = {}
    for pair in pairs or []:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise ConfigError(f"-o {pair!r} is not of the form key=value")
        settings[key] = value
    return settings


# The bases of typer's own usage errors; typer does not export them by name.
_UsageError: t.Any = typer.BadParameter.__mro__[2]


def main() -> None:
    """Run the command line; every way out has the exit code that the documentation promises."""
    try:
        code = typer.main.get_command(app).main(standalone_mode=False)
    except MotionBenchError as error:
        _complain(error.message, error.hint, error.details)
        code = error.exit_code
    except _UsageError as error:
        if text := error.format_message():
            _complain(text, "motionbench --help")
        else:
            error.show()
        code = 2
    except (typer.Abort, KeyboardInterrupt):
        _complain("interrupted", "the same command goes on where it was stopped")
        code = 130
    sys.exit(code if isinstance(code, int) else 0)


def _complain(message: str, hint: str, details: tuple[str, ...] = ()) -> None:
    print(f"error: {' '.join(message.split())}", file=sys.stderr)
    for line in details:
        print(f"  {' '.join(line.split())}", file=sys.stderr)
    if hint:
        print(f"hint: {' '.join(hint.split())}", file=sys.stderr)
