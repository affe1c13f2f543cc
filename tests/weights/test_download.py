"""Whatever a server does, a file gets its name only when it is whole and has the right hash."""

from __future__ import annotations

import hashlib
import io
import urllib.request
from email.message import Message

import pytest
from server import CONTENT, OTHER, SHA256

from motionbench.errors import WeightsError
from motionbench.weights.fetch import _Redirects, _Refused, download


def fetch(server, tmp_path, *paths, sha256=SHA256, size=None, progress=lambda done, total: None):
    target = tmp_path / "weights" / "file.pt"
    urls = [server.url(path) for path in paths]
    return target, lambda: download(urls, target, sha256=sha256, size=size, progress=progress, pause=0.0)


def clean(target):
    return sorted(p.name for p in target.parent.iterdir()) == [target.name]


@pytest.mark.parametrize("path", ["good", "truncated", "unranged", "slow", "busy", "away", "changed", "chunked"])
@pytest.mark.parametrize("known", [True, False])
def test_a_file_arrives_whole(server, tmp_path, path, known):
    target, run = fetch(server, tmp_path, path, sha256=SHA256 if known else None)
    assert run() == SHA256
    assert target.read_bytes() == CONTENT
    assert clean(target)


def test_a_broken_connection_is_resumed_where_it_broke(server, tmp_path):
    _, run = fetch(server, tmp_path, "truncated")
    run()
    assert [span for _, span in server.asked] == [None, "bytes=6000-", "bytes=12000-", "bytes=18000-"]


def test_a_new_process_goes_on_where_the_last_one_stopped(server, tmp_path):
    class Stop(BaseException): ...

    def stop(done, total):
        if done >= 6000:
            raise Stop

    target, run = fetch(server, tmp_path, "truncated", progress=stop)
    with pytest.raises(Stop):
        run()
    assert not target.exists()
    _, run = fetch(server, tmp_path, "good")
    assert run() == SHA256
    assert server.asked[-1] == ("good", "bytes=6000-")


def test_progress_counts_up_to_the_whole(server, tmp_path):
    seen = []
    _, run = fetch(server, tmp_path, "truncated", progress=lambda done, total: seen.append((done, total)))
    run()
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("wrong", f"sha256 {hashlib.sha256(OTHER).hexdigest()}, expected {SHA256}"),
        ("missing", "HTTP 404"),
        ("page", "web page"),
        ("local", "is not allowed"),
        ("endless", "sha256"),
        ("dead", "closed connection"),
    ],
)
def test_what_is_not_the_file_is_refused(server, tmp_path, path, reason):
    target, run = fetch(server, tmp_path, path)
    with pytest.raises(WeightsError) as caught:
        run()
    assert reason in caught.value.details[0]
    assert caught.value.exit_code == 3
    assert not target.exists()


def test_without_a_hash_a_length_is_needed(server, tmp_path):
    target, run = fetch(server, tmp_path, "endless", sha256=None)
    with pytest.raises(WeightsError) as caught:
        run()
    assert "how long" in caught.value.details[0]
    assert not target.exists()


def test_another_size_is_refused_before_it_is_downloaded(server, tmp_path):
    seen = []
    _, run = fetch(server, tmp_path, "good", size=19_999, progress=lambda *a: seen.append(a))
    with pytest.raises(WeightsError) as caught:
        run()
    assert "offers 20000 bytes, expected 19999" in caught.value.details[0]
    assert seen == []


def test_the_next_source_is_tried(server, tmp_path):
    target, run = fetch(server, tmp_path, "missing", "wrong", "page", "dead", "good")
    assert run() == SHA256
    assert clean(target)


def test_all_failures_are_named(server, tmp_path):
    _, run = fetch(server, tmp_path, "missing", "wrong", "page")
    with pytest.raises(WeightsError) as caught:
        run()
    assert len(caught.value.details) == 3
    assert "\n" not in caught.value.message


def begun(target, content, note=None):
    target.parent.mkdir(parents=True)
    part = target.with_name(".file.pt.part")
    part.write_bytes(content)
    if note is not None:
        part.with_name(f"{part.name}.json").write_text(note)


@pytest.mark.parametrize("content", [OTHER[:6000], CONTENT + b"more", CONTENT[:-1] + b"?"])
def test_a_spoilt_part_is_thrown_away(server, tmp_path, content):
    target, run = fetch(server, tmp_path, "good")
    begun(target, content)
    assert run() == SHA256
    assert target.read_bytes() == CONTENT


def test_a_complete_part_is_not_downloaded_again(server, tmp_path):
    target, run = fetch(server, tmp_path, "good")
    begun(target, CONTENT)
    assert run() == SHA256
    assert [span for _, span in server.asked] == ["bytes=20000-"]


def test_parts_of_two_sources_are_never_joined_without_a_hash(server, tmp_path):
    target, run = fetch(server, tmp_path, "good", sha256=None)
    begun(target, OTHER[:6000], '{"url": "http://127.0.0.1:1/other", "mark": ""}')
    assert run() == SHA256
    assert server.asked == [("good", None)]


def test_a_range_that_was_not_asked_for_is_refused(server, tmp_path):
    target, run = fetch(server, tmp_path, "shifted")
    begun(target, CONTENT[:6000])
    with pytest.raises(WeightsError) as caught:
        run()
    assert "asked for the bytes from 6000 on" in caught.value.details[0]


@pytest.mark.parametrize(
    ("old", "new", "follows"), [("https", "https", True), ("https", "http", False), ("http", "http", True)]
)
def test_a_redirect_never_leaves_https(old, new, follows):
    request = urllib.request.Request(f"{old}://example.org/a")
    try:
        made = _Redirects().redirect_request(request, io.BytesIO(), 302, "Found", Message(), f"{new}://example.org/b")
    except _Refused:
        made = None
    assert (made is not None) == follows
