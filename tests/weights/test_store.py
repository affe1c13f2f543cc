"""States, hashes that are listed, recorded or wrong, and when a file is read again."""

from __future__ import annotations

import hashlib
import json
import os

import pytest
from server import CONTENT, OTHER, SHA256

from motionbench import weights
from motionbench.errors import WeightsError
from motionbench.weights import entries, journal
from motionbench.weights import store as storing

URL = ["https://example.org/a.pt"]
OTHER_SHA256 = hashlib.sha256(OTHER).hexdigest()


def put(root, content=CONTENT, name="a"):
    path = root / name / f"{name}.pt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


@pytest.fixture
def hashed(monkeypatch):
    """Paths that were hashed."""
    seen = []
    real = storing.sha256_of
    monkeypatch.setattr(storing, "sha256_of", lambda path: seen.append(path) or real(path))
    return seen


def test_states_of_a_listed_file(tmp_path, listed):
    entry = listed("a", URL, sha256=SHA256, bytes=len(CONTENT))
    store = weights.Store(tmp_path)
    assert store.state("a", entry).known == "absent"
    put(tmp_path)
    assert store.state("a", entry).known == "unverified"
    assert store.check("a", entry) == SHA256
    assert store.state("a", entry).known == "present"
    put(tmp_path, OTHER)
    os.utime(tmp_path / "a" / "a.pt", ns=(1, 1))
    assert store.state("a", entry).known == "unverified"
    with pytest.raises(WeightsError) as caught:
        store.check("a", entry)
    assert OTHER_SHA256 in caught.value.message
    assert SHA256 in caught.value.message
    assert "\n" not in caught.value.message
    assert store.state("a", entry).known == "wrong"


def test_another_size_is_wrong_without_reading(tmp_path, listed, hashed):
    entry = listed("a", URL, sha256=SHA256, bytes=len(CONTENT))
    put(tmp_path, CONTENT[:-1])
    store = weights.Store(tmp_path)
    assert store.state("a", entry).known == "wrong"
    with pytest.raises(WeightsError, match="19999 bytes, expected 20000"):
        store.check("a", entry)
    assert hashed == []


def test_a_file_is_hashed_once_until_it_changes(tmp_path, listed, hashed):
    listed("a", URL, sha256=SHA256)
    path = put(tmp_path)
    weights.use(tmp_path, {})
    for _ in range(3):
        assert weights.path("a") == path
    assert len(hashed) == 1
    os.utime(path, ns=(1, 1))
    weights.path("a")
    assert len(hashed) == 2


def test_what_a_run_has_checked_is_not_hashed_by_its_workers(tmp_path, listed, hashed):
    listed("a", URL, sha256=SHA256)
    path = put(tmp_path)
    weights.use(tmp_path, {"a": SHA256})
    assert weights.path("a") == path
    assert hashed == []


def test_a_read_only_folder_works(tmp_path, listed, hashed, monkeypatch):
    listed("a", URL, sha256=SHA256)
    put(tmp_path)

    def refuse(self, file, content):
        raise WeightsError("read-only")

    monkeypatch.setattr(journal.Journal, "_write", refuse)
    weights.use(tmp_path, {})
    weights.path("a")
    weights.path("a")
    assert len(hashed) == 2


def test_a_hash_that_nobody_published_is_recorded_and_binds(tmp_path, listed):
    entry = listed("a", URL)
    put(tmp_path)
    assert weights.Store(tmp_path).state("a", entry).known == "unverified"
    weights.use(tmp_path, {})
    weights.path("a")
    assert weights.Store(tmp_path).state("a", entry).known == "present"
    assert json.loads((tmp_path / "recorded.json").read_text())["files"] == {"a/a.pt": SHA256}
    put(tmp_path, OTHER)
    os.utime(tmp_path / "a" / "a.pt", ns=(1, 1))
    with pytest.raises(WeightsError, match=f"{OTHER_SHA256}, expected {SHA256}"):
        weights.path("a")


def test_an_unrecordable_hash_is_no_hash(tmp_path, listed, monkeypatch):
    listed("a", URL)
    put(tmp_path)

    def refuse(self, file, content):
        raise WeightsError("read-only")

    monkeypatch.setattr(journal.Journal, "_write", refuse)
    weights.use(tmp_path, {})
    with pytest.raises(WeightsError, match="read-only"):
        weights.path("a")


