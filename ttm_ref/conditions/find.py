"""From a picture and a caption to all that stage 1 and stage 2 are conditioned on.

What the dataset gives wins; the rest is found: prompts by a parser, boxes by a detector, masks by a segmenter.
Nothing is invented. An object that the detector does not see keeps an empty mask and a note that says so (it may enter
the frame later), and where masks are needed but cannot be made the answer is an error.
"""

from __future__ import annotations

import typing as t
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from motionbench.errors import ModelError
from motionbench.types import Object
from ttm_ref.conditions.parser import parse
from ttm_ref.conditions.prompts import Parser, Prompts

Image = NDArray[np.uint8]
Planes = NDArray[np.bool_]

DETECTOR = "IDEA-Research/grounding-dino-tiny"
SEGMENTER = "facebook/sam2.1-hiera-tiny"


class Detector(t.Protocol):
    """Boxes from names."""

    def __call__(self, image: Image, names: Sequence[str]) -> NDArray[np.float32]:
        """float32 [K, 4] left, top, right, bottom in pixels for each name; a row of NaN for one that is not found."""
        ...


class Segmenter(t.Protocol):
    """Masks from boxes."""

    def __call__(self, image: Image, boxes: NDArray[np.float32]) -> Planes:
        """bool [K, H, W] for float32 [K, 4] boxes, all of them finite."""
        ...


@dataclass(frozen=True, slots=True)
class Conditions:
    """The conditions of one case.

    Attributes:
        motion_prompt: all motion of the scene.
        objects: K objects with a name and a prompt each; K may be 0.
        masks0: bool [K, H, W] in the pixels of the picture, in the order of `objects`; a plane may be empty.
        notes: what was not found or is not certain, one line each.
    """

    motion_prompt: str
    objects: tuple[Object, ...]
    masks0: Planes
    notes: tuple[str, ...] = ()


def find(
    image: Image,
    caption: str,
    *,
    motion_prompt: str | None = None,
    objects: Sequence[Object] | None = None,
    masks0: Planes | None = None,
    parser: Parser = parse,
    boxes: Detector | None = None,
    segmenter: Segmenter | None = None,
) -> Conditions:
    """Gather or make the motion prompt, the objects and their masks in the first frame.

    Args:
        image: uint8 [H, W, 3] RGB.
        caption: what is to happen; may be empty.
        motion_prompt: given by the dataset; None or "" where it gives none.
        objects: given by the dataset; None or empty where it gives none.
        masks0: bool [K, H, W] given by the dataset, in the order of `objects`; None where it gives none.
        parser: splits the caption where a prompt is missing.
        boxes: finds the objects where masks are missing.
        segmenter: makes masks of the boxes.

    Raises:
        ModelError: the picture, the masks and the objects do not fit each other, masks are needed but there is no
            detector or no segmenter, or one of the tools failed.
    """
    _check_image(image)
    masks = None if masks0 is None else _check_masks(image, masks0, objects)
    missing = not motion_prompt or (not objects and (masks is None or len(masks) > 0))
    found = parser(caption) if missing else Prompts("")
    notes = list(found.notes)
    motion = motion_prompt or found.motion_prompt
    if objects:
        cast = tuple(objects)
    elif masks is None:
        cast = found.objects
    else:
        cast = _for_masks(masks, found.objects, caption, notes)
    if masks is None:
        masks = _segment(image, cast, boxes, segmenter, notes)
    return Conditions(motion, cast, masks, tuple(notes))


def _check_image(image: Image) -> None:
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise ModelError(f"the picture is {image.dtype} {image.shape}", "an RGB picture is uint8 [H, W, 3]")


def _check_masks(image: Image, masks: Planes, objects: Sequence[Object] | None) -> Planes:
    """The masks as bool [K, H, W]; any number but 0 counts as inside."""
    if masks.ndim != 3 or masks.shape[1:] != image.shape[:2]:
        raise ModelError(f"masks {masks.shape} do not fit the picture {image.shape[:2]}", "they are [K, H, W]")
    if objects and len(objects) != len(masks):
        raise ModelError(f"{len(masks)} masks for {len(objects)} objects", "each object needs one; it may be empty")
    return t.cast("Planes", masks != 0)


def _for_masks(masks: Planes, found: tuple[Object, ...], caption: str, notes: list[str]) -> tuple[Object, ...]:
    """Objects for masks that came without any: those of the caption if they are as many, else the caption for each."""
    if len(masks) == len(found):
        if len(found) > 1:
            notes.append("the masks came without names: they got the objects of the caption in the order of mention")
        return found
    notes.append(
        f"{len(masks)} masks came without prompts and the caption names {len(found)} objects: each mask got it all"
    )
    return tuple(Object(k + 1, f"object {k + 1}", caption.strip()) for k in range(len(masks)))


def _segment(
    image: Image, objects: Sequence[Object], boxes: Detector | None, segmenter: Segmenter | None, notes: list[str]
) -> Planes:
    """Masks of the objects, bool [K, H, W]; empty planes for those that were not found."""
    planes = np.zeros((len(objects), *image.shape[:2]), dtype=np.bool_)
    if not objects:
        return planes
    if boxes is None or segmenter is None:
        raise ModelError(
            f"no masks for {', '.join(repr(item.name) for item in objects)}",
            f"give masks in the dataset, or weights that find them: -o boxes={DETECTOR} -o segmenter={SEGMENTER}",
        )
    found = boxes(image, [item.name for item in objects])
    seen = np.asarray(np.isfinite(found).all(axis=1))
    notes += [f"{item.name!r} was not found in the picture" for item, ok in zip(objects, seen, strict=True) if not ok]
    if seen.any():
        planes[seen] = segmenter(image, found[seen])
    return planes
