"""mkdocs hook: a navigation entry that names a folder becomes its pages, so that generated ones need no list."""

from __future__ import annotations

import typing as t
from pathlib import Path


def on_config(config: t.Any) -> t.Any:
    """Replace `metrics/` by the pages in it, and leave out a folder without any."""
    config["nav"] = _expanded(config["nav"], Path(config["docs_dir"]))
    return config


def _expanded(entries: list[t.Any], docs: Path) -> list[t.Any]:
    found = []
    for entry in entries:
        title, target = next(iter(entry.items())) if isinstance(entry, dict) else (None, entry)
        if isinstance(target, list):
            found.append({title: _expanded(target, docs)})
        elif isinstance(target, str) and target.endswith("/"):
            pages = sorted(path.relative_to(docs).as_posix() for path in (docs / target).glob("*.md"))
            if pages:
                found.append({title: pages})
        else:
            found.append(entry)
    return found
