"""Tensors of a training loop as the videos, pictures, masks and cases that the rest of motionbench knows."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from motionbench.errors import ConfigError
from motionbench.types import Array, Case, Clip, Masks, Object, Protocol, Video
from motionbench.video import conform

Batch = torch.Tensor | Sequence[torch.Tensor]


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture, uint8 [H, W, 3]."""

    pixels: NDArray[np.uint8]

    def load(self) -> NDArray[np.uint8]:
        """The pixels."""
        return self.pixels

    def digest(self) -> str:
        """sha256 of size and pixels."""
        return _sha256(self.pixels)


@dataclass(frozen=True, slots=True)
class Footage:
    """A video at its native size and rate."""

    video: Video

    def load(self, protocol: Protocol) -> Clip:
        """The video under the protocol."""
        return conform(self.video, protocol)

    def digest(self) -> str:
        """sha256 of frames and times."""
        return _sha256(self.video.frames, self.video.times)


@dataclass(frozen=True, slots=True)
class FirstMasks:
    """Masks of the first frame alone."""

    masks: Masks

    def load(self) -> Masks:
        """The masks."""
        return self.masks

    def digest(self) -> str:
        """sha256 of the planes."""
        return _sha256(self.masks.values)


def videos(batch: Batch, fps: float) -> list[Video]:
    """B videos from [B, T, 3, H, W] or B tensors [T, 3, H, W].

    Raises:
        ConfigError: another shape, or values that are neither uint8 nor floating in [0, 1].
    """
    found = []
    for number, tensor in enumerate(_items(batch, 4, "videos are [B, T, 3, H, W], or B tensors [T, 3, H, W]")):
        frames = _bytes(tensor, f"video {number}")
        found.append(Video(frames, np.arange(len(frames)) / fps))
    return found


def pictures(batch: Batch) -> list[NDArray[np.uint8]]:
    """B pictures uint8 [H, W, 3] from [B, 3, H, W] or B tensors [3, H, W]. Raises like `videos`."""
    items = _items(batch, 3, "pictures are [B, 3, H, W], or B tensors [3, H, W]")
    return [_bytes(tensor[None], f"picture {number}")[0] for number, tensor in enumerate(items)]


def first_masks(batch: Batch) -> list[NDArray[np.bool_]]:
    """B arrays bool [K, H, W] from [B, K, H, W] or B tensors [K, H, W].

    Raises:
        ConfigError: another shape, or another type than bool.
    """
    found = []
    for tensor in _items(batch, 3, "masks are bool [B, K, H, W], or B tensors [K, H, W]"):
        if tensor.dtype != torch.bool:
            raise ConfigError(f"masks are of type {tensor.dtype}", "compare them with a threshold: masks > 0.5")
        found.append(tensor.detach().cpu().numpy())
    return found


def case_of(
    image: NDArray[np.uint8],
    *,
    reference: Footage | None,
    masks: NDArray[np.bool_] | None = None,
    prompts: Sequence[str] = (),
) -> Case:
    """A case without a name. Objects have the ids 1 to K, in the order of their masks.

    Raises:
        ConfigError: more prompts than masks.
    """
    count = 0 if masks is None else len(masks)
    if len(prompts) > count:
        raise ConfigError(f"{len(prompts)} prompts for {count} objects", "one prompt for each mask")
    texts = [*prompts, *[""] * (count - len(prompts))]
    objects = tuple(Object(number, "", text) for number, text in enumerate(texts, start=1))
    ids = np.arange(1, count + 1)
    source = None if masks is None else FirstMasks(Masks(masks[:, None], ids, np.zeros(1, np.int64)))
    return Case("", "multi" if count > 1 else "single", "", "", "", "", objects, Picture(image), reference, source)


def same_length(**counts: int) -> None:
    """Raise a ConfigError unless all parts of a batch are of one length."""
    if len(set(counts.values())) > 1:
        named = ", ".join(f"{count} {name}" for name, count in counts.items())
        raise ConfigError(f"a batch of {named}", "one of each for every case")


def _items(batch: Batch, dimensions: int, expected: str) -> list[torch.Tensor]:
    items = list(batch)
    for item in items:
        if not isinstance(item, torch.Tensor) or item.ndim != dimensions:
            shape = f"of shape {tuple(item.shape)}" if isinstance(item, torch.Tensor) else f"a {type(item).__name__}"
            raise ConfigError(f"an item of the batch is {shape}", expected)
    return items


def _bytes(frames: torch.Tensor, what: str) -> NDArray[np.uint8]:
    """uint8 [T, H, W, 3] from [T, 3, H, W]; floating values are rounded to the nearest of 256 levels."""
    frames = frames.detach().cpu()
    if frames.shape[1] != 3 or 0 in frames.shape:
        raise ConfigError(f"{what} has the shape {tuple(frames.shape)}", "colours are the second axis: [T, 3, H, W]")
    if frames.is_floating_point():
        low, high = float(frames.min()), float(frames.max())
        if not (low >= 0 and high <= 1):  # also where there is a NaN
            raise ConfigError(
                f"{what} has values from {low:g} to {high:g}", "floating videos are in [0, 1]: clamp them"
            )
        frames = (frames.double() * 255).round().to(torch.uint8)
    if frames.dtype != torch.uint8:
        raise ConfigError(f"{what} is of type {frames.dtype}", "videos are uint8 in [0, 255] or floating in [0, 1]")
    return np.ascontiguousarray(frames.permute(0, 2, 3, 1).numpy())


def _sha256(*arrays: Array) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype} {array.shape} ".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
