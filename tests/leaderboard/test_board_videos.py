"""The board's page with videos: one clock for all of them, and the parts of each object's score."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from motionbench import types
from motionbench.leaderboard import add, build
from motionbench.report.media import media_name
from motionbench.results import write_run
from motionbench.video import encode_preview

FRAMES, FPS = 10, 8
SHOWN = "[...document.querySelectorAll('#screens video')]"
READY = f"{SHOWN}.length === 3 && {SHOWN}.every((v) => v.readyState >= 2 && !v.seeking)"


def clip(seed: int) -> bytes:
    """A bright square that moves over noise."""
    frames = np.repeat(np.random.default_rng(seed).integers(0, 90, (1, 36, 48, 3)), FRAMES, axis=0).astype(np.uint8)
    for at in range(FRAMES):
        frames[at, 8:20, 3 * at : 3 * at + 12] = 220
    return encode_preview(types.Video(frames, np.arange(FRAMES) / FPS))


@pytest.fixture
def page(make_run: Any, board: Path, with_previews: Any, tmp_path: Path) -> str:
    ids = [f"case-{index:04d}" for index in range(16)]
    for seed, name in enumerate(("alpha", "beta", "gamma")):
        shown = {case: clip(100 * seed + place) for place, case in enumerate(ids)}
        add(with_previews(make_run(name, {"survival": 0.5 + 0.1 * seed}), shown), board)
    *_, found = build(board, warn=lambda text: None, media=tmp_path / "runs", site=tmp_path / "site")
    return found.as_uri()


def frames_of(browser: Any) -> list[int]:
    """The frame that each video stands at, by its own clock."""
    return [int(at * FPS + 1e-6) for at in browser.run(f"{SHOWN}.map((v) => v.currentTime)")]


def test_all_videos_step_and_play_within_one_frame_of_each_other(browser: Any, page: str) -> None:
    browser.open(f"{page}#/cases&c={media_name('case-0001')}")
    browser.wait(READY)
    if browser.run("document.getElementById('play').getAttribute('aria-label')") == "Pause":
        browser.press("k")
    browser.run("(() => { const e = document.getElementById('seek'); e.value = 0; "
                "e.dispatchEvent(new Event('input')); })()")  # fmt: skip
    for frame in (0, 1, 2, 3):
        browser.wait(READY)
        browser.wait(f"{SHOWN}.every((v) => Math.floor(v.currentTime * {FPS} + 1e-6) === {frame})")
        assert (
            browser.run("[...document.querySelectorAll('#screens .frame')].map((e) => e.textContent)")
            == [f"{frame + 1} / {FRAMES}"] * 3
        )
        browser.press(".")
    browser.press(",")
    browser.wait(f"{SHOWN}.every((v) => Math.floor(v.currentTime * {FPS} + 1e-6) === 3)")
    browser.press("k")
    seen = set()
    for _ in range(15):
        time.sleep(0.08)
        frames = frames_of(browser)
        apart = max(frames) - min(frames)
        assert min(apart, FRAMES - apart) <= 1
        seen.add(frames[0])
    assert len(seen) >= 3
    assert browser.complaints() == []
    assert all(url.startswith(("file://", "data:")) for url in browser.requested())


def test_keys_change_the_case_and_the_address(browser: Any, page: str) -> None:
    browser.open(f"{page}#/cases")
    browser.wait(READY)
    browser.press("n")
    assert browser.run("document.getElementById('choice').value") == media_name("case-0001")
    assert browser.run("location.hash").endswith(f"c={media_name('case-0001')}")
    browser.press("p")
    assert browser.run("document.getElementById('choice').value") == media_name("case-0000")


OBJECTS = [
    {"object_id": 1, "tmr": 0.04, "stillness": None, "reason": "", "motion": 1.0, "survival": 0.8, "identity": 0.05,
     "naturalness": 1.0, "amplitude": 3.0},
    {"object_id": 2, "tmr": None, "stillness": None, "reason": "<b>hidden</b> in most frames", "motion": None,
     "survival": None, "identity": None, "naturalness": None},
    {"object_id": 3, "tmr": 1e9, "stillness": "x", "motion": [], "survival": -1, "identity": 2, "naturalness": True},
    {"object_id": "</script>"},
]  # fmt: skip


def with_objects(run: Path) -> Path:
    """Turn survival into a tmr whose first case has objects and whose last one is not applicable."""
    from motionbench.results import read_run

    found = read_run(run)
    rows = []
    for row in found.rows():
        more = {"objects": OBJECTS} if row.case_id == "case-0000" else {}
        rows.append(types.Row(row.case_id, row.subset, "tmr", row.status, {**row.values, **more}, row.note))
    text = json.dumps(found.identity.model_dump(mode="json")).replace('"survival"', '"tmr"')
    own = [types.Estimate(**{**{f: getattr(e, f) for f in e.__slots__}, "metric": "tmr"}) for e in found.estimates]
    out = run.with_name(f"{run.name}-objects")
    write_run(types.Run(json.loads(text), tuple(own), tuple(rows), "complete", True, ()), out)
    return out


def test_a_case_shows_the_parts_of_each_object(browser: Any, make_run: Any, board: Path) -> None:
    last = {"survival": lambda index: 0.5 if index < 15 else None}
    add(with_objects(make_run("alpha", last)), board)
    add(with_objects(make_run("beta", last)), board)
    page = next(path for path in build(board, warn=lambda text: None) if path.name == "index.html").as_uri()
    browser.open(f"{page}#/cases&c={media_name('case-0000')}")
    rows = browser.run(
        "[...document.querySelectorAll('#parts tbody tr')].map((r) => [...r.cells].map((c) => c.textContent))"
    )
    assert rows[0] == ["alpha", "1", "1.000", "0.800", "0.050", "1.000", "0.04 tmr"]
    assert rows[1] == ["alpha", "2", "<b>hidden</b> in most frames"]
    assert rows[2] == ["alpha", "3", "not judged"]
    assert len(rows) == 6
    assert browser.run("[...document.querySelectorAll('#parts .least')].map((e) => e.textContent)") == ["0.050"] * 2
    assert browser.run("document.querySelectorAll('#parts b').length") == 0
    browser.run(f"location.hash = '#/cases&c={media_name('case-0015')}'")
    browser.wait(f"document.getElementById('choice').value === '{media_name('case-0015')}'")
    assert "the first frame is not the input" in browser.run("document.getElementById('parts').textContent")
    browser.run(f"location.hash = '#/cases&c={media_name('case-0001')}'")
    browser.wait(f"document.getElementById('choice').value === '{media_name('case-0001')}'")
    assert browser.run("document.getElementById('parts-box').hidden")
    assert browser.complaints() == []
