"""What a submitter declares of a system: what it sees, what it was trained on, how it was tuned, where it can be had.

A declaration is a small YAML file (JSON is YAML too), held against `Declaration`. It is text from strangers: unknown
fields, repeated keys, aliases, anything but https links and files above 64 KiB are refused.
"""

from __future__ import annotations

import typing as t
from collections.abc import Hashable
from pathlib import Path

import pydantic
import yaml

from motionbench.canonical import Record, dump, parse_record, read_bytes, show
from motionbench.errors import SchemaError

MOST_BYTES = 65536

Line = t.Annotated[str, pydantic.StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
Https = t.Annotated[
    str,
    pydantic.StringConstraints(
        max_length=500, pattern=r"^https://[A-Za-z0-9.-]+(:[0-9]+)?(/[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]*)?$"
    ),
]
BibTeX = t.Annotated[str, pydantic.StringConstraints(max_length=4000, pattern=r"^\s*@[A-Za-z]+\s*\{")]
Input = t.Literal[
    "first_frame", "caption", "motion_prompt", "object_prompts", "mask", "boxes", "tracks", "motion_video", "end_frame"
]
Tier = t.Literal["verified", "rescored", "self"]


class Links(Record):
    """Where the system can be had, https only."""

    paper: Https | None = None
    code: Https | None = None
    weights: Https | None = None
    videos: Https | None = None


class Declaration(Record):
    """A submitter's word on a system.

    Attributes:
        inputs: what the system sees of a case; sorted when it is stored.
        training_data: names of the data sets that it was trained on.
        saw_benchmark: were cases of this data set, or their videos, in its training data?
        tuning: "none", "global" (one setting chosen on these cases) or "per_case".
        best_of: how many videos were made for each case, of which the one that was scored was chosen; 1 for no choice.
        submitter, relationship: who ran it, and whether they are its authors.
        backbone, license, links, bibtex, notes: for the reader.
    """

    inputs: t.Annotated[list[Input], pydantic.Field(min_length=1)]
    training_data: t.Annotated[list[Line], pydantic.Field(max_length=50)]
    saw_benchmark: t.Literal["no", "yes", "unknown"]
    tuning: t.Literal["none", "global", "per_case"]
    best_of: t.Annotated[int, pydantic.Field(ge=1, le=10000)]
    submitter: Line
    relationship: t.Literal["authors", "third_party"]
    backbone: Line | None = None
    license: Line | None = None
    links: Links = Links()
    bibtex: BibTeX | None = None
    notes: t.Annotated[str, pydantic.StringConstraints(max_length=1000)] | None = None


class _Loader(yaml.SafeLoader):
    """YAML without aliases (a few bytes of which can stand for gigabytes) and with every key once."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.events.AliasEvent):
            raise yaml.YAMLError("aliases are not allowed")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, t.Any]:
        keys = [key.value for key, _ in node.value]
        if len({str(key) for key in keys}) != len(keys):
            raise yaml.YAMLError("a key comes twice")
        return super().construct_mapping(node, deep)


def read_declaration(path: Path) -> Declaration:
    """Read a declaration.

    Raises:
        DataError: the file is missing or unreadable.
        SchemaError: it is no YAML, too large, or breaks the schema.
    """
    data = read_bytes(path)
    if len(data) > MOST_BYTES:
        raise SchemaError(f"{show(path)} has {len(data)} bytes; a declaration has at most {MOST_BYTES}")
    try:
        value = yaml.load(data.decode("utf-8"), _Loader)
        content = dump(value, indent=None)
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, TypeError, RecursionError) as error:
        raise SchemaError(f"{show(path)} is no valid declaration: {show(error)}") from error
    found = parse_record(Declaration, content, None, show(path))
    return found.model_copy(update={"inputs": sorted(set(found.inputs))})
