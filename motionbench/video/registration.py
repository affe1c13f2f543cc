"""Two pictures at a working size, their NCC at a place, and the climb to the nearest maximum."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from motionbench.video.search import FLAT, Grey, running_sums

MIN_OVERLAP = 0.7  # share of the smaller picture that must be common ...
MIN_FRAME = (
    0.28  # ... and of the frame that the input must cover, so that a tiny patch cannot win (16:9 in 9:16: 0.316)
)
_GAIN = 1e-5  # smaller steps uphill are not worth a round


@dataclass(frozen=True, slots=True)
class Place:
    """Scale, and where the centre of the input lies in the frame (native pixels)."""

    scale: float
    x: float
    y: float


class Level:
    """The frame at one working size, and the input to be compared with it.

    Args:
        image: float32 [h, w] luma of the input.
        frame: float32 [H, W] luma of the clip's frame 0.
        crop: (top, left, height, width), the part of the native frame that `frame` shows.
        side: long side of the working frame in pixels; at most that of `frame`.
        largest: the largest scale that will be asked for; the input is kept no finer than that needs.
    """

    def __init__(self, image: Grey, frame: Grey, crop: tuple[int, int, int, int], side: int, largest: float) -> None:
        height, width = crop[2:]
        ratio = min(side, max(frame.shape)) / max(height, width)
        self.frame = _shrink(frame, (max(4, round(height * ratio)), max(4, round(width * ratio))))
        self.crop = crop
        self.pixel = (height / self.frame.shape[0], width / self.frame.shape[1])  # native pixels per working pixel
        self._full = image.shape
        self.image = _shrink(image, self._size(largest))
        self._sums = (running_sums(self.frame), running_sums(np.square(self.frame, dtype=np.float64)))

    def _size(self, scale: float) -> tuple[int, int]:
        """Size of the input in working pixels."""
        height, width = (max(2, round(n * scale / p)) for n, p in zip(self._full, self.pixel, strict=True))
        return height, width

    def sample(self, scale: float) -> Grey:
        """The input at about one pixel per working pixel when it is scaled by `scale`."""
        return _shrink(self.image, self._size(scale))

    def score(self, place: Place, sample: Grey | None = None) -> float:
        """NCC at a place, `sample` standing in for the input; -1.0 if too little is common, 0.0 if that is flat."""
        sample = self.sample(place.scale) if sample is None else sample
        (gain_y, off_y, y0, y1), (gain_x, off_x, x0, x1) = (self._axis(place, sample, axis) for axis in (0, 1))
        common = (x1 - x0) * (y1 - y0)
        if min(x1 - x0, y1 - y0) < 1 or not self._enough(place):
            return -1.0
        seen = cv2.warpAffine(
            sample,
            np.array([[gain_x, 0, gain_x * x0 + off_x], [0, gain_y, gain_y * y0 + off_y]]),
            (x1 - x0, y1 - y0),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
        mean, square = (float(s[y1, x1] - s[y0, x1] - s[y1, x0] + s[y0, x0]) / common for s in self._sums)
        seen_mean, deviation = (float(value[0, 0]) for value in cv2.meanStdDev(seen))
        variance = square - mean * mean
        if min(variance, deviation**2) < FLAT:
            return 0.0
        # cv2.mean and not a BLAS dot product, whose last bits depend on the number of threads.
        product = cv2.mean(cv2.multiply(seen, self.frame[y0:y1, x0:x1]))[0]
        score = (product - mean * seen_mean) / (math.sqrt(variance) * deviation)
        return max(-1.0, min(1.0, score))

    def _enough(self, place: Place) -> bool:
        """True if the overlap is large enough; judged in native pixels, so that all levels agree."""
        area = common = 1.0
        for centre, length, start, extent in zip(
            (place.y, place.x), self._full, self.crop[:2], self.crop[2:], strict=True
        ):
            half = place.scale * length / 2
            common *= max(0.0, min(centre + half, start + extent - 0.5) - max(centre - half, start - 0.5))
            area *= extent
        scaled = self._full[0] * self._full[1] * place.scale**2
        return bool(common >= max(MIN_FRAME * area, MIN_OVERLAP * min(area, scaled)) * (1 - 1e-9))

    def _axis(self, place: Place, sample: Grey, axis: int) -> tuple[float, float, int, int]:
        """Gain and offset from working pixels to sample pixels along an axis, and the working pixels that see it."""
        full = self._full[axis]
        centre = place.y if axis == 0 else place.x
        gain = self.pixel[axis] / place.scale
        start = (self.crop[axis] + (self.pixel[axis] - 1) / 2 - centre) / place.scale + (full - 1) / 2
        low = max(0, math.ceil((-0.5 - start) / gain))
        high = min(self.frame.shape[axis], math.floor((full - 0.5 - start) / gain) + 1)
        ratio = sample.shape[axis] / full
        return gain * ratio, (start + 0.5) * ratio - 0.5, low, high


def climb(level: Level, place: Place, step: float, least: float) -> tuple[float, Place]:
    """Climb to the nearest maximum of the NCC over x, y and scale.

    Each round looks one step to both sides along each axis, then at the peak of the three parabolas through these
    scores, and goes to the best. Where nothing is better, the step is halved.

    Args:
        level: where to compare.
        place: the start.
        step, least: first and last step in working pixels.

    Returns:
        The NCC and the place.
    """
    sample = level.sample(place.scale)
    best = level.score(place, sample)
    reach = max(level.frame.shape) / 2  # a step in scale moves the border as far as one in x or y moves everything
    while step >= least:
        move, grow = step * max(level.pixel), 1 + step / reach
        pairs = [[level.score(_moved(place, axis, way, move, grow), sample) for way in (-1, 1)] for axis in range(3)]
        options = [
            (score, _moved(place, axis, way, move, grow))
            for axis, pair in enumerate(pairs)
            for way, score in zip((-1, 1), pair, strict=True)
        ]
        peak = place
        for axis, (before, after) in enumerate(pairs):
            bend = before - 2 * best + after
            way = max(-1.0, min(1.0, (before - after) / (2 * bend))) if bend < 0 else 0.0
            peak = _moved(peak, axis, way, move, grow)
        options.append((level.score(peak, sample), peak))
        score, nearby = max(options, key=lambda item: item[0])
        if score > best + _GAIN:
            best, place = score, nearby
        else:
            step /= 2
    return best, place


def _moved(place: Place, axis: int, way: float, move: float, grow: float) -> Place:
    if axis == 0:
        return Place(place.scale * grow**way, place.x, place.y)
    if axis == 1:
        return Place(place.scale, place.x + way * move, place.y)
    return Place(place.scale, place.x, place.y + way * move)


def _shrink(picture: Grey, size: tuple[int, ...]) -> Grey:
    """Resize to (height, width), but never to more pixels than there are, by area means."""
    height, width = min(size[0], picture.shape[0]), min(size[1], picture.shape[1])
    if (height, width) == picture.shape:
        return picture
    small: NDArray[np.float32] = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    return small
