"""Where things are: from object masks in pixels to an object id and boxes for each token; coordinates of the latents.

Two structures on purpose (arXiv 2501.03059, section 4.3): self-attention follows the segmentation, where a token
belongs to one object or to the background; cross-attention follows the bounding boxes, which overlap, so that a token
may lie on several objects.
"""

from __future__ import annotations

import dataclasses
import math
import typing as t
from collections.abc import Sequence

import torch
from torch import Tensor

from motionbench.errors import ModelError


@dataclasses.dataclass(frozen=True, slots=True)
class Regions:
    """Where the objects are on the grid of tokens.

    Attributes:
        ids: int64 [B, N], 0 for the background, k + 1 for object k.
        boxes: bool [B, N, K], token touches the bounding box of object k.
    """

    ids: Tensor
    boxes: Tensor


class LocalPrompts(t.NamedTuple):
    """What masked cross-attention reads.

    Attributes:
        states: embedded prompts of all objects one after the other [B, M, dim].
        mask: bool [B, M], False for padding.
        owner: int64 [M], the object of each state.
        membership: bool [B, N, K], token touches the box of object k, and k has a prompt.
    """

    states: Tensor
    mask: Tensor
    owner: Tensor
    membership: Tensor


def token_grid(latents: Tensor, patch: Sequence[int]) -> tuple[int, int, int]:
    """Tokens (T', h', w') of latents [B, C, T, h, w] in patches (time, height, width).

    Raises:
        ModelError: the patches would cut the latents.
    """
    size = tuple(latents.shape[2:])
    if any(n % p for n, p in zip(size, patch, strict=True)):
        hint = "choose frames, height and width of the video to fit"
        raise ModelError(f"latents of {size} do not divide into patches of {tuple(patch)}", hint)
    return size[0] // patch[0], size[1] // patch[1], size[2] // patch[2]


def check_objects(batch: int, masks: Tensor | None, states: Tensor | None, real: Tensor | None) -> None:
    """Refuse objects of another batch, and masks and prompts that are not of the same objects.

    Args:
        batch: number of samples.
        masks: [B, K, F, H, W] or None.
        states: text states of the objects' prompts [B, K, L, D] or None.
        real: bool [B, K, L], which states are no padding; goes with `states`.

    Raises:
        ModelError: they do not fit.
    """
    if (states is None) != (real is None):
        raise ModelError("local_states and local_mask go together", "give both or neither")
    if states is not None and real is not None and states.shape[:-1] != real.shape:
        raise ModelError(f"object prompts {tuple(states.shape)} and local_mask {tuple(real.shape)} do not fit")
    given = [tuple(x.shape[:2]) for x in (masks, states) if x is not None]
    if any(shape[0] != batch for shape in given) or len(set(given)) > 1:
        raise ModelError(
            f"[batch, objects] of masks and prompts are {given} in a batch of {batch}",
            "one mask and one prompt for each object; both may be empty",
        )


def token_regions(
    object_masks: Tensor, grid: tuple[int, int, int], latent_frames: int, coverage: float = 0.2
) -> Regions:
    """Pool object masks to the grid of tokens.

    A token's id is the object that covers most of it, if that is more than `coverage` of its area (averaged over its
    frames). It touches a box if the box of the mask in any of its pixel frames reaches into its square.

    Args:
        object_masks: bool [B, K, F, H, W] in pixel frames; planes may overlap or be empty; K may be 0.
        grid: tokens (T', h', w') in raster order; H and W must be multiples of h' and w'.
        latent_frames: T, a multiple of T'. F == T is one to one; F == r (T - 1) + 1 is a causal video VAE, whose first
            latent frame is the first pixel frame and whose others are r pixel frames each.
        coverage: in [0, 1).

    Returns:
        The regions, on the device of the masks, N = T' h' w'.

    Raises:
        ModelError: the masks are not bool, or frames or sizes do not fit each other.
    """
    if object_masks.ndim != 5 or object_masks.dtype != torch.bool:
        raise ModelError(
            f"object masks are {object_masks.dtype} of shape {tuple(object_masks.shape)}",
            "give bool [batch, objects, frames, height, width]",
        )
    batch, count, frames, height, width = object_masks.shape
    steps, rows, columns = grid
    if height % rows or width % columns or latent_frames % steps:
        raise ModelError(
            f"masks of {height} x {width} and {latent_frames} latent frames do not divide into {steps} x {rows} x "
            f"{columns} tokens",
            "give the masks in the size of the video",
        )
    ratio = _frames_per_latent(frames, latent_frames)
    if count == 0:
        ids = torch.zeros(batch, steps * rows * columns, dtype=torch.int64, device=object_masks.device)
        return Regions(ids, ids.new_zeros((*ids.shape, 0), dtype=torch.bool))
    counts = _cell_counts(object_masks, rows, columns)
    total = height * width // (rows * columns) * ratio * (latent_frames // steps)
    best, index = _in_time(counts, ratio, steps).max(dim=1)
    # Whole numbers throughout, so that neither ties nor the threshold depend on how a mean was rounded.
    ids = torch.where(best > math.floor(coverage * total + 1e-9), index + 1, 0).flatten(1)
    boxes = _in_time(_boxes(counts > 0).to(counts.dtype), ratio, steps) > 0
    return Regions(ids, boxes.flatten(2).transpose(1, 2))


