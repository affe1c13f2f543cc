"""Frozen centre and scale of each feature family, and the map from features to the embedding.

The numbers are rounded means and standard deviations, measured once over equal parts of procedural scenes (`train`
split) and ordinary footage, so that neither saturates. They are constants: nothing is ever fitted to the videos that
are being compared, and the embedding of a video does not depend on any other video.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LIMIT = 3.0  # scales; a feature that lies further out is squashed, so that no single one rules a distance


@dataclass(frozen=True, slots=True)
class Family:
    """Features that belong together: how many, and centre and scale, one for all or one for each.

    `share` is what the family as a whole counts: 1, or 2 for the few that a kind of fault depends on (order of frames,
    sharpness, noise, speed), or 1/3 for two that repeat what `accelerations` says.
    """

    size: int
    centre: float | tuple[float, ...]
    scale: float | tuple[float, ...]
    share: float = 1.0


FAMILIES: Mapping[str, Family] = {
    "grey": Family(4, 0.55, 0.16),
    "chroma": Family(8, 0.0, 0.06),
    "contrast": Family(4, -2.0, 0.45),
    "colourfulness": Family(2, (-3.1, -3.8), 0.4),
    "detail": Family(1, -3.3, 0.4),
    "spectrum": Family(2, 0.1, 0.15, share=2.0),
    "direction": Family(9, 0.0, 0.13),
    "peak": Family(3, 0.85, 0.12),
    "noise": Family(4, (-1.6, -1.0, -1.5, -1.0), 0.28, share=2.0),
    "change": Family(1, -2.9, 0.6, share=2.0),
    "growth": Family(3, (0.38, 0.32, 0.25), 0.1),
    "sorted_near": Family(1, 0.7, 0.16, share=2.0),
    "sorted": Family(1, 0.7, 0.16, share=2.0),
    "steps": Family(3, (-0.45, 0.3, 0.15), 0.27),
    "bursts": Family(2, (-1.2, 0.8), 0.5),
    "change_trend": Family(1, 0.0, 0.3),
    "rough": Family(4, (0.55, 0.67, 0.57, 0.7), 0.16),
    "from_first": Family(3, (-0.45, -0.2, -0.05), 0.28),
    "from_last": Family(3, (-0.45, -0.2, -0.05), 0.28),
    "drift": Family(3, (-4.7, -5.1, -5.3), 0.5),
    "local_drift": Family(3, (-3.7, -4.5, -5.0), 0.55),
    "flicker": Family(3, (-5.0, -5.3, -5.4), 0.4),
    "detail_trend": Family(2, 0.0, 0.06),
    "detail_flicker": Family(1, -3.7, 0.5),
    "speeds": Family(6, (0.4, 0.35, 0.5, 0.35, 0.2, 0.1), 0.23),
    "directions": Family(4, 0.3, 0.17),
    "speed": Family(4, -3.2, 0.8, share=2.0),
    "speed_trend": Family(4, 0.0, 0.5),
    "speed_steps": Family(3, (-0.5, 0.4, 0.2), 0.4),
    "boundaries": Family(2, (1.6, 0.9), 0.4),
    "expansion": Family(2, 0.0, 0.35),
    "bending": Family(2, -0.43, 0.16),
    "camera": Family(3, (-3.6, -3.2, -4.0), 0.9),
    "straightness": Family(2, (-0.2, -0.45), 0.5),
    "accelerations": Family(6, (0.75, 0.25, 0.24, 0.22, 0.17, 0.1), 0.2),
    "acceleration": Family(2, (-3.4, -1.3), 0.85, share=1 / 3),
    "jolt": Family(4, (0.17, 0.23, 0.57, 0.78), (0.19, 0.19, 0.32, 0.32), share=1 / 3),
}
DIMENSIONS = sum(family.size for family in FAMILIES.values())
SHARES = sum(family.share for family in FAMILIES.values())


def embedding(features: Mapping[str, NDArray[np.float64]]) -> NDArray[np.float32]:
    """float32 [DIMENSIONS]: the families in order, each centred, scaled, squashed and weighted by its share.

    A family's expected squared length is in proportion to its share, whatever its number of features, and the mean
    square of a coordinate is about 1, as the kernel of the kernel distance expects.
    """
    parts = []
    for name, family in FAMILIES.items():
        centred = (features[name] - np.asarray(family.centre)) / (LIMIT * np.asarray(family.scale))
        weight = np.sqrt(DIMENSIONS * family.share / (SHARES * family.size))
        parts.append(weight * LIMIT * np.tanh(centred))
    return np.concatenate(parts).astype(np.float32)
