"""Videos to training samples: (video, masks, prompts) as latents in shards, so that no training step decodes a file.

    OUT/samples.json            what lies where, the prompts, and the digest of the autoencoder
    OUT/00000.safetensors ...   256 samples each: "N.video" and "N.masks" float16 [C, T, h, w], normalised latents of
                                the frames and of the colour-coded masks; "N.planes" uint8, the masks' bits; where
                                asked for "N.flow", latents of the optical flow's pictures

Shards are written to a temporary name and renamed: an interrupted preparation goes on where it stopped.
"""

from __future__ import annotations

import contextlib
import json
import math
import typing as t
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor

from motionbench.errors import ConfigError, DataError
from ttm_ref import codec
from ttm_ref.colours import paint
from ttm_ref.flow import Estimator, estimator, paint_flow
from ttm_ref.footage import Footage
from ttm_ref.samples import LIST, SHARD, vae_digest


def prepare(
    footage: Sequence[Footage],
    vae: codec.Autoencoder,
    out: str | Path,
    frames: int,
    size: tuple[int, int],
    part: tuple[int, int] = (0, 1),
    half: bool = False,
    flow: str = "",
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
        flow: prepare optical flow as well, by this estimator of `ttm_ref.flow`; empty: none.
        progress: called after each shard with videos done and videos in all.

    Returns:
        Samples in the folder's list.

    Raises:
        ConfigError: the folder holds samples of another preparation; an unknown flow.
        DataError: a video or its masks cannot be read, or it is too short.
        MissingDependency, WeightsError: the flow's estimator cannot be had.
    """
    find_flow = estimator(flow, vae.device) if flow else None
    root = Path(out)
    root.mkdir(parents=True, exist_ok=True)
    _write_list(root / LIST, footage, vae, frames, size, flow)
    shards = range(math.ceil(len(footage) / SHARD))[part[0] :: part[1]]
    for done, shard in enumerate(shards):
        path = root / f"{shard:05d}.safetensors"
        if not path.exists():
            first = shard * SHARD
            tensors: dict[str, Tensor] = {}
            for number, item in enumerate(footage[first : first + SHARD], first):
                with torch.autocast(vae.device.type, torch.bfloat16, enabled=half):
                    made = _encode(item, vae, frames, size, find_flow)
                tensors |= {f"{number}.{k}": v for k, v in made.items()}
            save_file(tensors, path.with_suffix(".part"))
            path.with_suffix(".part").rename(path)
        if progress is not None:
            progress(min((done + 1) * SHARD, len(footage)), len(footage))
    return len(footage)


@torch.inference_mode()
def _encode(
    item: Footage, vae: codec.Autoencoder, frames: int, size: tuple[int, int], find_flow: Estimator | None
) -> dict[str, Tensor]:
    found = item.frames()
    if len(found) < frames:
        raise DataError(f"'{item.id}' has {len(found)} frames, {frames} are needed", "leave it out of cases.json")
    pictures = np.stack([_fit(frame, size, Image.Resampling.LANCZOS) for frame in found[:frames]])
    planes = item.planes(frames)
    fitted = [[_fit(mask, size, Image.Resampling.NEAREST) for mask in plane] for plane in planes]
    planes = np.asarray(fitted, np.bool_).reshape(len(planes), frames, *size)
    videos = {"video": pictures, "masks": paint(planes)}
    if find_flow is not None:
        videos["flow"] = paint_flow(find_flow(pictures))
    latents = {k: codec.encode(vae, _to_video(v, vae)).cpu()[0].half().contiguous() for k, v in videos.items()}
    return {**latents, "planes": torch.from_numpy(np.packbits(planes))}


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
    path: Path, footage: Sequence[Footage], vae: codec.Autoencoder, frames: int, size: tuple[int, int], flow: str
) -> None:
    entries = [
        {"id": f.id, "caption": f.caption, "motion_prompt": f.motion_prompt, "prompts": list(f.prompts)}
        for f in footage
    ]
    content: dict[str, t.Any] = {"frames": frames, "size": list(size), "vae_sha256": vae_digest(vae)}
    content |= ({"flow": flow} if flow else {}) | {"samples": entries}
    text = json.dumps(content, indent=1) + "\n"
    with contextlib.suppress(FileNotFoundError):
        if path.read_text(encoding="utf-8") != text:
            raise ConfigError(f"{str(path.parent)!r} holds samples of another preparation", "use another folder")
        return
    part = path.with_suffix(".part")
    part.write_text(text, encoding="utf-8")
    part.rename(path)
