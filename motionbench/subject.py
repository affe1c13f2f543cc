"""One video of a case, from its file to the values that metrics read from it.

Each side (generated, reference) is a `Subject`: a video whose features are looked up in the cache, or computed from
frames that are decoded at most once. Frames and other large features are let go before the next video is opened.
What is read again of a reference (`Need.again`) comes from a second subject, the same frames half a pixel aside.
"""

from __future__ import annotations

import contextlib
import dataclasses
import time
import typing as t
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from motionbench import media, video
from motionbench.cache import Cache
from motionbench.errors import NotApplicable, VideoError
from motionbench.plan import Keys, Plan
from motionbench.prefetch import Decoder
from motionbench.sources import first_masks
from motionbench.types import (
    Backend,
    Case,
    Clip,
    Features,
    Footage,
    InputMatch,
    Inputs,
    Need,
    View,
)

MIN_NCC = 0.6  # below this the first frame is not the input, and the input's masks mean nothing in the video

Compute = t.Callable[[Inputs, Mapping[str, Features]], Features]


class Clock:
    """Seconds by what they were spent on, how often each was done, and how often a video was decoded."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self.calls: dict[str, int] = defaultdict(int)
        self.decoded = 0

    @contextlib.contextmanager
    def on(self, name: str) -> Iterator[None]:
        """Add the time inside the block to `name`."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] += time.perf_counter() - start
            self.calls[name] += 1


@dataclass(frozen=True, slots=True)
class Geometry:
    """What is known of a video without its pixels."""

    times: np.ndarray[t.Any, np.dtype[np.float64]]
    size: tuple[int, int]
    match: InputMatch


class Workbench:
    """What a worker keeps from case to case: the plan, the cache and the loaded backends."""

    def __init__(self, plan: Plan, cache: Cache, clock: Clock) -> None:
        self.plan = plan
        self.cache = cache
        self.clock = clock
        self.decoder = Decoder(plan.protocol, ahead=plan.device.apart)
        self._loaded: dict[str, Compute] = {}

    def compute(self, backend: Backend) -> Compute:
        """The backend's function; its networks are loaded on first use."""
        if backend.role not in self._loaded:
            with self.clock.on(f"backends/{backend.name}"):
                self._loaded[backend.role] = backend.load()
        return self._loaded[backend.role]


