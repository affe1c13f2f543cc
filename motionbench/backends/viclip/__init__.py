"""ViCLIP: one vector for a video, one for its caption (role `video_text`; Wang et al. 2023, arXiv 2307.06942).

Eight frames, the middles of eight equal parts of the clip (the last one is repeated in a shorter clip), each resized
with its short side to 224 (bicubic, without antialiasing) and cut at the centre, as VBench's overall consistency does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from motionbench.types import Backend, Features, Inputs

FRAMES = 8
SIDE = 224
WEIGHTS = "viclip"


def chosen_frames(count: int) -> NDArray[np.int64]:
    """Which of `count` frames are read: int64 [8]."""
    parts = min(FRAMES, count)
    edges = np.linspace(0, count, parts + 1).astype(np.int64)
    middles = (edges[:-1] + edges[1:] - 1) // 2
    return np.concatenate([middles, np.repeat(middles[-1:], FRAMES - parts)])


def _load() -> Callable[[Inputs, Mapping[str, Features]], Features]:
    from torch.nn import functional

    from motionbench import device
    from motionbench.backends import networks
    from motionbench.backends.clip.load import normalised, open_clip
    from motionbench.backends.viclip.network import Sizes, ViCLIP

    network = networks.load(ViCLIP(), WEIGHTS, under="model")
    tokenizer = open_clip().SimpleTokenizer(context_length=Sizes().words)

    def compute(inputs: Inputs, upstream: Mapping[str, Features]) -> Features:
        frames = inputs.clip.video.frames
        pictures = networks.pictures(frames[chosen_frames(len(frames))]).float()
        height, width = pictures.shape[2:]
        size = (SIDE, int(SIDE * width / height)) if height <= width else (int(SIDE * height / width), SIDE)
        resized = functional.interpolate(pictures, size, mode="bicubic", align_corners=False).round().clamp(0, 255)
        top, left = (round((side - SIDE) / 2.0) for side in size)
        clip = normalised(resized[:, :, top : top + SIDE, left : left + SIDE]).transpose(0, 1)
        place = device.chosen().name
        texts = tokenizer([inputs.case.caption, *(item.prompt for item in inputs.case.objects)])
        with networks.inference():
            video = network.video(clip[None].to(place))[0].float().cpu().numpy()
            text = network.text(texts.to(place)).float().cpu().numpy()
        return {"video": video, "text": text[0]}

    return compute


VICLIP = Backend("viclip", "video_text", 1, _load, inputs=("text",), weights=(WEIGHTS,))
