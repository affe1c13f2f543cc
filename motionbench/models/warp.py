"""The baseline with motion but without understanding: objects and camera moved by smooth random affine motion.

The objects are cut out by their first-frame masks, what they hid is inpainted (Telea 2004, OpenCV), and each is carried
along its own path; the camera pans and zooms inside the picture, so that no border shows. Nothing bends, nothing obeys
the prompt. Frame 0 is the input, bit for bit.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from motionbench.errors import ConfigError
from motionbench.types import Request, Video

INPAINT_SIDE = 256  # inpainting is done at most at this size: its time grows with the hole's area
Matrix = NDArray[np.float64]  # 3 x 3, maps input pixels (x, y, 1) to output pixels


@dataclass(frozen=True, slots=True)
class _Layer:
    """A cut-out and its motion over the whole clip.

    colour uint8 [H, W, 3]; alpha float32 [H, W] in 0..1; centre (x, y) that it turns about; shift and bend in pixels;
    angle in degrees; zoom as a factor.
    """

    colour: NDArray[np.uint8]
    alpha: NDArray[np.float32]
    centre: tuple[float, float]
    shift: tuple[float, float]
    bend: tuple[float, float]
    angle: float
    zoom: float


class WarpModel:
    """Moves the objects in front of the inpainted background, and the camera.

    Args:
        strength: scales all motion; 1 moves an object by 6 to 14 % of the diagonal in the whole clip, 0 not at all.

    Raises:
        ConfigError: the strength is negative, too large or no number.
    """

    name = "warp"

    def __init__(self, strength: float = 1.0) -> None:
        if isinstance(strength, bool) or not isinstance(strength, (int, float)) or not 0 <= strength <= 4:
            raise ConfigError(f"warp: strength is {strength!r}, expected a number from 0 to 4")
        self.strength = float(strength)

    def generate(self, request: Request) -> Video:
        """Return `request.frames` frames of the image's own size, uint8 [T, H, W, 3], at `request.fps`."""
        rng = np.random.default_rng(request.seed)
        image = np.ascontiguousarray(request.image)
        camera = self._camera(rng, image.shape[1], image.shape[0])
        masks = _disjoint(request.masks0, image.shape[:2])
        layers = [self._layer(rng, image, mask, hidden) for mask, hidden in masks]
        background = _fill(image, np.any([mask for mask, _ in masks], axis=0)) if masks else image
        frames = np.empty((request.frames, *image.shape), np.uint8)
        for index in range(request.frames):
            time = index / max(1, request.frames - 1)
            # The first frame is copied: a blend with alpha 1 would round to the same bytes only almost always.
            frames[index] = image if index == 0 else _compose(background, layers, camera, time)
        return Video(frames, np.arange(request.frames, dtype=np.float64) / request.fps)

    def _camera(self, rng: np.random.Generator, width: int, height: int) -> tuple[float, float, float]:
        """Final zoom, and the final offset of the view's centre as a share of the play that the zoom gives."""
        zoom = 1 + self.strength * float(rng.uniform(0.05, 0.12))
        pan = rng.uniform(-1, 1, 2)
        return zoom, float(pan[0]) * (width - 1), float(pan[1]) * (height - 1)

    def _layer(
        self, rng: np.random.Generator, image: NDArray[np.uint8], mask: NDArray[np.bool_], hidden: NDArray[np.bool_]
    ) -> _Layer:
        height, width = mask.shape
        diagonal = float(np.hypot(height, width))
        rows, columns = np.nonzero(mask)
        centre = (float(columns.mean()), float(rows.mean()))
        length = self.strength * diagonal * float(rng.uniform(0.06, 0.14))
        heading = float(rng.uniform(0, 2 * np.pi))
        shift = np.array([np.cos(heading), np.sin(heading)]) * length
        bend = np.array([-shift[1], shift[0]]) * float(rng.uniform(-0.35, 0.35))
        for axis, (place, size, low, high) in enumerate(
            [(centre[0], width, columns.min(), columns.max()), (centre[1], height, rows.min(), rows.max())]
        ):
            if not 0.1 * size <= place + shift[axis] <= 0.9 * size:
                shift[axis] = -shift[axis]  # stay in the picture
            # What lies beyond the border was never seen, so an object that touches it is not pulled inwards.
            inwards = [1.0] * bool(low == 0) + [-1.0] * bool(high == size - 1)
            if any(shift[axis] * sign > 0 for sign in inwards):
                shift[axis] = 0.0 if len(inwards) > 1 else -shift[axis]
                bend[axis] = 0.0
        angle = self.strength * float(rng.uniform(-8, 8))
        zoom = float(np.exp(self.strength * rng.uniform(-0.08, 0.08)))
        colour = _fill(image, hidden) if hidden.any() else image
        return _Layer(colour, _alpha(mask), centre, (shift[0], shift[1]), (bend[0], bend[1]), angle, zoom)


def _ring(height: int, width: int) -> int:
    """How many pixels of its surroundings an object carries along, so that its soft edge is not cut."""
    return max(1, round(0.003 * float(np.hypot(height, width))))


