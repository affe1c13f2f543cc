"""The Fréchet distance between two samples, its first-order influence values, and its split-corrected form.

Definition. For samples x [n, d] and y [m, d] with means μ and covariances Σ (divided by n - 1 and m - 1)::

    F(x, y) = |μx - μy|² + tr Σx + tr Σy - 2 tr (Σx Σy)^½

Computed as tr (Σx Σy)^½ = ‖A Bᵀ‖_* (nuclear norm), A and B the centred samples over sqrt(n - 1): no matrix square root
and no d x d matrix where n <= d. Singular covariances keep 1e-14 relative, where `sqrtm` and `eigvals` lose 1e-6.
Source: Dowson & Landau 1982; Unterthiner et al. 2018 (https://arxiv.org/abs/1812.01717).

Range: >= 0, lower is better; rounding may yield about -1e-14 (tr Σx + tr Σy), which is not clamped.
Failure modes: biased upwards for finite n, and by how much depends on the model; where n <= d most of the value can be
bias. It sees means and covariances only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from motionbench.errors import DataError

Floats = NDArray[np.float64]


class FeatureError(DataError, ValueError):
    """Features that no distance can be computed from. A one-line `MotionBenchError` that is a `ValueError` too."""


def checked_pair(x: ArrayLike, y: ArrayLike) -> tuple[Floats, Floats]:
    """Two samples as float64 arrays [n, d] and [m, d].

    Raises:
        FeatureError: not two-dimensional, not real numbers, n < 2, d < 1, unequal d, NaN or infinity.
    """
    a, b = _checked(x, "x"), _checked(y, "y")
    if a.shape[1] != b.shape[1]:
        raise FeatureError(f"x has {a.shape[1]} features and y has {b.shape[1]}", "use one backend for both samples")
    return a, b


def _checked(sample: ArrayLike, name: str) -> Floats:
    try:
        array = np.asarray(sample)
    except (ValueError, TypeError) as error:
        raise FeatureError(f"{name} is no array", "pass an array [n, d]") from error
    if array.dtype.kind not in "fiub":
        raise FeatureError(f"{name} has dtype {array.dtype}, expected real numbers", "pass floats [n, d]")
    if array.ndim != 2:
        raise FeatureError(f"{name} has shape {array.shape}, expected [n, d]", "one row per video")
    if len(array) < 2:
        raise FeatureError(f"{name} has n = {len(array)} rows, at least 2 are needed", "one row per video")
    if array.shape[1] < 1:
        raise FeatureError(f"{name} has no features", "pass an array [n, d] with d >= 1")
    result = array.astype(np.float64)
    bad = int(np.count_nonzero(~np.isfinite(result).all(axis=1)))
    if bad:
        rows = "1 row" if bad == 1 else f"{bad} rows"
        raise FeatureError(f"{name} has NaN or infinity in {rows}", "look for a backend or a video that overflows")
    return result


def finite(value: float) -> float:
    """Return `value`, or raise a FeatureError where finite features have overflowed."""
    if not math.isfinite(value):
        raise FeatureError("the features are too large: sums of their products overflow", "scale them down")
    return value


@dataclass(frozen=True, slots=True)
class _Factors:
    """Sample = mean + sqrt(n - 1) basis @ factor. basis [n, r] is orthonormal, or None for the identity (r = n)."""

    mean: Floats
    basis: Floats | None
    factor: Floats
    trace: float


def _factors(sample: Floats, with_basis: bool = False) -> _Factors:
    n, d = sample.shape
    with np.errstate(over="ignore", invalid="ignore"):  # an overflow ends as a FeatureError below
        mean = sample.mean(axis=0)
        centred = (sample - mean) / math.sqrt(n - 1)
    trace = finite(float(np.vdot(centred, centred)))
    if n <= d:
        return _Factors(mean, None, centred, trace)
    if with_basis:
        basis, factor = np.linalg.qr(centred)
        return _Factors(mean, basis, factor, trace)
    return _Factors(mean, None, np.asarray(np.linalg.qr(centred, mode="r")), trace)


def frechet(x: Floats, y: Floats) -> float:
    """`frechet_distance` without the checks."""
    a, b = _factors(x), _factors(y)
    nuclear = float(np.linalg.svd(a.factor @ b.factor.T, compute_uv=False).sum())
    shift = a.mean - b.mean
    return finite(float(shift @ shift) + (a.trace + b.trace - 2.0 * nuclear))


def frechet_influence(x: Floats, y: Floats) -> tuple[float, Floats, Floats]:
    """Fréchet distance and what each row contributes to it, to first order.

    With A Bᵀ = U S Vᵀ the influence of row i of x is::

        2 (μx - μy)·(xi - μx) + n |Ai|² - tr Σx - (n (U S Uᵀ)ii - tr S)

    (and likewise for y with V): the derivative of F with respect to the share of row i in the sample. In terms of
    optimal transport it is the centred Kantorovich potential between the two Gaussians.

    Args:
        x: float64 [n, d], checked.
        y: float64 [m, d], checked.

    Returns:
        F, influence float64 [n] of the rows of x, and [m] of the rows of y. Each sums to zero.
    """
    a, b = _factors(x, with_basis=True), _factors(y, with_basis=True)
    u, s, vt = np.linalg.svd(a.factor @ b.factor.T, full_matrices=False)
    shift = a.mean - b.mean
    value = finite(float(shift @ shift) + (a.trace + b.trace - 2.0 * float(s.sum())))
    return value, _one_side(x, a, shift, u, s), _one_side(y, b, -shift, vt.T, s)


def _one_side(sample: Floats, f: _Factors, shift: Floats, vectors: Floats, s: Floats) -> Floats:
    n = len(sample)
    centred = sample - f.mean
    vectors = vectors if f.basis is None else f.basis @ vectors
    own = n / (n - 1) * np.einsum("ij,ij->i", centred, centred) - f.trace
    shared = n * (vectors**2 @ s) - s.sum()
    return np.asarray(2.0 * (centred @ shift) + own - shared, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class SplitDistance:
    """Split-corrected Fréchet distance and its parts.

    Attributes:
        value: between - (within_x + within_y) / 2.
        se: first-order (infinitesimal) jackknife over the paired rows, the noise of finitely many splits, and
            `unresolved`, as independent errors.
        between: mean Fréchet distance between a half of x and the other half of y.
        within_x, within_y: mean Fréchet distance between the two halves of x, and of y.
        unresolved: the distance between two ways of correcting the covariance term, which part where n is small
            against the dimension (see `split_frechet`).
        half: rows in each half.
    """

    value: float
    se: float
    between: float
    within_x: float
    within_y: float
    unresolved: float
    half: int


def split_frechet(x: Floats, y: Floats, seed: int, splits: int) -> SplitDistance:
    """Split-corrected Fréchet distance of paired samples, averaged over random splits.

    Rows are split into halves 1 and 2 at random, the same for x and y::

        ½ [F(x1, y2) + F(x2, y1)] - ½ [F(x1, x2) + F(y1, y2)]

    Every term compares the same number of rows, so the bias of finite n cancels to first order. Each term compares
    rows of *different* cases: row i of x and row i of y belong to the same case and resemble each other beyond what
    their distributions share, which would lower F(x1, y1) alone. Hence y = x gives 0.

    The correction is exact for a shift of the mean. Of a difference between the covariances it keeps only the share
    that halves resolve: with N the nuclear norm of the product of two halves, c = N(x1, x2) / tr Σx (1 for n >> d,
    0.23 for n = 64 and 400 equal variances), proportional covariances lose 1 - c of it. Dividing N(x1, y2) by the
    geometric mean of cx and cy instead undoes that for proportional covariances, overshoots for others, and is noisier.
    The truth mostly lies between, nearer to either; the gap is part of the error.

    The error is that of the sampled cases; the spread over splits alone would only say how many splits were averaged.

    Args:
        x: float64 [n, d], checked, n >= 4.
        y: float64 [n, d], checked; row i belongs to the same case as row i of x.
        seed: seed of the splits.
        splits: how many are averaged, at least 2.
    """
    n, half = len(x), len(x) // 2
    rng = np.random.default_rng(seed)
    parts = np.empty((splits, 4))  # F(x1, y2), F(x2, y1), F(x1, x2), F(y1, y2)
    nuclear = np.zeros(4)  # the sums over splits of their nuclear norms
    weights = np.array([0.5, 0.5, -0.5, -0.5])
    influence = np.zeros(n)
    for row in parts:
        order = rng.permutation(n)
        one, two = order[:half], order[half : 2 * half]
        for k, (p, i, q, j) in enumerate(((x, one, y, two), (x, two, y, one), (x, one, x, two), (y, one, y, two))):
            row[k], of_p, of_q = frechet_influence(p[i], q[j])
            nuclear[k] += _nuclear(row[k], p[i], q[j])
            influence[i] += weights[k] * of_p
            influence[j] += weights[k] * of_q
    influence /= half * splits
    unresolved = _unresolved(nuclear / splits, _factors(x).trace, _factors(y).trace)
    variance = float(influence @ influence) * n / (n - 1) + float((parts @ weights).var(ddof=1)) / splits
    means = [float(p) for p in parts.mean(axis=0)]
    between = (means[0] + means[1]) / 2
    se = math.sqrt(variance + unresolved**2)
    return SplitDistance(between - (means[2] + means[3]) / 2, se, between, means[2], means[3], unresolved, half)


def _nuclear(distance: float, x: Floats, y: Floats) -> float:
    """The nuclear norm inside a Fréchet distance, from the distance itself."""
    a, b = _factors(x), _factors(y)
    shift = a.mean - b.mean
    return (float(shift @ shift) + a.trace + b.trace - distance) / 2.0


def _unresolved(nuclear: Floats, trace_x: float, trace_y: float) -> float:
    """The gap between the two corrections of the covariance term (see `split_frechet`)."""
    across, within_x, within_y = float(nuclear[:2].mean()), float(nuclear[2]), float(nuclear[3])
    if min(within_x, within_y) <= 0.0:  # a sample without any spread has nothing to correct
        return 0.0
    kept = math.sqrt(within_x * within_y / (trace_x * trace_y))
    subtracted = within_x + within_y - 2.0 * across
    divided = trace_x + trace_y - 2.0 * across / kept
    return abs(divided - subtracted)
