"""Tracked motion realism: does each object move, stay, remain what it is, and move as real things do?

`tmr` per object, each part in [0, 1]::

    tmr = motion * survival * identity * naturalness

- *motion*: min(1, amplitude / half of what is expected, moving steps / expected ones). Amplitude is the mean speed of
  the fastest eighth of the object's tracks, camera taken out, in object diameters per second. More than enough earns
  nothing.
- *survival*: hazard -log(survivors / points) over windows of half a second that are seeded anew; losses are excused by
  `motionbench.metrics.fates` only.
- *identity*: unlikeness to frame 0 in every frame (role `appearance`), by its worst quarter: what is there now that
  frame 0 does not explain, what of frame 0 is not found any more; and the share of the region that looks like its
  surroundings.
- *naturalness*: acceleration and jerk, frames that repeat, frames out of order.

What is expected of an object is what its reference shows, compared from worst to best and not moment by moment; where
there is no reference, what real objects show (`motionbench.metrics.tmr.population`). Beyond a tolerance each part falls
as 1 / (1 + u). Broken tracks count against an object and are never dropped. An object that is excused in more than half
of its track-frames is not judged. Nor is one whose reference cannot be measured twice alike: the reference is measured
again half a pixel aside, and each of the two must keep three quarters of the score when judged by the other. Objects
whose reference (or prompt) stands still are scored apart, as `stillness`.

`tmr`: mean over a case's moving objects; `tmr_worst`: the lowest of them; `stillness`: mean over its still ones.
Range 0 to 1, higher is better; a video that equals its reference has 1. Failure modes and measurements: docs/tmr.md.
"""

from __future__ import annotations

import math

from motionbench.errors import NotApplicable
from motionbench.metrics.tmr.score import judge, split
from motionbench.stats import reduce_mean
from motionbench.types import CaseView, Metric, Need, Values

VERSION = 8  # of the formula, its constants and the shipped statistics
ROLES = ("windows", "masks", "appearance")
_NEEDS = (
    *(Need(role) for role in ROLES),
    *(Need(role, "reference", optional=True, again=True) for role in ROLES),
)


def _values(view: CaseView, which: str) -> Values:
    judged = judge(view)
    moving, still = split(judged)
    objects = [j.values() for j in judged]
    scores = still if which == "stillness" else moving
    if not scores:
        reasons = [str(o["reason"]) for o in objects if o["reason"]]
        other = "every object moves in the reference" if which == "stillness" else "no object moves in the reference"
        raise NotApplicable(reasons[0] if reasons else other if objects else "the case has no objects")
    value = min(scores) if which == "worst" else math.fsum(scores) / len(scores)
    return {"value": value, "objects": objects}


def _tmr(view: CaseView) -> Values:
    return _values(view, "mean")


def _tmr_worst(view: CaseView) -> Values:
    return _values(view, "worst")


def _stillness(view: CaseView) -> Values:
    return _values(view, "stillness")


TMR = Metric(
    "tmr", VERSION, _NEEDS, _tmr, reduce_mean, "", "higher", "tracked motion realism, mean over the objects", masks=True
)
TMR_WORST = Metric(
    "tmr_worst",
    VERSION,
    _NEEDS,
    _tmr_worst,
    reduce_mean,
    "",
    "higher",
    "tracked motion realism, worst object",
    masks=True,
)
STILLNESS = Metric(
    "stillness",
    VERSION,
    _NEEDS,
    _stillness,
    reduce_mean,
    "",
    "higher",
    "tracked motion realism of objects that should stand still",
    masks=True,
)
