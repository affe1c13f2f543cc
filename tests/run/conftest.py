"""The small dataset of the tests, and a system's outputs on it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from squares import build, scene, write_video


@pytest.fixture(scope="session")
def squares(tmp_path_factory) -> Path:
    """Ten cases; do not write into it."""
    return build(tmp_path_factory.mktemp("squares"), [f"case-{k}" for k in range(10)])


@pytest.fixture(scope="session")
def outputs(tmp_path_factory) -> Path:
    """Videos of a system on `squares` that moves everything too slowly; do not write into it."""
    folder = tmp_path_factory.mktemp("outputs")
    for k in range(10):
        write_video(folder / f"case-{k}.mp4", scene(k, speed=1.0)[0])
    return folder
