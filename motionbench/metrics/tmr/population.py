"""What real objects show: the expectation where a case has no reference video.

The shipped statistics were measured on real clips and procedural scenes (`python tests/bench/tmr_population.py`). Each
number is one that most of their moving objects stay within: four out of five are no rougher and lose no more points,
every second one is no less like frame 0. They depend on how much an object moves, for one that hardly moves has no
reason to look different or to lose its points: the statistics are given at several amplitudes and read between them.

The expected amplitude itself is no such number: it is twice the speed from which an object of a reference counts as
moving, so that half of it is enough.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import json
import math
import typing as t
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
def knots() -> tuple[tuple[float, Character], ...]:
    """The shipped statistics: pairs of an amplitude and what is expected there, by rising amplitude.

    Raises:
        DataError: the package's file is missing or malformed.
    """
    try:
        content = json.loads(_bytes())
        if content["schema"] != SCHEMA:
            raise ValueError(f"schema {content['schema']!r}")
        found = tuple((float(knot["at"]), _character(knot, float(content["amplitude"]))) for knot in content["knots"])
        if not found or any(a >= b for (a, _), (b, _) in itertools.pairwise(found)):
            raise ValueError("the amplitudes do not rise")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"the statistics {FILE} cannot be read: {error}", "reinstall motionbench") from error
    return found


def _character(knot: dict[str, t.Any], amplitude: float) -> Character:
    return Character(
        amplitude=amplitude,
        alive=float(knot["alive"]),
        hazards=np.asarray(knot["hazards"], np.float64).reshape(HAZARD_LEVELS),
        rough=np.asarray(knot["rough"], np.float64).reshape(4),
        foreign=np.asarray(knot["foreign"], np.float64).reshape(3, LOOK_LEVELS),
        repeated=float(knot["repeated"]),
        disorder=float(knot["disorder"]),
    )


def expected_at(amplitude: float) -> Character:
    """What most real objects of this amplitude (diameters per second) stay within, by the shipped statistics."""
    return read(knots(), amplitude)


def read(table: tuple[tuple[float, Character], ...], amplitude: float) -> Character:
    """Statistics at an amplitude: between knots linear in its logarithm; beyond them, the outermost one.

    Args:
        table: pairs of an amplitude and what is expected there, by rising amplitude.
        amplitude: diameters per second.
    """
    places = [math.log(at) for at, _ in table]
    where = float(np.interp(math.log(max(amplitude, 1e-9)), places, np.arange(len(table))))
    low = min(int(where), len(table) - 1)
    a, b, part = table[low][1], table[min(low + 1, len(table) - 1)][1], where - low

    def between(name: str) -> t.Any:
        return (1 - part) * getattr(a, name) + part * getattr(b, name)

    return Character(
        a.amplitude, *(between(n) for n in ("alive", "hazards", "rough", "foreign", "repeated", "disorder"))
    )
