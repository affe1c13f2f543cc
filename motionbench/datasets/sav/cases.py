"""From a list of ids and captions, and a folder of SA-V videos, to cases."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from motionbench.datasets.sav.annotation import load_annotation
from motionbench.datasets.sav.listing import SUFFIXES, Listed, read_list
from motionbench.datasets.sav.masks import JsonMasks, PngMasks, object_folders
from motionbench.datasets.sav.recordings import MASKS, PICTURES, Recording, find_recordings
from motionbench.errors import DataError
from motionbench.types import Case, Dataset, Object, Subset
from motionbench.video.frame_folder import frame_files

SIDECARS = ("captions", "cases", "list")
LICENSE = "CC BY 4.0"


def sidecar(folder: Path) -> Path | None:
    """The list that lies in a folder of videos: `captions`, `cases` or `list`, as .csv, .json, .jsonl or .parquet."""
    names = [f"{stem}{suffix}" for stem in SIDECARS for suffix in SUFFIXES]
    return next((folder / name for name in names if name != "cases.json" and (folder / name).is_file()), None)


def is_sav(folder: Path) -> bool:
    """True if a folder holds a list of captions, or SA-V annotations in one of the two layouts."""
    if sidecar(folder) is not None:
        return True
    levels = ("", "*/", "*/*/")
    return any(
        next(folder.glob(level + name), None) is not None
        for level in levels
        for name in ("*_manual.json", "*_auto.json", PICTURES, MASKS)
    )


def load_sav(
    folder: str | Path, columns: Mapping[str, str] | None = None, data_root: str | Path | None = None
) -> Dataset:
    """Load the captioned videos of a SA-V folder; the captions lie in it, in a file such as `captions.csv`.

    Args:
        folder: the folder of captions, and of videos and annotations.
        columns: field to column name of the captions, see `listing.read_list`.
        data_root: where the videos are if the folder holds none.

    Raises:
        DataError: there are no captions; a captioned video is missing; an annotation is broken.
    """
    folder = Path(folder)
    captions = sidecar(folder)
    if captions is None:
        raise DataError(
            f"{folder.name!r} holds SA-V annotations but no captions",
            "add a captions.csv with the columns id and caption (docs/datasets/sav.md)",
        )
    root = folder if data_root is None or find_recordings(folder) else data_root
    return load_list(captions, root, columns, name=folder.resolve().name)


def load_list(
    path: str | Path,
    data_root: str | Path,
    columns: Mapping[str, str] | None = None,
    *,
    name: str | None = None,
    annotated: bool = False,
) -> Dataset:
    """Join a list of ids and captions to the videos under a folder.

    Args:
        path: the list, see `listing.read_list`.
        data_root: the folder of videos, see `recordings.find_recordings`.
        columns: field to column name.
        name: the dataset's name; by default the list's, or its folder's if that is just "list".
        annotated: a video without annotation counts as missing.

    Returns:
        The cases in the order of the list. Object ids are the masklets' numbers plus 1. Where the list names no
        objects, every annotated one is an object without texts; where it names no subset, one that can move makes a
        case "single", more make it "multi", and for want of a number those count that are seen in frame 0.

    Raises:
        DataError: videos are missing (their number and the first names), or an annotation is broken.
        ConfigError, MissingDependency: see `listing.read_list`.
    """
    listed = read_list(path, columns)
    recordings = find_recordings(data_root)
    found = [recordings.get(item.id) or recordings.get(_numbered(item.id)) for item in listed]
    places = [place.id for place in found if place is not None]
    if len(set(places)) < len(places):
        twice = next(name for name in places if places.count(name) > 1)
        raise DataError(f"{Path(path).name} names the video {twice!r} twice, once by its number")
    missing = [item.id for item, place in zip(listed, found, strict=True) if place is None]
    if annotated:
        missing += [f"{place.id} (masks)" for place in found if place is not None and place.masks is None]
    if missing:
        more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
        raise DataError(
            f"{len(missing)} of {len(listed)} videos of the list are missing: {', '.join(missing[:5])}{more}",
            f"put them under {data_root}, or name another folder with --data-root",
        )
    cases = tuple(_case(item, place) for item, place in zip(listed, found, strict=True) if place is not None)
    path = Path(path)
    stem = path.resolve().parent.name if path.stem in SIDECARS else path.stem
    return Dataset(name or stem, "1", LICENSE, cases)


def _numbered(text: str) -> str:
    return f"sav_{int(text):06d}" if text.isascii() and text.isdigit() else text


def _case(listed: Listed, recording: Recording) -> Case:
    known = _masklets(recording)
    objects = _objects(listed, known, recording)
    masks = None
    if known is not None and recording.masks is not None:
        kind = PngMasks if recording.masks.is_dir() else JsonMasks
        masks = kind(recording.masks, tuple(item.id - 1 for item in objects))
    count = len(listed.objects) or listed.count
    if count is None and listed.subset is None and masks is not None:
        count = int(masks.load_frames((0,)).values.any(axis=(1, 2, 3)).sum())
    subset: Subset = listed.subset or ("multi" if (count or 0) > 1 else "single")
    return Case(
        id=recording.id,
        subset=subset,
        category=listed.category,
        caption=listed.caption,
        short_caption=listed.short_caption,
        motion_prompt=listed.motion_prompt,
        objects=objects,
        first_frame=recording.first_frame,
        reference=recording.footage,
        masks=masks,
    )


def _masklets(recording: Recording) -> tuple[int, ...] | None:
    """Numbers of the annotated objects, after a check of the annotation; None without one."""
    if recording.masks is None:
        return None
    if not recording.masks.is_dir():
        return load_annotation(recording.masks).masklets
    folders = object_folders(recording.masks)
    frames = {int(file.stem) for file in frame_files(recording.video) if file.stem.isdigit()}
    for folder in folders.values():
        _check_frames(folder, frames, recording.id)
    return tuple(folders)


def _check_frames(folder: Path, frames: Collection[int], name: str) -> None:
    strange = [f.name for f in folder.glob("*.png") if not f.stem.isdigit() or int(f.stem) not in frames]
    if strange:
        raise DataError(
            f"{MASKS}/{name}/{folder.name}/{min(strange)} is a mask of no frame of the video",
            f"frames are the pictures in {PICTURES}/{name}",
        )


def _objects(listed: Listed, known: Sequence[int] | None, recording: Recording) -> tuple[Object, ...]:
    if not listed.objects:
        return tuple(Object(number + 1, "", "") for number in known or ())
    if known is None:
        return tuple(Object(k, item.name, item.prompt) for k, item in enumerate(listed.objects, start=1))
    numbers = ", ".join(map(str, known))
    for item in listed.objects:
        if item.masklet is None:
            raise DataError(
                f"{recording.id}: the list does not say which mask belongs to the object {item.name or item.prompt!r}",
                f'give each object its number, as in {{"masklet": 0, "name": "dog"}}; there are {numbers}',
            )
        if item.masklet not in known:
            raise DataError(f"{recording.id}: the list names the object {item.masklet}, the annotation has {numbers}")
    return tuple(Object((item.masklet or 0) + 1, item.name, item.prompt) for item in listed.objects)
