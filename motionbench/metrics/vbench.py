"""VBench's numbers, to the digit: `vbench_flicker`, `vbench_dynamic_degree`, `vbench_subject_consistency`.

Huang et al. 2023, https://arxiv.org/abs/2311.17982, as their code of commit 45e79ec computes them from the same frames,
flow and DINO vectors. They are here for comparison; what they do not see is in docs/why.md.

`vbench_flicker`: (255 - mean over pairs of frames of the mean absolute difference of their values) / 255. A frozen
video scores 1.

`vbench_dynamic_degree`: 1 if at least round(T / 4) pairs of frames are dynamic, else 0; a pair is if the mean of its
int(0.05 H W) largest flow lengths exceeds 6 min(H, W) / 256. With T = 2 nothing is asked for, and VBench's loop then
says 1 for any clip; so does this. VBench reads frames at about 8 a second and native size: the protocol decides here.

`vbench_subject_consistency`: mean over frames t >= 2 of (max(0, cos(f_{t-1}, f_t)) + max(0, cos(f_1, f_t))) / 2, with f
the DINO vectors. Over a dataset VBench averages frames, not videos: longer videos weigh more. A frozen video scores 1.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from motionbench.errors import VideoError
from motionbench.metrics.vectors import cosines
from motionbench.stats import reduce_mean
from motionbench.types import CaseView, Metric, Need, Row, Summary, Values

TOP_SHARE = 0.05


def _flicker(view: CaseView) -> Values:
    frames = view.generated.roles["frames"]["frames"]
    if len(frames) < 2:
        raise VideoError("the video has 1 frame, flicker needs at least 2")
    pairs = zip(frames[:-1].astype(np.float32), frames[1:].astype(np.float32), strict=True)
    return {"value": float((255.0 - np.mean([np.abs(a - b).mean(dtype=np.float64) for a, b in pairs])) / 255.0)}


def _dynamic_degree(view: CaseView) -> Values:
    uv = view.generated.roles["flow"]["uv"]
    if not len(uv):
        raise VideoError("the video has 1 frame, its motion needs at least 2")
    lengths = np.sqrt(np.square(uv[..., 0]) + np.square(uv[..., 1])).reshape(len(uv), -1)
    top = max(1, int(lengths.shape[1] * TOP_SHARE))
    fastest = np.sort(lengths, axis=1)[:, -top:].mean(axis=1)
    threshold = 6.0 * (min(view.generated.size) / 256.0)
    needed, dynamic = round(4 * ((len(uv) + 1) / 16.0)), int((fastest > threshold).sum())
    return {"value": float(dynamic >= needed), "pairs": dynamic, "needed": needed}


def _subject_consistency(view: CaseView) -> Values:
    found = view.generated.roles["subject"]["frames"]
    if len(found) < 2:
        raise VideoError("the video has 1 frame, its consistency needs at least 2")
    before, first = cosines(found[:-1], found[1:]), cosines(found[1:], found[0])
    each = (np.maximum(before, 0.0) + np.maximum(first, 0.0)) / 2.0
    return {"value": float(each.mean()), "frames": len(each)}


def reduce_frames(rows: Sequence[Row], seed: int) -> Summary:
    """VBench's mean over frames; where videos differ in length it is no mean over videos and has no interval."""
    if not rows:
        return Summary(None, reason="there is no case with a value")
    weights = [int(row.values["frames"]) for row in rows]
    total = sum(float(row.values["value"]) * weight for row, weight in zip(rows, weights, strict=True))
    if len(set(weights)) == 1:  # all videos are equally long: both means are one
        return reduce_mean(rows, seed)
    return Summary(total / sum(weights), method="mean over frames", reason="videos of unequal length: no interval")


VBENCH_FLICKER = Metric(
    "vbench_flicker", 1, (Need("frames"),), _flicker, reduce_mean, "", "higher", "VBench's temporal flickering"
)
VBENCH_DYNAMIC_DEGREE = Metric(
    "vbench_dynamic_degree", 1, (Need("flow"),), _dynamic_degree, reduce_mean, "", "none", "VBench's dynamic degree"
)
VBENCH_SUBJECT_CONSISTENCY = Metric(
    "vbench_subject_consistency",
    1,
    (Need("subject"),),
    _subject_consistency,
    reduce_frames,
    "",
    "higher",
    "VBench's subject consistency (DINO)",
)
