"""The nouns of motionbench: small frozen values that every room shares. Arrays in them are read-only.

Images are uint8 RGB, coordinates are pixels with x to the right and y down, and an integer coordinate is the
centre of a pixel. Times are seconds.
"""

from __future__ import annotations

import typing as t
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Array = NDArray[t.Any]
Features = Mapping[str, Array]
Values = dict[str, t.Any]
Subset = t.Literal["single", "multi"]
Side = t.Literal["generated", "reference"]
Status = t.Literal["ok", "missing", "failed", "not_applicable"]
Direction = t.Literal["higher", "lower", "none"]


def read_only(array: Array, dtype: t.Any, shape: Sequence[int | None], name: str) -> Array:
    """Return a read-only view after a check of dtype and shape (None in `shape` allows any length)."""
    if array.dtype != np.dtype(dtype):
        raise TypeError(f"{name} has dtype {array.dtype}, expected {np.dtype(dtype)}")
    if array.ndim != len(shape) or any(w is not None and w != g for w, g in zip(shape, array.shape, strict=True)):
        wanted = "x".join("?" if n is None else str(n) for n in shape)
        raise ValueError(f"{name} has shape {array.shape}, expected {wanted}")
    view = array.view()
    view.flags.writeable = False
    return view


@dataclass(frozen=True, slots=True)
class Object:
    """One object that a prompt speaks of. Ids start at 1; 0 is the background."""

    id: int
    name: str
    prompt: str


@dataclass(frozen=True, slots=True)
class Protocol:
    """How every video is brought to one shape before it is measured; part of each number's identity.

    Attributes:
        frames: at most this many frames are kept, from the start.
        fps: a faster video is thinned by a uniform stride towards this rate; a slower one keeps its frames.
        size: length of the long (or short) side in pixels after resizing.
        fit: "long" resizes the long side to `size`, "short" the short one; the aspect is kept.
        multiple: both sides are rounded to a multiple of this.
        letterbox: "crop" cuts uniform black bars away before resizing, "keep" leaves them.
    """

    frames: int = 16
    fps: float = 8.0
    size: int = 256
    fit: t.Literal["long", "short"] = "long"
    multiple: int = 8
    letterbox: t.Literal["crop", "keep"] = "crop"


@dataclass(frozen=True, slots=True)
class Video:
    """frames uint8 [T, H, W, 3] RGB; times float64 [T] seconds, strictly increasing."""

    frames: NDArray[np.uint8]
    times: NDArray[np.float64]

    def __post_init__(self) -> None:
        object.__setattr__(self, "frames", read_only(self.frames, np.uint8, (None, None, None, 3), "frames"))
        object.__setattr__(self, "times", read_only(self.times, np.float64, (len(self.frames),), "times"))


@dataclass(frozen=True, slots=True)
class Masks:
    """values bool [K, M, H, W]; object_ids int64 [K]; frames int64 [M], the annotated frame numbers.

    Planes of different objects may overlap, and not every frame needs to be annotated.
    """

    values: NDArray[np.bool_]
    object_ids: NDArray[np.int64]
    frames: NDArray[np.int64]

    def __post_init__(self) -> None:
        k, m = len(self.object_ids), len(self.frames)
        object.__setattr__(self, "values", read_only(self.values, np.bool_, (k, m, None, None), "masks"))
        object.__setattr__(self, "object_ids", read_only(self.object_ids, np.int64, (k,), "object_ids"))
        object.__setattr__(self, "frames", read_only(self.frames, np.int64, (m,), "mask frames"))


@dataclass(frozen=True, slots=True)
class Tracks:
    """xy float32 [N, T, 2] pixels; visible bool [N, T]; object_ids int64 [N] (0 = background)."""

    xy: NDArray[np.float32]
    visible: NDArray[np.bool_]
    object_ids: NDArray[np.int64]

    def __post_init__(self) -> None:
        n, frames = self.visible.shape
        object.__setattr__(self, "xy", read_only(self.xy, np.float32, (n, frames, 2), "xy"))
        object.__setattr__(self, "visible", read_only(self.visible, np.bool_, (n, frames), "visible"))
        object.__setattr__(self, "object_ids", read_only(self.object_ids, np.int64, (n,), "object_ids"))


@dataclass(frozen=True, slots=True)
class Flow:
    """uv float32 [T-1, H, W, 2]: displacement in pixels from frame t to frame t + 1."""

    uv: NDArray[np.float32]

    def __post_init__(self) -> None:
        object.__setattr__(self, "uv", read_only(self.uv, np.float32, (None, None, None, 2), "uv"))


