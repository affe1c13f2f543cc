"""Object masks as a colour video and back: one constant colour an object, black where there is none.

The video goes through an autoencoder or a lossy file on its way, so colours come back shifted a little and mixed where
two of them meet. A mixture can lie closest to a third colour (half of a dusty red on black is a dark red), so colours
are decided in two steps: pixels that are clearly one colour first, the others then among the colours near in space.
"""

from __future__ import annotations

import typing as t

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from motionbench.errors import DataError, ModelError
from ttm_ref.blobs import without_specks

PALETTE: NDArray[np.uint8] = np.array(
    [
        (255, 0, 0),
        (0, 255, 0),
        (0, 0, 255),
        (255, 255, 0),
        (255, 0, 255),
        (0, 255, 255),
        (255, 255, 255),
        (255, 128, 0),
        (128, 0, 255),
        (0, 255, 128),
        (128, 128, 128),
        (255, 128, 192),
    ],
    np.uint8,
)
PALETTE.setflags(write=False)
MOST = len(PALETTE)

CLEAR = 0.5  # a pixel is clearly one colour when the next one is at least twice as far
SPECK = 0.02  # blobs below this share of the object's median area are specks
FEW = 4  # and so are blobs of fewer pixels than this in a picture of 128 x 128

DARK = 48  # a colour whose largest channel is below this is background
SAME = 30.0  # colours closer than this (Euclidean) are one colour, shifted by compression
RARE = 1e-3  # a colour that fills less than this share of the picture is none


def check_count(objects: int) -> None:
    """Refuse more objects than there are colours.

    Raises:
        ModelError: more than 12 objects.
    """
    if objects > MOST:
        raise ModelError(
            f"{objects} objects, but only {MOST} colours that can be told apart",
            f"keep the {MOST} most important ones, or merge some into one mask",
        )


