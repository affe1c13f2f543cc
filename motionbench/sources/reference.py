"""The dataset's own videos as systems: as they are (the best score there is), and with their frames shuffled."""

from __future__ import annotations

import hashlib
import typing as t
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from motionbench.errors import ConfigError, VideoError
from motionbench.sources.base import Listing, no_options
from motionbench.sources.request import case_seed
from motionbench.types import Case, Clip, Dataset, Footage, Protocol, Video

SHUFFLE_RECIPE = 1  # raised whenever the order of the frames may change
MIN_SHUFFLED = 3  # with two, keeping the first one leaves nothing to shuffle


@dataclass(frozen=True, slots=True)
class ReferenceSource:
    """The references themselves."""

    title: str = "reference"

    @classmethod
    def open(cls, options: Mapping[str, t.Any], name: str | None) -> ReferenceSource:
        """Raises ConfigError if options were set."""
        no_options(options, "the source reference")
        return cls(name or "reference")

    @property
    def kind(self) -> t.Literal["reference"]:
        """As in run.json."""
        return "reference"

    def check(self, dataset: Dataset) -> Listing:
        """Which cases have a reference.

        Raises:
            ConfigError: none has.
        """
        return _listing(dataset, "reference")

    def footage(self, case: Case, protocol: Protocol) -> Footage | None:
        """The case's reference."""
        return case.reference

    def identity(self) -> dict[str, t.Any]:
        """Its name."""
        return {"name": self.title, "kind": self.kind, "source": "reference", "options": {}}


@dataclass(frozen=True, slots=True)
class ShuffleSource:
    """The references with frame 0 kept and the others in random order: right pictures, wrong motion."""

    seed: int
    title: str = "shuffle"

    @classmethod
    def open(cls, options: Mapping[str, t.Any], name: str | None, seed: int) -> ShuffleSource:
        """Raises ConfigError if options were set."""
        no_options(options, "the source shuffle")
        return cls(seed, name or "shuffle")

    @property
    def kind(self) -> t.Literal["reference"]:
        """As in run.json."""
        return "reference"

    def check(self, dataset: Dataset) -> Listing:
        """Which cases have a reference.

        Raises:
            ConfigError: none has.
        """
        return _listing(dataset, "shuffle")

    def footage(self, case: Case, protocol: Protocol) -> Footage | None:
        """The case's reference, to be shuffled when it is loaded."""
        if case.reference is None:
            return None
        return ShuffledFootage(case.reference, case_seed(self.seed, case.id))

    def identity(self) -> dict[str, t.Any]:
        """Its name; the run's seed stands elsewhere."""
        return {"name": self.title, "kind": self.kind, "source": "shuffle", "options": {}}


@dataclass(frozen=True, slots=True)
class ShuffledFootage:
    """Footage with its frames in another order. The times stay, so only the order is wrong."""

    original: Footage
    seed: int

    def load(self, protocol: Protocol) -> Clip:
        """Decode under the protocol, then permute all kept frames but the first.

        Raises:
            VideoError: fewer than 3 frames are kept.
        """
        clip = self.original.load(protocol)
        order = shuffled(len(clip.video.times), self.seed)
        return replace(clip, video=Video(clip.video.frames[order], clip.video.times))

    def digest(self) -> str:
        """Of the original, the seed and the recipe."""
        return hashlib.sha256(f"shuffle {SHUFFLE_RECIPE} {self.seed} {self.original.digest()}".encode()).hexdigest()


def shuffled(count: int, seed: int) -> list[int]:
    """0, then 1 .. count - 1 in a random order that is not the natural one.

    Raises:
        VideoError: `count` is below 3.
    """
    if count < MIN_SHUFFLED:
        raise VideoError(f"the reference has {count} frames under this protocol, to shuffle takes {MIN_SHUFFLED}")
    rng = np.random.default_rng(seed)
    natural = np.arange(1, count)
    order = rng.permutation(natural)
    while np.array_equal(order, natural):
        order = rng.permutation(natural)
    return [0, *order.tolist()]


def _listing(dataset: Dataset, source: str) -> Listing:
    found = tuple(case.id for case in dataset.cases if case.reference is not None)
    if not found:
        raise ConfigError(
            f"the source {source} needs reference videos, and {dataset.name} has none", "score a model or a folder"
        )
    return Listing(found, tuple(case.id for case in dataset.cases if case.reference is None))
