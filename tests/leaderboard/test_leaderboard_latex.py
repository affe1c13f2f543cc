"""The LaTeX tables: sound in structure everywhere, and compiled where there is a LaTeX."""

from __future__ import annotations

import math
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from motionbench.leaderboard import add, build

ENGINE = next(filter(None, map(shutil.which, ("pdflatex", "xelatex", "lualatex", "tectonic"))), None)
NASTY = r"\input{/etc/passwd} 100% & $x_1$ #1 ~^ {a} | <b> — ± …"


@pytest.fixture
def texts(make_run: Any, board: Path) -> dict[str, str]:
    for seed, (name, level) in enumerate({"alpha": 0.6, NASTY: 0.8, "static": 0.3}.items()):
        more = {"kind": "model"} if name == "static" else {}
        values = {
            "survival": lambda index, level=level, seed=seed: level + 0.04 * math.sin(7.3 * index + seed),
            "warp_error": 0.5,
            "ad": 1.5,
            "fvd": 100.0 + seed,
        }
        add(make_run(name, values, cases=24, **more), board)
    paths = [path for path in build(board, warn=lambda text: None) if path.suffix == ".tex"]
    return {path.name: path.read_text(encoding="utf-8") for path in paths}


def test_every_row_has_as_many_cells_as_the_table_has_columns(texts: dict[str, str]) -> None:
    assert len(texts) == 4  # all, single, multi, and the pairs
    for name, text in texts.items():
        plain = re.sub(r"\\[\\{}&%#$_]", "", re.sub(r"^%.*$|(?<!\\)%$", "", text, flags=re.M))
        assert plain.count("{") == plain.count("}"), name
        assert not re.search(r"[#%~^]", plain.replace("^{*}", "")), name
        assert len(re.findall(r"\$", plain)) % 2 == 0, name
        columns = re.search(r"\\begin\{tabular\}\{(?:@\{\})?([lrc]+)", text)
        assert columns is not None, name
        rows = [line for line in text.splitlines() if line.rstrip().endswith(r"\\")]
        assert len(rows) >= 4, name
        for row in rows:
            assert len(re.findall(r"(?<!\\)&", row)) == len(columns[1]) - 1, row
        assert r"\input{" not in text and "\\textbackslash{}input" in text


@pytest.mark.skipif(ENGINE is None, reason="no LaTeX engine on this machine")
def test_the_tables_compile(texts: dict[str, str], tmp_path: Path) -> None:
    assert ENGINE is not None
    body = "\n\\clearpage\n".join(texts.values())
    packages = "\\usepackage{booktabs,graphicx}" + ("\\usepackage[T1]{fontenc}" if ENGINE.endswith("pdflatex") else "")
    document = f"\\documentclass{{article}}{packages}\\begin{{document}}\n{body}\n\\end{{document}}\n"
    (tmp_path / "board.tex").write_text(document, encoding="utf-8")
    flags = [] if ENGINE.endswith("tectonic") else ["-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape"]
    done = subprocess.run(
        [ENGINE, *flags, "board.tex"], cwd=tmp_path, capture_output=True, text=True, errors="replace", timeout=300
    )
    assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "board.pdf").read_bytes().startswith(b"%PDF")
