"""Trained weights: what there is, where it lies, whether it is what it should be, and how to get it.

A backend names its weights (`Backend.weights`) and calls `path(name)` when it loads. A run checks all of them before
it decodes anything (`require`), and tells its workers where they are and that they were checked (`use`).
"""

from __future__ import annotations

import os
import shutil
import tempfile
import typing as t
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from motionbench.errors import WeightsError
from motionbench.weights import code
from motionbench.weights.entries import Entry, File, find, shipped
from motionbench.weights.fetch import download
from motionbench.weights.loading import fill, load_state_dict
from motionbench.weights.loading import load_torchscript as _load_torchscript
from motionbench.weights.store import State, Store, default_folder, fetch_command

if t.TYPE_CHECKING:
    import torch

__all__ = [
    "Entry",
    "State",
    "Store",
    "default_folder",
    "digest",
    "fetch",
    "fetch_command",
    "fill",
    "find",
    "folder",
    "is_random",
    "load_state_dict",
    "load_torchscript",
    "offline",
    "path",
    "require",
    "shipped",
    "use",
]

_TRUE = ("1", "true", "yes", "on")
_chosen: Path | None = None  # of this process
_checked: dict[str, str] = {}  # names that a run has checked in `_chosen`, and their sha256


def folder() -> Path:
    """The folder of weights of this process: what `use` said, or else the default one."""
    return _chosen if _chosen is not None else default_folder()


def use(root: Path, checked: Mapping[str, str]) -> None:
    """Choose the folder of weights for this process.

    Args:
        root: the folder.
        checked: weights that were checked there a moment ago, with their sha256; they are not hashed once more.
    """
    global _chosen
    _chosen = root
    _checked.clear()
    _checked.update(checked)


def path(name: str) -> Path:
    """Where the weights of that name lie: a file, or for several files and for code a folder. Checked.

    Raises:
        WeightsError: they are absent or wrong; the hint is the command that fetches them.
        PluginError: nobody lists such weights.
    """
    digest(name)
    return Store(folder()).place(name, find(name))


def digest(name: str) -> str:
    """The sha256 of the weights of that name, as `Store.check` gives it. Checked.

    Raises:
        WeightsError: they are absent or wrong; the hint is the command that fetches them.
        PluginError: nobody lists such weights.
    """
    if _chosen is not None and name in _checked:
        return _checked[name]
    return Store(folder()).check(name, find(name))


def load_torchscript(name: str) -> torch.jit.ScriptModule:
    """The TorchScript module of that name; it runs code, so only the listed sha256 will do (see `loading`).

    Raises:
        WeightsError: the file is missing, or is another one; random weights are never run.
    """
    entry = find(name)
    listed = entry.files[0].sha256
    assert entry.kind == "torchscript" and listed is not None
    return _load_torchscript(Store(folder()).place(name, entry), listed)


def require(names: Iterable[str], root: Path) -> dict[str, str]:
    """Check all weights that a run needs, before it does anything else.

    Returns:
        The sha256 of each.

    Raises:
        WeightsError: some are absent or wrong; `details` has one line for each, with the command that fetches it.
        PluginError: nobody lists such weights.
    """
    store, found, problems = Store(root), {}, []
    for name in dict.fromkeys(names):
        entry = find(name)
        try:
            found[name] = store.check(name, entry)
        except WeightsError as error:
            known = store.state(name, entry).known
            what = "missing" if known == "absent" else error.message
            problems.append(f"{name} ({size(entry)}, {entry.license}): {what}; run: {fetch_command(name)}")
    if problems:
        count = f"{len(problems)} of the weights" if len(problems) > 1 else "one of the weights"
        where = "" if root == default_folder() else f" --weights-dir {root}"
        raise WeightsError(
            f"{count} that this run needs cannot be used ({root})",
            f"fetch them with the commands above{where and f', each with{where}'}",
            tuple(problems),
        )
    return found


