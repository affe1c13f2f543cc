"""Distances between the generated and the real videos as two sets: `fvd`, `kvd`, `fvd_split`.

`fvd`: the Fréchet distance between Gaussians fitted to the videos' features. Formula, range, direction, numerics and
failure modes are those of `motionbench.metrics.frechet`. It is comparable only at equal n, protocol and backend; below
n = d + 1 a warning says so and `fvd_split` and `kvd` are to be read first. Its standard error is the delete-one
jackknife over cases (both videos of a case leave together). There is no interval, since bias, not spread, is what is
wrong with it, and no bootstrap, whose duplicates lower the effective n and raise the bias. `floor` is the mean distance
between random halves of the *real* videos: what a perfect model would get with `floor_n` videos a side. It is not
rescaled to n; the like-sized distance between generated and real halves is `between` of `fvd_split`.

`kvd`: the squared maximum mean discrepancy with the polynomial kernel k(a, b) = (gamma a·b + coef0)^degree::

    MMD² = mean of k(xi, xj) over i != j  +  mean of k(yi, yj) over i != j  -  2 mean of k(xi, yj)

Unbiased at every n for independent samples (it may be negative; lower is better). Here row i of x and of y share a
case; peers keep those n pairs in the last mean, and so does this: that pulls the value down by O(1/n). Its interval is
value ± t se with the delete-one jackknife over cases, too wide by up to sqrt(2) where the sets do not differ.
Source: Bińkowski et al. 2018 (https://arxiv.org/abs/1801.01401). Failure modes: dominated by features of large norm.

`fvd_split`: the headline distance of the lite profile, since with 64 videos a side it orders systems rightly most often
(docs/benchmarks/distances.md). The split-corrected Fréchet distance (see `frechet.split_frechet`): centred at the true
value for shifts of the mean also where n <= d, at the price of more noise; of a difference between covariances it then
shows a part, and its error says how much may be missing. May be negative; lower is better. Interval value ± t se;
docs/benchmarks/coverage.md has its coverage.
"""

from __future__ import annotations

import math
import typing as t
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from motionbench.errors import PluginError, VideoError
from motionbench.metrics.frechet import (
    FeatureError,
    Floats,
    SplitDistance,
    checked_pair,
    finite,
    frechet,
    frechet_influence,
    split_frechet,
)
from motionbench.stats import t_halfwidth, too_few
from motionbench.types import CaseView, Metric, Need, Row, Summary, Values

__all__ = ["FVD", "FVD_SPLIT", "KVD", "FeatureError", "frechet_distance", "kernel_distance", "split_frechet_distance"]

SPLITS = 20
_BLOCK = 128  # rows of a kernel matrix at a time
_EXACT_JACKKNIFE = 200  # cases up to which each is really left out; it takes n SVDs, about 1 s there


def frechet_distance(x: ArrayLike, y: ArrayLike) -> float:
    """Fréchet distance between Gaussians fitted to two samples (covariances divided by n - 1).

    |μx - μy|² + tr Σx + tr Σy - 2 ‖A Bᵀ‖_*, see `motionbench.metrics.frechet`. All arithmetic is float64.

    Args:
        x: [n, d] real numbers, n >= 2, one row per video.
        y: [m, d], m >= 2; n and m may differ.

    Returns:
        The distance, in squared feature units; about 0 (of either sign, 1e-14 of the variance) for equal samples.

    Raises:
        FeatureError: (a `MotionBenchError` and a `ValueError`) not 2-D, not real numbers, n or m < 2, unequal d, NaN,
            infinity, or so large that squares overflow.

    Example:
        >>> x = np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0]])
        >>> round(frechet_distance(x, x + [3.0, 4.0]), 9)
        25.0
    """
    return frechet(*checked_pair(x, y))


def kernel_distance(
    x: ArrayLike, y: ArrayLike, degree: int = 3, coef0: float = 1.0, gamma: float | None = None
) -> float:
    """Unbiased squared maximum mean discrepancy with a polynomial kernel (gamma a·b + coef0)^degree.

    Args:
        x: [n, d] real numbers, n >= 2, one row per video.
        y: [m, d], m >= 2; n and m may differ.
        degree: whole number >= 1.
        coef0: any finite number.
        gamma: finite and above 0; None means 1 / d, the convention of KID and KVD.

    Returns:
        MMD²; around 0, and possibly negative, where the distributions agree.

    Raises:
        FeatureError: as for `frechet_distance`, or a kernel parameter outside its range.

    Example:
        >>> kernel_distance([[1.0], [3.0]], [[0.0], [2.0]], degree=1, coef0=0.0)
        -1.0
    """
    a, b = checked_pair(x, y)
    xx, yy, xy = _kernels(a, b, degree, coef0, gamma)
    n, m = len(a), len(b)
    within = (xx.total - xx.diagonal.sum()) / (n * (n - 1)) + (yy.total - yy.diagonal.sum()) / (m * (m - 1))
    return float(within - 2.0 * xy.total / (n * m))


