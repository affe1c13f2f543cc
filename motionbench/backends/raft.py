"""RAFT by torchvision (role `flow`; Teed and Deng 2020, arXiv 2003.12039), large and small, with its default weights.

Frames are scaled to [-1, 1] as torchvision's transform does, and never resized: both sides are padded to multiples of
8, and to 128 where they are shorter, by repeating the border; the flow of the padding is cut away. Twelve updates, the
last of which is taken. Forward and backward pairs go through the network together.
"""

from __future__ import annotations

import typing as t
from collections.abc import Callable, Mapping

import numpy as np

from motionbench.types import Backend, Features, Inputs

if t.TYPE_CHECKING:
    from torch import Tensor

MULTIPLE, SHORTEST = 8, 128
UPDATES = 12
FLOATS_EACH_PIXEL = 640
"""Memory of one pair, in floats a pixel: the correlation of all pairs of 8 x 8 cells is most of it at 512 x 512."""

Compute = Callable[[Inputs, Mapping[str, Features]], Features]


def _load(size: str) -> Compute:
    import torch
    from torchvision.models import optical_flow

    from motionbench.backends import networks

    network = networks.load(getattr(optical_flow, f"raft_{size}")(weights=None), f"raft-{size}")

    def flow(pairs: Tensor) -> Tensor:
        return t.cast("Tensor", network(*pairs.unbind(1), num_flow_updates=UPDATES)[-1])

    def compute(inputs: Inputs, upstream: Mapping[str, Features]) -> Features:
        frames = networks.pictures(inputs.clip.video.frames).float() / 127.5 - 1.0
        padded, inside = pad(frames)
        forward = torch.stack([padded[:-1], padded[1:]], dim=1)
        pairs = torch.cat([forward, forward.flip(1)])
        with networks.inference():
            found = networks.in_chunks(flow, pairs, 4 * FLOATS_EACH_PIXEL * padded.shape[2] * padded.shape[3])
        uv = np.ascontiguousarray(found[..., inside[0], inside[1]].transpose(0, 2, 3, 1))
        return {"uv": uv[: len(forward)], "uv_back": uv[len(forward) :]}

    return compute


def pad(frames: Tensor) -> tuple[Tensor, tuple[slice, slice]]:
    """Frames [T, 3, H, W] with repeated borders, and where the given pixels lie in them."""
    from torch.nn import functional

    inside, pads = [], []
    for size in frames.shape[2:]:
        wanted = max(SHORTEST, -(-size // MULTIPLE) * MULTIPLE)
        before = (wanted - size) // 2
        inside.append(slice(before, before + size))
        pads += [(before, wanted - size - before)]
    padded = functional.pad(frames, (*pads[1], *pads[0]), mode="replicate")
    return padded, (inside[0], inside[1])


def _backend(size: str) -> Backend:
    name = f"raft-{size}"
    return Backend(name, "flow", 1, lambda: _load(size), min_frames=2, stored=False, weights=(name,))


RAFT_LARGE, RAFT_SMALL = _backend("large"), _backend("small")
