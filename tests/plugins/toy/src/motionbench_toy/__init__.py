"""What another team writes to take part: a model, a metric with a role of its own, and a backend that serves it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from motionbench.types import Backend, CaseView, Features, Inputs, Metric, Need, Request, Row, Summary, Values, Video


class SlideModel:
    """Slides the picture to the right by `step` pixels a frame, wrapping around."""

    name = "slide"

    def __init__(self, step: int = 1) -> None:
        self.step = step

    def generate(self, request: Request) -> Video:
        """`request.frames` frames of the image's size."""
        frames = np.stack([np.roll(request.image, index * self.step, axis=1) for index in range(request.frames)])
        return Video(frames, np.arange(request.frames) / request.fps)


def load_luma() -> Callable[[Inputs, Mapping[str, Features]], Features]:
    """Return the function that does the work."""

    def compute(inputs: Inputs, upstream: Mapping[str, Features]) -> Features:
        return {"luma": inputs.clip.video.frames.mean(axis=(1, 2, 3), dtype=np.float64).astype(np.float32)}

    return compute


def measure(view: CaseView) -> Values:
    """Mean brightness of a case."""
    return {"value": float(view.generated.roles["luma"]["luma"].mean())}


def reduce(rows: Sequence[Row], seed: int) -> Summary:
    """Mean over cases."""
    values = [row.values["value"] for row in rows]
    return Summary(float(np.mean(values)) if values else None, method="mean")


LUMA = Backend(name="toy-luma", role="luma", recipe=1, load=load_luma)
BRIGHTNESS = Metric(
    "brightness", 1, (Need("luma"),), measure, reduce, "0..255", "none", "Mean brightness of the frames"
)
