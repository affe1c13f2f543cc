r"""What every page of ours is made of: templates, one script, one style sheet, and a policy that allows nothing else.

A page opened from disk may neither fetch files nor load modules. So it holds its data as JSON, its script is one
classic inline script, and videos are plain relative links. Everything that comes from outside is escaped: by Jinja2 in
the markup, by `\u003c` in the JSON, as text nodes in the script. The content security policy names the page's own
script and style by their hashes, and allows scripts and videos beside the page.
"""

from __future__ import annotations

import base64
import hashlib
import typing as t
from collections.abc import Iterator, Sequence
from pathlib import Path

import jinja2
from markupsafe import Markup

from motionbench.markup import script_json
from motionbench.report import labels, numbers

TEMPLATES = Path(__file__).parent / "templates"


def fill(
    template: str, *, scripts: Sequence[str], styles: Sequence[str], data: t.Any, **context: t.Any
) -> Iterator[bytes]:
    """Yield a page piece by piece: the whole of a thousand cases need not stand in memory.

    Args:
        template: a file of `TEMPLATES` that extends frame.html.j2.
        scripts, styles: files of `TEMPLATES` in the order in which they are put together.
        data: what the script reads, as plain JSON types.
        context: what the template reads.

    Raises:
        ValueError: `data` holds NaN or infinity.
    """
    # The parts share one function's scope and say nothing to the page's other scripts.
    script = f'(function () {{\n"use strict";\n{_read(scripts)}}}());\n'
    style = _read(styles)
    pieces = (
        environment()
        .get_template(template)
        .stream(
            data=Markup(script_json(data)),
            script=Markup(script),
            style=Markup(style),
            script_hash=_csp_hash(script),
            style_hash=_csp_hash(style),
            **context,
        )
    )
    pieces.enable_buffering(1000)
    for piece in pieces:
        yield piece.encode("utf-8")


def environment() -> jinja2.Environment:
    """Return the environment of all pages: everything is escaped, a name that is not there is an error."""
    found = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    found.filters["typeset"] = numbers.typeset
    found.globals.update(labels=labels, numbers=numbers)
    return found


def _read(names: Sequence[str]) -> str:
    return "\n".join((TEMPLATES / name).read_text(encoding="utf-8") for name in names)


def _csp_hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode('utf-8')).digest()).decode('ascii')}'"
