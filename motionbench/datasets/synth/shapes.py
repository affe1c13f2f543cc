"""Outlines as signed distance functions: negative inside, zero on the edge, positive outside.

Every function takes x and y (float64 arrays of one shape) and returns a value that never exceeds the true distance
to the edge and has the right sign (it is 1-Lipschitz), so a pixel whose centre is farther from the edge than half
its diagonal needs no supersampling. The outlines of `SHAPES` fit the unit disc. Sources of the closed forms: Inigo
Quilez, "2D distance functions".
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np

from motionbench.datasets.synth.geometry import Floats, cos_sin, direction

Sdf = Callable[[Floats, Floats], Floats]


def box(x: Floats, y: Floats, half_x: float, half_y: float, corner: float = 0.0) -> Floats:
    """An axis-aligned box with rounded corners."""
    qx, qy = np.abs(x) - (half_x - corner), np.abs(y) - (half_y - corner)
    ox, oy = np.maximum(qx, 0.0), np.maximum(qy, 0.0)
    out: Floats = np.sqrt(ox * ox + oy * oy) + np.minimum(np.maximum(qx, qy), 0.0) - corner
    return out


def disc(x: Floats, y: Floats, radius: float) -> Floats:
    """A disc about the origin."""
    return np.sqrt(x * x + y * y) - radius


def capsule(x: Floats, y: Floats, length: float, radius: float) -> Floats:
    """All points within `radius` of the segment from (0, 0) to (0, length)."""
    dy = y - np.clip(y, 0.0, length)
    return np.sqrt(x * x + dy * dy) - radius


def _ball(x: Floats, y: Floats) -> Floats:
    return disc(x, y, 1.0)


def _square(x: Floats, y: Floats) -> Floats:
    return box(x, y, 0.76, 0.76, 0.12)


def _bar(x: Floats, y: Floats) -> Floats:
    return box(x, y, 1.0, 0.3, 0.12)


def _polygon(x: Floats, y: Floats, sides: int, inradius: float, corner: float) -> Floats:
    out = np.full(x.shape, -np.inf)
    for side in range(sides):
        nx, ny = direction(side / sides + 0.25)
        out = np.maximum(out, x * nx + y * ny - (inradius - corner))
    return out - corner


def _triangle(x: Floats, y: Floats) -> Floats:
    return _polygon(x, y, 3, 0.5, 0.0)


def _pentagon(x: Floats, y: Floats) -> Floats:
    return _polygon(x, y, 5, 0.8, 0.0)


def _hexagon(x: Floats, y: Floats) -> Floats:
    return _polygon(x, y, 6, 0.86, 0.0)


def _reflect(x: Floats, y: Floats, nx: float, ny: float) -> tuple[Floats, Floats]:
    behind = 2.0 * np.minimum(x * nx + y * ny, 0.0)
    return x - behind * nx, y - behind * ny


def _star(x: Floats, y: Floats) -> Floats:
    # Fold the plane onto one half of one of the five points, then measure to that point's edge.
    k1x, k1y = 0.8090169943749475, -0.5877852522924731
    x, y = np.abs(x), -y
    x, y = _reflect(x, y, -k1x, -k1y)
    x, y = _reflect(x, y, k1x, -k1y)
    x = np.abs(x)
    y = y - 1.0
    bx, by = 0.46 * -k1y, 0.46 * k1x - 1.0
    along = np.clip((x * bx + y * by) / (bx * bx + by * by), 0.0, 1.0)
    dx, dy = x - bx * along, y - by * along
    side = y * bx - x * by
    return np.sqrt(dx * dx + dy * dy) * np.where(side > 0.0, 1.0, -1.0)


def _heart(x: Floats, y: Floats) -> Floats:
    scale = 1.55
    x, y = np.abs(x) * (1.0 / scale), -y * (1.0 / scale) + 0.55
    lobe_x, lobe_y = x - 0.25, y - 0.75
    upper = np.sqrt(lobe_x * lobe_x + lobe_y * lobe_y) - 0.35355339059327373
    top = y - 1.0
    m = 0.5 * np.maximum(x + y, 0.0)
    mx, my = x - m, y - m
    nearest = np.sqrt(np.minimum(x * x + top * top, mx * mx + my * my))
    lower = nearest * np.where(x > y, 1.0, -1.0)
    return np.where(x + y > 1.0, upper, lower) * scale


def _crescent(x: Floats, y: Floats) -> Floats:
    return np.maximum(disc(x, y, 1.0), -disc(x - 0.55, y, 0.8))


def _cross(x: Floats, y: Floats) -> Floats:
    return np.minimum(box(x, y, 0.98, 0.32, 0.06), box(x, y, 0.32, 0.98, 0.06))


def _ring(x: Floats, y: Floats) -> Floats:
    return np.abs(disc(x, y, 0.7)) - 0.3


def _arrow(x: Floats, y: Floats) -> Floats:
    shaft = box(x + 0.42, y, 0.58, 0.24)
    slope_x, slope_y = 0.6401843996644799, 0.7682212795973759
    head = np.maximum(x * slope_x + np.abs(y) * slope_y - slope_x, 0.02 - x)
    return np.minimum(shaft, head)


def _eightfold(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    x, y = np.abs(x), np.abs(y)
    return np.maximum(x, y), np.minimum(x, y)


def _gear(x: Floats, y: Floats) -> Floats:
    fx, fy = _eightfold(x, y)
    body = np.minimum(disc(x, y, 0.78), box(fx - 0.7, fy, 0.3, 0.16, 0.04))
    return np.maximum(body, -disc(x, y, 0.26))


def _flower(x: Floats, y: Floats) -> Floats:
    petals = disc(x, y, 0.55)
    for petal in range(6):
        px, py = direction(petal / 6.0)
        petals = np.minimum(petals, disc(x - 0.64 * px, y - 0.64 * py, 0.36))
    return petals


SHAPES: dict[str, Sdf] = {
    "ball": _ball,
    "square": _square,
    "triangle": _triangle,
    "pentagon": _pentagon,
    "hexagon": _hexagon,
    "star": _star,
    "heart": _heart,
    "crescent": _crescent,
    "cross": _cross,
    "ring": _ring,
    "bar": _bar,
    "arrow": _arrow,
    "gear": _gear,
    "flower": _flower,
}
ROUND = ("ball", "ring", "gear", "flower", "hexagon")
LONG = ("bar", "arrow", "crescent", "cross", "triangle", "heart")


@functools.cache
def _cloud(shape: str) -> tuple[Floats, Floats]:
    """A dense cloud of points inside a shape of SHAPES."""
    grid = (np.arange(-40, 41, dtype=np.float64)) * (1.0 / 40.0)
    x, y = np.meshgrid(grid, grid)
    inside = SHAPES[shape](x, y) <= 0.0
    return x[inside], y[inside]


@functools.cache
def reach(shape: str, turn: float, towards: float) -> float:
    """How far a unit shape rotated by `turn` reaches in the direction `towards` (its support function, in turns)."""
    x, y = _cloud(shape)
    c, s = cos_sin(towards - turn)
    return float(np.max(x * c + y * s)) + 0.5 / 40.0
