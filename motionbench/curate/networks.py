"""The networks of the recipe: a vision-language model, the LAION aesthetic head on CLIP ViT-L/14, and RAFT.

CLIP and RAFT are this package's own backends; their weights and the head's come from `motionbench weights fetch`. The
vision-language model is the user's own copy of a Hugging Face model: nothing is downloaded here.
"""

from __future__ import annotations

import hashlib
import typing as t
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from motionbench.curate.describe import Models
from motionbench.datasets.files import FileFootage
from motionbench.datasets.sav import Recording
from motionbench.errors import WeightsError
from motionbench.types import Case, Clip, Features, InputMatch, Inputs

CAPTIONER = "meta-llama/Llama-3.2-11B-Vision-Instruct"
BACKENDS = {"clip-l14": "clip-vit-l14", "raft-large": "raft-large"}  # and their weights
HEAD, EMBEDDING = "aesthetic-l14", 768
_TOKENS = 160

if t.TYPE_CHECKING:
    import torch

Compute = Callable[[Inputs, Mapping[str, Features]], Features]


def load_models(captioner: str = CAPTIONER, weights_dir: str | Path | None = None, device: str | None = None) -> Models:
    """Load everything that scoring needs.

    Args:
        captioner: a folder, or a Hugging Face repository that was downloaded before.
        weights_dir: the folder of weights; by default that of `motionbench weights`.
        device: where networks run, such as "cuda:0"; by default the CPU.

    Raises:
        ConfigError: the device is not there.
        WeightsError: weights are missing or wrong.
    """
    import torch

    from motionbench import device as devices
    from motionbench import registry, weights

    place = devices.Device(device or "cpu")
    devices.use(place)
    root = Path(weights_dir) if weights_dir is not None else weights.default_folder()
    hashes = weights.require((HEAD, *BACKENDS.values()), root)
    weights.use(root, hashes)
    clip, raft = ((name, registry.load("backends", name).load(), hashes[BACKENDS[name]]) for name in BACKENDS)
    head = torch.nn.Linear(EMBEDDING, 1)
    weights.fill(head, weights.load_state_dict(weights.path(HEAD)), weights.path(HEAD))
    aesthetic = Aesthetic(
        f"LAION linear head {hashes[HEAD]} on {clip[0]} {clip[2]}",
        clip[1],
        head.weight.detach().numpy().astype(np.float64).ravel(),
        float(head.bias),
    )
    motion = MeanFlow(f"mean flow magnitude of {raft[0]} {raft[2]}", raft[1])
    return Models(VisionLanguage.load(captioner, place.name), aesthetic, motion)


@dataclass(frozen=True, slots=True)
class MeanFlow:
    """Mean magnitude of optical flow over all pixels and pairs of consecutive frames, in pixels per frame."""

    identity: str
    flow: Compute

    def __call__(self, clip: Clip, recording: Recording) -> float:
        """The mean; 0.0 for a single frame, in which nothing moves."""
        if len(clip.video.frames) < 2:
            return 0.0
        uv = self.flow(_inputs(clip, recording), {})["uv"]
        return float(np.hypot(uv[..., 0], uv[..., 1]).mean(dtype=np.float64))


@dataclass(frozen=True, slots=True)
class Aesthetic:
    """The LAION aesthetic predictor V1 (github.com/LAION-AI/aesthetic-predictor): a linear map of a CLIP embedding.

    Attributes:
        embed: CLIP of each frame, under "frames" float32 [T, D], of any length.
        weight: float64 [D].
        bias: added to it.
    """

    identity: str
    embed: Compute
    weight: NDArray[np.float64]
    bias: float

    def __call__(self, clip: Clip, recording: Recording) -> float:
        """The mean score of the frames, mostly in 1 to 10."""
        embedding = self.embed(_inputs(clip, recording), {})["frames"].astype(np.float64)
        embedding /= np.linalg.norm(embedding, axis=1, keepdims=True)
        return float((embedding @ self.weight).mean() + self.bias)


class VisionLanguage:
    """A vision-language model of transformers, asked without sampling."""

    def __init__(self, identity: str, processor: t.Any, model: t.Any) -> None:
        self.identity = identity
        self._processor = processor
        self._model = model

    @classmethod
    def load(cls, name: str, device: str = "cpu") -> VisionLanguage:
        """Load a model that is on this machine.

        Args:
            name: a folder, or a Hugging Face repository that was downloaded before.
            device: such as "cuda:0".

        Raises:
            WeightsError: it is not there, or is no vision-language model.
        """
        import transformers

        try:
            processor = transformers.AutoProcessor.from_pretrained(name, local_files_only=True)
            model = transformers.AutoModelForImageTextToText.from_pretrained(
                name, local_files_only=True, dtype="auto", use_safetensors=True
            )
        except (OSError, ValueError) as error:
            there = Path(name).is_dir()
            reason = f"is no vision-language model: {str(error).splitlines()[0]}" if there else "is not on this machine"
            raise WeightsError(
                f"the captioner {name} {reason}",
                f"run: hf download {CAPTIONER if there else name}, or name a folder with --captioner",
            ) from error
        commit = getattr(model.config, "_commit_hash", None)
        identity = f"{Path(name).name} {_folder_digest(Path(name))}" if Path(name).is_dir() else f"{name}@{commit}"
        return cls(identity, processor, model.to(device).eval())

    def __call__(self, pictures: NDArray[np.uint8], question: str) -> str:
        """The answer to a question about pictures, uint8 [N, H, W, 3] RGB."""
        import torch
        from PIL import Image

        content = [*({"type": "image"} for _ in pictures), {"type": "text", "text": question}]
        text = self._processor.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True)
        images = [Image.fromarray(picture) for picture in pictures]
        asked = self._processor(text=text, images=images, return_tensors="pt")
        asked = asked.to(self._model.device, self._model.dtype)  # only the pictures take the model's precision
        with torch.inference_mode():
            tokens = self._model.generate(**asked, do_sample=False, max_new_tokens=_TOKENS)
        answer: str = self._processor.decode(tokens[0, asked["input_ids"].shape[1] :], skip_special_tokens=True)
        return answer.strip()


def _folder_digest(folder: Path) -> str:
    """sha256 over the names and bytes of a model's files. It takes as long as reading them once."""
    files = sorted(file for file in folder.iterdir() if file.is_file() and not file.name.startswith("."))
    parts = [(file.name, FileFootage(file).digest()) for file in files]
    return hashlib.sha256(repr(parts).encode("utf-8", "backslashreplace")).hexdigest()


def random_head(root: Path) -> Mapping[str, torch.Tensor]:
    """The aesthetic head as it is initialised for training, for tests without the real one."""
    import torch

    return torch.nn.Linear(EMBEDDING, 1).state_dict()


def _inputs(clip: Clip, recording: Recording) -> Inputs:
    """A clip as a backend sees it: no masks, no texts, the first frame as the picture."""
    image = clip.video.frames[0]
    case = Case(recording.id, "single", "", "", "", "", (), recording.first_frame, recording.footage)
    shown = np.ones(image.shape[:2], np.bool_)
    return Inputs(case, clip, image, shown, None, np.zeros(0, np.int64), InputMatch(1.0, 0.0, 0.0, 1.0))
