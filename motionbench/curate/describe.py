"""What is asked about a video, what is made of the answers, and the scores of its pictures and its motion.

The networks come in as callables, so that everything here is tested without any.
"""

from __future__ import annotations

import dataclasses
import math
import re
import typing as t
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from motionbench.curate.recipe import CATEGORIES, Scored
from motionbench.datasets.sav import Recording
from motionbench.errors import DataError
from motionbench.types import Clip, Protocol, Video

# One frame a second says what a video shows; motion needs frames that are close to each other. Bars belong to a video.
THROUGHOUT = Protocol(frames=1024, fps=1.0, size=512, letterbox="keep")
START = Protocol(frames=64, fps=8.0, size=512, letterbox="keep")
SHORT_SECONDS = 127 / 24  # frames 0 to 127 of SA-V's 24 a second

_FRAMES = "These pictures are the first, the middle and the last frame of one video. "
CAPTION = _FRAMES + "Say in one or two sentences what it shows and what moves in it. Answer with the caption alone."
CATEGORY = (
    _FRAMES + f"Which one of these categories fits the video best: {', '.join(CATEGORIES)}? Answer with its name alone."
)
OBJECTS = (
    _FRAMES + "Which things in the video move, or could move? Name each of them on a line of its own, with its "
    'position if there are several of a kind. Answer "none" if there are none.'
)


class Captioner(t.Protocol):
    """A vision-language model."""

    @property
    def identity(self) -> str:
        """Which one, as it is written into the provenance."""
        ...

    def __call__(self, pictures: NDArray[np.uint8], question: str) -> str:
        """The answer to a question about pictures, uint8 [N, H, W, 3] RGB."""
        ...


class Scorer(t.Protocol):
    """A number for a clip."""

    @property
    def identity(self) -> str:
        """Which network, as it is written into the provenance."""
        ...

    def __call__(self, clip: Clip, recording: Recording) -> float:
        """The score of a clip of this recording."""
        ...


@dataclass(frozen=True, slots=True)
class Models:
    """Everything that scoring needs: a captioner, a score of pictures and a score of motion."""

    captioner: Captioner
    aesthetic: Scorer
    motion: Scorer

    @property
    def identity(self) -> Mapping[str, str]:
        """Which models these are, and which questions were asked."""
        return {
            "captioner": self.captioner.identity,
            "aesthetic": self.aesthetic.identity,
            "motion": self.motion.identity,
            "questions": f"{CAPTION}\n{CATEGORY}\n{OBJECTS}",
        }


def describe(recording: Recording, models: Models) -> Scored:
    """Caption, categorise and score one video; it is decoded twice.

    Raises:
        VideoError: it cannot be decoded.
        DataError: the captioner says nothing, or a score is no number.
    """
    whole = recording.footage.load(THROUGHOUT)
    start = recording.footage.load(START)
    pictures, beginning = _three(whole), _three(start, until=SHORT_SECONDS)
    names = object_names(models.captioner(pictures.video.frames, OBJECTS))
    caption, short = (_sentence(models.captioner(some.video.frames, CAPTION)) for some in (pictures, beginning))
    aesthetic = models.aesthetic(pictures, recording)
    motion = models.motion(start, recording)
    if not caption or not np.isfinite([aesthetic, motion]).all():
        raise DataError(f"{recording.id}: the models gave the caption {caption!r} and scores {aesthetic}, {motion}")
    return Scored(
        id=recording.id,
        caption=caption,
        short_caption=short or caption,
        category=category_of(models.captioner(pictures.video.frames, CATEGORY)),
        aesthetic=float(aesthetic),
        motion=float(motion),
        objects=len(names),
        names=names,
    )


def category_of(answer: str) -> str:
    """The category that an answer names, the longest name first ("Digital Art" before "Art"); "Other" if none."""
    found = [name for name in CATEGORIES if re.search(rf"\b{re.escape(name)}s?\b", answer, re.IGNORECASE)]
    return max(found, key=len) if found else "Other"


def object_names(answer: str) -> tuple[str, ...]:
    """The objects that an answer lists, one on a line, without bullets and numbers; each once."""
    lines = [re.sub(r"^[\s\-*•\d.)]+|[\s.]+$", "", line) for line in answer.splitlines()]
    names = [line for line in lines if line and line.lower() not in ("none", "no", "nothing")]
    return tuple(dict.fromkeys(names))


def _three(clip: Clip, until: float = math.inf) -> Clip:
    """The first, middle and last frame up to that second."""
    count = int((clip.video.times <= until).sum())
    kept = sorted({0, count // 2, count - 1})
    return dataclasses.replace(clip, video=Video(clip.video.frames[kept], clip.video.times[kept]))


def _sentence(answer: str) -> str:
    return " ".join(answer.split()).strip('"')
