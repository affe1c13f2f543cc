"""The baseline TI2V: the same network and parameters, but no trajectory and no masks (arXiv 2501.03059, section 5)."""

from __future__ import annotations

import typing as t
from collections.abc import Sequence

import torch
from torch import Tensor

from motionbench.errors import ModelError
from ttm_ref.pipelines.base import BasePipeline, Scene
from ttm_ref.pipelines.motion_to_video import OUTPUTS
from ttm_ref.pipelines.output import VideoOutput, as_frames, check_output_type
from ttm_ref.pipelines.pictures import as_rgb
from ttm_ref.pipelines.sampling import Generators, StepEnd


class TextImageToVideoPipeline(BasePipeline):
    """A picture and a prompt in, a video out; the channels of the trajectory are zero."""

    @torch.no_grad()
    def __call__(
        self,
        image: t.Any,
        prompt: str | Sequence[str],
        *,
        num_frames: int | None = None,
        height: int | None = None,
        width: int | None = None,
        num_inference_steps: int | None = None,
        image_guidance: float | None = None,
        text_guidance: float | None = None,
        generator: Generators = None,
        latents: Tensor | None = None,
        output_type: str = "np",
        return_dict: bool = True,
        callback_on_step_end: StepEnd | None = None,
        callback_on_step_end_tensor_inputs: Sequence[str] = ("latents",),
    ) -> VideoOutput | tuple[t.Any, ...]:
        """Generate a video. All arguments and errors are those of `MotionToVideoPipeline`."""
        check_output_type(output_type, OUTPUTS)
        config = self.config
        frames, height, width = num_frames or config.num_frames, height or config.height, width or config.width
        single = isinstance(prompt, str)
        images = [as_rgb(one) for one in ([image] if single else image)]
        prompts = t.cast("list[str]", [prompt] if single else list(prompt))
        if len(images) != len(prompts):
            raise ModelError(f"{len(images)} pictures, but {len(prompts)} prompts")
        steps = self._shape(frames, height, width)[1]
        picture = self._encode_stills(images, (height, width), steps)
        x = self._sample(
            Scene(torch.cat([picture, torch.zeros_like(picture)], dim=1), None, prompts, None),
            num_inference_steps,
            image_guidance,
            text_guidance,
            generator,
            latents,
            callback_on_step_end,
            list(callback_on_step_end_tensor_inputs),
        )
        made = x if output_type == "latent" else as_frames(self._decode(x), output_type)
        self.maybe_free_model_hooks()
        return VideoOutput(made) if return_dict else (made,)
