"""Any folder with a `cases.json`: the user's own cases, and what `data export` writes.

    {"schema": "motionbench.dataset/1", "name": ..., "version": ..., "license": ...,
     "cases": [{"id", "subset": "single" or "multi", "category", "caption", "short_caption", "motion_prompt",
                "objects": [{"id", "name", "prompt"}], "first_frame", "masks", "reference"}, ...]}

`id`, `subset` and `caption` must be there, and `first_frame` or `reference`. Paths are relative to the folder and stay
in it. `first_frame` is a picture, `reference` a video file or a folder of frames, `masks` a folder of PNG files (see
`files.MaskFolder`). Unknown fields are left alone.

Faults of the list stop the run before it begins (DataError). Faults inside one case's media (a damaged mask) are found
when it is loaded and cost that case only (VideoError).
"""

from __future__ import annotations

import json
import os
import typing as t
from pathlib import Path, PurePosixPath, PureWindowsPath

import pydantic

from motionbench.datasets.files import FileFootage, FileImage, FirstFrameOf, MaskFolder
from motionbench.errors import DataError
from motionbench.types import Case, Dataset, Object

LIST = "cases.json"
SCHEMA = "motionbench.dataset/1"
_MAX_ID_BYTES = 200  # a video is named after its case, and file systems end at 255 bytes
_MAX_LIST_BYTES = 1 << 28


def _text(value: str) -> str:
    value.encode("utf-8")  # a lone surrogate raises UnicodeEncodeError, which is a ValueError
    return value


def _case_id(value: str) -> str:
    fault = (
        "is empty"
        if not value
        else "starts with a dot"
        if value.startswith(".")
        else "holds a slash or a control character"
        if any(c in "/\\" or ord(c) < 32 or 127 <= ord(c) < 160 or c in "\u2028\u2029" for c in value)
        else f"is longer than {_MAX_ID_BYTES} bytes"
        if len(value.encode("utf-8")) > _MAX_ID_BYTES
        else ""
    )
    if fault:
        raise ValueError(f"{fault}, but a video is named after it")
    return value


_Text = t.Annotated[str, pydantic.AfterValidator(_text)]
_Path = t.Annotated[str, pydantic.AfterValidator(_text)]


class _Entry(pydantic.BaseModel):
    """Strict types; fields that we do not know are left alone."""

    model_config = pydantic.ConfigDict(extra="ignore", strict=True, frozen=True, allow_inf_nan=False)


class _Object(_Entry):
    id: t.Annotated[int, pydantic.Field(ge=1, le=2**31 - 1)]
    name: _Text = ""
    prompt: _Text = ""


class _Case(_Entry):
    id: t.Annotated[str, pydantic.AfterValidator(_text), pydantic.AfterValidator(_case_id)]
    subset: t.Literal["single", "multi"]
    caption: _Text
    category: _Text = ""
    short_caption: _Text | None = None
    motion_prompt: _Text | None = None
    objects: tuple[_Object, ...] = pydantic.Field(default=(), strict=False)
    first_frame: _Path | None = None
    masks: _Path | None = None
    reference: _Path | None = None


class _List(_Entry):
    name: _Text | None = None
    version: _Text = "1"
    license: _Text = ""


def load_folder(folder: str | Path) -> Dataset:
    """Read `cases.json`; pictures, videos and masks are opened only where they are needed.

    Args:
        folder: the folder that holds `cases.json`.

    Returns:
        The dataset, cases in the order of the file. `short_caption` and `motion_prompt` default to the caption, `name`
        to the name of the folder.

    Raises:
        DataError: the list is missing or malformed, or names a file that is missing, unreadable or outside the folder.
            The message names the case and the field.
    """
    root = Path(folder).absolute()
    content = _read(root / LIST)
    schema = content.get("schema", SCHEMA)
    if schema != SCHEMA:
        raise DataError(f"{LIST}: schema is {schema!r}, this version reads {SCHEMA!r}", "upgrade motionbench")
    cases = content.get("cases")
    if not isinstance(cases, list) or not cases:
        raise DataError(f"{LIST}: cases must be a list with at least one case")
    head = _parse(_List, content, LIST)
    found: dict[str, Case] = {}
    for number, entry in enumerate(cases):
        case = _case(root, entry, number)
        if case.id in found:
            raise DataError(f"{LIST}: the case id {case.id!r} comes twice", "ids are unique")
        found[case.id] = case
    return Dataset(head.name or root.resolve().name, head.version, head.license, tuple(found.values()))


