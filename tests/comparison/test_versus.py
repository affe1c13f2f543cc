"""The table, the figure and the command."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest

from motionbench import comparison
from motionbench.errors import ConfigError
from motionbench.report import versus, versus_figure

HOSTILE = "<script>alert(1)</script> | *x* =1+1"


@pytest.fixture
def runs(make, noise):
    worse = list(noise(0.3))
    worse[0] = None
    return [
        make("base", {"survival": noise(0), "warp_error": noise(0)}),
        make(HOSTILE, {"survival": noise(0.2), "warp_error": noise(0)}),
        make("gaps", {"survival": worse, "warp_error": noise(0.1)}),
    ]


def test_text(runs):
    text = versus.render(comparison.compare(runs, metrics=["survival", "fvd"]), "table")
    lines = text.splitlines()
    row = next(line for line in lines if line.startswith("<script>"))
    assert " 1 " in row and "< 0.001" in row and "97% (31, 0, 1)" in row
    assert "gaps: 31 of 32 cases, not ranked" in text and "30.0 ± 4.0 (floor 12.5 at 16)" in text
    assert "neither ranked nor tested" in text and "tests: 2 (all)" in text


def test_markdown_is_escaped_and_marks_the_first(runs):
    text = versus.render(comparison.compare(runs, metrics=["survival"]), "md")
    row = next(line for line in text.splitlines() if "alert" in line)
    assert row.startswith("| **&lt;script") and "<script" not in text and r"\|" in row


def test_csv_holds_every_number(runs):
    found = comparison.compare(runs, subsets=("all", "single", "multi"))
    rows = list(csv.DictReader(io.StringIO(versus.render(found, "csv"))))
    assert len(rows) == 4 * 3 * 3
    survival = [r for r in rows if (r["metric"], r["subset"]) == ("survival", "all")]
    block = next(m for m in found.metrics if (m.metric, m.subset) == ("survival", "all"))
    assert float(survival[1]["difference"]) == block.standings[1].difference.value
    assert float(survival[2]["p_holm"]) == block.standings[2].adjusted_p
    assert (survival[1]["best_rank"], survival[2]["best_rank"]) == ("1", "")
    assert all(not r["p"] for r in rows if r["metric"] in ("fvd", "ad"))


def test_json(runs):
    found = comparison.compare(runs)
    text = versus.render(found, "json")
    data = json.loads(text)
    assert data["schema"] == "motionbench.comparison/1" and "NaN" not in text and "system" not in data["identity"]
    assert data["metrics"][0]["standings"][0]["system"] == "base"
    assert versus.render(comparison.compare(runs), "json") == text
    with pytest.raises(ConfigError, match="no format"):
        versus.render(found, "pdf")


def test_figure(runs, tmp_path):
    found = comparison.compare(runs, subsets=("all", "multi"))
    path = tmp_path / "figure.svg"
    versus_figure.write_figure(found, path)
    first = path.read_bytes()
    versus_figure.write_figure(comparison.compare(runs, subsets=("all", "multi")), path)
    assert path.read_bytes() == first
    root = ET.fromstring(first)
    space = "{http://www.w3.org/2000/svg}"
    texts = [element.text for element in root.iter(f"{space}text")]
    assert any("<script>" in (text or "") for text in texts) and not list(root.iter(f"{space}script"))
    # A value for each system and metric, a difference for each other system and ranked metric.
    assert len(list(root.iter(f"{space}circle"))) == 2 * (4 * 3 + 2 * 2)
    height = float(root.attrib["height"])
    assert max(float(e.attrib["y"]) for e in root.iter(f"{space}text")) < height
    with pytest.raises(ConfigError, match="no SVG"):
        versus_figure.write_figure(found, tmp_path / "figure.pdf")


def test_command(runs, tmp_path):
    def run(*arguments):
        command = [sys.executable, "-m", "motionbench", "compare", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    done = run(*runs, "--metric", "survival", "--format", "csv", "--out", tmp_path / "f.svg")
    assert done.returncode == 0, done.stderr
    assert done.stdout == versus.render(comparison.compare(runs, metrics=["survival"]), "csv")
    assert (tmp_path / "f.svg").is_file()
    bad = run(runs[0], runs[1], "--baseline", "nobody")
    assert bad.returncode == 2 and bad.stderr.startswith("error: the baseline 'nobody' is none") and not bad.stdout
