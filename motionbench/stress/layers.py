"""An object lifted off its clip, and laid down again elsewhere, at another time, or not at all.

The object's colours are continued outward past its outline, and the outline is softened over about two pixels, so that
the composite has neither a hard seam nor a rim of the old background. Where the plate is exact, the object's soft
shadow (what darkens the plate around it) travels with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from motionbench.backends.classical.opencv import single_thread
from motionbench.errors import NotApplicable
from motionbench.stress.backdrop import SynthBackdrop
from motionbench.stress.material import Material
from motionbench.stress.registration import continued, grown

Floats = NDArray[np.float64]
Plane = NDArray[np.float32]

SOFT = 1.0  # sigma in pixels of an outline
SMALLEST = 60  # pixels an object must have in frame 0
UNKNOWN = 0.1  # share of the object's area that may come to light without a frame that shows it
DARKEST = 0.4


@dataclass(frozen=True, slots=True)
class Place:
    """Where an object is in a frame: its picture in frame `source`, moved by `warp` (3 x 3, source to frame pixels)."""

    source: int
    warp: Floats = field(default_factory=lambda: np.eye(3))
    opacity: float = 1.0


@dataclass(frozen=True, slots=True)
class Lifted:
    """One object's picture and what is behind it.

    Attributes:
        rgb: float32 [T, H, W, 3], the object's colours, continued outward.
        alpha: float32 [T, H, W] in [0, 1].
        shade: float32 [T, H, W], by which its shadow multiplies the plate; ones where none is known.
        plate: float32 [T, H, W, 3].
        known: bool [T, H, W].
    """

    row: int
    rgb: NDArray[np.float32]
    alpha: Plane
    shade: Plane
    plate: NDArray[np.float32]
    known: NDArray[np.bool_]


def lift(material: Material, object_id: int) -> Lifted:
    """Lift an object; kept with the material's backdrop for the next corruption.

    Raises:
        NotApplicable: it has no masks, or fewer than 60 pixels in frame 0.
    """
    row = material.plane(object_id)
    kept = material.backdrop.kept
    if ("lifted", object_id) not in kept:
        area = int(material.masks[row, 0].sum())
        if area < SMALLEST:
            raise NotApplicable(f"object {object_id} has {area} pixels in frame 0, fewer than {SMALLEST}")
        with single_thread():
            kept["lifted", object_id] = _lift(material, object_id, row)
    found = kept["lifted", object_id]
    assert isinstance(found, Lifted)
    return found


def _lift(material: Material, object_id: int, row: int) -> Lifted:
    plate = material.backdrop.plate((object_id,))
    masks = plate.whole
    frames = material.frames.astype(np.float32)
    behind = plate.frames.astype(np.float32)
    rgb = np.stack([continued(frame, _core(mask)) for frame, mask in zip(frames, masks, strict=True)])
    alpha = np.stack([soft(mask) for mask in masks])
    shade = np.ones(masks.shape, np.float32)
    if isinstance(material.backdrop, SynthBackdrop):
        for at, mask in enumerate(masks):
            shade[at] = _shade(frames[at], behind[at], mask)
    return Lifted(row, rgb, alpha, shade, behind, plate.known)


def _core(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    inner = cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    return np.asarray(inner if inner.any() else mask)


def soft(mask: NDArray[np.bool_]) -> Plane:
    """A mask as opacity with a soft outline, float32 [H, W]."""
    return np.asarray(cv2.GaussianBlur(mask.astype(np.float32), (0, 0), SOFT), dtype=np.float32)


def _shade(frame: NDArray[np.float32], plate: NDArray[np.float32], mask: NDArray[np.bool_]) -> Plane:
    ratio = np.clip((frame.mean(-1) + 1) / (plate.mean(-1) + 1), DARKEST, 1).astype(np.float32)
    away = ~grown(mask, 3)
    return continued(ratio[..., None], away)[..., 0] if away.any() else np.ones_like(ratio)


def place(material: Material, object_id: int, places: Sequence[Place]) -> Material:
    """The clip with the object where `places` says, one for each frame; all else stays.

    A frame whose place is the object's own is kept to the bit.

    Raises:
        NotApplicable: too much of what would come to light behind the object is shown by no frame.
    """
    lifted = lift(material, object_id)
    frames, masks = material.frames.copy(), material.masks.copy()
    bare = 0.0
    with single_thread():
        for at, where in enumerate(places):
            if where.source == at and where.opacity == 1.0 and np.array_equal(where.warp, np.eye(3)):
                continue
            frames[at], alpha = lay(lifted, at, where)
            seen = (lifted.alpha[at] > 0.5) & (alpha < 0.5)
            bare = max(bare, float((seen & ~lifted.known[at]).sum()))
            masks[lifted.row, at] = alpha > 0.5
    area = float(material.masks[lifted.row, 0].sum())
    if bare > UNKNOWN * area:
        raise NotApplicable(f"no frame shows {bare / area:.0%} of what is behind object {object_id}")
    return material.with_frames(frames, masks)


def lay(lifted: Lifted, at: int, where: Place) -> tuple[NDArray[np.uint8], Plane]:
    """Frame `at` on the plate with the object at a place: uint8 [H, W, 3], and its opacity there [H, W]."""
    rgb, alpha, shade = moved(lifted, where)
    shadow = (1 - (1 - shade) * where.opacity)[..., None]
    alpha = alpha * np.float32(where.opacity)
    mixed = lifted.plate[at] * shadow * (1 - alpha[..., None]) + rgb * alpha[..., None]
    return to_bytes(mixed), alpha


def moved(lifted: Lifted, where: Place) -> tuple[NDArray[np.float32], Plane, Plane]:
    """Colours, opacity and shade of the object at a place."""
    size = (lifted.alpha.shape[2], lifted.alpha.shape[1])
    layers = []
    for picture, outside in ((lifted.rgb, None), (lifted.alpha, 0.0), (lifted.shade, 1.0)):
        border = cv2.BORDER_REPLICATE if outside is None else cv2.BORDER_CONSTANT
        layers.append(
            cv2.warpPerspective(
                picture[where.source],
                where.warp,
                size,
                flags=cv2.INTER_CUBIC if outside is None else cv2.INTER_LINEAR,
                borderMode=border,
                borderValue=outside or 0.0,
            )
        )
    return layers[0], layers[1], layers[2]


def to_bytes(picture: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Rounded and clipped to uint8."""
    return np.asarray(np.clip(np.rint(picture), 0, 255), dtype=np.uint8)


def shift(dx: float, dy: float) -> Floats:
    """A translation in pixels, 3 x 3."""
    return np.array([[1.0, 0.0, dx], [0.0, 1.0, dy], [0.0, 0.0, 1.0]])


def centre_and_diameter(mask: NDArray[np.bool_]) -> tuple[Floats, float]:
    """Centroid (x, y) and sqrt(area) of a mask that is not empty, pixels."""
    y, x = np.nonzero(mask)
    return np.array([x.mean(), y.mean()]), float(np.sqrt(len(x)))


def one_of(object_id: int | None) -> int:
    """The id of the object that a corruption is made to.

    Raises:
        NotApplicable: it is not said which.
    """
    if object_id is None:
        raise NotApplicable("this corruption needs an object")
    return object_id
