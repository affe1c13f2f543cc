"""How much moves, and does it hold together? `ad`, `ad_norm`, `dynamic_degree`, `survival`.

F_t(p) is the optical flow from frame t to t + 1 in pixels.

`ad`: average displacement, mean over t and p of |F_t(p)|, in pixels per frame at the protocol's size. Range >= 0, no
direction. Failure modes: it grows with resolution and frame interval, counts camera motion and flow noise alike.

`ad_norm`: the same per clip diagonal and second, Σ_t mean_p |F_t(p)| / (diagonal * (t_last - t_first)), so that clips
of different size or frame rate can be compared. Range >= 0, no direction.

`dynamic_degree`: VBench's rule (https://arxiv.org/abs/2311.17982) restated: a pair of frames is dynamic if the mean of
its 5 % largest |F| exceeds 6 min(H, W) / 256 px per 1/8 s, a clip if at least round(T / 4) of its pairs, and at least
one, are. Value 1 or 0; the estimate is the share of dynamic clips. No direction: more motion is not better motion.
It is not VBench's number: VBench runs RAFT at native resolution (here: this profile's flow at the protocol's size),
takes 8 fps for granted between 8 and 12 (here the threshold scales with each pair's true interval), and calls a clip of
2 frames dynamic whatever it shows, since round(0.5) pairs are none.

`survival`: does an object stay what it is? Points are seeded on it anew every half second; value = points that survive
their window / points whose loss is not excused, mean over objects (rules in `motionbench.metrics.fates`). Range 0 to 1,
higher is better. Components per object: camera-compensated amplitude, acceleration and jerk (definitions and failure
modes in `motionbench.metrics.camera`); `camera_inliers` says how far to trust them. Sources: VMBench's temporal
coherence score (https://arxiv.org/abs/2503.10076) for excused losses; the windows keep long and short clips comparable.
Failure modes: a frozen video scores a perfect 1 (read the amplitude beside it); a tracker loses points on fast, flat or
thin objects, in noise and near edges of what covers them; an object that passes behind something without a mask (a
pillar) counts as lost, in a real video too, so compare with the reference's value; masks that drift onto the background
make a lost object look safe.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from motionbench.errors import NotApplicable, VideoError
from motionbench.metrics.camera import ORDERS, object_motion
from motionbench.metrics.fates import object_fates
from motionbench.stats import reduce_mean
from motionbench.types import CaseView, Features, Metric, Need, Values, View

_TOP_SHARE = 0.05
_VBENCH_FPS = 8.0


def _lengths(view: View) -> NDArray[np.float32]:
    """|F_t(p)| float32 [T-1, H, W]."""
    uv = view.roles["flow"]["uv"]
    if not len(uv):
        raise VideoError("the video has 1 frame, its motion needs at least 2")
    # Not hypot: its guard against overflow takes several times as long, and no flow is near 1e19 pixels.
    u, v = uv[..., 0], uv[..., 1]
    return np.asarray(np.sqrt(u * u + v * v))


def _pair_means(view: View) -> NDArray[np.float64]:
    return np.asarray(_lengths(view).mean(axis=(1, 2), dtype=np.float64))


def _ad(view: CaseView) -> Values:
    return {"value": float(_pair_means(view.generated).mean())}


def _ad_norm(view: CaseView) -> Values:
    clip = view.generated
    total = float(_pair_means(clip).sum())
    return {"value": total / (math.hypot(*clip.size) * float(clip.times[-1] - clip.times[0]))}


def _dynamic_degree(view: CaseView) -> Values:
    """Also `pairs` (dynamic ones), `needed`, and `margin`: the clip is dynamic if and only if it is above 1."""
    clip = view.generated
    lengths = _lengths(clip).reshape(len(clip.times) - 1, -1)
    count = max(1, int(lengths.shape[1] * _TOP_SHARE))
    fastest = np.partition(lengths, lengths.shape[1] - count, axis=1)[:, -count:].mean(axis=1, dtype=np.float64)
    threshold = 6.0 * min(clip.size) / 256.0 * _VBENCH_FPS * np.diff(clip.times)
    margins = np.sort(fastest / threshold)[::-1]
    needed = max(1, round(len(clip.times) / 4))
    pairs = int((margins > 1).sum())
    return {"value": float(pairs >= needed), "pairs": pairs, "needed": needed, "margin": float(margins[needed - 1])}


def _survival(view: CaseView) -> Values:
    clip = view.generated
    windows, masks = clip.roles["windows"], clip.roles["masks"]
    ids = [int(i) for i in masks["object_ids"]]
    areas = masks["values"][:, 0].sum(axis=(1, 2))
    diameters = {key: math.sqrt(float(area)) for key, area in zip(ids, areas, strict=True)}
    motion = object_motion(windows, diameters, clip.times)
    objects = [
        {"object_id": key, **_one_object(windows, masks, k), **motion.objects[key], "area": int(areas[k])}
        for k, key in enumerate(ids)
    ]
    found = [o["survival"] for o in objects if o["survival"] is not None]
    if not found:
        raise NotApplicable(str(objects[0]["reason"]) if objects else "the case has no objects")
    values: Values = {"value": math.fsum(found) / len(found), "worst": min(found)}
    for name in ORDERS:
        measured = [o[name] for o in objects if o[name] is not None]
        values[name] = math.fsum(measured) / len(measured) if measured else None
    return {**values, "camera_inliers": motion.inliers, "objects": objects}


def _one_object(windows: Features, masks: Features, k: int) -> Values:
    if not masks["values"][k, 0].any():
        return _unjudged("its mask is empty in the first frame")
    others = np.any(np.delete(masks["values"], k, axis=0), axis=0)
    fates = object_fates(windows, int(masks["object_ids"][k]), others)
    if fates is None:
        return _unjudged("no point could be placed on it")
    reason = "" if fates.survival is not None else "all its points left the frame or went behind another object"
    tracks = fates.survived + fates.lost + fates.excused
    return {
        "survival": fates.survival,
        "tracks": tracks,
        "excused": fates.excused,
        "empty": fates.empty,
        "reason": reason,
    }


def _unjudged(reason: str) -> Values:
    return {"survival": None, "tracks": 0, "excused": 0, "empty": 0, "reason": reason}


_FLOW = (Need("flow"),)

AD = Metric("ad", 1, _FLOW, _ad, reduce_mean, "px/frame", "none", "average displacement: mean optical flow")
AD_NORM = Metric(
    "ad_norm",
    1,
    _FLOW,
    _ad_norm,
    reduce_mean,
    "diagonals/s",
    "none",
    "average displacement per clip diagonal and second",
)
DYNAMIC_DEGREE = Metric(
    "dynamic_degree",
    1,
    _FLOW,
    _dynamic_degree,
    reduce_mean,
    "",
    "none",
    "share of clips with fast motion (VBench's rule)",
)
SURVIVAL = Metric(
    "survival",
    1,
    (Need("windows"), Need("masks")),
    _survival,
    reduce_mean,
    "",
    "higher",
    "share of object points that survive half a second, excused losses aside",
    masks=True,
)