class Subject:
    """One video of a case: decoded at most once, each feature computed at most once."""

    def __init__(self, bench: Workbench, case: Case, footage: Footage, image: str, masks: str | None) -> None:
        self.bench = bench
        self.case = case
        self.footage = footage
        self.keys = Keys(bench.plan, case, footage.digest(), image, masks)
        self._features: dict[str, Features] = {}
        self._inputs: Inputs | None = None
        self._geometry: Geometry | None = None
        self._broken: VideoError | None = None
        self._again: Again | None = None

    def again(self) -> Subject:
        """The same video half a pixel aside."""
        if self._again is None:
            self._again = Again(self)
        return self._again

    def release(self, keep: set[str]) -> None:
        """Let go of the frames and of all features but those in `keep`."""
        self._inputs = None
        self._features = {role: f for role, f in self._features.items() if role in keep}
        if self._again is not None:
            self._again.release(keep)

    def begin(self) -> None:
        """Have the video decoded ahead of time, if that will be needed at all."""
        key = self.keys.geometry()
        self.bench.decoder.start(key, lambda: None if self.bench.cache.has(key) else self.footage)

    def geometry(self) -> Geometry:
        """Times, size and input match, from the cache or by decoding."""
        if self._geometry is None:
            entry = self.bench.cache.get(self.keys.geometry())
            if entry is None:
                inputs = self.inputs()
                frames = inputs.clip.video.frames
                self._geometry = Geometry(inputs.clip.video.times, (frames.shape[1], frames.shape[2]), inputs.match)
            else:
                arrays, value = entry
                self._geometry = Geometry(arrays["times"], tuple(value["size"]), InputMatch(*value["match"]))
        return self._geometry

    def inputs(self) -> Inputs:
        """Decode, register the case's first frame, and lay its masks onto the video."""
        if self._inputs is None:
            if self._broken is not None:
                raise self._broken
            try:
                self._inputs = self._open()
            except VideoError as error:  # remembered: a broken file is not opened once more for each metric
                self._broken = error
                raise
        return self._inputs

    def _open(self) -> Inputs:
        case, clip = self.case, self._clip()
        with self.bench.clock.on("backends/input_match"):
            picture = case.first_frame.load()
            match = video.match_input(picture, clip)
            image, shown = video.carry_image(picture, match, clip)
            ids = np.array([o.id for o in case.objects], dtype=np.int64)
            masks = first_masks(case, (picture.shape[0], picture.shape[1]))
            masks0 = None if masks is None else video.carry_masks(masks, match, clip)
        frames = clip.video.frames
        self._store_geometry(clip, match)
        self._geometry = Geometry(clip.video.times, (frames.shape[1], frames.shape[2]), match)
        return Inputs(case, clip, image, shown, masks0, ids, match)

    def _clip(self) -> Clip:
        clock = self.bench.clock
        with clock.on("decode"):
            clock.decoded += 1
            return self.bench.decoder.load(self.keys.geometry(), self.footage)

    def _store_geometry(self, clip: Clip, match: InputMatch) -> None:
        size = list(clip.video.frames.shape[1:3])
        value = {"size": size, "match": [match.scale, match.dx, match.dy, match.ncc]}
        self.bench.cache.put(self.keys.geometry(), {"times": clip.video.times}, value)

    def features(self, role: str) -> Features:
        """Features of a role: from memory, from the cache, or computed (with all that they build on)."""
        if role not in self._features:
            self._features[role] = self._frames() if role == "frames" else self._look_up_or_compute(role)
        return self._features[role]

    def _frames(self) -> Features:
        return {"frames": self.inputs().clip.video.frames}

    def _look_up_or_compute(self, role: str) -> Features:
        bench, backend = self.bench, self.bench.plan.backends[role]
        key = self.keys.features(role)
        if backend.stored:
            entry = bench.cache.get(key)
            if entry is not None:
                return entry[0]
        inputs = self.inputs()
        count = len(inputs.clip.video.frames)
        if count < backend.min_frames:
            frames = "1 frame" if count == 1 else f"{count} frames"
            raise VideoError(f"the video has {frames}, {backend.name} needs at least {backend.min_frames}")
        upstream = {name: self.features(name) for name in backend.requires}
        compute = bench.compute(backend)
        with bench.clock.on(f"backends/{backend.name}"):
            features = compute(inputs, upstream)
        if backend.stored:
            bench.cache.put(key, features)
        return features

    def prepare(self, needs: Iterable[Need]) -> None:
        """Have at hand what metrics will read of this video; what cannot be had is met again where it is read."""
        for need in sorted(set(needs), key=lambda n: n.role):
            with contextlib.suppress(VideoError, NotApplicable):
                self.features(need.role)
                if need.again:
                    self.again().features(need.role)

    def view(self, needs: Iterable[Need]) -> View:
        """What a metric may see of this video."""
        needs, geometry = list(needs), self.geometry()
        features = {need.role: self.features(need.role) for need in needs}
        twice = [dataclasses.replace(need, again=False) for need in needs if need.again]
        again = self.again().view(twice) if twice else None
        return View(features, geometry.times, geometry.size, geometry.match, again)

    def media(self) -> media.Preview:
        """Preview and overlay for the report; tracks and masks where there are any."""
        entry = self.bench.cache.get(self.keys.media())
        if entry is not None:
            return media.Preview.from_arrays(entry[0])
        drawn: dict[str, Features] = {}
        for role in ("tracks", "masks"):
            if role in self.bench.plan.backends and not (role == "masks" and self.hidden()):
                try:
                    drawn[role] = self.features(role)
                    if role == "tracks" and self.hidden():  # they were not seeded on objects after all
                        drawn[role] = {**drawn[role], "object_ids": np.zeros_like(drawn[role]["object_ids"])}
                except (VideoError, NotApplicable):
                    continue  # nothing to draw: the row of the metric that asked for it gives the reason
        clip = self.inputs().clip
        with self.bench.clock.on("report"):
            made = media.make_preview(clip.video, drawn)
        self.bench.cache.put(self.keys.media(), made.to_arrays())
        return made

    def hidden(self) -> bool:
        """True where the input's masks mean nothing: there are none, or the first frame is not the input."""
        return self.case.masks is None or self.geometry().match.ncc < MIN_NCC


class Again(Subject):
    """A video half a pixel aside: decoded no second time."""

    def __init__(self, first: Subject) -> None:
        super().__init__(first.bench, first.case, first.footage, first.keys.image, first.keys.masks)
        self.keys = first.keys.again()
        self._first = first

    def _clip(self) -> Clip:
        return video.aside(self._first.inputs().clip)
