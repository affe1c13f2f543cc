"""Where to put track seeds: a fixed number per region, spread evenly, on the best corner of each cell."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

OBJECT_SEEDS = 32
BACKGROUND_SEEDS = 64
# Side of the neighbourhood that the corner strength sums over, as in Shi and Tomasi, "Good features to track", 1994.
BLOCK = 7
# A seed this far inside its region has a patch that hardly touches what lies outside; approximate masks need it too.
INSET = 4
MOST_LATTICE = 4  # pixels, about half of BLOCK


def corner_strength(grey: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Smaller eigenvalue of the gradient matrix around each pixel, float32 [H, W], of luma uint8 [H, W]."""
    return np.asarray(cv2.cornerMinEigenVal(grey, BLOCK, ksize=3), dtype=np.float32)


def inset(region: NDArray[np.bool_], depth: int = INSET) -> NDArray[np.bool_]:
    """The region without its rim, as long as at least half of it is left; the rim gets thinner otherwise.

    Args:
        region: bool [H, W].
        depth: width of the rim in pixels.

    Returns:
        bool [H, W], a subset of `region`; empty only if `region` is.
    """
    area = int(region.sum())
    # The picture's border is no rim: what lies beyond it is not seen.
    distance = cv2.distanceTransform(np.pad(region.astype(np.uint8), 1, mode="edge"), cv2.DIST_L2, cv2.DIST_MASK_5)
    for width in range(depth, 0, -1):
        inner = np.asarray(distance[1:-1, 1:-1] > width)
        if 2 * int(inner.sum()) >= area > 0:
            return inner
    return region


def seed_region(strength: NDArray[np.float32], region: NDArray[np.bool_], count: int) -> NDArray[np.float32]:
    """Choose seeds inside a region: the strongest corner of each cell of a grid that has about `count` cells in it.

    Coverage comes first: each cell gives one point before any gives a second, the fuller cells first, so that a
    flat region (no corners at all) is covered as evenly as a textured one.

    Args:
        strength: float32 [H, W] from `corner_strength`.
        region: bool [H, W].
        count: number of seeds; regions of fewer pixels give one seed a pixel.

    Returns:
        float32 [min(count, area), 2], x and y of pixel centres.
    """
    rows, columns = np.nonzero(region)
    area = len(rows)
    if area <= count:
        return np.stack([columns, rows], 1).astype(np.float32)
    side = float(np.sqrt(area / count))
    # Corner strength is smooth over its block, so a large region is looked at on a lattice only.
    lattice = min(MOST_LATTICE, int(side / 4))
    if lattice > 1:
        on = ((rows - rows.min()) % lattice == 0) & ((columns - columns.min()) % lattice == 0)
        if int(on.sum()) >= count:
            rows, columns = rows[on], columns[on]
            area = len(rows)
    # Cells are laid from the corner of the region's box, so that a moved region gets the same seeds.
    down, across = (rows - rows.min()) / side, (columns - columns.min()) / side
    cell = down.astype(np.int64) * (int(across.max()) + 1) + across.astype(np.int64)
    off_centre = (down % 1 - 0.5) ** 2 + (across % 1 - 0.5) ** 2
    # Rank the pixels of each cell: the strongest corner first, then the most central one.
    order = np.lexsort((off_centre, -strength[rows, columns], cell))
    _, begin, size = np.unique(cell[order], return_index=True, return_counts=True)
    rank = np.arange(area) - np.repeat(begin, size)
    # Further picks of a cell go down its ranking in strides, because the runner-up is a neighbour of the winner.
    stride = np.maximum(1, np.repeat(size, size) // 4)
    turn = np.where(rank % stride == 0, rank // stride, rank + area)
    chosen = order[np.lexsort((np.arange(area), -np.repeat(size, size), turn))[:count]]
    chosen.sort()
    return np.stack([columns[chosen], rows[chosen]], 1).astype(np.float32)


def seed_frame(
    grey: NDArray[np.uint8], masks: NDArray[np.bool_] | None, object_ids: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Seeds of one frame: on the background (outside all masks), then in each mask.

    Where planes overlap, a pixel seeds the smaller object: the larger one has room elsewhere.

    Args:
        grey: uint8 [H, W] luma.
        masks: bool [K, H, W], or None for background only.
        object_ids: int64 [K].

    Returns:
        points float32 [N, 2] in pixels; owners int64 [N], an object id or 0 for the background.
    """
    strength = corner_strength(grey)
    planes = np.zeros((0, *grey.shape), np.bool_) if masks is None else masks
    owner = np.full(grey.shape, -1)
    for k in np.argsort([-int(plane.sum()) for plane in planes], kind="stable"):
        owner[planes[k]] = k
    found = [seed_region(strength, inset(owner == -1), BACKGROUND_SEEDS)]
    found += [seed_region(strength, inset(owner == k), OBJECT_SEEDS) for k in range(len(planes))]
    ids = [0, *(int(i) for i in object_ids[: len(planes)])]
    owners = np.repeat(np.asarray(ids, np.int64), [len(points) for points in found])
    return np.concatenate(found), owners
