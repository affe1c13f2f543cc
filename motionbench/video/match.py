"""The input match: where a case's first frame lies in frame 0 of a video.

Systems crop, letterbox or outpaint their input, or never show it. The picture is registered by a uniform scale and a
translation that maximise the normalised cross-correlation (NCC) of luma over the part that both show:

    ncc = sum((a - mean a) (b - mean b)) / sqrt(sum((a - mean a)^2) sum((b - mean b)^2))

All translations at all scales are compared first on a thumbnail, by FFT with the sums of each overlap (J. P. Lewis,
"Fast normalized cross-correlation", 1995); the best few are then refined on finer pictures. A stretched aspect, a
rotation or a mirror image is not modelled: the NCC is low then, which is the honest answer.
"""

from __future__ import annotations

import math
import typing as t
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import fft

from motionbench.types import Clip, InputMatch

Grey = NDArray[np.float32]

_THUMB, _MIDDLE = 40, 112  # long side in pixels of the frame while searching and while refining
_STEP = 1.08  # ratio of neighbouring scales on the thumbnail: 1.6 pixels at its border
_SMALLEST, _LARGEST = 0.5, 1.6  # scales searched: from half of what fits into the frame to 1.6 times what fills it
_MIN_OVERLAP = 0.6  # share of the smaller picture that must be common ...
_MIN_FRAME = 0.25  # ... and of the frame that the input must cover, so that a tiny patch cannot win
_SURE = 0.9  # an NCC of the plain fits from which on no search is needed
_CANDIDATES = 4
_FLAT = 1.0  # luma variance below which a picture shows nothing to register


@dataclass(frozen=True, slots=True)
class _Place:
    """Scale, and where the centre of the input lies in the frame (native pixels)."""

    scale: float
    x: float
    y: float


