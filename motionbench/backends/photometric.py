"""Photometric features: mean colour, sharpness, change from frame to frame, and similarity to the input picture.

SSIM is that of Wang et al., "Image quality assessment: from error visibility to structural similarity", IEEE TIP
2004: an 11-pixel Gaussian window with sigma 1.5, K1 = 0.01, K2 = 0.03, data range 255, on each RGB channel. A pixel
counts where its whole window lies inside `Inputs.shown`; where everything is shown that is the cropped SSIM map of
torchmetrics, and the two agree.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from motionbench.backends.classical.opencv import luma, single_thread
from motionbench.types import Backend, Features, Inputs

WINDOW = 11
SIGMA = 1.5
C1 = (0.01 * 255.0) ** 2
C2 = (0.03 * 255.0) ** 2


def _blur(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Gaussian window mean of a float32 image [H, W, 3]."""
    kernel = cv2.getGaussianKernel(WINDOW, SIGMA, cv2.CV_32F)
    return np.asarray(cv2.sepFilter2D(image, cv2.CV_32F, kernel, kernel), dtype=np.float32)


def ssim_to(frames: NDArray[np.uint8], image: NDArray[np.uint8], shown: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Mean SSIM of each frame to one picture over the part of it that is shown.

    Args:
        frames: uint8 [T, H, W, 3].
        image: uint8 [H, W, 3].
        shown: bool [H, W], where `image` is defined.

    Returns:
        float32 [T] in [-1, 1], 1 for equal pictures; NaN where no 11 x 11 window fits into `shown`.

    Source: Wang et al. 2004, equation 13, averaged over pixels and channels.
    """
    window = np.ones((WINDOW, WINDOW), np.uint8)
    inside = cv2.erode(shown.astype(np.uint8), window, borderType=cv2.BORDER_CONSTANT, borderValue=0) > 0
    if not inside.any():
        return np.full(len(frames), np.nan, np.float32)
    rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
    reach = WINDOW // 2
    box = (
        slice(rows[0] - reach, rows[-1] + reach + 1),
        slice(columns[0] - reach, columns[-1] + reach + 1),
    )
    weight = inside[box].astype(np.float32)
    target = image[box].astype(np.float32)
    mean_t = _blur(target)
    square_t = mean_t * mean_t
    variance_t = _blur(target * target) - square_t
    values = np.empty(len(frames), np.float32)
    for t, frame in enumerate(frames):
        source = frame[box].astype(np.float32)
        mean_s = _blur(source)
        square_s, cross = mean_s * mean_s, mean_s * mean_t
        variance_s = _blur(source * source) - square_s
        covariance = _blur(source * target) - cross
        upper = (2 * cross + C1) * (2 * covariance + C2)
        lower = (square_s + square_t + C1) * (variance_s + variance_t + C2)
        values[t] = np.average((upper / lower).mean(-1, dtype=np.float64), weights=weight)
    return values


def gradient_of(frame: NDArray[np.uint8]) -> float:
    """Mean magnitude of the luma gradient (central differences), in grey levels (0..255) per pixel.

    Args:
        frame: uint8 [H, W, 3].
    """
    grey = luma(frame).astype(np.float32)
    across = cv2.Sobel(grey, cv2.CV_32F, 1, 0, ksize=1, scale=0.5, borderType=cv2.BORDER_REPLICATE)
    down = cv2.Sobel(grey, cv2.CV_32F, 0, 1, ksize=1, scale=0.5, borderType=cv2.BORDER_REPLICATE)
    return float(cv2.magnitude(across, down).mean(dtype=np.float64))


def photometric(inputs: Inputs, upstream: Mapping[str, Features]) -> Features:
    """Photometric features of one clip; `upstream` is not read.

    Returns:
        mean float32 [T, 3], mean RGB in 0..255; gradient float32 [T], mean luma gradient magnitude in 0..255 per
        pixel; change float32 [T-1], mean absolute difference of consecutive frames over pixels and channels in
        0..255; ssim float32 [T], SSIM of each frame to `inputs.image` over `inputs.shown` (NaN where no 11 x 11
        window of it is shown).
    """
    frames = inputs.clip.video.frames
    with single_thread():
        change = [sum(cv2.mean(cv2.absdiff(a, b))[:3]) / 3 for a, b in itertools.pairwise(frames)]
        return {
            "mean": np.asarray([cv2.mean(frame)[:3] for frame in frames], np.float32),
            "gradient": np.asarray([gradient_of(frame) for frame in frames], np.float32),
            "change": np.asarray(change, np.float32),
            "ssim": ssim_to(frames, inputs.image, inputs.shown),
        }


PHOTOMETRIC = Backend(
    name="photometric", role="photometric", recipe=1, load=lambda: photometric, inputs=("image",), stored=True
)