def test_an_absent_file_is_one_line_and_a_command(tmp_path, listed):
    listed("a", URL)
    weights.use(tmp_path, {})
    with pytest.raises(WeightsError) as caught:
        weights.path("a")
    assert "\n" not in caught.value.message
    assert caught.value.hint == "motionbench weights fetch a"


def test_all_that_a_run_lacks_is_named(tmp_path, listed):
    listed("a", URL, sha256=SHA256)
    listed("b", URL, sha256=SHA256, non_commercial=True, license="CC-BY-NC-4.0")
    listed("c", URL, sha256=SHA256)
    listed("d", URL, sha256=SHA256)
    put(tmp_path, OTHER, "a")
    put(tmp_path, CONTENT, "c")
    with pytest.raises(WeightsError) as caught:
        weights.require(["c", "a", "d", "b", "a"], tmp_path)
    a, d, b = caught.value.details
    assert OTHER_SHA256 in a
    assert "missing; run: motionbench weights fetch d" in d
    assert "(unknown size, CC-BY-NC-4.0)" in b and b.endswith("missing; run: motionbench weights fetch b")
    assert weights.require(["c"], tmp_path) == {"c": SHA256}


@pytest.mark.parametrize("content", ["", "[]", '{"schema": "motionbench.recorded/1", "files": {"a/a.pt": "x"}}'])
def test_a_spoilt_record_is_no_reason_to_trust(tmp_path, listed, content):
    listed("a", URL)
    put(tmp_path)
    (tmp_path / "recorded.json").write_text(content)
    weights.use(tmp_path, {})
    with pytest.raises(WeightsError, match=r"recorded\.json"):
        weights.path("a")


def test_the_folder(tmp_path, monkeypatch):
    assert weights.folder().name == "weights"
    monkeypatch.setenv("MOTIONBENCH_WEIGHTS_DIR", str(tmp_path / "env"))
    assert weights.folder() == tmp_path / "env"
    weights.use(tmp_path / "run", {})
    assert weights.folder() == tmp_path / "run"


@pytest.mark.parametrize("variable", ["MOTIONBENCH_OFFLINE", "HF_HUB_OFFLINE"])
def test_offline(monkeypatch, variable):
    assert not weights.offline()
    assert weights.offline(True)
    monkeypatch.setenv(variable, "0")
    assert not weights.offline()
    monkeypatch.setenv(variable, "1")
    assert weights.offline()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes here")
@pytest.mark.parametrize("linked", [False, True])
def test_a_pipe_is_never_read(tmp_path, listed, hashed, linked):
    entry = listed("a", URL)
    path = tmp_path / "a" / "a.pt"
    path.parent.mkdir()
    pipe = tmp_path / "pipe" if linked else path
    os.mkfifo(pipe)
    if linked:
        path.symlink_to(pipe)
    store = weights.Store(tmp_path)
    assert store.state("a", entry).known == "wrong"
    with pytest.raises(WeightsError, match="is no plain file"):
        store.check("a", entry)
    assert hashed == []


def of_two(tmp_path, listed):
    """An entry of two files, both there."""
    files = [entries.File(path=name, sources=URL, sha256=SHA256) for name in ("one.json", "two.safetensors")]
    entry = listed("a", URL).model_copy(update={"files": files, "kind": "folder"})
    for name in ("one.json", "two.safetensors"):
        put(tmp_path).rename(tmp_path / "a" / name)
    return entry


def test_one_file_absent_and_another_wrong_is_one_line(tmp_path, listed):
    entry = of_two(tmp_path, listed)
    (tmp_path / "a" / "one.json").unlink()
    (tmp_path / "a" / "two.safetensors").unlink()
    (tmp_path / "a" / "two.safetensors").mkdir()
    with pytest.raises(WeightsError, match=r"the weights a are wrong: .*one\.json cannot be read"):
        weights.Store(tmp_path).check("a", entry)


def test_a_library_sees_the_checked_files_alone(tmp_path, listed):
    entry = of_two(tmp_path, listed)
    (tmp_path / "a" / "more.json").write_text("{}")
    with weights.Store(tmp_path).alone("a", entry) as folder:
        assert sorted(p.name for p in folder.iterdir()) == ["one.json", "two.safetensors"]
        assert (folder / "one.json").read_bytes() == CONTENT
    assert not folder.exists()
    assert (tmp_path / "a" / "one.json").read_bytes() == CONTENT
