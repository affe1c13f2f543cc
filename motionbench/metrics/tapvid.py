"""TAP-Vid scores: how well predicted point tracks agree with true ones.

Definition (Doersch et al. 2022, https://arxiv.org/abs/2211.03726; tapnet's `compute_tapvid_metrics`), in "first" query
mode: a point is queried in the first frame in which it is truly visible, and E holds the frames after that one. With
g = truly visible, p = predicted visible, dist = distance on a 256 x 256 frame, and each δ of 1, 2, 4, 8, 16 pixels::

    OA       = mean over E of [p = g]
    δ_avg    = mean over δ of  #(dist < δ and g) / #g
    AJ       = mean over δ of  TP / (#g + FP),   TP = dist < δ and g and p,   FP = p and not (g and dist < δ)

Sums run over all points and frames of one video; a benchmark's score is the mean over videos.

Range: 0 to 1, higher is better. δ_avg ignores p, OA ignores positions, AJ needs both.
Failure modes: half a pixel matters at δ = 1, and a track that stands still beats a lost one on slow scenes. Undefined
where no point is visible after its query: δ_avg and AJ are NaN there (OA too, where E is empty), as in tapnet. These
scores judge trackers against known scenes; they are never written to a results file, which holds no NaN.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from motionbench.types import Tracks

THRESHOLDS = (1.0, 2.0, 4.0, 8.0, 16.0)
_SIDE = 256.0


@dataclass(frozen=True, slots=True)
class TapVid:
    """Scores of one video.

    Attributes:
        oa: occlusion accuracy.
        delta_avg: mean of `within`.
        aj: average Jaccard, the mean of `jaccard`.
        within: share of visible points within each of `THRESHOLDS`.
        jaccard: Jaccard index at each of `THRESHOLDS`.
        points: number of evaluated (point, frame) pairs.
    """

    oa: float
    delta_avg: float
    aj: float
    within: tuple[float, ...]
    jaccard: tuple[float, ...]
    points: int


def tapvid_scores(truth: Tracks, predicted: Tracks, size: tuple[int, int]) -> TapVid:
    """TAP-Vid scores of predicted tracks in "first" query mode.

    Args:
        truth: true tracks [N, T], in pixels of the frame; a point that is never visible is not evaluated.
        predicted: predicted tracks of the same points, in the same pixels.
        size: (height, width) of the frame. Differences are scaled by 256 / width and 256 / height.

    Raises:
        ValueError: the tracks differ in shape, or a predicted position of an evaluated point is not finite.
    """
    if truth.visible.shape != predicted.visible.shape:
        raise ValueError(f"true tracks have shape {truth.visible.shape}, predicted ones {predicted.visible.shape}")
    height, width = size
    g, p = truth.visible, predicted.visible
    # Frames after the first visible one: those where the visible frames before them number at least one.
    evaluated = np.greater(np.cumsum(g, axis=1), g)
    step = (predicted.xy.astype(np.float64) - truth.xy) * (_SIDE / width, _SIDE / height)
    squared = (step**2).sum(axis=-1)
    if not np.isfinite(squared[evaluated & g]).all():
        raise ValueError("a position of an evaluated point is not finite")
    points, visible = int(evaluated.sum()), int((g & evaluated).sum())
    within, jaccard = [], []
    for threshold in THRESHOLDS:
        close = (squared < threshold**2) & g & evaluated
        hit = int((close & p).sum())
        false = int((p & evaluated).sum()) - hit
        within.append(_ratio(int(close.sum()), visible))
        jaccard.append(_ratio(hit, visible + false) if visible else float("nan"))
    agree = _ratio(int(np.count_nonzero((p == g) & evaluated)), points)
    return TapVid(agree, float(np.mean(within)), float(np.mean(jaccard)), tuple(within), tuple(jaccard), points)


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")
