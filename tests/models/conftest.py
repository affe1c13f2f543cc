"""Requests on small random pictures."""

from __future__ import annotations

import typing as t
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from motionbench.types import Object, Request

MakeRequest = Callable[..., Request]


def picture(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    """A smooth random texture, so that resampling keeps most of it."""
    noise = np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 2)
    return cv2.normalize(smooth, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)


@pytest.fixture
def make_request() -> MakeRequest:
    """make_request(height, width, **fields): masks0 gives the objects 1..K."""

    def make(height: int = 64, width: int = 96, **fields: t.Any) -> Request:
        masks = fields.get("masks0")
        objects = tuple(Object(k + 1, f"thing {k + 1}", "a thing") for k in range(0 if masks is None else len(masks)))
        defaults: dict[str, t.Any] = {
            "case_id": "case",
            "image": picture(height, width),
            "caption": "a picture",
            "motion_prompt": "things move",
            "objects": objects,
            "masks0": None,
            "frames": 8,
            "fps": 8.0,
            "size": (height, width),
            "seed": 7,
        }
        return Request(**(defaults | fields))

    return make