def _disjoint(
    masks: NDArray[np.bool_] | None, size: tuple[int, ...]
) -> list[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """Masks from back (large) to front (small), empty ones left out, each with the part of it that others hide."""
    if masks is None:
        return []
    order = sorted((k for k in range(len(masks)) if masks[k].any()), key=lambda k: (-int(masks[k].sum()), k))
    layers = []
    for position, k in enumerate(order):
        in_front = np.zeros(size, np.bool_)
        for other in order[position + 1 :]:
            in_front |= masks[other]
        layers.append((masks[k], masks[k] & in_front))
    return layers


def _alpha(mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    """1 on the mask and its ring, then falling to 0 over two rings. float32 [H, W]."""
    ring = _ring(*mask.shape)
    distance = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 5)
    alpha: NDArray[np.float32] = np.clip((3 * ring + 1 - distance) / (2 * ring), 0, 1).astype(np.float32)
    return alpha


def _fill(image: NDArray[np.uint8], hole: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Inpaint the hole and its ring. uint8 [H, W, 3]. A hole that leaves nothing to copy from keeps its pixels."""
    height, width = hole.shape
    ring = _ring(height, width)
    wide = cv2.dilate(hole.astype(np.uint8), np.ones((2 * ring + 1, 2 * ring + 1), np.uint8))
    scale = min(1.0, INPAINT_SIDE / max(height, width))
    small_size = (max(1, round(width * scale)), max(1, round(height * scale)))
    # A pixel is a hole where any part of it is: an average over the edge would bleed the object into the fill.
    small_hole = (cv2.resize(wide.astype(np.float32), small_size, interpolation=cv2.INTER_AREA) > 0).astype(np.uint8)
    if small_hole.all():
        return image
    small = cv2.inpaint(cv2.resize(image, small_size, interpolation=cv2.INTER_AREA), small_hole, 3, cv2.INPAINT_TELEA)
    smooth = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR).astype(np.float32)
    filled = np.clip(np.rint(smooth + _texture(image, wide)), 0, 255).astype(np.uint8)
    return np.where(wide[..., None] > 0, filled, image)


def _texture(image: NDArray[np.uint8], hole: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Fine detail for a hole, mirrored about its edge: inpainting alone leaves a smooth patch. float32 [H, W, 3]."""
    height, width = hole.shape
    known = (hole == 0).astype(np.float32)
    sigma = 2.0 * _ring(height, width)
    blurred = cv2.GaussianBlur(image * known[..., None], (0, 0), sigma)
    share = np.maximum(cv2.GaussianBlur(known, (0, 0), sigma), 1e-3)
    detail = image - blurred / share[..., None]
    _, labels = cv2.distanceTransformWithLabels(hole, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    rows, columns = np.nonzero(hole)
    place = np.zeros((int(labels.max()) + 1, 2), np.int64)  # label of a known pixel to its row and column
    at = np.nonzero(hole == 0)
    place[labels[at]] = np.stack(at, axis=1)
    edge = place[labels[rows, columns]]
    y = np.clip(2 * edge[:, 0] - rows, 0, height - 1)
    x = np.clip(2 * edge[:, 1] - columns, 0, width - 1)
    out = np.zeros(image.shape, np.float32)
    out[rows, columns] = detail[y, x] * known[y, x, None]
    return out


def _compose(
    background: NDArray[np.uint8], layers: list[_Layer], camera: tuple[float, float, float], time: float
) -> NDArray[np.uint8]:
    """The frame at `time` in 0..1."""
    height, width = background.shape[:2]
    eased = time * time * (3 - 2 * time)
    view = _view(camera, eased, width, height)
    canvas = _warp(background, view, cv2.BORDER_REPLICATE).astype(np.float32)
    for layer in layers:
        matrix = view @ _motion(layer, eased)
        # An object that the border cuts goes on beyond it, with the colours that mirror what is seen.
        colour = _warp(layer.colour, matrix, cv2.BORDER_REFLECT_101)
        alpha = np.clip(_warp(layer.alpha, matrix, cv2.BORDER_REPLICATE), 0, 1)[..., None]
        canvas += alpha * (colour - canvas)
    return np.clip(np.rint(canvas), 0, 255).astype(np.uint8)


def _warp(picture: NDArray[np.generic], matrix: Matrix, border: int) -> NDArray[np.float32]:
    height, width = picture.shape[:2]
    out: NDArray[np.float32] = cv2.warpAffine(
        picture, matrix[:2], (width, height), flags=cv2.INTER_CUBIC, borderMode=border
    )
    return out


def _view(camera: tuple[float, float, float], eased: float, width: int, height: int) -> Matrix:
    """Zoom about the centre, and a pan that never leaves the picture: |offset| <= (zoom - 1) / 2 of each side."""
    zoom = 1 + (camera[0] - 1) * eased
    play = (zoom - 1) / 2
    centre = ((width - 1) / 2, (height - 1) / 2)
    return np.array(
        [
            [zoom, 0, centre[0] * (1 - zoom) + camera[1] * play],
            [0, zoom, centre[1] * (1 - zoom) + camera[2] * play],
            [0, 0, 1],
        ]
    )


def _motion(layer: _Layer, eased: float) -> Matrix:
    """Turn and zoom about the object's centre, then shift along a bent path that starts and ends at rest."""
    angle, zoom = np.deg2rad(layer.angle * eased), layer.zoom**eased
    bow = 4 * eased * (1 - eased) / 2
    x = layer.centre[0] + layer.shift[0] * eased + layer.bend[0] * bow
    y = layer.centre[1] + layer.shift[1] * eased + layer.bend[1] * bow
    cos, sin = zoom * np.cos(angle), zoom * np.sin(angle)
    cx, cy = layer.centre
    return np.array([[cos, -sin, x - cos * cx + sin * cy], [sin, cos, y - sin * cx - cos * cy], [0, 0, 1]])
