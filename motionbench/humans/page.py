r"""The page that collects votes: one static file that opens from disk and needs no network and no server.

It shows the two systems' videos of a case side by side, without names, in an order and with sides that a rater's name
and the seed decide, and saves the answers in the browser as it goes and as a CSV file that `read_votes` reads. Videos
stay where they are: the page links to them by relative paths, so move the page and the folders together.

Case ids, file names and questions come from outside: they are escaped by Jinja2 in the markup, as `\u003c` in the JSON
(so that nothing ends the script element that holds it) and shown as text nodes. A content security policy allows this
page's own script and style by their hashes, media, and nothing else. The names of the systems stand in the file's
source: a rater who looks there can find out who made what.
"""

from __future__ import annotations

import base64
import hashlib
import os
import typing as t
import urllib.parse
from collections.abc import Mapping, Sequence
from pathlib import Path

import jinja2
from markupsafe import Markup

from motionbench.canonical import show, write_atomic
from motionbench.errors import ConfigError, DataError
from motionbench.markup import script_json
from motionbench.sources import folder as video_folder
from motionbench.types import Dataset

QUESTIONS = ("Which video moves more believably?",)
_TEMPLATES = Path(__file__).parent / "templates"


def write_page(
    videos_a: Path,
    videos_b: Path,
    out: Path,
    *,
    names: tuple[str, str] | None = None,
    questions: Sequence[str] = QUESTIONS,
    dataset: Dataset | None = None,
    limit: int | None = None,
    seed: int = 0,
) -> int:
    """Write the page for all cases that both folders have a video of.

    Args:
        videos_a, videos_b: folders of videos named `<case id>.<ext>` that browsers play (mp4 or webm).
        out: the HTML file.
        names: the systems' names in the votes; by default the folders' names.
        questions: each is asked about each case.
        dataset: where given, only its cases are shown, each with its motion prompt.
        limit: only so many cases, drawn by the seed.
        seed: decides order and sides together with the rater's name; two pages of one seed agree.

    Returns:
        How many cases the page shows.

    Raises:
        ConfigError: equal names, no question, or a page that cannot be written or linked from where it is to be.
        DataError: a folder cannot be listed, holds two videos of one case, or the two share no case.
    """
    systems = names or (videos_a.resolve().name, videos_b.resolve().name)
    if systems[0] == systems[1] or not all(name.strip() for name in systems):
        raise ConfigError(f"the two systems are both called {show(systems[0], 60)!r}", "give --name twice")
    if not questions or not all(q.strip() for q in questions) or len(set(questions)) < len(questions):
        raise ConfigError("the page needs questions, each once", "give --question TEXT")
    found = [_videos(folder, out) for folder in (videos_a, videos_b)]
    prompts = None if dataset is None else {case.id: case.motion_prompt for case in dataset.cases}
    shared = sorted(case for case in found[0].keys() & found[1].keys() if prompts is None or case in prompts)
    if not shared:
        raise DataError(f"{show(videos_a)} and {show(videos_b)} have no case in common", "name videos by their case")
    if limit is not None:
        shared = sorted(sorted(shared, key=lambda case: _digest(f"{seed}/{case}"))[:limit])
    data: dict[str, t.Any] = {
        "systems": list(systems),
        "questions": list(questions),
        "seed": seed,
        "cases": [
            {"id": case, "a": found[0][case], "b": found[1][case], "prompt": prompts[case] if prompts else ""}
            for case in shared
        ],
    }
    data["key"] = _digest(script_json(data))[:16]  # answers belong to this page, not to another one beside it
    write_atomic(out, [_fill(data).encode("utf-8")])
    return len(shared)


def _videos(folder: Path, out: Path) -> Mapping[str, str]:
    """Case id to the link to its video."""
    links = {}
    for case, files in video_folder.candidates(folder).items():
        playable = [name for name in files if (folder / name).is_file()]
        if len(playable) > 1:
            raise DataError(f"{show(folder)} holds {len(playable)} videos of {show(case, 60)!r}", "leave only one")
        if playable:
            links[case] = _link(folder / playable[0], out)
    return links


def _link(path: Path, out: Path) -> str:
    try:
        relative = os.path.relpath(path.resolve(), out.resolve().parent)
    except ValueError as error:  # two drives
        raise ConfigError(
            f"{show(out)} and {show(path)} are on two drives", "write the page beside the videos"
        ) from error
    return urllib.parse.quote(Path(relative).as_posix().encode("utf-8", "surrogateescape"))


def _fill(data: Mapping[str, t.Any]) -> str:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined
    )
    script, style = ((_TEMPLATES / name).read_text(encoding="utf-8") for name in ("vote.js", "vote.css"))
    return environment.get_template("vote.html.j2").render(
        data=Markup(script_json(data)),
        script=Markup(script),
        style=Markup(style),
        script_hash=_csp_hash(script),
        style_hash=_csp_hash(style),
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()


def _csp_hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode('utf-8')).digest()).decode('ascii')}'"
