"""Corruptions of time: which frame is shown when. Frame 0 stays, except where the whole clip is turned round."""

from __future__ import annotations

import dataclasses
import itertools

import cv2
import numpy as np
from numpy.typing import NDArray

from motionbench.backends.classical.dis import pair_flow
from motionbench.backends.classical.opencv import luma, single_thread
from motionbench.errors import VideoError
from motionbench.stress.material import Material

Frames = NDArray[np.uint8]
Order = NDArray[np.int64]

FREEZE = (0.1, 0.25, 0.5, 0.75, 1.0)  # share of the steps from frame to frame, at the end of the clip, that stand
HOLD = (2, 3, 4, 6, 8)  # frames for which each shown frame stays
DROP = (0.05, 0.1, 0.2, 0.3, 0.4)  # share of the frames that are missing
WINDOW = (2.0, 3.0, 4.0, 6.0, 8.0)  # frames by which a frame may come too late
# Share of the frames that change places. What is spoilt are the joins between frames: of a clip's 15 about 4, 5, 8, 11
# and 14 are broken. Even steps of frames (3, 6, 9, 12, 15) break 5, 9, 12, 14, 14 and leave no difference at the top.
SHUFFLED = (0.13, 0.2, 0.33, 0.55, 1.0)
SPEED = (0.5, 1.5, 2.0, 3.0, 4.0)


def in_order(material: Material, order: Order) -> Material:
    """Frames in another order, with their masks; times are those of a player that shows one after the other."""
    if np.any(order >= len(material.frames)):
        raise VideoError("the clip has not enough frames")
    return material.with_frames(material.frames[order], material.masks[:, order])


def frozen_from(count: int, severity: int) -> int:
    """Number of the last frame that moves."""
    return count - 1 - max(1, round(FREEZE[severity - 1] * (count - 1)))


def freeze(material: Material, severity: int, seed: int, object_id: int | None) -> Material:
    """The clip stops: its last frames repeat the one before them."""
    count = len(material.frames)
    return in_order(material, np.minimum(np.arange(count), frozen_from(count, severity)))


def hold(material: Material, severity: int, seed: int, object_id: int | None) -> Material:
    """Every k-th frame is shown k times."""
    k = HOLD[severity - 1]
    return in_order(material, np.arange(len(material.frames)) // k * k)


def drop(material: Material, severity: int, seed: int, object_id: int | None) -> Material:
    """Frames are missing, and the rest moves up; a higher severity loses those of the lower ones and more."""
    count = len(material.frames)
    lost = np.random.default_rng(seed).permutation(np.arange(1, count))[: max(1, round(DROP[severity - 1] * count))]
    return in_order(material, np.setdiff1d(np.arange(count), lost))


def local_shuffle(material: Material, severity: int, seed: int, object_id: int | None) -> Material:
    """Frames are sorted by time plus a delay that is drawn once and grows with severity."""
    count = len(material.frames)
    delay = np.random.default_rng(seed).permutation(count) / max(1, count - 1)  # even, so that no draw is a lucky one
    key = np.arange(count) + delay * WINDOW[severity - 1]
    key[0] = -1.0
    return in_order(material, np.argsort(key, kind="stable"))


def full_shuffle(material: Material, severity: int, seed: int, object_id: int | None) -> Material:
    """A share of the frames, drawn from the whole clip, changes places in a ring; the chosen frames are nested."""
    count = len(material.frames)
    chosen = np.random.default_rng(seed).permutation(np.arange(1, count))
    chosen = chosen[: max(2, round(SHUFFLED[severity - 1] * (count - 1)))]
    order = np.arange(count)
    order[chosen] = np.roll(chosen, 1)
    return in_order(material, order)


def reverse(material: Material, severity: int, seed: int, object_id: int | None) -> Material:
    """The clip backwards. The case's picture and masks become those of its last frame; the texts stay."""
    turned = in_order(material, np.arange(len(material.frames))[::-1])
    return dataclasses.replace(turned, image=turned.frames[0])


def speed(material: Material, severity: int, seed: int, object_id: int | None) -> Material:
    """Another pace at the same frame rate; frames in between are interpolated along the flow.

    Faster clips go on into what the reference shows later, and are shorter where there is not enough of it.
    """
    rate = SPEED[severity - 1]
    count = len(material.frames)
    frames = material.frames
    if len(material.later) and rate > 1:
        frames = np.concatenate([frames, material.later])
    at = np.arange(count) * rate
    at = at[at <= len(frames) - 1]
    nearest = np.minimum(np.rint(at).astype(np.int64), count - 1)
    with single_thread():
        shown = np.stack([_between(frames, float(time)) for time in at])
    return material.with_frames(shown, material.masks[:, nearest])


def _between(frames: Frames, time: float) -> Frames:
    """The frame at a time in frames: both neighbours carried to it along the flow, and mixed."""
    low = int(time)
    part = time - low
    if part == 0:
        return np.asarray(frames[low])
    before, after = frames[low], frames[low + 1]
    there, back = (pair_flow(luma(a), luma(b)) for a, b in itertools.permutations((before, after)))
    height, width = before.shape[:2]
    grid = np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1).astype(np.float32)
    # Flow is read at the target, a first-order approximation that holds for smooth motion.
    first = cv2.remap(before, grid - part * there, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    second = cv2.remap(after, grid - (1 - part) * back, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    mixed = (1 - part) * first.astype(np.float32) + part * second.astype(np.float32)
    return np.asarray(np.clip(np.rint(mixed), 0, 255), dtype=np.uint8)
