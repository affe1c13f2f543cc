"""Colours: multi-octave textures for objects, backgrounds and scenery, painted once on a canvas.

A texture is a function of the object's own coordinates (in native pixels), evaluated on a regular grid. On a regular
grid the lattice noise is separable: rows are gathered and blended once, then columns, which makes an octave cost a
few operations a texel. Frames then read the canvas bilinearly. All noise is hashed from (seed, octave, cell), so no
texture repeats within a canvas and none is shared by two objects, except by look-alike twins.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from motionbench.datasets.synth.geometry import Floats, direction
from motionbench.datasets.synth.hashing import Stream, key, lattice

Rgb = tuple[float, float, float]
Pixels = NDArray[np.float32]

COLOURS: dict[str, Rgb] = {
    "red": (208.0, 58.0, 54.0),
    "orange": (236.0, 134.0, 44.0),
    "yellow": (244.0, 205.0, 70.0),
    "green": (74.0, 156.0, 82.0),
    "teal": (36.0, 150.0, 146.0),
    "blue": (58.0, 104.0, 196.0),
    "purple": (128.0, 80.0, 176.0),
    "pink": (236.0, 128.0, 166.0),
    "brown": (128.0, 82.0, 52.0),
    "white": (238.0, 236.0, 228.0),
    "black": (50.0, 50.0, 58.0),
}
_CREAM: Rgb = (252.0, 242.0, 218.0)
PATTERNS = ("plain", "striped", "spotted", "checkered", "marbled")


@dataclass(frozen=True, slots=True)
class Ground:
    """A background: its colours from low to high, its grain, and what is strewn over it."""

    low: Rgb
    middle: Rgb
    high: Rgb
    stretch: float = 1.0
    ridged: bool = False
    strewn: Rgb | None = None
    grain: float = 0.7


GROUNDS: dict[str, Ground] = {
    "sandy": Ground((196.0, 166.0, 118.0), (222.0, 198.0, 152.0), (240.0, 222.0, 182.0)),
    "grassy": Ground((78.0, 122.0, 62.0), (112.0, 156.0, 82.0), (156.0, 190.0, 108.0), strewn=(250.0, 236.0, 180.0)),
    "stony": Ground((100.0, 106.0, 114.0), (136.0, 142.0, 150.0), (174.0, 178.0, 184.0), ridged=True),
    "snowy": Ground((188.0, 204.0, 220.0), (220.0, 230.0, 238.0), (246.0, 249.0, 252.0)),
    "starry": Ground((24.0, 28.0, 54.0), (40.0, 46.0, 82.0), (70.0, 74.0, 122.0), strewn=(244.0, 240.0, 214.0)),
    "wooden": Ground((140.0, 98.0, 60.0), (172.0, 126.0, 82.0), (204.0, 162.0, 114.0), stretch=6.0, grain=0.3),
    "watery": Ground((62.0, 126.0, 164.0), (98.0, 164.0, 192.0), (170.0, 214.0, 224.0), ridged=True),
    "rosy": Ground((190.0, 140.0, 146.0), (218.0, 176.0, 178.0), (238.0, 208.0, 204.0)),
    "lilac": Ground((146.0, 134.0, 178.0), (178.0, 168.0, 204.0), (208.0, 202.0, 226.0), strewn=(236.0, 226.0, 244.0)),
}
SCENERY: dict[str, Ground] = {
    "wooden": Ground((104.0, 70.0, 44.0), (138.0, 96.0, 60.0), (170.0, 124.0, 82.0), stretch=5.0, grain=0.3),
    "stone": Ground((108.0, 108.0, 112.0), (142.0, 142.0, 144.0), (180.0, 178.0, 174.0), ridged=True),
    "rusty": Ground((112.0, 58.0, 42.0), (156.0, 84.0, 56.0), (190.0, 118.0, 78.0)),
}


def contrast(first: Rgb, second: Rgb) -> float:
    """Euclidean distance of two colours in 0..255 RGB, brightness counted double: enough to keep things apart."""
    r, g, b = first[0] - second[0], first[1] - second[1], first[2] - second[2]
    luma = 0.299 * r + 0.587 * g + 0.114 * b
    return float(np.sqrt(r * r + g * g + b * b + 3.0 * luma * luma))


class Grid(t.NamedTuple):
    """A regular canvas: texel (i, j) lies at (left + j * step, top + i * step) in the texture's own coordinates."""

    left: float
    top: float
    step: float
    width: int
    height: int

    def axes(self) -> tuple[Floats, Floats]:
        """float64 [width] x and float64 [height] y of the texels."""
        x = self.left + np.arange(self.width).astype(np.float64) * self.step
        return x, self.top + np.arange(self.height).astype(np.float64) * self.step


