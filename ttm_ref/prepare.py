"""Videos to training samples: (video, masks, prompts) as latents in shards, so that no training step decodes a file.

    OUT/samples.json            what lies where, the prompts, and the digest of the autoencoder
    OUT/00000.safetensors ...   256 samples each: "N.video" and "N.masks" float16 [C, T, h, w], normalised latents of
                                the frames and of the colour-coded masks; "N.planes" uint8, the masks' bits

Shards are written to a temporary name and renamed: an interrupted preparation goes on where it stopped.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import typing as t
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from motionbench.errors import ConfigError, DataError
from ttm_ref import codec
from ttm_ref.colours import paint
from ttm_ref.footage import Footage

SHARD = 256
LIST = "samples.json"


@dataclass(frozen=True, slots=True)
class Sample:
    """One training sample. Latents float16 [C, T, h, w]; planes bool [K, F, H, W]; prompts of the K objects."""

    video: Tensor
    masks: Tensor
    planes: Tensor
    caption: str
    motion_prompt: str
    prompts: tuple[str, ...]


def prepare(
    footage: Sequence[Footage],
    vae: codec.Autoencoder,
    out: str | Path,
    frames: int,
    size: tuple[int, int],
    part: tuple[int, int] = (0, 1),
    half: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> int:
    """Encode videos and their masks.

    Args:
        footage: what to encode; shards follow this order.
        vae: the autoencoder of the model that will be trained.
        out: the folder of shards; it may hold an earlier, interrupted preparation of the same videos.
        frames: F, the first so many frames of each video are taken.
        size: (height, width) of the training videos. Frames are scaled to cover it and cut at the centre.
        part: (n, of) encodes each `of`-th shard from the n-th on, so that several processes can share the work.
        half: compute in bfloat16 where autocast does; about twice as fast, latents differ in the third digit.
        progress: called after each shard with videos done and videos in all.

    Returns:
        Samples in the folder's list.

    Raises:
        ConfigError: the folder holds samples of another preparation.
        DataError: a video or its masks cannot be read, or it is too short.
    """
    root = Path(out)
    root.mkdir(parents=True, exist_ok=True)
    _write_list(root / LIST, footage, vae, frames, size)
    shards = range(math.ceil(len(footage) / SHARD))[part[0] :: part[1]]
    for done, shard in enumerate(shards):
        path = root / f"{shard:05d}.safetensors"
        if not path.exists():
            first = shard * SHARD
            tensors: dict[str, Tensor] = {}
            for number, item in enumerate(footage[first : first + SHARD], first):
                with torch.autocast(vae.device.type, torch.bfloat16, enabled=half):
                    made = _encode(item, vae, frames, size)
                tensors |= {f"{number}.{k}": v for k, v in made.items()}
            save_file(tensors, path.with_suffix(".part"))
            path.with_suffix(".part").rename(path)
        if progress is not None:
            progress(min((done + 1) * SHARD, len(footage)), len(footage))
    return len(footage)


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
        self.shape = {k: lists[0][k] for k in ("frames", "size", "vae_sha256")}
        for root, content in zip(self._roots, lists, strict=True):
            if any(content[k] != v for k, v in self.shape.items()):
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
        return Sample(video, masks, planes, entry["caption"], entry["motion_prompt"], tuple(entry["prompts"]))

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


@torch.inference_mode()
def _encode(item: Footage, vae: codec.Autoencoder, frames: int, size: tuple[int, int]) -> dict[str, Tensor]:
    found = item.frames()
    if len(found) < frames:
        raise DataError(f"'{item.id}' has {len(found)} frames, {frames} are needed", "leave it out of cases.json")
    pictures = np.stack([_fit(frame, size, Image.Resampling.LANCZOS) for frame in found[:frames]])
    planes = item.planes(frames)
    fitted = [[_fit(mask, size, Image.Resampling.NEAREST) for mask in plane] for plane in planes]
    planes = np.asarray(fitted, np.bool_).reshape(len(planes), frames, *size)
    video, masks = (codec.encode(vae, _to_video(x, vae)).cpu()[0].half() for x in (pictures, paint(planes)))
    return {
        "video": video.contiguous(),
        "masks": masks.contiguous(),
        "planes": torch.from_numpy(np.packbits(planes)),
    }


def _to_video(frames: NDArray[np.uint8], vae: codec.Autoencoder) -> Tensor:
    """[1, 3, F, H, W] in [-1, 1] where the autoencoder is."""
    video = torch.from_numpy(np.array(frames)).to(vae.device)
    return (video.permute(3, 0, 1, 2)[None].float() / 127.5 - 1.0).to(vae.dtype)


def _fit(picture: NDArray[t.Any], size: tuple[int, int], how: Image.Resampling) -> NDArray[t.Any]:
    """Scale to cover (height, width) and cut at the centre; a picture of that size is returned as it is."""
    if picture.shape[:2] == size:
        return picture
    height, width = picture.shape[:2]
    scale = max(size[0] / height, size[1] / width)
    wide, high = max(size[1], round(width * scale)), max(size[0], round(height * scale))
    left, top = (wide - size[1]) // 2, (high - size[0]) // 2
    resized = Image.fromarray(picture).resize((wide, high), how)
    return np.asarray(resized.crop((left, top, left + size[1], top + size[0])))


def _write_list(
    path: Path, footage: Sequence[Footage], vae: codec.Autoencoder, frames: int, size: tuple[int, int]
) -> None:
    entries = [
        {"id": f.id, "caption": f.caption, "motion_prompt": f.motion_prompt, "prompts": list(f.prompts)}
        for f in footage
    ]
    content = {"frames": frames, "size": list(size), "vae_sha256": vae_digest(vae), "samples": entries}
    text = json.dumps(content, indent=1) + "\n"
    with contextlib.suppress(FileNotFoundError):
        if path.read_text(encoding="utf-8") != text:
            raise ConfigError(f"{str(path.parent)!r} holds samples of another preparation", "use another folder")
        return
    part = path.with_suffix(".part")
    part.write_text(text, encoding="utf-8")
    part.rename(path)


def _read_list(root: Path) -> dict[str, t.Any]:
    try:
        content = json.loads((root / LIST).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{str(root)!r} is no folder of training samples", "`ttm-ref prepare` makes one") from error
    return t.cast(dict[str, t.Any], content)
