"""Lists of cases as tables: which videos, with which captions. CSV, JSON, JSON lines and parquet.

The columns are found by name, whatever their case; the first name of `COLUMNS` that the table has counts, and a mapping
from the user comes before them all. `id` and `caption` must be there. A missing or empty field takes its default.

    id              the video: "sav_000001", a path or file name ending in it, or its number
    caption         what the video shows
    short_caption   the same in short; the caption where it is missing
    motion_prompt   what moves and how; the caption where it is missing
    category        such as "Animal"
    subset          "single" or "multi" (also "single-object" and the like); else by the objects
    objects         [{"masklet": 0, "name": ..., "prompt": ...}]: the objects that move; in CSV as JSON text
    count           how many objects can move, where they are not listed
"""

from __future__ import annotations

import json
import math
import re
import typing as t
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pydantic

from motionbench.errors import ConfigError, DataError, MissingDependency
from motionbench.types import Subset

SUFFIXES = (".csv", ".json", ".jsonl", ".parquet")
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "id": ("id", "video_id", "video", "video_name", "file_name", "filename", "video_path", "path", "name"),
    "caption": ("caption", "prompt", "text", "long_caption", "video_caption", "description"),
    "short_caption": ("short_caption", "short_prompt", "caption_short", "short"),
    "motion_prompt": ("motion_prompt", "motion_caption"),
    "category": ("category", "class"),
    "subset": ("subset", "set", "setting", "object_type", "type"),
    "objects": ("objects",),
    "count": ("count", "motion_objects", "num_objects", "n_objects", "object_count"),
}
_SUBSET = re.compile(r"(?<![a-z])(single|multi)", re.IGNORECASE)
_VIDEO_SUFFIX = re.compile(r"\.(mp4|mov|mkv|webm|avi|gif)$", re.IGNORECASE)
Row = dict[str, t.Any]


def _text(value: str) -> str:
    value.encode("utf-8")  # a lone surrogate raises UnicodeEncodeError, which is a ValueError
    return value


_Text = t.Annotated[str, pydantic.AfterValidator(_text)]


class Described(pydantic.BaseModel):
    """One object of a list: its number in the annotation (None where there is none), and its texts."""

    model_config = pydantic.ConfigDict(extra="ignore", frozen=True)

    masklet: t.Annotated[int, pydantic.Field(ge=0)] | None = None
    name: _Text = ""
    prompt: _Text = ""


@dataclass(frozen=True, slots=True)
class Listed:
    """One row of a list."""

    id: str
    caption: str
    short_caption: str
    motion_prompt: str
    category: str
    subset: Subset | None
    objects: tuple[Described, ...]
    count: int | None


def read_list(path: str | Path, columns: Mapping[str, str] | None = None) -> tuple[Listed, ...]:
    """Read a list of cases.

    Args:
        path: a table, or a folder of tables, which are read in the order of their names; where those have no column
            for it, a table named "single..." or "multi..." holds the cases of that subset.
        columns: field to column name, for tables whose columns are named otherwise.

    Raises:
        ConfigError: `columns` names an unknown field.
        DataError: the list is missing, empty or malformed, lacks a column, or names a video twice.
        MissingDependency: a parquet file, and pyarrow is not installed.
    """
    path, columns = Path(path), dict(columns or {})
    unknown = next((field for field in columns if field not in COLUMNS), None)
    if unknown is not None:
        raise ConfigError(f"a list has no field {unknown!r}", f"fields are {', '.join(COLUMNS)}")
    listed: list[Listed] = []
    for table in _tables(path):
        rows = read_table(table)
        names = _names(rows, table.name, columns)
        hint = match[1].lower() if (match := _SUBSET.search(table.stem)) else ""
        listed += [_listed(row, names, hint, f"{table.name}, row {number}") for number, row in enumerate(rows, start=1)]
    ids = [item.id for item in listed]
    if len(set(ids)) < len(ids):
        raise DataError(f"{path.name} names the video {next(i for i in ids if ids.count(i) > 1)!r} twice")
    return tuple(listed)


