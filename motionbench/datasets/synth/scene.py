"""One scene and everything that is known about it."""

from __future__ import annotations

import functools
import typing as t

import numpy as np
from numpy.typing import NDArray

from motionbench.datasets.synth import truth
from motionbench.datasets.synth.cast import FPS, FRAMES, Layout
from motionbench.datasets.synth.hashing import Stream, key
from motionbench.datasets.synth.motion import choreograph
from motionbench.datasets.synth.raster import Raster, Stack, rasterise, stack
from motionbench.datasets.synth.scenarios import fits, plan
from motionbench.errors import ConfigError
from motionbench.types import Case, Flow, Masks, Tracks, Video

SPLITS = ("test", "train")
Split = t.Literal["test", "train"]


class Scene:
    """A rendered scene with exact ground truth. Each part is computed when it is first read, and kept.

    Pixels: integer coordinates are centres; T = 16 frames at 8 fps; H = W = size; K objects with ids 1..K.
    """

    def __init__(self, layout: Layout, draw: int, size: int) -> None:
        self._layout, self._draw, self._size = layout, draw, size

    @functools.cached_property
    def _stack(self) -> Stack:
        poses, view = choreograph(self._layout, _draw(self._layout, self._draw))
        return stack(self._layout, poses, view, self._size)

    @functools.cached_property
    def _raster(self) -> Raster:
        return rasterise(self._stack)

    @property
    def layout(self) -> Layout:
        """What the first frame and the prompts fix."""
        return self._layout

    @functools.cached_property
    def video(self) -> Video:
        """frames uint8 [16, size, size, 3] at 0, 1/8, ... seconds."""
        return Video(self._raster.frames, np.arange(FRAMES).astype(np.float64) / FPS)

    @functools.cached_property
    def parts(self) -> NDArray[np.int16]:
        """int16 [16, size, size]: the topmost rigid part at each pixel's centre; 0 is the ground."""
        return self._raster.parts

    @functools.cached_property
    def masks(self) -> Masks:
        """Modal masks: the visible pixels of each object (planes never overlap); every frame."""
        return truth.modal(self._stack, self._raster)

    @functools.cached_property
    def amodal(self) -> Masks:
        """Amodal masks: all pixels of each object inside the frame, as if nothing stood before it; every frame."""
        return truth.amodal(self._stack, self._raster)

    @functools.cached_property
    def flow(self) -> Flow:
        """Exact motion of the topmost part at each pixel's centre, camera included, pixels per frame."""
        return truth.flow(self._stack, self._raster)

    @functools.cached_property
    def tracks(self) -> Tracks:
        """Points seeded in frame 0 and followed exactly; visible where the id buffer shows their part."""
        return truth.tracks(self._stack, self._raster)

    @functools.cached_property
    def case(self) -> Case:
        """The prompts, with assets that render this split and index when they are loaded."""
        # Imported late: a case's assets render scenes.
        from motionbench.datasets.synth.assets import case_of

        return case_of(self._layout)


def _draw(layout: Layout, draw: int) -> Stream:
    """Motion draw number `draw`: drawn again until all bodies stay in the frame; the 100th is taken as it is."""
    for attempt in range(100):
        stream = Stream(key("motion", layout.split, layout.index, draw, attempt))
        if fits(layout, stream):
            break
    return stream


@functools.lru_cache(maxsize=512)
def layout_of(index: int, split: str) -> Layout:
    """The layout of a scene; a ConfigError where there is no such scene."""
    if split not in SPLITS:
        raise ConfigError(f"synth has no split '{split}'", f"use one of: {', '.join(SPLITS)}")
    if index < 0:
        raise ConfigError(f"synth has no scene {index}", "count from 0")
    return plan(index, split)


def render(index: int, split: str = "test", size: int = 128) -> Scene:
    """One scene of MotionBench-Synth.

    Args:
        index: from 0. The benchmark is indices 0 to 127 of "test"; there are endless others, and all of "train".
        split: "test" or "train"; they never share a scene.
        size: height and width in pixels, 16 or more; the same scene at any size, 128 is native.

    Returns:
        The scene: `video`, `masks`, `amodal`, `flow`, `tracks` and `case`.

    Raises:
        ConfigError: an unknown split, a negative index, or a size below 16.
    """
    return redraw(index, 0, split, size)


def redraw(index: int, draw: int, split: str = "test", size: int = 128) -> Scene:
    """The scene under the same first frame and the same prompts, with all that they leave open drawn anew.

    Args:
        draw: 0 is the scene itself, every other number another motion.
        index, split, size: as in `render`.
    """
    if size < 16:
        raise ConfigError(f"a synth scene of {size} pixels is too small", "ask for 16 or more")
    return Scene(layout_of(index, split), draw, size)
