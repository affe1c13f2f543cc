"""Sets of cases: MotionBench-Synth, SA-V-128, any list of SA-V videos, and any folder with a `cases.json`."""

from __future__ import annotations

import hashlib
import json
import typing as t
from collections.abc import Callable, Mapping
from pathlib import Path

from motionbench.errors import ConfigError, DataError, VideoError
from motionbench.types import Case, Dataset, Protocol

NAMES = ("synth", "motionbench")
_LISTS = (".csv", ".json", ".jsonl", ".parquet")

__all__ = ["NAMES", "load_dataset", "manifest", "manifest_sha256", "verify"]


def load_dataset(
    name_or_dir: str | Path,
    *,
    data_root: str | Path | None = None,
    data_list: str | Path | None = None,
    columns: Mapping[str, str] | str | None = None,
) -> Dataset:
    """Load a dataset by name, from a folder, or from a list of videos.

    Args:
        name_or_dir: "synth"; "motionbench" (also "sa-v-128", see `motionbench.datasets.published`); a folder that holds
            a `cases.json` (see `motionbench.datasets.folder`) or SA-V videos with captions (see
            `motionbench.datasets.sav`); or a list of SA-V videos, a .csv, .json, .jsonl or .parquet file. A name wins
            over a folder of that name; write "./synth" for the folder.
        data_root: the folder of SA-V videos, where the dataset is a list or a folder that holds none; by default
            $MOTIONBENCH_SAV, and for a list else the list's folder.
        data_list: the published list of "motionbench"; by default $MOTIONBENCH_SAV_LIST, or found in `data_root`.
        columns: names of a list's columns, {"id": ..., "caption": ...} or "id=...,caption=..."; by default
            $MOTIONBENCH_SAV_COLUMNS, and else the usual names (see `motionbench.datasets.sav.listing`).

    Returns:
        The dataset. No picture or video is opened yet.

    Raises:
        ConfigError: there is no dataset of that name.
        DataError: the folder does not exist, its `cases.json` or list is missing or malformed, or videos are missing.
        MissingDependency: a list is a parquet file, and pyarrow is not installed.

    Example:
        >>> len(load_dataset("synth").cases)
        128
    """
    text = str(name_or_dir)
    if text == "synth":
        from motionbench.datasets import synth

        return synth.dataset()
    path = Path(name_or_dir)
    named = text in ("motionbench", "sa-v-128")
    if named or (path.is_file() and path.suffix.lower() in _LISTS and path.name != "cases.json"):
        from motionbench.datasets import published

        return published.load(text, data_root, data_list, columns)
    if path.is_dir():
        return _load_dir(path, data_root, columns)
    hint = f"datasets are {', '.join(NAMES)}, a folder with a cases.json or with SA-V videos, or a list of videos"
    if path.name == text and not path.exists():
        raise ConfigError(f"there is no dataset named {text!r}, and no folder of that name", hint)
    raise DataError(f"the dataset folder {text!r} {'is a file' if path.exists() else 'does not exist'}", hint)


def _load_dir(path: Path, data_root: str | Path | None, columns: Mapping[str, str] | str | None) -> Dataset:
    if not (path / "cases.json").exists():
        from motionbench.datasets import published, sav

        if sav.is_sav(path):
            return sav.load_sav(path, published.mapping(columns), data_root or published.default_root())
    from motionbench.datasets.folder import load_folder

    return load_folder(path)


def manifest(dataset: Dataset) -> dict[str, t.Any]:
    """What a dataset consists of, as JSON types: the texts of each case and the digests of its media, sorted by id.

    Raises:
        VideoError: a file cannot be read.
    """
    return {"cases": [_entry(case) for case in sorted(dataset.cases, key=lambda case: case.id)]}


def manifest_sha256(dataset: Dataset) -> str:
    """Hex sha256 of the canonical JSON of `manifest`: two datasets share it only if nothing that is scored differs."""
    text = json.dumps(manifest(dataset), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def verify(
    name_or_dir: str | Path,
    progress: Callable[[int, int], None] | None = None,
    *,
    data_root: str | Path | None = None,
    data_list: str | Path | None = None,
    columns: Mapping[str, str] | str | None = None,
) -> int:
    """Load every picture, mask and reference of a dataset; synth is also compared with its shipped manifest.

    Args:
        name_or_dir: see `load_dataset`.
        progress: called after each case with how many are done and how many there are.
        data_root, data_list, columns: see `load_dataset`.

    Returns:
        The number of cases, all of which are as they should be.

    Raises:
        DataError: names the cases that are not, and why.
    """
    if str(name_or_dir) == "synth":
        from motionbench.datasets import synth

        return synth.verify(progress)
    cases = load_dataset(name_or_dir, data_root=data_root, data_list=data_list, columns=columns).cases
    faults: list[str] = []
    for number, case in enumerate(cases):
        try:
            _load_all(case)
        except VideoError as error:
            faults.append(f"{case.id!r}: {error.message}")
        if progress is not None:
            progress(number + 1, len(cases))
    if faults:
        more = f" (and {len(faults) - 3} more)" if len(faults) > 3 else ""
        raise DataError(f"{len(faults)} of {len(cases)} cases are broken: {'; '.join(faults[:3])}{more}")
    return len(cases)


def _load_all(case: Case) -> None:
    height, width = case.first_frame.load().shape[:2]
    if case.masks is not None:
        rows, columns = case.masks.load().values.shape[2:]
        if (rows, columns) != (height, width):
            raise VideoError(f"the masks are {columns}x{rows}, the first frame is {width}x{height}")
    if case.reference is not None:
        case.reference.load(Protocol())


def _entry(case: Case) -> dict[str, t.Any]:
    return {
        "id": case.id,
        "subset": case.subset,
        "category": case.category,
        "caption": case.caption,
        "short_caption": case.short_caption,
        "motion_prompt": case.motion_prompt,
        "objects": [{"id": o.id, "name": o.name, "prompt": o.prompt} for o in case.objects],
        "first_frame": case.first_frame.digest(),
        "reference": None if case.reference is None else case.reference.digest(),
        "masks": None if case.masks is None else case.masks.digest(),
    }
