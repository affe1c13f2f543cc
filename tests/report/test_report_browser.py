"""The page in a real browser, opened from disk: no complaint, one clock, overlays on the right frame."""

import time

import pytest

from motionbench import report
from motionbench.report import media, view
from motionbench.results import read_run


@pytest.fixture(scope="module")
def page(example):
    return report.write_html(example)


@pytest.fixture(scope="module")
def cases(example):
    return [case for case in view.build(read_run(example), media.read_index(example)).cases if case.clips["generated"]]


READY = "[...document.querySelectorAll('.screen:not([hidden]) video')].every((v) => v.readyState >= 2 && !v.seeking)"
# The mean colour of the picture and of the overlay in a small square, in the overlay's pixels.
OVERLAY = """(() => {{
  const canvas = document.querySelector('[data-side={side}] canvas');
  const scale = Math.min(canvas.width / 48, canvas.height / 36);
  const x = (canvas.width - 48 * scale) / 2 + {x} * scale, y = (canvas.height - 36 * scale) / 2 + {y} * scale;
  return [...canvas.getContext('2d').getImageData(x, y, 1, 1).data];
}})()"""


def alpha(browser, x, y, side="generated"):
    return browser.run(OVERLAY.format(side=side, x=x, y=y))[3]


def test_no_complaints_and_nothing_from_a_network(browser, page):
    browser.open(page.as_uri())
    browser.wait(READY)
    for _ in range(20):
        browser.run("document.getElementById('next').click()")
    browser.wait(READY)
    assert browser.complaints() == []
    assert all(url.startswith(("file://", "data:")) for url in browser.requested())
    assert browser.run("document.title").startswith("<script>alert(1)</script>")


def test_hostile_text_stays_text_in_the_viewer(browser, page, cases):
    browser.open(page.as_uri())
    for case in cases:
        browser.run(f"location.hash = 'case={case.key}'")
        browser.wait(f"document.getElementById('choice').value === '{case.key}'")
        shown = browser.run("document.querySelector('#facts h3').textContent")
        assert shown == case.id
    assert browser.run("document.querySelectorAll('#facts script, #facts img, #facts a').length") == 0


@pytest.mark.parametrize("which", [0, -1], ids=["embedded", "beside"])
def test_masks_follow_the_frame(browser, page, cases, which):
    browser.open(f"{page.as_uri()}#case={cases[which].key}")
    browser.wait(READY)
    browser.run("document.getElementById('tracks').click()")
    browser.wait(OVERLAY.format(side="generated", x=6, y=10) + "[3] > 0")
    # The first object covers x 4..16 in frame 0 and moves by 3 px a frame.
    for frame in range(6):
        left = 4 + 3 * frame
        browser.wait(READY)
        browser.wait(f"document.querySelector('[data-side=generated] .frame').textContent === '{frame + 1} / 6'")
        browser.wait(OVERLAY.format(side="generated", x=left + 1.5, y=10) + "[3] > 0")
        assert alpha(browser, left - 2, 10) == 0
        time_shown = browser.run("document.querySelector('[data-side=generated] video').currentTime")
        assert frame / 8 <= time_shown < (frame + 1) / 8
        browser.run("document.getElementById('forward').click()")
    browser.run("document.getElementById('masks').click()")
    assert alpha(browser, 6, 10) == 0


def test_both_sides_share_one_clock(browser, page, cases):
    both = next(case for case in cases if case.clips["reference"])
    browser.open(f"{page.as_uri()}#case={both.key}")
    browser.wait(READY)
    browser.run("document.getElementById('speed').value = '0.5'; document.getElementById('play').click()")
    seen = set()
    end = time.monotonic() + 20
    while len(seen) < 4:
        assert time.monotonic() < end, f"only the frames {seen} were shown"
        time.sleep(0.1)
        frames = browser.run("[...document.querySelectorAll('.screen .frame')].map((e) => e.textContent)")
        assert frames[0] == frames[1]
        seen.add(frames[0])
    browser.run("document.getElementById('play').click()")
    browser.wait(READY)
    times = browser.run("[...document.querySelectorAll('.screen video')].map((v) => v.currentTime)")
    assert abs(times[0] - times[1]) < 0.01


def test_keyboard(browser, page):
    browser.open(page.as_uri())
    browser.wait(READY)

    def press(key):
        for kind in ("keyDown", "keyUp"):
            browser.call("Input.dispatchKeyEvent", type=kind, key=key, text=key if kind == "keyDown" else "")

    press(".")
    assert browser.run("document.querySelector('.screen .frame').textContent") == "2 / 6"
    press(",")
    assert browser.run("document.querySelector('.screen .frame').textContent") == "1 / 6"
    press("n")
    assert browser.run("document.getElementById('position').textContent") == "2 of 20"
    press("m")
    assert browser.run("document.getElementById('masks').checked") is False
    press(" ")
    assert browser.run("document.getElementById('play').getAttribute('aria-label')") == "Play"


def test_sorting_keeps_missing_values_last(browser, page):
    browser.open(page.as_uri())
    column = "[...document.querySelectorAll('#grid tbody tr')].map((row) => row.cells[3].textContent)"
    for _ in range(2):
        browser.run("document.querySelectorAll('#grid thead button')[3].click()")
        shown = browser.run(column)
        assert shown[-2:] == ["–", "–"]
    power = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
    values = [float(text.replace("×10", "e").translate(power)) for text in shown[:-2]]
    assert values == sorted(values, reverse=True)
    assert max(values) > 1e-4 > 2e-5 >= values[-2] > 0


def test_reduced_motion_does_not_play_by_itself(browser, page, cases):
    feature = [{"name": "prefers-reduced-motion", "value": "reduce"}]
    browser.call("Emulation.setEmulatedMedia", features=feature)
    browser.open(page.as_uri())
    browser.run(f"document.querySelector('a.case[data-case=\"{cases[1].key}\"]').click()")
    assert browser.run("document.getElementById('play').getAttribute('aria-label')") == "Play"
    browser.call("Emulation.setEmulatedMedia", features=[])
    browser.run(f"document.querySelector('a.case[data-case=\"{cases[0].key}\"]').click()")
    assert browser.run("document.getElementById('play').getAttribute('aria-label')") == "Pause"


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_nothing_sticks_out(browser, page, width):
    browser.call("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=False)
    browser.open(page.as_uri())
    browser.wait(READY)
    assert browser.run("document.documentElement.scrollWidth") <= width
    browser.call("Emulation.clearDeviceMetricsOverride")


def test_readable_without_scripts(browser, page):
    browser.open_without_scripts(page.as_uri())
    assert browser.run("document.getElementById('viewer').hidden")
    assert browser.run("[...document.querySelectorAll('.card video')].every((v) => v.controls)")
    assert browser.run("document.querySelector('.panel-all').offsetHeight") > 0


def test_what_scrolls_sideways_can_be_reached_by_keyboard(browser, page):
    browser.call("Emulation.setDeviceMetricsOverride", width=360, height=800, deviceScaleFactor=1, mobile=False)
    browser.open(page.as_uri())
    browser.wait(READY)
    scrolling = (
        "[...document.querySelectorAll('main *')].filter((e) => e.scrollWidth > e.clientWidth + 1"
        " && ['auto', 'scroll'].includes(getComputedStyle(e).overflowX))"
    )
    assert browser.run(f"{scrolling}.length") > 0
    assert browser.run(f"{scrolling}.every((e) => e.tabIndex === 0 && e.getAttribute('aria-label'))")
    browser.call("Emulation.clearDeviceMetricsOverride")
