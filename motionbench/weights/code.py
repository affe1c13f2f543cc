"""Code of other people at a pinned commit: unpacked safely, and known by the id that git gives its content.

The bytes of an archive that a host makes on demand may change from day to day; git's tree id does not. It is the SHA-1
over all names, modes and contents, computed here as `git write-tree` does, so that what runs is what was committed.
"""

from __future__ import annotations

import hashlib
import shutil
import tarfile
from collections.abc import Collection
from pathlib import Path, PurePosixPath

from motionbench.errors import WeightsError

_BYTE_CODE = "__pycache__"
_MOST_BYTES = 500_000_000  # a pinned repository is a few megabytes; a small archive can unpack to any size


def unpack(archive: Path, folder: Path, keep: Collection[str]) -> None:
    """Unpack a .tar.gz of one top folder, without that folder, into `folder`, which must not exist.

    Only plain files and folders are taken, and nothing is written outside `folder`, whatever the archive says.

    Args:
        archive: the .tar.gz.
        folder: where it goes.
        keep: names in the top folder; the rest is left out.

    Raises:
        WeightsError: the archive is damaged, too large, or holds a link, a device or a path that leads out.
    """
    total = 0
    try:
        with tarfile.open(archive, "r:gz") as tar:
            for member in tar:
                relative = _inside(member)
                if relative is None or relative.parts[0] not in keep:
                    continue
                total += member.size
                if total > _MOST_BYTES:
                    raise WeightsError(f"{archive.name} unpacks to more than {_MOST_BYTES} bytes")
                target = folder / relative
                target.parent.mkdir(parents=True, exist_ok=True)
                source = tar.extractfile(member)
                if source is None:
                    raise WeightsError(f"{archive.name} holds {member.name!r} without content")
                with source, target.open("xb") as file:
                    shutil.copyfileobj(source, file)
                target.chmod(0o755 if member.mode & 0o100 else 0o644)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise WeightsError(f"{archive.name} cannot be unpacked: {error}", "fetch it again") from error


def _inside(member: tarfile.TarInfo) -> PurePosixPath | None:
    """Path of a plain file below the archive's top folder; None for what is no file and needs none."""
    path = PurePosixPath(member.name)
    if member.isdir() or member.type in (tarfile.XGLTYPE, tarfile.XHDTYPE):
        return None
    if not member.isreg() or path.is_absolute() or ".." in path.parts or "\\" in member.name or len(path.parts) < 2:
        raise WeightsError(f"the archive holds {member.name!r}, which is no plain file inside its folder")
    return PurePosixPath(*path.parts[1:])


def tree_id(folder: Path) -> str:
    """Git's id of a folder's content, 40 hex digits. Byte code is left out (`drop_byte_code` removes it)."""
    return _tree(folder).hex()


def _tree(folder: Path) -> bytes:
    entries = []
    for path in folder.iterdir():
        name = path.name.encode()
        if path.is_symlink():
            entries.append((name, b"120000", _object(b"blob", str(path.readlink()).encode())))
        elif path.is_dir():
            if path.name == _BYTE_CODE or not any(path.iterdir()):  # git knows no empty folders
                continue
            entries.append((name + b"/", b"40000", _tree(path)))  # git sorts a folder as if its name ended in a slash
        else:
            mode = b"100755" if path.stat().st_mode & 0o100 else b"100644"
            entries.append((name, mode, _object(b"blob", path.read_bytes())))
    body = b"".join(mode + b" " + name.rstrip(b"/") + b"\0" + digest for name, mode, digest in sorted(entries))
    return _object(b"tree", body)


def _object(kind: bytes, body: bytes) -> bytes:
    return hashlib.sha1(kind + b" %d\0" % len(body) + body, usedforsecurity=False).digest()


def drop_byte_code(folder: Path) -> None:
    """Remove Python's byte code beside checked code: it would run in the code's place, and nobody checked it.

    Raises:
        WeightsError: it cannot be removed.
    """
    try:
        for cache in [p for p in folder.rglob(_BYTE_CODE) if p.is_dir() and not p.is_symlink()]:
            shutil.rmtree(cache)
    except OSError as error:
        raise WeightsError(f"the byte code in {folder} cannot be removed: {error.strerror}") from error