def _case(root: Path, entry: object, number: int) -> Case:
    named = entry.get("id") if isinstance(entry, dict) else None
    where = f"{LIST}, case {named!r}" if isinstance(named, str) and named else f"{LIST}, case number {number + 1}"
    if not isinstance(entry, dict):
        raise DataError(f"{where}: expected an object, got {_kind(entry)}")
    read = _parse(_Case, entry, where)
    ids = tuple(item.id for item in read.objects)
    repeated = next((i for i in ids if ids.count(i) > 1), None)
    if repeated is not None:
        raise DataError(f"{where}: objects has the id {repeated} twice")
    picture, video, masks = (
        _inside(root, getattr(read, field), f"{where}, {field}") for field in ("first_frame", "reference", "masks")
    )
    if picture is None and video is None:
        raise DataError(f"{where}: needs a first_frame or a reference")
    if picture is not None and not picture.is_file():
        raise DataError(f"{where}, first_frame: {read.first_frame!r} is not a file")
    if masks is not None and not masks.is_dir():
        raise DataError(f"{where}, masks: {read.masks!r} is not a folder")
    reference = None if video is None else FileFootage(video)
    first = FileImage(picture) if picture is not None else FirstFrameOf(t.cast(FileFootage, reference))
    return Case(
        id=read.id,
        subset=read.subset,
        category=read.category,
        caption=read.caption,
        short_caption=read.caption if read.short_caption is None else read.short_caption,
        motion_prompt=read.caption if read.motion_prompt is None else read.motion_prompt,
        objects=tuple(Object(item.id, item.name, item.prompt) for item in read.objects),
        first_frame=first,
        reference=reference,
        masks=None if masks is None else MaskFolder(masks, ids),
    )


def _inside(root: Path, text: str | None, where: str) -> Path | None:
    """A path of the list, checked: relative, inside the folder even through links, there and readable."""
    if text is None:
        return None
    posix, windows = PurePosixPath(text), PureWindowsPath(text)
    if not text or "\0" in text or posix.is_absolute() or windows.is_absolute() or windows.drive or windows.root:
        raise DataError(f"{where}: {text!r} must be a path relative to the folder")
    if ".." in posix.parts or ".." in windows.parts:
        raise DataError(f"{where}: {text!r} leads out of the folder", "paths may not hold '..'")
    path = root / posix
    try:
        outside = _leads_out(path, root.resolve(), set())
        missing = not path.exists()
    except (OSError, RuntimeError) as error:  # a name that is too long, a link to itself
        raise DataError(f"{where}: {text!r} cannot be opened: {error}") from error
    if outside:
        raise DataError(f"{where}: {text!r} is, or holds, a link that leads out of the folder")
    if missing:
        raise DataError(f"{where}: {text!r} does not exist")
    if not os.access(path, os.R_OK):
        raise DataError(f"{where}: {text!r} cannot be read", "check its permissions")
    return path


def _leads_out(path: Path, root: Path, seen: set[Path]) -> bool:
    """True if a path, or anything in the folder that it is, lies outside `root` once all links are followed."""
    real = path.resolve()
    if not real.is_relative_to(root):
        return True
    if real in seen or not real.is_dir():
        return False
    seen.add(real)
    with os.scandir(real) as entries:  # only links and folders are looked at: a folder may hold many frames
        inner = [Path(entry.path) for entry in entries if entry.is_symlink() or entry.is_dir()]
    return any(_leads_out(entry, root, seen) for entry in inner)


def _read(path: Path) -> dict[str, t.Any]:
    try:
        if path.stat().st_size > _MAX_LIST_BYTES:
            raise DataError(f"{path} is larger than {_MAX_LIST_BYTES >> 20} MiB")
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError as error:
        raise DataError(f"there is no {LIST} in {str(path.parent)!r}") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 text") from error
    try:
        content = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else " ".join(str(error).split())
        raise DataError(f"{path} is not valid JSON: {reason}") from error
    if not isinstance(content, dict):
        raise DataError(f"{path} must hold an object, it holds {_kind(content)}")
    return content


def _unique(pairs: list[tuple[str, t.Any]]) -> dict[str, t.Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"the key {next(key for key in keys if keys.count(key) > 1)!r} comes twice in one object")
    return content


def _no_constant(name: str) -> t.NoReturn:
    raise ValueError(f"{name} is not JSON")


_M = t.TypeVar("_M", bound=_Entry)


def _parse(model: type[_M], entry: dict[str, t.Any], where: str) -> _M:
    try:
        return model.model_validate(entry)
    except pydantic.ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"]).lstrip(".")
        if first["type"] == "missing":
            raise DataError(f"{where}: {field} is missing") from error
        reason = first["msg"].removeprefix("Value error, ").removeprefix("Input ")
        raise DataError(f"{where}: {field} {reason} (it is {_shown(first['input'])})") from error


def _kind(value: object) -> str:
    kinds = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "null"}
    return kinds.get(type(value), "a number")


def _shown(value: object) -> str:
    if isinstance(value, dict | list):
        return _kind(value)
    text = repr(value)
    return text if len(text) <= 60 else text[:59] + "…"
