"""Masks from boxes by SAM 2 (Ravi et al. 2024, arXiv 2408.00714, in transformers), in a picture and along a video."""

from __future__ import annotations

import typing as t
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate
from transformers import AutoConfig, Sam2Config, Sam2Model, Sam2VideoConfig, Sam2VideoModel
from transformers.models.sam2_video.modeling_sam2_video import Sam2VideoInferenceSession

from motionbench.errors import DataError, WeightsError
from ttm_ref.conditions.pretrained import network, part, place

DEFAULT = "facebook/sam2.1-hiera-tiny"
Planes = NDArray[np.bool_]

# ImageNet's mean and deviation: the network's published preprocessing.
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
# How the prompt encoder is told the two corners of a box.
_CORNERS = (2, 3)


class Sam2:
    """Masks of boxes in a picture, and along a video. Nothing is loaded before the first picture.

    Args:
        name: a folder, or a name on the hub.
        device: "auto" is CUDA where there is one, else the CPU.
        offline: open no connection.
    """

    def __init__(self, name: str = DEFAULT, *, device: str = "auto", offline: bool = False) -> None:
        self.name = name
        self._device = place(device)
        self._offline = offline

    def __call__(self, image: NDArray[np.uint8], boxes: NDArray[np.float32]) -> Planes:
        """Masks of boxes.

        Args:
            image: uint8 [H, W, 3].
            boxes: float32 [K, 4] left, top, right, bottom in pixels.

        Returns:
            bool [K, H, W].

        Raises:
            WeightsError: the network cannot be loaded.
        """
        return masks(self._network, image, boxes)

    def track(self, frames: NDArray[np.uint8], boxes: NDArray[np.float32]) -> Planes:
        """Masks along a video of what the boxes hold in its first frame.

        Args:
            frames: uint8 [F, H, W, 3].
            boxes: float32 [K, 4] in frame 0; a row of NaN gives empty masks.

        Returns:
            bool [K, F, H, W].

        Raises:
            DataError: there is no frame.
            WeightsError: the network cannot be loaded.
        """
        return track_masks(self._tracker, frames, boxes)

    @cached_property
    def _network(self) -> t.Any:
        settings = part(AutoConfig, self.name, offline=self._offline)
        if isinstance(settings, Sam2VideoConfig):
            # The published files are video models; the picture's network is a part of them.
            parts = ("vision_config", "prompt_encoder_config", "mask_decoder_config")
            settings = Sam2Config(**{key: getattr(settings, key) for key in parts})
        if not isinstance(settings, Sam2Config):
            raise WeightsError(f"{self.name!r} is a {settings.model_type}, not a SAM 2", f"such as {DEFAULT}")
        return network(Sam2Model, self.name, offline=self._offline, device=str(self._device), config=settings)

    @cached_property
    def _tracker(self) -> t.Any:
        return network(Sam2VideoModel, self.name, offline=self._offline, device=str(self._device))


@torch.inference_mode()
def masks(model: t.Any, image: NDArray[np.uint8], boxes: NDArray[np.float32]) -> Planes:
    """Masks bool [K, H, W] of boxes float32 [K, 4] in a picture, by a `Sam2Model`."""
    height, width = image.shape[:2]
    if not len(boxes):
        return np.zeros((0, height, width), np.bool_)
    side = _side(model)
    corners = torch.from_numpy(np.array(boxes, np.float32)) * _scale(side, height, width)
    out = model(
        pixel_values=_pixels(image[None], side).to(model.device),
        input_boxes=corners[None].to(model.device),
        multimask_output=False,
    )
    return _at_size(out.pred_masks[0], height, width)


@torch.inference_mode()
def track_masks(model: t.Any, frames: NDArray[np.uint8], boxes: NDArray[np.float32]) -> Planes:
    """Masks bool [K, F, H, W] of what boxes [K, 4] hold in frame 0 of uint8 [F, H, W, 3], by a `Sam2VideoModel`.

    Raises:
        DataError: there is no frame.
    """
    if not len(frames):
        raise DataError("a video without frames cannot be tracked")
    count, height, width = frames.shape[:3]
    planes = np.zeros((len(boxes), count, height, width), np.bool_)
    seen = np.flatnonzero(np.isfinite(boxes).all(axis=1))
    if not len(seen):
        return planes
    side = _side(model)
    session = Sam2VideoInferenceSession(
        video=torch.cat([_pixels(frame[None], side) for frame in frames]),
        video_height=height,
        video_width=width,
        inference_device=model.device,
        inference_state_device=model.device,
        dtype=torch.float32,
    )
    corners = torch.from_numpy(np.array(boxes[seen], np.float32)) * _scale(side, height, width)
    for number, box in zip(seen.tolist(), corners, strict=True):
        prompt = {"point_coords": box.view(1, 1, 2, 2), "point_labels": torch.tensor([[_CORNERS]], dtype=torch.int32)}
        session.add_point_inputs(session.obj_id_to_idx(number), 0, prompt)
    session.obj_with_new_inputs = seen.tolist()
    for out in model.propagate_in_video_iterator(session, start_frame_idx=0):
        planes[seen, out.frame_idx] = _at_size(out.pred_masks, height, width)
    return planes


def _side(model: t.Any) -> int:
    """The side of the square pictures that the network reads."""
    size = model.config.prompt_encoder_config.image_size
    return int(size if isinstance(size, int) else size[0])


def _scale(side: int, height: int, width: int) -> Tensor:
    return torch.tensor([side / width, side / height] * 2, dtype=torch.float32)


def _pixels(frames: NDArray[np.uint8], side: int) -> Tensor:
    """uint8 [F, H, W, 3] as the network reads it: float32 [F, 3, side, side], the aspect not kept."""
    pixels = torch.from_numpy(np.array(frames)).permute(0, 3, 1, 2).float()
    pixels = interpolate(pixels, (side, side), mode="bilinear", align_corners=False, antialias=True) / 255.0
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (_MEAN, _STD))
    return (pixels - mean) / std


def _at_size(logits: Tensor, height: int, width: int) -> Planes:
    """Mask logits [K, 1, h, w] as bool [K, height, width]."""
    scaled = interpolate(logits.float(), (height, width), mode="bilinear", align_corners=False)
    return t.cast(Planes, (scaled[:, 0] > 0).cpu().numpy())
