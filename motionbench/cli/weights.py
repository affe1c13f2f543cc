"""`motionbench weights`: what is there, fetch it, check it, and random stand-ins for tests."""

from __future__ import annotations

import json
import os
import sys
import typing as t
from pathlib import Path

import typer

from motionbench.cli.options import AsJson, Offline, Quiet, WeightsDir
from motionbench.cli.transfers import Transfers
from motionbench.errors import ConfigError, MotionBenchError

if t.TYPE_CHECKING:
    from motionbench.weights import Entry

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Trained weights: what is there, fetch, check, random stand-ins."
)
Names = t.Annotated[list[str] | None, typer.Argument(help="Names, as `motionbench weights ls` prints them.")]
Of = t.Annotated[
    str | None,
    typer.Option("--profile", help="All that the backends of a profile load.", show_default=False),
]


@app.command(name="ls")
def list_weights(weights_dir: WeightsDir = None, as_json: AsJson = False) -> None:
    """Name, state, size and licence of all weights that motionbench knows."""
    from motionbench import weights

    rows = table(weights_dir or weights.default_folder())
    if as_json:
        print(json.dumps(rows, indent=2, sort_keys=True))
        return
    for line in lines(rows):
        print(line)


def table(root: Path) -> list[dict[str, t.Any]]:
    """One row for each entry: name, state and the reason for it, size, licence, and where it lies."""
    from motionbench import weights

    store, rows = weights.Store(root), []
    for name, entry in sorted(weights.shipped().items()):
        state = store.state(name, entry)
        rows.append(
            {
                "name": name,
                "state": state.known,
                "reason": state.reason,
                "random": store.made(name, entry),
                "bytes": entry.size,
                "exact": entry.exact,
                "size": weights.size(entry),
                "license": entry.license,
                "non_commercial": entry.non_commercial,
                "sha256": {file.path: store.expected(name, file) for file in entry.files},
                "path": str(store.place(name, entry)),
                "title": entry.title,
                "paper": entry.paper,
                "backends": entry.backends,
                "fetch": weights.fetch_command(name),
            }
        )
    return rows


def lines(rows: list[dict[str, t.Any]]) -> list[str]:
    """The rows as aligned text."""
    cells = [
        (
            row["name"],
            row["state"] + (" (random)" if row["random"] else ""),
            row["size"],
            row["license"] + (" (no commercial use)" if row["non_commercial"] else ""),
            row["title"],
        )
        for row in rows
    ]
    widths = [max(len(line[k]) for line in cells) for k in range(4)]
    text = ["  ".join(c.ljust(w) for c, w in zip(line, widths, strict=False)) + "  " + line[4] for line in cells]
    return text + [f"{row['name']}: {row['reason']}" for row in rows if row["state"] == "wrong"]


@app.command()
def fetch(
    names: Names = None,
    profile: Of = None,
    accept_license: t.Annotated[
        list[str] | None,
        typer.Option("--accept-license", help="A licence, or the name of weights whose licence you accept."),
    ] = None,
    weights_dir: WeightsDir = None,
    offline: Offline = False,
    quiet: Quiet = False,
) -> None:
    """Download weights, go on with what was begun, and check every byte."""
    from motionbench import weights

    chosen, root = _chosen(names, profile), weights_dir or weights.default_folder()
    accepted = set(accept_license or ())
    with Transfers(quiet=quiet) as transfers:

        def accept(name: str, entry: Entry) -> bool:
            return bool({name, entry.license} & accepted) or _ask(name, entry)

        found = weights.fetch(chosen, root, accept=accept, progress=transfers.show, forbid=weights.offline(offline))
    store = weights.Store(root)
    for name in found:
        print(store.place(name, weights.find(name)))


@app.command()
def verify(names: Names = None, profile: Of = None, weights_dir: WeightsDir = None) -> None:
    """Hash what is there once more. By default all that is there; named weights must be there."""
    from motionbench import weights

    root = weights_dir or weights.default_folder()
    store = weights.Store(root)
    if names or profile:
        chosen = _chosen(names, profile)
    else:
        chosen = [n for n, e in sorted(weights.shipped().items()) if store.state(n, e).known != "absent"]
    bad: MotionBenchError | None = None
    for name in chosen:
        try:
            print(f"{name}  {store.check(name, weights.find(name), again=True)}")
        except MotionBenchError as error:
            bad = error
            print(f"{name}  {error.message}")
    if bad is not None:
        raise typer.Exit(bad.exit_code)


@app.command(name="make-random")
def make_random(
    folder: t.Annotated[Path, typer.Argument(help="An empty folder, or one of random weights.")],
    names: Names = None,
    profile: Of = None,
    seed: t.Annotated[int, typer.Option("--seed", min=0, help="What the initialisation draws from.")] = 0,
    quiet: Quiet = False,
) -> None:
    """Write randomly initialised networks in the official formats, for testing only."""
    from motionbench import weights
    from motionbench.weights.random import make_random as make

    def tell(name: str, what: str) -> None:
        if not quiet:
            print(f"{name}: {what}", file=sys.stderr)

    chosen = _chosen(names, profile) if names or profile else None
    left = make(folder, chosen, seed=seed, code_from=weights.default_folder(), tell=tell)
    print(folder)
    if chosen is not None and left:
        raise ConfigError(
            f"cannot be made at random: {', '.join(left)}", "code is copied from the folder of weights, if it is there"
        )


def _chosen(names: list[str] | None, profile: str | None) -> list[str]:
    """The names that were given, and those of a profile."""
    from motionbench import weights

    chosen = list(names or ())
    if profile is not None:
        from motionbench.plan import weights_of
        from motionbench.profiles import load_profile

        chosen += weights_of(load_profile(profile))
    elif not chosen:
        raise ConfigError("say which weights: names, or --profile", "motionbench weights ls")
    for name in chosen:
        if name not in weights.shipped():
            from motionbench.registry import nearest

            raise ConfigError(f"there are no weights called {name!r}", nearest(name, weights.shipped(), "weights"))
    return list(dict.fromkeys(chosen))


def _ask(name: str, entry: Entry) -> bool:
    """Ask on the terminal; where nobody can answer, the answer is no."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()) or os.environ.get("CI"):
        return False
    question = f"{name} is licensed {entry.license}, which forbids commercial use ({entry.license_url}). Accept?"
    return typer.confirm(question, default=False, err=True)
