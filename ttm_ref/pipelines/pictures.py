"""Pictures, masks and mask videos of any size and mode, brought to what a pipeline works on."""

from __future__ import annotations

import typing as t

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps
from torch import Tensor

from motionbench.errors import ModelError

Picture = Image.Image | NDArray[np.uint8]
Planes = NDArray[np.bool_]


def as_rgb(picture: t.Any) -> NDArray[np.uint8]:
    """A picture as uint8 [H, W, 3], the way a viewer shows it.

    Args:
        picture: a PIL image of any mode (its EXIF orientation is applied, transparency is laid on black, 16 bits keep
            the high byte), or an array uint8 [H, W] or [H, W, 1, 3 or 4].

    Raises:
        ModelError: anything else, or a picture without pixels.
    """
    if isinstance(picture, Image.Image):
        picture = _upright(picture)
    if not isinstance(picture, np.ndarray) or picture.dtype != np.uint8:
        what = f"{picture.dtype} array" if isinstance(picture, np.ndarray) else type(picture).__name__
        raise ModelError(f"the picture is a {what}", "give a PIL image or a uint8 array [H, W, 3]")
    array: NDArray[np.uint8] = picture[..., None] if picture.ndim == 2 else picture
    if array.ndim != 3 or array.shape[2] not in (1, 3, 4) or 0 in array.shape:
        raise ModelError(f"the picture has the shape {picture.shape}", "a picture is [H, W, 3], [H, W, 4] or [H, W]")
    if array.shape[2] == 4:
        alpha = array[..., 3:].astype(np.uint16)
        array = ((array[..., :3] * alpha + 127) // 255).astype(np.uint8)
    return np.broadcast_to(array, (*array.shape[:2], 3))


def _upright(picture: Image.Image) -> NDArray[np.uint8]:
    picture = ImageOps.exif_transpose(picture)
    if picture.mode.startswith("I") or picture.mode == "F":
        levels = np.clip(np.nan_to_num(np.asarray(picture)), 0, 65535).astype(np.uint32)
        grey: NDArray[np.uint8] = (levels >> 8).astype(np.uint8)
        return grey
    if picture.mode in ("RGBa", "La"):
        picture = picture.convert({"RGBa": "RGBA", "La": "LA"}[picture.mode])
    transparent = "A" in picture.getbands() or "transparency" in picture.info
    return np.asarray(picture.convert("RGBA" if transparent else "RGB"))


def as_planes(masks: t.Any, dimensions: int) -> Planes:
    """Masks as bool [K, H, W] (dimensions 3) or [K, F, H, W] (4); any number but 0 counts as inside.

    Raises:
        ModelError: they have another number of dimensions.
    """
    planes = masks.detach().cpu().numpy() if isinstance(masks, Tensor) else np.asarray(masks)
    if planes.ndim != dimensions:
        form = "[K, H, W]" if dimensions == 3 else "[K, F, H, W]"
        raise ModelError(f"the masks have the shape {planes.shape}", f"give {form}, K may be 0")
    return t.cast(Planes, planes != 0)


def cover_box(size: tuple[int, int], height: int, width: int) -> tuple[float, float, float, float]:
    """(left, top, right, bottom) of the central part of a picture of `size` that has the aspect of height x width."""
    scale = max(height / size[0], width / size[1])
    high, wide = height / scale, width / scale
    top, left = max(0.0, (size[0] - high) / 2), max(0.0, (size[1] - wide) / 2)
    return left, top, min(left + wide, size[1]), min(top + high, size[0])


def fit_picture(picture: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """Scale uint8 [H, W, 3] until it covers height x width, and cut that out at the centre.

    A picture that has the size already comes back bit for bit.
    """
    if picture.shape[:2] == (height, width):
        return picture
    box = cover_box((picture.shape[0], picture.shape[1]), height, width)
    resized = Image.fromarray(np.ascontiguousarray(picture)).resize((width, height), Image.Resampling.LANCZOS, box=box)
    return np.asarray(resized)


def fit_planes(planes: Planes, height: int, width: int) -> Planes:
    """The same for masks bool [..., H, W]: a pixel is inside where at least half of it is."""
    size = planes.shape[-2:]
    if size == (height, width):
        return planes
    out = np.zeros((*planes.shape[:-2], height, width), np.bool_)
    if not planes.any():
        return out
    box = cover_box((size[0], size[1]), height, width)
    for index in np.ndindex(planes.shape[:-2]):
        if planes[index].any():
            grey = Image.fromarray(planes[index].astype(np.uint8) * 255)
            out[index] = np.asarray(grey.resize((width, height), Image.Resampling.BILINEAR, box=box)) >= 128
    return out


def to_tensor(video: NDArray[np.uint8]) -> Tensor:
    """uint8 [F, H, W, 3] to float32 [3, F, H, W] in [-1, 1]."""
    return torch.from_numpy(video.astype(np.float32)).permute(3, 0, 1, 2) / 127.5 - 1.0


def to_arrays(video: Tensor) -> NDArray[np.float32]:
    """float [B, 3, F, H, W] in [-1, 1] to float32 [B, F, H, W, 3] in [0, 1]."""
    return t.cast("NDArray[np.float32]", (video.float().cpu() / 2 + 0.5).clamp(0, 1).permute(0, 2, 3, 4, 1).numpy())


def to_bytes(video: NDArray[np.float32]) -> NDArray[np.uint8]:
    """float32 in [0, 1] to uint8, rounded to nearest."""
    rounded: NDArray[np.uint8] = np.rint(video * 255.0).astype(np.uint8)
    return rounded
