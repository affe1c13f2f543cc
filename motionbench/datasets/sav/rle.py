"""Masks as COCO run lengths, the compressed text that SA-V's JSON files hold.

pycocotools decodes them. It trusts its input, though: runs that end early leave pixels of uninitialised memory, and a
cut text is read past its end. So the text is checked first, and the runs must cover the picture exactly.
"""

from __future__ import annotations

import re
import typing as t

import numpy as np
from numpy.typing import NDArray

# Each number is written in base 32, low digits first, one character a digit: 'P' to 'o' if more digits follow, '0' to
# 'O' for the last one (pycocotools, maskApi.c, rleToString). Seven digits hold every run of a picture.
_NUMBERS = re.compile(r"(?:[P-o]{0,6}[0-O])+")


def decode(counts: str, size: tuple[int, int]) -> NDArray[np.bool_]:
    """Decode one mask.

    Args:
        counts: compressed run lengths of background and object in turn, down the columns.
        size: (height, width) of the picture.

    Returns:
        bool [H, W].

    Raises:
        ValueError: the text is damaged, or its runs do not cover the picture exactly.
    """
    from pycocotools import mask as coco

    if not _NUMBERS.fullmatch(counts):
        raise ValueError("its text is damaged")
    try:
        plane = coco.decode({"size": list(size), "counts": counts.encode("ascii")})
    except ValueError as error:  # runs beyond the last pixel
        raise ValueError(f"its runs do not fit {size[1]}x{size[0]} pixels") from error
    if coco.encode(plane)["counts"] != counts.encode("ascii"):
        raise ValueError(f"its runs do not add up to {size[1]}x{size[0]} pixels")
    return t.cast("NDArray[np.bool_]", plane.astype(np.bool_, order="C"))