@dataclass(frozen=True, slots=True)
class Clip:
    """A video under a protocol, and how it got there.

    Attributes:
        video: the kept frames, cropped and resized; times are those of the source, the first one is 0.
        native_size: (height, width) of the source after its rotation flag.
        crop: (top, left, height, width) in native pixels that was kept; the whole frame where no bars were cut.
        stride: every `stride`-th source frame was kept.
        fps: frames per second after thinning (0.0 for a single frame).
    """

    video: Video
    native_size: tuple[int, int]
    crop: tuple[int, int, int, int]
    stride: int
    fps: float

    def to_native(self) -> tuple[float, float]:
        """Native pixels per clip pixel, (y, x)."""
        height, width = self.video.frames.shape[1:3]
        return self.crop[2] / height, self.crop[3] / width


class Image(t.Protocol):
    """A picture that is loaded only where it is needed."""

    def load(self) -> NDArray[np.uint8]:
        """uint8 [H, W, 3] RGB."""
        ...

    def digest(self) -> str:
        """A sha256 hex digest that changes when the content changes."""
        ...


class Footage(t.Protocol):
    """A video that is decoded only where it is needed."""

    def load(self, protocol: Protocol) -> Clip:
        """Decode once, under the protocol."""
        ...

    def digest(self) -> str:
        """A sha256 hex digest that changes when the content changes."""
        ...


class MaskSource(t.Protocol):
    """Object masks that are loaded only where they are needed, in the pixels of the first frame or reference."""

    def load(self) -> Masks:
        """All annotated frames; frame 0 is among them."""
        ...

    def digest(self) -> str:
        """A sha256 hex digest that changes when the content changes."""
        ...


@t.runtime_checkable
class FrameMasks(MaskSource, t.Protocol):
    """Masks of which single frames can be loaded: all of a long video's would not fit into memory."""

    def load_frames(self, frames: Collection[int]) -> Masks:
        """Those of `frames` that are annotated, in order; as `load` otherwise."""
        ...


@dataclass(frozen=True, slots=True)
class Case:
    """One task: a picture and prompts, and possibly the real video and its masks. Holds no pixels itself."""

    id: str
    subset: Subset
    category: str
    caption: str
    short_caption: str
    motion_prompt: str
    objects: tuple[Object, ...]
    first_frame: Image
    reference: Footage | None = None
    masks: MaskSource | None = None


@dataclass(frozen=True, slots=True)
class Dataset:
    """name, version and licence of a set of cases; ids are unique."""

    name: str
    version: str
    license: str
    cases: tuple[Case, ...]


@dataclass(frozen=True, slots=True)
class Request:
    """All that a model ever sees of a case, so that the reference's future cannot leak.

    Attributes:
        image: uint8 [H, W, 3], the first frame.
        masks0: bool [K, H, W] masks of the objects in the first frame, or None.
        frames, fps, size: what is asked for; size is (height, width).
        seed: this case's seed, derived from the run's seed and the case id.
    """

    case_id: str
    image: NDArray[np.uint8]
    caption: str
    motion_prompt: str
    objects: tuple[Object, ...]
    masks0: NDArray[np.bool_] | None
    frames: int
    fps: float
    size: tuple[int, int]
    seed: int


@t.runtime_checkable
class I2VModel(t.Protocol):
    """Anything that turns a request into a video."""

    name: str

    def generate(self, request: Request) -> Video:
        """Return a video that starts at (or near) `request.image`."""
        ...


@dataclass(frozen=True, slots=True)
class InputMatch:
    """Where the case's first frame lies in frame 0 of a video: frame_xy = scale * input_xy + (dx, dy).

    All in native pixels of either picture, bars included. ncc is the normalised cross-correlation in [-1, 1] over
    the part that both show.
    """

    scale: float
    dx: float
    dy: float
    ncc: float


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a backend may look at: one video under the protocol, with the case's picture and masks laid onto it.

    Attributes:
        case: the case (captions and object ids; its assets are not to be loaded again).
        clip: the video.
        image: uint8 [H, W, 3], the case's first frame carried into the clip's pixels by the input match.
        shown: bool [H, W], where `image` is defined.
        masks0: bool [K, H, W] masks in frame 0 in the order of `object_ids`, or None where the case has none.
        object_ids: int64 [K].
        match: the input match.
    """

    case: Case
    clip: Clip
    image: NDArray[np.uint8]
    shown: NDArray[np.bool_]
    masks0: NDArray[np.bool_] | None
    object_ids: NDArray[np.int64]
    match: InputMatch


@dataclass(frozen=True, slots=True)
class Need:
    """A metric's claim on one role of the generated or the reference video.

    Attributes:
        optional: for `of="reference"`: the metric also has a meaning where the case has no reference video.
        again: the role is read a second time, from the same clip half a pixel aside (`View.again`). What two
            measurements of one video do not agree on cannot be judged by either.
    """

    role: str
    of: Side = "generated"
    optional: bool = False
    again: bool = False


@dataclass(frozen=True, slots=True)
class View:
    """One side of a case as a metric sees it: the features of the roles that it declared, and the clip's geometry.

    Attributes:
        roles: role name to features.
        times: float64 [T] seconds.
        size: (height, width) of the clip in pixels.
        match: the input match.
        again: the clip half a pixel aside, with the roles that a metric reads again; None if there are none.
    """

    roles: Mapping[str, Features]
    times: NDArray[np.float64]
    size: tuple[int, int]
    match: InputMatch
    again: View | None = None


@dataclass(frozen=True, slots=True)
class CaseView:
    """What `Metric.measure` receives. `reference` is None unless the metric needs it."""

    case: Case
    generated: View
    reference: View | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One metric on one case. `values` holds "value", its components and "objects"; arrays in it are not printed."""

    case_id: str
    subset: Subset
    metric: str
    status: Status
    values: Values = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True, slots=True)
