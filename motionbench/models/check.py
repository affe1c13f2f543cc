"""Ask a model for a video, and make sure that what comes back is one."""

from __future__ import annotations

import typing as t

import numpy as np
from numpy.typing import NDArray

from motionbench.errors import ModelError
from motionbench.registry import foreign
from motionbench.types import I2VModel, Request, Video

MIN_SIDE = 16
EXPECTED = "expected a Video, or uint8 RGB frames [T, H, W, 3]"


def generate(model: I2VModel, request: Request) -> Video:
    """Generate one video and check it.

    Args:
        model: the model.
        request: what it is asked for.

    Returns:
        The video, uint8 [T, H, W, 3] with T >= 1 and both sides at least 16 pixels; any size and any number of frames
        is allowed, since the protocol and the input match handle both. Bare frames (an array, a tensor on the CPU, a
        list of pictures) get the times 0, 1/fps, 2/fps, ...

    Raises:
        ModelError: the model raised (the error is its `__cause__`), or returned something else.
        MotionBenchError: any other of our own errors that the model raised itself.
    """
    with foreign(ModelError, "the model failed"):
        result = model.generate(request)
    return as_video(result, request.fps)


def as_video(result: t.Any, fps: float) -> Video:
    """Check what a model returned; see `generate`."""
    if isinstance(result, Video):
        frames, times = result.frames, result.times
    else:
        frames = _array(result)
        times = np.arange(len(frames), dtype=np.float64) / fps
    if len(frames) == 0:
        raise ModelError("the model returned no frames", EXPECTED)
    height, width = frames.shape[1:3]
    if min(height, width) < MIN_SIDE:
        raise ModelError(f"the model returned frames of {width} x {height} pixels, at least {MIN_SIDE} are needed")
    if not np.all(np.isfinite(times)) or np.any(np.diff(times) <= 0):
        raise ModelError("the model returned times that do not increase", "times are seconds, one for each frame")
    return Video(frames, times)


def _array(result: t.Any) -> NDArray[np.uint8]:
    """The frames as an array [T, H, W, 3] (T may be 0), or a ModelError that says what came back."""
    kind = f"{type(result).__module__}.{type(result).__qualname__}".removeprefix("builtins.")
    if result is None or isinstance(result, (str, bytes, dict)):
        raise ModelError(f"the model returned {'nothing' if result is None else f'a {kind}'}", EXPECTED)
    with foreign(ModelError, f"the model returned a {kind} that is no array"):
        frames = np.asarray(result)
    if frames.shape[:1] == (0,):
        return np.zeros((0, MIN_SIDE, MIN_SIDE, 3), np.uint8)
    shape = "x".join(map(str, frames.shape)) or "scalar"
    if frames.dtype != np.uint8:
        nan = frames.dtype.kind == "f" and bool(np.isnan(frames).any())
        found = f"{frames.dtype} frames [{shape}]{' with NaN' if nan else ''}"
        raise ModelError(f"the model returned {found}, expected uint8 [T, H, W, 3]", EXPECTED)
    if frames.ndim != 4 or frames.shape[3] != 3:
        raise ModelError(f"the model returned frames of shape [{shape}], expected [T, H, W, 3]", EXPECTED)
    return frames
