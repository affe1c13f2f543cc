"""What a report can show of a run: previews of the videos, and what is drawn over them.

The run engine writes, under OUT/media/, for each case (base = `media_name(case_id)`):

- `<base>-g.mp4` and `<base>-r.mp4`: the generated and the reference video as measured;
- `<base>-g.json` and `<base>-r.json`: an overlay each (`Overlay`), what `overlay` returned, as JSON;
- `index.json`: which of them there are, with the words of each case (`Index`).

The report adds `<base>.js`, an overlay that a page opened from disk can load (see `motionbench.report.html`).
"""

from __future__ import annotations

import hashlib
import typing as t
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pydantic
from numpy.typing import NDArray

from motionbench.canonical import Count, Record, dump, parse_record, plain, read_bytes, show, write_atomic
from motionbench.types import Case, InputMatch, Side

INDEX_SCHEMA = "motionbench.media/1"
FOLDER, INDEX_FILE = "media", "index.json"
MAX_TRACKS = 40

Name = t.Annotated[str, pydantic.StringConstraints(pattern=r"^m-[0-9a-f]{12}-[gr]\.(mp4|json)$")]
Point = t.Annotated[list[float], pydantic.Field(min_length=2, max_length=2)]


class OverlayTracks(Record):
    """`xy[n][t]` is the place of track n in frame t in pixels (an integer is a pixel's centre), null while hidden."""

    object_ids: list[int]
    xy: list[list[Point | None]]


class Overlay(Record):
    """What is drawn over one video.

    `width` and `height` are those of the frames in pixels, `times` the frames' times in seconds. `masks[t][k]` is the
    mask of object `object_ids[k]` in frame t as run lengths over the row-major pixels, beginning with the pixels
    outside (COCO's uncompressed counts, but along rows); null where there are no masks. `tracks` is null without any.
    """

    width: Count
    height: Count
    times: list[float]
    object_ids: list[int]
    masks: list[list[list[Count]]] | None
    tracks: OverlayTracks | None


class ObjectWords(Record):
    """An object of a case."""

    id: int
    name: str


class Match(Record):
    """`types.InputMatch` of the generated video."""

    scale: float
    dx: float
    dy: float
    ncc: float


class Sides(Record):
    """A file's name for each side, null where there is none."""

    generated: Name | None
    reference: Name | None


class CaseMedia(Record):
    """One case: its words, its files, and the input match of the generated video."""

    case_id: str
    caption: str
    motion_prompt: str
    objects: list[ObjectWords]
    generated: Name | None
    reference: Name | None
    overlay: Sides
    match: Match | None


class Index(Record):
    """`media/index.json`, sorted by case id."""

    schema_: t.Literal["motionbench.media/1"] = pydantic.Field(alias="schema")
    cases: list[CaseMedia]


class Shown(t.Protocol):
    """What the run engine knows of a finished case."""

    @property
    def case_id(self) -> str:
        """The case."""
        ...

    @property
    def match(self) -> InputMatch | None:
        """Input match of the generated video, or None."""
        ...

    @property
    def media(self) -> Mapping[Side, Mapping[str, str]]:
        """File names by side, then by "video" and "overlay"; sides without files are absent."""
        ...


def media_name(case_id: str) -> str:
    """Return the base of a case's file names, "m-" and 12 hex digits: safe in every file system and URL."""
    return f"m-{hashlib.sha256(case_id.encode('utf-8', 'backslashreplace')).hexdigest()[:12]}"


def overlay(
    size: tuple[int, int],
    times: NDArray[np.float64],
    *,
    masks: NDArray[np.bool_] | None = None,
    object_ids: NDArray[np.int64] | None = None,
    tracks_xy: NDArray[np.float32] | None = None,
    tracks_visible: NDArray[np.bool_] | None = None,
    tracks_object_ids: NDArray[np.int64] | None = None,
) -> dict[str, t.Any]:
    """Pack masks and tracks for drawing, as plain JSON types in the shape of `Overlay`.

    At most `MAX_TRACKS` tracks are kept, spread evenly over the objects and the background; places are rounded to a
    tenth of a pixel.

    Args:
        size: (height, width) of the frames in pixels.
        times: float64 [T] seconds.
        masks: bool [K, T, H, W], with `object_ids` int64 [K]; None without masks.
        object_ids: int64 [K].
        tracks_xy: float32 [N, T, 2] pixels, with `tracks_visible` bool [N, T] and `tracks_object_ids` int64 [N]
            (0 = background); None without tracks.
        tracks_visible: bool [N, T].
        tracks_object_ids: int64 [N].

    Raises:
        ValueError: the shapes do not fit together.
    """
    height, width = size
    packed: dict[str, t.Any] = {
        "width": int(width),
        "height": int(height),
        "times": [round(float(time), 6) for time in times],
        "object_ids": [],
        "masks": None,
        "tracks": None,
    }
    if masks is not None and object_ids is not None:
        if masks.shape != (len(object_ids), len(times), height, width):
            raise ValueError(f"masks have shape {masks.shape}, expected {(len(object_ids), len(times), height, width)}")
        packed["object_ids"] = [int(i) for i in object_ids]
        packed["masks"] = [[run_lengths(plane) for plane in masks[:, frame]] for frame in range(len(times))]
    if tracks_xy is not None and tracks_visible is not None and tracks_object_ids is not None:
        if tracks_xy.shape != (len(tracks_object_ids), len(times), 2) or tracks_visible.shape != tracks_xy.shape[:2]:
            raise ValueError(f"tracks have shapes {tracks_xy.shape} and {tracks_visible.shape} for {len(times)} frames")
        chosen = _spread(tracks_object_ids)
        packed["tracks"] = {
            "object_ids": [int(tracks_object_ids[n]) for n in chosen],
            "xy": [_places(tracks_xy[n], tracks_visible[n]) for n in chosen],
        }
    return packed


