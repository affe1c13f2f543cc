"""What the network gets to see of a video: numbers about each object and about the scene, on one clock and one scale.

Everything is measured on pictures of 128 pixels on the long side and brought to 16 instants, an eighth of a second
apart, so that size, frame rate and length of a video change as little as possible. Motion is that against the
background: the camera's affine motion is fitted to the flow and taken out, as prompts speak of directions in the world.

Positions are in half long sides from the frame's centre, speeds in pixels of 128 per eighth of a second.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from motionbench.backends.classical.camera import camera_field

Floats = NDArray[np.float32]
Series = NDArray[np.float64]

SIDE = 128
STEPS = 16
RATE = 8.0  # instants per second
CROP, SCENE = 24, 48
LOOKS = (0, 5, 10, 15)  # the instants at which an object's picture is cut out
ROOM = 1.2  # side of that picture, in sides of the object's box in frame 0

OBJECT_CHANNELS = (
    *("x", "y", "own_x", "own_y", "area", "seen", "var_x", "var_y", "cov", "red", "green", "blue", "spread"),
    *("flow_x", "flow_y", "grow", "turn", "shear_a", "shear_b", "rest"),
)
SCENE_CHANNELS = ("camera_x", "camera_y", "camera_grow", "camera_turn", "shown")


@dataclass(frozen=True, slots=True)
class Observation:
    """One video as the network sees it; K objects in the order of the masks.

    Attributes:
        series: float32 [K, 16, len(OBJECT_CHANNELS)].
        crops: uint8 [K, 4, 24, 24, 4], red, green, blue and mask (0 or 255) around each object at `LOOKS`.
        camera: float32 [16, len(SCENE_CHANNELS)].
        picture: uint8 [48, 48, 4], frame 0 and its objects' masks.
    """

    series: Floats
    crops: NDArray[np.uint8]
    camera: Floats
    picture: NDArray[np.uint8]


def observe(frames: NDArray[np.uint8], times: NDArray[np.float64], uv: Floats, masks: NDArray[np.bool_]) -> Observation:
    """Measure a video.

    Args:
        frames: uint8 [T, H, W, 3], T >= 2.
        times: float64 [T] seconds, strictly increasing from 0.
        uv: float32 [T-1, H, W, 2] flow in pixels from frame t to t + 1.
        masks: bool [K, T, H, W], where each object is seen.

    Returns:
        The observation; finite whatever the input.
    """
    film = _Film.of(frames, times, uv)
    found = [_object(film, _planes(plane, film)) for plane in masks]
    series = [s for s, _ in found] or np.zeros((0, STEPS, len(OBJECT_CHANNELS)))
    crops = [c for _, c in found] or np.zeros((0, len(LOOKS), CROP, CROP, 4))
    any0: NDArray[np.bool_] = np.logical_or.reduce(masks[:, 0], axis=0)
    return Observation(
        np.asarray(series, np.float32), np.asarray(crops, np.uint8), film.camera(), _picture(frames[0], any0)
    )


@dataclass(frozen=True, slots=True)
class _Film:
    """A video at the working size.

    Attributes:
        frames: uint8 [T, h, w, 3].
        times: float64 [T].
        own: float32 [T-1, h, w, 2], the flow against the camera's.
        steps: float64 [T-1, 2, 3], the camera's affine displacement from each frame to the next.
        maps: float64 [T, 3, 3], from frame 0 to each frame along the camera.
    """

    frames: NDArray[np.uint8]
    times: NDArray[np.float64]
    own: Floats
    steps: Series
    maps: Series

    @classmethod
    def of(cls, frames: NDArray[np.uint8], times: NDArray[np.float64], uv: Floats) -> _Film:
        native = frames.shape[1:3]
        factor = SIDE / max(native)
        h, w = (max(8, round(n * factor)) for n in native)
        sy, sx = h / native[0], w / native[1]
        small = np.stack([cv2.resize(f, (w, h), interpolation=cv2.INTER_AREA) for f in frames])
        field = np.stack([cv2.resize(f, (w, h), interpolation=cv2.INTER_AREA) for f in uv])
        field *= np.array([sx, sy], np.float32)
        own, steps = np.empty_like(field), np.empty((len(field), 2, 3))
        for t, flow in enumerate(field):
            camera = camera_field(flow)
            own[t] = flow - camera
            right, down = (camera[0, -1] - camera[0, 0]) / (w - 1), (camera[-1, 0] - camera[0, 0]) / (h - 1)
            steps[t] = np.stack([right, down, camera[0, 0]], 1)
        maps = [np.eye(3)]
        for step in steps:
            maps.append((np.eye(3) + np.vstack([step, np.zeros(3)])) @ maps[-1])
        return cls(small, times, own, steps, np.stack(maps))

    def clocked(self, values: Series) -> Series:
        """A series [T, ...] (held after its end) or [T-1, ...] (a step's rate, 0 after the end) at the instants."""
        at = np.arange(STEPS) / RATE
        flat = values.reshape(len(values), -1)
        if len(values) == len(self.times):
            found = [np.interp(at, self.times, column) for column in flat.T]
        else:
            gaps = np.diff(self.times)
            middle = (self.times[1:] + self.times[:-1]) * 0.5
            rates = flat / (gaps * RATE)[:, None]
            found = [np.interp(at + 0.5 / RATE, middle, column) for column in rates.T]
            found = [np.where(at + 0.5 / RATE > self.times[-1], 0.0, column) for column in found]
        return np.stack(found, 1).reshape(STEPS, *values.shape[1:])

    def home(self, xy: Series) -> Series:
        """Points [..., T, 2] of each frame where they would lie without the camera's motion (in frame 0)."""
        back = np.linalg.inv(self.maps)
        return np.asarray(np.einsum("tij,...tj->...ti", back[:, :2, :2], xy) + back[:, :2, 2])

    def centred(self, xy: Series) -> Series:
        """Pixels to half long sides from the centre."""
        h, w = self.frames.shape[1:3]
        return np.asarray((xy - np.array([(w - 1) * 0.5, (h - 1) * 0.5])) / (SIDE * 0.5))

    def camera(self) -> Floats:
        """The camera's motion at the frame's centre, float32 [16, len(SCENE_CHANNELS)]."""
        h, w = self.frames.shape[1:3]
        centre = np.array([(w - 1) * 0.5, (h - 1) * 0.5, 1.0])
        linear = self.steps[:, :, :2]
        rates = np.stack(
            [
                *(self.steps @ centre).T,
                (linear[:, 0, 0] + linear[:, 1, 1]) * 32.0,
                (linear[:, 1, 0] - linear[:, 0, 1]) * 32.0,
            ],
            1,
        )
        shown = (np.arange(STEPS) / RATE <= self.times[-1] + 1e-6).astype(np.float64)
        return np.concatenate([self.clocked(rates), shown[:, None]], 1).astype(np.float32)


def _planes(masks: NDArray[np.bool_], film: _Film) -> NDArray[np.bool_]:
    h, w = film.frames.shape[1:3]
    if masks.shape[1:] == (h, w):
        return masks
    return np.stack([cv2.resize(m.astype(np.float32), (w, h), interpolation=cv2.INTER_AREA) > 0.5 for m in masks])


def _picture(frame: NDArray[np.uint8], mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    both = np.dstack([frame, mask.astype(np.uint8) * np.uint8(255)])
    return np.asarray(cv2.resize(both, (SCENE, SCENE), interpolation=cv2.INTER_AREA), np.uint8)


def _object(film: _Film, planes: NDArray[np.bool_]) -> tuple[Series, NDArray[np.uint8]]:
    """The series [16, C] and the crops of one object."""
    shape, box = _shapes(film, planes)
    own = film.centred(film.home(shape[:, :2]))
    centre = film.centred(shape[:, :2])
    flow = np.stack([_flow_inside(field, plane) for field, plane in zip(film.own, planes[:-1], strict=True)])
    series = [film.clocked(np.concatenate([centre, own, shape[:, 2:]], 1)), film.clocked(flow)]
    return np.concatenate(series, 1), _crops(film, planes, shape[:, :2], box)


def _shapes(film: _Film, planes: NDArray[np.bool_]) -> tuple[Series, float]:
    """An object's place, shape and colour in every frame.

    Returns:
        float64 [T, 11]: centre x, y in pixels (the last one where nothing is seen), area over the area in frame 0, seen
        (1 or 0), second moments over that area, mean colour, spread of brightness; and the side of its box in frame 0.
    """
    first = max(16.0, float(planes[0].sum()))
    out = np.zeros((len(planes), 11))
    h, w = planes.shape[1:]
    out[:, :2] = (w - 1) * 0.5, (h - 1) * 0.5
    box = 12.0
    for t, plane in enumerate(planes):
        y, x = np.nonzero(plane)
        if len(y) < 4:
            if t:
                out[t] = out[t - 1]
                out[t, 2:4] = 0.0
            continue
        cx, cy = x.mean(), y.mean()
        colours = film.frames[t][y, x].astype(np.float64) / 255.0
        out[t, :4] = cx, cy, min(len(y) / first, 6.0), 1.0
        dx, dy = x - cx, y - cy
        out[t, 4:7] = np.array([(dx * dx).mean(), (dy * dy).mean(), (dx * dy).mean()]) / first
        out[t, 7:10] = colours.mean(0)
        out[t, 10] = colours.mean(1).std()
        if t == 0:
            box = float(max(np.ptp(x), np.ptp(y)) + 1)
    return out, box


def _flow_inside(field: Floats, plane: NDArray[np.bool_]) -> Series:
    """Mean flow, growth, turn and two shears (per 32 pixels) of the affine fit inside a plane, and what it leaves."""
    y, x = np.nonzero(cv2.erode(plane.astype(np.uint8), np.ones((3, 3), np.uint8)))
    if len(y) < 12:
        return np.zeros(7)
    uv = field[y, x].astype(np.float64)
    arms = np.stack([x - x.mean(), y - y.mean()], 1)
    mean = uv.mean(0)
    gradient = np.linalg.lstsq(arms, uv - mean, rcond=None)[0]
    rest = uv - mean - arms @ gradient
    (a, c), (b, d) = gradient
    linear = np.array([a + d, c - b, a - d, b + c]) * 16.0
    return np.concatenate([mean, linear, [np.sqrt((rest * rest).sum(1).mean())]])


def _crops(film: _Film, planes: NDArray[np.bool_], centres: Series, box: float) -> NDArray[np.uint8]:
    side = max(12.0, box * ROOM)
    out = np.zeros((len(LOOKS), CROP, CROP, 4), np.uint8)
    for i, look in enumerate(LOOKS):
        t = int(np.argmin(np.abs(film.times - look / RATE)))
        both = np.dstack([film.frames[t], planes[t].astype(np.uint8) * np.uint8(255)])
        zoom = side / CROP
        corner = centres[t] - (side - zoom) * 0.5
        move = np.array([[zoom, 0.0, corner[0]], [0.0, zoom, corner[1]]])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        out[i] = cv2.warpAffine(both, move, (CROP, CROP), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return out
