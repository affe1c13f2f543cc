"""The clip without an object, and how the background moves: exact on procedural scenes, registered elsewhere.

On a real clip, what lies behind an object is taken from other frames of the same video in which it is uncovered,
registered to the current one by the background's homography. Nothing is painted in: a pixel that no frame shows stays
unknown, and a corruption that would uncover it is refused for that object.
"""

from __future__ import annotations

import dataclasses
import typing as t
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from motionbench import video
from motionbench.backends.classical.opencv import single_thread
from motionbench.datasets.synth.plates import ground_motion, without
from motionbench.datasets.synth.scene import Scene
from motionbench.stress.registration import background_motion, grown, union
from motionbench.types import Clip, Protocol, Video

Frames = NDArray[np.uint8]
Planes = NDArray[np.bool_]
Floats = NDArray[np.float64]

MARGIN = 4  # pixels around a mask that may still show the object
RING = 8  # width in pixels of the surroundings by which a registered frame is judged
MISFIT = 10.0  # median grey levels over the ring beyond which a registered frame does not fit
SAMPLES = 5  # a pixel behind an object is the median of at most so many frames


@dataclass(frozen=True, slots=True)
class Plate:
    """frames uint8 [T, H, W, 3] without some objects; known bool [T, H, W], False where nothing shows what is there."""

    frames: Frames
    known: Planes


class Backdrop(t.Protocol):
    """What lies behind the objects of one clip."""

    kept: dict[t.Any, t.Any]

    def camera(self) -> Floats:
        """float64 [T, 3, 3]: a background pixel of frame 0 to where it lies in frame t."""
        ...

    def plate(self, object_ids: tuple[int, ...]) -> Plate:
        """The clip without these objects."""
        ...


class SynthBackdrop:
    """Renders the scene again without the object; shadows go with it."""

    def __init__(self, scene: Scene, clip: Clip, protocol: Protocol) -> None:
        self.scene, self.clip, self.protocol = scene, clip, protocol
        self.kept: dict[t.Any, t.Any] = {}

    def camera(self) -> Floats:
        """From the scene's own maps, in the clip's pixels."""
        gain_y, gain_x = self.clip.to_native()
        top, left = self.clip.crop[:2]
        native = np.array([[gain_x, 0, left + (gain_x - 1) / 2], [0, gain_y, top + (gain_y - 1) / 2], [0, 0, 1.0]])
        moved = np.linalg.inv(native) @ ground_motion(self.scene)[:: self.clip.stride] @ native
        return np.asarray(moved[: len(self.clip.video.times)])

    def plate(self, object_ids: tuple[int, ...]) -> Plate:
        """Known everywhere."""
        frames = without(self.scene, object_ids)
        # Bars are cut as in the clip itself, whatever the emptied scene looks like.
        top, left, height, width = self.clip.crop
        cut = frames[:: self.clip.stride, top : top + height, left : left + width]
        rule = dataclasses.replace(self.protocol, letterbox="keep")
        count = len(self.clip.video.times)
        times = np.arange(len(cut)) / self.protocol.fps
        fitted = video.conform(Video(cut, times), rule)
        return Plate(fitted.video.frames[:count], np.ones(fitted.video.frames.shape[:3], np.bool_)[:count])


class RegisteredBackdrop:
    """Takes hidden pixels from other frames of the video.

    Args:
        frames: uint8 [S, H, W, 3], the clip and what follows it.
        masks: bool [K, S, H, W].
        object_ids: int64 [K].
        count: T, how many of the frames are the clip.
    """

    def __init__(self, frames: Frames, masks: Planes, object_ids: NDArray[np.int64], count: int) -> None:
        self.frames, self.masks, self.object_ids, self.count = frames, masks, object_ids, count
        self.kept: dict[t.Any, t.Any] = {}

    def _chain(self) -> Floats:
        if "chain" not in self.kept:
            self.kept["chain"] = background_motion(self.frames, union(self.masks))
        return t.cast(Floats, self.kept["chain"])

    def camera(self) -> Floats:
        """Chained from frame to frame."""
        return self._chain()[: self.count]

    def plate(self, object_ids: tuple[int, ...]) -> Plate:
        """Unknown where no frame shows what is behind."""
        chain = self._chain()
        rows = np.isin(self.object_ids, object_ids)
        gone = union(self.masks[rows])
        covered = np.stack([grown(plane, MARGIN) for plane in union(self.masks)])
        frames, known = self.frames[: self.count].copy(), np.ones((self.count, *self.frames.shape[1:3]), np.bool_)
        with single_thread():
            for at in range(self.count):
                if gone[at].any():
                    frames[at], known[at] = _fill(at, self.frames, gone[at], covered, chain)
        return Plate(frames, known)


