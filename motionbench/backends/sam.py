"""Segment Anything on frame 0 (role `masks`; Kirillov et al. 2023, arXiv 2304.02643), by the package segment-anything.

First-frame masks of a dataset are often rough. Each one becomes a prompt, the box around it and the point deepest
inside it, and SAM redraws it: of its three answers (whole, part, part of a part) the one that overlaps the given mask
most, so that the dataset decides what the object is and SAM where it ends. SAM knows pictures only; from frame 0 on the
planes are carried by flow and tracks, as `carried` carries the dataset's own.
"""

from __future__ import annotations

import dataclasses
import typing as t
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from motionbench.backends.classical.masks import masks as carry
from motionbench.errors import MissingDependency, NotApplicable
from motionbench.types import Backend, Features, Inputs

Compute = Callable[[Inputs, Mapping[str, Features]], Features]


def _load(size: str, weights: str) -> Compute:
    from motionbench.backends import networks

    try:
        from segment_anything import SamPredictor, sam_model_registry
    except ImportError as error:
        raise MissingDependency("SAM needs segment-anything", "pip install 'motionbench[sam]'") from error
    predictor = SamPredictor(networks.load(sam_model_registry[size](checkpoint=None), weights))

    def compute(inputs: Inputs, upstream: Mapping[str, Features]) -> Features:
        if inputs.masks0 is None:
            raise NotApplicable("the case has no masks")
        first = redrawn(predictor, inputs.clip.video.frames[0], inputs.masks0)
        return carry(dataclasses.replace(inputs, masks0=first), upstream)

    return compute


def redrawn(predictor: t.Any, frame: NDArray[np.uint8], masks: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """SAM's masks of the objects that given masks point at.

    Args:
        predictor: a `SamPredictor`.
        frame: uint8 [H, W, 3] RGB.
        masks: bool [K, H, W]; an empty one stays empty.

    Returns:
        bool [K, H, W].
    """
    import torch

    from motionbench.backends import networks

    found = np.zeros_like(masks)
    there = np.flatnonzero(masks.any(axis=(1, 2)))
    if not len(there):
        return found
    size = frame.shape[:2]
    with networks.inference():
        predictor.set_image(np.array(frame))
        for k in there:
            box, point = prompt(masks[k])
            corners = torch.from_numpy(predictor.transform.apply_boxes(box, size)).float()
            inside = torch.from_numpy(predictor.transform.apply_coords(point[None, None], size)).float()
            label = torch.ones(1, 1, dtype=torch.int)
            place = predictor.device
            answers, _, _ = predictor.predict_torch(inside.to(place), label.to(place), corners.to(place))
            planes = answers[0].cpu().numpy()
            found[k] = planes[int(np.argmax([_overlap(plane, masks[k]) for plane in planes]))]
        predictor.reset_image()
    return found


def prompt(mask: NDArray[np.bool_]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The box around a mask bool [H, W], float64 [4] (left, top, right, bottom), and the point deepest inside, [2] xy.

    Both are in pixels, an integer being a pixel's centre.
    """
    import cv2

    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    depth = cv2.distanceTransform(np.pad(mask.astype(np.uint8), 1), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
    y, x = np.unravel_index(int(np.argmax(depth)), depth.shape)
    box = np.array([columns[0], rows[0], columns[-1], rows[-1]], np.float64)
    return box, np.array([x, y], np.float64)


def _overlap(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    return float((one & other).sum() / max(1, int((one | other).sum())))


def _backend(name: str, size: str, weights: str) -> Backend:
    return Backend(
        name,
        "masks",
        1,
        lambda: _load(size, weights),
        requires=("tracks", "flow"),
        inputs=("masks",),
        min_frames=2,
        weights=(weights,),
    )


SAM, SAM_H = _backend("sam", "vit_b", "sam-vit-b"), _backend("sam-h", "vit_h", "sam-vit-h")
