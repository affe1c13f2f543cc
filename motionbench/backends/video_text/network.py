"""The dual encoder: an observation to one vector for each object and three for the scene, a clause to one vector.

Tokens of a video (objects, then ground, scenery and camera) look at each other through one layer of attention, so that
"the left star" or "passes behind" can be told. A clause is read through a window of five words and attention pooling.
All vectors have length 1; what a clause has to say about a video is its largest cosine with the tokens.

The contrast is CLIP's (Radford et al. 2021, https://arxiv.org/abs/2103.00020) with the token-wise match of FILIP (Yao
et al. 2021, https://arxiv.org/abs/2111.07783). There is no convolution over pixels: the observation has done that work,
and what is left to learn fits into a million numbers and minutes of one core.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from motionbench.backends.video_text.observe import CROP, LOOKS, OBJECT_CHANNELS, SCENE, SCENE_CHANNELS, STEPS
from motionbench.backends.video_text.words import LENGTH

WIDTH = 128
VECTOR = 128
SCENE_TOKENS = 3  # ground, scenery, camera
LOOK, GROUND = CROP // 2, SCENE // 3  # sides of the pictures as they are read
SEEN = (0, len(LOOKS) - 1)  # which of the looks are read: the first and the last
WINDOW = 5


def object_numbers(series: Tensor) -> Tensor:
    """Series [N, 16, C] as the network reads them: where it is, how far it came, and all else about as large as 1."""
    at = series[:, :, :2]
    own = series[:, :, 2:4] - series[:, :1, 2:4]
    tint = series[:, :, 9:13]
    drift = tint - tint[:, :1]
    parts = [at, own * 3.0, series[:, :, 4:6], series[:, :, 6:9] * 5.0, tint * 2.0, drift * 4.0, series[:, :, 13:15]]
    return torch.cat([*parts, series[:, :, 15:19] * 0.5, series[:, :, 19:]], 2).clamp(-8.0, 8.0)


def shrunk_crops(crops: Tensor) -> Tensor:
    """Crops uint8 [N, L, 24, 24, 4] to the looks that are read, float32 [N, 2, 4 * 12 * 12] about 0."""
    seen = crops[:, SEEN].permute(0, 1, 4, 2, 3).float().flatten(0, 1) / 255.0
    return (functional.avg_pool2d(seen, 2).flatten(1) - 0.5).view(len(crops), len(SEEN), 4 * LOOK * LOOK)


def shrunk_picture(picture: Tensor) -> Tensor:
    """Frame 0 as uint8 [B, 48, 48, 4] to float32 [B, 4 * 16 * 16] about 0."""
    return functional.avg_pool2d(picture.permute(0, 3, 1, 2).float() / 255.0, 3).flatten(1) - 0.5


class VideoEncoder(nn.Module):
    """Observations of B videos with up to K objects to tokens [B, K + 3, VECTOR] of length 1."""

    def __init__(self) -> None:
        super().__init__()
        numbers = (len(OBJECT_CHANNELS) + 4) * STEPS
        self.look = nn.Sequential(nn.Linear(4 * LOOK * LOOK, 128), nn.GELU(), nn.Linear(128, 96), nn.GELU())
        self.numbers = nn.Sequential(nn.Linear(numbers, 256), nn.GELU(), nn.Linear(256, 160), nn.GELU())
        self.object = nn.Linear(160 + 96 * len(SEEN), WIDTH)
        self.picture = nn.Sequential(nn.Linear(4 * GROUND * GROUND, 96), nn.GELU(), nn.Linear(96, 96), nn.GELU())
        self.camera = nn.Sequential(nn.Linear(len(SCENE_CHANNELS) * STEPS, 96), nn.GELU())
        self.scene = nn.Linear(192, WIDTH * SCENE_TOKENS)
        self.mix = nn.TransformerEncoderLayer(WIDTH, 4, 256, 0.0, "gelu", batch_first=True, norm_first=True)
        self.norm = nn.LayerNorm(WIDTH)
        self.out = nn.Linear(WIDTH, VECTOR)

    def forward(self, series: Tensor, looks: Tensor, present: Tensor, camera: Tensor, picture: Tensor) -> Tensor:
        """Tokens.

        Args:
            series: float32 [N, 16, C] of all objects of the batch in a row.
            looks: float32 [N, 2, 576] (`shrunk_crops`).
            present: bool [B, K], which places hold an object (N of them).
            camera: float32 [B, 16, C'].
            picture: float32 [B, 1024] (`shrunk_picture`).

        Returns:
            float32 [B, K + 3, VECTOR]; 0 where there is no object.
        """
        objects = self.object(
            torch.cat([self.numbers(object_numbers(series).flatten(1)), self.look(looks).flatten(1)], 1)
        )
        slots = objects.new_zeros(*present.shape, WIDTH).masked_scatter(present[..., None], objects)
        scene = self.scene(torch.cat([self.picture(picture), self.camera(camera.flatten(1))], 1))
        tokens = torch.cat([slots, scene.view(len(scene), SCENE_TOKENS, WIDTH)], 1)
        absent = torch.cat([~present, present.new_zeros(len(present), SCENE_TOKENS)], 1)
        mixed = self.norm(self.mix(tokens, src_key_padding_mask=absent))
        return functional.normalize(self.out(mixed), dim=-1) * (~absent)[..., None]


class TextEncoder(nn.Module):
    """Clauses as word numbers int64 [N, LENGTH] to vectors [N, VECTOR] of length 1."""

    def __init__(self, vocabulary: int, width: int = 96, heads: int = 4) -> None:
        super().__init__()
        # One table for each place of the window: a convolution over embedded words, as look-ups.
        self.word = nn.Embedding((vocabulary + 2) * WINDOW, width)
        self.place = nn.Parameter(torch.zeros(LENGTH, width))
        self.query = nn.Linear(width, heads)
        self.hidden = nn.Linear(width * heads, 192)
        self.out = nn.Linear(192, VECTOR)
        nn.init.normal_(self.word.weight, std=0.5)

    def forward(self, numbers: Tensor) -> Tensor:
        """Vectors."""
        real = numbers != 0
        length = max(1, int(real.sum(1).max())) if len(numbers) else 1
        numbers, real = numbers[:, :length], real[:, :length]
        around = functional.pad(numbers, (WINDOW // 2, WINDOW // 2)).unfold(1, WINDOW, 1)
        rows = self.word(around * WINDOW + torch.arange(WINDOW)).sum(2)
        x = functional.gelu(rows + self.place[:length])
        # A clause without words attends to pads alone: its vector is that of no words.
        weight = self.query(x).masked_fill(~real[..., None], -1e4).softmax(1)
        pooled = torch.einsum("nlh,nlw->nhw", weight, x).flatten(1)
        return functional.normalize(self.out(functional.gelu(self.hidden(pooled))), dim=-1)


class DualEncoder(nn.Module):
    """Both encoders and the logarithm of the contrast's scale (used in training alone)."""

    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        self.video = VideoEncoder()
        self.text = TextEncoder(vocabulary)
        self.scale = nn.Parameter(torch.tensor(2.7))
