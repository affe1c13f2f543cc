"""The alternatives that the shipped descriptor was chosen over, each of them weight-free as well.

All work on square-root-of-area 64-pixel pictures. They return raw features; the benchmark standardises them on clean
videos of the corpus at hand, which is an advantage over the shipped one, whose scales are frozen.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from motionbench.backends.descriptor.planes import MIDDLE, cells, log, planes, resized

Features = NDArray[np.float64]
LAGS = (0.125, 0.25, 0.5, 1.0)


def colour_hog3d(frames: NDArray[np.uint8], times: NDArray[np.float64], uv: NDArray[np.float32]) -> Features:
    """(a) Colour moments and 3-D gradient histograms (Kläser et al., BMVC 2008: ten axes) on 2 x 2 cells."""
    p = planes(frames)
    mean, square = cells(p.colour, 2), cells(p.colour**2, 2)
    deviation = np.sqrt(np.maximum(square - mean**2, 0)).mean(1)
    phi = (1 + 5**0.5) / 2
    corners = [[1, 1, 1], [1, 1, -1], [1, -1, 1], [1, -1, -1]]
    edges = [[0, 1 / phi, phi], [0, 1 / phi, -phi], [1 / phi, phi, 0]]
    edges += [[1 / phi, -phi, 0], [phi, 0, 1 / phi], [phi, 0, -1 / phi]]
    axes = np.array([*corners, *edges])
    axes = (axes / np.sqrt(3)).astype(np.float32)
    x = np.diff(p.middle, axis=2)[:-1, :-1]
    y = np.diff(p.middle, axis=1)[:-1, :, :-1]
    t = (np.diff(p.middle, axis=0) / (8 * np.diff(times)[:, None, None])).astype(np.float32)[:, :-1, :-1]
    size = np.sqrt(x * x + y * y + t * t)
    shares = np.stack([np.maximum(np.abs(x * a + y * b + t * c) - 0.6 * size, 0) for a, b, c in axes])
    histogram = cells(shares.mean(1), 2)
    level = log(size.mean((1, 2)), 0.002)
    return np.concatenate(
        [
            mean.mean(1).ravel(),
            log(deviation, 0.02).ravel(),
            np.sqrt(histogram / (histogram.sum(0) + 1e-3)).ravel(),
            [level.mean()],
        ]
    )


def flow_histograms(frames: NDArray[np.uint8], times: NDArray[np.float64], uv: NDArray[np.float32]) -> Features:
    """(b) HOF and MBH (Dalal et al., ECCV 2006): log bins of speed and of its gradient, directions on 2 x 2 cells."""
    diagonal = np.float32(np.hypot(*uv.shape[1:3]))
    rate = np.diff(times).astype(np.float32)[:, None, None, None]
    velocity = np.stack([resized(field, MIDDLE) for field in uv]) / diagonal / rate
    speed = np.sqrt((velocity**2).sum(-1))
    out = []
    for values in (speed, MIDDLE * np.hypot(*np.gradient(speed, axis=(1, 2)))):
        at = (np.clip(np.log2(values + 1e-4), -8, 0) + 8) / 8 * 7
        out.append(np.sqrt([np.maximum(1 - np.abs(at - k), 0).mean() for k in range(8)]))
    unit = velocity / (speed + np.float32(0.05))[..., None]
    halves = np.stack([np.maximum(sign * unit[..., i], 0) for i in (0, 1) for sign in (1, -1)])
    out.append(np.sqrt(cells(halves.mean(1), 2)).ravel())
    return np.concatenate(out)


def random_filters(frames: NDArray[np.uint8], times: NDArray[np.float64], uv: NDArray[np.float32]) -> Features:
    """(c) Mean and deviation of 48 rectified random 4 x 5 x 5 filters, half of them without a response to stillness."""
    colour = planes(frames).colour
    colour = (colour - colour.mean((1, 2, 3), keepdims=True)) / 0.2
    bank = np.random.default_rng(12).standard_normal((48, 3, 4, 5, 5)).astype(np.float32)
    bank[:24] -= bank[:24].mean(2, keepdims=True)
    bank /= np.sqrt((bank**2).sum((1, 2, 3, 4), keepdims=True))
    windows = np.lib.stride_tricks.sliding_window_view(colour, (4, 5, 5), axis=(1, 2, 3))[:, :, ::2, ::2]
    response = np.maximum(np.tensordot(windows, bank, ((0, 4, 5, 6), (1, 2, 3, 4))), 0).reshape(-1, len(bank))
    return np.concatenate([log(response.mean(0), 0.02), log(response.std(0), 0.02)])


def _quadrature(luma: NDArray[np.float32], wavelength: float = 6.0) -> NDArray[np.complex64]:
    """Responses complex [4, T, h, w] of Gabor filters in four directions."""
    reach = int(np.ceil(wavelength))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1].astype(np.float32)
    window = np.exp(-(x * x + y * y) / (2 * (0.45 * wavelength) ** 2))
    out = []
    for angle in np.pi * np.arange(4) / 4:
        phase = 2 * np.pi / wavelength * (x * np.cos(angle) + y * np.sin(angle))
        even, odd = window * np.cos(phase), window * np.sin(phase)
        even -= window * even.sum() / window.sum()
        size = np.sqrt((even**2 + odd**2).sum() / 2)
        pair = [
            np.stack([cv2.filter2D(f, -1, (k / size).astype(np.float32), borderType=cv2.BORDER_REFLECT) for f in luma])
            for k in (even, odd)
        ]
        out.append(pair[0] + 1j * pair[1])
    return np.stack(out).astype(np.complex64)


def motion_energy(frames: NDArray[np.uint8], times: NDArray[np.float64], uv: NDArray[np.float32]) -> Features:
    """(d) Spatio-temporal energy (Adelson and Bergen, JOSA A 1985) as correlations of quadrature pairs over time.

    The real part at a lag is the energy kept over it, the imaginary part the net motion along the filter (odd under
    reversal), and the size on small cells how coherent the motion is. Four directions, two scales, four lags.
    """
    out = []
    fine = planes(frames).middle
    for luma in (fine, np.stack([resized(f, MIDDLE // 2) for f in fine])):
        z = _quadrature(luma)
        power = (z * z.conj()).real
        out.append(log(cells(power, 2).mean(1), 1e-4).ravel())
        for lag in LAGS:
            k = min(max(1, round(lag / float(np.median(np.diff(times))))), len(times) - 1)
            product = z[:, k:] * z[:, :-k].conj()
            local = cells(np.stack([product.real, product.imag]).astype(np.float32), 6)
            total = cells(np.sqrt(power[:, k:] * power[:, :-k]), 6).mean((1, 2, 3)) + 1e-5
            out += [local[i].mean((1, 2, 3)) / total for i in (0, 1)]
            out.append(np.hypot(*local).mean((1, 2, 3)) / total)
    return np.concatenate(out)


def scattering(frames: NDArray[np.uint8], times: NDArray[np.float64], uv: NDArray[np.float32]) -> Features:
    """(e) Second order: the moduli of Gabor responses, differenced again over time and space (after Bruna, Mallat)."""
    modulus = np.abs(_quadrature(planes(frames).middle))
    level = modulus.mean((1, 2, 3)) + 0.01
    out = [log(level, 0)]
    for lag in LAGS:
        k = min(max(1, round(lag / float(np.median(np.diff(times))))), len(times) - 1)
        out.append(log(np.abs(modulus[:, k:] - modulus[:, :-k]).mean((1, 2, 3)) / level, 0.02))
    still = modulus.mean(1)
    for step in (4, 8):
        out.append(log(np.abs(still[:, :, step:] - still[:, :, :-step]).mean((1, 2)) / level, 0.05))
        out.append(log(np.abs(still[:, step:] - still[:, :-step]).mean((1, 2)) / level, 0.05))
    return np.concatenate(out)


CANDIDATES = {
    "colour + HOG3D": colour_hog3d,
    "HOF + MBH": flow_histograms,
    "random filters": random_filters,
    "motion energy": motion_energy,
    "scattering": scattering,
}
