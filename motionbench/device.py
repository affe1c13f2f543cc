"""Where networks run, for this process: device, precision, and how much memory one chunk of work may take.

A worker is told once (`use`), backends ask (`chosen`). Device and precision can change the last digits of a feature,
so both are part of its cache key; the size of a chunk must not, and is not.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from motionbench.errors import ConfigError

PRECISIONS = ("float32", "bfloat16", "float16")
_NAME = re.compile(r"cpu|mps|cuda(:\d+)?")


@dataclass(frozen=True, slots=True)
class Device:
    """A place for networks.

    Attributes:
        name: cpu, cuda, cuda:N or mps.
        precision: float32, or what autocast computes in.
        chunk: items (frames, pairs of frames) that go through a network at once; None: as many as fit into
            `networks.BUDGET` bytes, which depends on their size and never on the card.

    Raises:
        ConfigError: an unknown name or precision, or a chunk below 1.
    """

    name: str = "cpu"
    precision: t.Literal["float32", "bfloat16", "float16"] = "float32"
    chunk: int | None = None

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ConfigError(f"unknown device {self.name!r}", "use cpu, cuda, cuda:1 or mps")
        if self.precision not in PRECISIONS:
            raise ConfigError(f"unknown precision {self.precision!r}", f"use {', '.join(PRECISIONS)}")
        if self.chunk is not None and self.chunk < 1:
            raise ConfigError(f"chunks of {self.chunk} hold nothing", "use 1 or more")

    @property
    def apart(self) -> bool:
        """True if it works beside the CPU, so that the next video can be decoded meanwhile (see `prefetch`)."""
        return self.name.startswith("cuda")

    @property
    def key(self) -> list[str]:
        """What a cache key must hold. Cards of one kind are taken as one."""
        return [self.name.partition(":")[0], self.precision]


_chosen = Device()


def use(device: Device) -> None:
    """Choose the device of this process; before any backend is loaded."""
    global _chosen
    _chosen = device


def chosen() -> Device:
    """The device of this process."""
    return _chosen
