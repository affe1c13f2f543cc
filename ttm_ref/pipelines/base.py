"""What all pipelines share: components, texts and pictures to conditions, and the loop from noise to latents."""

from __future__ import annotations

import typing as t
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from diffusers import DiffusionPipeline
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import PreTrainedTokenizerBase

from motionbench.errors import ConfigError, ModelError
from ttm_ref import codec
from ttm_ref.colours import check_count
from ttm_ref.pipelines.guidance import Guidance
from ttm_ref.pipelines.pictures import as_planes, fit_picture, fit_planes, to_arrays, to_tensor
from ttm_ref.pipelines.sampling import Generators, Scheduler, StepEnd, advance, called, check_noise, noise, start
from ttm_ref.text import encode_prompts

HOME = "ttm_ref.pipelines"  # where diffusers finds our own classes again
TRAJECTORIES = ("masks", "flow")
FIT = "all components must come from one training"


@dataclass(frozen=True, slots=True)
class Text:
    """One reading of the prompts: states [B, L, D]; of the objects [B, K, L', D] with their mask, or None."""

    states: Tensor
    local_states: Tensor | None = None
    local_mask: Tensor | None = None


@dataclass(frozen=True, slots=True)
class Scene:
    """The conditions of one call.

    Attributes:
        visual: what is concatenated with the noisy latents, float32 [B, 2 C, T, h, w].
        masks: bool [B, K, F, H, W] for the masked branches, or None.
        prompts: B global prompts.
        objects: for each sample its K object prompts; None where the denoiser gets none.
    """

    visual: Tensor
    masks: Tensor | None
    prompts: list[str]
    objects: list[list[str]] | None


