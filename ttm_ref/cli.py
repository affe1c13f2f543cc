"""The command `ttm-ref`: prepare data, train, describe. The only file of the package that prints."""

from __future__ import annotations

import json
import sys
import typing as t
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from motionbench.errors import ConfigError, MotionBenchError

app = typer.Typer(
    help="The reference model of motionbench: Through-The-Mask, from data to weights.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
Folders = t.Annotated[list[Path], typer.Argument(help="Folders with cases.json: videos, masks, prompts.")]
Config = t.Annotated[str, typer.Option("--config", help="A named configuration, or a TOML file.")]
Overrides = t.Annotated[list[str] | None, typer.Option("--set", help="section.key=value, as often as you like.")]


@app.command()
def prepare(
    folders: Folders,
    vae: t.Annotated[Path, typer.Option(help="The trained autoencoder.")],
    out: t.Annotated[Path, typer.Option(help="Where the shards are written.")],
    config: Config = "tiny-video",
    overrides: Overrides = None,
    part: t.Annotated[str, typer.Option(help="n/of: only every of-th shard, from the n-th on (from 0).")] = "0/1",
    half: t.Annotated[bool, typer.Option("--half", help="Encode in bfloat16: about twice as fast.")] = False,
    flow: t.Annotated[str, typer.Option(help="Optical flow as well, for Table 4: dis or raft.")] = "",
    device: t.Annotated[str, typer.Option(help="Where the autoencoder runs.")] = "cpu",
) -> None:
    """Encode videos and their masks once, so that training decodes no file."""
    from ttm_ref import prepare as preparing
    from ttm_ref import settings
    from ttm_ref.footage import listing
    from ttm_ref.loading import quiet
    from ttm_ref.train.start import autoencoder

    quiet()
    chosen = settings.load(config, [*(overrides or []), f"vae.name={json.dumps(str(vae))}"])
    with _bar("prepare") as advance:
        count = preparing.prepare(
            listing(folders),
            autoencoder(chosen.vae).to(device),
            out,
            chosen.data.frames,
            (chosen.data.height, chosen.data.width),
            _part(part),
            half,
            flow,
            lambda done, total: advance(done, total, ""),
        )
    typer.echo(f"{out}: {count} samples")


@app.command()
def train(
    config: Config,
    out: t.Annotated[Path, typer.Option(help="Checkpoint, log, strips and, at the end, model/.")],
    stage: t.Annotated[str | None, typer.Option(help="vae, motion or video; the configuration knows its own.")] = None,
    data: t.Annotated[
        list[Path] | None, typer.Option(help="Prepared shards; for the autoencoder video folders.")
    ] = None,
    vae: t.Annotated[Path | None, typer.Option(help="The trained autoencoder.")] = None,
    overrides: Overrides = None,
    stop_at: t.Annotated[int | None, typer.Option(help="Stop after this step; the same command goes on.")] = None,
) -> None:
    """Train one stage, or go on where a run in OUT was stopped. With several GPUs: accelerate launch -m ttm_ref.cli."""
    from ttm_ref import settings
    from ttm_ref.loading import quiet
    from ttm_ref.train.loop import Run
    from ttm_ref.train.loop import train as run
    from ttm_ref.train.start import identity, task

    quiet()
    extra = [f"train.stage={stage}"] if stage else []
    extra += [f"data.folders={json.dumps([str(folder) for folder in data])}"] if data else []
    extra += [f"vae.name={json.dumps(str(vae))}"] if vae else []
    chosen = settings.load(config, [*extra, *(overrides or [])])
    made = task(chosen)
    with _bar(f"train {chosen.train.stage}") as advance:
        reached = run(
            made,
            Run(
                chosen.train,
                chosen.optimizer,
                out,
                identity(chosen, made),
                lambda done, total, values: advance(done, total, f"loss {values['loss']:.4f}"),
                stop_at,
            ),
        )
    typer.echo(f"{out}: {reached} of {chosen.train.steps} steps")


@app.command()
def describe(
    source: t.Annotated[str, typer.Argument(help="A named configuration, a TOML file, or a folder of weights.")],
    overrides: Overrides = None,
    as_json: t.Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Print parameters, shapes, tokens of a stage and an estimate of its memory; nothing is downloaded."""
    from ttm_ref import render
    from ttm_ref.describe import describe as described

    found = described(source, overrides or [])
    typer.echo(render.to_json(found) if as_json else render.to_text(found))


@app.command()
def pack(
    stages: t.Annotated[list[str], typer.Argument(help="PLACE=FOLDER: stage1=..., stage2=..., variants/ti2v=...")],
    out: t.Annotated[Path, typer.Option(help="The folder of weights, for `-o weights=`.")],
    about: t.Annotated[Path | None, typer.Option(help="A JSON file that says how they were made.")] = None,
) -> None:
    """Put trained stages into one folder of float16 weights with a manifest."""
    from ttm_ref.loading import quiet
    from ttm_ref.pack import pack_folders

    quiet()
    pack_folders(dict(_place(text) for text in stages), out, about)
    typer.echo(f"{out}: {sum(p.stat().st_size for p in out.rglob('*') if p.is_file()) / 1e6:.2f} MB")


def main() -> None:
    """Run the command line; exit codes are those of motionbench."""
    try:
        code = typer.main.get_command(app).main(standalone_mode=False)
    except MotionBenchError as error:
        _complain(error.message, error.hint)
        code = error.exit_code
    except UsageError as error:
        error.show()
        code = 2
    except (typer.Abort, KeyboardInterrupt):
        _complain("interrupted", "the same command goes on where it was stopped")
        code = 130
    sys.exit(code if isinstance(code, int) else 0)


def _complain(message: str, hint: str) -> None:
    typer.echo(f"error: {message}" + (f"\nhint: {hint}" if hint else ""), err=True)


def _place(text: str) -> tuple[str, Path]:
    place, sign, folder = text.partition("=")
    if not sign:
        raise ConfigError(f"{text!r} is not of the form PLACE=FOLDER", "such as stage1=tiny-motion/model")
    return place, Path(folder)


class _bar:  # noqa: N801 - reads as the context that it is
    """A progress bar on stderr, with an estimate of what is left; on no terminal, a line now and then."""

    def __init__(self, label: str) -> None:
        self._label, self._next = label, 0.0
        console = Console(stderr=True)
        columns = (
            TextColumn(label),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
        )
        self._progress = Progress(*columns, console=console) if console.is_terminal else None
        self._task = self._progress.add_task(label, note="") if self._progress else None

    def __enter__(self) -> t.Callable[[int, int, str], None]:
        if self._progress:
            self._progress.start()
        return self._advance

    def __exit__(self, *_: object) -> None:
        if self._progress:
            self._progress.stop()

    def _advance(self, done: int, total: int, note: str) -> None:
        if self._progress and self._task is not None:
            self._progress.update(self._task, completed=done, total=total, note=note)
        elif done >= self._next * total:
            typer.echo(f"{self._label}: {done} of {total} {note}".rstrip(), err=True)
            self._next = done / total + 0.01


def _part(text: str) -> tuple[int, int]:
    try:
        number, of = (int(piece) for piece in text.split("/"))
    except ValueError as error:
        raise ConfigError(f"--part {text!r} is not of the form n/of", "such as 0/2 and 1/2") from error
    if not 0 <= number < of:
        raise ConfigError(f"--part {text!r}: n counts from 0 and stays below `of`")
    return number, of


# Usage errors are click's, which typer carries along under one name or another.
UsageError: t.Any = typer.BadParameter.__mro__[2]


if __name__ == "__main__":
    main()
