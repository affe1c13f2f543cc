"""What goes to a worker of a stress run, and what comes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from motionbench.profiles import Profile
from motionbench.types import Values


@dataclass(frozen=True, slots=True)
class Setup:
    """All that a worker process needs to be told once."""

    profile: Profile
    metrics: tuple[str, ...]
    dataset: str
    cache: Path
    weights: Path
    weights_sha256: Mapping[str, str]
    seed: int


@dataclass(frozen=True, slots=True)
class Measured:
    """One metric on one clip: its values (arrays included), or why there are none."""

    values: Values | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Sample:
    """One clip. severity 0 and corruption "" are the clean one; object_id is None where no single one was corrupted."""

    case_id: str
    subset: str
    corruption: str
    severity: int
    object_id: int | None
    metrics: Mapping[str, Measured]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a corruption was not done to a case."""

    case_id: str
    corruption: str
    reason: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a worker sends back for one case."""

    case_id: str
    samples: tuple[Sample, ...]
    refusals: tuple[Refusal, ...]
    seconds: Mapping[str, float]
    calls: Mapping[str, int]
