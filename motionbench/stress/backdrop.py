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
from motionbench.stress.registration import background_motion, continued, grown, union
from motionbench.types import Clip, Protocol, Video

Frames = NDArray[np.uint8]
Planes = NDArray[np.bool_]
Floats = NDArray[np.float64]

MARGIN = 4  # pixels around a mask that may still show the object
RING = 8  # width in pixels of the surroundings by which a registered frame is judged
MISFIT = 10.0  # median grey levels over the ring beyond which a registered frame does not fit
SAMPLES = 5  # a pixel behind an object is the median of at most so many frames
NEAR = 3  # frames nearer than this are asked last
REACH = 16  # pixels around a mask in which what it misses of the object is looked for
LOST = 0.3  # share of its first area below which a mask is taken for lost
LIMB = 24.0  # grey levels by which such a part differs from the background
MOST = 2.5  # times the mask's area that the object may become by such parts


@dataclass(frozen=True, slots=True)
class Plate:
    """A clip without some objects.

    Attributes:
        frames: uint8 [T, H, W, 3].
        known: bool [T, H, W], False where nothing shows what is there.
        whole: bool [T, H, W], the objects with what moves along with them but is missing in their masks (feet, hands).
    """

    frames: Frames
    known: Planes
    whole: Planes


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

    def __init__(self, scene: Scene, clip: Clip, protocol: Protocol, masks: Planes) -> None:
        self.scene, self.clip, self.protocol, self.masks = scene, clip, protocol, masks
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
        fitted = video.conform(Video(cut, times), rule).video.frames[:count]
        gone = union(self.masks[[k - 1 for k in object_ids]])
        return Plate(fitted, np.ones(fitted.shape[:3], np.bool_), gone)


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
        for row in np.flatnonzero(rows):
            covered[lost(self.masks[row])] = True  # where the object may be, nobody knows
        frames, known = self.frames[: self.count].copy(), np.ones((self.count, *self.frames.shape[1:3]), np.bool_)
        whole = gone[: self.count].copy()
        with single_thread():
            for at in range(self.count):
                if gone[at].any():
                    spot = _Spot(at, self.frames, gone[at], covered, chain)
                    found = spot.whole()
                    whole[at] = gone[at] if found is None else found
                    frames[at], known[at] = spot.emptied(whole[at])
                    if found is None:
                        known[at] &= ~gone[at]
        return Plate(frames, known, whole)


def lost(mask: Planes) -> Planes:
    """Frames bool [S] in which a mask bool [S, H, W] has all but gone without having left over the border before."""
    areas = mask.sum(axis=(1, 2))
    small = areas < LOST * areas[0]
    edge = mask[:, 0].any(-1) | mask[:, -1].any(-1) | mask[:, :, 0].any(-1) | mask[:, :, -1].any(-1)
    seen = np.maximum.accumulate(np.where(areas > 0, np.arange(len(mask)), 0))  # the last frame that shows it
    return np.asarray(small & ~np.asarray(edge)[seen])


class _Spot:
    """The surroundings of an object in one frame, and what other frames show there.

    Args:
        at: number of the frame.
        frames: uint8 [S, H, W, 3].
        gone: bool [H, W], the object.
        covered: bool [S, H, W], where any object may be.
        chain: float64 [S, 3, 3], the background's motion.
    """

    def __init__(self, at: int, frames: Frames, gone: Planes, covered: Planes, chain: Floats) -> None:
        hole = grown(gone, REACH)
        near = grown(hole, RING)
        rows, columns = np.flatnonzero(near.any(1)), np.flatnonzero(near.any(0))
        self.box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        self.gone, self.frame = gone, frames[at]
        self.rest = (covered[at] & ~grown(gone, MARGIN))[self.box]
        wanted, ring = hole[self.box], (near & ~covered[at] & ~hole)[self.box]
        self.samples = np.full((SAMPLES, *wanted.shape, 3), np.nan, np.float32)
        self.taken = np.zeros(wanted.shape, np.int64)
        here = self.frame[self.box].astype(np.float32)
        # Near frames fit best, but what their masks miss of the object still lies in the same place.
        for other in sorted(range(len(frames)), key=lambda s: (abs(s - at) < NEAR, abs(s - at), s)):
            if other == at or not (wanted & (self.taken < SAMPLES)).any():
                continue
            shown, free = _registered(other, at, frames, covered, chain, self.box)
            judged = ring & free
            if judged.sum() < max(20, 0.3 * ring.sum()):
                continue
            offset = np.median(here[judged] - shown[judged], axis=0)
            if float(np.median(np.abs(here[judged] - shown[judged] - offset))) > MISFIT:
                continue
            use = wanted & free & (self.taken < SAMPLES)
            self.samples[self.taken[use], *np.nonzero(use)] = shown[use] + offset
            self.taken[use] += 1

    def _model(self) -> NDArray[np.float32]:
        """Median of what the other frames show, float32 [h, w, 3]; the frame itself where none shows anything."""
        found = self.taken > 0
        model = self.frame[self.box].astype(np.float32)
        ordered = np.sort(self.samples[:, found], axis=0)  # NaN last
        middle = (self.taken[found] - 1) // 2
        model[found] = np.take_along_axis(ordered, middle[None, :, None].repeat(3, -1), axis=0)[0]
        return np.asarray(model, dtype=np.float32)

    def whole(self) -> Planes | None:
        """The object with what differs from the background beside it and hangs together with it, bool [H, W].

        None where that is so much that the mask or the background cannot be trusted.
        """
        change = np.abs(self.frame[self.box].astype(np.float32) - self._model()).max(-1)
        other = (cv2.blur(change, (3, 3)) > LIMB) & (self.taken >= 2) & ~self.rest
        inside = self.gone[self.box]
        label = cv2.connectedComponents((other | inside).astype(np.uint8))[1]
        touched = np.zeros(int(label.max()) + 1, np.bool_)
        touched[label[inside]] = True
        touched[0] = False
        found = touched[label]
        if found.sum() > MOST * inside.sum():
            return None
        whole = self.gone.copy()
        whole[self.box] = found
        return whole

    def emptied(self, gone: Planes) -> tuple[Frames, Planes]:
        """The frame without what `gone` bool [H, W] marks, and which of its pixels are known."""
        frame, known = self.frame.copy(), np.ones(gone.shape, np.bool_)
        target = self._model()
        known[self.box] = ~gone[self.box] | (self.taken > 0)
        blank = ~known[self.box]
        if blank.any() and not blank.all():  # the nearest known colour; such a pixel must not come to light
            target = np.where(blank[..., None], continued(target, ~blank), target)
        soft = cv2.GaussianBlur(grown(gone, 2)[self.box].astype(np.float32), (0, 0), 1.2)[..., None]
        mixed = frame[self.box] * (1 - soft) + target * soft
        frame[self.box] = np.clip(np.rint(mixed), 0, 255).astype(np.uint8)
        return frame, known


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