class _Kernel(t.NamedTuple):
    """Sums of a kernel matrix [n, m]: over each row [n], over each column [m], and its diagonal (empty if n != m)."""

    rows: Floats
    columns: Floats
    diagonal: Floats

    @property
    def total(self) -> float:
        """The sum of all entries."""
        return float(self.rows.sum())


def _kernels(
    x: Floats, y: Floats, degree: int = 3, coef0: float = 1.0, gamma: float | None = None
) -> tuple[_Kernel, _Kernel, _Kernel]:
    """The kernels of x with x, y with y and x with y."""
    if isinstance(degree, bool) or not isinstance(degree, (int, np.integer)) or degree < 1:
        raise FeatureError(f"degree is {degree!r}, expected a whole number of at least 1")
    scale = 1.0 / x.shape[1] if gamma is None else gamma
    if not (math.isfinite(scale) and scale > 0 and math.isfinite(coef0)):
        raise FeatureError(f"gamma is {gamma} and coef0 {coef0}: gamma must be above 0 and both finite")
    with np.errstate(over="ignore", invalid="ignore"):  # an overflow ends as a FeatureError
        found = tuple(_sums(a, b, int(degree), coef0, scale) for a, b in ((x, x), (y, y), (x, y)))
        finite(sum(float(np.abs(kernel.rows).sum()) for kernel in found))
    return found[0], found[1], found[2]


def _sums(a: Floats, b: Floats, degree: int, coef0: float, scale: float) -> _Kernel:
    rows, columns = np.empty(len(a)), np.zeros(len(b))
    for start in range(0, len(a), _BLOCK):  # never the whole matrix: for a thousand videos it would be 8 MB
        block = (scale * (a[start : start + _BLOCK] @ b.T) + coef0) ** degree
        rows[start : start + _BLOCK] = block.sum(axis=1)
        columns += block.sum(axis=0)
    diagonal = (scale * (a * b).sum(axis=1) + coef0) ** degree if len(a) == len(b) else np.empty(0)
    return _Kernel(rows, columns, diagonal)


def split_frechet_distance(x: ArrayLike, y: ArrayLike, seed: int, splits: int = SPLITS) -> SplitDistance:
    """Split-corrected Fréchet distance between paired samples (see `motionbench.metrics.frechet.split_frechet`).

    Args:
        x: [n, d] real numbers, n >= 4, one row per case.
        y: [n, d]; row i is of the same case as row i of x.
        seed: seed of the splits.
        splits: how many random splits are averaged, at least 2.

    Raises:
        FeatureError: as for `frechet_distance`, or n < 4, unequal n, or fewer than 2 splits.
    """
    a, b = checked_pair(x, y)
    if len(a) != len(b):
        raise FeatureError(f"x has {len(a)} rows and y has {len(b)}: they must be paired", "one row per case in both")
    if len(a) < 4 or splits < 2:
        raise FeatureError(f"n is {len(a)} and splits is {splits}: at least 4 rows and 2 splits are needed")
    return split_frechet(a, b, seed, splits)


def _measure(view: CaseView) -> Values:
    """The two embeddings; "distance" is their Euclidean distance, for finding the pairs that lie far apart."""
    assert view.reference is not None
    generated = np.asarray(view.generated.roles["video"]["embedding"], dtype=np.float64)
    reference = np.asarray(view.reference.roles["video"]["embedding"], dtype=np.float64)
    if generated.ndim != 1 or generated.shape != reference.shape:
        raise PluginError(
            f"the video embeddings have shapes {generated.shape} and {reference.shape}, expected [D] twice"
        )
    if not (np.isfinite(generated).all() and np.isfinite(reference).all()):
        raise VideoError("the video's embedding holds NaN or infinity")
    distance = float(np.linalg.norm(generated - reference))
    return {"value": None, "distance": distance, "generated_video": generated, "reference_video": reference}


def _samples(rows: Sequence[Row]) -> tuple[Floats, Floats]:
    """Generated and reference embeddings [n, D] in the order of the case ids, whatever the order of the rows."""
    rows = sorted(rows, key=lambda r: r.case_id)
    sizes = {len(r.values[key]) for r in rows for key in ("generated_video", "reference_video")}
    if len(sizes) > 1:
        raise PluginError(f"the video embeddings have different lengths: {sorted(sizes)}")
    return np.stack([r.values["generated_video"] for r in rows]), np.stack([r.values["reference_video"] for r in rows])


