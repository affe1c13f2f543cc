"""Stage 1: from a picture, object masks and a motion prompt to mask trajectories (arXiv 2501.03059, section 4.2)."""

from __future__ import annotations

import typing as t
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from motionbench.errors import ModelError
from ttm_ref.colours import PALETTE, paint, read
from ttm_ref.pipelines.base import BasePipeline, Scene
from ttm_ref.pipelines.output import MotionOutput, as_frames, check_output_type
from ttm_ref.pipelines.pictures import as_rgb, to_bytes
from ttm_ref.pipelines.sampling import Generators, StepEnd

OUTPUTS = ("mask", "np", "pil", "latent")


class ImageToMotionPipeline(BasePipeline):
    """A picture, masks and a motion prompt in, one colour-coded mask video and its masks out.

    With `trajectory="flow"` (Table 4) it is a picture and a motion prompt in, and a video of optical flow out.
    """

    @torch.no_grad()
    def __call__(
        self,
        image: t.Any,
        prompt: str | Sequence[str],
        masks: t.Any = None,
        *,
        num_frames: int | None = None,
        height: int | None = None,
        width: int | None = None,
        num_inference_steps: int | None = None,
        image_guidance: float | None = None,
        text_guidance: float | None = None,
        generator: Generators = None,
        latents: Tensor | None = None,
        output_type: str | None = None,
        return_dict: bool = True,
        callback_on_step_end: StepEnd | None = None,
        callback_on_step_end_tensor_inputs: Sequence[str] = ("latents",),
    ) -> MotionOutput | tuple[t.Any, ...]:
        """Generate mask trajectories.

        Args:
            image: a picture, or a list of B; see `pictures.as_rgb`. It is scaled to cover height x width and cut to it
                at the centre, and its masks with it.
            prompt: the motion prompt, may be empty; for B pictures a list of B.
            masks: bool [K, H, W] in the picture's pixels, in the order of the objects; K from 0 to 12, planes may
                overlap or be empty. For B pictures a list of B. Flow needs none, and they are not read.
            num_frames, height, width, num_inference_steps, image_guidance, text_guidance: None is the pipeline's own.
            generator: where the noise comes from; one for each picture makes them independent of the batch.
            latents: noise [B, C, T, h, w] to start from instead.
            output_type: "mask" (the default; not for flow), "np" (flow's default), "pil" or "latent"; see
                `MotionOutput`.
            callback_on_step_end: called as (pipeline, step, timestep, {"latents": ...}) after each step; what it
                returns may replace the latents.

        Raises:
            ModelError: a picture or masks that cannot be used.
            ConfigError: sizes, options or components that do not fit.
        """
        config, flow = self.config, self.config.trajectory == "flow"
        output_type = output_type or OUTPUTS[int(flow)]
        check_output_type(output_type, OUTPUTS[int(flow) :])
        frames, height, width = num_frames or config.num_frames, height or config.height, width or config.width
        single = isinstance(prompt, str)
        images = [as_rgb(one) for one in ([image] if single else image)]
        prompts = t.cast("list[str]", [prompt] if single else list(prompt))
        planes = None
        if not flow:
            if masks is None:
                raise ModelError("stage 1 has no masks to move", "give one for each object")
            planes = self._planes([masks] if single else list(masks), images, height, width, 3)
        scene = self._scene(images, prompts, planes, frames, (height, width))
        x = self._sample(
            scene,
            num_inference_steps,
            image_guidance,
            text_guidance,
            generator,
            latents,
            callback_on_step_end,
            list(callback_on_step_end_tensor_inputs),
        )
        result = MotionOutput(None, x) if output_type == "latent" else self._output(x, planes, output_type)
        self.maybe_free_model_hooks()
        return result if return_dict else (result.masks, result.frames)

    def _scene(
        self,
        images: list[NDArray[np.uint8]],
        prompts: list[str],
        planes: list[NDArray[np.bool_]] | None,
        frames: int,
        size: tuple[int, int],
    ) -> Scene:
        steps = self._shape(frames, *size)[1]
        picture = self._encode_stills(images, size, steps)
        first = torch.zeros_like(picture)  # of a picture alone there is no flow
        if planes is not None:
            first = self._encode_stills([paint(sample[:, None])[0] for sample in planes], size, steps)
        return Scene(torch.cat([picture, first], dim=1), None, prompts, None)

    def _output(self, x: Tensor, planes: list[NDArray[np.bool_]] | None, output_type: str) -> MotionOutput:
        videos = self._decode(x)
        if planes is None:
            return MotionOutput(None, as_frames(videos, output_type))
        masks = [_read(to_bytes(video), first) for video, first in zip(videos, planes, strict=True)]
        return MotionOutput(masks, None if output_type == "mask" else as_frames(videos, output_type))


def _read(video: NDArray[np.uint8], first: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Masks bool [K, F, H, W] of a colour video; frame 0 is what was given."""
    masks = read(video, PALETTE[: len(first)])
    masks[:, 0] = first
    return masks
