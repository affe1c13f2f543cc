"""The words of a data set's cases: caption, motion prompt and objects, once for each data set on a board.

    <board>/words/<dataset slug>-<first 12 digits of its manifest's sha256>.json

They are for the page alone; no number depends on them. The first run that is added brings them, in its
media/index.json.
"""

from __future__ import annotations

import typing as t
from collections.abc import Mapping
from pathlib import Path

import pydantic

from motionbench.canonical import Record, Sha256, dump, parse_record, read_bytes, show, write_atomic
from motionbench.errors import SchemaError
from motionbench.leaderboard.entries import slug
from motionbench.records import DatasetId
from motionbench.report import media
from motionbench.results import RunFile

SCHEMA = "motionbench.words/1"
WORDS = "words"

Text = t.Annotated[str, pydantic.StringConstraints(max_length=2000)]


class Thing(Record):
    """An object of a case."""

    id: int
    name: Text


class CaseWords(Record):
    """What a case asks for."""

    caption: Text
    motion_prompt: Text
    objects: t.Annotated[list[Thing], pydantic.Field(max_length=100)]


class Words(Record):
    """One file of words/."""

    schema_: t.Literal["motionbench.words/1"] = pydantic.Field(alias="schema")
    dataset: str
    manifest_sha256: Sha256
    cases: dict[str, CaseWords]


def words_path(board: Path, dataset: DatasetId) -> Path:
    """Return where a data set's words are kept."""
    return board / WORDS / f"{slug(dataset.name)}-{dataset.manifest_sha256[:12]}.json"


def keep_words(board: Path, run: RunFile) -> None:
    """Write the words of a run's cases, unless the board has those of its data set or the run has none.

    Raises:
        ConfigError: the board cannot be written.
        SchemaError: media/index.json breaks its schema, or a text is longer than 2,000 characters.
    """
    dataset = run.identity.dataset
    path, shown = words_path(board, dataset), media.read_index(run.folder)
    if path.exists() or not shown:
        return
    content = {
        "schema": SCHEMA,
        "dataset": dataset.name,
        "manifest_sha256": dataset.manifest_sha256,
        "cases": {
            case.case_id: {
                "caption": case.caption,
                "motion_prompt": case.motion_prompt,
                "objects": [{"id": thing.id, "name": thing.name} for thing in case.objects],
            }
            for case in shown
        },
    }
    data = dump(content)
    parse_record(Words, data, SCHEMA, show(run.folder / media.FOLDER / media.INDEX_FILE))
    write_atomic(path, [data])


def read_words(board: Path, dataset: DatasetId) -> Mapping[str, CaseWords]:
    """Return the words by case id; empty where the board has none.

    Raises:
        SchemaError: the file breaks its schema, or speaks of another data set.
    """
    path = words_path(board, dataset)
    return read_words_file(path).cases if path.exists() else {}


def read_words_file(path: Path) -> Words:
    """Read one file of words/.

    Raises:
        SchemaError: it breaks its schema, or lies under another data set's name.
    """
    found = parse_record(Words, read_bytes(path), SCHEMA, show(path))
    if path.name != f"{slug(found.dataset)}-{found.manifest_sha256[:12]}.json":
        raise SchemaError(f"{show(path)} holds the words of {show(found.dataset, 60)!r}: its name does not fit")
    return found
