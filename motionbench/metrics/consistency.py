"""Does what moves move coherently, and does enough move? `coherence`.

Between frames t and t + 1, with F the flow t -> t + 1, W the backward warp and a noise floor of 6 grey levels::

    d(p) = max(0, mean over c of |I_{t+1}(p, c) - I_t(p, c)| - 6)          what changes
    e(p) = max(0, mean over c of |W(I_{t+1}, F)(p, c) - I_t(p, c)| - 6)    what is left of it when motion is undone
    s(p) = 1 - |F_{t+1}(p + F) - F(p)| / (|F_{t+1}(p + F)| + |F(p)| + 1 px)

    C = Σ d max(0, 1 - e / d) s / Σ d      over pixels and pairs with p + F(p) inside the frame

C is the share of the change that motion explains which goes on in the next pair as it was in this one (steadiness as in
the average of relative end-point errors). Still parts of the picture have no weight. Frames in a wrong order can be
matched with each other well enough; that the motion between them goes on is what they lack.

The gate: with a_t the mean |F| over all pixels where the picture changes (d > 0, others count 0), in clip diagonals a
second, and A the reference's mean of it::

    g = mean over t of min(1, a_t / (A / 2)),    value = min(1, C / C_ref) min(1, g / g_ref)

So a video has to move half as fast as the real one, and all the time that the real one moves; more earns nothing. A
reference that moves less than 0.0001 diagonals a second opens the gate: stillness is then right. Without a reference A
is 0.002 and the value is C g: numbers with and without references do not compare.

Range 0 to 1, higher is better; the reference scores 1, a frozen video 0. Components: `explained` (Σ d max(0, 1 - e/d)
/ Σ d), `steady` (C / explained), `own` (C), `motion` (the gate). Source: ours; the parts are those of Lai's warping
error and of temporal smoothness terms of optical flow.
Failure modes: the flow comes from the very video that it judges; real motion that starts, stops or turns within two
frames looks unsteady, which the reference's value makes up for only on average; a camera that moves over a still
picture is coherent (read `tmr`); one small object among much coherent motion has little weight; frame rates that differ
between the video and its reference change s.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from motionbench.errors import VideoError
from motionbench.metrics.coherence import sample_bilinear
from motionbench.metrics.once import once
from motionbench.stats import reduce_mean
from motionbench.types import CaseView, Metric, Need, Values, View

Floats = NDArray[np.float32]

NOISE = 6.0  # grey levels; about what H.264 at CRF 28 leaves between two pictures of one still scene
STRIDE = 2  # every second pixel in both directions: a quarter of the work, and means over pixels hardly change
STILL = 0.0001  # diagonals a second over all pixels; a reference below this stands still
SLOW = 0.002  # diagonals a second; half of it is enough where there is no reference


def _pair(now: Floats, after: Floats, flow: Floats, following: Floats | None) -> tuple[float, float, float, float]:
    """Sums over the pixels of one pair: d, d times explained, d times explained times steady, and |F| where d > 0.

    Args:
        now, after: float32 [3, H, W] in 0..255.
        flow, following: float32 [2, H, W], of this pair and of the next; None for the last pair, whose third sum is 0.
    """
    height, width = now.shape[1:]
    y, x = (g.ravel() for g in np.mgrid[0:height:STRIDE, 0:width:STRIDE].astype(np.float32))
    here, first = now[:, ::STRIDE, ::STRIDE].reshape(3, -1), flow[:, ::STRIDE, ::STRIDE].reshape(2, -1)
    planes = after if following is None else np.concatenate([after, following])
    moved, inside = sample_bilinear(planes, x + first[0], y + first[1])
    change = np.abs(after[:, ::STRIDE, ::STRIDE].reshape(3, -1) - here).mean(axis=0) - NOISE
    left = np.maximum(np.abs(moved[:3] - here).mean(axis=0) - NOISE, 0)
    speed_sum = float(np.hypot(*first[:, change > 0]).sum(dtype=np.float64))
    counts = inside & (change > 0)
    change, left, first = change[counts], left[counts], first[:, counts]
    speed = np.hypot(*first)
    explained = np.maximum(change - left, 0)
    steady = np.zeros(len(speed), np.float32)
    if following is not None:
        second = moved[3:, counts]
        steady = 1 - np.hypot(*(second - first)) / (np.hypot(*second) + speed + 1)
    total, kept, lasting = (float(p.sum(dtype=np.float64)) for p in (change, explained, explained * steady))
    return total, kept, lasting, speed_sum / len(x)


@once
def _clip(view: View) -> tuple[float, float, NDArray[np.float64]]:
    """Explained share, C, and a_t [T-1] in diagonals a second of one clip; the shares are 0 where nothing changes."""
    frames, uv = view.roles["frames"]["frames"], view.roles["flow"]["uv"]
    if len(frames) < 3:
        raise VideoError(f"the video has {len(frames)} frame{'s' * (len(frames) > 1)}, coherence needs at least 3")
    pictures = (f.transpose(2, 0, 1).astype(np.float32) for f in frames)
    now, rows = next(pictures), []
    for t, after in enumerate(pictures):
        following = uv[t + 1].transpose(2, 0, 1) if t + 1 < len(uv) else None
        rows.append(_pair(now, after, uv[t].transpose(2, 0, 1), following))
        now = after
    sums = np.array(rows)
    change, followed = float(sums[:, 0].sum()), float(sums[:-1, 0].sum())
    speeds = sums[:, 3] / (math.hypot(*view.size) * np.diff(view.times))
    explained = float(sums[:, 1].sum()) / change if change > 0 else 0.0
    return explained, float(sums[:-1, 2].sum()) / followed if followed > 0 else 0.0, speeds


def _gate(speeds: NDArray[np.float64], pace: float) -> float:
    return float(np.minimum(1.0, speeds / (pace / 2)).mean())


def _coherence(view: CaseView) -> Values:
    explained, own, speeds = _clip(view.generated)
    parts = {"explained": explained, "steady": own / explained if explained > 0 else 0.0, "own": own}
    if view.reference is None:
        motion = _gate(speeds, SLOW)
        return {"value": own * motion, **parts, "motion": motion}
    _, best, real = _clip(view.reference)
    pace = float(real.mean())
    if pace < STILL:
        # A picture that stands still as it should is coherent; one that moves is judged by how.
        motion, relative = 1.0, 1.0 if not speeds.any() else own / best if best > 0 else own
    else:
        motion = min(1.0, _gate(speeds, pace) / _gate(real, pace))
        relative = own / best if best > 0 else own
    return {"value": min(1.0, relative) * motion, **parts, "motion": motion, "reference": 1.0}


COHERENCE = Metric(
    "coherence",
    1,
    tuple(Need(role, of, of == "reference") for of in ("generated", "reference") for role in ("frames", "flow")),
    _coherence,
    reduce_mean,
    "",
    "higher",
    "share of the change that steady motion explains, against the reference's, gated by how much moves",
)
