"""Small textured scenes with known motion, and backends run in their order."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import cv2
import numpy as np
import pytest

from motionbench.backends.classical import CARRIED_MASKS, DIS, LK_TRACKS, LK_WINDOWS
from motionbench.types import Case, Clip, Features, InputMatch, Inputs, Object, Video


class _NoPicture:
    def load(self) -> np.ndarray:
        raise AssertionError("a backend must not load a case's assets again")

    def digest(self) -> str:
        return ""


def texture(seed: int, height: int, width: int, level: float = 128.0) -> np.ndarray:
    """Smooth multi-octave noise, float32 [H, W, 3] around `level`."""
    rng = np.random.default_rng(seed)
    total = np.zeros((height, width, 3), np.float32)
    for cells in (4, 8, 16, 32):
        noise = rng.normal(size=(cells, cells, 3)).astype(np.float32)
        total += cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC) / cells**0.5
    return np.clip(total / total.std() * 30 + level, 0, 255)


def moving_square(
    frames: int = 9, size: int = 128, step: tuple[float, float] = (3.0, 1.0), vanish: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """A textured square over a still textured ground: frames uint8 [T, H, W, 3], and its masks bool [T, H, W]."""
    ground, own = texture(1, size, size, 90.0), texture(2, size, size, 170.0)
    y, x = np.mgrid[:size, :size].astype(np.float32)
    pictures, masks = [], []
    for t in range(frames):
        left, top = 30 + step[0] * t, 40 + step[1] * t
        inside = (x >= left) & (x < left + 32) & (y >= top) & (y < top + 32)
        if vanish is not None and t >= vanish:
            inside[:] = False
        moved = cv2.remap(own, x - left + 30, y - top + 40, cv2.INTER_LINEAR)
        pictures.append(np.where(inside[..., None], moved, ground))
        masks.append(inside)
    return np.stack(pictures).round().astype(np.uint8), np.stack(masks)


def make_inputs(frames: np.ndarray, masks0: np.ndarray | None, fps: float = 8.0) -> Inputs:
    """Inputs as the engine would make them, the case's picture being frame 0."""
    count, height, width = frames.shape[:3]
    clip = Clip(Video(frames, np.arange(count) / fps), (height, width), (0, 0, height, width), 1, fps)
    ids = np.arange(1, 1 + (0 if masks0 is None else len(masks0)), dtype=np.int64)
    objects = tuple(Object(int(i), f"thing {i}", f"thing {i}") for i in ids)
    case = Case("case", "single", "", "", "", "", objects, _NoPicture())
    return Inputs(
        case, clip, frames[0], np.ones((height, width), np.bool_), masks0, ids, InputMatch(1.0, 0.0, 0.0, 1.0)
    )


def run_all(inputs: Inputs) -> dict[str, Features]:
    """Features of the four classical roles."""
    upstream: dict[str, Features] = {}
    for backend in (DIS, LK_TRACKS, CARRIED_MASKS, LK_WINDOWS):
        given: Mapping[str, Features] = {role: upstream[role] for role in backend.requires}
        upstream[backend.role] = backend.load()(inputs, given)
    return upstream


@pytest.fixture(scope="session")
def square() -> tuple[np.ndarray, np.ndarray]:
    return moving_square()


@pytest.fixture(scope="session")
def square_features(square: tuple[np.ndarray, np.ndarray]) -> dict[str, Features]:
    frames, masks = square
    return run_all(make_inputs(frames, masks[None, 0]))


@pytest.fixture(scope="session")
def make_square() -> Callable[..., tuple[np.ndarray, np.ndarray]]:
    return moving_square


@pytest.fixture(scope="session")
def make_texture() -> Callable[..., np.ndarray]:
    return texture


@pytest.fixture(scope="session")
def inputs_of() -> Callable[..., Inputs]:
    return make_inputs


@pytest.fixture(scope="session")
def features_of() -> Callable[[Inputs], dict[str, Features]]:
    return run_all
