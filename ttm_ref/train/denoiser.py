"""Task: a denoiser of either stage on prepared samples, together with the text encoder where that is small.

| stage | is made | conditions beside the noisy latents | prompt |
|---|---|---|---|
| motion | E(masks) | E(first frame), E(first masks), both held over time | motion prompt |
| video | E(video) | E(first frame) held over time, E(masks) or zeros (TI2V) | caption; objects' prompts and masks |

With `data.trajectory=flow` (Table 4) E(flow) takes the place of E(masks). There is none of the first frame alone, and
there are no objects: stage 1 gets zeros in place of E(first masks), stage 2 no objects' prompts and masks.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import PreTrainedTokenizerBase

from motionbench.errors import ConfigError
from ttm_ref.objective import noised
from ttm_ref.samples import Sample, Samples
from ttm_ref.settings import Settings
from ttm_ref.text import encode_tokens, tokenize
from ttm_ref.train.loop import Batch, Task
from ttm_ref.train.preview import Preview

MEASURED = 64


class DenoiserTask(Task):
    """Flow matching or v-prediction with dropped conditions for guidance.

    Args:
        denoiser, text_encoder: trained where their parameters have gradients.
        tokenizer: of the text encoder.
        samples: prepared samples, all of one shape.
        settings: of the run; read are `data`, `text`, `objective` and `train.stage`.
        preview: saves and shows the modules as a pipeline.
    """

    def __init__(
        self,
        denoiser: nn.Module,
        text_encoder: nn.Module,
        tokenizer: PreTrainedTokenizerBase,
        samples: Samples,
        settings: Settings,
        preview: Preview,
    ) -> None:
        super().__init__()
        self.denoiser, self.text_encoder = denoiser, text_encoder
        self._tokenizer, self._samples, self._settings, self._preview = tokenizer, samples, settings, preview
        self._motion, self._flow = settings.train.stage == "motion", settings.data.trajectory == "flow"
        self._weights = self._channel_weights() if settings.objective.by_variance else None

    def samples(self) -> int:
        """Samples to train on."""
        return len(self._samples) - self._settings.data.held_out

    def data_digest(self) -> str:
        """sha256 of what is trained on."""
        return self._samples.digest()

    def batch(self, indices: list[int], generator: torch.Generator) -> Batch:
        """Latents [B, C, T, h, w], token numbers [B, L] and [B, K, L'] with masks, planes bool [B, K, F, H, W].

        Dropped text is the empty prompt, of the scene and of every object; the dropped visual condition takes the
        latents of both conditions, the planes and the objects' prompts along.
        """
        samples = [self._samples[i] for i in indices]
        goal, text = self._settings.objective, self._settings.text
        draws = torch.rand(2, len(samples), generator=generator)
        no_text, no_visual = draws[0] < goal.text_drop, draws[1] < goal.visual_drop
        prompts = [
            "" if gone else (s.motion_prompt if self._motion else s.caption)
            for s, gone in zip(samples, no_text.tolist(), strict=True)
        ]
        numbers, mask = tokenize(self._tokenizer, prompts, text.length)
        batch: Batch = {
            "video": torch.stack([s.video for s in samples]).float(),
            "trajectory": torch.stack([self._trajectory(s) for s in samples]).float(),
            "visual": (~no_visual).float(),
            "prompt": numbers,
            "prompt_mask": mask,
        }
        if not self._motion and self._settings.data.trajectory == "masks":
            batch |= self._objects(samples, no_text.tolist(), no_visual.tolist())
        return batch

    def forward(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """The weighted squared error, and apart from it that of the samples at pure noise."""
        target_latents = batch["trajectory"] if self._motion else batch["video"]
        step = noised(target_latents, self._settings.objective, generator)
        states, _ = encode_tokens(self.text_encoder, batch["prompt"], batch["prompt_mask"])
        given = torch.cat([step.noisy, *self._conditions(batch, generator)], dim=1)
        output = self.denoiser(given, step.timestep, states, **self._local(batch)).sample.float()
        square = (output - step.target).square()
        if self._weights is not None:
            square = square * self._weights.to(square).view(1, -1, 1, 1, 1)
        error = square.flatten(1).mean(dim=1)
        far = step.timestep >= 999
        return {
            "loss": (error * step.weight).mean(),
            "error": error.mean(),
            "error_at_noise": (error * far).sum() / far.sum().clamp(min=1),
        }

    def _channel_weights(self) -> Tensor:
        """Variance of each channel of the first training samples over the mean of all channels', [C]."""
        first = [self._samples[i] for i in range(min(MEASURED, self.samples()))]
        latents = torch.stack([self._trajectory(s) if self._motion else s.video for s in first]).float()
        variance = latents.var(dim=(0, 2, 3, 4))
        return variance / variance.mean()

    def _trajectory(self, sample: Sample) -> Tensor:
        if not self._flow:
            return sample.masks
        if sample.flow is None:
            raise ConfigError("the samples hold no optical flow", "prepare them with --flow dis, or raft")
        return sample.flow

    def save(self, folder: Path) -> None:
        """Write the pipeline of this stage."""
        self._preview.save(folder)

    def validate(self, folder: Path, step: int) -> dict[str, float]:
        """Generate and write strips."""
        return self._preview.validate(folder, step)

    def _conditions(self, batch: Batch, generator: torch.Generator) -> list[Tensor]:
        video, trajectory = batch["video"], batch["trajectory"]
        visual = batch["visual"].view(-1, 1, 1, 1, 1)
        first = video[:, :, :1].expand_as(video) * visual
        if self._motion:
            held = torch.zeros_like(trajectory) if self._flow else trajectory[:, :, :1].expand_as(trajectory) * visual
            return [first, held]
        if self._settings.data.trajectory == "none":
            return [first, torch.zeros_like(trajectory)]
        # Stage 1's masks are never as clean as the true ones; noise keeps stage 2 from leaning on their last digit.
        strength = torch.rand(len(trajectory), 1, 1, 1, 1, generator=generator) * self._settings.data.mask_noise
        noise = torch.randn(trajectory.shape, generator=generator)
        return [first, (trajectory + (strength * noise).to(trajectory)) * visual]

    def _local(self, batch: Batch) -> dict[str, Tensor]:
        if "planes" not in batch:
            return {}
        numbers, mask = batch["objects"], batch["objects_mask"]
        states, _ = encode_tokens(self.text_encoder, numbers.flatten(0, 1), mask.flatten(0, 1))
        return {
            "object_masks": batch["planes"],
            "local_states": states.view(*numbers.shape[:2], *states.shape[1:]),
            "local_mask": mask,
        }

    def _objects(self, samples: list[Sample], no_text: list[bool], no_visual: list[bool]) -> Batch:
        """Planes, token numbers and masks of the objects, padded to the most objects of the batch (at least one)."""
        most = min(max(1, *(len(s.planes) for s in samples)), self._settings.data.max_objects)
        length = self._settings.text.object_length
        planes = torch.zeros(len(samples), most, *samples[0].planes.shape[1:], dtype=torch.bool)
        numbers = torch.zeros(len(samples), most, length, dtype=torch.int64)
        mask = torch.zeros(len(samples), most, length, dtype=torch.bool)
        for i, sample in enumerate(samples):
            count = 0 if no_visual[i] else min(len(sample.planes), most)
            planes[i, :count] = sample.planes[:count]
            prompts = [""] * count if no_text[i] else list(sample.prompts[:count])
            numbers[i, :count], mask[i, :count] = tokenize(self._tokenizer, prompts, length)
        return {"planes": planes, "objects": numbers, "objects_mask": mask}
