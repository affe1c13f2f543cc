"""The baseline without motion: the picture itself, again and again."""

from __future__ import annotations

import numpy as np

from motionbench.types import Request, Video


class StaticModel:
    """Repeats the first frame. Perfect in every measure of stability, and 0 in every measure of motion."""

    name = "static"

    def generate(self, request: Request) -> Video:
        """Return `request.frames` copies of the image, uint8 [T, H, W, 3], at `request.fps`."""
        # A broadcast view: a thousand frames take the memory of one.
        frames = np.broadcast_to(request.image, (request.frames, *request.image.shape))
        return Video(frames, np.arange(request.frames, dtype=np.float64) / request.fps)
