"""Masks from boxes by SAM (Kirillov et al. 2023, arXiv 2304.02643), by the authors' package and checkpoint files."""

from __future__ import annotations

import hashlib
import pickle
import typing as t
from functools import cached_property
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from motionbench.errors import MissingDependency, WeightsError
from ttm_ref.conditions.pretrained import place

# sha256 of the three official files, and the network that each belongs to.
CHECKPOINTS = {
    "ec2df62732614e57411cdcf32a23ffdf28910380d03139ee0f4fcbe91eb8c912": ("vit_b", "sam_vit_b_01ec64.pth"),
    "3adcc4315b642a4d2101128f611684e8734c41232a17c648ed1693702a49a622": ("vit_l", "sam_vit_l_0b3195.pth"),
    "a7bf3b02f3ebf1267aba913ff637d9a2d5c33d3173bb679e46d9f338c26f262e": ("vit_h", "sam_vit_h_4b8939.pth"),
}


class SegmentAnything:
    """Masks of boxes in a picture. Nothing is loaded before the first picture.

    The official files are pickles of tensors. Only files with a known digest are opened, and with the loader that
    builds nothing but tensors.

    Args:
        checkpoint: path of an official file.
        device: "auto" is CUDA where there is one, else the CPU.

    Raises:
        MissingDependency: the package `segment-anything` is not installed.
    """

    def __init__(self, checkpoint: str | Path, *, device: str = "auto") -> None:
        for package, name in (("segment_anything", "segment-anything"), ("torchvision", "torchvision")):
            if find_spec(package) is None:
                raise MissingDependency(f"{name} is not installed", "pip install segment-anything torchvision")
        self.path = Path(checkpoint).expanduser()
        self._device = place(device)

    def __call__(self, image: NDArray[np.uint8], boxes: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Masks bool [K, H, W] of boxes float32 [K, 4] (left, top, right, bottom in pixels) in uint8 [H, W, 3].

        Raises:
            WeightsError: the file is missing, or not an official one.
        """
        return masks(self._network, image, boxes)

    @cached_property
    def _network(self) -> t.Any:
        kind = self._kind()
        try:
            weights = torch.load(self.path, map_location="cpu", weights_only=True)
            model = import_module("segment_anything").sam_model_registry[kind](checkpoint=None)
            model.load_state_dict(weights)
        except (OSError, RuntimeError, pickle.UnpicklingError) as error:
            raise WeightsError(f"{str(self.path)!r} cannot be loaded: {str(error).splitlines()[0]}") from error
        return model.to(self._device).eval()

    def _kind(self) -> str:
        try:
            with self.path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            names = ", ".join(name for _, name in CHECKPOINTS.values())
            raise WeightsError(f"{str(self.path)!r} cannot be read", f"the official files are {names}") from error
        if digest not in CHECKPOINTS:
            names = ", ".join(name for _, name in CHECKPOINTS.values())
            raise WeightsError(
                f"{str(self.path)!r} is no official SAM checkpoint (sha256 {digest[:12]}...)", f"these are {names}"
            )
        return CHECKPOINTS[digest][0]


@torch.inference_mode()
def masks(model: t.Any, image: NDArray[np.uint8], boxes: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Masks bool [K, H, W] of boxes in a picture, by a `segment_anything` network."""
    if not len(boxes):
        return np.zeros((0, *image.shape[:2]), np.bool_)
    predictor = import_module("segment_anything").SamPredictor(model)
    predictor.set_image(np.ascontiguousarray(image))
    corners = torch.from_numpy(np.array(boxes, np.float32)).to(predictor.device)
    corners = predictor.transform.apply_boxes_torch(corners, image.shape[:2])
    found, _, _ = predictor.predict_torch(None, None, corners, multimask_output=False)
    return t.cast("NDArray[np.bool_]", found[:, 0].cpu().numpy())