class _Level:
    """The frame at one working size, and the input to be compared with it."""

    def __init__(self, image: Grey, frame: Grey, crop: tuple[int, int, int, int], side: int) -> None:
        top, left, height, width = crop
        shrink = min(1.0, side / max(height, width), max(frame.shape) / max(height, width))
        self.size = (max(4, round(height * shrink)), max(4, round(width * shrink)))
        self.frame = cv2.resize(frame, (self.size[1], self.size[0]), interpolation=cv2.INTER_AREA)
        self.image = image
        self.origin = (top, left)
        self.pixel = (height / self.size[0], width / self.size[1])  # native pixels per working pixel
        self._shrunk: dict[tuple[int, int], Grey] = {}

    def shrunk(self, scale: float) -> Grey:
        """The input at about one pixel per working pixel when it is scaled by `scale`."""
        height, width = self.image.shape
        size = (max(2, round(height * scale / self.pixel[0])), max(2, round(width * scale / self.pixel[1])))
        size = (min(size[0], height), min(size[1], width))
        if size not in self._shrunk:
            self._shrunk[size] = cv2.resize(self.image, (size[1], size[0]), interpolation=cv2.INTER_AREA)
        return self._shrunk[size]

    def ncc(self, place: _Place, sample: Grey) -> float:
        """NCC at a place, with `sample` (from `shrunk`) standing in for the input; -1 if too little is common."""
        x, y = self._axis(place, sample, 1), self._axis(place, sample, 0)
        (x0, x1), (y0, y1) = x[2], y[2]
        area = self.size[0] * self.size[1]
        scaled = self.image.size * place.scale**2 / (self.pixel[0] * self.pixel[1])
        common = max(0, x1 - x0) * max(0, y1 - y0)
        if common < _MIN_FRAME * area or common < _MIN_OVERLAP * min(area, scaled):
            return -1.0
        to_sample = np.array([[x[0], 0, x[0] * x0 + x[1]], [0, y[0], y[0] * y0 + y[1]]])
        seen = cv2.warpAffine(
            sample,
            to_sample,
            (x1 - x0, y1 - y0),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
        return correlation(seen, self.frame[y0:y1, x0:x1])

    def _axis(self, place: _Place, sample: Grey, axis: int) -> tuple[float, float, tuple[int, int]]:
        """(gain, offset) from working pixels to sample pixels along an axis, and the working pixels that see it."""
        full, small = self.image.shape[axis], sample.shape[axis]
        centre = place.y if axis == 0 else place.x
        gain = self.pixel[axis] / place.scale
        start = (self.origin[axis] + (self.pixel[axis] - 1) / 2 - centre) / place.scale + (full - 1) / 2
        low = max(0, math.ceil((-0.5 - start) / gain))
        high = min(self.size[axis], math.floor((full - 0.5 - start) / gain) + 1)
        ratio = small / full
        return gain * ratio, (start + 0.5) * ratio - 0.5, (low, high)


def correlation(a: Grey, b: Grey) -> float:
    """NCC of two pictures of one size; 0.0 if either is flat (variance below 1)."""
    if a.size == 0:
        return 0.0
    (mean_a, dev_a), (mean_b, dev_b) = cv2.meanStdDev(a), cv2.meanStdDev(b)
    spread = float(dev_a[0, 0]) * float(dev_b[0, 0])
    if min(float(dev_a[0, 0]), float(dev_b[0, 0])) ** 2 < _FLAT:
        return 0.0
    product = float(np.dot(a.ravel().astype(np.float64), b.ravel().astype(np.float64))) / a.size
    return max(-1.0, min(1.0, (product - float(mean_a[0, 0]) * float(mean_b[0, 0])) / spread))


def match_input(image: NDArray[np.uint8], clip: Clip) -> InputMatch:
    """Register the case's first frame to frame 0 of a video.

    Args:
        image: uint8 [h, w, 3], the case's first frame.
        clip: the video; its frame 0 is compared.

    Returns:
        The match, in native pixels of both pictures, bars included: frame_xy = scale * input_xy + (dx, dy). ncc is in
        [-1, 1], measured at the clip's resolution. Where either picture is flat (luma variance below 1) there is
        nothing to register: the input is taken to fill the frame, with ncc 1.0 if both are flat and of the same
        luma to within 2, else 0.0. It is the same on every call.
    """
    grey = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2GRAY).astype(np.float32)
    frame = cv2.cvtColor(np.ascontiguousarray(clip.video.frames[0]), cv2.COLOR_RGB2GRAY).astype(np.float32)
    plain = _plain(grey, clip.crop)
    if min(float(grey.var()), float(frame.var())) < _FLAT:
        alike = max(float(grey.var()), float(frame.var())) < _FLAT and abs(float(grey.mean() - frame.mean())) <= 2
        return _result(plain[0], grey, 1.0 if alike else 0.0)
    middle = _Level(grey, frame, clip.crop, _MIDDLE)
    found = [_refine(middle, place, 1.0, 0.25) for place in plain]
    if max(score for score, _ in found) < _SURE:
        thumb = _Level(grey, frame, clip.crop, _THUMB)
        found += [_refine(middle, place, 2.0, 0.25) for place in _search(thumb)]
    best = max(found, key=lambda item: item[0])[1]
    score, place = _refine(_Level(grey, frame, clip.crop, max(frame.shape)), best, 0.5, 0.125)
    return _result(place, grey, score)


def _result(place: _Place, grey: Grey, score: float) -> InputMatch:
    height, width = grey.shape
    return InputMatch(
        scale=place.scale,
        dx=place.x - place.scale * (width - 1) / 2,
        dy=place.y - place.scale * (height - 1) / 2,
        ncc=score,
    )


def _plain(grey: Grey, crop: tuple[int, int, int, int]) -> list[_Place]:
    """The two usual fits, centred: the input fills the frame, or lies wholly inside it."""
    top, left, height, width = crop
    ratios = (height / grey.shape[0], width / grey.shape[1])
    centre = (left + (width - 1) / 2, top + (height - 1) / 2)
    return [_Place(scale, *centre) for scale in dict.fromkeys((max(ratios), min(ratios)))]


def _refine(level: _Level, place: _Place, step: float, least: float) -> tuple[float, _Place]:
    """Climb to the nearest maximum of the NCC by steps in x, y and scale, halved from `step` to `least` pixels."""
    sample = level.shrunk(place.scale)
    best = level.ncc(place, sample)
    reach = max(level.size) / 2  # a scale step moves the border as far as a step in x or y moves everything
    while step >= least:
        move, grow = step * max(level.pixel), 1 + step / reach
        around = [
            _Place(place.scale * grow, place.x, place.y),
            _Place(place.scale / grow, place.x, place.y),
            _Place(place.scale, place.x + move, place.y),
            _Place(place.scale, place.x - move, place.y),
            _Place(place.scale, place.x, place.y + move),
            _Place(place.scale, place.x, place.y - move),
        ]
        score, nearby = max(((level.ncc(p, sample), p) for p in around), key=lambda item: item[0])
        if score > best:
            best, place = score, nearby
        else:
            step /= 2
    return best, place


