"""The pictures, videos and masks of synth cases, rendered when they are loaded and checked when a hash is known.

A process keeps the last scene that it rendered, because a case's first frame, video and masks are loaded one after
another: one rendering serves all three.
"""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from motionbench.datasets.synth import grammar
from motionbench.datasets.synth.cast import Layout
from motionbench.datasets.synth.scene import Scene, render
from motionbench.errors import DataError
from motionbench.types import Array, Case, Clip, Masks, Protocol
from motionbench.video import conform


def sha256(array: Array) -> str:
    """The hex digest of an array's shape and bytes; masks are packed to bits first."""
    flat = np.packbits(array) if array.dtype == np.bool_ else np.ascontiguousarray(array)
    return hashlib.sha256(f"{array.dtype} {array.shape} ".encode() + flat.tobytes()).hexdigest()


@dataclass(frozen=True, slots=True)
class Hashes:
    """sha256 of a case's first frame, of its frames and of its modal masks, at the native size."""

    image: str
    frames: str
    masks: str


def hashes(scene: Scene) -> Hashes:
    """The hashes of a rendered scene."""
    frames = scene.video.frames
    return Hashes(sha256(frames[0]), sha256(frames), sha256(scene.masks.values))


def case_id(index: int, split: str = "test") -> str:
    """The id of a scene: "synth-007"; training scenes are "synth-train-000007"."""
    return f"synth-{index:03d}" if split == "test" else f"synth-{split}-{index:06d}"


@functools.lru_cache(maxsize=1)
def _last(index: int, split: str) -> Scene:
    return render(index, split)


@dataclass(frozen=True, slots=True)
class _Asset:
    """What the three kinds share: the scene, and the hash that its bytes must have (None outside the benchmark)."""

    index: int
    split: str
    sha: str | None

    def _checked(self, array: Array) -> Array:
        if self.sha is not None and sha256(array) != self.sha:
            raise DataError(
                f"{case_id(self.index, self.split)}: the bytes rendered on this machine are not the benchmark's",
                "scores would not be comparable; please report it with the versions of NumPy and of the processor",
            )
        return array


class SynthImage(_Asset):
    """The first frame of a scene: uint8 [128, 128, 3]."""

    __slots__ = ()

    def load(self) -> NDArray[np.uint8]:
        """Render; a DataError if the bytes are not those of the manifest."""
        image: NDArray[np.uint8] = self._checked(_last(self.index, self.split).video.frames[0])
        return image

    def digest(self) -> str:
        """The sha256 of the picture: the manifest's, with nothing rendered, where the scene is in the benchmark."""
        return self.sha or hashes(_last(self.index, self.split)).image


class SynthFootage(_Asset):
    """The reference video of a scene: 16 frames of 128 x 128 at 8 fps."""

    __slots__ = ()

    def load(self, protocol: Protocol) -> Clip:
        """Render and bring to the protocol; a DataError if the bytes are not those of the manifest."""
        video = _last(self.index, self.split).video
        self._checked(video.frames)
        return conform(video, protocol)

    def digest(self) -> str:
        """The sha256 of the frames: the manifest's, with nothing rendered, where the scene is in the benchmark."""
        return self.sha or hashes(_last(self.index, self.split)).frames


class SynthMasks(_Asset):
    """The modal masks of a scene in every frame: bool [K, 16, 128, 128]."""

    __slots__ = ()

    def load(self) -> Masks:
        """Render; a DataError if the bytes are not those of the manifest."""
        masks = _last(self.index, self.split).masks
        self._checked(masks.values)
        return masks

    def digest(self) -> str:
        """The sha256 of the masks: the manifest's, with nothing rendered, where the scene is in the benchmark."""
        return self.sha or hashes(_last(self.index, self.split)).masks


def case_of(layout: Layout, known: Hashes | None = None) -> Case:
    """The case of a scene.

    Args:
        layout: the scene.
        known: the hashes that its bytes must have; None for scenes outside the benchmark.
    """
    index, split = layout.index, layout.split
    image, frames, masks = (known.image, known.frames, known.masks) if known else (None, None, None)
    return Case(
        id=case_id(index, split),
        subset=layout.subset,
        category=layout.scenario,
        caption=grammar.caption(layout),
        short_caption=grammar.short_caption(layout),
        motion_prompt=grammar.motion_prompt(layout),
        objects=grammar.objects(layout),
        first_frame=SynthImage(index, split, image),
        reference=SynthFootage(index, split, frames),
        masks=SynthMasks(index, split, masks),
    )
