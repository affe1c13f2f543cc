"""`motionbench humans`: collect pairwise judgements by people, score systems by them, hold metrics against them."""

from __future__ import annotations

import typing as t
from pathlib import Path

import typer

from motionbench.cli.compare import Form
from motionbench.cli.options import Seed, option
from motionbench.errors import ConfigError

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Judgements by people.")
Votes = t.Annotated[Path, typer.Argument(metavar="VOTES", help="A CSV: case_id,system_a,system_b,question,vote,rater.")]
Shown = t.Annotated[Form, typer.Option("--format", help="How to show it.")]


@app.command()
def page(
    videos_a: t.Annotated[Path, typer.Argument(help="A folder of videos named <case id>.mp4.")],
    videos_b: t.Annotated[Path, typer.Argument(help="Another one, of another system.")],
    out: t.Annotated[Path, typer.Option("--out", help="The page; keep it where it finds the videos.")] = Path(
        "vote.html"
    ),
    name: t.Annotated[list[str] | None, option("A system's name in the votes; give it twice.", "--name")] = None,
    question: t.Annotated[list[str] | None, option("What to ask; may be repeated.", "--question")] = None,
    dataset: t.Annotated[str | None, option("Show only its cases, with their motion prompts.", "--dataset")] = None,
    limit: t.Annotated[
        int | None, typer.Option("--limit", min=1, help="Only so many cases.", show_default=False)
    ] = None,
    seed: Seed = 0,
) -> None:
    """Write a static page that shows pairs of videos and saves votes as a CSV file."""
    from motionbench import datasets
    from motionbench.humans import page as pages

    if name is not None and len(name) != 2:
        raise ConfigError("--name is to be given twice, once for each folder")
    pages.write_page(
        videos_a,
        videos_b,
        out,
        names=(name[0], name[1]) if name else None,
        questions=question or pages.QUESTIONS,
        dataset=datasets.load_dataset(dataset) if dataset else None,
        limit=limit,
        seed=seed,
    )
    print(out)


@app.command()
def scores(votes: Votes, seed: Seed = 0, form: Shown = Form.table) -> None:
    """Score systems from votes: Bradley-Terry with ties, intervals over cases and raters."""
    from motionbench import humans
    from motionbench.report import people

    print(people.render_scores(humans.bradley_terry(humans.read_votes(votes), seed), form.value), end="")


@app.command()
def agreement(
    votes: Votes,
    runs: t.Annotated[list[Path], typer.Argument(metavar="RUN...", help="A run folder of each system in the votes.")],
    metric: t.Annotated[list[str] | None, option("Only these metrics; may be repeated.", "--metric")] = None,
    seed: Seed = 0,
    form: Shown = Form.table,
) -> None:
    """Say how often each metric prefers what people prefer, and how often people agree with each other."""
    from motionbench import comparison, humans
    from motionbench.report import people

    found = humans.agreement(humans.read_votes(votes), comparison.case_values(runs, metric), seed)
    print(people.render_agreement(found, form.value), end="")
