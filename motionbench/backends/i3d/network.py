"""Inflated 3D Inception v1 (Carreira and Zisserman 2017, arXiv 1705.07750) with TensorFlow's "same" padding.

Names of modules are those of `i3d_pretrained_400.pt` (piergiaj/pytorch-i3d's, as VideoGPT converted DeepMind's TF-Hub
weights to it), so that its plain tensors load as they are.
"""

from __future__ import annotations

import typing as t

import torch
from torch import Tensor, nn
from torch.nn import functional

CLASSES = 400
SIDE = 224
MIN_FRAMES = 9
"""Three halvings in time leave ceil(T / 8) steps, and the last average spans two of them."""

# Outputs of the four branches; the second and third branch narrow first.
_MIXED = {
    "Mixed_3b": (192, (64, 96, 128, 16, 32, 32)),
    "Mixed_3c": (256, (128, 128, 192, 32, 96, 64)),
    "Mixed_4b": (480, (192, 96, 208, 16, 48, 64)),
    "Mixed_4c": (512, (160, 112, 224, 24, 64, 64)),
    "Mixed_4d": (512, (128, 128, 256, 24, 64, 64)),
    "Mixed_4e": (512, (112, 144, 288, 32, 64, 64)),
    "Mixed_4f": (528, (256, 160, 320, 32, 128, 128)),
    "Mixed_5b": (832, (256, 160, 320, 32, 128, 128)),
    "Mixed_5c": (832, (384, 192, 384, 48, 128, 128)),
}
Triple = tuple[int, int, int]


def _pad_same(x: Tensor, kernel: Triple, stride: Triple) -> Tensor:
    """Zeros around the last three axes so that ceil(size / stride) windows fit; an odd one goes to the end."""
    pads: list[int] = []
    for size, width, step in zip(reversed(x.shape[-3:]), reversed(kernel), reversed(stride), strict=True):
        total = max(width - (size % step or step), 0)
        pads += [total // 2, total - total // 2]
    return functional.pad(x, pads)


class Unit(nn.Module):
    """Convolution, batch norm (inference), ReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 1, stride: int = 1, plain: bool = False) -> None:
        super().__init__()
        self.kernel, self.stride, self.plain = (kernel,) * 3, (stride,) * 3, plain
        self.conv3d = nn.Conv3d(inputs, outputs, kernel, stride, bias=plain)
        if not plain:
            self.bn = nn.BatchNorm3d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """x [B, C, T, H, W]."""
        x = self.conv3d(_pad_same(x, self.kernel, self.stride))
        return x if self.plain else functional.relu(self.bn(x))


class Pool(nn.Module):
    """Maximum over windows. Padding with zeros is neutral: what is pooled comes out of a ReLU."""

    def __init__(self, kernel: Triple, stride: Triple) -> None:
        super().__init__()
        self.kernel, self.stride = kernel, stride

    def forward(self, x: Tensor) -> Tensor:
        """x [B, C, T, H, W]."""
        return functional.max_pool3d(_pad_same(x, self.kernel, self.stride), self.kernel, self.stride)


class Mixed(nn.Module):
    """Four branches side by side."""

    def __init__(self, inputs: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.b0 = Unit(inputs, widths[0])
        self.b1a, self.b1b = Unit(inputs, widths[1]), Unit(widths[1], widths[2], 3)
        self.b2a, self.b2b = Unit(inputs, widths[3]), Unit(widths[3], widths[4], 3)
        self.b3a, self.b3b = Pool((3, 3, 3), (1, 1, 1)), Unit(inputs, widths[5])

    def forward(self, x: Tensor) -> Tensor:
        """x [B, C, T, H, W]."""
        branches = self.b0(x), self.b1b(self.b1a(x)), self.b2b(self.b2a(x)), self.b3b(self.b3a(x))
        return torch.cat(branches, dim=1)


class InceptionI3d(nn.Module):
    """Clips to Kinetics-400 logits."""

    def __init__(self) -> None:
        super().__init__()
        stem = {
            "Conv3d_1a_7x7": Unit(3, 64, 7, 2),
            "MaxPool3d_2a_3x3": Pool((1, 3, 3), (1, 2, 2)),
            "Conv3d_2b_1x1": Unit(64, 64),
            "Conv3d_2c_3x3": Unit(64, 192, 3),
        }
        pools = {
            "Mixed_3b": Pool((1, 3, 3), (1, 2, 2)),
            "Mixed_4b": Pool((3, 3, 3), (2, 2, 2)),
            "Mixed_5b": Pool((2, 2, 2), (2, 2, 2)),
        }
        self._order: list[str] = []
        for name, module in stem.items():
            self._append(name, module)
        for name, (inputs, widths) in _MIXED.items():
            if name in pools:
                self._append(f"before_{name}", pools[name])
            self._append(name, Mixed(inputs, widths))
        self.logits = Unit(1024, CLASSES, plain=True)

    def _append(self, name: str, module: nn.Module) -> None:
        self.add_module(name, module)
        self._order.append(name)

    def forward(self, clips: Tensor) -> Tensor:
        """Logits before the softmax, mean over time.

        Args:
            clips: [B, 3, T >= 9, 224, 224] in [-1, 1].

        Returns:
            [B, 400].

        Raises:
            ValueError: another shape. Larger pictures would give logits at several places, and a clip of fewer frames
                none.
        """
        if clips.ndim != 5 or clips.shape[1] != 3 or clips.shape[2] < MIN_FRAMES or clips.shape[3:] != (SIDE, SIDE):
            raise ValueError(f"clips are {tuple(clips.shape)}, not [B, 3, T >= {MIN_FRAMES}, {SIDE}, {SIDE}]")
        x = clips
        for name in self._order:
            x = self.get_submodule(name)(x)
        x = functional.avg_pool3d(x, (2, 7, 7), stride=1)
        return t.cast(Tensor, self.logits(x).flatten(2).mean(dim=2))