@dataclass(frozen=True, slots=True)
class Canvas:
    """A painted grid; pixels float32 [height, width, 3] in 0..255."""

    grid: Grid
    pixels: Pixels

    def sample(self, x: Floats, y: Floats) -> Pixels:
        """Bilinear colours float32 [N, 3] at points of the texture's coordinates (float64 [N]); edges are repeated."""
        grid = self.grid
        u = np.clip((x - grid.left) / grid.step, 0.0, grid.width - 1.001)
        v = np.clip((y - grid.top) / grid.step, 0.0, grid.height - 1.001)
        column, row = u.astype(np.int32), v.astype(np.int32)
        fu = (u - column).astype(np.float32)[:, None]
        fv = (v - row).astype(np.float32)[:, None]
        flat = self.pixels.reshape(-1, 3)
        index = row * np.int32(grid.width) + column
        a, b = flat.take(index, axis=0), flat.take(index + 1, axis=0)
        c, d = flat.take(index + grid.width, axis=0), flat.take(index + (grid.width + 1), axis=0)
        b -= a
        b *= fu
        a += b
        d -= c
        d *= fu
        c += d
        c -= a
        c *= fv
        a += c
        return a


def noise(grid: Grid, seed: int, wave: float, stretch: float = 1.0) -> Floats:
    """One octave of smooth noise, about [-1, 1], float64 [height, width]; `wave` is the cell in native pixels.

    White noise on a lattice under a quadratic B-spline, which shows its lattice far less than blended values do.
    """
    xs, ys = grid.axes()
    u, v = xs / (wave * stretch), ys / wave
    column, row = np.floor(u), np.floor(v)
    c0, r0 = int(column[0]), int(row[0])
    cells = lattice(seed, np.arange(r0 - 1, int(row[-1]) + 2), np.arange(c0 - 1, int(column[-1]) + 2)) * 3.6 - 1.8
    j, i = column.astype(np.int64) - c0, row.astype(np.int64) - r0
    a, b, c = _spline(u - column)
    wide = cells[:, j] * a + cells[:, j + 1] * b + cells[:, j + 2] * c
    a, b, c = (weight[:, None] for weight in _spline(v - row))
    return wide[i] * a + wide[i + 1] * b + wide[i + 2] * c


def _spline(f: Floats) -> tuple[Floats, Floats, Floats]:
    """The three weights of a quadratic B-spline at a fraction of a cell."""
    rest = 1.0 - f
    left, right = 0.5 * rest * rest, 0.5 * f * f
    return left, 1.0 - left - right, right


def fractal(
    grid: Grid, seed: int, waves: tuple[float, ...], gain: float = 0.6, stretch: float = 1.0, ridged: bool = False
) -> Floats:
    """A sum of octaves, the first with weight 1 and each next one `gain` times the last; about [-1, 1]."""
    total, weight, scale = np.zeros((grid.height, grid.width)), 1.0, 0.0
    for octave, wave in enumerate(waves):
        # A ridge folds an octave about zero: veins and caustics instead of clouds.
        layer = noise(grid, key(seed, octave), wave, stretch)
        total += (0.9 - 2.0 * np.abs(layer) if ridged and octave < 2 else layer) * weight
        scale += weight
        weight *= gain
    return total * (1.6 / scale)


def ramp(low: Rgb, middle: Rgb, high: Rgb, level: Floats) -> Floats:
    """Colours float64 [..., 3] between three stops for levels -1, 0 and 1."""
    clipped = np.clip(level, -1.0, 1.0)[..., None]
    down, up = np.maximum(-clipped, 0.0), np.maximum(clipped, 0.0)
    a, b, c = (np.array(stop, dtype=np.float64) for stop in (low, middle, high))
    return b + down * (a - b) + up * (c - b)


def paint_ground(ground: Ground, seed: int, grid: Grid) -> Canvas:
    """The canvas of a background or of a piece of scenery."""
    level = fractal(grid, seed, (38.0, 17.0, 8.0, 4.2, 2.6), 0.66, ground.stretch, ground.ridged)
    # Fine grain without a direction, so that there is something to follow everywhere.
    level = level + ground.grain * fractal(grid, key(seed, "grain"), (3.3, 2.1), 0.9)
    level = level * 1.15 / np.sqrt(1.0 + level * level)
    colours = ramp(ground.low, ground.middle, ground.high, level)
    if ground.strewn is not None:
        cover = _strewn(grid, key(seed, "strewn"))[..., None]
        colours = colours + cover * (np.array(ground.strewn, dtype=np.float64) - colours)
    return Canvas(grid, colours.astype(np.float32))


