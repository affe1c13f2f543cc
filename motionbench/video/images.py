"""Single pictures: PNG, JPEG or WebP bytes to uint8 arrays (Pillow, restricted to these three parsers)."""

from __future__ import annotations

import io
import typing as t
import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from motionbench.errors import VideoError

MAX_PIXELS = 1 << 26  # 8192 x 8192: above every camera and generator, below what a decompression bomb needs
MAX_SIDE = 1 << 14
TOO_LARGE = "more than 2**26 pixels, or than 2**14 to a side"
IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
_FORMATS = ("PNG", "JPEG", "WEBP")


def read_image(path: Path) -> NDArray[np.uint8]:
    """Read a picture as RGB, the way a viewer would show it.

    EXIF orientation is applied, transparency is laid on black, 16-bit samples keep their high byte, and a palette or
    grey picture becomes RGB. An animated picture gives its first frame.

    Args:
        path: a PNG, JPEG or WebP file.

    Returns:
        uint8 [H, W, 3].

    Raises:
        VideoError: the file is missing, empty, damaged, of another format, or too large (more than 2**26
            pixels, or than 2**14 to a side).
    """
    picture = _upright(_open(path))
    if picture.mode.startswith("I") or picture.mode == "F":
        grey = _high_byte(np.asarray(picture))
        return np.repeat(grey[:, :, None], 3, axis=2)
    if "A" in picture.getbands() or "transparency" in picture.info:
        return on_black(np.asarray(picture.convert("RGBA")))
    return np.array(picture.convert("RGB"))


def read_labels(path: Path) -> NDArray[np.int64]:
    """Read an annotation whose pixel values are object ids: palette indices (DAVIS), or the values of a grey picture.

    Args:
        path: a PNG with a palette, or with one grey channel of 1, 8 or 16 bits.

    Returns:
        int64 [H, W], 0 = background.

    Raises:
        VideoError: the file is unreadable, or its pixels are colours and not numbers.
    """
    picture = _open(path)
    if picture.mode not in ("P", "L", "1", "I;16", "I"):
        raise VideoError(
            f"the mask {path.name} holds colours ({picture.mode}), not object ids",
            "save it with a palette or as one grey channel: 0 is background, k is the object with id k",
        )
    return np.array(picture).astype(np.int64)


def on_black(rgba: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Lay uint8 [H, W, 4] RGBA with straight alpha on black: uint8 [H, W, 3], rounded to nearest."""
    alpha = rgba[:, :, 3:].astype(np.uint16)
    laid: NDArray[np.uint8] = ((rgba[:, :, :3] * alpha + 127) // 255).astype(np.uint8)
    return laid


def _high_byte(values: NDArray[t.Any]) -> NDArray[np.uint8]:
    bytes_: NDArray[np.uint8] = (np.clip(values, 0, 65535).astype(np.uint32) >> 8).astype(np.uint8)
    return bytes_


def _open(path: Path) -> Image.Image:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise VideoError(f"the picture {path.name!r} cannot be read: {error.strerror}") from error
    if not content:
        raise VideoError(f"the picture {path.name!r} is empty (0 bytes)")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the limit below is the stricter one
            picture = Image.open(io.BytesIO(content), formats=_FORMATS)
            width, height = picture.size
            if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
                raise VideoError(f"the picture {path.name!r} is {width}x{height}, {TOO_LARGE}")
            picture.load()
    except UnidentifiedImageError as error:
        raise VideoError(f"the picture {path.name!r} is no PNG, JPEG or WebP file") from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise VideoError(f"the picture {path.name!r} is damaged: {error}") from error
    return picture


def _upright(picture: Image.Image) -> Image.Image:
    return ImageOps.exif_transpose(picture)
