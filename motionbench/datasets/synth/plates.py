"""A scene without some of its objects, and how its ground moves: what a clean cut-out of an object needs."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from motionbench.datasets.synth.geometry import Floats, compose, invert
from motionbench.datasets.synth.raster import rasterise
from motionbench.datasets.synth.scene import Scene


def without(scene: Scene, gone: Collection[int]) -> NDArray[np.uint8]:
    """The same scene as if the objects with these ids had never been there, their shadows included.

    Returns:
        uint8 [16, S, S, 3].
    """
    full = scene._stack
    return rasterise(dataclasses.replace(full, parts=tuple(p for p in full.parts if p.object_id not in gone))).frames


def ground_motion(scene: Scene) -> Floats:
    """Where a pixel of the ground in frame 0 lies in frame t: float64 [16, 3, 3], the first one being the identity."""
    ground = scene._stack.ground
    maps = np.zeros((len(ground), 3, 3))
    maps[:, :2] = compose(ground, invert(ground[:1]))
    maps[:, 2, 2] = 1.0
    return maps
