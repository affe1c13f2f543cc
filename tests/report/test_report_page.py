"""The page's bytes: escaping, links, what is embedded."""

import base64
import dataclasses
import hashlib
import html.parser
import json
import re
import shutil
import urllib.parse
from pathlib import Path

import pytest

from motionbench import report
from motionbench.errors import DataError, SchemaError
from motionbench.report import media, table, view
from motionbench.report.html import EMBEDDED
from motionbench.results import read_run

TEMPLATES = Path(report.__file__).parent / "templates"


class Reader(html.parser.HTMLParser):
    """Collects elements, their attributes, and the content of scripts and styles."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.raw, self.text = [], {}, []
        self.inside = None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self.inside = (tag, dict(attrs).get("id")) if tag in ("script", "style") else None

    def handle_endtag(self, tag):
        if tag in ("script", "style"):
            self.inside = None

    def handle_data(self, data):
        if self.inside:
            self.raw[self.inside] = self.raw.get(self.inside, "") + data
        else:
            self.text.append(data)


@pytest.fixture(scope="module")
def folder(example, tmp_path_factory):
    out = tmp_path_factory.mktemp("page") / "run"
    shutil.copytree(example, out)
    report.write_html(out)
    return out


@pytest.fixture(scope="module")
def page(folder):
    return Reader((folder / "report.html").read_text(encoding="utf-8"))


def test_same_bytes_twice(folder):
    names = [folder / "report.html", *sorted((folder / "media").glob("*.js"))]
    before = [path.read_bytes() for path in names]
    report.write_html(folder / "run.json")
    assert before == [path.read_bytes() for path in names]


def test_nothing_hostile_becomes_markup(page):
    tags = {tag for tag, _ in page.elements}
    ours = {tag for path in TEMPLATES.glob("*.j2") for tag in re.findall(r"<([a-z]+\d?)\b", path.read_text())}
    assert tags <= ours
    assert "img" not in tags
    scripts = [attributes for tag, attributes in page.elements if tag == "script"]
    assert [attributes.get("type") for attributes in scripts] == ["application/json", None]
    assert not [
        name for _, attributes in page.elements for name in attributes if name.startswith("on") or name == "style"
    ]
    assert "<script>alert(1)</script>" in "".join(page.text)
    assert "{{ 7*7 }}{% raw %}" in "".join(page.text)


def test_the_policy_names_the_page_s_own_script_and_style(page):
    policy = next(a["content"] for tag, a in page.elements if a.get("http-equiv") == "Content-Security-Policy")
    for key in (("script", None), ("style", None)):
        digest = base64.b64encode(hashlib.sha256(page.raw[key].encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http:" not in policy


def test_no_address_of_a_network(folder):
    text = (folder / "report.html").read_text(encoding="utf-8")
    assert not re.search(r"https?://", text)


def test_links_lead_somewhere(folder, page):
    ids = {a["id"] for _, a in page.elements if "id" in a}
    for tag, attributes in page.elements:
        target = attributes.get("href") or attributes.get("src") or ""
        if target.startswith("#"):
            assert target[1:] in ids or (tag == "a" and attributes.get("class") == "case"), target
        elif target and not target.startswith("data:"):
            assert (folder / urllib.parse.unquote(target)).is_file(), target


def test_each_tab_numbers_its_own_notes_from_1(folder):
    built = view.build(read_run(folder), media.read_index(folder))
    some = next(e for line in built.sheet.lines if (e := line.cells["all"]).value is not None)
    first, second = (dataclasses.replace(some, reason=reason) for reason in ("first", "second"))
    plain = dataclasses.replace(some, reason="")
    lines = (table.Line("m", "b", {"all": plain, "single": first}), table.Line("n", "b", {"all": second}))
    page = dataclasses.replace(built, sheet=table.Sheet(("all", "single"), lines, ("first", "second"), False))
    assert page.remarks("all") == {"second": 1}
    assert page.remarks("single") == {"first": 1}


def test_marks_lead_to_the_notes_of_their_tab(folder):
    text = (folder / "report.html").read_text(encoding="utf-8")
    for subset in ("all", "single", "multi"):
        noted = re.findall(rf'id="note-{subset}-(\d+)"', text)
        assert list(dict.fromkeys(re.findall(rf'href="#note-{subset}-(\d+)"', text))) == noted
    assert 'id="note-all-1"' in text


def test_the_worst_are_embedded_and_the_rest_lie_beside(folder, page):
    found = view.build(read_run(folder), media.read_index(folder))
    with_video = [case.key for case in found.cases if case.clips.get("generated")]
    cards = [a["data-case"] for tag, a in page.elements if tag == "video" and a.get("data-side") == "generated"]
    assert cards == with_video[:EMBEDDED]
    sources = [a["src"] for tag, a in page.elements if tag == "video" and "src" in a]
    assert all(source.startswith("data:video/mp4;base64,") for source in sources)
    data = json.loads(page.raw["script", "data"])
    for case in data["cases"]:
        if case["key"] in cards:
            assert case["clips"]["generated"] is None
            assert case["overlay"]["generated"]["width"] == 48
        elif case["clips"]:
            assert case["clips"]["generated"] == f"media/{case['key']}-g.mp4"
            assert case["overlay"] == f"media/{case['key']}.js"
            assert (folder / case["overlay"]).is_file()


def test_the_data_cannot_end_its_element(page):
    raw = page.raw["script", "data"]
    assert not set(raw) & set("<>&\u2028\u2029")
    assert [case["id"] for case in json.loads(raw)["cases"] if "</script>" in case["id"]]


def test_overlay_scripts_hold_one_call_with_numbers(folder):
    scripts = sorted((folder / "media").glob("*.js"))
    assert scripts
    for path in scripts:
        match = re.fullmatch(r'motionbenchOverlay\("(m-[0-9a-f]{12})",(\{.*\})\);\n', path.read_text())
        assert match, path
        assert match[1] == path.stem
        assert set(json.loads(match[2])) <= {"generated", "reference"}


def test_a_page_without_media_says_so(folder, tmp_path):
    for name in ("run.json", "cases.jsonl"):
        shutil.copy(folder / name, tmp_path)
    text = report.write_html(tmp_path).read_text(encoding="utf-8")
    assert "holds no previews" in text
    assert "<video controls" not in text


def test_a_deleted_clip_is_left_out(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "run")
    gone = media.read_index(folder)[-1]
    (tmp_path / "run" / "media" / gone.generated).unlink()
    text = report.write_html(tmp_path / "run").read_text(encoding="utf-8")
    assert gone.generated not in text


def test_bad_inputs_are_one_line(folder, tmp_path):
    with pytest.raises(DataError):
        report.write_html(tmp_path)
    shutil.copytree(folder, tmp_path / "run")
    overlay = next((tmp_path / "run" / "media").glob("*-g.json"))
    overlay.write_text('{"width": "alert(1)"}')
    with pytest.raises(SchemaError, match=overlay.name):
        report.write_html(tmp_path / "run")
    (tmp_path / "run" / "cases.jsonl").write_text("")
    with pytest.raises(SchemaError, match="sha256"):
        report.write_html(tmp_path / "run")
