"""Installed packages that exist for one test only."""

from __future__ import annotations

import importlib
import sys
import textwrap
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

TOY = Path(__file__).parent / "toy"
Install = Callable[..., Path]


def write_dist_info(site: Path, name: str, version: str, points: Mapping[str, Mapping[str, str]]) -> None:
    """Write what an installer leaves behind for importlib.metadata."""
    info = site / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    groups = [
        f"[motionbench.{group}]\n" + "".join(f"{key} = {value}\n" for key, value in entries.items())
        for group, entries in points.items()
    ]
    (info / "entry_points.txt").write_text("\n".join(groups))


@pytest.fixture
def toy_site(tmp_path: Path) -> Path:
    """A folder for sys.path that holds the toy plug-in as pip would install it, made from its pyproject.toml."""
    project = tomllib.loads((TOY / "pyproject.toml").read_text())["project"]
    points = {group.removeprefix("motionbench."): entries for group, entries in project["entry-points"].items()}
    site = tmp_path / "toy-site"
    write_dist_info(site, project["name"], project["version"], points)
    (site / "motionbench_toy").symlink_to(TOY / "src" / "motionbench_toy")
    return site


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """install(name, points, code) puts a distribution with one module on sys.path and returns its folder."""
    modules = set(sys.modules)

    def install(name: str, points: Mapping[str, Mapping[str, str]], code: str = "", version: str = "1.0") -> Path:
        site = tmp_path / f"site-{name}"
        write_dist_info(site, name, version, points)
        (site / f"{name.replace('-', '_')}.py").write_text(textwrap.dedent(code))
        monkeypatch.syspath_prepend(str(site))
        importlib.invalidate_caches()
        return site

    yield install
    for module in set(sys.modules) - modules:
        if module.startswith("plug"):
            del sys.modules[module]
