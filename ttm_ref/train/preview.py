"""What a denoiser makes of held-out samples while it is trained: strips to look at and a few numbers.

Both stages are shown on the true conditions. The numbers guide a training; the benchmark's own are measured elsewhere.
"""

from __future__ import annotations

import typing as t
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from ttm_ref import codec
from ttm_ref.colours import paint
from ttm_ref.pipelines import ImageToMotionPipeline, MotionToVideoPipeline, TextImageToVideoPipeline
from ttm_ref.pipelines.pictures import to_arrays, to_bytes
from ttm_ref.samples import Sample, Samples
from ttm_ref.settings import Settings

SHOWN_FRAMES = 6
SHOWN_SAMPLES = 8
Planes = NDArray[np.bool_]


class Preview:
    """Pictures and numbers of the last `data.held_out` samples.

    Args:
        pipeline: of the stage; it holds the very modules that are trained.
        samples: all samples of the run.
        settings: of the run.
    """

    def __init__(
        self,
        pipeline: ImageToMotionPipeline | MotionToVideoPipeline | TextImageToVideoPipeline,
        samples: Samples,
        settings: Settings,
    ) -> None:
        self.pipeline, self._samples = pipeline, samples
        self._held_out = range(len(samples) - settings.data.held_out, len(samples))
        pipeline.set_progress_bar_config(disable=True)

    def save(self, folder: Path) -> None:
        """Write the pipeline."""
        self.pipeline.save_pretrained(folder, safe_serialization=True)

    @torch.no_grad()
    def validate(self, folder: Path, step: int) -> dict[str, float]:
        """Generate each held-out sample with a seed of its own, write `folder/STEP.png`, return mean numbers."""
        rows, numbers = [], []
        for index in self._held_out:
            sample = self._samples[index]
            truth = self._pictures(sample.video)
            generator = torch.Generator().manual_seed(index)
            if isinstance(self.pipeline, ImageToMotionPipeline):
                truth, made, values = self._motion(self.pipeline, sample, truth[0], generator)
            else:
                made, values = self._video(self.pipeline, sample, truth, generator)
            numbers.append(values)
            rows.append((truth, made))
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(_sheet(rows[:SHOWN_SAMPLES])).save(folder / f"{step:06d}.png")
        return {key: float(np.nanmean([n[key] for n in numbers])) for key in numbers[0]}

    def _pictures(self, latents: torch.Tensor) -> NDArray[np.uint8]:
        vae = self.pipeline.vae
        return to_bytes(to_arrays(codec.decode(vae, latents[None].to(vae.device, vae.dtype)))[0])

    def _flow(self, sample: Sample) -> NDArray[np.uint8] | None:
        """The flow's pictures, where the pipeline speaks in flow."""
        follows = self.pipeline.config.trajectory == "flow"
        return self._pictures(sample.flow) if follows and sample.flow is not None else None

    def _motion(
        self, pipeline: ImageToMotionPipeline, sample: Sample, first: NDArray[np.uint8], generator: torch.Generator
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8], dict[str, float]]:
        """The true trajectory's pictures, the generated ones, and numbers; the still video's beside them."""
        planes, flow = sample.planes.numpy(), self._flow(sample)
        output: t.Any = pipeline(first, sample.motion_prompt, planes[:, 0], generator=generator)
        if flow is not None:
            made, still = to_bytes(output.frames[0]), np.full_like(flow, 255)
            return flow, made, {"psnr": _psnr(flow, made), "psnr_static": _psnr(flow, still)}
        masks: Planes = output.masks[0]
        held = np.repeat(planes[:, :1], planes.shape[1], axis=1)
        return paint(planes), paint(masks), {"iou": _iou(planes, masks), "iou_static": _iou(planes, held)}

    def _video(
        self,
        pipeline: MotionToVideoPipeline | TextImageToVideoPipeline,
        sample: Sample,
        truth: NDArray[np.uint8],
        generator: torch.Generator,
    ) -> tuple[NDArray[np.uint8], dict[str, float]]:
        planes, flow, first = sample.planes.numpy(), self._flow(sample), truth[0]
        if isinstance(pipeline, TextImageToVideoPipeline):
            output: t.Any = pipeline(first, sample.caption, generator=generator)
        elif flow is not None:
            output = pipeline(first, sample.caption, trajectory=flow, generator=generator)
        else:
            output = pipeline(first, sample.caption, sample.prompts, planes, generator=generator)
        made = to_bytes(output.frames[0])
        inside: Planes = np.asarray(planes.any(axis=0))
        error = np.square((made.astype(np.float64) - truth) / 255.0).mean(axis=-1)[1:]
        foreground = error[inside[1:]].mean() if inside[1:].any() else np.nan
        return made, {"psnr": -10 * np.log10(error.mean()), "psnr_foreground": -10 * np.log10(foreground)}


def _psnr(truth: NDArray[np.uint8], made: NDArray[np.uint8]) -> float:
    return float(-10 * np.log10(np.square((made.astype(np.float64) - truth) / 255.0).mean()))


def _iou(truth: Planes, made: Planes) -> float:
    """Mean over the objects, and over the frames after the first, of intersection over union."""
    union = (truth | made)[:, 1:].sum(axis=(2, 3))
    both = (truth & made)[:, 1:].sum(axis=(2, 3))
    return float(np.mean(both[union > 0] / union[union > 0])) if (union > 0).any() else float("nan")


def _sheet(rows: list[tuple[NDArray[np.uint8], NDArray[np.uint8]]]) -> NDArray[np.uint8]:
    """For each sample the truth above what was made, some frames side by side: uint8 [rows, columns, 3]."""
    strips = []
    for pair in rows:
        for video in pair:
            chosen = np.linspace(0, len(video) - 1, SHOWN_FRAMES).round().astype(int)
            strips.append(np.concatenate(list(video[chosen]), axis=1))
    return np.concatenate(strips, axis=0)
