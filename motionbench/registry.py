"""Models, metrics and backends by name, over the entry points that installed packages declare.

Listing imports nothing: it reads the metadata of the installed distributions. Only `load` imports, and a plug-in that
does not fit its contract is a `PluginError` that names its distribution, raised when the plug-in is used.
"""

from __future__ import annotations

import contextlib
import difflib
import functools
import importlib.metadata
import re
import signal
import sys
import typing as t
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from motionbench.errors import ConfigError, MotionBenchError, NotApplicable, PluginError
from motionbench.types import Backend, Metric

Kind = t.Literal["models", "metrics", "backends"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry point: its name, the distribution that declares it (with its version), and what it points at."""

    kind: Kind
    name: str
    distribution: str
    version: str
    target: str


def entries(kind: Kind) -> tuple[Entry, ...]:
    """All entry points of a kind, sorted by name and distribution, without an import.

    A name that two distributions declare is there twice; `load` refuses it.
    """
    return _scan(kind, tuple(sys.path))


def names(kind: Kind) -> tuple[str, ...]:
    """The names of a kind, sorted, each once. Imports nothing."""
    return tuple(dict.fromkeys(entry.name for entry in entries(kind)))


def find(kind: Kind, name: str) -> Entry:
    """The one entry point of that name, without an import.

    Raises:
        ConfigError: no distribution declares the name; the hint gives the nearest names.
        PluginError: two distributions declare it.
    """
    found = [entry for entry in entries(kind) if entry.name == name]
    if not found:
        raise ConfigError(f"there is no {kind[:-1]} called {name!r}", nearest(name, names(kind), kind))
    if len(found) > 1:
        owners = " and ".join(f"{entry.distribution} ({entry.target})" for entry in found)
        raise PluginError(f"the {kind[:-1]} {name!r} is declared twice: by {owners}", "uninstall one of them")
    return found[0]


def load(kind: Kind, name: str) -> t.Any:
    """Import what an entry point names.

    Returns:
        A `Metric`, a `Backend`, or for models a callable that takes the options as keyword arguments.

    Raises:
        ConfigError: no distribution declares the name.
        PluginError: two distributions declare it, it cannot be imported, or it is of another type.
    """
    return _import(find(kind, name))


def problems(kind: Kind) -> dict[str, str]:
    """Import every entry point of a kind and say what is wrong with those that do not fit: name to one line."""
    broken = {}
    for name in names(kind):
        try:
            load(kind, name)
        except MotionBenchError as error:
            broken[name] = error.message
    return broken


def nearest(name: str, known: Iterable[str], what: str) -> str:
    """A hint: the known names that look like `name`, or else all of them."""
    known = sorted(known)
    close = difflib.get_close_matches(name, known, n=3, cutoff=0.6)
    if close:
        return f"did you mean {' or '.join(close)}?"
    return f"known {what}: {', '.join(known)}" if known else f"no {what} are installed"


@contextlib.contextmanager
def foreign(error_type: type[MotionBenchError], what: str, hint: str = "") -> Iterator[None]:
    """Turn whatever code that is not ours raises into one line: `what: Type: message`.

    Our own errors pass through (a plug-in may raise them), as do Ctrl-C, an empty memory and the exit of a worker
    that was told to stop. `NotApplicable` does not: only a metric may say that a case has no meaning.
    """
    try:
        yield
    except NotApplicable as error:
        raise error_type(f"{what}: {first_line(error)}", hint) from error
    except (MotionBenchError, MemoryError):
        raise
    except SystemExit as error:
        if error.code == 128 + signal.SIGTERM:  # how a worker process ends itself
            raise
        raise error_type(f"{what}: it called sys.exit({error.code!r})", hint) from error
    except Exception as error:  # foreign code may raise anything
        raise error_type(f"{what}: {first_line(error)}", hint) from error


def first_line(error: BaseException) -> str:
    """`Type: message` with only the first line of the message."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {one_line(lines[0])}" if lines else type(error).__name__


def one_line(text: str, limit: int = 300) -> str:
    """Text as it may stand in a note: no escape sequences or control characters, no addresses, not too long.

    A memory address differs from run to run, and a run's files must not.
    """
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)
    text = re.sub(r"\b0x[0-9a-fA-F]{6,}\b", "0x...", text)
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text if len(text) <= limit else text[: limit - 3] + "..."


@functools.cache
def _scan(kind: Kind, path: tuple[str, ...]) -> tuple[Entry, ...]:
    # `path` is the cache key: the metadata of a folder is read again only where sys.path has changed.
    found = set()
    for point in importlib.metadata.entry_points(group=f"motionbench.{kind}"):
        owner, version = ("unknown", "") if point.dist is None else (point.dist.name, point.dist.version)
        found.add(Entry(kind, point.name, owner, version, point.value))
    return tuple(sorted(found, key=lambda entry: (entry.name, entry.distribution, entry.target)))


def _import(entry: Entry) -> t.Any:
    label = f"the {entry.kind[:-1]} {entry.name!r} of {entry.distribution} ({entry.target})"
    point = importlib.metadata.EntryPoint(entry.name, entry.target, f"motionbench.{entry.kind}")
    with foreign(PluginError, f"{label} cannot be imported", f"reinstall or uninstall {entry.distribution}"):
        value = point.load()
    if entry.kind == "models":
        if not callable(value):
            raise PluginError(f"{label} is a {type(value).__name__}, expected a class or a function")
        return value
    wanted: type[Metric | Backend] = Metric if entry.kind == "metrics" else Backend
    if not isinstance(value, wanted):
        raise PluginError(f"{label} is a {type(value).__name__}, expected a motionbench.types.{wanted.__name__}")
    own = value.id if isinstance(value, Metric) else value.name
    if own != entry.name:
        # The entry's name is what a user asks for, its own name is what stands beside the number.
        raise PluginError(f"{label} calls itself {own!r}; both names must be the same")
    return value
