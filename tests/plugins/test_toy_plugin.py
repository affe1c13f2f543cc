"""The toy plug-in takes part in a run through its entry points alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

SCRIPT = """
import json, sys
from motionbench import registry
before = [m for m in sys.modules if m.startswith("motionbench_toy")]
listed = [n in registry.names(k) for k, n in (("models", "slide"), ("metrics", "brightness"), ("backends", "toy-luma"))]
lazy = before == [] and "motionbench_toy" not in sys.modules
metric, backend = registry.load("metrics", "brightness"), registry.load("backends", "toy-luma")
from motionbench.models import resolve_model
model = resolve_model("slide", {"step": "2"}).build()
print(json.dumps([listed, lazy, metric.needs[0].role == backend.role, model.step]))
"""


def in_toy_site(site: Path, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(site)}
    return subprocess.run([sys.executable, *arguments], env=environment, cwd=cwd, capture_output=True, text=True)


def test_another_process_finds_it_by_its_metadata(toy_site: Path) -> None:
    done = in_toy_site(toy_site, "-c", SCRIPT)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [[True, True, True], True, True, 2]


def test_without_its_folder_nobody_knows_it() -> None:
    done = in_toy_site(Path("/nowhere"), "-c", SCRIPT)
    assert done.returncode != 0 and "brightness" in done.stderr


PROFILE = """
name = "toy"

[protocol]
frames = 4

[backends]
luma = "toy-luma"

[metrics]
default = ["brightness"]
"""


def write_dataset(folder: Path) -> Path:
    """Two cases without masks or references."""
    folder.mkdir()
    cases = []
    for level in (60, 180):
        Image.fromarray(np.full((48, 64, 3), level, np.uint8)).save(folder / f"{level}.png")
        cases.append(
            {
                "id": f"grey {level}", "subset": "single", "category": "grey", "caption": "a grey wall",
                "motion_prompt": "nothing moves", "objects": [], "first_frame": f"{level}.png", "masks": None,
                "reference": None,
            }
        )  # fmt: skip
    head = {"schema": "motionbench.dataset/1", "name": "grey", "version": "1", "license": "CC0-1.0"}
    (folder / "cases.json").write_text(json.dumps(head | {"cases": cases}))
    return folder


def test_it_is_scored_by_the_command_line(toy_site: Path, tmp_path: Path) -> None:
    base = tmp_path / "toy.toml"
    base.write_text(PROFILE)
    data = write_dataset(tmp_path / "grey")
    code = "from motionbench.cli import main; main()"
    done = in_toy_site(
        toy_site, "-c", code, "evaluate", "--model", "slide", "-o", "step=3", "--metric", "brightness",
        "--profile", str(base), "--dataset", str(data), "--out", str(tmp_path / "run"),
        "--cache", str(tmp_path / "cache"), "--json", cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    run = json.loads((tmp_path / "run" / "run.json").read_text())
    assert run["identity"]["system"] == {"name": "slide", "kind": "model", "source": "slide", "options": {"step": 3}}
    values = [e["value"] for e in run["estimates"] if e["metric"] == "brightness" and e["subset"] == "all"]
    assert values == [pytest.approx(120, abs=0.01)]  # written without loss, so the greys are the greys
