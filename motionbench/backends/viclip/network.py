"""ViCLIP: a CLIP whose picture encoder looks at all patches of eight frames (Wang et al. 2023, arXiv 2307.06942).

Names of parameters are those of `ViClip-InternVid-10M-FLT.pth` (under its key "model"), sizes by default too.
"""

from __future__ import annotations

import typing as t
from collections import OrderedDict
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True, slots=True)
class Sizes:
    """Widths, layers and heads of both encoders; `joint` is the dimension in which they meet."""

    side: int = 224
    patch: int = 14
    frames: int = 8
    width: int = 1024
    layers: int = 24
    heads: int = 16
    words: int = 32
    vocabulary: int = 49408
    text_width: int = 768
    text_layers: int = 12
    text_heads: int = 12
    joint: int = 768


class QuickGELU(nn.Module):
    """x sigmoid(1.702 x), CLIP's stand-in for GELU."""

    def forward(self, x: Tensor) -> Tensor:
        """Any shape."""
        return x * torch.sigmoid(1.702 * x)


class Block(nn.Module):
    """Pre-norm attention and a four times wider layer."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.attn = nn.MultiheadAttention(width, heads, batch_first=True)
        self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        layers = [("c_fc", nn.Linear(width, 4 * width)), ("gelu", QuickGELU()), ("c_proj", nn.Linear(4 * width, width))]
        self.mlp = nn.Sequential(OrderedDict(layers))

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Tokens x [B, N, width]; `mask` [N, N] is added to the scores."""
        inner = self.ln_1(x)
        x = x + self.attn(inner, inner, inner, need_weights=False, attn_mask=mask)[0]
        return t.cast(Tensor, x + self.mlp(self.ln_2(x)))


class Transformer(nn.Module):
    """Blocks, one after another."""

    def __init__(self, width: int, layers: int, heads: int) -> None:
        super().__init__()
        self.resblocks = nn.ModuleList(Block(width, heads) for _ in range(layers))

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Tokens x [B, N, width]."""
        for block in self.resblocks:
            x = block(x, mask)
        return x


class VisionEncoder(nn.Module):
    """Eight frames to one vector: one class token for the clip, all patches of all frames in one attention."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        width, patch = sizes.width, sizes.patch
        self.conv1 = nn.Conv3d(3, width, (1, patch, patch), (1, patch, patch), bias=False)
        self.class_embedding = nn.Parameter(torch.zeros(width))
        self.positional_embedding = nn.Parameter(torch.zeros((sizes.side // patch) ** 2 + 1, width))
        self.temporal_positional_embedding = nn.Parameter(torch.zeros(1, sizes.frames, width))
        self.ln_pre, self.ln_post = nn.LayerNorm(width), nn.LayerNorm(width)
        self.transformer = Transformer(width, sizes.layers, sizes.heads)
        self.proj = nn.Parameter(torch.zeros(width, sizes.joint))

    def forward(self, clips: Tensor) -> Tensor:
        """clips [B, 3, frames, side, side], normalised as CLIP's, to [B, joint]."""
        patches = self.conv1(clips).flatten(3).permute(0, 2, 3, 1)
        patches = patches + self.positional_embedding[1:] + self.temporal_positional_embedding[:, :, None]
        first = (self.class_embedding + self.positional_embedding[0]).expand(len(clips), 1, -1)
        # Patch by patch, then frame by frame: the order of the original, whose sums are then the same to the last bit.
        tokens = torch.cat([first, patches.transpose(1, 2).flatten(1, 2)], dim=1)
        return t.cast(Tensor, self.ln_post(self.transformer(self.ln_pre(tokens))[:, 0]) @ self.proj)


class TextEncoder(nn.Module):
    """Token numbers to one vector: the state of the last token, under a causal mask."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.token_embedding = nn.Embedding(sizes.vocabulary, sizes.text_width)
        self.positional_embedding = nn.Parameter(torch.zeros(sizes.words, sizes.text_width))
        self.transformer = Transformer(sizes.text_width, sizes.text_layers, sizes.text_heads)
        self.ln_final = nn.LayerNorm(sizes.text_width)
        self.text_projection = nn.Parameter(torch.zeros(sizes.text_width, sizes.joint))

    def forward(self, numbers: Tensor) -> Tensor:
        """numbers int64 [B, words], padded with 0 behind the end token (the highest number), to [B, joint]."""
        length = numbers.shape[1]
        mask = torch.full((length, length), float("-inf"), device=numbers.device).triu(1)
        x = self.token_embedding(numbers) + self.positional_embedding
        x = self.ln_final(self.transformer(x, mask.to(x.dtype)))
        ends = x[torch.arange(len(x), device=x.device), numbers.argmax(dim=1)]
        return t.cast(Tensor, ends @ self.text_projection)


class ViCLIP(nn.Module):
    """Both encoders. `temp`, the temperature of its training, is in the file and read by nothing here."""

    def __init__(self, sizes: Sizes | None = None) -> None:
        super().__init__()
        sizes = sizes or Sizes()
        self.vision_encoder, self.text_encoder = VisionEncoder(sizes), TextEncoder(sizes)
        self.temp = nn.Parameter(torch.tensor(0.01))

    def video(self, clips: Tensor) -> Tensor:
        """Unit vectors [B, joint] of clips [B, 3, frames, side, side]."""
        return functional.normalize(self.vision_encoder(clips), dim=-1)

    def text(self, numbers: Tensor) -> Tensor:
        """Unit vectors [B, joint] of token numbers int64 [B, words]."""
        return functional.normalize(self.text_encoder(numbers), dim=-1)
