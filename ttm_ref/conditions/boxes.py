"""Boxes from names by Grounding DINO (Liu et al. 2023, arXiv 2303.05499), one for each object at most.

Names of one kind ("left dog", "right dog") are looked for as one phrase ("dog"), whose boxes are then told apart by
their places. A box serves one object; what is not found stays not found.
"""

from __future__ import annotations

import re
import typing as t
from collections.abc import Sequence
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate
from transformers import AutoTokenizer, GroundingDinoForObjectDetection

from motionbench.errors import ConfigError
from ttm_ref.conditions.places import choose, kind_of
from ttm_ref.conditions.pretrained import network, part, place

DEFAULT = "IDEA-Research/grounding-dino-tiny"
Floats = NDArray[np.float32]

# ImageNet's mean and deviation, and the sizes that the network was trained for (its published preprocessing).
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_SHORT, _LONG = 800, 1333
_PHRASES_AT_ONCE = 8


class GroundingDino:
    """Finds boxes of named objects. Nothing is loaded before the first picture.

    Args:
        name: a folder, or a name on the hub.
        device: "auto" is CUDA where there is one, else the CPU.
        offline: open no connection.
        threshold: least score of a box, in (0, 1); the authors use 0.25 to 0.35.
        size: the picture's short side is scaled to this, the long side to no more than 5/3 of it.

    Raises:
        ConfigError: the threshold or the device makes no sense.
    """

    def __init__(
        self,
        name: str = DEFAULT,
        *,
        device: str = "auto",
        offline: bool = False,
        threshold: float = 0.3,
        size: int = _SHORT,
    ) -> None:
        if not 0 < threshold < 1:
            raise ConfigError(f"the detector's threshold is {threshold}", "it lies between 0 and 1")
        self.name = name
        self._device = place(device)
        self._offline = offline
        self._threshold = threshold
        self._size = size

    def __call__(self, image: NDArray[np.uint8], names: Sequence[str]) -> Floats:
        """Boxes of the names in a picture.

        Args:
            image: uint8 [H, W, 3].
            names: K names; places in them ("left", "second") tell objects of one kind apart.

        Returns:
            float32 [K, 4]: left, top, right, bottom in pixels; a row of NaN for a name that was not found.

        Raises:
            WeightsError: the network cannot be loaded.
        """
        boxes = np.full((len(names), 4), np.nan, np.float32)
        kinds = list(dict.fromkeys(kind_of(name) for name in names))
        if not kinds:
            return boxes
        pixels = picture(image, self._size).to(self._device)
        found, scores = self._detect(pixels, image.shape[:2], kinds)
        return choose(names, kinds, found, scores, self._threshold, image.shape[1], image.shape[0])

    @cached_property
    def _tokenizer(self) -> t.Any:
        found = part(AutoTokenizer, self.name, offline=self._offline)
        if not found.is_fast:
            raise ConfigError(f"{self.name!r} has no fast tokenizer", "tokenizer.json is missing")
        return found

    @cached_property
    def _network(self) -> t.Any:
        return network(GroundingDinoForObjectDetection, self.name, offline=self._offline, device=str(self._device))

    def _detect(self, pixels: Tensor, size: tuple[int, int], kinds: Sequence[str]) -> tuple[list[Floats], list[Floats]]:
        """For each kind the boxes float32 [Q, 4] and scores float32 [Q] of all the network's queries."""
        boxes, scores = [], []
        for first in range(0, len(kinds), _PHRASES_AT_ONCE):
            some = kinds[first : first + _PHRASES_AT_ONCE]
            where, score = detect(self._network, self._tokenizer, pixels, some, size)
            boxes += [where] * len(some)
            scores += list(score)
        return boxes, scores


def picture(image: NDArray[np.uint8], size: int = _SHORT) -> Tensor:
    """A picture as the network reads it: float32 [1, 3, h, w], scaled and normalised."""
    height, width = image.shape[:2]
    scale = min(size / min(height, width), size * _LONG / _SHORT / max(height, width))
    shape = (max(1, round(height * scale)), max(1, round(width * scale)))
    pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].float()
    pixels = interpolate(pixels, shape, mode="bilinear", align_corners=False, antialias=True) / 255.0
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (_MEAN, _STD))
    return (pixels - mean) / std


@torch.inference_mode()
def detect(
    model: t.Any, tokens: t.Any, pixels: Tensor, kinds: Sequence[str], size: tuple[int, int]
) -> tuple[Floats, Floats]:
    """All boxes that the network proposes, and how well each fits each phrase.

    Args:
        model: a `GroundingDinoForObjectDetection`.
        tokens: its tokenizer (a fast one: it says which letters a token covers).
        pixels: float32 [1, 3, h, w].
        kinds: phrases.
        size: (height, width) of the picture in pixels.

    Returns:
        boxes float32 [Q, 4] left, top, right, bottom in pixels, cut to the picture; scores float32 [kinds, Q] in
        [0, 1], the greatest over the phrase's tokens.
    """
    phrases = [" ".join(re.sub(r"[.?\s]+", " ", kind.lower()).split()[:16]) for kind in kinds]
    text = " ".join(f"{phrase}." for phrase in phrases)
    read = tokens(text, return_offsets_mapping=True, return_tensors="pt", truncation=True, max_length=256)
    spans = read.pop("offset_mapping")[0]
    out = model(pixel_values=pixels, **{key: value.to(pixels.device) for key, value in read.items()})
    scores = out.logits[0].float().sigmoid().cpu()
    height, width = size
    middle, extent = out.pred_boxes[0].float().cpu().split(2, dim=1)
    corners = torch.cat([middle - extent / 2, middle + extent / 2], 1) * torch.tensor([width, height, width, height])
    corners = torch.minimum(corners.clamp(min=0), torch.tensor([width, height, width, height]))
    fits, start = [], 0
    for phrase in phrases:
        inside = (spans[:, 0] >= start) & (spans[:, 1] <= start + len(phrase)) & (spans[:, 1] > spans[:, 0])
        ours = scores[:, : len(inside)][:, inside]
        fits.append(ours.amax(1) if ours.shape[1] else torch.zeros(len(scores)))
        start += len(phrase) + 2
    return corners.numpy().astype(np.float32), torch.stack(fits).numpy().astype(np.float32)
