"""Stage 2: from a picture, mask trajectories and prompts to the video (arXiv 2501.03059, section 4.3)."""

from __future__ import annotations

import typing as t
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from motionbench.errors import ModelError
from ttm_ref.colours import paint
from ttm_ref.pipelines.base import BasePipeline, Scene
from ttm_ref.pipelines.output import VideoOutput, as_frames, check_output_type
from ttm_ref.pipelines.pictures import as_rgb, fit_picture, to_tensor
from ttm_ref.pipelines.sampling import Generators, StepEnd

OUTPUTS = ("np", "pil", "latent")
Planes = NDArray[np.bool_]


class MotionToVideoPipeline(BasePipeline):
    """A picture, a prompt, objects with their prompts and trajectories in, a video out."""

    @torch.no_grad()
    def __call__(
        self,
        image: t.Any,
        prompt: str | Sequence[str],
        object_prompts: Sequence[t.Any] = (),
        masks: t.Any = None,
        *,
        trajectory: t.Any = None,
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
        """Generate a video that follows the trajectories, as long as they are.

        Args:
            image: a picture, or a list of B; scaled to cover height x width and cut to it at the centre.
            prompt: the global prompt, may be empty; for B pictures a list of B.
            object_prompts: one for each object, may be empty; for B pictures B sequences.
            masks: bool [K, F, H, W] in the picture's pixels, in the order of the prompts; K from 0 to 12, planes may
                overlap or be empty. For B pictures a list of B with the same F.
            trajectory: uint8 [F, H, W, 3] to condition on in place of the painted masks (the flow variant of Table 4,
                or a mask video in other colours), for B pictures a list of B. Alone, without masks, it leaves the
                masked branches without regions; the object prompts are then not read. A pipeline whose own
                `trajectory` is "flow" needs it.
            height, width, num_inference_steps, image_guidance, text_guidance: None is the pipeline's own.
            generator, latents, callback_on_step_end, callback_on_step_end_tensor_inputs: as in `ImageToMotionPipeline`.
            output_type: "np", "pil" or "latent"; see `VideoOutput`.

        Raises:
            ModelError: a picture, masks or prompts that cannot be used.
            ConfigError: sizes, options or components that do not fit.
        """
        check_output_type(output_type, OUTPUTS)
        height, width = height or self.config.height, width or self.config.width
        batch = _Batch(image, prompt, object_prompts, masks, trajectory)
        planes = None if batch.masks is None else self._planes(batch.masks, batch.images, height, width, 4)
        scene = self._scene(batch, planes, height, width)
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
        frames = x if output_type == "latent" else as_frames(self._decode(x), output_type)
        self.maybe_free_model_hooks()
        return VideoOutput(frames) if return_dict else (frames,)

    def _scene(self, batch: _Batch, planes: list[Planes] | None, height: int, width: int) -> Scene:
        if batch.trajectories is None and self.config.trajectory == "flow":
            raise ModelError("this network follows optical flow, not masks", "give trajectory=; see ttm_ref.flow")
        videos = [paint(sample) for sample in planes or ()]
        if batch.trajectories is not None:
            videos = [_fit_video(video, height, width) for video in batch.trajectories]
        counts = {len(video) for video in videos} | {sample.shape[1] for sample in planes or ()}
        if len(counts) != 1:
            raise ModelError(
                f"trajectories of {' and '.join(map(str, sorted(counts)))} frames", "give as many for each"
            )
        steps = self._shape(counts.pop(), height, width)[1]
        picture = self._encode_stills(batch.images, (height, width), steps)
        visual = torch.cat([picture, self._encode(torch.stack([to_tensor(video) for video in videos]))], dim=1)
        if planes is None or not any(map(len, planes)):
            return Scene(visual, None, batch.prompts, None)
        _check_prompts(batch.objects, planes)
        return Scene(visual, _padded(planes).to(visual.device), batch.prompts, batch.objects)


class _Batch:
    """The arguments of a call as lists of B; a single prompt makes it a batch of one."""

    def __init__(self, image: t.Any, prompt: t.Any, objects: t.Any, masks: t.Any, trajectory: t.Any) -> None:
        single = isinstance(prompt, str)
        self.images = [as_rgb(one) for one in ([image] if single else image)]
        self.prompts: list[str] = [prompt] if single else list(prompt)
        self.objects: list[list[str]] = [list(o) for o in ([objects] if single else objects)]
        self.masks = masks if masks is None else [masks] if single else list(masks)
        self.trajectories = trajectory if trajectory is None else [trajectory] if single else list(trajectory)
        if masks is None and trajectory is None:
            raise ModelError("neither masks nor a trajectory", "stage 1 makes masks; TI2V needs none")
        for name in ("prompts", "trajectories"):
            given = getattr(self, name)
            if given is not None and len(given) != len(self.images):
                raise ModelError(f"{len(self.images)} pictures, but {len(given)} {name}")


def _fit_video(video: t.Any, height: int, width: int) -> NDArray[np.uint8]:
    """uint8 [F, H, W, 3] cut like its picture."""
    frames = np.asarray(video)
    if frames.ndim != 4 or not len(frames):
        raise ModelError(f"the trajectory has the shape {frames.shape}", "give uint8 [F, H, W, 3]")
    return np.stack([fit_picture(as_rgb(frame), height, width) for frame in frames])


def _check_prompts(objects: list[list[str]], planes: list[Planes]) -> None:
    if len(objects) != len(planes):
        raise ModelError(f"{len(planes)} pictures, but object prompts for {len(objects)}")
    for prompts, sample in zip(objects, planes, strict=True):
        if len(prompts) != len(sample):
            raise ModelError(f"{len(sample)} masks for {len(prompts)} object prompts", "each object needs both")


def _padded(planes: list[Planes]) -> Tensor:
    """bool [B, K, F, H, W]; samples with fewer objects get empty planes."""
    out = torch.zeros(len(planes), max(map(len, planes)), *planes[0].shape[1:], dtype=torch.bool)
    for row, sample in zip(out, planes, strict=True):
        row[: len(sample)] = torch.from_numpy(np.ascontiguousarray(sample))
    return out
