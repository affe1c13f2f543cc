"""The videos of a page: previews copied from the folders of runs to a folder beside it.

    <site>/media/<run id>/<case>-g.mp4, <case>-g.js     a system's video and its overlay (masks, tracks)
    <site>/media/<group>/<case>-r.mp4, <case>-r.js      the real video

A run is known by the bytes of its run.json, so that a video cannot stand beside another run's numbers.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from motionbench.canonical import read_bytes, show, write_atomic
from motionbench.errors import ConfigError, DataError
from motionbench.leaderboard.tables import Table
from motionbench.report import media
from motionbench.results import RUN_FILE


@dataclass(frozen=True, slots=True)
class Footage:
    """Which cases have a video, and which an overlay, by run id (generated) or group (real): sets of case ids."""

    videos: dict[str, set[str]] = field(default_factory=dict)
    overlays: dict[str, set[str]] = field(default_factory=dict)

    def generated(self, run_id: str, cases: Sequence[str]) -> str | None:
        """Return one digit a case: 0 without video, 1 with, 3 with an overlay too; None without any video."""
        return self._digits(run_id, cases)

    def reference(self, group: str, cases: Sequence[str]) -> str | None:
        """As `generated`, for the real videos of a group."""
        return self._digits(group, cases)

    def _digits(self, key: str, cases: Sequence[str]) -> str | None:
        videos, overlays = self.videos.get(key), self.overlays.get(key, set())
        if not videos:
            return None
        return "".join(str((case in videos) + 2 * (case in videos and case in overlays)) for case in cases)


def gather(runs: Path, site: Path, tables: Sequence[Table]) -> Footage:
    """Copy the previews of every entry whose run lies under `runs` to `site`.

    Args:
        runs: a folder of run folders, at any depth.
        site: the page's folder.
        tables: the board's tables.

    Raises:
        ConfigError: `runs` holds no run of the board, or `site` cannot be written.
        DataError, SchemaError: a preview is missing, or an overlay breaks its schema.
    """
    by_hash = {hashlib.sha256(read_bytes(path)).hexdigest(): path.parent for path in sorted(runs.rglob(RUN_FILE))}
    found = Footage()
    for table in tables:
        for line in table.lines if table.subset == "all" else ():
            folder = by_hash.get(line.entry.record.files.run_json)
            if folder is not None:
                _copy(folder, site / media.FOLDER, line.entry.record.run_id, table.key, found)
    if not found.videos:
        raise ConfigError(
            f"no run under {show(runs)} with previews is on the board",
            "give the folder that holds the runs' folders, as `motionbench evaluate` wrote them",
        )
    return found


def _copy(run: Path, out: Path, run_id: str, group: str, found: Footage) -> None:
    for case in media.read_index(run):
        for key, name, overlay in (
            (run_id, case.generated, case.overlay.generated),
            (group, case.reference, case.overlay.reference),
        ):
            if name is None or case.case_id in found.videos.get(key, ()):
                continue
            if not (run / media.FOLDER / name).is_file():
                raise DataError(f"{show(run)} lacks the preview {name} that its media/index.json names")
            _place(run / media.FOLDER / name, out / key / name)
            found.videos.setdefault(key, set()).add(case.case_id)
            drawn = media.read_overlay(run, overlay)
            if drawn is not None:
                base = name.removesuffix(".mp4")
                script = f'motionbenchOverlay("{key}/{base}",{drawn.model_dump_json()});\n'
                write_atomic(out / key / f"{base}.js", [script.encode("utf-8")], sync=False)
                found.overlays.setdefault(key, set()).add(case.case_id)


def _place(source: Path, target: Path) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    except OSError as error:
        raise ConfigError(
            f"cannot write {show(target)}: {error.strerror}", "check its permissions and the free space"
        ) from error
