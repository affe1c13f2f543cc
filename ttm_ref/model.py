"""The reference model as `motionbench evaluate --model ttm_ref` runs it: a request in, the method's own video out."""

from __future__ import annotations

import functools
import logging
import math
import typing as t
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from motionbench.errors import ConfigError
from motionbench.types import Request, Video
from ttm_ref.conditions import choose
from ttm_ref.conditions.find import Conditions, find
from ttm_ref.loading import quiet
from ttm_ref.pipelines import ThroughTheMaskPipeline
from ttm_ref.pipelines.guidance import Guidance
from ttm_ref.pipelines.pictures import cover_box, to_bytes
from ttm_ref.pipelines.sampling import sigmas
from ttm_ref.stages import VARIANTS, Stages

LOG = logging.getLogger(__name__)
SHIPPED = Path(__file__).parent / "weights" / "tiny"
DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}


class TTMRef:
    """Through-The-Mask (arXiv 2501.03059): masks and prompts, their trajectories, and the video that follows them.

    What the dataset gives (masks, prompts, motion prompt) is used as it is; the rest is found, see `conditions`. The
    video has the frames, the rate and the field of view that the weights were trained for: the picture is scaled to
    cover the networks' picture and cut to it at the centre, and no frame is invented or interpolated. Frame 0 is what
    the networks make of the picture, not a copy of it.

    Args:
        weights: a folder as in `stages`; None is the small model that comes with the package.
        variant: "ttm", or an ablation: "ti2v", "no_mask", "cross", "self".
        steps: denoising steps of each stage; None is what the weights recommend.
        image_guidance, text_guidance: the scales of stage 2 (or TI2V); None is what the weights recommend.
        motion_image_guidance, motion_text_guidance: those of stage 1.
        device: "auto" is CUDA where there is one, else the CPU.
        dtype: "auto" is bfloat16 on a GPU, float32 on the CPU.
        offload: keep on the GPU only the network that is at work.
        parser, parser_model, key_variable: who splits a caption where the dataset does not: "rules", "chat" or the
            address of an endpoint, with the model's name and the environment variable of its key.
        boxes, segmenter: names or folders of networks that find masks where the dataset has none: Grounding DINO, and
            SAM or SAM 2. Without them such a case is an error.
        offline: open no connection.

    Raises:
        WeightsError: the weights are missing, altered or incomplete.
        ConfigError: an option makes no sense, or the weights do not fit their configuration.
    """

    name = "ttm_ref"

    def __init__(
        self,
        *,
        weights: str | None = None,
        variant: str = "ttm",
        steps: int | None = None,
        image_guidance: float | None = None,
        text_guidance: float | None = None,
        motion_image_guidance: float | None = None,
        motion_text_guidance: float | None = None,
        device: str = "auto",
        dtype: str = "auto",
        offload: bool = False,
        parser: str = "rules",
        parser_model: str | None = None,
        key_variable: str | None = None,
        boxes: str | None = None,
        segmenter: str | None = None,
        offline: bool = False,
    ) -> None:
        if variant not in VARIANTS:
            raise ConfigError(f"ttm_ref: variant is {variant!r}", f"variants are {', '.join(VARIANTS)}")
        self._options = _call_options(steps, image_guidance, text_guidance)
        self._motion_options = _call_options(steps, motion_image_guidance, motion_text_guidance)
        place = _device(device)
        if offload and place.type == "cpu":
            raise ConfigError("ttm_ref: offload=true needs a GPU to offload from", "leave it out, or set device")
        where: dict[str, t.Any] = {"device": str(place), "offline": offline}
        self._find = functools.partial(
            find,
            parser=choose.parser(str(parser), model=parser_model, key_variable=key_variable, **where),
            boxes=choose.detector(boxes, **where) if boxes else None,
            segmenter=choose.segmenter(segmenter, **where) if segmenter else None,
        )
        quiet()
        stages = Stages(SHIPPED if weights is None else Path(str(weights)).expanduser(), _dtype(dtype, place))
        self._chain: ThroughTheMaskPipeline | None = None
        if variant == "ti2v":
            self._video: t.Any = stages.baseline()
        else:
            self._video = stages.video(variant)
            self._chain = ThroughTheMaskPipeline(stages.motion(), self._video)
        model = self._chain or self._video
        model.set_progress_bar_config(disable=True)
        if offload:
            model.enable_model_cpu_offload(device=place)
        else:
            model.to(place)

    def generate(self, request: Request) -> Video:
        """Generate the video of a request; the same request gives the same bytes.

        Returns:
            At most as many frames as cover the requested time at the weights' own rate, and no more than they were
            trained for. Where the visible part of the request is larger than the networks' output, that is enlarged to
            it, the aspect kept.

        Raises:
            ModelError: a picture, masks or objects that cannot be used, no way to find what is missing, or NaN from the
                networks.
        """
        generator = torch.Generator("cpu").manual_seed(request.seed)
        if self._chain is None:
            output = self._video(request.image, request.caption, generator=generator, **self._options)
        else:
            found = self._conditions(request)
            output, _ = self._chain(
                request.image,
                request.caption,
                found.motion_prompt,
                [item.prompt for item in found.objects],
                found.masks0,
                generator=generator,
                motion=self._motion_options,
                video=self._options,
            )
        config = self._video.config
        frames: NDArray[np.float32] = output.frames[0]
        wanted = math.ceil((request.frames - 1) * config.fps / request.fps - 1e-9) + 1
        shown = _enlarged(to_bytes(frames[:wanted]), request.size)
        return Video(shown, np.arange(len(shown), dtype=np.float64) / config.fps)

    def _conditions(self, request: Request) -> Conditions:
        found = self._find(
            request.image,
            request.caption,
            motion_prompt=request.motion_prompt,
            objects=request.objects,
            masks0=request.masks0,
        )
        for note in found.notes:
            LOG.warning("%s: %s", request.case_id, note)
        return found


def _call_options(steps: int | None, image: float | None, text: float | None) -> dict[str, t.Any]:
    """Arguments of a pipeline's call, checked before any weights are read."""
    Guidance(1.0 if image is None else image, 1.0 if text is None else text)
    if steps is not None:
        sigmas("power", steps)
    return {"num_inference_steps": steps, "image_guidance": image, "text_guidance": text}


def _device(name: str) -> torch.device:
    try:
        device = torch.device(("cuda" if torch.cuda.is_available() else "cpu") if name == "auto" else str(name))
    except RuntimeError as error:
        raise ConfigError(f"ttm_ref: device is {name!r}", "devices are auto, cpu, cuda, cuda:1, mps, ...") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ConfigError(f"ttm_ref: device is {name!r}, but there is no CUDA here", "set device=cpu")
    return device


def _dtype(name: str, device: torch.device) -> torch.dtype:
    if name == "auto":
        return torch.float32 if device.type == "cpu" else torch.bfloat16
    if name not in DTYPES:
        raise ConfigError(f"ttm_ref: dtype is {name!r}", f"dtypes are auto, {', '.join(DTYPES)}")
    return DTYPES[name]


def _enlarged(frames: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """uint8 [T, H, W, 3] at the scale of a request of `size` (height, width), if that is a larger one."""
    height, width = frames.shape[1:3]
    left, top, right, bottom = cover_box(size, height, width)
    if (bottom - top) <= height:
        return frames
    target = (round(right - left), round(bottom - top))
    return np.stack([np.asarray(Image.fromarray(frame).resize(target, Image.Resampling.BICUBIC)) for frame in frames])
