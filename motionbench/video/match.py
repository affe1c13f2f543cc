"""The input match: where a case's first frame lies in frame 0 of a video.

Systems crop, letterbox or outpaint their input, or never show it. The picture is registered by a uniform scale and a
translation that maximise the normalised cross-correlation (NCC) of luma over the part that both show:

    ncc = sum((a - mean a) (b - mean b)) / sqrt(sum((a - mean a)^2) sum((b - mean b)^2))

The plain fits are tried first. Where they fail, all translations at all scales are compared on a thumbnail, by FFT
with the sums of each overlap (J. P. Lewis, "Fast normalized cross-correlation", 1995), and the best few are refined on
finer pictures. Two unrelated photographs reach an NCC of 0.36 (median) and 0.57 (95 %) at their best place, so that
some 3 in 100 of them pass for the same at 0.6. A stretched aspect, a rotation or a mirror image is not modelled: the
NCC is low then, which is the honest answer.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from motionbench.types import Clip, InputMatch
from motionbench.video.registration import MIN_FRAME, MIN_OVERLAP, Level, Place, climb
from motionbench.video.search import FLAT, Grey, Thumbnail

_THUMB, _MIDDLE = 32, 96  # long side in pixels of the frame while searching and while refining
_STEP = 1.09  # ratio of neighbouring scales on the thumbnail: 1.4 pixels at its border
_SMALLEST, _LARGEST = 0.5, 1.5  # scales searched: from half of what fits into the frame to 1.5 times what fills it
_SURE = 0.9  # NCC of a plain fit from which on no search is needed
_HOPELESS = 0.3  # NCC below which a plain fit is not worth refining
_CANDIDATES = 3


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
    grey, frame = (_luma(picture) for picture in (image, clip.video.frames[0]))
    plain = _plain(grey, clip.crop)
    spread = (float(grey.var()), float(frame.var()))
    if min(spread) < FLAT:
        alike = max(spread) < FLAT and abs(float(grey.mean()) - float(frame.mean())) <= 2
        return _result(plain[0], grey, 1.0 if alike else 0.0)
    fits = _fits(grey, clip.crop)
    middle = Level(grey, frame, clip.crop, _MIDDLE, _LARGEST * fits[1])
    found = [(middle.score(place), place) for place in plain]
    found += [climb(middle, place, 1.0, 0.5) for score, place in found if score > _HOPELESS]
    if max(score for score, _ in found) < _SURE:
        thumb = Level(grey, frame, clip.crop, _THUMB, _LARGEST * fits[1])
        places = _search(thumb, _SMALLEST * fits[0], _LARGEST * fits[1])
        found += [climb(middle, place, 2.0, 0.5) for place in places]
    best = max(found, key=lambda item: item[0])[1]
    fine = Level(grey, frame, clip.crop, max(frame.shape), best.scale)
    score, place = climb(fine, best, 0.5, 0.25)
    return _result(place, grey, score)


def _luma(picture: NDArray[np.uint8]) -> Grey:
    grey = cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_RGB2GRAY)
    return np.asarray(grey, dtype=np.float32)


def _result(place: Place, grey: Grey, score: float) -> InputMatch:
    height, width = grey.shape
    dx, dy = place.x - place.scale * (width - 1) / 2, place.y - place.scale * (height - 1) / 2
    return InputMatch(place.scale, dx, dy, score)


def _fits(grey: Grey, crop: tuple[int, int, int, int]) -> tuple[float, float]:
    """Scales at which the input just lies inside the frame, and just fills it."""
    ratios = (crop[2] / grey.shape[0], crop[3] / grey.shape[1])
    return min(ratios), max(ratios)


def _plain(grey: Grey, crop: tuple[int, int, int, int]) -> list[Place]:
    """The two usual fits, centred: the input fills the frame, or lies wholly inside it."""
    top, left, height, width = crop
    centre = (left + (width - 1) / 2, top + (height - 1) / 2)
    return [Place(scale, *centre) for scale in dict.fromkeys(reversed(_fits(grey, crop)))]


def _search(level: Level, low: float, high: float) -> list[Place]:
    """The best places over all scales in [low, high] and all translations, one for each scale, best first."""
    scales = np.geomspace(low, high, math.ceil(math.log(high / low) / math.log(_STEP)) + 1)
    sheet = Thumbnail(level.frame, level.image.shape, MIN_OVERLAP, MIN_FRAME)
    found: list[tuple[float, Place]] = []
    for scale in scales:
        template = level.sample(float(scale))
        score, row, column = sheet.best(template)
        y = level.crop[0] + (row + template.shape[0] / 2) * level.pixel[0] - 0.5
        x = level.crop[1] + (column + template.shape[1] / 2) * level.pixel[1] - 0.5
        found.append((score, Place(float(scale), x, y)))
    return [place for _, place in sorted(found, key=lambda item: -item[0])[:_CANDIDATES]]