def _small(rows: Sequence[Row], least: int) -> Summary | None:
    if len(rows) >= least:
        return None
    return Summary(None, reason=f"needs at least {least} videos, there {'is' if len(rows) == 1 else 'are'} {len(rows)}")


def _jackknife(without: Floats) -> float:
    """Standard error from the n values that leave one case out each: sqrt((n-1)/n Σ (θi - mean)²)."""
    n = len(without)
    return math.sqrt((n - 1) / n * float(((without - without.mean()) ** 2).sum()))


def _frechet_error(x: Floats, y: Floats) -> tuple[float, str]:
    """Jackknife standard error over paired rows, and its name."""
    n = len(x)
    if n <= _EXACT_JACKKNIFE:
        kept = (np.arange(n) != i for i in range(n))
        return _jackknife(np.array([frechet(x[k], y[k]) for k in kept])), "jackknife se"
    _, of_x, of_y = frechet_influence(x, y)
    return math.sqrt(float(((of_x + of_y) ** 2).sum()) / (n * (n - 1))), "first-order jackknife se"


def _floor(y: Floats, seed: int) -> float:
    """Mean Fréchet distance between random halves of one sample."""
    rng = np.random.default_rng(seed)
    half = len(y) // 2
    orders = [rng.permutation(len(y)) for _ in range(SPLITS)]
    return math.fsum(frechet(y[o[:half]], y[o[half : 2 * half]]) for o in orders) / SPLITS


def _reduce_fvd(rows: Sequence[Row], seed: int) -> Summary:
    if small := _small(rows, 2):
        return small
    x, y = _samples(rows)
    n, d = x.shape
    reasons = [f"n = {n} <= d = {d}: most of the value can be bias"] if n <= d else []
    se, method = None, "no error below 8 cases"
    if few := too_few(n):
        reasons.append(few)
    else:
        se, method = _frechet_error(x, y)
    floor = _floor(y, seed) if n >= 4 else None
    details = {"n": n, "d": d, "floor": floor, "floor_n": n // 2 if n >= 4 else None}
    return Summary(frechet(x, y), se=se, method=f"Fréchet, {method}", reason="; ".join(reasons), details=details)


def _reduce_kvd(rows: Sequence[Row], seed: int) -> Summary:
    if small := _small(rows, 2):
        return small
    x, y = _samples(rows)
    n, d = x.shape
    value, details = kernel_distance(x, y), {"n": n, "d": d}
    if few := too_few(n):
        return Summary(value, method="unbiased MMD²", reason=few, details=details)
    xx, yy, xy = _kernels(x, y)
    inner = sum((k.total - k.diagonal.sum()) - 2.0 * (k.rows - k.diagonal) for k in (xx, yy))
    outer = xy.total - xy.rows - xy.columns + xy.diagonal
    se = _jackknife(inner / ((n - 1) * (n - 2)) - 2.0 * outer / (n - 1) ** 2)
    half = t_halfwidth(se, n - 1)
    method = "unbiased MMD², jackknife se, 95% t-interval"
    return Summary(value, value - half, value + half, se, method, details=details)


def _reduce_split(rows: Sequence[Row], seed: int) -> Summary:
    if small := _small(rows, 4):
        return small
    x, y = _samples(rows)
    found = split_frechet_distance(x, y, seed)
    n = len(x)
    details = {
        "n": n,
        "d": x.shape[1],
        "split_n": found.half,
        "splits": SPLITS,
        "between": found.between,
        "within_generated": found.within_x,
        "within_reference": found.within_y,
        "unresolved": found.unresolved,
    }
    method = f"split-corrected Fréchet, {SPLITS} splits"
    if few := too_few(n):
        return Summary(found.value, method=method, reason=few, details=details)
    half = t_halfwidth(found.se, n - 1)
    method += ", first-order jackknife se, 95% t-interval"
    return Summary(found.value, found.value - half, found.value + half, found.se, method, details=details)


_VIDEOS = (Need("video", "generated"), Need("video", "reference"))

FVD = Metric(
    "fvd", 1, _VIDEOS, _measure, _reduce_fvd, "", "lower", "Fréchet distance between generated and real videos"
)
KVD = Metric(
    "kvd", 1, _VIDEOS, _measure, _reduce_kvd, "", "lower", "kernel distance (unbiased MMD²) to the real videos"
)
FVD_SPLIT = Metric(
    "fvd_split", 2, _VIDEOS, _measure, _reduce_split, "", "lower", "Fréchet distance without its finite-sample bias"
)
