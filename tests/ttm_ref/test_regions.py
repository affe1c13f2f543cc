"""From masks in pixels to ids and boxes of tokens, against pictures drawn by hand and loops."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from motionbench.errors import ModelError
from ttm_ref.regions import check_objects, coordinate_channels, token_grid, token_regions


def rectangle(frames: int, size: tuple[int, int], *boxes: tuple[int, int, int, int]) -> Tensor:
    """One plane [frames, H, W] that is True in each (top, left, bottom, right), ends excluded, in all frames."""
    plane = torch.zeros(frames, *size, dtype=torch.bool)
    for top, left, bottom, right in boxes:
        plane[:, top:bottom, left:right] = True
    return plane


def by_loops(
    masks: Tensor, grid: tuple[int, int, int], latent_frames: int, coverage: Fraction
) -> tuple[Tensor, Tensor]:
    """The definition, token by token, in fractions."""
    batch, count, frames, height, width = masks.shape
    ratio = 1 if frames == latent_frames else (frames - 1) // (latent_frames - 1)
    pixel_frames = [[0], *([1 + ratio * (i - 1) + j for j in range(ratio)] for i in range(1, latent_frames))]
    patch, cell = latent_frames // grid[0], (height // grid[1], width // grid[2])
    ids, boxes = torch.zeros(batch, *grid, dtype=torch.int64), torch.zeros(batch, *grid, count, dtype=torch.bool)
    for b, step, row, column in torch.cartesian_prod(*map(torch.arange, (batch, *grid))).tolist():
        place = (slice(row * cell[0], (row + 1) * cell[0]), slice(column * cell[1], (column + 1) * cell[1]))
        best = coverage
        for k in range(count):
            mean = Fraction(0)
            for latent in (pixel_frames[i] for i in range(step * patch, (step + 1) * patch)):
                pixels = int(masks[b, k, latent][:, *place].sum())
                mean += Fraction(pixels, len(latent) * cell[0] * cell[1] * patch)
                boxes[b, step, row, column, k] |= any(bool(box(masks[b, k, f])[place].any()) for f in latent)
            if mean > best:
                best, ids[b, step, row, column] = mean, k + 1
    return ids.flatten(1), boxes.flatten(1, 3)


def box(plane: Tensor) -> Tensor:
    """The filled bounding box of a plane bool [H, W]."""
    where = plane.nonzero()
    if not len(where):
        return plane
    (top, left), (bottom, right) = where.amin(0).tolist(), where.amax(0).tolist()
    return rectangle(1, (plane.shape[0], plane.shape[1]), (top, left, bottom + 1, right + 1))[0]


@settings(deadline=None, max_examples=30)
@given(
    seed=st.integers(0, 10**6),
    count=st.integers(1, 3),
    latent_frames=st.sampled_from([2, 4]),
    ratio=st.sampled_from([1, 2, 3, 4]),
    patch=st.sampled_from([1, 2]),
    density=st.sampled_from([0.02, 0.3, 0.6]),
)
def test_it_is_the_definition(
    seed: int, count: int, latent_frames: int, ratio: int, patch: int, density: float
) -> None:
    frames = latent_frames if ratio == 1 else ratio * (latent_frames - 1) + 1
    masks = torch.rand(2, count, frames, 8, 9, generator=torch.Generator().manual_seed(seed)) < density
    grid = (latent_frames // patch, 4, 3)
    regions = token_regions(masks, grid, latent_frames, coverage=0.2)
    ids, boxes = by_loops(masks, grid, latent_frames, Fraction(1, 5))
    assert torch.equal(regions.ids, ids)
    assert torch.equal(regions.boxes, boxes)


def test_tokens_are_in_raster_order_and_a_box_is_more_than_its_mask() -> None:
    # An L on a grid of 2 x 4 cells of 4 x 4 pixels: the corner that it leaves out is in the box, but not in the mask.
    plane = rectangle(2, (8, 16), (0, 0, 8, 4), (4, 4, 8, 12))
    regions = token_regions(plane[None, None], (2, 2, 4), 2)
    assert regions.ids.tolist() == [[1, 0, 0, 0, 1, 1, 1, 0] * 2]
    assert regions.boxes[0, :, 0].tolist() == [True, True, True, False] * 4


def test_the_first_frame_of_a_causal_video_vae_stands_alone() -> None:
    # Wan: 9 pixel frames are 3 latent frames of 1, 4 and 4. The object is there in frames 0 and 5 only.
    plane = torch.zeros(9, 8, 8, dtype=torch.bool)
    plane[[0, 5]] = True
    regions = token_regions(plane[None, None], (3, 1, 1), 3)
    assert regions.ids.tolist() == [[1, 0, 1]]
    assert regions.boxes[0, :, 0].tolist() == [True, False, True]
    assert token_regions(plane[None, None], (3, 1, 1), 3, coverage=0.25).ids.tolist() == [[1, 0, 0]]


def test_the_object_that_covers_most_wins_if_it_covers_more_than_the_threshold() -> None:
    # Cells of 10 x 10. First cell: 30 and 20 pixels; second: exactly 20, which is not more than 0.2; third: 21.
    first = rectangle(1, (10, 30), (0, 0, 3, 10), (0, 10, 2, 20), (0, 20, 2, 30), (2, 20, 3, 21))
    second = rectangle(1, (10, 30), (3, 0, 5, 10))
    assert token_regions(torch.stack([second, first])[None], (1, 1, 3), 1).ids.tolist() == [[2, 0, 2]]


def test_overlapping_objects_share_boxes_but_not_ids() -> None:
    one, two = rectangle(1, (8, 8), (0, 0, 8, 8)), rectangle(1, (8, 8), (0, 4, 8, 8))
    regions = token_regions(torch.stack([one, two])[None], (1, 1, 2), 1)
    assert regions.ids.tolist() == [[1, 1]]  # equal coverage: the first
    assert regions.boxes.tolist() == [[[True, False], [True, True]]]


def test_a_box_follows_its_frame_and_does_not_span_the_path() -> None:
    plane = torch.zeros(2, 4, 16, dtype=torch.bool)
    plane[0, :, 0:4] = plane[1, :, 12:16] = True
    boxes = token_regions(plane[None, None], (1, 1, 4), 2).boxes
    assert boxes[0, :, 0].tolist() == [True, False, False, True]


@pytest.mark.parametrize("count", [0, 1, 12])
def test_empty_masks_and_no_masks(count: int) -> None:
    regions = token_regions(torch.zeros(2, count, 3, 8, 8, dtype=torch.bool), (3, 2, 2), 3)
    assert regions.ids.shape == (2, 12)
    assert regions.boxes.shape == (2, 12, count)
    assert not regions.ids.any()
    assert not regions.boxes.any()


def test_permuting_the_objects_permutes_ids_and_boxes() -> None:
    masks = torch.rand(1, 3, 2, 16, 16, generator=torch.Generator().manual_seed(0)) < 0.4
    order = torch.tensor([2, 0, 1])
    one, two = (token_regions(x, (2, 4, 4), 2, coverage=0.3) for x in (masks, masks[:, order]))
    names = torch.cat([torch.zeros(1, dtype=torch.int64), order + 1])
    distinct = _no_ties(masks)
    assert distinct.any()
    assert torch.equal(one.ids[distinct], names[two.ids][distinct])
    assert torch.equal(one.boxes[..., order], two.boxes)


def _no_ties(masks: Tensor) -> Tensor:
    counts = masks.unflatten(-1, (4, 4)).unflatten(-3, (4, 4)).sum(dim=(-3, -1)).sort(dim=1).values
    return (counts[:, -1] > counts[:, -2]).flatten(1)


@pytest.mark.parametrize("side", [255, 256, 600])
def test_cells_of_more_pixels_than_a_byte_counts(side: int) -> None:
    plane = rectangle(1, (side, 2), (0, 0, side, 2))
    assert token_regions(plane[None, None], (1, 1, 1), 1, coverage=0.99).ids.tolist() == [[1]]


def test_views_of_masks_give_the_same_as_copies() -> None:
    masks = (
        torch.rand(8, 16, 16, 3, 2, generator=torch.Generator().manual_seed(1)).permute(4, 3, 0, 1, 2)[..., ::2] < 0.5
    )
    one, two = token_regions(masks, (4, 4, 2), 8), token_regions(masks.contiguous().clone(), (4, 4, 2), 8)
    assert torch.equal(one.ids, two.ids)
    assert torch.equal(one.boxes, two.boxes)


@pytest.mark.parametrize(
    ("shape", "grid", "latent_frames", "message"),
    [
        ((1, 1, 9, 8, 8), (4, 2, 2), 4, "9 frames do not fit 4"),
        ((1, 1, 3, 8, 8), (4, 2, 2), 4, "3 frames do not fit 4"),
        ((1, 1, 5, 8, 8), (1, 2, 2), 1, "5 frames do not fit 1"),
        ((1, 1, 4, 9, 8), (4, 2, 2), 4, "9 x 8"),
        ((1, 1, 4, 8, 9), (4, 2, 2), 4, "8 x 9"),
        ((1, 1, 4, 8, 8), (3, 2, 2), 4, "do not divide"),
        ((1, 4, 8, 8), (4, 2, 2), 4, "torch.bool of shape"),
    ],
)
def test_masks_that_do_not_fit_are_refused(
    shape: tuple[int, ...], grid: tuple[int, int, int], latent_frames: int, message: str
) -> None:
    with pytest.raises(ModelError, match=message):
        token_regions(torch.zeros(shape, dtype=torch.bool), grid, latent_frames)


def test_masks_of_numbers_are_refused() -> None:
    with pytest.raises(ModelError, match=r"torch\.float32"):
        token_regions(torch.zeros(1, 1, 4, 8, 8), (4, 2, 2), 4)


def test_token_grid() -> None:
    assert token_grid(torch.zeros(1, 2, 4, 6, 8), (2, 2, 2)) == (2, 3, 4)
    with pytest.raises(ModelError, match="do not divide into patches"):
        token_grid(torch.zeros(1, 2, 4, 6, 7), [1, 2, 2])


def test_coordinates() -> None:
    channels = coordinate_channels(torch.zeros(2, 3, 5, 2, 4, dtype=torch.float64))
    assert channels.shape == (2, 8, 5, 2, 4)
    assert channels.dtype == torch.float64
    assert torch.equal(channels[0], channels[1])
    for f, y, x in torch.cartesian_prod(torch.arange(5), torch.arange(2), torch.arange(4)).tolist():
        when, down, right = f / 4, y / 1, x / 3
        wanted = [math.cos(math.pi * k * when) for k in (1, 2, 3, 4)]
        wanted += [2 * right - 1, 2 * down - 1, math.cos(math.pi * right), math.cos(math.pi * down)]
        torch.testing.assert_close(
            channels[0, :, f, y, x], torch.tensor(wanted, dtype=torch.float64), atol=1e-6, rtol=0
        )
    assert coordinate_channels(torch.zeros(1, 1, 1, 1, 1)).isfinite().all()


def test_objects_must_belong_to_the_batch_and_to_each_other() -> None:
    masks, states, real = torch.zeros(2, 3, 1, 4, 4), torch.zeros(2, 3, 5, 8), torch.zeros(2, 3, 5)
    check_objects(2, masks, states, real)
    check_objects(2, None, None, None)
    for arguments in (
        (2, masks, states, None),
        (2, masks, states, real[:, :, :4]),
        (3, masks, states, real),
        (3, masks, None, None),
        (2, masks[:, :2], states, real),
    ):
        with pytest.raises(ModelError):
            check_objects(*arguments)
