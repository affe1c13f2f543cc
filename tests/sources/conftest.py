"""Cases that live in memory, and a model that counts how often it is asked."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from motionbench.types import Case, Clip, Dataset, Masks, MaskSource, Object, Protocol, Request, Video
from motionbench.video import conform, save_video


@dataclass(frozen=True)
class Memory:
    """A picture."""

    array: np.ndarray

    def load(self) -> np.ndarray:
        return self.array

    def digest(self) -> str:
        return hashlib.sha256(self.array.tobytes()).hexdigest()


@dataclass(frozen=True)
class MemoryMasks:
    """Masks."""

    masks: Masks

    def load(self) -> Masks:
        return self.masks

    def digest(self) -> str:
        return hashlib.sha256(self.masks.values.tobytes()).hexdigest()


@dataclass(frozen=True)
class MemoryFootage:
    """A video at 8 fps whose frame t is grey with the level 10 t."""

    count: int

    def load(self, protocol: Protocol) -> Clip:
        return conform(grey(self.count), protocol)

    def digest(self) -> str:
        return f"{self.count:064d}"


def grey(count: int) -> Video:
    """Frame t has the level 10 (t + 1)."""
    levels = np.arange(1, count + 1, dtype=np.uint8) * 10
    return Video(np.broadcast_to(levels[:, None, None, None], (count, 32, 48, 3)).copy(), np.arange(count) / 8)


def case_of(name: str, *, reference: int | None = None, masks: MaskSource | None = None, seed: int = 0) -> Case:
    """A case with a random picture of 32 x 48."""
    image = np.random.default_rng(seed).integers(0, 256, (32, 48, 3)).astype(np.uint8)
    objects = (Object(1, "one", "the one"), Object(2, "two", "the two"))
    footage = None if reference is None else MemoryFootage(reference)
    return Case(name, "multi", "c", "a caption", "short", "it moves", objects, Memory(image), footage, masks)


def dataset_of(cases: Sequence[Case]) -> Dataset:
    """A dataset."""
    return Dataset("memory", "1", "CC0-1.0", tuple(cases))


class Counting:
    """Writes down each request that it gets, in a folder, so that other processes count too."""

    name = "counting"

    def __init__(self, log: str, level: int = 100, fail: str = "") -> None:
        self.log, self.level, self.fail = Path(log), level, fail

    def generate(self, request: Request) -> Video:
        with self.log.open("a") as file:
            file.write(f"{request.case_id}\n")
        if request.case_id == self.fail:
            raise RuntimeError("cannot do this one\nreally")
        frames = np.full((request.frames, *request.size, 3), self.level, np.uint8)
        frames[:, ::2] = np.random.default_rng(request.seed).integers(0, 256, 3)
        return Video(frames, np.arange(request.frames) / request.fps)


@pytest.fixture
def write_video():
    """write_video(path): a small grey video, or a folder of frames where the path has no ending."""

    def write(path: Path, count: int = 4) -> Path:
        save_video(grey(count), path)
        return path

    return write
