"""The page's option to show a table as share of the way from static to the real videos, in a real browser."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from motionbench.leaderboard import add, build, freeze

HOSTILE = "</script><img src=x onerror=alert(1)>"


def level(value: float) -> Any:
    return lambda index: value + 0.01 * math.sin(7.3 * index)


@pytest.fixture
def page(make_run: Any, board: Path) -> str:
    """Two data sets: one with frozen anchors, a smaller one without a reference."""
    systems = {"alpha": (0.25, 0.7), HOSTILE: (0.75, 0.5), "static": (0.05, 0.9), "reference": (0.95, 0.1)}
    kinds = {"static": "model", "reference": "reference"}
    for name, (survival, warp) in systems.items():
        values = {"survival": level(survival), "warp_error": level(warp), "ad": level(3.0 + survival)}
        if name == "alpha":
            values["survival"] = lambda index: None if index == 0 else level(0.25)(index)
        add(make_run(name, values, cases=24, kind=kinds.get(name, "videos")), board)
        if name != "reference":
            add(make_run(name, values, cases=8, dataset="small", kind=kinds.get(name, "videos")), board)
    freeze(board)
    return next(path for path in build(board, warn=lambda text: None) if path.name == "index.html").as_uri()


PANEL = "document.querySelector('.group.current .panel.current')"
NAMES = f"[...{PANEL}.querySelectorAll('tbody tr:not([hidden]) .name')].map((e) => e.textContent)"
HEADS = f"[...{PANEL}.querySelectorAll('thead th[data-metric]:not([hidden]) span')].map((e) => e.textContent)"
CELLS = f"""[...{PANEL}.querySelectorAll('tbody tr')].map((row) => [row.querySelector('.name').textContent,
  ...[...row.cells].slice(2).filter((cell) => !cell.hidden).map((cell) => cell.textContent.trim())])"""
MARKUP = f"""[...{PANEL}.querySelectorAll('th, td')].map((cell) => [
  cell.innerHTML, {{...cell.dataset}}, cell.title, cell.hidden, cell.getAttribute('aria-sort')])"""
TOGGLE = "document.getElementById('pick-way').click()"
NOTES = "document.getElementById('way-notes').textContent"


def test_the_option_is_off_and_makes_a_link_that_opens_the_same(browser: Any, page: str) -> None:
    browser.open(page + "#/board&cols=All")
    assert browser.run("document.getElementById('pick-way').checked") is False
    assert browser.run(NOTES) == ""
    before, heads = browser.run(MARKUP), browser.run(HEADS)
    browser.run(TOGGLE)
    assert "way=1" in browser.run("location.hash")
    assert browser.run(HEADS) == ["survival\u00a0↑", "warp_error\u00a0↑"]
    cells = {name: scores for name, *scores in browser.run(CELLS)}
    assert cells["static"] == ["0.000", "0.000"] and cells["reference"] == ["1.000", "1.000"]
    assert cells[HOSTILE] == ["0.778", "0.500"]
    assert cells["alpha"] == ["–", "0.250"]
    assert browser.run(f"{PANEL}.querySelectorAll(':is(b, u, svg)').length") == 4  # those of the hidden column
    assert browser.run(f"{PANEL}.querySelectorAll('td:not([hidden]) :is(b, u, svg)').length") == 0
    notes = browser.run(NOTES)
    assert "It has no interval and no rank" in notes and "alpha lacks cases" in notes
    link = browser.run("location.hash")
    browser.open(page + link)
    assert {name: scores for name, *scores in browser.run(CELLS)} == cells
    browser.run(TOGGLE)
    assert "way" not in browser.run("location.hash")
    assert browser.run(HEADS) == heads and browser.run(MARKUP) == before
    assert browser.complaints() == []


def test_a_sort_goes_by_the_scores(browser: Any, page: str) -> None:
    browser.open(page + "#/board&cols=All&way=1&sort=warp_error")
    assert browser.run(NAMES) == ["reference", HOSTILE, "alpha", "static"]
    head = f"{PANEL}.querySelector('th[data-metric=warp_error]')"
    assert browser.run(f"{head}.getAttribute('aria-sort')") == "descending"
    browser.run(TOGGLE)
    assert browser.run(f"{head}.getAttribute('aria-sort')") == "ascending"
    assert browser.run(NAMES) == ["reference", HOSTILE, "alpha", "static"]


def pick(browser: Any, group: str) -> None:
    browser.run(f"(() => {{ const e = document.getElementById('pick-group'); e.value = '{group}'; "
                "e.dispatchEvent(new Event('change')); })()")  # fmt: skip


def test_a_data_set_without_a_reference_says_so(browser: Any, page: str) -> None:
    browser.open(page + "#/board&way=1")
    keys = {
        text.partition(" ")[0]: key
        for key, text in browser.run("[...document.getElementById('pick-group').options].map((o) => [o.value, o.text])")
    }
    cells = browser.run(CELLS)
    pick(browser, keys["small"])
    assert browser.run("document.getElementById('pick-way').disabled && !document.getElementById('pick-way').checked")
    assert browser.run("document.getElementById('way-why').textContent") == " (not here: no run of reference)"
    assert browser.run(NOTES) == ""
    assert "[" in browser.run(CELLS)[0][1]  # the ordinary cell with its interval
    pick(browser, keys["synth"])
    assert browser.run(CELLS) == cells


def test_what_is_saved_says_which_scale_it_is(browser: Any, page: str, tmp_path: Path) -> None:
    browser.open(page + "#/board&cols=All&way=1")
    table, latex = (
        browser.saved(button, tmp_path / button).read_text(encoding="utf-8") for button in ("save-csv", "save-tex")
    )
    assert table.splitlines()[0].endswith(",scale")
    assert all(line.endswith(',"static 0, real videos 1"') for line in table.splitlines()[1:])
    assert "Share of the way from static (0)" in latex and r"warp\_error $\uparrow$" in latex
    assert "Bold" not in latex


def test_on_a_phone_nothing_sticks_out(browser: Any, page: str) -> None:
    browser.call("Emulation.setDeviceMetricsOverride", width=360, height=800, deviceScaleFactor=1, mobile=True)
    browser.open(f"{page}#/board&way=1")
    assert browser.run("document.documentElement.scrollWidth") <= 360
    first = f"{PANEL}.querySelectorAll('tbody tr:first-child td[data-label]:not([hidden])')"
    labels = browser.run(f"[...{first}].map((cell) => cell.dataset.label)")
    assert labels == ["survival\u00a0↑"]
    browser.call("Emulation.clearDeviceMetricsOverride")