class Summary:
    """What `Metric.reduce` returns: a value, its uncertainty and how that was found."""

    value: float | None
    low: float | None = None
    high: float | None = None
    se: float | None = None
    method: str = ""
    reason: str = ""
    details: Mapping[str, float | int | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric is declared needs plus two pure functions.

    Attributes:
        id: the metric's name in every file and table.
        version: raised whenever a value may change.
        needs: roles that `measure` reads. A metric that needs only the generated video is also measured on the
            reference, as the anchor that is printed beside it.
        measure: case to values. Returns a dict with "value" (float or None), components, "objects" (a list of
            dicts with "object_id"); arrays are allowed for set metrics and stay out of cases.jsonl. Raises
            `NotApplicable` or `VideoError` with the reason.
        reduce: rows with status "ok" (sorted by case id) and a seed to a Summary.
        unit, direction: how to read the value.
        title: one line for tables and `motionbench ls metrics`.
        masks: True if it has no meaning without the objects' masks in the generated video.
    """

    id: str
    version: int
    needs: tuple[Need, ...]
    measure: Callable[[CaseView], Values]
    reduce: Callable[[Sequence[Row], int], Summary]
    unit: str
    direction: Direction
    title: str
    masks: bool = False

    def needs_of(self, side: Side) -> list[Need]:
        """What it reads of one side."""
        return [need for need in self.needs if need.of == side]

    @property
    def paired(self) -> bool:
        """True if it reads the reference video as well."""
        return bool(self.needs_of("reference"))

    @property
    def needs_reference(self) -> bool:
        """True if it has no meaning without a reference video."""
        return any(not need.optional for need in self.needs_of("reference"))


@dataclass(frozen=True, slots=True)
class Backend:
    """One way to serve a role: a declared input list and a function from a video to features.

    Attributes:
        name: unique; stands beside every number that it helped to make.
        role: what it serves; a role fixes the keys and shapes of the features.
        recipe: raised whenever its output may change.
        load: called once per process with the options; returns the function that does the work. That function
            takes the inputs and the features of the roles in `requires`, and returns the features.
        requires: roles of the same video that it builds on.
        inputs: which of "image", "masks", "text" besides the video change its output (part of the cache key).
        domain: "any", or "synth" where it has a meaning only on procedural scenes.
        min_frames: fewer frames than this are a VideoError.
        stored: False for features too large to keep (they live only while their video is being measured).
        weights: names of the weight files that it loads.
    """

    name: str
    role: str
    recipe: int
    load: Callable[[], Callable[[Inputs, Mapping[str, Features]], Features]]
    requires: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    domain: t.Literal["any", "synth"] = "any"
    min_frames: int = 1
    stored: bool = True
    weights: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Estimate:
    """One number of a run: a metric on a subset, with its uncertainty and how many cases carry it."""

    metric: str
    backend: str
    subset: t.Literal["all", "single", "multi"]
    value: float | None
    unit: str
    direction: Direction
    n: int
    expected: int
    low: float | None
    high: float | None
    se: float | None
    method: str
    status: t.Literal["ok", "not_applicable", "incomplete"]
    reason: str
    details: Mapping[str, float | int | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Run:
    """A finished evaluation: what was measured (identity), the numbers, and the rows behind them."""

    identity: Mapping[str, t.Any]
    estimates: tuple[Estimate, ...]
    rows: tuple[Row, ...]
    status: t.Literal["complete", "partial"]
    official: bool
    reasons: tuple[str, ...]
