"""Fetching by name: licences first, then files, then checks; code is unpacked only if git knows it."""

from __future__ import annotations

import hashlib
import io
import tarfile

import pytest
from server import CONTENT, OTHER, SHA256

from motionbench import weights
from motionbench.errors import WeightsError
from motionbench.weights import code, entries


def yes(name, entry):
    return True


def never(name, entry):
    raise AssertionError("nobody should be asked")


def fetch(names, root, accept=never, **more):
    return weights.fetch(names, root, accept=accept, pause=0.0, **more)


def test_it_is_there_afterwards(tmp_path, server, listed):
    entry = listed("a", [server.url("good")], sha256=SHA256, bytes=len(CONTENT))
    assert fetch(["a"], tmp_path) == {"a": SHA256}
    assert weights.Store(tmp_path).state("a", entry).known == "present"
    assert fetch(["a"], tmp_path) == {"a": SHA256}
    assert len(server.asked) == 1


def test_a_wrong_file_that_is_there_is_named_and_kept(tmp_path, server, listed):
    listed("a", [server.url("good")], sha256=SHA256)
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "a.pt").write_bytes(OTHER)
    with pytest.raises(WeightsError, match=f"{hashlib.sha256(OTHER).hexdigest()}, expected {SHA256}"):
        fetch(["a"], tmp_path)
    assert (tmp_path / "a" / "a.pt").read_bytes() == OTHER
    assert server.asked == []


def test_a_recorded_hash_binds_the_next_download(tmp_path, server, listed):
    listed("a", [server.url("good")])
    fetch(["a"], tmp_path)
    (tmp_path / "a" / "a.pt").unlink()
    listed("a", [server.url("wrong")])
    with pytest.raises(WeightsError) as caught:
        fetch(["a"], tmp_path)
    assert f"expected {SHA256}" in caught.value.details[0]


def test_a_licence_is_asked_for_before_anything_is_downloaded(tmp_path, server, listed):
    listed("free", [server.url("good")], sha256=SHA256)
    listed("bound", [server.url("good")], sha256=SHA256, non_commercial=True, license="CC-BY-NC-4.0")
    with pytest.raises(WeightsError) as caught:
        fetch(["free", "bound"], tmp_path, accept=lambda name, entry: False)
    assert "CC-BY-NC-4.0" in caught.value.message
    assert caught.value.hint == "motionbench weights fetch bound --accept-license CC-BY-NC-4.0"
    assert server.asked == []
    asked = []
    fetch(["free", "bound"], tmp_path, accept=lambda name, entry: asked.append(name) or True)
    assert asked == ["bound"]
    fetch(["free", "bound"], tmp_path)  # it is there: nobody is asked again


def test_offline_forbids_only_what_is_absent(tmp_path, server, listed):
    listed("a", [server.url("good")], sha256=SHA256)
    with pytest.raises(WeightsError, match="offline"):
        fetch(["a"], tmp_path, forbid=True)
    assert server.asked == []
    fetch(["a"], tmp_path)
    assert fetch(["a"], tmp_path, forbid=True) == {"a": SHA256}


def test_a_folder_of_files(tmp_path, server, listed):
    files = [
        entries.File(path="config.json", sources=[server.url("good")]),
        entries.File(path="model.safetensors", sources=[server.url("truncated")], sha256=SHA256),
    ]
    listed("repo", [server.url("good")], kind="folder", files=files)
    fetch(["repo"], tmp_path)
    weights.use(tmp_path, {})
    assert weights.path("repo") == tmp_path / "repo"
    assert (tmp_path / "repo" / "model.safetensors").read_bytes() == CONTENT
    (tmp_path / "repo" / "config.json").unlink()
    with pytest.raises(WeightsError, match=r"no .*config\.json"):
        weights.path("repo")


@pytest.fixture
def repository(tmp_path, server):
    """An archive as a host makes it, and git's id of its content."""
    buffer = io.BytesIO()
    source = tmp_path / "source"
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in (("hubconf.py", b"def net():\n    return 41\n"), ("pkg/a.py", b"y = 1\n")):
            info = tarfile.TarInfo(f"repo-0123/{name}")
            info.size, info.mode = len(content), 0o664
            tar.addfile(info, io.BytesIO(content))
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes(content)
    server._archive = lambda handler: server._send(handler, buffer.getvalue(), etag=None)
    return code.tree_id(source)


def test_code_is_unpacked_and_runs_from_its_folder(tmp_path, server, listed, repository):
    entry = listed(
        "hub", [server.url("archive")], kind="code", keep=["hubconf.py", "pkg"], tree=repository, path="hub.tar.gz"
    )
    root = tmp_path / "weights"
    fetch(["hub"], root)
    weights.use(root, {})
    assert weights.path("hub") == root / "hub"
    assert sorted(p.name for p in root.iterdir()) == ["hub"]
    import torch

    assert torch.hub.load(str(weights.path("hub")), "net", source="local", trust_repo=True) == 41
    (root / "hub" / "hubconf.py").write_text("def net():\n    return 42\n")
    assert weights.Store(root).state("hub", entry).known == "wrong"
    with pytest.raises(WeightsError, match=f"expected {repository}"):
        weights.path("hub")


def test_other_code_is_not_kept(tmp_path, server, listed, repository):
    listed("hub", [server.url("archive")], kind="code", keep=["hubconf.py", "pkg"], tree="0" * 40, path="hub.tar.gz")
    with pytest.raises(WeightsError, match=f"{repository}, expected {'0' * 40}"):
        fetch(["hub"], tmp_path / "weights")
    assert list((tmp_path / "weights").iterdir()) == []