def _strewn(grid: Grid, seed: int, cell: float = 13.0) -> Floats:
    """Soft dots, at most one in each cell and never across its border: coverage in [0, 1]."""
    xs, ys = grid.axes()
    u, v = xs / cell, ys / cell
    column, row = np.floor(u), np.floor(v)
    c0, r0 = int(column[0]), int(row[0])
    rows, columns = np.arange(r0, int(row[-1]) + 1), np.arange(c0, int(column[-1]) + 1)
    j, i = column.astype(np.int64) - c0, row.astype(np.int64) - r0
    px, py, size = (lattice(key(seed, name), rows, columns)[i][:, j] for name in ("x", "y", "size"))
    radius = 0.04 + 0.1 * np.maximum(size - 0.45, 0.0) / 0.55
    dx = (u - column)[None, :] - (0.25 + 0.5 * px)
    dy = (v - row)[:, None] - (0.25 + 0.5 * py)
    inside = (radius - np.sqrt(dx * dx + dy * dy)) * cell + 0.5
    return np.where(size > 0.45, np.clip(inside, 0.0, 1.0), 0.0) * 0.85


def paint_object(base: Rgb, pattern: str, seed: int, grid: Grid, depth: Floats) -> Canvas:
    """The canvas of one part of an object.

    Args:
        base: the colour that its prompt names.
        pattern: one of PATTERNS.
        seed: of its noise and of the pattern's angle and phase.
        grid: where to paint, in the part's coordinates.
        depth: float64 [height, width] signed distance to the part's outline; darkens the rim, so that shapes read
            well on any background, and does not change when the part turns.
    """
    stream = Stream(key(seed, "pattern"))
    cloud = fractal(grid, key(seed, "cloud"), (11.0, 5.2, 2.6), 0.75)
    shade = 1.0 + 0.13 * np.clip(cloud, -1.2, 1.2)
    second = _second(base)
    cover = _pattern(pattern, grid, stream, key(seed, "warp"))[..., None]
    first = np.array(base, dtype=np.float64)
    colours = (first + cover * (np.array(second, dtype=np.float64) - first)) * shade[..., None]
    rim = np.clip((depth + 1.9) / 1.6, 0.0, 1.0)
    bevel = np.clip(-depth / 9.0, 0.0, 1.0)
    colours = colours * ((1.0 - 0.42 * rim) * (0.93 + 0.12 * bevel))[..., None]
    return Canvas(grid, np.clip(colours, 0.0, 255.0).astype(np.float32))


def _second(base: Rgb) -> Rgb:
    """The colour that a pattern is drawn in: cream on dark colours, a dark tone of the same hue on light ones."""
    luma = 0.299 * base[0] + 0.587 * base[1] + 0.114 * base[2]
    return (base[0] * 0.52, base[1] * 0.52, base[2] * 0.56) if luma > 165.0 else _CREAM


def _triangle_wave(phase: Floats) -> Floats:
    """A wave of period 1 between -1 and 1 made of straight lines."""
    return np.abs(phase - np.floor(phase) - 0.5) * 4.0 - 1.0


def _pattern(pattern: str, grid: Grid, stream: Stream, seed: int) -> Floats:
    """How much of the second colour shows, float64 [height, width] in [0, 1]; its edges are a native pixel wide."""
    xs, ys = grid.axes()
    if pattern == "plain":
        return np.zeros((grid.height, grid.width))
    if pattern == "marbled":
        veins = np.abs(noise(grid, key(seed, 0), 9.0) + 0.5 * noise(grid, key(seed, 1), 4.0))
        return np.clip(1.05 - veins * 4.0, 0.0, 1.0) * 0.9
    c, s = direction(stream.uniform(0.0, 1.0))
    x, y = xs[None, :], ys[:, None]
    u, v = x * c + y * s, y * c - x * s
    bend = noise(grid, seed, 13.0) * 0.7
    phase = stream.uniform(0.0, 1.0)
    if pattern == "striped":
        period = 7.4
        return np.clip(_triangle_wave((u + bend) / period + phase) * period * 0.25 + 0.4, 0.0, 1.0)
    if pattern == "checkered":
        period = 12.5
        across, along = _triangle_wave((u + bend) / period + phase), _triangle_wave((v - bend) / period)
        return np.clip(across * along * period * 0.55 + 0.5, 0.0, 1.0)
    pitch = 7.6
    row = np.floor((v + bend) / pitch)
    du = (u + bend) / pitch + phase + row * 0.5
    dx = (du - np.floor(du) - 0.5) * pitch
    dy = ((v + bend) / pitch - row - 0.5) * pitch
    return np.clip(2.3 - np.sqrt(dx * dx + dy * dy) + 0.5, 0.0, 1.0)
