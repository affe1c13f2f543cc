"""FVD, KVD and TMR as torchmetrics modules, for validation inside a training loop.

    metric.update(videos, ...)    for each batch, on every process
    metric.compute()              one number over all processes: the one that `motionbench evaluate` gives
    metric.reset()                before the next validation

The videos go the way of a run, through protocol, backends and metric; only the files are missing. The numbers are
therefore those of a run on the same frames, and a lite number is comparable with lite numbers only: `label`, such as
"fvd[descriptor]", says which backends stand behind it.
"""

from __future__ import annotations

import abc
import math
import warnings
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from motionbench.errors import ConfigError, NotApplicable
from motionbench.metrics.distribution import frechet_distance, kernel_distance
from motionbench.streaming.base import Streaming
from motionbench.streaming.memory import Batch, Footage, case_of, first_masks, pictures, same_length, videos

__all__ = ["FVD", "KVD", "TMR"]

Floats = NDArray[np.float64]


class _Distance(Streaming):
    """A distance between the generated and the real videos as two sets; see the subclasses."""

    higher_is_better = False

    def update(self, generated: Batch, reference: Batch, ids: Sequence[str] | None = None) -> None:
        """Take in a batch of pairs.

        Args:
            generated: [B, T, 3, H, W] RGB, uint8 in [0, 255] or floating in [0, 1]; or B tensors [T, 3, H, W].
            reference: the real videos of the same cases, likewise; T, H and W may differ.
            ids: B case ids; an id counts once, on whichever process. Without them every pair counts.

        Raises:
            ConfigError: another shape, type or range.
            VideoError: a video is too short for the profile's backend.
        """
        made, real = videos(generated, self.fps), videos(reference, self.fps)
        keys = self.keys(ids, len(made))
        same_length(generated=len(made), reference=len(real), ids=len(keys))
        for key, mine, other in zip(keys, made, real, strict=True):
            values = self.measure(case_of(other.frames[0], reference=Footage(other)), mine)
            self.keep(key, np.concatenate([values["generated_video"], values["reference_video"]]))

    def compute(self) -> torch.Tensor:
        """float64 scalar over the pairs of all processes; NaN, with a warning, where there are fewer than two."""
        table = self.table()
        n, d = len(table), table.shape[1] // 2
        if n < 2:
            warnings.warn(f"{self.label} needs at least 2 pairs of videos, there are {n}", stacklevel=2)
            return self.scalar(math.nan)
        return self.scalar(self.distance(table[:, :d], table[:, d:]))

    @abc.abstractmethod
    def distance(self, generated: Floats, reference: Floats) -> float:
        """The distance between two samples float64 [n, D]."""


class FVD(_Distance):
    """Fréchet distance between generated and real videos (`motionbench.metrics.distribution`); lower is better, >= 0.

    Biased upwards, the more so the fewer the videos: compare values of equally many videos only, or use `KVD`. Memory:
    2 D float64 numbers a case (D = 115 for the lite descriptor, 400 for I3D).

    Args:
        fps: frames per second of the videos that `update` gets.
        profile: a shipped profile's name or a .toml file; its backends and its protocol are used.
        run_on: where the backends' networks run: cpu, cuda, cuda:1, mps.
        weights_dir: folder of trained weights, for profiles whose backends load some.
        cache: folder in which features are kept; the reference videos are then measured once and not in every epoch.
        **kwargs: those of `torchmetrics.Metric`, such as `sync_on_compute`.

    Raises:
        ConfigError: an fps, profile or device that does not exist.
        WeightsError: weights of the profile's backend are missing.

    Example:
        >>> import torch
        >>> from motionbench.streaming import FVD
        >>> real = torch.randint(0, 256, (4, 8, 3, 32, 32), dtype=torch.uint8, generator=torch.manual_seed(0))
        >>> fvd = FVD(fps=8)
        >>> fvd.update(real, real)
        >>> abs(fvd.compute().item()) < 1e-9
        True
    """

    metric_id = "fvd"

    def distance(self, generated: Floats, reference: Floats) -> float:
        """See `motionbench.metrics.distribution.frechet_distance`."""
        return frechet_distance(generated, reference)


