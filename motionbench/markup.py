"""Untrusted text in Markdown, LaTeX, CSV and pages: names come from strangers and must not act in any of them."""

from __future__ import annotations

import csv
import io
import json
import re
import typing as t
from collections.abc import Iterable, Sequence

from motionbench.canonical import show

Mark = t.Literal["best", "second", ""]

_MARKDOWN = re.compile(r"[\\`*{}\[\]#|~<>!$]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|(?<=[A-Za-z])[:.](?=[A-Za-z/])")
_LIST = re.compile(r"^(\d*)([.)](?=\s|$)|[-+](?!\w))")  # what would start a list, or be a rule, at a line's start
_LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "''",
    "—": "---",
    "†": r"\dag{}",
    "±": r"$\pm$",
    "…": r"\dots{}",
    "≤": r"$\leq$",
}
_FORMULA = ("=", "+", "-", "@")


def markdown(text: str, limit: int = 400) -> str:
    """Return `text` for a Markdown table cell or line: no markup, HTML, link or line break of its own.

    Spaces at both ends go. Control, invisible and direction-changing characters are spelled out; more than `limit`
    characters are cut. A colon or full stop between letters is escaped as well, because GitHub turns bare addresses
    into links.
    """
    plain = show(text, limit).strip().replace("&", "&amp;")
    quoted = _MARKDOWN.sub(lambda found: {"<": "&lt;", ">": "&gt;"}.get(found[0], "\\" + found[0]), plain)
    return _LIST.sub(r"\1\\\2", quoted)


def latex(text: str, limit: int = 400) -> str:
    """Return `text` with everything escaped that LaTeX would act on; letters beyond Latin need XeLaTeX or LuaLaTeX."""
    return "".join(_LATEX.get(character, character) for character in show(text, limit))


def script_json(value: t.Any) -> str:
    """Return JSON for a script element: no `<`, `>` or `&` is left, so that it cannot end the element that holds it."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def csv_table(
    header: Sequence[str], rows: Iterable[Sequence[str | float | int | None]], digits: int | None = None
) -> str:
    """Return a CSV file (RFC 4180 quoting, LF line ends); None is an empty field.

    Text that a spreadsheet would run as a formula gets a leading apostrophe.

    Args:
        header: the column names.
        rows: the fields.
        digits: significant digits of floats; None for all of them. Sums come out differently in the last bit from one
            processor to the next, so files that are compared byte by byte round.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow([_field(value, digits) for value in row])
    return out.getvalue()


def _field(value: str | float | int | None, digits: int | None) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        text = show(value, 1000)
        return "'" + text if text.startswith(_FORMULA) else text
    if isinstance(value, float) and digits is not None:
        value = float(f"{value:.{digits}g}")
    return repr(value)


def markdown_grid(header: Sequence[str], rows: Iterable[Sequence[str]], left: int = 1) -> str:
    """Return a Markdown table of cells that are already escaped; `left` columns are flush left, the others right."""
    rule = [*["---"] * left, *["---:"] * (len(header) - left)]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (header, rule, *rows))


def latex_grid(header: Sequence[str], blocks: Sequence[Sequence[Sequence[str]]], left: int = 1) -> str:
    """Return a booktabs `tabular` of cells that are already escaped; a rule stands between blocks of rows.

    Args:
        header: the column heads.
        blocks: groups of rows; empty groups are left out.
        left: how many leading columns are flush left; the others are flush right.
    """
    lines = [rf"\begin{{tabular}}{{{'l' * left}{'r' * (len(header) - left)}}}", r"\toprule", _latex_row(header)]
    for block in blocks:
        if block:
            lines += [r"\midrule", *map(_latex_row, block)]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"]) + "\n"


def _latex_row(cells: Sequence[str]) -> str:
    # A row that starts with [ would be read as the optional argument of the \\ before it.
    row = " & ".join(cells) + r" \\"
    return "{}" + row if row.startswith(("[", "*")) else row
