"""What the differences between all pairs of frames tell: which frames repeat, and whether they come in order.

Range: `repeated` 0 to 1, `disorder` >= 0; a clip that moves steadily has 0 of both. Failure modes: a motion that
swings back passes through the same places, so frames are compared with those around them only, and both are read
against what is expected.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

REPEAT = 0.2  # of the typical difference of consecutive frames: below it a frame repeats the one before
AROUND = 4  # frames to either side among which the nearest one is looked for
FLAT = 0.25  # grey levels: what encoding alone changes


def repeated(apart: Floats, typical: float) -> float:
    """Share of the frames that repeat the one before.

    Args:
        apart: float64 [T, T], T >= 2, differences between frames in grey levels.
        typical: a difference of consecutive frames that move, grey levels.
    """
    return float(np.mean(np.diag(apart, 1) <= max(FLAT, REPEAT * typical)))


def typical_step(apart: Floats) -> float:
    """Median difference of consecutive frames, grey levels."""
    return float(np.median(np.diag(apart, 1)))


def disorder(apart: Floats) -> float:
    """log of the mean difference to the next frame over the mean one to the nearest frame that is not the same.

    0 where each frame is most like its successor. Frames that repeat others say nothing about order and are left out.
    """
    steps, nearest = [], []
    for t in range(len(apart) - 1):
        others = np.concatenate([apart[t, max(0, t - AROUND) : t], apart[t, t + 1 : t + 1 + AROUND]])
        others = others[others > FLAT]
        if len(others) and apart[t, t + 1] > FLAT:
            steps.append(float(apart[t, t + 1]))
            nearest.append(float(others.min()))
    return math.log(math.fsum(steps) / math.fsum(nearest)) if nearest else 0.0
