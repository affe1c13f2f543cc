"""Frame times: from the stamps that a container gives to seconds that start at 0 and strictly increase."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from motionbench.errors import VideoError

_REORDER = 16  # no codec holds back more frames than this (H.264 and HEVC: max_num_reorder <= 16)


def median_interval(times: NDArray[np.float64]) -> float:
    """Median time between frames in seconds; 0.0 for fewer than two frames. `times`: float64 [T], increasing."""
    return float(np.median(np.diff(times))) if len(times) > 1 else 0.0


def settle(stamps: Sequence[float | None], listed: NDArray[np.float64], interval: float, name: str) -> list[float]:
    """Give each decoded frame its time.

    A frame without a stamp comes one median interval after the one before it. Stamps that are out of order by a few
    frames (H.264 with B-frames in AVI, which stores none) are replaced by those of the packets in sorted order, since
    a decoder puts frames out in the order of display.

    Args:
        stamps: seconds of the decoded frames in the order of output, None where the file has none.
        listed: float64 [P], sorted and distinct seconds of all packets.
        interval: median time between frames in seconds.
        name: file name for the error.

    Returns:
        Seconds, the first one 0, strictly increasing.

    Raises:
        VideoError: the times run backwards (a badly joined file), or there are none at all.
    """
    times: list[float] = []
    for stamp in stamps:
        if stamp is None:
            if times and interval <= 0:
                raise VideoError(f"{name!r} has frames without a time and no frame rate", _hint())
            stamp = times[-1] + interval if times else 0.0
        times.append(stamp)
    if np.any(np.diff(times) <= 0):
        ordered = listed[: len(times)]
        if len(ordered) < len(times) or np.any(np.abs(ordered - times) > _REORDER * interval):
            at = int(np.argmax(np.diff(times) <= 0)) + 1
            raise VideoError(f"the times of {name!r} run backwards at frame {at}", _hint())
        times = ordered.tolist()
    return [time - times[0] for time in times]


def _hint() -> str:
    return "write the video again at a constant frame rate"
