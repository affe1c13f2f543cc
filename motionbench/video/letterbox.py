"""Black bars: dark strips of about equal width at opposite borders, the same at all times, with a straight edge.

Nothing is cut that could be content: a bar on one side only, a night sky, a fade, an object on black. A generator
that draws into its own bars now and then (a foot that leaves the picture) does not hide them.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

_BLACK = 26  # luma of compressed black: 0, or 16 where a limited range was taken for a full one, plus ringing
_IDLE = 0.02  # frames with less than this share of lit pixels (before a fade) say nothing about bars
_CLEAN, _LOOSE = 0.003, 0.1  # lit share of a bar's row: at every moment, and on average where little is drawn into it
_LIT, _LIT_UNEQUAL = 0.3, 0.8  # lit share that the picture has within three rows behind the edge
_UNEQUAL = 0.05  # bars that differ by more than this share of the side must be clean and have a fully lit edge
_FLAT, _RISE = 10, 8  # mean luma: a bar varies less from border to edge, the picture rises more across the edge,
_STEEP = 4  # and at least so many times more than over the bar's last rows
_ENOUGH = 256  # pixels of a row that are looked at, at least
_MIN_BAR = 0.01  # thinner bars (as a share of the side) are left alone
_MIN_KEPT = 0.25  # content smaller than this share of a side is no letterboxed video but a picture on black
_MIXED = 0.6  # an edge row darker than this share of the second row behind it is half bar

Box = tuple[int, int, int, int]
Luma = NDArray[np.uint8]


def find_letterbox(frames: Sequence[NDArray[np.uint8]] | NDArray[np.uint8]) -> Box:
    """Find the part of the picture inside black bars (letterbox, pillarbox or both).

    Args:
        frames: uint8 [H, W, 3] each, the same size; one is enough.

    Returns:
        (top, left, height, width) in pixels; the whole picture where there are no bars, or where all is black.
    """
    height, width = frames[0].shape[:2]
    whole = (0, 0, height, width)
    if not _dark_border(frames):
        return whole
    # Every row, but only so many columns as are needed to judge it, and the other way round.
    across, down = max(1, width // _ENOUGH), max(1, height // _ENOUGH)
    luma = [np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), dtype=np.uint8) for frame in frames]
    luma = [grey for grey in luma if np.count_nonzero(grey > _BLACK) >= _IDLE * grey.size]
    if not luma:
        return whole
    rows = np.stack([grey[:, ::across] for grey in luma])
    columns = np.stack([grey[::down] for grey in luma]).transpose(0, 2, 1)
    rough_left, rough_right = _runs(columns, _LOOSE)
    top, bottom = _bars(rows[:, :, -(-rough_left // across) : max(1, (width - rough_right) // across)])
    left, right = _bars(columns[:, :, -(-top // down) : max(1, (height - bottom) // down)])
    kept = (height - top - bottom, width - left - right)
    if kept[0] < _MIN_KEPT * height or kept[1] < _MIN_KEPT * width:
        return whole
    return (top, left, *kept)


def _dark_border(frames: Sequence[NDArray[np.uint8]] | NDArray[np.uint8]) -> bool:
    """A quick look: False if no border row or column stays mostly black."""
    strips = ((0, slice(None)), (-1, slice(None)), (slice(None), 0), (slice(None), -1))
    return any(all(np.median(frame[strip]) <= _BLACK for frame in frames) for strip in strips)


def _runs(luma: Luma, most: float) -> tuple[int, int]:
    """Lengths of the runs of rows at both ends that are lit at most to the share `most` on average. luma [T, H, W]."""
    content = np.flatnonzero((luma > _BLACK).mean(axis=(0, 2)) > most)
    return (int(content[0]), luma.shape[1] - 1 - int(content[-1])) if len(content) else (0, 0)


def _bars(luma: Luma) -> tuple[int, int]:
    """Heights of the two bars along the rows of uint8 [T, H, W]; (0, 0) if the dark rows are content."""
    side = luma.shape[1]
    thin = max(2, round(_MIN_BAR * side))
    first, last = _runs(luma, _LOOSE)
    if min(first, last) < thin:
        return 0, 0
    share = (luma > _BLACK).mean(axis=2)
    equal = abs(first - last) <= max(2, _UNEQUAL * side)
    outside = np.concatenate([share[:, :first], share[:, side - last :]], axis=1)
    if outside.mean() > _LOOSE / 2 or not (equal or np.quantile(outside, 0.98) <= _CLEAN):
        return 0, 0
    inside = share[:, first : side - last].mean(axis=0)
    if min(inside[:3].max(), inside[-3:].max()) < (_LIT if equal else _LIT_UNEQUAL):
        return 0, 0
    level = luma.mean(axis=(0, 2))
    if not (_sharp(level, first) and _sharp(level[::-1], last)):
        return 0, 0
    return first + _mixed(level[first:]), last + _mixed(level[::-1][last:])


def _sharp(level: NDArray[np.float64], bar: int) -> bool:
    """True if the mean luma of rows is flat in the bar and rises at its edge: no vignette, no glow."""
    edge = level[max(0, bar - 2)]
    rise = level[min(bar + 2, len(level) - 1)] - edge
    return bool(edge - level[0] < _FLAT and rise > max(_RISE, _STEEP * (edge - level[max(0, bar - 6)])))


def _mixed(level: NDArray[np.float64]) -> int:
    """How many rows (up to 2) at the edge are half bar, half picture. `level`: mean luma from the edge inwards."""
    rows = 0
    while rows < 2 and rows + 2 < len(level) and level[rows] < _MIXED * level[rows + 2]:
        rows += 1
    return rows
