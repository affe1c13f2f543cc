"""How the background moves from frame to frame: a homography through tracked corners outside the objects."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from motionbench.backends.classical.opencv import luma, single_thread

Floats = NDArray[np.float64]

AWAY = 6  # pixels that corners keep from an object
CORNERS = 500
WINDOW = (15, 15)
FEWEST = 12  # corners that must agree, else the background counts as still
CLOSE = 1.0  # pixels within which a corner agrees; also how far forward and backward tracks may end apart


def grown(plane: NDArray[np.bool_], by: int) -> NDArray[np.bool_]:
    """A mask bool [H, W] and everything within `by` pixels of it."""
    if by == 0 or not plane.any():
        return plane
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * by + 1, 2 * by + 1))
    return np.asarray(cv2.dilate(plane.astype(np.uint8), disc) > 0)


def union(masks: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """bool [K, T, H, W] to [T, H, W]: covered by any object (none: all False)."""
    return np.asarray(np.any(masks, axis=0))


def continued(picture: NDArray[np.float32], mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    """A picture whose pixels outside a mask are those of the nearest pixel inside; as it is where the mask is empty."""
    if not mask.any():
        return picture
    outside = (~mask).astype(np.uint8)
    labels = cv2.distanceTransformWithLabels(outside, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)[1]
    sources = np.zeros(int(labels.max()) + 1, np.int64)
    sources[labels[mask]] = np.flatnonzero(mask)
    flat = picture.reshape(-1, picture.shape[-1])
    return np.asarray(flat[sources[labels]], dtype=np.float32)


def background_motion(frames: NDArray[np.uint8], objects: NDArray[np.bool_]) -> Floats:
    """Chain the background's homographies.

    Args:
        frames: uint8 [S, H, W, 3].
        objects: bool [S, H, W], what is not background.

    Returns:
        float64 [S, 3, 3]: a pixel of frame 0 to where it lies in frame s; the first one is the identity.
    """
    chain = np.tile(np.eye(3), (len(frames), 1, 1))
    with single_thread():
        greys = [luma(frame) for frame in frames]
        for at in range(1, len(frames)):
            free = ~grown(objects[at - 1], AWAY)
            chain[at] = _step(greys[at - 1], greys[at], free) @ chain[at - 1]
    return chain


def _step(before: NDArray[np.uint8], after: NDArray[np.uint8], free: NDArray[np.bool_]) -> Floats:
    corners = cv2.goodFeaturesToTrack(before, CORNERS, 0.005, 5, mask=free.astype(np.uint8) * 255)
    if corners is None or len(corners) < FEWEST:
        return np.eye(3)
    there, seen, _ = cv2.calcOpticalFlowPyrLK(before, after, corners, None, winSize=WINDOW, maxLevel=3)
    back, again, _ = cv2.calcOpticalFlowPyrLK(after, before, there, None, winSize=WINDOW, maxLevel=3)
    good = (seen.ravel() == 1) & (again.ravel() == 1)
    good &= np.linalg.norm((back - corners).reshape(-1, 2), axis=1) < CLOSE
    if good.sum() < FEWEST:
        return np.eye(3)
    source, target = corners.reshape(-1, 2)[good], there.reshape(-1, 2)[good]
    found, kept = cv2.findHomography(source, target, cv2.RANSAC, CLOSE)
    if found is None or int(kept.sum()) < FEWEST:
        return np.eye(3)
    return np.asarray(found, dtype=np.float64)