class KVD(_Distance):
    """Kernel distance (unbiased MMD², polynomial kernel) between generated and real videos; lower is better.

    About 0, and possibly negative, where the sets do not differ; not biased by the number of videos. Arguments as for
    `FVD`.

    Example:
        >>> import torch
        >>> from motionbench.streaming import KVD
        >>> real = torch.randint(0, 256, (4, 8, 3, 32, 32), dtype=torch.uint8, generator=torch.manual_seed(0))
        >>> kvd = KVD(fps=8)
        >>> kvd.update(real // 2, real, ids=["a", "b", "c", "d"])
        >>> kvd.compute() > 0
        tensor(True)
    """

    metric_id = "kvd"

    def distance(self, generated: Floats, reference: Floats) -> float:
        """See `motionbench.metrics.distribution.kernel_distance`."""
        return kernel_distance(generated, reference)


class TMR(Streaming):
    """Tracked motion realism (docs/tmr.md), mean over cases; 0 to 1, higher is better. Arguments as for `FVD`.

    Cases without a value (nothing moves in the reference, no point could be placed, the first frame is not the input)
    do not count, as in a run; `judged` and `seen` say how many of how many cases the last `compute` rests on.

    Example:
        >>> import torch
        >>> from motionbench.datasets import synth
        >>> from motionbench.streaming import TMR
        >>> scene = synth.render(0)
        >>> video = torch.from_numpy(scene.video.frames.copy()).permute(0, 3, 1, 2)[None]
        >>> masks = torch.from_numpy(scene.masks.values[:, 0].copy())
        >>> tmr = TMR(fps=8)
        >>> tmr.update(video, [masks], video)
        >>> tmr.compute()
        tensor(1., dtype=torch.float64)
    """

    metric_id = "tmr"
    higher_is_better = True
    judged = 0
    seen = 0

    def update(
        self,
        generated: Batch,
        masks: Batch,
        reference: Batch | None = None,
        *,
        images: Batch | None = None,
        prompts: Sequence[Sequence[str]] | None = None,
        ids: Sequence[str] | None = None,
    ) -> None:
        """Take in a batch of cases.

        Args:
            generated: [B, T, 3, H, W] RGB, uint8 in [0, 255] or floating in [0, 1]; or B tensors [T, 3, H, W].
            masks: bool [B, K, H, W] (or B tensors [K, H, W], where K differs): the objects in the input picture.
            reference: the real videos, as `generated`; T, H and W may differ. None: real objects in general.
            images: the input pictures, [B, 3, H, W] or B tensors [3, H, W]; by default frame 0 of the reference.
            prompts: for each case a text for each object; without a reference they say which objects stand still.
            ids: B case ids; an id counts once, on whichever process. Without them every case counts.

        Raises:
            ConfigError: another shape, type or range, or neither `reference` nor `images`.
            VideoError: a video is too short for the profile's backends, or the masks do not fit the picture.
        """
        made = videos(generated, self.fps)
        real = [None] * len(made) if reference is None else videos(reference, self.fps)
        keys, planes = self.keys(ids, len(made)), first_masks(masks)
        texts: Sequence[Sequence[str]] = [[]] * len(made) if prompts is None else prompts
        if images is not None:
            inputs = pictures(images)
        elif reference is not None:
            inputs = [video.frames[0] for video in real if video is not None]
        else:
            raise ConfigError("tmr needs the input pictures or the reference videos", "give images=")
        same_length(
            generated=len(made),
            masks=len(planes),
            reference=len(real),
            images=len(inputs),
            prompts=len(texts),
            ids=len(keys),
        )
        for key, mine, other, image, mask, text in zip(keys, made, real, inputs, planes, texts, strict=True):
            case = case_of(image, reference=None if other is None else Footage(other), masks=mask, prompts=text)
            try:
                value = float(self.measure(case, mine)["value"])
            except NotApplicable:
                value = math.nan
            self.keep(key, np.array([value]))

    def compute(self) -> torch.Tensor:
        """float64 scalar over the cases of all processes; NaN, with a warning, where none has a value."""
        values: Floats = self.table().reshape(-1)
        known = values[~np.isnan(values)]
        self.seen, self.judged = len(values), len(known)
        if not len(known):
            warnings.warn(f"{self.label} has a value in none of {len(values)} cases", stacklevel=2)
            return self.scalar(math.nan)
        return self.scalar(math.fsum(known) / len(known))
