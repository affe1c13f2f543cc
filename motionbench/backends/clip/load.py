"""The networks behind the CLIP backends; imported when one of them is loaded."""

from __future__ import annotations

import typing as t
from collections.abc import Callable, Mapping

import numpy as np

from motionbench.errors import MissingDependency, NotApplicable
from motionbench.types import Features, Inputs

if t.TYPE_CHECKING:
    from torch import Tensor, nn

SIDE = 224
MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)
MARGIN = 0.1
BYTES_EACH = 24 * 2**20
"""Of one picture inside ViT-L/14."""

Compute = Callable[[Inputs, Mapping[str, Features]], Features]


def open_clip() -> t.Any:
    """The library.

    Raises:
        MissingDependency: it is not installed.
    """
    try:
        import open_clip
    except ImportError as error:
        raise MissingDependency("CLIP needs open_clip_torch", "pip install 'motionbench[paper]'") from error
    return open_clip


def build(model: str) -> t.Any:
    """The empty network. OpenAI's weights were trained with QuickGELU, which open_clip names in the model.

    Not by `create_model`: that one warns on the terminal of random weights, which are about to be replaced.
    """
    library = open_clip()
    return library.CLIP(**library.get_model_config(f"{model}-quickgelu"))


def network(model: str, weights: str) -> t.Any:
    """The filled network, one for all three roles."""
    from motionbench.backends import networks

    return networks.shared(lambda: networks.load(build(model), weights), weights)


def prepared(pictures: Tensor) -> Tensor:
    """uint8 [N, 3, H, W] to float32 [N, 3, 224, 224] as CLIP reads it."""
    from torch.nn import functional

    height, width = pictures.shape[2:]
    scale = SIDE / min(height, width)
    size = (max(SIDE, round(height * scale)), max(SIDE, round(width * scale)))
    resized = functional.interpolate(pictures.float(), size, mode="bicubic", antialias=True).clamp(0, 255)
    top, left = (size[0] - SIDE) // 2, (size[1] - SIDE) // 2
    return normalised(resized[:, :, top : top + SIDE, left : left + SIDE])


def normalised(pictures: Tensor) -> Tensor:
    """Values 0 to 255 of [N, 3, h, w] as CLIP reads them."""
    import torch

    mean, std = (torch.tensor(x).view(1, 3, 1, 1) for x in (MEAN, STD))
    return (pictures / 255.0 - mean) / std


def _embed(model: nn.Module, pictures: Tensor) -> np.ndarray:
    from motionbench.backends import networks

    with networks.inference():
        encode = t.cast(t.Any, model).encode_image
        return networks.in_chunks(lambda part: encode(part, normalize=True), pictures, BYTES_EACH)


def frames(model: str, weights: str) -> Compute:
    """Loads `clip_image`."""
    from motionbench.backends import networks

    loaded = network(model, weights)

    def compute(inputs: Inputs, upstream: Mapping[str, Features]) -> Features:
        return {"frames": _embed(loaded, prepared(networks.pictures(inputs.clip.video.frames)))}

    return compute


def prompts(model: str, weights: str) -> Compute:
    """Loads `clip_text`."""
    from motionbench import device
    from motionbench.backends import networks

    loaded, tokenizer = network(model, weights), open_clip().get_tokenizer(model)

    def compute(inputs: Inputs, upstream: Mapping[str, Features]) -> Features:
        case = inputs.case
        texts = tokenizer([case.caption, *(item.prompt for item in case.objects)])
        with networks.inference():
            found = loaded.encode_text(texts.to(device.chosen().name), normalize=True).float().cpu().numpy()
        return {"caption": found[0], "objects": found[1:]}

    return compute


def crops(model: str, weights: str) -> Compute:
    """Loads `clip_objects`."""
    import torch

    from motionbench.backends import networks

    loaded = network(model, weights)

    def compute(inputs: Inputs, upstream: Mapping[str, Features]) -> Features:
        masks = upstream["masks"]["values"]
        pictures = networks.pictures(inputs.clip.video.frames)
        visible = np.asarray(masks.any(axis=(2, 3)))
        if not visible.any():
            raise NotApplicable("no object is visible in any frame")
        cut = [cutout(pictures[frame], masks[k, frame]) for k, frame in np.argwhere(visible)]
        found = _embed(loaded, torch.cat(cut))
        embedded = np.zeros((*visible.shape, found.shape[1]), np.float32)
        embedded[visible] = found
        return {"crops": embedded, "visible": visible, "object_ids": upstream["masks"]["object_ids"]}

    return compute


def cutout(picture: Tensor, mask: np.ndarray) -> Tensor:
    """The square around a mask [H, W] of a picture uint8 [3, H, W], as CLIP reads it: [1, 3, 224, 224]."""
    from torch.nn import functional

    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    side = round((1.0 + 2.0 * MARGIN) * max(rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1))
    top, left = ((line[0] + line[-1] + 1 - side) // 2 for line in (rows, columns))
    # After normalisation the mean colour is 0: pad with that.
    whole = normalised(picture[None].float())
    pads = (max(0, -left), max(0, left + side - mask.shape[1]), max(0, -top), max(0, top + side - mask.shape[0]))
    padded = functional.pad(whole, pads)
    top, left = top + pads[2], left + pads[0]
    square = padded[:, :, top : top + side, left : left + side]
    return functional.interpolate(square, (SIDE, SIDE), mode="bicubic", antialias=True)