def size(entry: Entry) -> str:
    """The size of an entry as it is printed."""
    if not entry.size:
        return "unknown size"
    units = ((1e9, "GB", 2), (1e6, "MB", 1), (1e3, "kB", 1))
    unit, name, digits = next((u for u in units if entry.size >= u[0]), units[-1])
    return f"{'' if entry.exact else 'about '}{entry.size / unit:.{digits}f} {name}"


def is_random(root: Path) -> bool:
    """True if the folder was written by `weights make-random`."""
    return Store(root).random


def offline(flag: bool = False) -> bool:
    """True if downloads are forbidden: by a flag, MOTIONBENCH_OFFLINE or HF_HUB_OFFLINE."""
    return flag or any(os.environ.get(v, "").lower() in _TRUE for v in ("MOTIONBENCH_OFFLINE", "HF_HUB_OFFLINE"))


def fetch(
    names: Iterable[str],
    root: Path,
    *,
    accept: Callable[[str, Entry], bool],
    progress: Callable[[str, int, int | None], None] = lambda name, done, total: None,
    forbid: bool = False,
    pause: float = 1.0,
) -> dict[str, str]:
    """Download weights, and check them. What is there and right is left alone.

    Args:
        names: which.
        root: the folder of weights.
        accept: asked once for each entry whose licence forbids commercial use, before anything is downloaded.
        progress: called with (name, bytes there, bytes in all or None).
        forbid: downloads are forbidden.
        pause: seconds between attempts.

    Returns:
        The sha256 of each.

    Raises:
        WeightsError: a licence was not accepted, downloads are forbidden, no source delivers, or a file that is there
            is wrong.
    """
    store = Store(root)
    if store.random:
        raise WeightsError(f"{root} holds random weights", "choose another folder with --weights-dir")
    entries = {name: find(name) for name in dict.fromkeys(names)}
    absent = {n: e for n, e in entries.items() if store.state(n, e).known == "absent"}
    if absent and forbid:
        raise WeightsError(f"{', '.join(absent)} cannot be fetched: downloads are forbidden (offline)", "go online")
    for name, entry in absent.items():
        if entry.non_commercial and not accept(name, entry):
            raise WeightsError(
                f"the licence of {name} is not accepted: {entry.license} forbids commercial use ({entry.license_url})",
                f"{fetch_command(name)} --accept-license {entry.license}",
            )
    for name, entry in absent.items():
        if entry.kind == "code":
            _fetch_code(name, entry, store, progress, pause)
        else:
            _fetch_files(name, entry, store, progress, pause)
    return {name: store.check(name, entry) for name, entry in entries.items()}


def _fetch_files(
    name: str, entry: Entry, store: Store, progress: Callable[[str, int, int | None], None], pause: float
) -> None:
    for file in entry.files:
        if not store.file(name, file).exists():
            # A hash that is not listed but was recorded here once still binds.
            _get(name, file, store.file(name, file), store.expected(name, file), progress, pause)


def _fetch_code(
    name: str, entry: Entry, store: Store, progress: Callable[[str, int, int | None], None], pause: float
) -> None:
    """Fetch the archive, unpack it beside its place, check git's id, and only then give it its name."""
    try:
        store.root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=store.root) as scratch:
            archive, unpacked = Path(scratch) / entry.files[0].path, Path(scratch) / "unpacked"
            _get(name, entry.files[0], archive, None, progress, pause)
            code.unpack(archive, unpacked, entry.keep)
            found = code.tree_id(unpacked) if unpacked.is_dir() else "none"
            if found != entry.tree:
                raise WeightsError(f"the code {name} has git's id {found}, expected {entry.tree}; it was not kept")
            shutil.move(unpacked, store.root / name)
    except OSError as error:
        raise WeightsError(
            f"{store.root} cannot be written: {error.strerror}", "choose another --weights-dir"
        ) from error


def _get(
    name: str,
    file: File,
    target: Path,
    sha256: str | None,
    progress: Callable[[str, int, int | None], None],
    pause: float,
) -> None:
    download(
        file.sources,
        target,
        sha256=sha256,
        size=file.bytes,
        progress=lambda done, total: progress(name, done, total),
        pause=pause,
    )
