"""Do metrics react to what they claim to measure? Controlled corruptions of reference videos, and what they cost.

`material` brings a case's reference to the protocol with masks in every frame, `corruptions` lists what is done to it,
`harness` measures every metric of a profile on every corrupted clip beside its own clean clip.
"""

from motionbench.stress.cards import write_cards
from motionbench.stress.corruptions import BENIGN, CORRUPTIONS, Corruption
from motionbench.stress.harness import stress
from motionbench.stress.material import Material, of_case, of_scene, stress_seed
from motionbench.stress.record import Reaction, Stress, read
from motionbench.stress.table import render, watchers

__all__ = [
    "BENIGN",
    "CORRUPTIONS",
    "Corruption",
    "Material",
    "Reaction",
    "Stress",
    "of_case",
    "of_scene",
    "read",
    "render",
    "stress",
    "stress_seed",
    "watchers",
    "write_cards",
]
