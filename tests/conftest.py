"""Fixtures that several rooms share."""

from __future__ import annotations

from pathlib import Path

import pytest

from .browser import CHROMIUM, Browser


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real clips beside the repository; tests that need it are skipped where it is absent."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no real clips at {folder.name}/ beside the repository")
    return folder


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    """Headless Chromium; tests that need it are skipped where there is none."""
    if CHROMIUM is None:
        pytest.skip("no chromium to open a page in")
    found = Browser(tmp_path_factory.mktemp("profile"))
    yield found
    found.close()