def _search(level: _Level) -> list[_Place]:
    """The best places over all scales and translations on the thumbnail, one for each scale, best first."""
    height, width = level.size[0] * level.pixel[0], level.size[1] * level.pixel[1]
    ratios = (height / level.image.shape[0], width / level.image.shape[1])
    low, high = _SMALLEST * min(ratios), _LARGEST * max(ratios)
    scales = np.geomspace(low, high, max(2, math.ceil(math.log(high / low) / math.log(_STEP)) + 1))
    sheet = _Sheet(level)
    found = sorted((sheet.best(float(scale)) for scale in scales), key=lambda item: -item[0])
    return [place for _, place in found[:_CANDIDATES]]


class _Sheet:
    """The thumbnail with what all template comparisons share: its spectrum and its running sums."""

    def __init__(self, level: _Level) -> None:
        self.level = level
        self.frame = level.frame.astype(np.float64) - float(level.frame.mean())
        self.sums = (_running(self.frame), _running(self.frame**2))

    def best(self, scale: float) -> tuple[float, _Place]:
        """The best translation of the input at one scale, by NCC."""
        level = self.level
        template = level.shrunk(scale).astype(np.float64)
        template = template - template.mean()
        (fh, fw), (th, tw) = self.frame.shape, template.shape
        shape = (fft.next_fast_len(fh + th - 1, True), fft.next_fast_len(fw + tw - 1, True))
        spectrum = fft.rfft2(self.frame, shape) * np.conj(fft.rfft2(template, shape))
        raw = fft.irfft2(spectrum, shape)
        rows, columns = np.arange(1 - th, fh), np.arange(1 - tw, fw)
        cross = raw[np.ix_(rows % shape[0], columns % shape[1])]
        score = _overlap_ncc(cross, self.sums, template, rows, columns, (fh, fw))
        at = np.unravel_index(int(score.argmax()), score.shape)
        y = level.origin[0] + (rows[at[0]] + th / 2) * level.pixel[0] - 0.5
        x = level.origin[1] + (columns[at[1]] + tw / 2) * level.pixel[1] - 0.5
        return float(score[at]), _Place(scale, float(x), float(y))


def _running(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.pad(values, ((1, 0), (1, 0))).cumsum(axis=0).cumsum(axis=1)


def _overlap_ncc(
    cross: NDArray[np.float64],
    frame_sums: tuple[NDArray[np.float64], NDArray[np.float64]],
    template: NDArray[np.float64],
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    frame_size: tuple[int, int],
) -> NDArray[np.float64]:
    """NCC over the overlap for each shift (rows, columns) of the template; -1 where too little is common."""
    (fh, fw), (th, tw) = frame_size, template.shape
    y = np.maximum(rows, 0), np.minimum(rows + th, fh)
    x = np.maximum(columns, 0), np.minimum(columns + tw, fw)
    count = np.outer(y[1] - y[0], x[1] - x[0]).astype(np.float64)

    def inside(sums: NDArray[np.float64], dy: NDArray[t.Any], dx: NDArray[t.Any]) -> NDArray[np.float64]:
        low, high = sums[y[0] - dy], sums[y[1] - dy]
        both = high - low
        return both[:, x[1] - dx] - both[:, x[0] - dx]

    zero_y, zero_x = np.zeros_like(rows), np.zeros_like(columns)
    f1, f2 = (inside(s, zero_y, zero_x) for s in frame_sums)
    t1, t2 = (inside(_running(v), rows, columns) for v in (template, template**2))
    spread = np.maximum(f2 - f1**2 / count, _FLAT * count) * np.maximum(t2 - t1**2 / count, _FLAT * count)
    score = (cross - f1 * t1 / count) / np.sqrt(spread)
    score[(count < _MIN_FRAME * fh * fw) | (count < _MIN_OVERLAP * min(fh * fw, th * tw))] = -1.0
    return score
