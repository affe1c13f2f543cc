"""What every OpenCV caller shares: one thread, and luma."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import cv2
import numpy as np
from numpy.typing import NDArray


@contextmanager
def single_thread() -> Iterator[None]:
    """Run OpenCV on one thread, and give the caller's setting back afterwards.

    OpenCV splits pictures by the number of threads, and not every function of it returns the same bits for
    another split. One thread makes each result a function of its input alone.
    """
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


def luma(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Rec. 601 luma, uint8 [H, W], of an RGB picture uint8 [H, W, 3]."""
    return np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
