"""A small autoencoder of single frames, 8 times smaller on each side: the tiny model's stand-in for a video VAE.

Two paths are added: one linear map of each 8 x 8 square, which starts as the squares' principal components and so is a
fair autoencoder before any training (shortcuts from space to channels are the idea of DC-AE, Chen et al. 2024), and
convolutions that learn what it lacks. They run on pixels folded into channels (4 x 4 squares), a 32 x 32 grid for a
picture of 128 x 128, which makes them fast on a CPU. Frames and colour-coded mask videos go through the same weights,
as in the paper.
"""

from __future__ import annotations

import typing as t

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn

FOLD = 4
FACTOR = 8
START_LOGVAR = -5.0


class ResidualBlock(nn.Module):
    """Two 3 x 3 convolutions, each after a group norm and SiLU, added to the input."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm_in, self.conv_in = nn.GroupNorm(8, width), nn.Conv2d(width, width, 3, padding=1)
        self.norm_out, self.conv_out = nn.GroupNorm(8, width), nn.Conv2d(width, width, 3, padding=1)
        nn.init.zeros_(self.conv_out.weight)

    def forward(self, x: Tensor) -> Tensor:
        """x and the result [B, width, h, w]."""
        hidden = self.conv_in(nn.functional.silu(self.norm_in(x)))
        return t.cast(Tensor, x + self.conv_out(nn.functional.silu(self.norm_out(hidden))))


class PatchAutoencoder(ModelMixin, ConfigMixin):  # type: ignore[misc]
    """Frames [B, 3, H, W] in [-1, 1] to latents [B, latent_channels, H/8, W/8] and back; H and W multiples of 8.

    Args:
        latent_channels: channels of the latents.
        fine_width, coarse_width: channels on the H/4 and on the H/8 grid; multiples of 8.
        encoder_blocks, decoder_blocks: residual blocks on the (fine, coarse) grid.
        latents_mean, latents_std: what `codec` subtracts and divides by, one number a channel; measured after training.
    """

    config_name = "config.json"

    @register_to_config  # type: ignore[untyped-decorator]
    def __init__(
        self,
        latent_channels: int = 12,
        fine_width: int = 64,
        coarse_width: int = 96,
        encoder_blocks: tuple[int, int] = (1, 2),
        decoder_blocks: tuple[int, int] = (2, 3),
        latents_mean: list[float] | None = None,
        latents_std: list[float] | None = None,
    ) -> None:
        super().__init__()
        folded = 3 * FOLD**2
        self.to_latents = nn.Conv2d(3, latent_channels, FACTOR, stride=FACTOR)
        self.to_pixels = nn.ConvTranspose2d(latent_channels, 3, FACTOR, stride=FACTOR)
        self.encoder = nn.Sequential(
            nn.PixelUnshuffle(FOLD),
            nn.Conv2d(folded, fine_width, 3, padding=1),
            *(ResidualBlock(fine_width) for _ in range(encoder_blocks[0])),
            nn.PixelUnshuffle(2),
            nn.Conv2d(4 * fine_width, coarse_width, 1),
            *(ResidualBlock(coarse_width) for _ in range(encoder_blocks[1])),
            nn.GroupNorm(8, coarse_width),
            nn.SiLU(),
            nn.Conv2d(coarse_width, 2 * latent_channels, 3, padding=1),
        )
        self.decoder = nn.Sequential(
            nn.Conv2d(latent_channels, coarse_width, 3, padding=1),
            *(ResidualBlock(coarse_width) for _ in range(decoder_blocks[1])),
            nn.Conv2d(coarse_width, 4 * fine_width, 1),
            nn.PixelShuffle(2),
            *(ResidualBlock(fine_width) for _ in range(decoder_blocks[0])),
            nn.GroupNorm(8, fine_width),
            nn.SiLU(),
            nn.Conv2d(fine_width, folded, 3, padding=1),
            nn.PixelShuffle(FOLD),
        )
        to_posterior, to_squares = t.cast(nn.Conv2d, self.encoder[-1]), t.cast(nn.Conv2d, self.decoder[-2])
        for parameter in (*to_posterior.parameters(), *to_squares.parameters()):
            nn.init.zeros_(parameter)
        nn.init.constant_(t.cast(Tensor, to_posterior.bias)[latent_channels:], START_LOGVAR)

    @torch.no_grad()
    def start_from(self, pictures: Tensor) -> None:
        """Set the linear path to the principal components of the 8 x 8 squares of pictures [B, 3, H, W]."""
        squares = nn.functional.pixel_unshuffle(pictures, FACTOR).permute(0, 2, 3, 1).flatten(0, 2).double()
        mean = squares.mean(dim=0)
        variances, components = torch.linalg.eigh(torch.cov(squares.T, correction=0))
        chosen, scale = components[:, -self.config.latent_channels :], variances[-self.config.latent_channels :].sqrt()
        # An eigenvector's sign is free; fix it, so that every machine starts from the same weights.
        chosen = chosen * chosen.gather(0, chosen.abs().argmax(dim=0, keepdim=True)).sign()
        forward, back = (chosen / scale).T, (chosen * scale).T
        self.to_latents.weight.copy_(forward.reshape(-1, 3, FACTOR, FACTOR))
        t.cast(Tensor, self.to_latents.bias).copy_(-forward @ mean)
        self.to_pixels.weight.copy_(back.reshape(-1, 3, FACTOR, FACTOR))
        # One bias a channel; the means of the 64 places of a square differ little.
        t.cast(Tensor, self.to_pixels.bias).copy_(mean.view(3, -1).mean(dim=1))

    def encode(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log variance of the posterior, each [B, latent_channels, H/8, W/8].

        Raises:
            ValueError: a side is no multiple of 8.
        """
        if frames.shape[-1] % FACTOR or frames.shape[-2] % FACTOR:
            raise ValueError(f"frames of {frames.shape[-2]} x {frames.shape[-1]}: both sides must be multiples of 8")
        mean, logvar = self.encoder(frames).chunk(2, dim=1)
        return mean + self.to_latents(frames), logvar.clamp(-20.0, 10.0)

    def decode(self, latents: Tensor) -> Tensor:
        """Frames [B, 3, 8 h, 8 w], about [-1, 1], from latents [B, latent_channels, h, w]."""
        return t.cast(Tensor, self.decoder(latents) + self.to_pixels(latents))
