"""The board's page in a real browser, opened from disk."""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path
from typing import Any

import pytest

from motionbench.leaderboard import add, build

HOSTILE = "</script><img src=x onerror=alert(1)>\u202e"


def varied(level: float, seed: int) -> Any:
    return lambda index: level + 0.04 * math.sin(7.3 * index + seed)


@pytest.fixture
def page(make_run: Any, board: Any) -> str:
    for seed, (name, level) in enumerate({"alpha": 0.6, HOSTILE: 0.8, "static": 0.3}.items()):
        more = {"kind": "model"} if name == "static" else {}
        add(make_run(name, {"survival": varied(level, seed), "warp_error": varied(0.5, seed)}, cases=24, **more), board)
    return next(path for path in build(board, warn=lambda text: None) if path.name == "index.html").as_uri()


ROWS = "[...document.querySelectorAll('.panel.current tbody tr:not([hidden]) .name')].map((e) => e.textContent)"


def test_every_view_opens_without_a_complaint_or_a_request(browser: Any, page: str) -> None:
    browser.open(page)
    for view in ("compare", "cases", "failures", "about", "board"):
        browser.run(f"location.hash = '#/{view}'")
        browser.wait(f"document.getElementById('{view}').classList.contains('current')")
        assert browser.run(f"document.getElementById('{view}').textContent.trim().length") > 100
    assert browser.complaints() == []
    assert {url for url in browser.requested() if not url.startswith("data:")} <= {page, "about:blank"}
    assert browser.run("document.images.length") == 0


def test_a_click_sorts_says_so_and_makes_a_link(browser: Any, page: str) -> None:
    browser.open(page)
    before = browser.run(ROWS)
    head = "document.querySelector('.panel.current th[data-metric=survival]')"
    assert browser.run(f"{head}.getAttribute('aria-sort')") == "descending"
    browser.run(f"{head}.querySelector('button').click()")
    assert browser.run(f"{head}.getAttribute('aria-sort')") == "ascending"
    assert browser.run(ROWS) == ["static", "alpha", before[0]]
    link = browser.run("location.hash")
    browser.open(page + link)
    assert browser.run(ROWS) == ["static", "alpha", before[0]]
    assert "\\u202e" in before[0] and "<img" in before[0]


def test_filters_hide_and_say_how_many(browser: Any, page: str) -> None:
    browser.open(page + "#/board&base=0&q=alp")
    assert browser.run(ROWS) == ["alpha"]
    assert "1 of 3 rows" in browser.run("document.getElementById('shown').textContent")
    browser.run("(() => { const e = document.getElementById('pick-tier'); e.value = 'verified'; "
                "e.dispatchEvent(new Event('change')); })()")  # fmt: skip
    assert browser.run(ROWS) == []


def test_a_comparison_counts_wins_ties_and_losses(browser: Any, page: str) -> None:
    browser.open(page + "#/compare")
    counts = browser.run("[...document.querySelectorAll('.keyline b')].map((e) => Number(e.textContent))")
    assert sum(counts) == 24 and counts[0] > 20
    assert browser.run("document.querySelectorAll('.scatter .win').length") == counts[0]
    assert "p < 0.001" in browser.run("document.querySelector('.verdict').textContent")


def test_the_keyboard_alone_reaches_a_sort(browser: Any, page: str) -> None:
    browser.open(page)
    browser.run("document.querySelector('.panel.current th[data-metric=survival] button').focus()")
    browser.press("Enter", windowsVirtualKeyCode=13)
    assert browser.run("document.querySelector('.panel.current [aria-sort]').getAttribute('aria-sort')") == "ascending"


@pytest.mark.parametrize("view", ["board", "compare", "cases", "failures", "about"])
def test_nothing_sticks_out_of_a_phone(browser: Any, page: str, view: str) -> None:
    browser.call("Emulation.setDeviceMetricsOverride", width=360, height=800, deviceScaleFactor=1, mobile=True)
    browser.open(f"{page}#/{view}")
    assert browser.run("document.documentElement.scrollWidth") <= 360
    browser.call("Emulation.clearDeviceMetricsOverride")


def test_the_tables_are_there_without_scripts(browser: Any, page: str) -> None:
    browser.open_without_scripts(page)
    shown = browser.run("[...document.querySelectorAll('table.board')].map((e) => e.offsetHeight > 0)")
    assert shown == [True, True, True]


LAID = """(() => {
  const panel = document.querySelector('.panel.current');
  const head = panel.querySelector('thead tr'), row = panel.querySelector('tbody tr');
  const left = (cell) => cell.getBoundingClientRect().left;
  return [...head.cells].map((cell, i) => Math.abs(left(cell) - left(row.cells[i])));
})()"""


