"""I3D as StyleGAN-V's TorchScript file (role `video`; Skorokhodov et al. 2022, arXiv 2112.14683).

The same weights as `i3d` in another wrapping: the file resizes, rescales and returns the logits by itself. It is a
program, so nothing of it is run unless its bytes have the listed sha256 (`weights.load_torchscript`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from motionbench.backends.i3d import BYTES_EACH, MIN_FRAMES
from motionbench.types import Backend, Features, Inputs

WEIGHTS = "i3d-torchscript"


def _load() -> Callable[[Inputs, Mapping[str, Features]], Features]:
    from torch import Tensor

    from motionbench import weights
    from motionbench.backends import networks

    network = networks.ready(weights.load_torchscript(WEIGHTS))

    def logits(clips: Tensor) -> Tensor:
        found: Tensor = network(clips, rescale=True, resize=True, return_features=True)
        return found

    def compute(inputs: Inputs, upstream: Mapping[str, Features]) -> Features:
        clip = networks.pictures(inputs.clip.video.frames).float().transpose(0, 1)
        with networks.inference():
            return {"embedding": networks.in_chunks(logits, clip[None], BYTES_EACH)[0]}

    return compute


I3D_TORCHSCRIPT = Backend(WEIGHTS, "video", 1, _load, min_frames=MIN_FRAMES, weights=(WEIGHTS,))