class BasePipeline(DiffusionPipeline):  # type: ignore[misc]
    """Components, saving and loading, and sampling.

    Args:
        vae: an autoencoder that `ttm_ref.codec` knows.
        text_encoder, tokenizer: of transformers.
        denoiser: `MaskedWanTransformer` or `MaskedUNetMotion`; its in_channels are three times the latent's.
        scheduler: FlowMatchEulerDiscreteScheduler or DDIMScheduler; see `sampling`.
        schedule: noise levels of flow matching, a name of `sampling.SCHEDULES`.
        num_frames, height, width, fps: what the denoiser was trained on; the defaults of a call.
        num_inference_steps, image_guidance, text_guidance: defaults of a call.
        initial_noise: standard deviation of the noise that a sample starts from. The method's is 1; below that, samples
            vary less and keep to the likelier motions (truncation, as of GANs: Brock et al. 2019).
        max_length, object_length: tokens of a global and of an object prompt.
        trajectory: what stands between the stages: "masks", or "flow" (Table 4; see `ttm_ref.flow`).
    """

    model_cpu_offload_seq = "text_encoder->denoiser->vae"
    _callback_tensor_inputs = ["latents"]  # noqa: RUF012 - diffusers' convention

    def __init__(
        self,
        vae: codec.Autoencoder,
        text_encoder: nn.Module,
        tokenizer: PreTrainedTokenizerBase,
        denoiser: nn.Module,
        scheduler: Scheduler,
        schedule: str = "linear_quadratic",
        num_frames: int = 129,
        height: int = 256,
        width: int = 256,
        fps: float = 24.0,
        num_inference_steps: int = 50,
        image_guidance: float = 1.0,
        text_guidance: float = 1.0,
        initial_noise: float = 1.0,
        max_length: int = 512,
        object_length: int = 512,
        trajectory: str = "masks",
    ) -> None:
        super().__init__()
        self.register_modules(
            vae=vae, text_encoder=text_encoder, tokenizer=tokenizer, denoiser=denoiser, scheduler=scheduler
        )
        self.register_to_config(
            schedule=schedule,
            num_frames=num_frames,
            height=height,
            width=width,
            fps=fps,
            num_inference_steps=num_inference_steps,
            image_guidance=image_guidance,
            text_guidance=text_guidance,
            initial_noise=initial_noise,
            max_length=max_length,
            object_length=object_length,
            trajectory=trajectory,
        )
        self._interrupt = False

    def register_to_config(self, **values: t.Any) -> None:
        """Keep values for model_index.json; our own classes there have one home, in whatever file they are."""
        for name, value in values.items():
            if isinstance(value, tuple) and len(value) == 2 and str(value[0]).startswith("ttm_ref."):
                values[name] = (HOME, value[1])
        super().register_to_config(**values)

    @classmethod
    def from_pretrained(cls, folder: t.Any, **options: t.Any) -> t.Any:
        """Load a folder that `save_pretrained` wrote; see `DiffusionPipeline.from_pretrained`. Only safetensors."""
        pipeline = super().from_pretrained(folder, **{**options, "use_safetensors": True})
        for component in pipeline.components.values():
            if isinstance(component, nn.Module):
                align(component)
        return pipeline

    @property
    def interrupt(self) -> bool:
        """True once a callback has set `_interrupt`: the remaining steps are left out."""
        return self._interrupt

    def check_components(self) -> None:
        """Check that the components fit each other and the pipeline's own frames and size.

        Raises:
            ConfigError: they do not.
        """
        config, denoiser = self.config, self.denoiser.config
        self._shape(config.num_frames, config.height, config.width)
        Guidance(config.image_guidance, config.text_guidance)
        check_noise(config.initial_noise)
        if config.trajectory not in TRAJECTORIES:
            raise ConfigError(f"trajectory is {config.trajectory!r}", f"one of {', '.join(TRAJECTORIES)}")
        device = torch.device("cpu")
        start(self.scheduler, denoiser.prediction_type, config.schedule, config.num_inference_steps, device)
        wanted = denoiser.get("text_dim", denoiser.get("cross_attention_dim"))
        made = self.text_encoder.config.hidden_size
        if made != wanted:
            raise ConfigError(f"the text encoder makes {made} channels, the denoiser takes {wanted}", FIT)
        words, known = len(self.tokenizer), self.text_encoder.config.vocab_size
        if words > known:
            raise ConfigError(f"the tokenizer has {words} tokens, the text encoder knows {known}", FIT)

    def _planes(
        self, masks: Sequence[t.Any], images: Sequence[NDArray[np.uint8]], height: int, width: int, dimensions: int
    ) -> list[NDArray[np.bool_]]:
        """For each sample its masks, cut like its picture."""
        if len(masks) != len(images):
            raise ModelError(f"{len(images)} pictures, but masks for {len(masks)}")
        fitted = []
        for planes, image in zip((as_planes(m, dimensions) for m in masks), images, strict=True):
            if len(planes) and planes.shape[-2:] != image.shape[:2]:
                sizes = [f"{side[1]} x {side[0]}" for side in (planes.shape[-2:], image.shape)]
                raise ModelError(f"masks of {sizes[0]} pixels for a picture of {sizes[1]}")
            check_count(len(planes))
            fitted.append(fit_planes(planes, height, width))
        return fitted

    def _shape(self, frames: int, height: int, width: int) -> tuple[int, int, int, int]:
        """(C, T, h, w) of the latents.

        Raises:
            ConfigError: the autoencoder or the denoiser cannot take such a video, or they do not fit each other.
        """
        try:
            shape = codec.latent_shape(self.vae, frames, height, width)
        except ValueError as error:
            raise ConfigError(str(error), "change num_frames, height or width") from error
        if self.denoiser.config.in_channels != 3 * shape[0]:
            raise ConfigError(
                f"the denoiser takes {self.denoiser.config.in_channels} channels, "
                f"the autoencoder makes latents of {shape[0]}",
                "the denoiser takes three times as many: noise, picture and masks",
            )
        return shape

    def _encode(self, videos: Tensor) -> Tensor:
        """Normalised latents float32 [B, C, T, h, w] of videos float32 [B, 3, F, H, W] in [-1, 1]."""
        return codec.encode(self._awake_vae(), videos.to(self._execution_device, self.vae.dtype)).float()

    def _encode_stills(self, pictures: Sequence[NDArray[np.uint8]], size: tuple[int, int], steps: int) -> Tensor:
        """Latents of pictures uint8 [H, W, 3], cut to `size` and repeated over time: float32 [B, C, steps, h, w]."""
        stills = torch.stack([to_tensor(fit_picture(picture, *size)[None]) for picture in pictures])
        return self._encode(stills).expand(-1, -1, steps, -1, -1)

    def _decode(self, latents: Tensor) -> NDArray[np.float32]:
        """Videos float32 [B, F, H, W, 3] in [0, 1].

        Raises:
            ModelError: a network returned NaN or infinity.
        """
        frames = to_arrays(codec.decode(self._awake_vae(), latents.to(self.vae.dtype)))
        if not bool(latents.isfinite().all()) or np.isnan(frames).any():
            raise ModelError("the networks returned NaN or infinity", "use dtype float32")
        return frames

    def _awake_vae(self) -> codec.Autoencoder:
        """The autoencoder on its device: offloading wakes a network when it is called, which `encode` does not do."""
        hook = getattr(self.vae, "_hf_hook", None)
        if hook is not None:
            hook.pre_forward(self.vae)
        return t.cast(codec.Autoencoder, self.vae)

    def _read(self, prompts: list[str], objects: list[list[str]] | None) -> Text:
        """Encode the prompts; objects of samples with fewer of them are padded with all-False rows of the mask."""
        device, kind = self._execution_device, self.denoiser.dtype
        states, _ = encode_prompts(self.tokenizer, self.text_encoder, prompts, self.config.max_length)
        states = states.to(device, kind)
        most = max(map(len, objects)) if objects else 0
        if not objects or not most:
            return Text(states)
        flat = [text for sample in objects for text in sample]
        found, real = encode_prompts(self.tokenizer, self.text_encoder, flat, self.config.object_length)
        local = torch.zeros(len(objects), most, *found.shape[1:], device=device, dtype=kind)
        mask = torch.zeros(len(objects), most, real.shape[1], device=device, dtype=torch.bool)
        at = torch.tensor([(b, k) for b, sample in enumerate(objects) for k in range(len(sample))], device=device)
        local[at[:, 0], at[:, 1]] = found.to(device, kind)
        mask[at[:, 0], at[:, 1]] = real.to(device)
        return Text(states, local, mask)

    def _sample(
        self,
        scene: Scene,
        steps: int | None,
        image_guidance: float | None,
        text_guidance: float | None,
        generator: Generators,
        latents: Tensor | None,
        callback: StepEnd | None,
        callback_inputs: list[str],
    ) -> Tensor:
        """Latents float32 [B, C, T, h, w] of one sample for each scene."""
        config, device = self.config, self._execution_device
        guidance = Guidance(
            config.image_guidance if image_guidance is None else image_guidance,
            config.text_guidance if text_guidance is None else text_guidance,
        )
        passes = guidance.passes()
        texts = {True: self._read(scene.prompts, scene.objects)}
        if not all(run.text for run in passes):
            silent = None if scene.objects is None else [[""] * len(sample) for sample in scene.objects]
            texts[False] = self._read([""] * len(scene.prompts), silent)
        shape = (scene.visual.shape[0], scene.visual.shape[1] // 2, *scene.visual.shape[2:])
        x = noise(shape, generator, latents, device, config.initial_noise)
        prediction = self.denoiser.config.prediction_type
        steps = config.num_inference_steps if steps is None else steps
        timesteps = start(self.scheduler, prediction, config.schedule, steps, device)
        self._interrupt = False
        with self.progress_bar(total=len(timesteps)) as bar:
            for index, timestep in enumerate(timesteps):
                if self.interrupt:
                    break
                output = sum(
                    run.weight * self._predict(x, timestep, scene, texts[run.text], run.visual) for run in passes
                )
                x = advance(self.scheduler, prediction, t.cast(Tensor, output), timestep, x)
                if callback is not None:
                    x = called(self, callback, callback_inputs, index, timestep, x)
                bar.update()
        return x

    def _predict(self, x: Tensor, timestep: Tensor, scene: Scene, text: Text, visual: bool) -> Tensor:
        """The denoiser's output float32 [B, C, T, h, w]; without `visual`, picture, masks and boxes are dropped."""
        condition = scene.visual if visual else torch.zeros_like(scene.visual)
        seen = visual and scene.masks is not None
        output = self.denoiser(
            hidden_states=torch.cat([x, condition], dim=1).to(self.denoiser.dtype),
            timestep=timestep.expand(len(x)),
            encoder_hidden_states=text.states,
            object_masks=scene.masks if seen else None,
            local_states=text.local_states if seen else None,
            local_mask=text.local_mask if seen else None,
        ).sample
        return t.cast(Tensor, output.float())


def align(network: nn.Module) -> None:
    """Move weights that lie at odd addresses, as those of a mapped file do, to where torch would have put them.

    Matrix products of unaligned memory end in other last bits, and a video must not depend on the length of a header.
    """
    for tensor in (*network.parameters(), *network.buffers()):
        if tensor.device.type == "cpu" and tensor.data_ptr() % 64:
            tensor.data = tensor.data.clone()