def test_rows_that_are_laid_out_alone_stand_below_their_heads(browser: Any, page: str) -> None:
    browser.open(page)
    for width in (1280, 800, 1280):
        browser.call("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=False)
        browser.wait(f"window.innerWidth === {width}")
        assert browser.run("document.querySelector('.panel.current table').classList.contains('laid')")
        browser.wait(f"Math.max(...{LAID}) < 0.5")  # the page follows the window a frame later
        browser.wait("(({scrollWidth, clientWidth}) => scrollWidth <= clientWidth)"
                     "(document.querySelector('.panel.current .scroll'))")  # fmt: skip
    browser.run("location.hash = '#/board&cols=All'")
    browser.wait("document.querySelectorAll('.panel.current thead th:not([hidden])').length === 4")
    browser.wait(f"Math.max(...{LAID}) < 0.5")
    browser.call("Emulation.clearDeviceMetricsOverride")


def test_a_table_stays_a_table_to_a_screen_reader(browser: Any, page: str) -> None:
    browser.call("Emulation.setDeviceMetricsOverride", width=1280, height=2000, deviceScaleFactor=1, mobile=False)
    browser.open(page)
    found = browser.call("Accessibility.getFullAXTree")["nodes"]
    browser.call("Emulation.clearDeviceMetricsOverride")
    roles = [node["role"]["value"] for node in found if "role" in node and not node["ignored"]]
    assert roles.count("row") == 4
    assert roles.count("rowheader") == 3
    assert roles.count("columnheader") == 3
    assert roles.count("cell") + roles.count("gridcell") == 3 * 2


def test_what_is_saved_is_the_table_as_it_is_shown(browser: Any, page: str, tmp_path: Path) -> None:
    browser.open(page + "#/board&cols=All&sort=warp_error&dir=up&s=single")
    shown = browser.run(ROWS)
    rows = list(csv.DictReader(io.StringIO(browser.saved("save-csv", tmp_path / "csv").read_text(encoding="utf-8"))))
    assert [(row["system"], row["metric"]) for row in rows] == [
        (name, metric) for name in shown for metric in ("survival", "warp_error")
    ]
    assert {row["subset"] for row in rows} == {"single"}
    cells = browser.run(
        "[...document.querySelectorAll('.panel.current tbody td[data-v]:not(.rank)')].map((c) => c.dataset.v)"
    )
    assert [row["value"] for row in rows] == cells
    text = browser.saved("save-tex", tmp_path / "tex").read_text(encoding="utf-8")
    body = [line for line in text.splitlines() if line.endswith(r"\\")]
    assert len(body) == 4 and {line.count("&") for line in body} == {2}
    assert "<img" not in text and r"\textless{}img" in text
    assert browser.saved("save-bib", tmp_path / "bib").read_text(encoding="utf-8").startswith("@software{motionbench,")
    assert browser.complaints() == []
    assert {url for url in browser.requested() if not url.startswith("blob:")} <= {page, "about:blank"}


# Texts whose contrast with what is behind them is below WCAG 2.2 AA: 4.5, or 3 where they are large.
FAINT = """(() => {
  const parse = (text) => [...text.match(/[\\d.]+/g).map(Number), 1].slice(0, 4);
  const linear = (v) => (v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
  const light = ([r, g, b]) => .2126 * linear(r / 255) + .7152 * linear(g / 255) + .0722 * linear(b / 255);
  const behind = (one) => {
    for (let at = one; at; at = at.parentElement) {
      const found = parse(getComputedStyle(at).backgroundColor);
      if (found[3] === 1) return found;
    }
    return [255, 255, 255, 1];
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = [];
  let seen = 0;
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const one = node.parentElement;
    if (!node.data.trim() || !one.checkVisibility() || one.closest("script, style, option")) continue;
    const style = getComputedStyle(one), size = parseFloat(style.fontSize);
    const own = light(parse(one instanceof SVGElement ? style.fill : style.color)), other = light(behind(one));
    const contrast = (Math.max(own, other) + .05) / (Math.min(own, other) + .05);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    seen += 1;
    if (contrast < (large ? 3 : 4.5)) found.push(`${node.data.trim().slice(0, 30)}: ${contrast.toFixed(2)}`);
  }
  return { seen, found };
})()"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_in_both_schemes(browser: Any, page: str, scheme: str) -> None:
    browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    for view in ("board&cols=All", "compare", "cases", "failures", "about"):
        browser.open(f"{page}#/{view}")
        looked = browser.run(FAINT)
        assert looked["seen"] > 20
        assert looked["found"] == [], view
    browser.call("Emulation.setEmulatedMedia", features=[])


def test_dark_mode_follows_the_system_and_the_button(browser: Any, page: str) -> None:
    colours = "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]"
    found = []
    for scheme in ("light", "dark"):
        browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        browser.open(page)
        found.append(browser.run(colours))
        browser.run("document.getElementById('theme').click()")
        found.append(browser.run(colours))
    light, by_button, dark, back = found
    assert light == back and dark == by_button
    assert light[0] != dark[0] and light[1] != dark[1]
    browser.call("Emulation.setEmulatedMedia", features=[])


FOCUS = """(() => {
  const one = document.activeElement, style = getComputedStyle(one);
  const visible = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
  return [one.id || one.textContent.trim().slice(0, 40), visible];
})()"""


def test_the_keyboard_alone_walks_through_the_page(browser: Any, page: str) -> None:
    browser.open(page + "#/board&cols=All")
    walked = []
    for _ in range(60):
        browser.press("Tab", windowsVirtualKeyCode=9)
        walked.append(tuple(browser.run(FOCUS)))
        if walked[-1][0].startswith("warp_error"):
            break
    names = [name for name, _ in walked]
    assert names[0] == "Skip to the tables"
    wanted = ["Board", "Compare", "Cases", "Failures", "How to read", "theme", "pick-group", "pick-subset", "pick-tier"]
    places = [names.index(name) for name in [*wanted, "pick-name", "pick-baselines"]]
    assert places == sorted(places)
    assert [name for name, visible in walked if not visible] == []
    browser.press("Enter", windowsVirtualKeyCode=13)
    sorted_by = "document.querySelector('.panel.current th[data-metric=warp_error]').getAttribute('aria-sort')"
    assert browser.run(sorted_by) == "ascending"
    assert browser.run(FOCUS)[0].startswith("warp_error")
