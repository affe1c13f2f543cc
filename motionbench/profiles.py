"""Profiles: which backend serves which role, the protocol, and the metrics that a run computes by default.

A profile is a TOML file with `name`, `title`, `[protocol]`, `[backends]` (role = backend name) and
`[metrics] default = [...]`. Those that motionbench ships are found by name; any other is given as a path.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import tomllib
import typing as t
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from motionbench.errors import ConfigError
from motionbench.types import Protocol


@dataclass(frozen=True, slots=True)
class Profile:
    """name; title; protocol; backends (role to backend name); metrics (ids); shipped (False for a user's file)."""

    name: str
    title: str
    protocol: Protocol
    backends: Mapping[str, str]
    metrics: tuple[str, ...]
    shipped: bool

    @property
    def sha256(self) -> str:
        """Digest of everything that can change a number (the title is left out)."""
        content = {
            "name": self.name,
            "protocol": dataclasses.asdict(self.protocol),
            "backends": dict(self.backends),
            "metrics": list(self.metrics),
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _shipped_folder() -> t.Any:
    return resources.files("motionbench") / "data" / "profiles"


def shipped_profiles() -> list[str]:
    """Names of the profiles in the package."""
    return sorted(f.name.removesuffix(".toml") for f in _shipped_folder().iterdir() if f.name.endswith(".toml"))


def load_profile(name_or_path: str | Path) -> Profile:
    """Read a shipped profile by name, or a profile file.

    Raises:
        ConfigError: there is no such profile, or the file is malformed.
    """
    name = str(name_or_path)
    if name in shipped_profiles():
        return _parse((_shipped_folder() / f"{name}.toml").read_text(encoding="utf-8"), name, shipped=True)
    path = Path(name)
    if path.suffix != ".toml" or not path.is_file():
        raise ConfigError(
            f"there is no profile named {name!r}",
            f"shipped profiles: {', '.join(shipped_profiles())}; or give the path of a .toml file",
        )
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the profile {path} cannot be read: {error}") from error
    return _parse(text, str(path), shipped=False)


def _parse(text: str, origin: str, *, shipped: bool) -> Profile:
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"the profile {origin} is not valid TOML: {error}") from error
    unknown = set(content) - {"name", "title", "protocol", "backends", "metrics"}
    if unknown:
        raise ConfigError(f"the profile {origin} has unknown fields: {', '.join(sorted(unknown))}")
    name, title = content.get("name"), content.get("title", "")
    backends = content.get("backends")
    metrics = content.get("metrics", {}).get("default") if isinstance(content.get("metrics"), dict) else None
    if not isinstance(name, str) or not name or not isinstance(title, str):
        raise ConfigError(f"the profile {origin} needs a name (text)")
    if not _text_mapping(backends):
        raise ConfigError(f"the profile {origin} needs [backends] with role = backend name")
    if not isinstance(metrics, list) or not metrics or not all(isinstance(m, str) for m in metrics):
        raise ConfigError(f"the profile {origin} needs [metrics] default = [metric ids]")
    protocol = _protocol(content.get("protocol", {}), origin)
    return Profile(name, title, protocol, t.cast(dict[str, str], backends), tuple(metrics), shipped)


def _text_mapping(value: object) -> bool:
    return isinstance(value, dict) and bool(value) and all(isinstance(v, str) for v in value.values())


def _protocol(fields: object, origin: str) -> Protocol:
    if not isinstance(fields, dict):
        raise ConfigError(f"the profile {origin} needs [protocol] as a table")
    known = {f.name for f in dataclasses.fields(Protocol)}
    unknown = set(fields) - known
    if unknown:
        raise ConfigError(
            f"the protocol of {origin} has unknown fields: {', '.join(sorted(unknown))}",
            f"known fields: {', '.join(sorted(known))}",
        )
    protocol = Protocol(**fields)
    whole = (protocol.frames, protocol.size, protocol.multiple)
    if any(not isinstance(n, int) or isinstance(n, bool) or n < 1 for n in whole):
        raise ConfigError(f"the protocol of {origin}: frames, size and multiple are whole numbers from 1 on")
    if not isinstance(protocol.fps, int | float) or not 0 < protocol.fps <= 1000:
        raise ConfigError(f"the protocol of {origin}: fps is a number above 0")
    if protocol.fit not in ("long", "short") or protocol.letterbox not in ("crop", "keep"):
        raise ConfigError(f"the protocol of {origin}: fit is long or short, letterbox is crop or keep")
    if protocol.size < 32 or protocol.size < protocol.multiple:
        raise ConfigError(f"the protocol of {origin}: size is at least 32 and at least `multiple`")
    return dataclasses.replace(protocol, fps=float(protocol.fps))
