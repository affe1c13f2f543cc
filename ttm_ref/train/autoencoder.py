"""Task: the tiny autoencoder, on single frames and on their colour-coded masks."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional

from motionbench.errors import ConfigError
from ttm_ref.colours import paint
from ttm_ref.footage import Footage
from ttm_ref.settings import DataSettings
from ttm_ref.train.loop import Batch, Task
from ttm_ref.vae import PatchAutoencoder

FRAMES_OF_A_VIDEO = 8
EDGE_WEIGHT, SQUARE_WEIGHT, DIVERGENCE_WEIGHT = 0.5, 1.0, 1e-3
MEASURED = 64


class AutoencoderTask(Task):
    """A sample is eight frames of one video and the masks of one of them.

    The loss is L1 + squared error + 0.5 L1 of the differences of neighbouring pixels (which keeps edges sharp) + 0.001
    of the divergence from a standard normal, all means.

    Args:
        model: what is trained.
        footage: the videos.
        data: `limit` and `held_out` are read.

    Raises:
        ConfigError: too few videos.
    """

    def __init__(self, model: PatchAutoencoder, footage: list[Footage], data: DataSettings) -> None:
        super().__init__()
        chosen = footage[: data.limit or None]
        if len(chosen) <= data.held_out:
            raise ConfigError(f"{len(chosen)} videos, of which {data.held_out} are held out", "add videos")
        split = len(chosen) - data.held_out
        self.model, self._footage, self._held_out = model, chosen[:split], chosen[split:]
        model.start_from(self._measured())

    def samples(self) -> int:
        """Videos to train on."""
        return len(self._footage)

    def data_digest(self) -> str:
        """sha256 of the videos' names and prompts."""
        return hashlib.sha256(repr([(f.id, f.caption) for f in self._footage]).encode()).hexdigest()

    def batch(self, indices: list[int], generator: torch.Generator) -> Batch:
        """Pictures float32 [9 B, 3, H, W] in [-1, 1]."""
        return {"pictures": torch.cat([_pictures(self._footage[i], generator) for i in indices])}

    def forward(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """Losses of a batch."""
        pictures: Tensor = batch["pictures"]
        mean, logvar = self.model.encode(pictures)
        noise = torch.randn(mean.shape, generator=generator).to(mean)
        made = self.model.decode(mean + noise * torch.exp(0.5 * logvar)).float()
        error = made - pictures
        edges = sum(functional.l1_loss(made.diff(dim=d), pictures.diff(dim=d)) for d in (-1, -2))
        divergence = 0.5 * (mean.float() ** 2 + logvar.float().exp() - 1.0 - logvar.float()).mean()
        square = error.square().mean()
        loss = error.abs().mean() + SQUARE_WEIGHT * square + EDGE_WEIGHT * edges + DIVERGENCE_WEIGHT * divergence
        return {"loss": loss, "square": square, "divergence": divergence}

    @torch.no_grad()
    def validate(self, folder: Path, step: int) -> dict[str, float]:
        """A strip of held-out pictures above their reconstructions, and the PSNR."""
        generator = torch.Generator().manual_seed(0)
        pictures = torch.cat([_pictures(f, generator) for f in self._held_out])
        made = self.model.decode(self.model.encode(pictures)[0]).clamp(-1.0, 1.0)
        is_mask = torch.arange(len(pictures)) % (FRAMES_OF_A_VIDEO + 1) == FRAMES_OF_A_VIDEO
        square = ((made - pictures) / 2.0).square().mean(dim=(1, 2, 3))
        folder.mkdir(parents=True, exist_ok=True)
        shown = [torch.cat([x[~is_mask][::FRAMES_OF_A_VIDEO][:8], x[is_mask][:4]]) for x in (pictures, made)]
        rows = [(x * 127.5 + 127.5).round().byte().permute(2, 0, 3, 1).flatten(1, 2) for x in shown]
        Image.fromarray(torch.cat(rows).numpy()).save(folder / f"{step:06d}.png")
        return {
            "psnr_frames": float(-10.0 * square[~is_mask].log10().mean()),
            "psnr_masks": float(-10.0 * square[is_mask].log10().mean()),
        }

    @torch.no_grad()
    def save(self, folder: Path) -> None:
        """Measure the latents' mean, fix their scale, and write the model.

        A channel's standard deviation becomes the square root of what it does to pixels, that of the widest channel 1.
        With one variance for each, a denoiser's error is ruled by texture that nobody could foresee; in proportion to
        the pixels, texture is hardly learned at all.
        """
        latents = self.model.encode(self._measured())[0]
        spread, gain = latents.std(dim=(0, 2, 3)), self.model.to_pixels.weight.flatten(1).norm(dim=1)
        effect = spread * gain
        scale = spread / (effect / effect.max()).sqrt()
        self.model.register_to_config(latents_mean=latents.mean(dim=(0, 2, 3)).tolist(), latents_std=scale.tolist())
        self.model.save_pretrained(folder)

    def _measured(self) -> Tensor:
        generator = torch.Generator().manual_seed(0)
        return torch.cat([_pictures(f, generator) for f in self._footage[:MEASURED]])


def _pictures(footage: Footage, generator: torch.Generator) -> Tensor:
    frames = footage.frames()
    chosen = torch.randperm(len(frames), generator=generator)[:FRAMES_OF_A_VIDEO].numpy()
    masks = paint(footage.planes(int(chosen[0]) + 1)[:, chosen[0]][:, None])
    return to_tensor(np.concatenate([frames[chosen], masks]))


def to_tensor(frames: NDArray[np.uint8]) -> Tensor:
    """float32 [F, 3, H, W] in [-1, 1] of uint8 [F, H, W, 3]."""
    return torch.from_numpy(frames).permute(0, 3, 1, 2).float() / 127.5 - 1.0
