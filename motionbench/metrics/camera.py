"""How objects move against the background: the camera's motion is fitted and taken out, then tracks are differentiated.

Camera. In each step of a window a similarity (shift, rotation, zoom) is fitted to the background tracks that are seen
at both ends: the hypothesis of the least median squared residual (Rousseeuw 1984) among 128 two-point fits and one pure
shift, then least squares on the tracks within 2.5 of its robust standard deviations, at least half a pixel.

Motion. The steps are chained and inverted, which gives each object track as it would look from the window's first
frame. From it speed, acceleration and jerk follow as divided differences at the frames' true times. A track that is
seen throughout its window gives the root mean square of each; an object the median over its tracks, in object diameters
(square root of the area of its mask in frame 0) per second, second² and second³.

Range: >= 0; a still video gives exactly 0. Failure modes: a similarity does not describe parallax, so a moving camera
in a deep scene leaves apparent motion (see the share of inliers: tracks within a pixel of the fit); where more than
half of the background moves by itself it is taken for the camera; lost tracks are not measured here, so teleports and
disappearances show in survival only; a window of fewer than 4 frames has no jerk. Tracking noise sets a floor that
grows with the frame rate.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from motionbench.types import Features

Complex = NDArray[np.complex128]
Floats = NDArray[np.float64]

HYPOTHESES = 128
MIN_BACKGROUND = 6  # visible background tracks for a fit; two determine it, and half may be wrong
INLIER_PIXELS = 1.0  # a fixed distance: one that follows the residuals would call any mess explained
_FIT_PIXELS = 0.5
_MAX_TURN = 0.5  # |zoom and rotation - 1| in one step; a larger one comes from mismatched tracks, not from a camera
ORDERS = ("amplitude", "acceleration", "jerk")


@dataclass(frozen=True, slots=True)
class Step:
    """Camera motion in one step, on points as complex numbers x + iy: z -> z + turn * z + shift.

    Attributes:
        turn: zoom * exp(i rotation) - 1.
        shift: pixels.
        inliers: share of the background tracks that it explains to within a pixel.
    """

    turn: complex
    shift: complex
    inliers: float


def fit_camera(before: Complex, after: Complex) -> Step | None:
    """Robust similarity between two sets of points (see the module's text).

    Args:
        before, after: complex128 [N] the same background points in two frames, pixels.

    Returns:
        The camera's step, or None with fewer than `MIN_BACKGROUND` points. Equal points give exactly no motion.
    """
    n = len(before)
    if n < MIN_BACKGROUND:
        return None
    moved = after - before
    first, second = np.random.default_rng(0).integers(0, n, (2, HYPOTHESES))
    span = before[second] - before[first]
    usable = np.abs(span) > 1e-6
    turns = np.where(usable, (moved[second] - moved[first]) / np.where(usable, span, 1.0), 0.0)
    turns[np.abs(turns) > _MAX_TURN] = 0.0
    shifts = moved[first] - turns * before[first]
    turns = np.append(turns, 0.0)
    shifts = np.append(shifts, np.median(moved.real) + 1j * np.median(moved.imag))
    residuals = np.abs(moved - turns[:, None] * before - shifts[:, None])
    medians = np.median(residuals, axis=1)
    best = int(np.argmin(medians))
    spread = 1.4826 * (1 + 5 / (n - 2)) * float(medians[best])
    kept = residuals[best] <= max(2.5 * spread, _FIT_PIXELS)
    turn, shift = _least_squares(before[kept], moved[kept])
    return Step(turn, shift, float(np.mean(np.abs(moved - turn * before - shift) <= INLIER_PIXELS)))


def _least_squares(before: Complex, moved: Complex) -> tuple[complex, complex]:
    centre, mean = before.mean(), moved.mean()
    arms = before - centre
    square = float(np.vdot(arms, arms).real)
    turn = complex(np.vdot(arms, moved - mean)) / square if square > 1e-6 else 0j
    if abs(turn) > _MAX_TURN:
        turn = 0j
    return turn, complex(mean - turn * centre)


def window_cameras(points: Complex, visible: NDArray[np.bool_]) -> list[Step] | None:
    """The camera's steps in one window from its background tracks [N, L]; None if one cannot be fitted."""
    steps = []
    for k in range(points.shape[1] - 1):
        seen = visible[:, k] & visible[:, k + 1]
        step = fit_camera(points[seen, k], points[seen, k + 1])
        if step is None:
            return None
        steps.append(step)
    return steps


def stabilise(points: Complex, steps: list[Step]) -> Complex:
    """Tracks [N, L] as seen from the window's first frame."""
    scale, offset = 1 + 0j, 0j
    stable = points.copy()
    for k, step in enumerate(steps, start=1):
        scale, offset = scale + step.turn * scale, offset + step.turn * offset + step.shift
        stable[:, k] = (points[:, k] - offset) / scale
    return stable


def derivatives(track: Complex, times: Floats) -> list[Floats | None]:
    """Root mean square speed, acceleration and jerk of tracks.

    Args:
        track: complex128 [N, L] positions in pixels.
        times: float64 [L] seconds, strictly increasing.

    Returns:
        Three arrays float64 [N], in pixels per second, second² and second³, by repeated divided differences (each
        value belongs to the middle of the interval that it was taken over); None where L is too short for one.
    """
    found: list[Floats | None] = []
    for _ in ORDERS:
        if track.shape[1] < 2:
            found.append(None)
            continue
        track, times = np.diff(track, axis=1) / np.diff(times), (times[1:] + times[:-1]) / 2
        found.append(np.sqrt(np.mean(np.abs(track) ** 2, axis=1)))
    return found


@dataclass(frozen=True, slots=True)
class Motion:
    """Camera-compensated motion of a clip's objects.

    Attributes:
        objects: object id to {"amplitude", "acceleration", "jerk"}; None where it could not be measured.
        inliers: median share of background tracks within a pixel of the fitted camera, None if it was never fitted.
    """

    objects: Mapping[int, Mapping[str, float | None]]
    inliers: float | None


def object_motion(windows: Features, diameters: Mapping[int, float], times: Floats) -> Motion:
    """Motion of objects against the background.

    Args:
        windows: features of the role `windows` (xy, visible, object_ids with 0 for the background, start).
        diameters: object id to diameter in pixels; an object of diameter 0 is not measured.
        times: float64 [T] seconds.
    """
    points = windows["xy"][..., 0].astype(np.float64) + 1j * windows["xy"][..., 1]
    ids, start, visible = windows["object_ids"], windows["start"], windows["visible"]
    length = points.shape[1]
    found: dict[int, list[list[Floats | None]]] = {k: [] for k in diameters}
    inliers: list[float] = []
    for begin in np.unique(start):
        here = start == begin
        background = here & (ids == 0)
        steps = window_cameras(points[background], visible[background])
        if steps is None:
            continue
        inliers += [step.inliers for step in steps]
        for key in diameters:
            whole = here & (ids == key) & visible.all(axis=1)
            found[key].append(derivatives(stabilise(points[whole], steps), times[begin : begin + length]))
    objects = {key: _medians(found[key], diameter) for key, diameter in diameters.items()}
    return Motion(objects, float(np.median(inliers)) if inliers else None)


def _medians(windows: list[list[Floats | None]], diameter: float) -> dict[str, float | None]:
    result: dict[str, float | None] = {}
    for order, name in enumerate(ORDERS):
        arrays = [a for a in (window[order] for window in windows) if a is not None]
        values = np.concatenate(arrays) if arrays else np.empty(0)
        result[name] = float(np.median(values)) / diameter if len(values) and diameter > 0 else None
    return result
