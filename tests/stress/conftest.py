from __future__ import annotations

import dataclasses

import pytest

from motionbench.datasets.synth import dataset
from motionbench.stress.choice import read_donor
from motionbench.stress.material import Material, of_scene
from motionbench.types import Protocol

SMALL = Protocol(size=96)
TWO = 3  # a scene with four moving objects and a panning camera


@pytest.fixture(scope="session")
def scene() -> Material:
    made = of_scene(TWO, protocol=SMALL)
    return dataclasses.replace(made, donor=read_donor(dataset().cases[10]))
