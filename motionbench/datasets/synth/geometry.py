"""Turns and affine maps from additions, multiplications, divisions and square roots alone.

`sin` and `cos` of a C library differ in the last bit between machines; a polynomial with fixed coefficients does not.
Angles are in turns (1 = full circle), and as y points down a growing angle turns clockwise on the screen.
An affine map is float64 [..., 2, 3]: (x, y) -> (m00 x + m01 y + m02, m10 x + m11 y + m12).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_TAU = 6.283185307179586
_SINE = (1.0, -1.0 / 6.0, 1.0 / 120.0, -1.0 / 5040.0, 1.0 / 362880.0, -1.0 / 39916800.0)
_COSINE = (1.0, -1.0 / 2.0, 1.0 / 24.0, -1.0 / 720.0, 1.0 / 40320.0, -1.0 / 3628800.0, 1.0 / 479001600.0)


def cos_sin(turns: Floats | float) -> tuple[Floats, Floats]:
    """Cosine and sine of an angle in turns; error below 1e-11, and cos^2 + sin^2 = 1 to rounding.

    The angle is brought to within an eighth of a turn of a quarter, where the Taylor polynomials of degree 11 and 12
    are enough, and the pair is then normalised.
    """
    angle = np.asarray(turns, dtype=np.float64)
    quarter = np.rint(angle * 4.0)
    x = (angle - quarter * 0.25) * _TAU
    square = x * x
    s, c = np.zeros_like(x), np.zeros_like(x)
    for coefficient in reversed(_SINE):
        s = s * square + coefficient
    for coefficient in reversed(_COSINE):
        c = c * square + coefficient
    s = s * x
    length = np.sqrt(c * c + s * s)
    c, s = c / length, s / length
    which = quarter.astype(np.int64) & 3
    cosine = np.where(which == 0, c, np.where(which == 1, -s, np.where(which == 2, -c, s)))
    sine = np.where(which == 0, s, np.where(which == 1, c, np.where(which == 2, -s, -c)))
    return cosine, sine


def direction(turns: float) -> tuple[float, float]:
    """The unit vector at an angle in turns."""
    c, s = cos_sin(turns)
    return float(c), float(s)


def similarity(x: Floats, y: Floats, turns: Floats, scale: Floats, flip: float = 1.0) -> Floats:
    """Maps [..., 2, 3] that scale, mirror in x where `flip` is -1, rotate, and then move to (x, y)."""
    c, s = cos_sin(turns)
    rows = [c * scale * flip, -s * scale, x, s * scale * flip, c * scale, y]
    return np.stack(np.broadcast_arrays(*rows), axis=-1).reshape(*np.broadcast_shapes(*(r.shape for r in rows)), 2, 3)


def compose(outer: Floats, inner: Floats) -> Floats:
    """The map that applies `inner` first and `outer` next."""
    out = np.empty(np.broadcast_shapes(outer.shape, inner.shape))
    for row in range(2):
        for column in range(3):
            value = outer[..., row, 0] * inner[..., 0, column] + outer[..., row, 1] * inner[..., 1, column]
            out[..., row, column] = value + outer[..., row, 2] if column == 2 else value
    return out


def invert(maps: Floats) -> Floats:
    """The inverse maps."""
    a, b, c, d = maps[..., 0, 0], maps[..., 0, 1], maps[..., 1, 0], maps[..., 1, 1]
    determinant = a * d - b * c
    out = np.empty_like(maps)
    out[..., 0, 0], out[..., 0, 1] = d / determinant, -b / determinant
    out[..., 1, 0], out[..., 1, 1] = -c / determinant, a / determinant
    out[..., 0, 2] = -(out[..., 0, 0] * maps[..., 0, 2] + out[..., 0, 1] * maps[..., 1, 2])
    out[..., 1, 2] = -(out[..., 1, 0] * maps[..., 0, 2] + out[..., 1, 1] * maps[..., 1, 2])
    return out


def apply(maps: Floats, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """The images of points; maps [..., 2, 3] broadcast against x and y."""
    return (
        maps[..., 0, 0] * x + maps[..., 0, 1] * y + maps[..., 0, 2],
        maps[..., 1, 0] * x + maps[..., 1, 1] * y + maps[..., 1, 2],
    )
