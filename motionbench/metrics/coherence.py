"""Do neighbouring frames agree? `warp_error` and `flicker`.

`warp_error` (Lai et al. 2018, https://arxiv.org/abs/1808.00449, as their evaluation code computes it). With F the flow
t -> t+1, B the flow t+1 -> t, W the bilinear backward warp and intensities in [0, 1]::

    E_t = Σ_p M(p) mean_c (W(I_{t+1}, F)(p, c) - I_t(p, c))² / Σ_p M(p),    value = mean over t

A pixel p is left out (M = 0) where it is occluded, at a motion boundary, or leaves the frame::

    |w + F|² > 0.01 (|w|² + |F|²) + 0.5  with w = W(B, F),   or   |∇F|² > 0.01 |F|² + 0.002,   or   p + F(p) is outside

The mean over colour channels follows their code (their paper's norm is 3 times that). They clamp at the border where
this leaves pixels out: a panning camera is no incoherence. A pair without any pixel left is skipped; they count a 0.
Unit: squared intensity per channel, range 0 to 1, lower is better; `visible` is the mean share of pixels compared.
Failure modes: the flow comes from the very video that it judges, which flatters it: what the flow cannot explain is
often masked (watch `visible`). A frozen video scores a perfect 0. Noise and brightness weigh more than a lost object.

`flicker` (VBench's temporal flickering, https://arxiv.org/abs/2311.17982)::

    value = (255 - mean over t, pixels, channels of |I_{t+1} - I_t|) / 255

Range: 0 to 1, 1 for a still video; higher is better. Failure modes: it punishes motion just as it does flicker, so it
says something about flicker only between videos that move alike.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from motionbench.errors import NotApplicable, VideoError
from motionbench.stats import reduce_mean
from motionbench.types import CaseView, Metric, Need, Values

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]


def sample_bilinear(planes: Floats, x: Floats, y: Floats) -> tuple[Floats, Bools]:
    """Read images between their pixels.

    Args:
        planes: float32 [C, H, W].
        x, y: float32 [P] positions in pixels; an integer is the centre of a pixel.

    Returns:
        float32 [C, P] values (of the nearest border pixel where outside), and bool [P], True inside the frame
        (0 <= x <= W - 1 and 0 <= y <= H - 1). At whole positions the values are exact.
    """
    height, width = planes.shape[1:]
    inside = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    x, y = np.clip(x, 0, width - 1), np.clip(y, 0, height - 1)
    left = np.minimum(x, max(width - 2, 0)).astype(np.intp)
    top = np.minimum(y, max(height - 2, 0)).astype(np.intp)
    x -= left.astype(np.float32)
    y -= top.astype(np.float32)
    corner = top * width + left
    right, below = min(width - 1, 1), width * min(height - 1, 1)
    both = x * y
    corners = ((1 - x - y + both, 0), (x - both, right), (y - both, below), (both, below + right))
    values, one = np.zeros((len(planes), len(x)), np.float32), np.empty(len(x), np.float32)
    for weight, offset in corners:
        index = corner + offset
        for value, plane in zip(values, planes, strict=True):
            # In place: at this size the allocation of a temporary costs more than the arithmetic.
            plane.ravel().take(index, out=one, mode="clip")
            np.multiply(one, weight, out=one)
            value += one
    return values, inside


def _squares(vectors: Floats) -> Floats:
    """Squared length of float32 vectors [C, ...], by channel: NumPy is slow in sums over a short last axis."""
    total = vectors[0] * vectors[0]
    for channel in vectors[1:]:
        total += channel * channel
    return np.asarray(total)


def _pair(now: Floats, after: Floats, flow: Floats) -> tuple[float, float]:
    """Warping error of one pair of frames, in 0..255 squared, and the share of pixels that it rests on.

    Args:
        now: float32 [3, H, W] in 0..255.
        after: float32 [5, H, W], the next frame and its backward flow.
        flow: float32 [2, H, W] forward flow.
    """
    height, width = now.shape[1:]
    y, x = np.indices((height, width), dtype=np.float32)
    warped, inside = sample_bilinear(after, (x + flow[0]).ravel(), (y + flow[1]).ravel())
    back, flat = warped[3:], flow.reshape(2, -1)
    limit = (_squares(back) + _squares(flat)) * np.float32(0.01) + np.float32(0.5)
    back += flat
    seen = inside & (_squares(back) <= limit) & _smooth(flow).ravel()
    count = int(np.count_nonzero(seen))
    if not count:
        return 0.0, 0.0
    warped[:3] -= now.reshape(3, -1)
    error = np.where(seen, _squares(warped[:3]), np.float32(0)).sum(dtype=np.float64)
    return float(error) / (3 * count), count / (height * width)


def _smooth(flow: Floats) -> Bools:
    """bool [H, W]: not a motion boundary, |∇F|² <= 0.01 |F|² + 0.002 by forward differences. Flow is [2, H, W]."""
    squared = np.zeros(flow.shape[1:], np.float32)
    squared[:, :-1] += _squares(flow[:, :, 1:] - flow[:, :, :-1])
    squared[:-1] += _squares(flow[:, 1:] - flow[:, :-1])
    return np.asarray(squared <= np.float32(0.01) * _squares(flow) + np.float32(0.002))


def _pairs(frames: NDArray[np.uint8], forward: Floats, backward: Floats) -> Iterator[tuple[float, float]]:
    height, width = frames.shape[1:3]
    # One set of planes for all pairs: fresh ones would cost more in page faults than the whole comparison.
    now, after = np.empty((3, height, width), np.float32), np.empty((5, height, width), np.float32)
    flow = np.empty((2, height, width), np.float32)
    after[:3] = frames[0].transpose(2, 0, 1)
    for t in range(len(frames) - 1):
        now[:] = after[:3]
        after[:3] = frames[t + 1].transpose(2, 0, 1)
        after[3:] = backward[t].transpose(2, 0, 1)
        flow[:] = forward[t].transpose(2, 0, 1)
        yield _pair(now, after, flow)


def warp_error(frames: NDArray[np.uint8], forward: Floats, backward: Floats) -> tuple[float, float]:
    """Lai's warping error of a clip.

    Args:
        frames: uint8 [T, H, W, 3], T >= 2.
        forward: float32 [T-1, H, W, 2] flow t -> t+1 in pixels.
        backward: float32 [T-1, H, W, 2] flow t+1 -> t.

    Returns:
        The mean error over pairs (squared intensity per channel, in 0..1), and the mean share of compared pixels.

    Raises:
        VideoError: fewer than two frames.
        NotApplicable: no pixel can be followed in any pair.
    """
    if len(frames) < 2:
        raise VideoError("the video has 1 frame, warp_error needs at least 2")
    pairs = list(_pairs(frames, forward, backward))
    errors = [error for error, share in pairs if share > 0]
    if not errors:
        raise NotApplicable("no pixel can be followed from one frame to the next")
    return sum(errors) / len(errors) / 255**2, sum(share for _, share in pairs) / len(pairs)


def _warp_error(view: CaseView) -> Values:
    roles = view.generated.roles
    value, visible = warp_error(roles["frames"]["frames"], roles["flow"]["uv"], roles["flow"]["uv_back"])
    return {"value": value, "visible": visible}


def _flicker(view: CaseView) -> Values:
    change = view.generated.roles["photometric"]["change"]
    if not len(change):
        raise VideoError("the video has 1 frame, flicker needs at least 2")
    return {"value": (255.0 - float(np.mean(change, dtype=np.float64))) / 255.0}


WARP_ERROR = Metric(
    "warp_error",
    1,
    (Need("frames"), Need("flow")),
    _warp_error,
    reduce_mean,
    "intensity²",
    "lower",
    "difference of each frame to the next one warped back by the flow (Lai)",
)
FLICKER = Metric(
    "flicker",
    1,
    (Need("photometric"),),
    _flicker,
    reduce_mean,
    "",
    "higher",
    "likeness of consecutive frames (VBench)",
)
