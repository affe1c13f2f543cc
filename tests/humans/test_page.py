"""The page: what it holds, hostile names, and a rater at work in a real browser."""

from __future__ import annotations

import html.parser
import json
import re
import urllib.parse

import pytest

from motionbench.errors import ConfigError, DataError
from motionbench.humans import read_votes
from motionbench.humans.page import write_page

HOSTILE = ["</script><script>alert(1)", "a \"b\" 'c' & d,e #1%20", "emoji 🐴 ?x=1", "=1+1", "plain"]


@pytest.fixture
def folders(tmp_path):
    for system in ("ours", "theirs <b>"):
        for name in HOSTILE:
            path = tmp_path / system / f"{name.replace('/', '∕')}.mp4"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(b"no real video")
    (tmp_path / "ours" / "alone.mp4").write_bytes(b"")
    (tmp_path / "ours" / "notes.txt").write_bytes(b"")
    return tmp_path / "ours", tmp_path / "theirs <b>"


def data_of(path):
    text = path.read_text(encoding="utf-8")
    (found,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    return json.loads(found)


def test_all_shared_cases_with_links_that_resolve(folders, tmp_path):
    out = tmp_path / "pages" / "vote.html"
    assert write_page(*folders, out, questions=["Which?", "<i>And?</i>"]) == len(HOSTILE)
    data = data_of(out)
    assert data["systems"] == ["ours", "theirs <b>"] and data["questions"] == ["Which?", "<i>And?</i>"]
    assert [case["id"] for case in data["cases"]] == sorted(name.replace("/", "∕") for name in HOSTILE)
    for case in data["cases"]:
        for side in ("a", "b"):
            link = case[side]
            assert not re.search(r"[<>\"'#?\s]", link) and not link.startswith("/")
            assert (out.parent / urllib.parse.unquote(link)).is_file()
    again = tmp_path / "pages" / "again.html"
    write_page(*folders, again, questions=["Which?", "<i>And?</i>"])
    assert again.read_bytes() == out.read_bytes()


class Elements(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags = []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))


def test_nothing_escapes_and_nothing_is_fetched(folders, tmp_path):
    write_page(*folders, tmp_path / "vote.html", questions=["</script><img src=x onerror=alert(1)>"])
    text = (tmp_path / "vote.html").read_text(encoding="utf-8")
    elements = Elements()
    elements.feed(text)
    assert [attrs.get("type") for tag, attrs in elements.tags if tag == "script"] == ["application/json", None]
    assert not [tag for tag, _ in elements.tags if tag in ("img", "iframe", "object")]
    assert not [a for _, attrs in elements.tags for a in attrs if a.startswith("on")]
    assert "http" not in re.sub(r'http-equiv="Content-Security-Policy"', "", text)


def test_a_dataset_brings_its_prompts_and_its_cases(folders, tmp_path):
    from motionbench.types import Case, Dataset

    cases = tuple(Case(i, "single", "", "", "", f"<b>{i}</b> runs", (), None) for i in ("plain", "=1+1", "elsewhere"))
    assert write_page(*folders, tmp_path / "v.html", dataset=Dataset("d", "1", "", cases)) == 2
    assert [c["prompt"] for c in data_of(tmp_path / "v.html")["cases"]] == ["<b>=1+1</b> runs", "<b>plain</b> runs"]
    assert write_page(*folders, tmp_path / "l.html", limit=3, seed=1) == 3
    assert write_page(*folders, tmp_path / "m.html", limit=3, seed=2) == 3
    assert data_of(tmp_path / "l.html")["cases"] != data_of(tmp_path / "m.html")["cases"]


def test_what_makes_no_page(folders, tmp_path):
    ours, theirs = folders
    with pytest.raises(ConfigError, match="both called"):
        write_page(ours, ours, tmp_path / "v.html")
    with pytest.raises(ConfigError, match="questions"):
        write_page(ours, theirs, tmp_path / "v.html", questions=["a", "a"])
    (ours / "plain.webm").write_bytes(b"")
    with pytest.raises(DataError, match="2 videos of 'plain'"):
        write_page(ours, theirs, tmp_path / "v.html")
    with pytest.raises(DataError, match="cannot be listed"):
        write_page(theirs, tmp_path / "nowhere", tmp_path / "v.html", names=("a", "b"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no case in common"):
        write_page(theirs, tmp_path / "empty", tmp_path / "v.html")


@pytest.fixture
def tab(browser):
    """The browser; the page asks before it is left, and the next test must not meet that question."""
    yield browser
    browser.new_tab()


def test_a_rater_at_work(tab, folders, tmp_path):
    """Answer by keys and buttons, go back, reload and go on, and read the file that the page saves."""
    out = tmp_path / "vote.html"
    write_page(*folders, out, names=("ours, v1", "theirs"), seed=3)

    def press(key):
        tab.run(f"document.dispatchEvent(new KeyboardEvent('keydown', {{key: {json.dumps(key)}}}))")

    def enter():
        tab.new_tab()
        tab.open(out.as_uri())
        tab.run("document.getElementById('rater').value = 'Zoë \"1\"'")
        tab.run("document.querySelector('#form button').click()")

    def shown():
        return tab.run("[document.getElementById('left').src, document.getElementById('count').textContent]")

    enter()
    first, count = shown()
    assert count == "1 of 5"
    press("ArrowLeft")
    press("b")
    assert shown() == [first, "1 of 5"]
    press("ArrowLeft")
    tab.run("document.querySelector('[data-answer=right]').click()")
    press("s")
    enter()
    assert shown()[1] == "3 of 5"  # what was skipped comes again
    for _ in range(3):
        press("ArrowDown")
    assert tab.run("document.getElementById('done').hidden") is False
    votes = read_votes(tab.saved("save-done", tmp_path / "saved"))
    assert len(votes) == 5 and {v.rater for v in votes} == {'Zoë "1"'} and {v.system_a for v in votes} == {"ours, v1"}
    assert sorted(v.case_id for v in votes) == sorted(c["id"] for c in data_of(out)["cases"])
    chosen = next(c for c in data_of(out)["cases"] for v in votes[:1] if c["id"] == v.case_id)
    left = "a" if first.endswith(chosen["a"].rsplit("..", 1)[-1]) else "b"
    assert votes[0].vote == left and [v.vote for v in votes].count("tie") == 3
    complaints = [c for c in tab.complaints() if "ERR_" not in str(c)]
    assert not complaints, complaints
