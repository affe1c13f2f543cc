"""What is corrupted: a reference under the protocol, with its objects' masks in every frame and the case's texts.

Masks are exact on procedural scenes. On other clips that are annotated in frame 0 only, they are carried through the
clip by the weight-free backends (`carried`), as a metric of the lite profile sees them.
"""

from __future__ import annotations

import dataclasses
import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from motionbench import video
from motionbench.backends.classical import CARRIED_MASKS, DIS, LK_TRACKS
from motionbench.datasets.synth.assets import SynthFootage
from motionbench.datasets.synth.scene import Scene, render
from motionbench.errors import NotApplicable, VideoError
from motionbench.sources import first_masks
from motionbench.stress.backdrop import Backdrop, RegisteredBackdrop, SynthBackdrop
from motionbench.types import Case, Clip, Features, InputMatch, Inputs, Object, Protocol, Subset, read_only

BEYOND = 2  # a long reference is read this many clip lengths further: what is hidden now may be seen later
SMALLEST_DONOR = 64  # pixels
_SAME = InputMatch(1.0, 0.0, 0.0, 1.0)


@dataclass(frozen=True, slots=True)
class Texts:
    """All that a prompt-reading metric may look at; `objects` in the order of the case."""

    caption: str
    short_caption: str
    motion_prompt: str
    objects: tuple[Object, ...]


@dataclass(frozen=True, slots=True)
class Donor:
    """Another case: its texts, and its largest object in frame 0 (rgb uint8 [h, w, 3], mask bool [h, w], or None)."""

    texts: Texts
    rgb: NDArray[np.uint8] | None = None
    mask: NDArray[np.bool_] | None = None


@dataclass(frozen=True, slots=True)
class Material:
    """A clip that can be corrupted, and what is known of it.

    Attributes:
        image: uint8 [H, W, 3], the case's picture; it stays frame 0 of the clean clip unless the case moves along.
        frames: uint8 [T, H, W, 3] under the protocol.
        times: float64 [T] seconds.
        masks: bool [K, T, H, W]; K = 0 where the case has no masks.
        object_ids: int64 [K].
        texts: caption, prompts and objects.
        backdrop: the clip without an object, and the background's motion.
        donor: another case, from which looks and texts are taken; or None.
        later: uint8 [S, H, W, 3], what the reference shows after the clip; S may be 0.
    """

    case_id: str
    subset: Subset
    category: str
    image: NDArray[np.uint8]
    frames: NDArray[np.uint8]
    times: NDArray[np.float64]
    masks: NDArray[np.bool_]
    object_ids: NDArray[np.int64]
    texts: Texts
    backdrop: Backdrop
    donor: Donor | None = None
    later: NDArray[np.uint8] = dataclasses.field(default_factory=lambda: np.zeros((0, 1, 1, 3), np.uint8))

    def __post_init__(self) -> None:
        count, height, width = self.frames.shape[:3]
        for name, dtype, shape in (
            ("image", np.uint8, (None, None, 3)),
            ("frames", np.uint8, (None, None, None, 3)),
            ("times", np.float64, (count,)),
            ("masks", np.bool_, (len(self.object_ids), count, height, width)),
            ("object_ids", np.int64, (None,)),
        ):
            object.__setattr__(self, name, read_only(getattr(self, name), dtype, shape, name))

    @property
    def caption(self) -> str:
        """The case's caption."""
        return self.texts.caption

    def plane(self, object_id: int) -> int:
        """Row of an object in `masks`.

        Raises:
            NotApplicable: it has none.
        """
        found = np.flatnonzero(self.object_ids == object_id)
        if not len(found):
            raise NotApplicable(f"there are no masks of object {object_id}")
        return int(found[0])

    def with_frames(
        self,
        frames: NDArray[np.uint8],
        masks: NDArray[np.bool_] | None = None,
        times: NDArray[np.float64] | None = None,
    ) -> Material:
        """The same case with another video (and masks, and times where their number changes)."""
        return dataclasses.replace(
            self,
            frames=frames,
            masks=self.masks if masks is None else masks,
            times=self.times[: len(frames)] if times is None else times,
        )


def of_scene(index: int, split: str = "test", protocol: Protocol | None = None) -> Material:
    """A procedural scene: exact masks, and its true plate and ground motion behind every object."""
    scene = render(index, split)
    return _of_scene(scene, scene.case, protocol or Protocol())


