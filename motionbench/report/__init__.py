"""What a run looks like: terminal table, Markdown, CSV, LaTeX, and a page that opens from disk."""

from __future__ import annotations

import io
from pathlib import Path

from motionbench.errors import ConfigError
from motionbench.results import read_run

FORMATS = ("table", "md", "csv", "tex")


def render(run: Path, form: str, *, width: int = 100, colour: bool = False) -> str:
    """Return a run's estimates as text.

    Args:
        run: the run's folder or its run.json.
        form: "table" for a terminal, "md", "csv" or "tex".
        width, colour: of the terminal; "table" alone heeds them.

    Raises:
        ConfigError: there is no such form.
        DataError, SchemaError: there is no run, or its files break their schema.
    """
    from motionbench.report import table, terminal

    if form not in FORMATS:
        raise ConfigError(f"there is no table format {form!r}", f"formats are {', '.join(FORMATS)}")
    found = read_run(run)
    match form:
        case "md":
            return table.to_markdown(found)
        case "csv":
            return table.to_csv(found)
        case "tex":
            return table.to_latex(found)
    from rich.console import Console

    width, text = max(width, terminal.NARROWEST), io.StringIO()
    console = Console(file=text, width=width, force_terminal=colour, no_color=not colour, highlight=False)
    console.print(terminal.summary(found, width))
    return "".join(line.rstrip() + "\n" for line in text.getvalue().splitlines())


def write_html(out: Path) -> Path:
    """Write `report.html` of the run in the folder `out`; see `motionbench.report.html`.

    Raises:
        ConfigError: the folder cannot be written.
        DataError, SchemaError: there is no run, or its files break their schema.
    """
    from motionbench.report import html

    return html.write_html(out)