def run_lengths(mask: NDArray[np.bool_]) -> list[int]:
    """Return the run lengths of a mask's row-major pixels, beginning with those outside (0 if the first is inside).

    Args:
        mask: bool [H, W].
    """
    flat = mask.ravel()
    edges = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    counts = np.diff(np.concatenate([[0], edges, [flat.size]]))
    return [0, *counts.tolist()] if flat.size and flat[0] else [int(count) for count in counts]


def write_index(out: Path, cases: Sequence[Case], outcomes: Iterable[Shown]) -> None:
    """Write `media/index.json` of the run in the folder `out`.

    Args:
        out: the run's folder.
        cases: the cases that were to be scored.
        outcomes: what there is to show of them; a case without one is listed with its words alone.

    Raises:
        ConfigError: the folder cannot be written.
    """
    shown = {outcome.case_id: outcome for outcome in outcomes}
    entries = [_entry(case, shown.get(case.id)) for case in cases]
    data = {
        "schema": INDEX_SCHEMA,
        "cases": sorted((plain(entry, INDEX_FILE) for entry in entries), key=lambda entry: entry["case_id"]),
    }
    Index.model_validate(data)
    write_atomic(out / FOLDER / INDEX_FILE, [dump(data)])


def read_index(out: Path) -> tuple[CaseMedia, ...]:
    """Read `media/index.json` of the run in the folder `out`; empty where the run has none.

    Raises:
        SchemaError: the file breaks its schema.
    """
    path = out / FOLDER / INDEX_FILE
    if not path.exists():
        return ()
    return tuple(parse_record(Index, read_bytes(path), INDEX_SCHEMA, show(path)).cases)


def read_overlay(out: Path, name: str | None) -> Overlay | None:
    """Read an overlay of the run in the folder `out`; None where it is absent.

    Raises:
        SchemaError: the file breaks its schema.
    """
    path = out / FOLDER / (name or "")
    return parse_record(Overlay, read_bytes(path), None, show(path)) if name and path.is_file() else None


def _entry(case: Case, outcome: Shown | None) -> dict[str, t.Any]:
    media: Mapping[Side, Mapping[str, str]] = outcome.media if outcome else {}
    match = outcome.match if outcome else None
    sides: tuple[Side, ...] = ("generated", "reference")
    return {
        "case_id": case.id,
        "caption": case.caption,
        "motion_prompt": case.motion_prompt,
        "objects": [{"id": thing.id, "name": thing.name} for thing in case.objects],
        **{side: media.get(side, {}).get("video") for side in sides},
        "overlay": {side: media.get(side, {}).get("overlay") for side in sides},
        "match": match and {"scale": match.scale, "dx": match.dx, "dy": match.dy, "ncc": match.ncc},
    }


def _spread(object_ids: NDArray[np.int64]) -> list[int]:
    """Pick tracks in turn from each object, evenly over the tracks that it has."""
    groups = [np.flatnonzero(object_ids == i) for i in np.unique(object_ids)]
    left, chosen = MAX_TRACKS, []
    # The smallest groups first, so that what they do not use goes to the larger ones.
    for done, group in enumerate(sorted(groups, key=len)):
        share = min(len(group), left // (len(groups) - done))
        chosen += [int(group[(2 * i + 1) * len(group) // (2 * share)]) for i in range(share)]
        left -= share
    return sorted(chosen)


def _places(xy: NDArray[np.float32], visible: NDArray[np.bool_]) -> list[list[float] | None]:
    rounded = np.round(xy.astype(np.float64), 1)
    shown = visible & np.isfinite(xy).all(axis=-1)
    return [[float(x), float(y)] if seen else None for (x, y), seen in zip(rounded, shown, strict=True)]
