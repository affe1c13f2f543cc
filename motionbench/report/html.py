"""The page of a run: `report.html`, which opens from disk without a network (see `motionbench.report.page`).

The `EMBEDDED` worst cases (see `motionbench.report.ranking`) are in the page itself, video and overlay, so that the
file alone can be passed on. The overlay of any other case is a small script, `media/<base>.js`, that the page loads
when the case is opened; it is written here from the engine's overlay file after a check, and holds numbers only.
"""

from __future__ import annotations

import base64
import typing as t
from collections.abc import Iterator
from pathlib import Path

from motionbench.canonical import write_atomic
from motionbench.report import labels, media, view
from motionbench.report.page import fill
from motionbench.results import read_run

EMBEDDED = 12
PAGE_FILE = "report.html"
_SCRIPTS = ("base.js", "sort.js", "paint.js", "player.js", "facts.js", "viewer.js")


def write_html(run: Path) -> Path:
    """Write `report.html` into a run's folder and return its path; equal files give equal bytes.

    Args:
        run: the run's folder or its run.json, with cases.jsonl and (for pictures) media/ beside it.

    Raises:
        ConfigError: the folder cannot be written.
        DataError, SchemaError: there is no run, or its files break their schema.
    """
    found = read_run(run)
    out = found.folder
    page = view.build(found, media.read_index(out))
    clips, overlays = _embed(out, page)
    path = out / PAGE_FILE
    write_atomic(path, _fill(page, clips, overlays))
    return path


def _embed(out: Path, page: view.Page) -> tuple[dict[str, str], dict[str, t.Any]]:
    """Decide what lies in the page: video sources by file name, overlays by case key; write the others' scripts."""
    clips: dict[str, str] = {}
    overlays: dict[str, t.Any] = {}
    embedded = [case for case in page.cases if case.clips and _exists(out, case.clips.get("generated"))][:EMBEDDED]
    for case in page.cases:
        for name in filter(None, case.clips.values()):
            path = out / media.FOLDER / name
            if not path.is_file():
                continue
            if case in embedded:
                clips[name] = "data:video/mp4;base64," + base64.b64encode(path.read_bytes()).decode("ascii")
            else:
                clips[name] = f"{media.FOLDER}/{name}"
        found = {side: media.read_overlay(out, name) for side, name in case.overlays.items()}
        drawn = {side: overlay for side, overlay in found.items() if overlay is not None}
        if drawn and case in embedded:
            overlays[case.key] = {side: overlay.model_dump() for side, overlay in drawn.items()}
        elif drawn:
            overlays[case.key] = f"{media.FOLDER}/{case.key}.js"
            sides = ",".join(f'"{side}":{overlay.model_dump_json()}' for side, overlay in drawn.items())
            script = f'motionbenchOverlay("{case.key}",{{{sides}}});\n'
            write_atomic(out / overlays[case.key], [script.encode("utf-8")], sync=False)
    return clips, overlays


def _exists(out: Path, name: str | None) -> bool:
    return name is not None and (out / media.FOLDER / name).is_file()


def _fill(page: view.Page, clips: dict[str, str], overlays: dict[str, t.Any]) -> Iterator[bytes]:
    return fill(
        "report.html.j2",
        scripts=_SCRIPTS,
        styles=("page.css",),
        data=_data(page, clips, overlays),
        page=page,
        clips=clips,
        embedded=[case for case in page.cases if clips.get(case.clips.get("generated") or "", "").startswith("data:")],
    )


def _data(page: view.Page, clips: dict[str, str], overlays: dict[str, t.Any]) -> dict[str, t.Any]:
    """What the script needs; an embedded clip is named by null, as its source already stands in the markup."""
    return {
        "fps": page.run.identity.protocol.fps,
        "metrics": [{"id": m.metric, "title": labels.title(m.metric), "name": m.name} for m in page.sheet.lines],
        "cases": [
            {
                "key": case.key,
                "id": case.id,
                "subset": case.subset,
                "words": case.words,
                "clips": {
                    side: None if clips[name].startswith("data:") else clips[name]
                    for side, name in case.clips.items()
                    if name in clips
                },
                "overlay": overlays.get(case.key),
                "match": case.match,
                "rows": case.rows,
            }
            for case in page.cases
        ],
    }
