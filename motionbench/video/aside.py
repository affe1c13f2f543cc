"""The same clip half a pixel aside: a change that must not matter to anyone who measures it."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np

from motionbench.types import Clip, Video

ASIDE = (0.3, -0.4)  # pixels in x and y; half a pixel in length, and neither axis by a round part of one


def aside(clip: Clip) -> Clip:
    """Move all frames of a clip by `ASIDE` (bicubic, mirrored at the border); times and all else stay."""
    height, width = clip.video.frames.shape[1:3]
    move = np.array([[1, 0, ASIDE[0]], [0, 1, ASIDE[1]]], np.float64)
    frames = [
        cv2.warpAffine(frame, move, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)
        for frame in clip.video.frames
    ]
    return dataclasses.replace(clip, video=Video(np.stack(frames), clip.video.times))
