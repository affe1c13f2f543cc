"""I3D trained on Kinetics-400, what FVD is made of (role `video`; Unterthiner et al. 2018, arXiv 1812.01717).

The embedding is the 400 logits before the softmax, as every peer takes it. There is one backend for each way in which
peers bring frames to 224 x 224 (`preprocess`), since each gives other numbers; the backend's name stands beside them.

At least 9 frames: the network halves time three times and averages over two of the steps that are left. Peers ask for
10. A clip that is longer than the protocol's is cut by the protocol, not here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from motionbench.types import Backend, Features, Inputs

MIN_FRAMES = 9
WEIGHTS = "i3d"
BYTES_EACH = 256 * 2**20


def _load(way: str) -> Callable[[], Callable[[Inputs, Mapping[str, Features]], Features]]:
    def load() -> Callable[[Inputs, Mapping[str, Features]], Features]:
        # Imported late: the lite profile never needs torch for its distances.
        from motionbench.backends import networks
        from motionbench.backends.i3d.network import InceptionI3d
        from motionbench.backends.i3d.preprocess import preprocess

        network = networks.load(InceptionI3d(), WEIGHTS)

        def compute(inputs: Inputs, upstream: Mapping[str, Features]) -> Features:
            clip = preprocess(inputs.clip.video.frames, way)
            with networks.inference():
                return {"embedding": networks.in_chunks(network, clip[None], BYTES_EACH)[0]}

        return compute

    return load


def _backend(name: str, way: str) -> Backend:
    return Backend(name, "video", 1, _load(way), min_frames=MIN_FRAMES, weights=(WEIGHTS,))


I3D = _backend("i3d", "stylegan_v")
I3D_VIDEOGPT = _backend("i3d-videogpt", "videogpt")
I3D_CD_FVD = _backend("i3d-cd-fvd", "cd_fvd")
