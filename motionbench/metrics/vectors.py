"""Cosines of unit vectors, shared by the metrics that compare embeddings."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from motionbench.errors import VideoError
from motionbench.types import Array


def cosines(first: Array, second: Array) -> NDArray[np.float64]:
    """Cosine of each row of [..., D] with the row of the other, float64 [...] in [-1, 1].

    Raises:
        VideoError: a vector without length or with a value that is not finite: the network was given nonsense.
    """
    one, two = np.asarray(first, np.float64), np.asarray(second, np.float64)
    lengths = np.linalg.norm(one, axis=-1) * np.linalg.norm(two, axis=-1)
    if not np.isfinite(lengths).all() or not (lengths > 0).all():
        raise VideoError("an embedding of this video has no direction")
    return np.asarray(np.clip((one * two).sum(axis=-1) / lengths, -1.0, 1.0))
