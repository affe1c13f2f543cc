"""Corruptions of what one object is: it takes on another's looks, wholly or in part. Frame 0 stays."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
from numpy.typing import NDArray

from motionbench.backends.classical.opencv import single_thread
from motionbench.errors import NotApplicable
from motionbench.stress.layers import centre_and_diameter, one_of, shift, soft, to_bytes
from motionbench.stress.material import Material
from motionbench.stress.registration import continued

Floats = NDArray[np.float64]

OPACITY = (0.2, 0.4, 0.6, 0.8, 1.0)  # of the other object's picture
PART = (0.1, 0.2, 0.3, 0.4, 0.5)  # share of the object's area, at one of its ends, that becomes another's
INSIDE = 0.8  # the donor is laid on 1/INSIDE times the object's size, so that its middle covers the object
BEGIN, DURATION = 1 / 3, 3  # share of the clip at which the swap begins, and over how many frames


def identity_swap(material: Material, severity: int, seed: int, object_id: int | None) -> Material:
    """One object keeps its outline and motion and takes on the looks of an object of another case, over 3 frames.

    Raises:
        NotApplicable: there is no other object to take the looks from.
    """
    masks = material.masks[material.plane(one_of(object_id))]
    return _swapped(material, masks, OPACITY[severity - 1])


def part_swap(material: Material, severity: int, seed: int, object_id: int | None) -> Material:
    """One end of an object (a head, a hand) takes on the looks of an object of another case, over 3 frames.

    Raises:
        NotApplicable: there is no other object to take the looks from.
    """
    masks = material.masks[material.plane(one_of(object_id))]
    angle = np.random.default_rng(seed).uniform(0, 2 * np.pi)
    ends = [_end(mask, angle, PART[severity - 1]) for mask in masks]
    return _swapped(material, np.stack(ends), 1.0)


def texture_swap(material: Material, severity: int, seed: int, object_id: int | None) -> Material:
    """As `identity_swap`, but the other object's looks are brought to the object's own colours.

    Raises:
        NotApplicable: there is no other object to take the looks from.
    """
    row = material.plane(one_of(object_id))
    donor, own = material.donor, material.masks[row, 0]
    if donor is not None and donor.rgb is not None and donor.mask is not None and own.any():
        rgb = _recoloured(donor.rgb, donor.mask, material.frames[0][own])
        material = dataclasses.replace(material, donor=dataclasses.replace(donor, rgb=rgb))
    return _swapped(material, material.masks[row], OPACITY[severity - 1])


def _recoloured(picture: NDArray[np.uint8], mask: NDArray[np.bool_], colours: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture with mean and spread of CIELAB inside its mask as those of colours [N, 3].

    After Reinhard et al., "Color transfer between images", IEEE CG&A 2001.
    """
    lab = cv2.cvtColor(picture.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    aim = cv2.cvtColor(colours[None].astype(np.float32) / 255, cv2.COLOR_RGB2LAB)[0]
    inside = lab[mask]
    gain = aim.std(axis=0) / np.maximum(inside.std(axis=0), 1.0)
    made = (lab - inside.mean(axis=0)) * gain + aim.mean(axis=0)
    return to_bytes(cv2.cvtColor(made.astype(np.float32), cv2.COLOR_LAB2RGB) * 255)


def _end(mask: NDArray[np.bool_], angle: float, share: float) -> NDArray[np.bool_]:
    """The share of a mask's pixels that lie furthest in a direction."""
    end = np.zeros_like(mask)
    y, x = np.nonzero(mask)
    if len(x):
        along = np.rint(16 * (x * np.cos(angle) + y * np.sin(angle)))  # no last bits decide
        far = along >= np.quantile(along, 1 - share)
        end[y[far], x[far]] = True
    return end


def _swapped(material: Material, masks: NDArray[np.bool_], opacity: float) -> Material:
    """What lies under the masks bool [T, H, W] takes on the looks of the donor."""
    donor, count = material.donor, len(material.frames)
    if donor is None or donor.rgb is None or donor.mask is None:
        raise NotApplicable("there is no object of another case to swap with")
    own = centre_and_diameter(donor.mask)
    start = max(1, round(BEGIN * count))
    frames = material.frames.copy()
    with single_thread():
        picture = continued(donor.rgb.astype(np.float32), donor.mask)
        for at in range(start, count):
            if masks[at].any():
                part = opacity * min(1.0, (at - start + 1) / DURATION)
                frames[at] = _dressed(frames[at], masks[at], picture, own, part)
    return material.with_frames(frames)


def _dressed(
    frame: NDArray[np.uint8],
    mask: NDArray[np.bool_],
    picture: NDArray[np.float32],
    own: tuple[Floats, float],
    part: float,
) -> NDArray[np.uint8]:
    centre, size = centre_and_diameter(mask)
    gain = size / (INSIDE * own[1])
    move = shift(*centre) @ np.diag([gain, gain, 1.0]) @ shift(*-own[0])
    laid = cv2.warpPerspective(
        picture, move, (frame.shape[1], frame.shape[0]), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    alpha = (soft(mask) * part)[..., None]
    return to_bytes(frame * (1 - alpha) + laid * alpha)
