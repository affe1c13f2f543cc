"""Nested TOML tables into frozen dataclasses: the strict half of `settings`, which knows no setting by name.

A file may say `extends = "NAME"` and then holds only what differs. Unknown keys, and values of another type, are
errors that name the nearest key or the wanted type.
"""

from __future__ import annotations

import difflib
import tomllib
import typing as t
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path

from motionbench.errors import ConfigError

Table = dict[str, t.Any]
EXTENDS = "extends"


def read(source: str | Path, folder: Path) -> Table:
    """The table of a configuration, with what it extends below it.

    Args:
        source: a path that ends in `.toml`, or the name of a file of `folder` without that ending.
        folder: where names are looked up.

    Raises:
        ConfigError: no such configuration, a file that is no TOML, or a circle of `extends`.
    """
    return _read(_find(source, folder), folder, ())


def write(table: Table, override: str) -> None:
    """Set one `section.key=value` in a nested table, in place.

    Raises:
        ConfigError: the text is no such assignment, or runs through a key that holds a value.
    """
    path, equals, text = override.partition("=")
    parts = [part.strip() for part in path.split(".")]
    if not equals or len(parts) < 2 or not all(parts):
        raise ConfigError(f"{override!r} is no override", "write section.key=value, such as train.steps=10")
    for part in parts[:-1]:
        table = table.setdefault(part, {})
        if not isinstance(table, dict):
            raise ConfigError(f"{override!r}: {part!r} is a value, not a section", "write section.key=value")
    table[parts[-1]] = _value(text.strip())


def build(kind: type, table: t.Any, where: str = "") -> t.Any:
    """An instance of the dataclass `kind` from a table, every key and type checked.

    Args:
        kind: a dataclass of str, int, float, bool, Literal, tuple, dict and other dataclasses.
        table: a mapping; keys that it leaves out keep their default.
        where: dotted name of the table, for messages.

    Raises:
        ConfigError: an unknown key, or a value of the wrong type.
    """
    if not isinstance(table, Mapping):
        raise ConfigError(f"{where} = {table!r} is a value, not a section", f"write [{where}] and its keys below it")
    hints, known = t.get_type_hints(kind), [item.name for item in fields(kind)]
    for key in table:
        if key not in known:
            raise ConfigError(f"unknown key {_join(where, key)!r}", nearest(key, known))
    return kind(**{key: _convert(hints[key], value, _join(where, key)) for key, value in table.items()})


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint for a word that is not among the known ones: the nearest, or all."""
    options = sorted(known)
    close = difflib.get_close_matches(word, options, n=1)
    return f"did you mean {close[0]!r}?" if close else f"one of {', '.join(options)}"


def _find(source: str | Path, folder: Path) -> Path:
    if Path(source).suffix == ".toml":
        return Path(source)
    known = [path.stem for path in folder.glob("*.toml")]
    if str(source) not in known:
        raise ConfigError(
            f"no configuration is called {str(source)!r}", f"{nearest(str(source), known)}, or a .toml file"
        )
    return folder / f"{source}.toml"


def _read(path: Path, folder: Path, seen: tuple[Path, ...]) -> Table:
    if path in seen:
        raise ConfigError(f"{path.name} extends itself", f"break the circle of `{EXTENDS}`")
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{str(path)!r} is no TOML", str(error)) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{str(path)!r} cannot be read", str(error)) from error
    parent = table.pop(EXTENDS, None)
    if parent is None:
        return table
    if not isinstance(parent, str):
        raise ConfigError(f"{EXTENDS} = {parent!r} in {path.name}", "give the name of one configuration")
    below = path.parent / parent if parent.endswith(".toml") else _find(parent, folder)
    return _merge(_read(below, folder, (*seen, path)), table)


def _merge(below: Mapping[str, t.Any], above: Mapping[str, t.Any]) -> Table:
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        merged[key] = _merge(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged


def _value(text: str) -> t.Any:
    """TOML, or the text itself: a shell takes the quotes away."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _convert(hint: t.Any, value: t.Any, where: str) -> t.Any:
    """`value` as the type `hint`: an int is a float too, a list is a tuple, nothing else is turned into anything."""
    if is_dataclass(hint):
        return build(t.cast(type, hint), value, where)
    origin, arguments = t.get_origin(hint), t.get_args(hint)
    if origin is t.Literal:
        if isinstance(value, str) and value in arguments:
            return value
        raise ConfigError(f"{where} = {value!r}", nearest(str(value), arguments))
    if origin is tuple and isinstance(value, list | tuple):
        kinds = [arguments[0]] * len(value) if arguments[-1] is Ellipsis else list(arguments)
        if len(kinds) == len(value):
            return tuple(_convert(one, item, where) for one, item in zip(kinds, value, strict=True))
    elif origin is dict and isinstance(value, Mapping):
        return dict(value)
    elif hint is float and type(value) in (int, float):
        return float(value)
    elif type(value) is hint:
        return value
    raise ConfigError(f"{where} = {value!r} has the wrong type", f"it takes {_name(hint)}")


def _name(hint: t.Any) -> str:
    """A type in words."""
    if t.get_origin(hint) is tuple:
        return f"a list of {_name(t.get_args(hint)[0])}"
    plain = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}
    return plain.get(hint, "a section")


def _join(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key