def _fill(at: int, frames: Frames, gone: Planes, covered: Planes, chain: Floats) -> tuple[Frames, Planes]:
    """Frame `at` without what `gone` bool [H, W] marks, and which of its pixels are known."""
    hole = grown(gone, MARGIN)
    near = grown(hole, RING)
    rows, columns = np.flatnonzero(near.any(1)), np.flatnonzero(near.any(0))
    box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    wanted, ring = hole[box], (near & ~covered[at] & ~hole)[box]
    here = frames[at][box].astype(np.float32)
    samples = np.full((SAMPLES, *wanted.shape, 3), np.nan, np.float32)
    taken = np.zeros(wanted.shape, np.int64)
    for other in sorted(range(len(frames)), key=lambda s: (abs(s - at), s)):
        if other == at or not (wanted & (taken < 3)).any():
            continue
        shown, free = _registered(other, at, frames, covered, chain, box)
        judged = ring & free
        if judged.sum() < max(20, 0.3 * ring.sum()):
            continue
        offset = np.median(here[judged] - shown[judged], axis=0)
        if float(np.median(np.abs(here[judged] - shown[judged] - offset))) > MISFIT:
            continue
        use = wanted & free & (taken < SAMPLES)
        samples[taken[use], *np.nonzero(use)] = shown[use] + offset
        taken[use] += 1
    return _assembled(at, frames, gone, box, samples, taken)


def _registered(
    other: int, at: int, frames: Frames, covered: Planes, chain: Floats, box: tuple[slice, slice]
) -> tuple[NDArray[np.float32], Planes]:
    """Another frame laid onto frame `at` inside a box, and where it shows background there."""
    move = chain[at] @ np.linalg.inv(chain[other])
    move = np.array([[1, 0, -box[1].start], [0, 1, -box[0].start], [0, 0, 1.0]]) @ move
    size = (box[1].stop - box[1].start, box[0].stop - box[0].start)
    shown = cv2.warpPerspective(frames[other], move, size, flags=cv2.INTER_CUBIC).astype(np.float32)
    free = cv2.warpPerspective((~covered[other]).astype(np.float32), move, size, flags=cv2.INTER_LINEAR)
    return shown, np.asarray(free > 0.999)


def _assembled(
    at: int,
    frames: Frames,
    gone: Planes,
    box: tuple[slice, slice],
    samples: NDArray[np.float32],
    taken: NDArray[np.int64],
) -> tuple[Frames, Planes]:
    frame, known = frames[at].copy(), np.ones(gone.shape, np.bool_)
    found = taken > 0
    target = frame[box].astype(np.float32)
    ordered = np.sort(samples[:, found], axis=0)  # NaN last
    middle = (taken[found] - 1) // 2
    values = np.take_along_axis(ordered, middle[None, :, None].repeat(3, -1), axis=0)[0]
    target[found] = values
    known[box] = ~gone[box] | found
    lost = ~known[box]
    if lost.any():  # the nearest known colour; such a pixel must not come to light
        labels = cv2.distanceTransformWithLabels(lost.astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)[
            1
        ]
        sources = np.zeros(int(labels.max()) + 1, np.int64)
        sources[labels[~lost]] = np.flatnonzero(~lost)
        target[lost] = target.reshape(-1, 3)[sources[labels[lost]]]
    soft = cv2.GaussianBlur(grown(gone, 2)[box].astype(np.float32), (0, 0), 1.2)[..., None]
    mixed = frame[box] * (1 - soft) + target * soft
    frame[box] = np.clip(np.rint(mixed), 0, 255).astype(np.uint8)
    return frame, known
