"""Which cases, which corruption on which case, and which object: fixed by the seed, before anything is measured."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from motionbench.backends.classical.opencv import luma, single_thread
from motionbench.errors import ConfigError
from motionbench.sources import first_masks
from motionbench.stress.backdrop import lost
from motionbench.stress.corruptions import BENIGN, CORRUPTIONS, Corruption
from motionbench.stress.layers import SMALLEST
from motionbench.stress.material import Donor, Material, Texts
from motionbench.stress.registration import union
from motionbench.types import Case, Dataset

Floats = NDArray[np.float64]

MOVES = 1.5  # times the background's change from frame to frame (camera aside), plus a grey level
FEWEST = 2


@dataclass(frozen=True, slots=True)
class Task:
    """One case's share of the work: names of corruptions, in the order of the list, and the case to borrow from."""

    case: Case
    corruptions: tuple[str, ...]
    donor: Case | None


def choose_cases(data: Dataset, count: int, seed: int) -> tuple[Case, ...]:
    """Cases with a reference, evenly from all categories of both subsets; all of them where there are fewer.

    Raises:
        ConfigError: fewer than two cases have a reference video.
    """
    usable = [case for case in data.cases if case.reference is not None]
    if len(usable) < FEWEST:
        raise ConfigError(
            f"stress needs at least {FEWEST} cases with a reference video, {data.name} has {len(usable)}",
            "add references to the dataset, or stress synth",
        )
    strata: dict[tuple[str, str], list[Case]] = defaultdict(list)
    for case in sorted(usable, key=lambda c: _lot(seed, c.id)):
        strata[case.subset, case.category].append(case)
    order = sorted(strata, key=lambda key: _lot(seed, "/".join(key)))
    longest = max(map(len, strata.values()))
    mixed = [case for k in range(longest) for key in order for case in strata[key][k : k + 1]]
    return tuple(mixed[:count])


def assign(cases: Sequence[Case], corruptions: Sequence[Corruption], each: int, seed: int) -> tuple[Task, ...]:
    """Give each corruption `each` cases (all that fit, where there are fewer), in turn, so that all get their share.

    Corruptions of texts alone cost next to nothing and get all cases. Benign changes get four times as many: most
    clips do not move at all by them, and what a few do must not decide about the mean.
    """
    wanted: dict[str, set[str]] = {case.id: set() for case in cases}
    begin = 0
    for corruption in corruptions:
        fit = [case for case in cases if _fits(case, corruption)]
        share = each * (4 if corruption.name in BENIGN else 1)
        if corruption.text or len(fit) <= share:
            taken = fit
        else:
            taken = [fit[(begin + k) % len(fit)] for k in range(share)]
            begin += share
        for case in taken:
            wanted[case.id].add(corruption.name)
    names = [c.name for c in corruptions]
    return tuple(Task(case, tuple(n for n in names if n in wanted[case.id]), _donor(case, cases)) for case in cases)


def _fits(case: Case, corruption: Corruption) -> bool:
    there = len(case.objects) if case.masks is not None or corruption.text else 0
    return there >= max(corruption.at_least, int(corruption.per_object))


def _donor(case: Case, cases: Sequence[Case]) -> Case | None:
    """The next case of another category with masks, else the next one."""
    at = [c.id for c in cases].index(case.id)
    others = [*cases[at + 1 :], *cases[:at]]
    good = [c for c in others if c.masks is not None and c.category != case.category]
    return next(iter(good or [c for c in others if c.masks is not None] or others), None)


def read_donor(case: Case) -> Donor:
    """A case's texts and its largest object, from its picture and masks alone."""
    texts = Texts(case.caption, case.short_caption, case.motion_prompt, case.objects)
    picture = case.first_frame.load()
    masks = first_masks(case, (picture.shape[0], picture.shape[1]))
    areas = np.zeros(0) if masks is None else masks.sum(axis=(1, 2))
    if masks is None or not len(areas) or areas.max() < SMALLEST:
        return Donor(texts)
    mask = masks[int(areas.argmax())]
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    return Donor(texts, picture[box].copy(), mask[box].copy())


def choose_objects(material: Material) -> tuple[list[int], str]:
    """Objects that a per-object corruption may take, best first, and why there are none.

    Taken are objects that move (the picture inside their mask changes clearly more than the background does, the
    camera's motion aside) and that their masks do not lose; most visible first.
    """
    ranked, reasons = [], []
    change, rest = _changes(material)
    for row, object_id in enumerate(material.object_ids.tolist()):
        areas = material.masks[row].sum(axis=(1, 2))
        if areas[0] < SMALLEST:
            reasons.append(f"object {object_id} has {areas[0]} pixels in frame 0")
        elif change[row] < MOVES * rest + 1.0:
            reasons.append(f"object {object_id} stands still")
        elif lost(material.masks[row]).any():
            reasons.append(f"the mask of object {object_id} is lost")
        else:
            ranked.append((-round(float(areas.min() / areas[0]), 1), object_id))
    return [object_id for _, object_id in sorted(ranked)], "; ".join(reasons) or "the case has no masks"


def _changes(material: Material) -> tuple[Floats, float]:
    """Change of luma from frame to frame, camera aside: mean over each object float64 [K], and median elsewhere.

    The median, since people and things without a mask may move in the background.
    """
    count, height, width = material.frames.shape[:3]
    camera = material.backdrop.camera()
    inside, outside = np.zeros((len(material.masks), 2)), np.zeros(count - 1)
    with single_thread():
        greys = [luma(frame) for frame in material.frames]
        for at in range(1, count):
            move = camera[at] @ np.linalg.inv(camera[at - 1])
            before = cv2.warpPerspective(greys[at - 1], move, (width, height), borderMode=cv2.BORDER_REPLICATE)
            change = cv2.absdiff(before, greys[at]).astype(np.float64)
            for row, plane in enumerate(material.masks):
                inside[row] += change[plane[at]].sum(), plane[at].sum()
            free = change[~union(material.masks[:, at])]
            outside[at - 1] = np.median(free) if len(free) else 0.0
    return inside[:, 0] / np.maximum(inside[:, 1], 1), float(outside.mean())


def _lot(seed: int, name: str) -> str:
    return hashlib.sha256(f"stress\0{seed}\0{name}".encode("utf-8", "surrogatepass")).hexdigest()


def selected(names: Sequence[str] | None) -> tuple[Corruption, ...]:
    """Corruptions and benign changes by name, in the order of the lists; all of them for None.

    Raises:
        ConfigError: there is none of that name.
    """
    known = {**CORRUPTIONS, **BENIGN}
    unknown = sorted(set(names or ()) - set(known))
    if unknown:
        raise ConfigError(f"there is no corruption called {unknown[0]!r}", f"known: {', '.join(known)}")
    return tuple(c for c in known.values() if not names or c.name in names)
