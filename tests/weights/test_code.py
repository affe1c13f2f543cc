"""Code at a pinned commit: git's own id, and archives that try to write elsewhere."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile

import pytest

from motionbench.errors import WeightsError
from motionbench.weights import code

FILES = {"hubconf.py": b"x = 1\n", "pkg/__init__.py": b"", "pkg/a.py": b"y = 2\n", "pkg.txt": b"sorts before pkg/\n"}

KEEP = {"hubconf.py", "pkg", "pkg.txt", "a.py"}


def write(folder, files=FILES):
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def archive(path, members):
    with tarfile.open(path, "w:gz") as tar:
        for member, content in members:
            info = member if isinstance(member, tarfile.TarInfo) else tarfile.TarInfo(member)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def link(name, to, kind):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, to
    return info


def test_the_id_of_an_empty_tree_is_gits_constant(tmp_path):
    assert code.tree_id(tmp_path) == "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_the_id_is_gits(tmp_path):
    folder = write(tmp_path / "repo")
    (folder / "run.sh").write_text("echo\n")
    (folder / "run.sh").chmod(0o755)
    (folder / "link").symlink_to("hubconf.py")
    before = code.tree_id(folder)
    for line in ("init -q", "add -A", "write-tree"):
        done = subprocess.run(["git", "-C", folder, *line.split()], capture_output=True, text=True, check=True)
    assert before == done.stdout.strip()


def test_any_change_changes_the_id(tmp_path):
    first = code.tree_id(write(tmp_path / "a"))
    assert code.tree_id(write(tmp_path / "b")) == first
    assert code.tree_id(write(tmp_path / "c", FILES | {"hubconf.py": b"x = 2\n"})) != first
    assert code.tree_id(write(tmp_path / "d", FILES | {"more.py": b""})) != first


def test_byte_code_does_not_count_and_is_removed(tmp_path):
    folder = write(tmp_path / "a")
    before = code.tree_id(folder)
    cache = write(folder, {"pkg/__pycache__/a.cpython-311.pyc": b"poison"}) / "pkg" / "__pycache__"
    assert code.tree_id(folder) == before
    code.drop_byte_code(folder)
    assert not cache.exists()


def test_an_archive_unpacks_without_its_top_folder(tmp_path):
    files = FILES | {"demo.py": b"", "assets/film.gif": b"", "pkg-extra/a.py": b""}  # these are not asked for
    path = archive(tmp_path / "a.tar.gz", [(f"top-1234/{name}", content) for name, content in files.items()])
    code.unpack(path, tmp_path / "out", KEEP)
    assert code.tree_id(tmp_path / "out") == code.tree_id(write(tmp_path / "expected"))


@pytest.mark.parametrize(
    "member",
    [
        "top/../../evil.py",
        "/tmp/evil.py",
        "../evil.py",
        "evil.py",
        "top\\..\\evil.py",
        link("top/link", "/etc/passwd", tarfile.SYMTYPE),
        link("top/link", "top/a", tarfile.LNKTYPE),
        link("top/null", "", tarfile.CHRTYPE),
        link("top/pipe", "", tarfile.FIFOTYPE),
    ],
)
def test_nothing_is_written_outside(tmp_path, member):
    (tmp_path / "in").mkdir()
    path = archive(tmp_path / "in" / "a.tar.gz", [(member, b"")])
    with pytest.raises(WeightsError, match="no plain file inside"):
        code.unpack(path, tmp_path / "in" / "out", {"a", "evil.py", "link", "null", "pipe", ".."})
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["a.tar.gz", "in"]


def test_a_file_is_never_written_twice(tmp_path):
    path = archive(tmp_path / "a.tar.gz", [("top/a.py", b"good"), ("top/a.py", b"evil")])
    with pytest.raises(WeightsError):
        code.unpack(path, tmp_path / "out", KEEP)


def test_a_bomb_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(code, "_MOST_BYTES", 1000)
    path = archive(tmp_path / "a.tar.gz", [("top/a.py", bytes(1001))])
    with pytest.raises(WeightsError, match="more than 1000 bytes"):
        code.unpack(path, tmp_path / "out", KEEP)


@pytest.mark.parametrize("keep", [0, 5, 60])
def test_a_damaged_archive_is_one_line(tmp_path, keep):
    path = archive(tmp_path / "a.tar.gz", [("top/a.py", bytes(range(256)))])
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(WeightsError) as caught:
        code.unpack(path, tmp_path / "out", KEEP)
    assert "\n" not in caught.value.message
