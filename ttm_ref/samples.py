"""Prepared training samples, read by number from the folders that `prepare` wrote."""

from __future__ import annotations

import hashlib
import json
import math
import typing as t
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from motionbench.errors import ConfigError, DataError
from ttm_ref import codec

SHARD = 256
LIST = "samples.json"
SHAPE = ("frames", "size", "vae_sha256", "flow")  # what samples of one training agree in; "flow" where there is some


@dataclass(frozen=True, slots=True)
class Sample:
    """One training sample. Latents float16 [C, T, h, w]; planes bool [K, F, H, W]; prompts of the K objects.

    `flow`: latents of the optical flow's pictures, None where none was prepared.
    """

    video: Tensor
    masks: Tensor
    planes: Tensor
    caption: str
    motion_prompt: str
    prompts: tuple[str, ...]
    flow: Tensor | None = None


class Samples:
    """The prepared samples of one or more folders, by number.

    Args:
        folders: what `prepare` wrote.
        limit: the first so many samples; 0 for all.

    Raises:
        DataError: a folder has no list, or its shards are incomplete.
        ConfigError: the folders were prepared with different autoencoders, sizes or frames.
    """

    def __init__(self, folders: Sequence[str | Path], limit: int = 0) -> None:
        self._roots = [Path(folder) for folder in folders]
        lists = [_read_list(root) for root in self._roots]
        if not lists:
            raise ConfigError("no training samples are named", "set data.folders")
        shapes = [{key: content[key] for key in SHAPE if key in content} for content in lists]
        self.shape = shapes[0]
        for root, content, shape in zip(self._roots, lists, shapes, strict=True):
            if shape != self.shape:
                raise ConfigError(f"{str(root)!r} was prepared differently from {str(self._roots[0])!r}")
            for shard in range(math.ceil(len(content["samples"]) / SHARD)):
                if not (root / f"{shard:05d}.safetensors").exists():
                    raise DataError(f"{str(root)!r} lacks shard {shard}", "run `ttm-ref prepare` again to finish it")
        self._entries = [(i, n, e) for i, content in enumerate(lists) for n, e in enumerate(content["samples"])]
        self._entries = self._entries[: limit or None]
        self._open: dict[tuple[int, int], t.Any] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def __getitem__(self, index: int) -> Sample:
        root, number, entry = self._entries[index]
        file = self._shard(root, number // SHARD)
        video, masks = file.get_tensor(f"{number}.video"), file.get_tensor(f"{number}.masks")
        shape = (len(entry["prompts"]), self.shape["frames"], *self.shape["size"])
        bits = np.unpackbits(file.get_tensor(f"{number}.planes").numpy(), count=math.prod(shape))
        planes = torch.from_numpy(bits.reshape(shape).astype(np.bool_))
        flow = file.get_tensor(f"{number}.flow") if "flow" in self.shape else None
        return Sample(video, masks, planes, entry["caption"], entry["motion_prompt"], tuple(entry["prompts"]), flow)

    def texts(self) -> list[str]:
        """Every prompt of every sample."""
        return [text for _, _, e in self._entries for text in (e["caption"], e["motion_prompt"], *e["prompts"])]

    def digest(self) -> str:
        """sha256 over which videos, which prompts, which autoencoder."""
        content = json.dumps([self.shape, [entry for _, _, entry in self._entries]], sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()

    def __getstate__(self) -> dict[str, t.Any]:
        # Open files do not cross into the processes that load data.
        return self.__dict__ | {"_open": {}}

    def _shard(self, root: int, shard: int) -> t.Any:
        key = (root, shard)
        if key not in self._open:
            path = self._roots[root] / f"{shard:05d}.safetensors"
            try:
                self._open[key] = safe_open(path, framework="pt")
            except (OSError, SafetensorError) as error:
                raise DataError(f"{str(path)!r} cannot be read: {error}", "delete it and prepare again") from error
        return self._open[key]


def vae_digest(vae: codec.Autoencoder) -> str:
    """sha256 over an autoencoder's weights and normalisation: latents of one are noise to another."""
    digest = hashlib.sha256()
    for name, value in sorted(vae.state_dict().items()):
        digest.update(name.encode())
        digest.update(value.detach().cpu().float().contiguous().numpy().tobytes())
    digest.update(repr([vae.config.get(k) for k in ("latents_mean", "latents_std", "scaling_factor")]).encode())
    return digest.hexdigest()


def _read_list(root: Path) -> dict[str, t.Any]:
    try:
        content = json.loads((root / LIST).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{str(root)!r} is no folder of training samples", "`ttm-ref prepare` makes one") from error
    return t.cast(dict[str, t.Any], content)
