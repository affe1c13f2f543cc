"""Object masks of frame 0, carried through the clip by flow, tracks and colour.

From frame to frame, each object's plane is fetched along the smooth motion of the object's own pixels (evidence.py).
At its rim a pixel goes to the object or to the rest by three votes: how far inside the fetched plane it lies, whose
motion explains it better, and whose colours it has. A pixel stays only if some motion of the object, or its colour,
explains it: what nothing explains is given up, so that a lost object leaves an empty plane and no mask on the road.
Growth is bounded by the rim, by the colours, and by the size of the first mask; parts that were hidden come back where
the first picture, moved along with the object's tracks, is seen again (anchor.py).

Known limits: look-alike neighbours that share motion or colour can be swallowed up to the bound; a soft shadow that
moves along adds a rim of a pixel or two; an object that turns another side to the camera keeps what it shows of its
first colours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from motionbench.backends.classical.anchor import EXPLAINED, Anchor, Carried, carried_pixels
from motionbench.backends.classical.colours import levels
from motionbench.backends.classical.evidence import BLOCK, Box, Mask, Motion, Picture, Plane, Step, box_mean
from motionbench.backends.classical.opencv import luma, single_thread
from motionbench.backends.classical.seeds import inset
from motionbench.errors import NotApplicable
from motionbench.types import Backend, Features, Inputs

SOFT = 2.0  # pixels (sigma) over which the fetched plane is softened: the width of the contested rim
RIM = 0.1  # the softened plane must reach this, so that a plane grows by two or three pixels a frame at most
MOTION_VOTE = 0.5
COLOUR_VOTE = 1.0
LEAD = 0.1  # beyond the fetched plane the object's motion must be better by this, whatever the colours say
NOISE = 4.0  # grey levels; misfits below it do not decide
OWN = 0.75  # posterior of a colour that explains a pixel by itself
FADED = 0.3  # a part whose colours fall below this share of the first mask's is not the object
LARGEST = 3.0  # times the first mask's area, at the object's scale if that has grown
MARGIN = 16  # pixels around an object that are looked at


def carry_planes(
    frames: NDArray[np.uint8],
    masks0: NDArray[np.bool_],
    flow: Features,
    tracks: Features,
    object_ids: NDArray[np.int64],
) -> NDArray[np.bool_]:
    """Carry masks of frame 0 through a clip.

    Args:
        frames: uint8 [T, H, W, 3].
        masks0: bool [K, H, W]; planes may overlap, and may be empty (they stay empty).
        flow: uv and uv_back float32 [T-1, H, W, 2].
        tracks: xy float32 [N, T, 2], visible bool [N, T] and object_ids int64 [N], seeded in frame 0.
        object_ids: int64 [K].

    Returns:
        bool [K, T, H, W].
    """
    values = np.zeros((len(masks0), len(frames), *masks0.shape[1:]), np.bool_)
    values[:, 0] = masks0
    before, cells = Picture.of(luma(frames[0])), levels(frames[0])
    anchors: dict[int, Anchor] = {}
    for k, plane in enumerate(masks0):
        own = tracks["object_ids"] == object_ids[k]
        if plane.any():
            anchors[k] = Anchor(plane, before, cells, tracks["xy"][own], tracks["visible"][own])
    for to in range(1, len(frames)):
        after, cells = Picture.of(luma(frames[to])), levels(frames[to])
        uv = flow["uv"][to - 1]
        step = Step.of(before, after, uv, flow["uv_back"][to - 1])
        for k, anchor in anchors.items():
            values[k, to] = _carry_one(k, values[:, to - 1], anchor, step, _Now(to, uv, cells))
        before = after
    return values


@dataclass(frozen=True, slots=True)
class _Now:
    """The new frame: its number, the flow float32 [H, W, 2] that leads to it, its colour cells int32 [H, W]."""

    frame: int
    uv: NDArray[np.float32]
    cells: NDArray[np.int32]


def _carry_one(k: int, planes: NDArray[np.bool_], anchor: Anchor, step: Step, now: _Now) -> Mask:
    """Plane of object k in the new frame, bool [H, W], from all planes of the old one."""
    plane, sure, carried = _by_motion(k, planes, anchor, step, now)
    anchor.advance(now.frame, carried)
    anchor.search(step.after)
    amodal = anchor.amodal()
    around = _bounds(amodal, BLOCK)
    if around is not None:
        again = anchor.seen_again(step.after, anchor.tint(now.cells[around]), amodal, around)
        others = (np.delete(planes, k, 0).any(0) & ~planes[k])[around]
        plane[around] |= again & (step.crop(around).by_flow(others) <= EXPLAINED)
    whole = _bounds(plane, BLOCK)
    if whole is not None:
        plane[whole] = _tidy(plane[whole], anchor.tint(now.cells[whole]), FADED * anchor.typical)
    if plane.sum() > LARGEST * max(anchor.area, anchor.expected()):
        plane &= sure
    return plane


def _by_motion(
    k: int, planes: NDArray[np.bool_], anchor: Anchor, step: Step, now: _Now
) -> tuple[Mask, Mask, Carried | None]:
    """Carry object k one step: its plane after the votes, its plane without any growth, and what the flow brings."""
    plane, sure = np.zeros((2, *planes.shape[1:]), np.bool_)
    box = _reach(planes[k], now.uv)
    if box is None:
        return plane, sure, None
    part, inside = step.crop(box), planes[:, *box]
    by_flow = part.by_flow(inside[k])
    motion = part.carry(inside[k], inset(inside[k]))
    if motion is not None:
        sure[box] = motion.soft > 0.5
        plane[box] = _vote(motion, _rest(k, inside, part), by_flow, anchor.tint(now.cells[box]))
    return plane, sure, carried_pixels(part, by_flow > EXPLAINED, box)


def _bounds(plane: Mask, margin: int) -> Box | None:
    """The box of a plane with a margin, inside the picture; None for an empty plane."""
    rows, columns = np.flatnonzero(plane.any(1)), np.flatnonzero(plane.any(0))
    if not len(rows):
        return None
    top, left = max(0, rows[0] - margin), max(0, columns[0] - margin)
    return slice(top, rows[-1] + 1 + margin), slice(left, columns[-1] + 1 + margin)


def _reach(plane: Mask, uv: NDArray[np.float32]) -> Box | None:
    """The box that holds a plane, the places where the flow takes it, and a margin."""
    y, x = np.nonzero(plane)
    if not len(y):
        return None
    flow = uv[y, x]
    low = np.floor(np.minimum(flow + np.stack([x, y], 1), np.stack([x, y], 1)).min(0)).astype(int) - MARGIN
    high = np.ceil(np.maximum(flow + np.stack([x, y], 1), np.stack([x, y], 1)).max(0)).astype(int) + MARGIN + 1
    return slice(max(0, low[1]), max(0, high[1])), slice(max(0, low[0]), max(0, high[0]))


def _rest(k: int, planes: NDArray[np.bool_], part: Step) -> Plane:
    """Misfit of what is not object k, float32 [H, W]: the best of the regions that come to lie at each pixel.

    Pixels that no other region reaches (newly uncovered ground) have the misfit `NOISE`: there the object must
    explain the pixel by itself.
    """
    best = np.full(planes.shape[1:], np.inf, np.float32)
    others = [np.logical_not(planes.any(0)), *(np.delete(planes, k, 0) & ~planes[k])]
    for plane in others:
        motion = part.carry(plane, inset(plane)) if plane.any() else None
        if motion is not None:
            best = np.where(motion.soft > 0.5, np.minimum(best, motion.misfit), best)
    return np.where(np.isinf(best), np.float32(NOISE), best)


def _vote(motion: Motion, rest: Plane, by_flow: Plane, tint: Plane) -> Mask:
    """Which pixels are the object's, bool [H, W]."""
    area = float(motion.soft.sum())
    soft = cv2.GaussianBlur(motion.soft, (0, 0), min(SOFT, 0.25 * max(1.0, area) ** 0.5))
    lead = (rest - motion.misfit) / (rest + motion.misfit + NOISE)
    member = (soft - 0.5 + MOTION_VOTE * lead + COLOUR_VOTE * (tint - 0.5) > 0) & (soft > RIM)
    member &= (motion.soft > 0.5) | (lead > LEAD)
    explained = (motion.alike > EXPLAINED) | (by_flow > EXPLAINED) | (tint > OWN)
    return np.asarray(member & (box_mean(explained.astype(np.float32), _grain(area)) > 0.5))


