"""Photometric features: mean colour, sharpness, change from frame to frame, and similarity to the input picture.

SSIM is that of Wang et al., "Image quality assessment: from error visibility to structural similarity", IEEE TIP
2004: an 11-pixel Gaussian window with sigma 1.5, K1 = 0.01, K2 = 0.03, data range 255, on each RGB channel. As in
torchmetrics 1.9 (`structural_similarity_index_measure`) the picture is mirrored at its border, and all pixels count;
the two agree on the rectangle that `Inputs.shown` holds.
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


def _blur(image: NDArray[np.float32], out: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
    """Gaussian window mean of a float32 image [H, W, 3], mirrored at its border, into `out` if given."""
    kernel = cv2.getGaussianKernel(WINDOW, SIGMA, cv2.CV_32F)
    filtered = cv2.sepFilter2D(image, cv2.CV_32F, kernel, kernel, dst=out, borderType=cv2.BORDER_REFLECT_101)
    return np.asarray(filtered, dtype=np.float32)


class _Target:
    """A picture that others are compared with, its statistics, and work space.

    The arithmetic is done in place: fresh arrays for each frame would take as long as the arithmetic itself.
    """

    def __init__(self, image: NDArray[np.uint8]) -> None:
        self.image = image.astype(np.float32)
        self.mean = _blur(self.image)
        self.square = self.mean * self.mean
        self.variance = np.maximum(_blur(self.image * self.image) - self.square, 0)
        self._work = np.empty((5, *self.image.shape), np.float32)

    def ssim(self, frame: NDArray[np.uint8]) -> NDArray[np.float32]:
        """SSIM map float32 [H, W, 3] with another picture uint8 [H, W, 3]; overwritten by the next call."""
        source, product, mean, cross, variance = self._work
        np.copyto(source, frame)
        _blur(source, mean)
        _blur(np.multiply(source, self.image, out=product), cross)
        _blur(np.multiply(source, source, out=product), variance)
        np.multiply(mean, self.mean, out=product)
        cross -= product
        mean *= mean
        variance -= mean
        np.maximum(variance, 0, out=variance)
        # (2 product + C1) (2 covariance + C2) / ((mean^2 + mean^2 + C1) (variance + variance + C2))
        product += C1 / 2
        cross += C2 / 2
        product *= cross
        product *= 4
        mean += self.square
        mean += C1
        variance += self.variance
        variance += C2
        mean *= variance
        product /= mean
        return np.asarray(product)


def ssim_to(frames: NDArray[np.uint8], image: NDArray[np.uint8], shown: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Mean SSIM of each frame to one picture over the part of it that is shown.

    Args:
        frames: uint8 [T, H, W, 3].
        image: uint8 [H, W, 3].
        shown: bool [H, W], where `image` is defined; mostly a rectangle. Where it is none, a pixel counts if its
            window lies in `shown` as far as it lies in the rectangle around it.

    Returns:
        float32 [T] in [-1, 1], 1 for equal pictures; NaN where no pixel counts.

    Source: Wang et al. 2004, equation 13, averaged over pixels and channels.
    """
    rows, columns = np.flatnonzero(shown.any(1)), np.flatnonzero(shown.any(0))
    if not len(rows):
        return np.full(len(frames), np.nan, np.float32)
    box = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    window = np.ones((WINDOW, WINDOW), np.uint8)
    weight = cv2.erode(shown[box].astype(np.uint8), window, borderType=cv2.BORDER_CONSTANT, borderValue=1)
    if not weight.any():
        return np.full(len(frames), np.nan, np.float32)
    target = _Target(image[box])
    values = [sum(cv2.mean(target.ssim(frame[box]), mask=weight)[:3]) / 3 for frame in frames]
    return np.asarray(values, np.float32)


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
        0..255; ssim float32 [T], SSIM of each frame to `inputs.image` over `inputs.shown` (NaN where nothing
        of it is shown).
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