def _cell_counts(masks: Tensor, rows: int, columns: int) -> Tensor:
    """Pixels of the masks bool [..., H, W] in each of h' x w' cells, int32 [..., h', w']."""
    height, width = masks.shape[-2] // rows, masks.shape[-1] // columns
    # Adding bytes down the columns first is 50 times faster on a CPU than pooling floats.
    narrow = torch.uint8 if height <= 255 else torch.int32
    down = torch.unflatten(masks.view(torch.uint8), -2, (rows, height)).sum(dim=-2, dtype=narrow)
    return torch.unflatten(down, -1, (columns, width)).sum(dim=-1, dtype=torch.int32)


def _frames_per_latent(frames: int, latent_frames: int) -> int:
    """r of F == r (T - 1) + 1, or 1 where the frames are one to one."""
    if frames == latent_frames:
        return 1
    if latent_frames > 1 and frames > latent_frames and (frames - 1) % (latent_frames - 1) == 0:
        return (frames - 1) // (latent_frames - 1)
    raise ModelError(
        f"masks of {frames} frames do not fit {latent_frames} latent frames",
        "one mask for each frame of the video; a causal video VAE wants r * n + 1 frames",
    )


def _boxes(cells: Tensor) -> Tensor:
    """Bounding boxes of cells bool [..., h', w'] as filled rectangles of the same shape; empty stays empty.

    The cell of a mask's first row is the first cell that the mask touches, so the box may be taken after pooling.
    """
    return _between(cells.any(dim=-1))[..., :, None] & _between(cells.any(dim=-2))[..., None, :]


def _between(touched: Tensor) -> Tensor:
    """From the first True to the last along the last dimension, bool [..., n]."""
    after_first = touched.cumsum(-1) > 0
    before_last = touched.flip(-1).cumsum(-1).flip(-1) > 0
    return after_first & before_last


def _in_time(counts: Tensor, ratio: int, steps: int) -> Tensor:
    """Sums over each token's frames, [B, K, F, h', w'] to [B, K, T', h', w'].

    The first pixel frame, which fills a latent frame alone, weighs as much as the `ratio` frames of the others.
    """
    if ratio > 1:
        later = torch.unflatten(counts[:, :, 1:], 2, (-1, ratio)).sum(dim=3)
        counts = torch.cat([ratio * counts[:, :, :1], later], dim=2)
    return torch.unflatten(counts, 2, (steps, -1)).sum(dim=3)


def coordinate_channels(latents: Tensor) -> Tensor:
    """Where and when each latent [B, C, T, h, w] is, as 8 channels [B, 8, T, h, w] in [-1, 1].

    cos(pi k t) for k = 1..4 with t in [0, 1] over the frames; x and y in [-1, 1]; cos(pi x') and cos(pi y') with x', y'
    in [0, 1]. The conditions are repeated over time and rotary embeddings are relative, so that tokens would else know
    their frame only indirectly.
    """
    shape = latents.shape[2:]
    when, down, right = (torch.linspace(0, 1, n, device=latents.device) for n in shape)
    time = torch.stack([torch.cos(math.pi * k * when) for k in range(1, 5)])[:, :, None, None]
    x, y = right[None, None, None, :], down[None, None, :, None]
    place = (2 * x - 1, 2 * y - 1, torch.cos(math.pi * x), torch.cos(math.pi * y))
    channels = torch.cat([time.expand(4, *shape), *(channel.expand(1, *shape) for channel in place)])
    return channels.to(latents.dtype).expand(latents.shape[0], -1, -1, -1, -1)
