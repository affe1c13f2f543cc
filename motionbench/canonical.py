"""Canonical JSON: one text for one value, written atomically and read strictly.

Canonical means UTF-8, sorted keys, no NaN, floats by repr, a final newline. Strict means that what a lenient parser
would swallow (NaN, 1e999, a repeated key, a lone surrogate) is a `SchemaError` of one line.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import secrets
import typing as t
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pydantic

from motionbench.errors import ConfigError, DataError, SchemaError

Json = t.Any  # None, bool, int, float, str, and lists and dicts of them
Sha256 = t.Annotated[str, pydantic.StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Count = t.Annotated[int, pydantic.Field(ge=0)]


class Record(pydantic.BaseModel):
    """Base of everything that is read from a file of ours: strict types, no unknown fields, no NaN, immutable."""

    model_config = pydantic.ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


R = t.TypeVar("R", bound=Record)


def plain(value: t.Any, where: str) -> Json:
    """Return `value` as plain JSON types.

    NumPy scalars become numbers, tuples lists, and dictionary entries that are arrays are dropped (they belong to
    set metrics and stay out of files). A surrogate that UTF-8 cannot carry, as in an undecodable file name, is
    spelled out as a backslash escape.

    Args:
        value: numbers, strings, None, sequences and mappings with string keys.
        where: what to name in an error.

    Raises:
        ValueError: NaN or infinity.
        TypeError: anything that JSON does not know.
    """
    if isinstance(value, np.generic) or (isinstance(value, np.ndarray) and value.ndim == 0):
        value = value.item()
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{where} is {value}; a file takes null and a reason instead")
        return value
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, Mapping):
        return {
            plain(key, where): plain(entry, f"{where}.{key}")
            for key, entry in value.items()
            if not (isinstance(entry, np.ndarray) and entry.ndim)
        }
    if isinstance(value, (list, tuple)):
        return [plain(entry, f"{where}[{index}]") for index, entry in enumerate(value)]
    raise TypeError(f"{where} is a {type(value).__name__}, which JSON does not know")


def dump(value: Json, indent: int | None = 2) -> bytes:
    """Return canonical JSON as UTF-8 bytes: indented, or on one line where `indent` is None.

    Raises:
        ValueError: NaN or infinity.
    """
    separators = (",", ":") if indent is None else (",", ": ")
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, sort_keys=True, indent=indent, separators=separators)
    return text.encode("utf-8") + b"\n"


def write_atomic(path: Path, chunks: Iterable[bytes], *, sync: bool = True) -> str:
    """Write `chunks` to `path` so that a reader finds the old file or the whole new one; return the new sha256 (hex).

    Args:
        path: the file; its folder is made if need be.
        chunks: its content.
        sync: wait until it would survive a power cut; False is for the many small files that are easily made again.

    Raises:
        ConfigError: the folder cannot be made or written, or the disk is full.
    """
    digest = hashlib.sha256()
    # A random name, so that two processes with one folder cannot write into each other's file.
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("xb") as file:
                for chunk in chunks:
                    digest.update(chunk)
                    file.write(chunk)
                if sync:
                    file.flush()
                    os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigError(
            f"cannot write {show(path)}: {error.strerror}", "check its permissions and the free space"
        ) from error
    return digest.hexdigest()


def read_bytes(path: Path) -> bytes:
    """Return the content of `path`.

    Raises:
        DataError: it is missing or unreadable.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read {show(path)}: {error.strerror}", "is this the folder of a run?") from error


def parse_record(model: type[R], data: bytes, schema: str | None, where: str) -> R:
    """Read one JSON object as a `model`.

    Args:
        model: the record to build.
        data: UTF-8 JSON.
        schema: what its field "schema" must say; None where the record has no such field.
        where: the file to name in an error.

    Raises:
        SchemaError: in one line, what is wrong and where.
    """
    try:
        value = json.loads(data.decode("utf-8"), object_pairs_hook=_object, parse_constant=_no, parse_float=_float)
    except (ValueError, RecursionError) as error:
        raise SchemaError(f"{where} is no valid JSON: {show(error)}") from error
    if not isinstance(value, dict):
        raise SchemaError(f"{where} holds a {type(value).__name__}, not an object")
    if schema is not None and value.get("schema") != schema:
        found = f"has the schema {show(repr(value['schema']))}" if "schema" in value else "names no schema"
        raise SchemaError(
            f"{where} {found}; this version reads {schema!r}", "upgrade motionbench, or pass a file that it wrote"
        )
    try:
        return model.model_validate(value)
    except pydantic.ValidationError as error:
        raise SchemaError(f"{where}: {_first(error)}") from error


def show(value: object, limit: int = 200) -> str:
    """Return `value` as text for one line of a terminal: control characters escaped, cut at `limit` characters."""
    text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in str(value))
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    value = dict(pairs)
    if len(value) != len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"the key {next(key for key in keys if keys.count(key) > 1)!r} comes twice")
    for text in (*value, *(entry for entry in value.values() if isinstance(entry, str))):
        text.encode("utf-8")  # raises UnicodeEncodeError, a ValueError, at a lone surrogate
    return value


def _no(constant: str) -> Json:
    raise ValueError(f"{constant} is no JSON number")


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"the number {text} is out of range")
    return value


def _first(error: pydantic.ValidationError) -> str:
    problems = error.errors(include_url=False, include_context=False)
    place = ".".join(str(part) for part in problems[0]["loc"])
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return show(f"{place}: {problems[0]['msg']}") + more
