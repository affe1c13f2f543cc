"""What `data/weights.toml` lists: names, files, hashes, sources and licences of trained weights."""

from __future__ import annotations

import functools
import tomllib
import typing as t
from collections.abc import Mapping
from importlib import resources
from pathlib import PurePosixPath
from urllib.parse import urlsplit

import pydantic

from motionbench.canonical import Count, Record, Sha256
from motionbench.errors import PluginError

SCHEMA = "motionbench.weights/1"
Kind = t.Literal["state_dict", "torchscript", "folder", "code"]
GitId = t.Annotated[str, pydantic.StringConstraints(pattern=r"^[0-9a-f]{40}$")]


def _relative(path: str) -> str:
    if not path or "\\" in path or PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
        raise ValueError(f"{path!r} is no path inside a folder")
    return path


def _web(url: str) -> str:
    parts = urlsplit(url)
    # Plain http is for a mirror on this machine; anything else could be read and changed on its way.
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost")):
        raise ValueError(f"{url!r} is no https address")
    return url


class File(Record):
    """One file of an entry.

    Attributes:
        path: relative to the entry's folder.
        sources: addresses, tried in order.
        sha256: what its bytes must hash to; None where that is not publicly known.
        bytes: its exact size, or None.
        about: a size to print where the exact one is not known.
    """

    path: t.Annotated[str, pydantic.AfterValidator(_relative)]
    sources: t.Annotated[list[t.Annotated[str, pydantic.AfterValidator(_web)]], pydantic.Field(min_length=1)]
    sha256: Sha256 | None = None
    bytes: Count | None = None
    about: Count | None = None


class Entry(Record):
    """One thing that a backend asks for by name.

    Attributes:
        title, paper, provenance: what it is, where it is described, where its hash was found.
        kind: "state_dict" (one file of tensors), "torchscript" (one file that holds code), "folder" (several files)
            or "code" (an archive of a repository; of its top folder the names in `keep` are taken, and `tree` is git's
            id of a folder with these alone).
        license, license_url, non_commercial: what one may do with it.
        backends: names of the backends that load it.
        random: "module:function" that makes such weights at random, for tests; empty where there is none.
    """

    title: str
    kind: Kind
    license: str
    license_url: str
    paper: str
    backends: list[str]
    provenance: str
    files: t.Annotated[list[File], pydantic.Field(min_length=1)]
    non_commercial: bool = False
    random: str = ""
    tree: GitId | None = None
    keep: list[str] = pydantic.Field(default_factory=list)

    @pydantic.model_validator(mode="after")
    def _fits(self) -> Entry:
        if self.kind != "folder" and len(self.files) != 1:
            raise ValueError(f"a {self.kind} is one file")
        if len({self.kind == "code", self.tree is not None, bool(self.keep)}) > 1:
            raise ValueError("tree and keep belong to code, and code needs both")
        if self.kind == "torchscript" and self.files[0].sha256 is None:
            raise ValueError("a torchscript file is never loaded without a listed sha256")
        return self

    @property
    def size(self) -> int:
        """Bytes of all files together, as far as they are known."""
        return sum(file.bytes or file.about or 0 for file in self.files)

    @property
    def exact(self) -> bool:
        """True if `size` is exact."""
        return all(file.bytes is not None for file in self.files)


class _Listing(Record):
    schema_: t.Literal["motionbench.weights/1"] = pydantic.Field(alias="schema")
    weights: dict[t.Annotated[str, pydantic.StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]*$")], Entry]


@functools.cache
def shipped() -> Mapping[str, Entry]:
    """All entries of the package's list, by name."""
    text = (resources.files("motionbench") / "data" / "weights.toml").read_text(encoding="utf-8")
    return parse(text)


def parse(text: str) -> Mapping[str, Entry]:
    """Entries of a list in TOML.

    Raises:
        pydantic.ValidationError, tomllib.TOMLDecodeError: it is malformed. The list is part of the package, so that is
            a bug and no user's error.
    """
    return _Listing.model_validate(tomllib.loads(text)).weights


def find(name: str) -> Entry:
    """The entry of that name.

    Raises:
        PluginError: there is none; a backend asks for weights that nobody lists.
    """
    entry = shipped().get(name)
    if entry is None:
        raise PluginError(f"there are no weights called {name!r}", f"known weights: {', '.join(sorted(shipped()))}")
    return entry
