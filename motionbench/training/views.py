"""Observations of training scenes as tensors: batches, mirror images, noise, and altered copies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from motionbench.backends.video_text.network import GROUND, LOOK, SCENE_TOKENS, shrunk_crops, shrunk_picture
from motionbench.backends.video_text.observe import OBJECT_CHANNELS, SCENE_CHANNELS

_AT = {name: i for i, name in enumerate(OBJECT_CHANNELS)}
_CAMERA_AT = {name: i for i, name in enumerate(SCENE_CHANNELS)}
_RATES = [_AT[n] for n in ("flow_x", "flow_y", "grow", "turn", "shear_a", "shear_b")]
_STEPS = [*_RATES, _AT["rest"]]
_MIRRORED = [_AT[n] for n in ("x", "own_x", "cov", "flow_x", "turn", "shear_b")]
_TINTS = [_AT[n] for n in ("red", "green", "blue", "spread")]
_CAMERA_RATES = [_CAMERA_AT[n] for n in ("camera_x", "camera_y", "camera_grow", "camera_turn")]
_CAMERA_MIRRORED = [_CAMERA_AT[n] for n in ("camera_x", "camera_turn")]


@dataclass(frozen=True, slots=True)
class Scenes:
    """All observations as the network reads them; `start` int64 [S + 1] says where each scene's objects begin."""

    series: Tensor
    looks: Tensor
    camera: Tensor
    picture: Tensor
    start: NDArray[np.int64]

    @classmethod
    def of(cls, shards: Sequence[dict[str, NDArray[np.generic]]]) -> Scenes:
        """Join shards in order."""
        joined = {k: np.concatenate([s[k] for s in shards]) for k in ("series", "crops", "camera", "picture", "count")}
        series, crops, camera, picture = (torch.from_numpy(joined[k]) for k in ("series", "crops", "camera", "picture"))
        start = np.concatenate([[0], np.cumsum(joined["count"])]).astype(np.int64)
        return cls(series, shrunk_crops(crops), camera, shrunk_picture(picture), start)

    def __len__(self) -> int:
        return len(self.camera)


@dataclass(frozen=True, slots=True)
class View:
    """A batch: objects of all its videos in a row, `present` bool [V, K], camera and picture by video.

    `altered` holds, for each video after the first B, the scene it was made from and True if it runs backwards.
    """

    series: Tensor
    looks: Tensor
    present: Tensor
    camera: Tensor
    picture: Tensor
    altered: tuple[tuple[int, bool], ...]

    @property
    def width(self) -> int:
        """Tokens of a video."""
        return self.present.shape[1] + SCENE_TOKENS

    def inputs(self) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """The arguments of the video encoder."""
        return self.series, self.looks, self.present, self.camera, self.picture

    def real(self) -> Tensor:
        """Bool [V * width]: tokens that stand for something."""
        return torch.cat([self.present, self.present.new_ones(len(self.present), SCENE_TOKENS)], 1).flatten()


def view(scenes: Scenes, chosen: Sequence[int], altered: Sequence[tuple[int, bool]] = ()) -> View:
    """The chosen scenes, and altered copies of some of them (place in the batch, backwards)."""
    parts = [_scene(scenes, number) for number in chosen]
    parts += [_altered(*parts[b], backwards) for b, backwards in altered]
    most = max(len(part[0]) for part in parts)
    present = torch.tensor([[k < len(part[0]) for k in range(most)] for part in parts])
    series, looks = torch.cat([p[0] for p in parts]), torch.cat([p[1] for p in parts])
    return View(
        series, looks, present, torch.stack([p[2] for p in parts]), torch.stack([p[3] for p in parts]), tuple(altered)
    )


def _scene(scenes: Scenes, number: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    own = slice(int(scenes.start[number]), int(scenes.start[number + 1]))
    return scenes.series[own], scenes.looks[own], scenes.camera[number], scenes.picture[number]


def _altered(
    series: Tensor, looks: Tensor, camera: Tensor, picture: Tensor, backwards: bool
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """What the frozen or the reversed video would look like, nearly: positions stay relative to the true frame 0."""
    if not backwards:
        still, steady = series[:, :1].expand_as(series).clone(), camera.clone()
        still[:, :, _STEPS], steady[:, _CAMERA_RATES] = 0.0, 0.0
        return still, looks[:, :1].expand_as(looks), steady, picture
    turned, film = series.flip(1), camera.clone()
    # The last entry of a rate lies beyond the last frame.
    turned[:, :, _STEPS] = turned[:, :, _STEPS].roll(-1, 1)
    turned[:, :, _RATES] *= -1.0
    film[:, _CAMERA_RATES] = -camera[:, _CAMERA_RATES].flip(0).roll(-1, 0)
    return turned, looks.flip(1), film, picture


def mirrored(batch: View) -> View:
    """The mirror images (left and right exchanged)."""
    series, camera = batch.series.clone(), batch.camera.clone()
    series[:, :, _MIRRORED] *= -1.0
    camera[:, :, _CAMERA_MIRRORED] *= -1.0
    looks = batch.looks.view(*batch.looks.shape[:2], 4, LOOK, LOOK).flip(-1).flatten(2)
    picture = batch.picture.view(len(camera), 4, GROUND, GROUND).flip(-1).flatten(1)
    return View(series, looks, batch.present, camera, picture, batch.altered)


def noisy(batch: View, rng: np.random.Generator) -> View:
    """A little noise on every number, and another exposure for every video."""
    draw = torch.from_numpy(rng.standard_normal(batch.series.shape, np.float32))
    size = batch.series.flatten(0, 1).std(0) * 0.04
    owner = batch.present.nonzero()[:, 0]
    gain = torch.from_numpy(rng.uniform(0.93, 1.07, (len(batch.present), 1)).astype(np.float32))
    series = batch.series + draw * size
    series[:, :, _TINTS] *= gain[owner][..., None]
    looks, colours = batch.looks.clone(), 3 * LOOK * LOOK
    looks[..., :colours] = (looks[..., :colours] + 0.5) * gain[owner][..., None] - 0.5
    picture, ground = batch.picture.clone(), 3 * GROUND * GROUND
    picture[:, :ground] = (picture[:, :ground] + 0.5) * gain - 0.5
    return View(series, looks, batch.present, batch.camera, picture, batch.altered)
