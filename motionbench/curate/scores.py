"""Scores of candidates: read from the user's table, or made video by video and kept.

    id, caption, category, aesthetic, motion, motion_objects     and, if there is one, short_caption

`motion_objects` says which objects can move: their number, or their names as a JSON list. The columns are found
whatever their case, and "motion-capable objects", "objects" and "count" are understood as well.
"""

from __future__ import annotations

import json
import re
import typing as t
from collections.abc import Mapping
from pathlib import Path

import pydantic

from motionbench.canonical import dump
from motionbench.curate.recipe import CATEGORIES, Scored
from motionbench.datasets.sav.listing import read_table, video_id
from motionbench.errors import DataError

_CATEGORY = {name.lower(): name for name in CATEGORIES}


def _objects(value: t.Any) -> t.Any:
    """A number of objects as that many nameless ones; a list of names as it is."""
    value = json.loads(value) if isinstance(value, str) else value
    value = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(value, int | float) and value >= 0 and value % 1 == 0:
        return [""] * int(value)
    if not isinstance(value, list):
        raise ValueError("is neither a whole number nor a list of names")
    return value


def _category(value: str) -> str:
    name = " ".join(value.lower().replace("_", " ").split())
    if name not in _CATEGORY:
        raise ValueError(f"is none of {', '.join(CATEGORIES)}")
    return _CATEGORY[name]


_Words = t.Annotated[str, pydantic.StringConstraints(strip_whitespace=True, min_length=1)]


class _Row(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="ignore", allow_inf_nan=False, frozen=True)

    id: t.Annotated[_Words, pydantic.BeforeValidator(str), pydantic.AfterValidator(video_id)]
    caption: _Words
    short_caption: str = ""
    category: t.Annotated[_Words, pydantic.AfterValidator(_category)]
    aesthetic: float
    motion: t.Annotated[float, pydantic.Field(ge=0)]
    motion_objects: t.Annotated[list[str], pydantic.BeforeValidator(_objects)] = pydantic.Field(
        validation_alias=pydantic.AliasChoices("motion_objects", "motion_capable_objects", "objects", "count")
    )


def read_scores(path: str | Path) -> tuple[Scored, ...]:
    """Read a table of scores (.csv, .json, .jsonl or .parquet).

    Raises:
        DataError: the table is missing or malformed, lacks a column, or scores a video twice; it names the row.
        MissingDependency: a parquet file, and pyarrow is not installed.
    """
    path = Path(path)
    found: dict[str, Scored] = {}
    for number, row in enumerate(read_table(path), start=1):
        item = _scored(row, f"{path.name}, row {number}")
        if item.id in found:
            raise DataError(f"{path.name} scores the video {item.id!r} twice")
        found[item.id] = item
    return tuple(found.values())


def _scored(row: Mapping[str, t.Any], where: str) -> Scored:
    fields = {re.sub(r"[^a-z0-9]+", "_", str(name).strip().lower()): value for name, value in row.items()}
    try:
        read = _Row.model_validate(fields)
    except pydantic.ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        if first["type"] == "missing":
            columns = ", ".join(map(str, row))
            raise DataError(f"{where}: there is no {field}", f"the columns are {columns}") from error
        reason = first["msg"].removeprefix("Value error, ").removeprefix("Input ")
        raise DataError(f"{where}: {field} {reason} (it is {str(first['input'])[:60]!r})") from error
    return Scored(
        id=read.id,
        caption=read.caption,
        short_caption=read.short_caption or read.caption,
        category=read.category,
        aesthetic=read.aesthetic,
        motion=read.motion,
        objects=len(read.motion_objects),
        names=tuple(name for name in read.motion_objects if name),
    )


class Ledger:
    """A file of scores that grows by one line for each video, so that an interrupted run goes on where it was.

    Its lines can be given to `read_scores`.
    """

    def __init__(self, path: Path) -> None:
        """Read what is there; a last line that was cut off is dropped."""
        self.path = path
        if path.exists():
            content = path.read_bytes()
            whole = content[: content.rfind(b"\n") + 1]
            if len(whole) < len(content):
                path.write_bytes(whole)
            self.done = {item.id: item for item in read_scores(path)} if whole else {}
        else:
            self.done = {}

    def add(self, item: Scored) -> None:
        """Append a line."""
        with self.path.open("ab") as file:
            file.write(dump(row(item), indent=None))
        self.done[item.id] = item


def row(item: Scored) -> dict[str, t.Any]:
    """A candidate as a row of a table of scores."""
    return {
        "id": item.id,
        "caption": item.caption,
        "short_caption": item.short_caption,
        "category": item.category,
        "aesthetic": item.aesthetic,
        "motion": item.motion,
        "motion_objects": list(item.names) if len(item.names) == item.objects else item.objects,
    }
