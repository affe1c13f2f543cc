"""`motionbench compare`: paired tests between runs."""

from __future__ import annotations

import enum
import typing as t
from pathlib import Path

import typer

from motionbench.cli.options import Quiet, Seed, Subset, option
from motionbench.cli.screen import Screen


class Form(enum.StrEnum):
    """How a comparison is shown."""

    table = "table"
    md = "md"
    csv = "csv"
    json = "json"


def compare(
    runs: t.Annotated[list[Path], typer.Argument(metavar="RUN...", help="Two or more run folders.")],
    baseline: t.Annotated[str | None, option("The system to test against; by default the first.", "--baseline")] = None,
    metric: t.Annotated[list[str] | None, option("Only these metrics; may be repeated.", "--metric")] = None,
    subset: t.Annotated[list[Subset] | None, option("all, single or multi; may be repeated.", "--subset")] = None,
    clusters: t.Annotated[
        Path | None, option("A CSV with case_id,cluster: cases of one source video are drawn together.", "--clusters")
    ] = None,
    seed: Seed = 0,
    form: t.Annotated[Form, typer.Option("--format", help="How to show it.")] = Form.table,
    out: t.Annotated[Path | None, option("Also draw the comparison into this SVG file.", "--out")] = None,
    quiet: Quiet = False,
) -> None:
    """Compare runs case by case: differences, p-values adjusted by Holm, and ranks that the cases can carry."""
    from motionbench import comparison
    from motionbench.report import versus, versus_figure

    found = comparison.compare(
        runs,
        baseline=baseline,
        metrics=metric,
        subsets=[s.value for s in subset or [Subset.all]],
        clusters=comparison.read_clusters(clusters) if clusters else None,
        seed=seed,
    )
    with Screen(quiet=quiet) as screen:
        for warning in found.warnings:
            screen.warn(warning)
        if out is not None:
            versus_figure.write_figure(found, out)
            screen.note(f"figure: {out}")
    print(versus.render(found, form.value), end="")
