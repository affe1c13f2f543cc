"""What a model is asked for: a case's first frame, its texts and its masks in frame 0; nothing that comes later."""

from __future__ import annotations

import hashlib
import typing as t

import numpy as np
from numpy.typing import NDArray

from motionbench.errors import VideoError
from motionbench.types import Case, FrameMasks, Protocol, Request


def case_seed(run_seed: int, case_id: str) -> int:
    """A case's own seed in [0, 2**63): the first 63 bits of sha256 over the run's seed and the case id.

    It does not depend on the other cases, their order, or the number of workers.
    """
    digest = hashlib.sha256(f"{run_seed}\0{case_id}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def first_masks(case: Case, size: tuple[int, int]) -> NDArray[np.bool_] | None:
    """bool [K, H, W] masks of the case's objects in its first frame, in the order of `case.objects`.

    An object without a mask has an empty plane. None where the case has no masks.

    Raises:
        VideoError: the masks are of another size than the first frame, (height, width) = `size`, or lack frame 0.
    """
    if case.masks is None:
        return None
    masks = case.masks.load_frames((0,)) if isinstance(case.masks, FrameMasks) else case.masks.load()
    height, width = masks.values.shape[2:]
    if (height, width) != size:
        raise VideoError(f"the masks are {width}x{height}, the first frame is {size[1]}x{size[0]}")
    at = np.flatnonzero(masks.frames == 0)
    if not len(at):
        raise VideoError("the masks have no frame 0")
    place = {int(number): k for k, number in enumerate(masks.object_ids)}
    planes = np.zeros((len(case.objects), *size), np.bool_)
    for k, item in enumerate(case.objects):
        if item.id in place:
            planes[k] = masks.values[place[item.id], at[0]]
    return planes


def make_request(case: Case, protocol: Protocol, run_seed: int) -> Request:
    """Build the request of a case: its first frame at native size, its texts, its masks in frame 0.

    Raises:
        VideoError, DataError: the picture or the masks cannot be read, or do not fit each other.
    """
    image = case.first_frame.load().view()
    size = (image.shape[0], image.shape[1])
    masks0 = first_masks(case, size)
    for array in (image, masks0):
        if array is not None:
            array.flags.writeable = False  # a model that paints into its input must not change anyone else's
    return Request(
        case_id=case.id,
        image=image,
        caption=case.caption,
        motion_prompt=case.motion_prompt,
        objects=case.objects,
        masks0=masks0,
        frames=protocol.frames,
        fps=protocol.fps,
        size=size,
        seed=case_seed(run_seed, case.id),
    )


def request_digest(case: Case, protocol: Protocol, run_seed: int) -> dict[str, t.Any]:
    """Everything that `make_request` depends on, as JSON types, without loading a picture."""
    return {
        "case_id": case.id,
        "image": case.first_frame.digest(),
        "masks": case.masks.digest() if case.masks is not None else None,
        "caption": case.caption,
        "motion_prompt": case.motion_prompt,
        "objects": [[item.id, item.name, item.prompt] for item in case.objects],
        "frames": protocol.frames,
        "fps": protocol.fps,
        "seed": case_seed(run_seed, case.id),
    }
