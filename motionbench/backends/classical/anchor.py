"""An object as frame 0 shows it: its mask, luma, colours and tracks, and where all that would lie now.

The pose comes from the object's Lucas–Kanade tracks (which look back to frame 0 and do not drift) while enough of
them agree, else from the flow of the pixels that still carry the object, else, while it is hidden, from its last
velocity. It brings back what was covered: pixels where the moved first picture is seen again.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from motionbench.backends.classical import pose as poses
from motionbench.backends.classical.colours import colour_table
from motionbench.backends.classical.evidence import Box, Mask, Picture, Plane, Step
from motionbench.backends.classical.seeds import inset

EXPLAINED = 0.5  # SSIM above which a pixel counts as the same, as for the patches of follow.py
AGREE = 0.5  # share of the points that must follow a pose before it is believed
ALIVE = 0.25  # share of the tracks that must be alive before they decide the pose
SAMPLES = 200  # pixels that the flow's pose is fitted to
UNIQUE = 0.9  # posterior of a colour that proves a hidden part where it is expected
VISIBLE = 0.25  # share of the object that must be carried before its flow decides the pose
FOUND = 0.7  # normalised correlation at which a hidden object is found again


@dataclass(frozen=True, slots=True)
class Carried:
    """Pixels that the flow brings from an object.

    Attributes:
        was, now: float64 [N, 2], where a sample of them was and is.
        count: how many there are in all.
    """

    was: NDArray[np.float64]
    now: NDArray[np.float64]
    count: int


class Anchor:
    """One object: what frame 0 says about it, and its pose in the current frame."""

    def __init__(
        self,
        plane: Mask,
        picture: Picture,
        cells: NDArray[np.int32],
        xy: NDArray[np.float32],
        visible: NDArray[np.bool_],
    ) -> None:
        self.plane, self.picture = plane, picture
        self.area = int(plane.sum())
        self.xy, self.visible = xy, visible
        self.pose = poses.identity()
        self._table = colour_table(cells, inset(plane, 1), ~plane)
        self._centre = np.argwhere(plane).mean(0)[None, ::-1]
        self._velocity = np.zeros(2)
        self._hidden = 0
        self.typical = float(self._table[cells[plane]].mean())

    def tint(self, cells: NDArray[np.int32]) -> Plane:
        """Posterior that a pixel's colour is the object's, float32 [H, W]."""
        return np.asarray(self._table[cells], dtype=np.float32)

    def expected(self) -> float:
        """Area in pixels that the object would have now if nothing hid it."""
        return self.area * poses.scale_of(self.pose) ** 2

    def advance(self, to: int, carried: Carried | None) -> None:
        """Move the pose to frame `to`; `carried` is what the flow brings of the object, None if it was lost before."""
        before = poses.apply(self.pose, self._centre)[0]
        pose = self._by_tracks(to)
        if pose is None and carried is not None and carried.count >= VISIBLE * self.expected():
            step = poses.fit_similarity(carried.was, carried.now)
            if step is not None and step[1] >= AGREE:
                pose = poses.compose(step[0], self.pose)
        if pose is None:
            self._hidden += 1
            self.pose = poses.shifted(self.pose, self._velocity)
            return
        self.pose, self._hidden = pose, 0
        self._velocity = (self._velocity + poses.apply(pose, self._centre)[0] - before) / 2

    def _by_tracks(self, to: int) -> poses.Pose | None:
        seen = self.visible[:, to]
        if not len(seen) or seen.mean() < ALIVE:
            return None
        fitted = poses.fit_similarity(self.xy[seen, 0], self.xy[seen, to])
        return fitted[0] if fitted is not None and fitted[1] >= AGREE else None

    def amodal(self) -> Mask:
        """Where the first mask would lie now, bool [H, W]."""
        return poses.warp(self.plane.astype(np.float32), self.pose) > 0.5

    def seen_again(self, now: Picture, tint: Plane, amodal: Mask, box: Box) -> Mask:
        """Pixels of a box where the moved first picture is seen, in the object's colours, bool [h, w].

        Args:
            now: the new frame.
            tint: float32 [h, w], posterior of the colours in the box.
            amodal: bool [H, W] from `amodal`.
            box: the part to look at.
        """
        moved = poses.warp(self.picture.grey, self.pose)[box]
        alike = (now.crop(box).alike(moved) > EXPLAINED) & (tint > 0.5)
        again = (alike | (tint > UNIQUE)) & amodal[box]
        opened = cv2.morphologyEx(again.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
        return np.asarray(opened > 0)

    def search(self, now: Picture) -> None:
        """Look for a hidden object around where it should be, and move the pose there if it is found.

        The radius grows by the object's last speed, at least a few pixels, with each frame that it stays hidden.
        """
        if not self._hidden:
            return
        mask = poses.warp(self.plane.astype(np.float32), self.pose)
        rows, columns = np.flatnonzero(mask.max(1) > 0.5), np.flatnonzero(mask.max(0) > 0.5)
        if len(rows) < 4 or len(columns) < 4:
            return
        part = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
        radius = int(4 + self._hidden * max(2.0, float(np.hypot(*self._velocity)) / 2))
        top, left = max(0, rows[0] - radius), max(0, columns[0] - radius)
        window = now.grey[top : rows[-1] + 1 + radius, left : columns[-1] + 1 + radius]
        template = poses.warp(self.picture.grey, self.pose)[part]
        score = cv2.matchTemplate(window, template, cv2.TM_CCOEFF_NORMED, mask=mask[part])
        score = np.where(np.isfinite(score), score, -1)
        y, x = np.unravel_index(int(score.argmax()), score.shape)
        if score[y, x] > FOUND:
            self.pose = poses.shifted(self.pose, np.array([left + x - columns[0], top + y - rows[0]], np.float64))


def carried_pixels(step: Step, explained: Mask, box: Box) -> Carried:
    """The pixels of a box, bool [h, w] in the new frame, that the flow of the step inside it brings and explains."""
    y, x = np.nonzero(explained)
    thin = slice(None, None, max(1, len(y) // SAMPLES))
    now = np.stack([x, y], 1)[thin].astype(np.float64)
    corner = np.array([box[1].start, box[0].start], np.float64)
    return Carried(now + step.back[y[thin], x[thin]] + corner, now + corner, len(y))
