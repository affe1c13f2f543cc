"""Optical flow as pictures: what a scene's trajectory is in Table 4 of the paper, in place of coloured masks.

The picture of frame t shows where each of its pixels goes until frame t + 1: the hue is the direction, the saturation
the speed, white stands still. The last frame has no next one and repeats the picture before. The paper does not say how
it draws flow; one scale for all videos keeps a colour's meaning, as the masks' palette does.
"""

from __future__ import annotations

import hashlib
import itertools
import pickle
import typing as t
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from motionbench.errors import ConfigError, MissingDependency, WeightsError

FULL = 0.04  # diagonals a frame at which a colour is full; faster pixels look the same
MULTIPLE, SHORTEST = 8, 128  # what RAFT takes
RAFT_SHA256 = "ff5fadd56d26b40647388883af1547351ea17868b765c05b27231e72dd16a322"  # of C_T_SKHT_V2, BSD-3-Clause
Frames = NDArray[np.uint8]
Flow = NDArray[np.float32]
Estimator = Callable[[Frames], Flow]


def paint_flow(uv: Flow) -> Frames:
    """Pictures uint8 [F, H, W, 3] of flow float32 [F - 1, H, W, 2] (x right, y down, pixels a frame), F at least 2."""
    full = FULL * float(np.hypot(*uv.shape[1:3]))
    hue = np.degrees(np.arctan2(uv[..., 1], uv[..., 0])) % 360.0
    saturation = np.minimum(1.0, np.linalg.norm(uv, axis=-1) / full)
    colours = np.stack([hue, saturation, np.ones_like(hue)], axis=-1).astype(np.float32)
    pictures = np.stack([cv2.cvtColor(one, cv2.COLOR_HSV2RGB) for one in colours])
    return np.rint(255.0 * np.concatenate([pictures, pictures[-1:]])).astype(np.uint8)


def estimator(name: str, device: torch.device) -> Estimator:
    """What finds flow float32 [F - 1, H, W, 2] in frames uint8 [F, H, W, 3].

    Args:
        name: "dis" (OpenCV, no weights; Kroeger et al., ECCV 2016) or "raft" (torchvision's large network with its
            default weights, downloaded once into torch's hub folder; Teed and Deng, ECCV 2020).
        device: where RAFT runs.

    Raises:
        ConfigError: another name.
        MissingDependency: RAFT without torchvision.
        WeightsError: RAFT's weights cannot be had, or are another file.
    """
    if name == "dis":
        return _dis
    if name == "raft":
        return _raft(device)
    raise ConfigError(f"there is no flow {name!r}", "flows are dis and raft")


def _dis(frames: Frames) -> Flow:
    greys = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames]
    # DIS reads beyond pictures that are shorter than a patch on its finest scale.
    height, width = greys[0].shape
    pads = ((0, max(0, 64 - height)), (0, max(0, 64 - width)))
    padded = [np.pad(grey, pads, mode="edge") for grey in greys]
    found = [
        cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM).calc(one, two, t.cast("t.Any", None))
        for one, two in itertools.pairwise(padded)
    ]
    return np.stack(found)[:, :height, :width].astype(np.float32)


def _raft(device: torch.device) -> Estimator:
    if find_spec("torchvision") is None:
        raise MissingDependency("torchvision is not installed", "pip install torchvision, or flow=dis")
    from torchvision.models.optical_flow import Raft_Large_Weights, raft_large

    network = raft_large(weights=None).eval()
    try:
        file = _downloaded(Raft_Large_Weights.C_T_SKHT_V2.url)
        network.load_state_dict(torch.load(file, map_location="cpu", weights_only=True))
        network.to(device)
    except (OSError, RuntimeError, pickle.UnpicklingError) as error:
        reason = " ".join(str(error).split())[:200]
        raise WeightsError(f"RAFT's weights cannot be loaded: {reason}", "flow=dis needs none") from error

    def find(frames: Frames) -> Flow:
        video = torch.from_numpy(frames).to(device).permute(0, 3, 1, 2).float() / 127.5 - 1.0
        height, width = video.shape[2:]
        below, right = (max(SHORTEST, -(-size // MULTIPLE) * MULTIPLE) - size for size in (height, width))
        video = torch.nn.functional.pad(video, (0, right, 0, below), mode="replicate")
        pairs = zip(video[:-1, None], video[1:, None], strict=True)
        with torch.inference_mode(), torch.autocast(device.type, enabled=False):
            found = torch.cat([network(one, two)[-1] for one, two in pairs])
        uv: Flow = found[..., :height, :width].permute(0, 2, 3, 1).cpu().contiguous().numpy()
        return uv

    return find


def _downloaded(url: str) -> Path:
    """RAFT's file in torch's hub folder; its hash is checked whenever it is read, not only when it comes."""
    file = Path(torch.hub.get_dir(), "checkpoints", url.rsplit("/", 1)[-1])
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(url, str(file), RAFT_SHA256, progress=False)
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    if digest != RAFT_SHA256:
        raise WeightsError(
            f"{str(file)!r} is not RAFT's file (sha256 {digest[:12]}...)", "delete it; it is fetched anew"
        )
    return file
