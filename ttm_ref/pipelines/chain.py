"""The whole method: stage 1's trajectories, read as clean masks, are what stage 2 follows."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from motionbench.errors import ConfigError
from ttm_ref.pipelines.image_to_motion import ImageToMotionPipeline
from ttm_ref.pipelines.motion_to_video import MotionToVideoPipeline
from ttm_ref.pipelines.output import MotionOutput, VideoOutput
from ttm_ref.pipelines.pictures import as_planes, as_rgb, fit_picture, to_bytes


class ThroughTheMaskPipeline:
    """Two pipelines in a row.

    Args:
        motion: stage 1.
        video: stage 2; of the same frames, height and width.

    Raises:
        ConfigError: the stages were made for different videos.
    """

    def __init__(self, motion: ImageToMotionPipeline, video: MotionToVideoPipeline) -> None:
        for name in ("num_frames", "height", "width", "fps", "trajectory"):
            one, two = motion.config[name], video.config[name]
            if one != two:
                raise ConfigError(f"stage 1 has {name}={one}, stage 2 has {two}", "the stages must fit each other")
        self.motion, self.video = motion, video

    def to(self, *arguments: t.Any, **options: t.Any) -> ThroughTheMaskPipeline:
        """Move both stages to a device or dtype; see `DiffusionPipeline.to`."""
        self.motion.to(*arguments, **options)
        self.video.to(*arguments, **options)
        return self

    def enable_model_cpu_offload(self, **options: t.Any) -> None:
        """Keep on the GPU only the network that is at work; see `DiffusionPipeline.enable_model_cpu_offload`."""
        self.motion.enable_model_cpu_offload(**options)
        self.video.enable_model_cpu_offload(**options)

    def set_progress_bar_config(self, **options: t.Any) -> None:
        """Options of both progress bars, such as `disable=True`."""
        self.motion.set_progress_bar_config(**options)
        self.video.set_progress_bar_config(**options)

    def __call__(
        self,
        image: t.Any,
        prompt: str,
        motion_prompt: str,
        object_prompts: Sequence[str],
        masks: t.Any,
        *,
        generator: t.Any = None,
        output_type: str = "np",
        motion: Mapping[str, t.Any] | None = None,
        video: Mapping[str, t.Any] | None = None,
    ) -> tuple[VideoOutput, NDArray[np.bool_] | None]:
        """Generate one video.

        Args:
            image: a picture of any size and mode; see `pictures.as_rgb`.
            prompt, motion_prompt: the global prompt and that of stage 1; may be empty.
            object_prompts: one for each object, may be empty.
            masks: bool [K, H, W] in the picture's pixels, in the order of the prompts; K from 0 to 12, and planes may
                overlap or be empty. Without any object stage 1 has nothing to move and is left out.
            generator: where the noise of both stages comes from, one after the other.
            output_type: "np", "pil" or "latent".
            motion, video: further arguments of the call of stage 1 and of stage 2.

        Returns:
            The video, and the masks bool [K, F, height, width] that it follows; None for stages that speak in flow, to
            which masks and object prompts say nothing.

        Raises:
            ModelError: a picture, masks or prompts that cannot be used.
            ConfigError: options or components that do not fit.
        """
        config = self.motion.config
        rgb, planes = as_rgb(image), as_planes(masks, 3)
        size = {name: {**(motion or {}), **(video or {})}.get(name) or config[name] for name in ("height", "width")}
        options: dict[str, t.Any] = {**(motion or {}), **size, "generator": generator}
        trajectories: NDArray[np.bool_] | None = None
        followed: dict[str, t.Any]
        if config.trajectory == "flow":
            found = t.cast(MotionOutput, self.motion(rgb, motion_prompt, **options, output_type="np"))
            followed = {"trajectory": to_bytes(t.cast("NDArray[np.float32]", found.frames)[0])}
        else:
            if len(planes):
                found = t.cast(MotionOutput, self.motion(rgb, motion_prompt, planes, **options, output_type="mask"))
                trajectories = t.cast("list[NDArray[np.bool_]]", found.masks)[0]
            else:
                frames = options.get("num_frames") or config.num_frames
                trajectories = np.zeros((0, frames, size["height"], size["width"]), np.bool_)
            followed = {"object_prompts": object_prompts, "masks": trajectories}
        fitted = fit_picture(rgb, size["height"], size["width"])
        shown = self.video(
            fitted,
            prompt,
            **followed,
            generator=generator,
            output_type=output_type,
            **{**(video or {}), **size},
        )
        return t.cast(VideoOutput, shown), trajectories