def of_case(case: Case, protocol: Protocol | None = None) -> Material:
    """A case with a reference video; a procedural one is recognised as such.

    Raises:
        NotApplicable: the case has no reference video.
        VideoError: the reference, its first frame or its masks cannot be read, or it has fewer than 3 frames.
    """
    protocol = protocol or Protocol()
    reference = case.reference
    if reference is None:
        raise NotApplicable("the case has no reference video")
    if isinstance(reference, SynthFootage):
        reference.load(protocol)  # it checks the bytes against the manifest
        return _of_scene(render(reference.index, reference.split), case, protocol)
    return _of_footage(case, protocol)


def donor_of(material: Material) -> Donor:
    """A material as the donor of another one."""
    areas = material.masks[:, 0].sum(axis=(1, 2)) if len(material.masks) else np.zeros(0)
    if not len(areas) or areas.max() < SMALLEST_DONOR:
        return Donor(material.texts)
    mask = material.masks[int(areas.argmax()), 0]
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    return Donor(material.texts, material.frames[0][box].copy(), mask[box].copy())


def stress_seed(run_seed: int, case_id: str, corruption: str) -> int:
    """Seed of a corruption on a case, in [0, 2**63).

    It is the same at all severities, so that these are nested: a stronger jitter is the same jitter, scaled.
    """
    digest = hashlib.sha256(f"stress\0{run_seed}\0{case_id}\0{corruption}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def _of_scene(scene: Scene, case: Case, protocol: Protocol) -> Material:
    clip = video.conform(scene.video, protocol)
    truth = scene.masks
    stride = clip.stride
    planes = [video.carry_masks(truth.values[:, t * stride], _SAME, clip) for t in range(len(clip.video.times))]
    masks = np.stack(planes, axis=1)
    return _material(case, clip, masks, truth.object_ids, SynthBackdrop(scene, clip, protocol, masks))


def _of_footage(case: Case, protocol: Protocol) -> Material:
    assert case.reference is not None
    clip = case.reference.load(protocol)
    count = len(clip.video.times)
    if count < 3:
        raise VideoError(f"the reference has {count} frames under this protocol, to corrupt it takes at least 3")
    long = case.reference.load(dataclasses.replace(protocol, frames=protocol.frames * (1 + BEYOND)))
    if long.crop != clip.crop or not np.array_equal(long.video.frames[:count], clip.video.frames):
        long = clip  # other bars were found in the longer video, so its frames do not lie on the clip's
    ids = np.array([o.id for o in case.objects], dtype=np.int64)
    planes = _carried(case, long, ids)
    if planes is None:
        ids, planes = ids[:0], np.zeros((0, *long.video.frames.shape[:3]), np.bool_)
    backdrop = RegisteredBackdrop(long.video.frames, planes, ids, count)
    made = _material(case, clip, planes[:, :count], ids, backdrop)
    return dataclasses.replace(made, later=long.video.frames[count:])


def _carried(case: Case, clip: Clip, ids: NDArray[np.int64]) -> NDArray[np.bool_] | None:
    """Masks bool [K, T, H, W] in every frame: annotated ones where there are, carried ones elsewhere."""
    picture = case.first_frame.load()
    masks = first_masks(case, (picture.shape[0], picture.shape[1]))
    if masks is None or case.masks is None:
        return None
    match = video.match_input(picture, clip)
    image, shown = video.carry_image(picture, match, clip)
    inputs = Inputs(case, clip, image, shown, video.carry_masks(masks, match, clip), ids, match)
    upstream: dict[str, Features] = {}
    for backend in (DIS, LK_TRACKS, CARRIED_MASKS):
        upstream[backend.role] = backend.load()(inputs, upstream)
    values = np.array(upstream["masks"]["values"], dtype=np.bool_)
    annotated = case.masks.load()
    for at, number in enumerate(annotated.frames.tolist()):
        frame, rest = divmod(number, clip.stride)
        if rest == 0 and 0 < frame < len(clip.video.times):
            planes = video.carry_masks(annotated.values[:, at], match, clip)
            for row, object_id in enumerate(annotated.object_ids.tolist()):
                values[np.flatnonzero(ids == object_id), frame] = planes[row]
    return values


def _material(case: Case, clip: Clip, masks: NDArray[np.bool_], ids: NDArray[np.int64], backdrop: Backdrop) -> Material:
    frames = clip.video.frames
    texts = Texts(case.caption, case.short_caption, case.motion_prompt, case.objects)
    return Material(
        case.id,
        case.subset,
        case.category,
        frames[0],
        frames,
        clip.video.times,
        masks,
        ids,
        texts,
        backdrop,
    )
