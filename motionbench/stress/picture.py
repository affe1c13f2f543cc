"""Corruptions of the whole picture: where it is, what colours it has, how it bends. Frame 0 stays."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from motionbench.backends.classical.opencv import single_thread
from motionbench.errors import NotApplicable
from motionbench.stress.layers import UNKNOWN, shift, soft, to_bytes
from motionbench.stress.material import Material
from motionbench.stress.temporal import freeze, frozen_from

Floats = NDArray[np.float64]

JITTER = (0.25, 0.5, 1.0, 2.0, 4.0)  # sigma in pixels
DRIFT = (0.25, 0.5, 1.0, 2.0, 4.0)  # pixels per frame
ELASTIC = (0.5, 1.0, 2.0, 3.0, 5.0)  # RMS displacement in pixels
FLICKER = (0.02, 0.05, 0.1, 0.2, 0.3)  # relative amplitude: two standard deviations
COLOUR = (0.04, 0.08, 0.16, 0.28, 0.45)  # relative change of the channels' gains by the last frame
COARSE = 5  # knots of an elastic field along the long side
FINE = 24  # knots of a flicker field along the long side
ZOOM, PAN = 0.012, 1.0  # Ken-Burns: growth and pixels per frame


def camera_jitter(material: Material, severity: int, seed: int, object_id: int | None) -> Material:
    """Every frame is displaced on its own, the picture mirrored at its border."""
    offsets = np.random.default_rng(seed).standard_normal((len(material.frames), 2)) * JITTER[severity - 1]
    return _displaced(material, offsets)


def _displaced(material: Material, offsets: Floats) -> Material:
    frames, masks = material.frames.copy(), material.masks.copy()
    with single_thread():
        for at in range(1, len(frames)):
            frames[at] = warped(frames[at], shift(*offsets[at]))
            for plane in masks:
                plane[at] = warped(plane[at].astype(np.uint8) * 255, shift(*offsets[at])) > 127
    return material.with_frames(frames, masks)


def warped(picture: NDArray[np.uint8], move: Floats) -> NDArray[np.uint8]:
    """A picture under a 3 x 3 map from old to new pixels, mirrored beyond its border."""
    size = (picture.shape[1], picture.shape[0])
    moved = cv2.warpPerspective(picture, move, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)
    return np.asarray(moved, dtype=np.uint8)


def ken_burns(material: Material, severity: int, seed: int, object_id: int | None) -> Material:
    """From some frame on nothing moves but a slow zoom and pan over that frame; at the top, from frame 0 on."""
    still = freeze(material, severity, seed, object_id)
    start = frozen_from(len(material.frames), severity)
    angle = np.random.default_rng(seed).uniform(0, 2 * np.pi)
    height, width = material.frames.shape[1:3]
    frames, masks = still.frames.copy(), still.masks.copy()
    with single_thread():
        for at in range(start + 1, len(frames)):
            gain, way = (1 + ZOOM) ** (at - start), PAN * (at - start)
            x = width / 2 * (1 - gain) + way * np.cos(angle)
            y = height / 2 * (1 - gain) + way * np.sin(angle)
            move = np.array([[gain, 0, x], [0, gain, y], [0, 0, 1.0]])
            frames[at] = warped(frames[at], move)
            for plane in masks:
                plane[at] = warped(plane[at].astype(np.uint8) * 255, move) > 127
    return still.with_frames(frames, masks)


def background_drift(material: Material, severity: int, seed: int, object_id: int | None) -> Material:
    """The background slides away under the objects, which stay where they are.

    Raises:
        NotApplicable: no objects, or what the sliding background uncovers is shown by no frame.
    """
    if not len(material.masks):
        raise NotApplicable("there are no masks of objects")
    pace = DRIFT[severity - 1]
    angle = np.random.default_rng(seed).uniform(0, 2 * np.pi)
    everything = tuple(int(k) for k in material.object_ids)
    kept = material.backdrop.kept
    if "empty" not in kept:
        kept["empty"] = material.backdrop.plate(everything)
    plate = kept["empty"]
    frames = material.frames.copy()
    objects = plate.whole
    with single_thread():
        for at in range(1, len(frames)):
            move = shift(pace * at * np.cos(angle), pace * at * np.sin(angle))
            alpha = soft(objects[at])[..., None]
            frames[at] = to_bytes(warped(plate.frames[at], move) * (1 - alpha) + frames[at] * alpha)
            lost = warped((~plate.known[at]).astype(np.uint8) * 255, move) > 127
            if (lost & ~objects[at]).sum() > UNKNOWN * objects[at].sum():
                raise NotApplicable("no frame shows what is behind the objects")
    return material.with_frames(frames)


def elastic_consistent(material: Material, severity: int, seed: int, object_id: int | None) -> Material:
    """The picture bends by one smooth field that sets in over the first half of the clip and then stays."""
    count = len(material.frames)
    field = _field(material, np.random.default_rng(seed))
    grows = np.minimum(1.0, np.arange(count) / max(1, count // 2))
    return _bent(material, [field * (ELASTIC[severity - 1] * part) for part in grows])


def elastic_inconsistent(material: Material, severity: int, seed: int, object_id: int | None) -> Material:
    """The picture bends by another smooth field in every frame."""
    rng = np.random.default_rng(seed)
    return _bent(material, [_field(material, rng) * ELASTIC[severity - 1] for _ in material.frames])


def _field(material: Material, rng: np.random.Generator) -> NDArray[np.float32]:
    """A smooth displacement, RMS 1 pixel: float32 [H, W, 2]."""
    return _smooth(rng, material.frames.shape[1:3], COARSE, 2)


def _smooth(rng: np.random.Generator, size: tuple[int, ...], knots: int, channels: int) -> NDArray[np.float32]:
    height, width = size
    step = max(height, width) / knots
    coarse = rng.standard_normal((max(2, round(height / step)) + 1, max(2, round(width / step)) + 1, channels))
    field = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC).reshape(height, width, channels)
    return np.asarray(field / np.sqrt((field**2).sum(-1).mean()), dtype=np.float32)


def _bent(material: Material, fields: list[NDArray[np.floating]]) -> Material:
    frames, masks = material.frames.copy(), material.masks.copy()
    height, width = frames.shape[1:3]
    grid = np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1).astype(np.float32)
    with single_thread():
        for at in range(1, len(frames)):
            where = (grid + fields[at]).astype(np.float32)
            frames[at] = cv2.remap(frames[at], where, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)
            for plane in masks:
                source = plane[at].astype(np.uint8) * 255
                plane[at] = cv2.remap(source, where, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101) > 127
    return material.with_frames(frames, masks)


def texture_flicker(material: Material, severity: int, seed: int, object_id: int | None) -> Material:
    """Brightness in patches changes at random from frame to frame."""
    rng = np.random.default_rng(seed)
    frames = material.frames.copy()
    with single_thread():
        for at in range(1, len(frames)):
            gain = 1 + FLICKER[severity - 1] / 2 * _smooth(rng, frames.shape[1:3], FINE, 1)
            frames[at] = to_bytes(frames[at] * gain)
    return material.with_frames(frames)


def colour_drift(material: Material, severity: int, seed: int, object_id: int | None) -> Material:
    """One channel gains and another loses, evenly over the clip."""
    gaining, losing = np.random.default_rng(seed).permutation(3)[:2]
    count = len(material.frames)
    gains = np.ones((count, 1, 1, 3), np.float32)
    part = COLOUR[severity - 1] * np.arange(count) / max(1, count - 1)
    gains[:, 0, 0, gaining] += part
    gains[:, 0, 0, losing] -= part
    return material.with_frames(to_bytes(material.frames * gains))
