"""Where and how fast things move, from the flow: speeds, directions, boundaries, camera, and change along the path.

Histograms of flow and motion boundaries follow Dalal, Triggs and Schmid, "Human detection using oriented histograms of
flow and appearance", ECCV 2006. A speed is in picture diagonals per second.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from motionbench.backends.descriptor.planes import MIDDLE, Floats, cells, log, resized, trend

Series = NDArray[np.float64]

SPEED_FLOOR = 0.01  # diagonals per second; about 0.45 pixels per frame at 256 x 256 and 8 fps
BINS = 6
BIN_RANGE = (np.log2(0.006), np.log2(0.8))  # about 0.3 to 36 pixels per frame at 256 x 256 and 8 fps


def motion(uv: Floats, times: NDArray[np.float64]) -> dict[str, Series]:
    """Features of a flow float32 [T-1, H, W, 2] (pixels per frame of any size); T at least 5."""
    diagonal = np.float32(np.hypot(*uv.shape[1:3]))
    steps = np.stack([resized(field, MIDDLE) for field in uv]) / diagonal
    height, width = steps.shape[1:3]
    velocity = steps / np.diff(times).astype(np.float32)[:, None, None, None]
    speed = np.sqrt((velocity * velocity).sum(-1))
    direct = velocity / (speed + np.float32(0.05))[..., None]
    parts = np.stack([np.maximum(s * direct[..., i], 0) for i in (0, 1) for s in (1, -1)])
    slow = cells(log(speed, SPEED_FLOOR).astype(np.float32), 2)
    means = speed.mean((1, 2), dtype=np.float64)
    logs, mean = log(means, SPEED_FLOOR), log(means.mean(), SPEED_FLOOR)
    scale = diagonal * np.array([width / uv.shape[2], height / uv.shape[1]], np.float32)
    return {
        "speeds": _histogram(speed),
        "directions": np.sqrt(parts.mean((1, 2, 3), dtype=np.float64)),
        "speed": slow.mean(0, dtype=np.float64).ravel(),
        "speed_trend": trend(slow).ravel(),
        "speed_steps": np.array([logs.min() - mean, logs.max() - mean, np.abs(np.diff(logs)).mean()]),
        **_boundaries(velocity, means.mean()),
        **_camera(velocity),
        **_path(velocity, steps * scale),
    }


def _histogram(speed: Floats) -> Series:
    """Square roots of the shares of `BINS` soft bins, even in the logarithm of speed."""
    low, high = BIN_RANGE
    at = (np.clip(np.log2(speed + np.float32(1e-4)), low, high) - low) / (high - low) * (BINS - 1)
    return np.sqrt([np.maximum(1 - np.abs(at - k), 0).mean(dtype=np.float64) for k in range(BINS)])


def _boundaries(velocity: Floats, speed: float) -> dict[str, Series]:
    """Spatial derivatives of the velocity per side of a square picture: boundaries, spreading and turning."""
    x = (velocity[:, :-1, 1:] - velocity[:, :-1, :-1]) * MIDDLE
    y = (velocity[:, 1:, :-1] - velocity[:, :-1, :-1]) * MIDDLE
    size = np.sqrt((x * x).sum(-1) + (y * y).sum(-1))
    mean, energy = size.mean(dtype=np.float64), np.sqrt((size * size).mean(dtype=np.float64))
    spread, turn = x[..., 0] + y[..., 1], x[..., 1] - y[..., 0]
    level = log(mean, 0.02)
    return {
        "boundaries": np.array([level - log(speed, 0.02), log(energy, 0.02) - level]),
        "expansion": np.arcsinh(5 * np.array([g.mean(dtype=np.float64) for g in (spread, turn)])),
        "bending": np.array([log(np.abs(g).mean(dtype=np.float64), 0.02) - level for g in (spread, turn)]),
    }


def _camera(velocity: Floats) -> dict[str, Series]:
    """The median velocity of each frame stands for the camera: its speed, what remains, how straight and even it is."""
    camera = np.median(velocity.reshape(len(velocity), -1, 2), axis=1).astype(np.float64)
    rest = np.sqrt(((velocity - camera[:, None, None].astype(np.float32)) ** 2).sum(-1)).mean(dtype=np.float64)
    own = log(np.hypot(*camera.T).mean(), SPEED_FLOOR)
    shake = log(np.hypot(*np.diff(camera, axis=0).T).mean(), SPEED_FLOOR)
    return {
        "camera": np.array([own, log(rest, SPEED_FLOOR), shake]),
        "straightness": np.array([log(np.hypot(*camera.mean(0)), SPEED_FLOOR) - own, shake - own]),
    }


def _path(velocity: Floats, pixels: Floats) -> dict[str, Series]:
    """Change of velocity along the path of each pixel: its size, its share of the speed, and the turn.

    Args:
        velocity: float32 [T-1, h, w, 2].
        pixels: float32 [T-1, h, w, 2], the same as displacement in pixels of the working picture.
    """
    height, width = velocity.shape[1:3]
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    after = np.stack(
        [
            cv2.remap(v, columns + d[..., 0], rows + d[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            for v, d in zip(velocity[1:], pixels[:-1], strict=True)
        ]
    )
    before = velocity[:-1]
    change = after - before
    size = np.sqrt((change * change).sum(-1))
    a, b = np.sqrt((before * before).sum(-1)), np.sqrt((after * after).sum(-1))
    weight = (a + b) / ((a + b).mean(dtype=np.float64) + 1e-6)
    share = size / (a + b + np.float32(2 * SPEED_FLOOR))
    cosine = (before * after).sum(-1) / (a * b + np.float32(25e-6))
    level = log(size.mean(dtype=np.float64), SPEED_FLOOR)
    return {
        "accelerations": _histogram(size),
        "acceleration": np.array([level, level - log((a + b).mean(dtype=np.float64), 2 * SPEED_FLOOR)]),
        "jolt": np.array([v.mean(dtype=np.float64) for v in (share, share * weight, cosine, cosine * weight)]),
    }