def paint(masks: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Masks as a colour video; object k has colour k, later objects lie over earlier ones.

    Args:
        masks: bool [K, F, H, W] with K from 0 to 12; planes may overlap or be empty.

    Returns:
        uint8 [F, H, W, 3], black where there is no object.

    Raises:
        ModelError: more than 12 objects.
    """
    check_count(len(masks))
    top = np.zeros(masks.shape[1:], np.uint8)
    for number, plane in enumerate(masks, start=1):
        top[plane] = number
    return _with_black(PALETTE[: len(masks)])[top]


def read(video: NDArray[np.uint8], palette: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Masks from a colour video, one-to-one with the palette: plane k is what is shown in colour k.

    Args:
        video: uint8 [F, H, W, 3], colours possibly shifted and blurred.
        palette: uint8 [K, 3], the objects' colours in their order; none of them (nearly) black.

    Returns:
        bool [K, F, H, W], disjoint planes; that of an object that is not shown is empty.

    Raises:
        ModelError: more than 12 colours.
    """
    check_count(len(palette))
    if not len(palette):
        return np.zeros((0, *video.shape[:3]), np.bool_)
    colours = _with_black(palette).astype(np.int32)
    blends = _blends(colours)
    reach = max(1, round(min(video.shape[1:3]) / 128))
    labels = np.stack([_labels(frame, colours, blends, reach) for frame in video])
    planes = labels[None] == np.arange(1, len(colours))[:, None, None, None]
    least = FEW * video.shape[1] * video.shape[2] / 128**2
    return np.stack([without_specks(plane, SPECK, least) for plane in planes])


def find_palette(frame: NDArray[np.uint8], masks: NDArray[np.bool_] | None = None) -> NDArray[np.uint8]:
    """The objects' colours in a colour-coded mask video that someone else made, from one of its frames.

    Args:
        frame: uint8 [H, W, 3], usually frame 0; the background is black.
        masks: bool [K, H, W], the objects in that frame. The palette then has their order, one colour for each;
            without them, colours come by the area that they fill, the largest first.

    Returns:
        uint8 [K, 3].

    Raises:
        DataError: more than 12 colours, or a mask that shows none of them, or two masks of one colour.
    """
    spread = _pooled_range(frame).max(-1)
    left = (spread <= SAME / 2) & (frame.max(-1) >= DARK)
    found: list[NDArray[np.uint8]] = []
    while left.any():
        pixels = frame[left].astype(np.int32)
        codes = (pixels // 8) @ np.array([32 * 32, 32, 1])
        peak = pixels[codes == np.bincount(codes).argmax()].mean(0)
        centre = np.median(pixels[_distance(pixels, peak) <= SAME], axis=0)
        near = _distance(pixels, centre) <= SAME
        if near.sum() < RARE * spread.size:
            break
        if len(found) == MOST:
            raise DataError(f"a frame of more than {MOST} colours is no colour-coded mask video")
        found.append(centre.astype(np.uint8))
        left[left] = ~near
    palette = np.array(found, np.uint8).reshape(-1, 3)
    if masks is None:
        return palette
    return palette[_owners(read(frame[None], palette)[:, 0], masks)]


def _owners(planes: NDArray[np.bool_], masks: NDArray[np.bool_]) -> list[int]:
    """For each mask the number of the plane that it overlaps most."""
    overlap = np.array([[int((plane & mask).sum()) for plane in planes] for mask in masks]).reshape(len(masks), -1)
    if not overlap.shape[1] or (overlap.max(1) == 0).any():
        raise DataError("an object's mask shows no colour in the first frame of the trajectory")
    owners = [int(row.argmax()) for row in overlap]
    if len(set(owners)) < len(owners):
        raise DataError("two objects have the same colour in the first frame of the trajectory")
    return owners


def _distance(pixels: NDArray[np.int32], colour: NDArray[np.float64]) -> NDArray[np.float64]:
    distance: NDArray[np.float64] = np.linalg.norm(pixels - colour, axis=-1)
    return distance


def _pooled_range(frame: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Largest minus smallest value of each channel around each pixel (3 x 3), float32 [H, W, 3]."""
    channels = torch.from_numpy(frame.astype(np.float32)).permute(2, 0, 1)
    high = torch.nn.functional.max_pool2d(channels, 3, 1, 1)
    low = -torch.nn.functional.max_pool2d(-channels, 3, 1, 1)
    return t.cast("NDArray[np.float32]", (high - low).permute(1, 2, 0).numpy())


def _with_black(palette: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The palette after the background's colour. uint8 [K + 1, 3]."""
    return np.concatenate([np.zeros((1, 3), np.uint8), palette])


def _labels(
    frame: NDArray[np.uint8], colours: NDArray[np.int32], blends: NDArray[np.bool_], reach: int
) -> NDArray[np.int64]:
    """The number of each pixel's colour, int64 [H, W]; `reach` is about the width of a blurred edge in pixels."""
    distance = np.sqrt(((frame[None].astype(np.int32) - colours[:, None, None]) ** 2).sum(-1, dtype=np.float64))
    nearest, second = np.partition(distance, 1, axis=0)[:2]
    clear = distance.argmin(0) == np.arange(len(colours))[:, None, None]
    clear &= nearest <= CLEAR * second
    if blends.any():
        clear[blends] = _opened(clear[blends], reach)
    near = _dilated(clear, 2 * reach + 1)
    near |= ~near.any(0)  # nothing clear around: any colour may be meant
    candidates: NDArray[np.int64] = np.where(near, distance, np.inf).argmin(0)
    return np.where(clear.any(0), clear.argmax(0), candidates)


def _blends(colours: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Which colours lie between two others, and so show up where those two meet. bool [K + 1]."""
    count = len(colours)
    found = np.zeros(count, np.bool_)
    for one in range(count):
        for two in range(one):
            along = (colours[two] - colours[one]).astype(np.float64)
            offset = colours - colours[one]
            share = np.clip(offset @ along / (along @ along), 0.0, 1.0)
            gap = np.linalg.norm(offset - share[:, None] * along, axis=1)
            # Seen from the nearer end: a pixel on the way from one to two can be clearly this colour.
            apart = np.minimum(share, 1.0 - share) * np.linalg.norm(along)
            found |= (gap <= CLEAR * apart) & (apart > 0)
    return found


def _dilated(planes: NDArray[np.bool_], radius: int) -> NDArray[np.bool_]:
    """Planes [K, H, W] grown by a square of 2 radius + 1 pixels."""
    return t.cast("NDArray[np.bool_]", (_pooled(planes, radius) > 0).numpy())


def _opened(planes: NDArray[np.bool_], radius: int) -> NDArray[np.bool_]:
    """What of the planes [K, H, W] is at least 2 radius + 1 pixels wide."""
    return _dilated(~_dilated(~planes, radius), radius)


def _pooled(planes: NDArray[np.bool_], radius: int) -> Tensor:
    values = torch.from_numpy(planes.astype(np.float32))
    # Two passes of a line each are much cheaper than one of a square.
    rows = torch.nn.functional.max_pool2d(values, (2 * radius + 1, 1), 1, (radius, 0))
    return torch.nn.functional.max_pool2d(rows, (1, 2 * radius + 1), 1, (0, radius))
