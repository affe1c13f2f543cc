"""A server, an empty folder of weights, and lists of weights that exist for one test only."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from server import SHA256, Server

from motionbench import weights
from motionbench.weights import entries


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.close()


@pytest.fixture(autouse=True)
def untouched(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of this machine and none of an earlier test takes part."""
    for variable in ("MOTIONBENCH_WEIGHTS_DIR", "MOTIONBENCH_OFFLINE", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(weights, "_chosen", None)
    monkeypatch.setattr(weights, "_checked", {})


@pytest.fixture
def listed(monkeypatch: pytest.MonkeyPatch) -> Callable[..., entries.Entry]:
    """listed(name, sources, ...) adds an entry of one file to an otherwise empty list."""
    known: dict[str, entries.Entry] = {}
    monkeypatch.setattr(entries, "shipped", lambda: known)
    monkeypatch.setattr(weights, "shipped", lambda: known)

    def add(name: str, sources: list[str], **fields: object) -> entries.Entry:
        of_file = {key: fields.pop(key) for key in ("sha256", "bytes", "path") if key in fields}
        file = entries.File(**{"path": f"{name}.pt", "sources": sources, **of_file})
        about = {"title": name, "kind": "state_dict", "license": "MIT", "license_url": "https://example.org/MIT"}
        rest = {"paper": "https://example.org/paper", "backends": [], "provenance": "made up", "files": [file]}
        known[name] = entries.Entry(**{**about, **rest, **fields})
        return known[name]

    return add


@pytest.fixture
def sha256() -> str:
    return SHA256