def read_table(path: Path) -> list[Row]:
    """The rows of one table; texts stay texts, so that ids keep their zeros.

    A JSON file holds a list of rows, or an object that holds one under "cases", "data" or "rows".

    Raises:
        DataError, MissingDependency: see `read_list`.
    """
    try:
        rows = _parquet(path) if path.suffix.lower() == ".parquet" else _text_table(path)
    except OSError as error:
        raise DataError(f"the list {path.name} cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise DataError(f"the list {path.name} is no {path.suffix.lower()[1:]} table: {reason}") from error
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise DataError(f"the list {path.name} holds no rows", "a list is a table with a row for each video")
    return rows


def video_id(text: str) -> str:
    """The id in an id, a file name or a path: "sav_000/sav_000001.mp4" is "sav_000001"."""
    return _VIDEO_SUFFIX.sub("", PurePosixPath(text.replace("\\", "/")).name)


def _tables(path: Path) -> list[Path]:
    if path.is_dir():
        found = sorted(file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES and file.is_file())
        if not found:
            raise DataError(f"the folder {path.name!r} holds no list", f"lists end in {', '.join(SUFFIXES)}")
        return found
    if path.suffix.lower() not in SUFFIXES:
        raise DataError(f"the list {path.name} is of no known kind", f"lists end in {', '.join(SUFFIXES)}")
    return [path]


def _text_table(path: Path) -> t.Any:
    text = path.read_bytes().decode("utf-8-sig")
    match path.suffix.lower():
        case ".csv":
            return _csv(text)
        case ".jsonl":
            return [json.loads(line) for line in text.splitlines() if line.strip()]
    content = json.loads(text)
    if isinstance(content, dict):
        content = next((content[key] for key in ("cases", "data", "rows") if key in content), content)
    return content


def _csv(text: str) -> list[Row]:
    import io

    import pandas

    with warnings.catch_warnings():
        warnings.simplefilter("error", pandas.errors.ParserWarning)
        try:
            frame = pandas.read_csv(
                io.StringIO(text), dtype=str, keep_default_na=False, skipinitialspace=True, index_col=False
            )
        except pandas.errors.ParserWarning as error:  # pandas would drop the end of the row
            raise ValueError("a row has more fields than the header; quote texts that hold commas") from error
    return t.cast("list[Row]", frame.to_dict("records"))


def _parquet(path: Path) -> list[Row]:
    import pandas

    try:
        frame = pandas.read_parquet(path)
    except ImportError as error:
        hint = "pip install 'motionbench[parquet]', or save the list as CSV"
        raise MissingDependency(f"{path.name} is a parquet file, and pyarrow is not installed", hint) from error
    return t.cast("list[Row]", frame.to_dict("records"))


def _names(rows: Sequence[Row], table: str, columns: Mapping[str, str]) -> dict[str, str]:
    """Field to the column that holds it, for the fields that the table has."""
    there = list(dict.fromkeys(key for row in rows for key in row))
    lower = {str(name).strip().lower(): name for name in reversed(there)}
    names = {}
    for field, known in COLUMNS.items():
        asked = columns.get(field)
        if asked is not None and asked.strip().lower() not in lower:
            raise DataError(f"{table} has no column {asked!r}", f"its columns are {', '.join(map(str, there))}")
        found = next((lower[name] for name in ((asked.strip().lower(),) if asked else known) if name in lower), None)
        if found is not None:
            names[field] = found
        elif field in ("id", "caption"):
            hint = f"its columns are {', '.join(map(str, there))}; say which one it is with --columns {field}=NAME"
            raise DataError(f"{table} has no column for the {field}", hint)
    return names


def _listed(row: Row, names: Mapping[str, str], hint: str, where: str) -> Listed:
    fields = {field: _plain(row.get(name)) for field, name in names.items()}
    texts = {f: str(fields.get(f, "")).strip() for f in ("id", "caption", "short_caption", "motion_prompt", "category")}
    for field, text in texts.items():
        if not text and field in ("id", "caption"):
            raise DataError(f"{where}: the {field} is empty")
        try:
            _text(text)
        except ValueError as error:
            raise DataError(f"{where}: the {field} is no text that UTF-8 can hold") from error
    subset = str(fields.get("subset", "")).strip() or hint
    match = _SUBSET.match(subset)
    if subset and match is None:
        raise DataError(f"{where}: the subset is {subset!r}", "a subset is single or multi")
    return Listed(
        id=video_id(texts["id"]),
        caption=texts["caption"],
        short_caption=texts["short_caption"] or texts["caption"],
        motion_prompt=texts["motion_prompt"] or texts["caption"],
        category=texts["category"],
        subset=None if match is None else t.cast(Subset, match[1].lower()),
        objects=_objects(fields.get("objects", ""), where),
        count=_count(fields.get("count", ""), where),
    )


def _plain(value: t.Any) -> t.Any:
    """A missing value of any kind as the empty text; a NumPy array of parquet as a list."""
    value = value.tolist() if hasattr(value, "tolist") else value
    return "" if value is None or (isinstance(value, float) and math.isnan(value)) else value


def _objects(value: t.Any, where: str) -> tuple[Described, ...]:
    if value == "":
        return ()
    try:
        entries = json.loads(value) if isinstance(value, str) else value
        found = pydantic.TypeAdapter(tuple[Described, ...]).validate_python(entries)
    except ValueError as error:
        raise DataError(
            f"{where}: objects is no list of objects",
            'such as [{"masklet": 0, "name": "dog", "prompt": "A dog runs."}]',
        ) from error
    numbers = [item.masklet for item in found]
    if len(set(numbers)) < len(numbers) and numbers != [None] * len(numbers):
        raise DataError(f"{where}: objects names a masklet twice, or only some of them")
    return found


def _count(value: t.Any, where: str) -> int | None:
    if value == "":
        return None
    try:
        count = float(value)
    except (TypeError, ValueError):
        count = -1.0
    if count < 0 or not count.is_integer():
        raise DataError(f"{where}: the number of objects is {value!r}", "it is a whole number, 0 or more")
    return int(count)
