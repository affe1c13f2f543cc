"""What is in the picture: colour, contrast, and the statistics of gradients on three scales.

Ratios of neighbouring scales and of directions react to blur, noise and block artefacts whatever the contrast, because
natural pictures keep them nearly constant (Field, "Relations between the statistics of natural images and the
response properties of cortical cells", JOSA A 1987).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from motionbench.backends.descriptor.planes import Floats, Planes, cells, log

SCALES = 3
GRADIENT_FLOOR = 0.002  # half a grey level
HALF_ROOT = np.float32(np.sqrt(0.5))


def content(planes: Planes) -> dict[str, NDArray[np.float64]]:
    """Features that do not depend on the order of the frames."""
    first = cells(planes.colour, 2)
    second = cells(planes.colour * planes.colour, 2)
    spread = np.sqrt(np.maximum(second - first * first, 0)).mean(1, dtype=np.float64)
    mean = first.mean(1, dtype=np.float64)
    return {
        "grey": mean[0].ravel(),
        "chroma": mean[1:].ravel(),
        "contrast": log(spread[0], 0.02).ravel(),
        "colourfulness": log(spread[1:].mean((1, 2)), 0.01),
        **_gradients(planes.fine),
    }


def _gradients(luma: Floats) -> dict[str, NDArray[np.float64]]:
    """Gradient level, direction, peakedness and fine noise of luma [T, h, w], over a pyramid of `SCALES` levels."""
    level, direction, peak, noise = [], [], [], []
    for scale in range(SCALES):
        corner, right = luma[:, :-1, :-1], luma[:, :-1, 1:]
        below, across = luma[:, 1:, :-1], luma[:, 1:, 1:]
        x, y = right - corner, below - corner
        falling, rising = (across - corner) * HALF_ROOT, (below - right) * HALF_ROOT
        means = np.array([np.abs(g).mean(dtype=np.float64) for g in (x, y, falling, rising)])
        logs = log(means, GRADIENT_FLOOR)
        level.append(logs.mean())
        direction += [logs[0] - logs[1], logs[2] - logs[3], logs[:2].sum() - logs[2:].sum()]
        energy = np.sqrt((x * x + y * y).mean(dtype=np.float64))
        peak.append(log(energy, GRADIENT_FLOOR) - log(means[:2].mean(), GRADIENT_FLOOR))
        if scale < SCALES - 1:
            twist = np.abs(across - right - below + corner) / 2  # the diagonal Haar coefficient
            typical = log(np.median(twist[:, ::2, ::2]), GRADIENT_FLOOR)
            noise += [typical - level[-1], log(twist.mean(dtype=np.float64), GRADIENT_FLOOR) - level[-1]]
            luma = np.stack([cv2.pyrDown(picture) for picture in luma])
    return {
        "detail": np.array(level[-1:]),
        "spectrum": np.diff(level),
        "direction": np.array(direction),
        "peak": np.array(peak),
        "noise": np.array(noise),
    }
