"""What real objects show: the expectation where a case has no reference video.

The shipped statistics were measured on real clips and procedural scenes (`python tests/bench/tmr_population.py`). Each
number is one that most of their moving objects stay within: four out of five are no rougher, no less like frame 0 and
lose no more points. The expected amplitude is no such number: it is twice the speed from which an object of a
reference counts as moving, so that half of it is enough.
"""

from __future__ import annotations

import functools
import hashlib
import json
from importlib import resources

import numpy as np

from motionbench.errors import DataError
from motionbench.metrics.tmr.character import HAZARD_LEVELS, LOOK_LEVELS, Character

FILE = "tmr-population.json"
SCHEMA = "motionbench.tmr-population/1"


def _bytes() -> bytes:
    return resources.files("motionbench").joinpath("data", FILE).read_bytes()


@functools.cache
def digest() -> str:
    """Hex sha256 of the shipped statistics."""
    return hashlib.sha256(_bytes()).hexdigest()


@functools.cache
def population() -> Character:
    """The shipped statistics.

    Raises:
        DataError: the package's file is missing or malformed.
    """
    try:
        content = json.loads(_bytes())
        if content["schema"] != SCHEMA:
            raise ValueError(f"schema {content['schema']!r}")
        return Character(
            amplitude=float(content["amplitude"]),
            alive=float(content["alive"]),
            hazards=np.asarray(content["hazards"], np.float64).reshape(HAZARD_LEVELS),
            rough=np.asarray(content["rough"], np.float64).reshape(4),
            foreign=np.asarray(content["foreign"], np.float64).reshape(3, LOOK_LEVELS),
            repeated=float(content["repeated"]),
            disorder=float(content["disorder"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"the statistics {FILE} cannot be read: {error}", "reinstall motionbench") from error
