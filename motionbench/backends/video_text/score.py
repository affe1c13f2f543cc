"""The work of the backend: a video and a case's prompts to pairs of vectors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from motionbench.backends.classical.opencv import single_thread
from motionbench.backends.video_text.observe import Observation, observe
from motionbench.backends.video_text.words import clauses
from motionbench.types import Features, Inputs

Floats = NDArray[np.float32]

CLAUSES = 10  # places for clauses in a caption's vector; a synthetic caption has up to 7
FEATURES = ("video", "text", "objects", "object_texts", "logistic", "unknown")


class Matcher:
    """The packaged network at work, on one thread and one video at a time."""

    def __init__(self) -> None:
        from motionbench.backends.video_text.packaged import shipped

        self._trained = shipped()

    @property
    def logistic(self) -> Floats:
        """Slope a and offset b for captions and for object prompts, float32 [2, 2]: p = 1 / (1 + exp(-(a cos + b)))."""
        return np.array(self._trained.logistic, np.float32)

    def tokens(self, seen: Observation) -> Floats:
        """Vectors of length 1 for the K objects and then ground, scenery and camera: float32 [K + 3, D]."""
        import torch

        from motionbench.backends.video_text.network import shrunk_crops, shrunk_picture

        with _one_thread(), torch.inference_mode():
            found = self._trained.network.video(
                torch.from_numpy(seen.series),
                shrunk_crops(torch.from_numpy(seen.crops)),
                torch.ones(1, len(seen.series), dtype=torch.bool),
                torch.from_numpy(seen.camera)[None],
                shrunk_picture(torch.from_numpy(seen.picture)[None]),
            )
        return np.asarray(found[0].numpy(), np.float32)

    def texts(self, said: list[str]) -> Floats:
        """Vectors of length 1 for clauses: float32 [N, D]."""
        import torch

        # One clause at a time: a vector must not depend on what else was asked.
        with _one_thread(), torch.inference_mode():
            rows = [self._trained.network.text(torch.from_numpy(self._trained.vocabulary.encode([c]))) for c in said]
        return np.asarray(torch.cat(rows).numpy(), np.float32)

    def unknown(self, said: list[str]) -> list[str]:
        """Words that the network never saw."""
        return self._trained.vocabulary.unknown(said)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Torch on one thread: the order of its sums, and so its bits, depend on their number."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def pair(tokens: Floats, said: Floats) -> tuple[Floats, Floats]:
    """A caption's clauses and, for each, the token that fits it best, as two vectors of length 1.

    Args:
        tokens: float32 [M, D] of length 1.
        said: float32 [C, D] of length 1, C >= 1.

    Returns:
        Two float32 [CLAUSES * D]; their cosine is the mean over clauses of the largest cosine with a token. Clauses
        beyond `CLAUSES` are left out.
    """
    said = said[:CLAUSES]
    best = tokens[np.argmax(tokens @ said.T, axis=0)]
    out = np.zeros((2, CLAUSES, tokens.shape[1]), np.float32)
    out[0, : len(said)], out[1, : len(said)] = best, said
    video, text = (out / np.float32(np.sqrt(len(said)))).reshape(2, -1)
    return video, text


def load() -> Callable[[Inputs, Mapping[str, Features]], Features]:
    """Read the packaged weights; a WeightsError where they are missing or altered."""
    matcher = Matcher()

    def compute(inputs: Inputs, upstream: Mapping[str, Features]) -> Features:
        """Pairs of vectors of length 1 for a clip and its case's prompts; needs `flow` and `masks`.

        Returns:
            video, text: float32 [CLAUSES * D], the caption (see `pair`).
            objects, object_texts: float32 [K, D], each object as it is seen under its mask, and its prompt.
            logistic: float32 [2, 2], slope and offset from a cosine to the probability that the text belongs: first
                for a caption, then for an object's prompt.
            unknown: int64 [2], words of the caption and of the object prompts that the network never saw.
        """
        clip, case = inputs.clip, inputs.case
        with single_thread():
            seen = observe(clip.video.frames, clip.video.times, upstream["flow"]["uv"], upstream["masks"]["values"])
        tokens = matcher.tokens(seen)
        prompts = [" ".join(clauses(o.prompt)) for o in case.objects]
        parts = clauses(case.caption)
        video, text = pair(tokens, matcher.texts(parts))
        return {
            "video": video,
            "text": text,
            "objects": tokens[: len(prompts)],
            "object_texts": matcher.texts(prompts) if prompts else tokens[:0],
            "logistic": matcher.logistic,
            "unknown": np.array([len(matcher.unknown(parts)), len(matcher.unknown(prompts))], np.int64),
        }

    return compute
