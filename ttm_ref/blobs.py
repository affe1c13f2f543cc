"""Connected blobs of a mask, and masks without the small ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def without_specks(plane: NDArray[np.bool_], share: float, least: float) -> NDArray[np.bool_]:
    """One object's masks without blobs that are small beside the object.

    Args:
        plane: bool [F, H, W].
        share: a blob below this share of the object's median area (over the frames that show it) is removed.
        least: and so is a blob of fewer pixels than this.

    Returns:
        bool [F, H, W], a subset of `plane`.
    """
    sizes = [blob_sizes(frame) for frame in plane]
    areas = plane.sum((1, 2))
    shown = areas[areas > 0]
    bound = max(least, share * float(np.median(shown))) if len(shown) else least
    return np.stack([frame & (size >= bound) for frame, size in zip(plane, sizes, strict=True)])


def blob_sizes(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """For each pixel the area of the blob that it belongs to (8 neighbours), 0 outside. int64 [H, W].

    Runs of a row are joined with the runs that they touch in the row above (union-find); there are far fewer runs
    than pixels.
    """
    height, width = mask.shape
    padded = np.zeros((height, width + 2), np.int8)
    padded[:, 1:-1] = mask
    steps = np.diff(padded, axis=1)
    rows, starts = np.nonzero(steps == 1)
    ends = np.nonzero(steps == -1)[1]  # in the same order: runs of a row do not overlap
    if not len(rows):
        return np.zeros(mask.shape, np.int64)
    parent = list(range(len(rows)))
    for lower, upper in _touching(rows, starts, ends):
        one, two = _root(parent, lower), _root(parent, upper)
        parent[max(one, two)] = min(one, two)
    roots = np.array([_root(parent, run) for run in range(len(rows))])
    lengths = ends - starts
    area = np.bincount(roots, weights=lengths, minlength=len(rows)).astype(np.int64)
    sizes = np.zeros(mask.shape, np.int64)
    sizes[mask] = np.repeat(area[roots], lengths)
    return sizes


def _touching(rows: NDArray[np.int64], starts: NDArray[np.int64], ends: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Pairs (run, run of the row above) that share an edge or a corner."""
    first = np.searchsorted(rows, np.arange(rows[-1] + 2))  # index of each row's first run
    pairs = []
    for row in range(1, int(rows[-1]) + 1):
        upper, run = int(first[row - 1]), int(first[row])
        while upper < first[row] and run < first[row + 1]:
            if starts[run] <= ends[upper] and starts[upper] <= ends[run]:
                pairs.append((run, upper))
            if ends[run] < ends[upper]:
                run += 1
            else:
                upper += 1
    return pairs


def _root(parent: list[int], run: int) -> int:
    while parent[run] != run:
        parent[run] = parent[parent[run]]
        run = parent[run]
    return run
