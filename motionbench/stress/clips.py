"""Corrupted clips as a case and a video in memory, named by what made them, so that a known result costs nothing."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from motionbench import cache
from motionbench.stress.corruptions import RECIPE, Corruption
from motionbench.stress.material import Material, stress_seed
from motionbench.types import Case, Clip, Masks, Protocol, Video


class Lazy:
    """A material that is made when it is first asked for; a refusal is remembered and raised again."""

    def __init__(self, make: Callable[[], Material]) -> None:
        self._make = make
        self._made: Material | None = None

    def __call__(self) -> Material:
        """The material."""
        if self._made is None:
            self._made = self._make()
        return self._made


@dataclass(frozen=True, slots=True)
class MemoryImage:
    """The case's picture."""

    source: Callable[[], Material] = field(repr=False)
    sha: str = ""

    def load(self) -> NDArray[np.uint8]:
        """uint8 [H, W, 3]."""
        return self.source().image

    def digest(self) -> str:
        """Of what made it."""
        return self.sha


@dataclass(frozen=True, slots=True)
class MemoryMasks:
    """The case's masks in frame 0."""

    source: Callable[[], Material] = field(repr=False)
    sha: str = ""

    def load(self) -> Masks:
        """Frame 0 alone: that is what a metric may know."""
        made = self.source()
        return Masks(made.masks[:, :1], made.object_ids, np.zeros(1, np.int64))

    def digest(self) -> str:
        """Of what made them."""
        return self.sha


@dataclass(frozen=True, slots=True)
class MemoryFootage:
    """The clip; it is under the protocol already."""

    source: Callable[[], Material] = field(repr=False)
    sha: str = ""

    def load(self, protocol: Protocol) -> Clip:
        """The frames as they are; `protocol` is the one that the material was made under."""
        made = self.source()
        height, width = made.frames.shape[1:3]
        fps = (len(made.times) - 1) / float(made.times[-1]) if len(made.times) > 1 else 0.0
        return Clip(Video(made.frames, made.times), (height, width), (0, 0, height, width), 1, fps)

    def digest(self) -> str:
        """Of what made it."""
        return self.sha


def clean_digest(case: Case, protocol: Protocol) -> str:
    """Names a case's material: its media and the protocol."""
    assert case.reference is not None
    return cache.digest(
        {
            "what": "stress material",
            "recipe": RECIPE,
            "reference": case.reference.digest(),
            "image": case.first_frame.digest(),
            "masks": None if case.masks is None else case.masks.digest(),
            "protocol": dataclasses.asdict(protocol),
        }
    )


def corrupted_digest(
    clean: str, case: Case, corruption: Corruption, severity: int, run_seed: int, object_id: int | None, donor: str
) -> str:
    """Names a corrupted clip: everything that it depends on."""
    what = {
        "what": "stress clip",
        "recipe": RECIPE,
        "clean": clean,
        "corruption": corruption.name,
        "level": corruption.levels[severity - 1],
        "seed": stress_seed(run_seed, case.id, corruption.name),
        "object": object_id,
        "donor": donor,
    }
    return cache.digest(what)


def case_of(case: Case, source: Callable[[], Material], sha: str, masked: bool) -> Case:
    """A case whose picture and masks are those of a material; the texts stay.

    Args:
        case: the dataset's case.
        source: the material, when it is needed.
        sha: names the material.
        masked: whether it has masks.
    """
    return dataclasses.replace(
        case,
        first_frame=MemoryImage(source, _part("image", sha)),
        masks=MemoryMasks(source, _part("masks", sha)) if masked else None,
        reference=MemoryFootage(source, sha),
    )


def _part(name: str, sha: str) -> str:
    return hashlib.sha256(f"{name} of {sha}".encode()).hexdigest()