def _grain(area: float) -> int:
    """Side of the neighbourhood that decides together: 5 pixels, less for objects that would drown in it."""
    return 5 if area >= 200 else 3 if area >= 40 else 1


def _tidy(plane: Mask, tint: Plane, faded: float) -> Mask:
    """Smooth the outline, and drop parts that have not the object's colours."""
    side = _grain(float(plane.sum()))
    smooth = cv2.medianBlur(plane.astype(np.uint8), side) if side > 1 else plane.astype(np.uint8)
    count, label = cv2.connectedComponents(smooth)
    size = np.bincount(label.ravel(), minlength=count)
    colour = np.bincount(label.ravel(), tint.ravel(), minlength=count) / np.maximum(size, 1)
    kept = colour >= faded
    kept[0] = False
    return np.asarray(kept[label])


def masks(inputs: Inputs, upstream: Mapping[str, Features]) -> Features:
    """Carried object masks; needs `flow` and `tracks`.

    Returns:
        values bool [K, T, H, W], the first frame being `inputs.masks0`; object_ids int64 [K].

    Raises:
        NotApplicable: the case has no object masks.
    """
    if inputs.masks0 is None:
        raise NotApplicable("the case has no object masks", "Add first-frame masks to the dataset.")
    frames = inputs.clip.video.frames
    with single_thread():
        values = carry_planes(frames, inputs.masks0, upstream["flow"], upstream["tracks"], inputs.object_ids)
    return {"values": values, "object_ids": np.asarray(inputs.object_ids, np.int64)}


CARRIED_MASKS = Backend(
    name="carried",
    role="masks",
    recipe=1,
    load=lambda: masks,
    requires=("tracks", "flow"),
    inputs=("masks",),
    min_frames=2,
)
