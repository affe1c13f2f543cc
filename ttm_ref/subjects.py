"""What `describe` describes: the networks of a configuration or of a folder of weights, as builders that load nothing.

A builder makes a network with the right configuration on whatever device is the default one, so that parameters can be
counted on "meta" and memory measured on fake tensors.
"""

from __future__ import annotations

import json
import typing as t
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from diffusers import AutoencoderKL, AutoencoderKLWan
from diffusers.configuration_utils import ConfigMixin
from torch import nn
from transformers import AutoConfig, CLIPTextConfig, CLIPTextModel, UMT5Config, UMT5EncoderModel

from motionbench.errors import ConfigError, MotionBenchError, WeightsError
from ttm_ref import settings as configurations
from ttm_ref.backbones import skeleton
from ttm_ref.colours import PALETTE
from ttm_ref.settings import OptimizerSettings, Settings, TrainSettings
from ttm_ref.stages import MODELS
from ttm_ref.text import tiny_encoder
from ttm_ref.vae import PatchAutoencoder

Builder = Callable[[], nn.Module]
STAGES = {"ImageToMotionPipeline": "motion", "MotionToVideoPipeline": "video", "TextImageToVideoPipeline": "ti2v"}
VAES: dict[str, t.Any] = {"patch": PatchAutoencoder, "kl": AutoencoderKL, "wan": AutoencoderKLWan}


@dataclass(frozen=True, slots=True)
class Subject:
    """One stage: its networks and what they are run on.

    Attributes:
        name: "motion", "video" or "ti2v", with the name of a variant.
        denoiser, vae, text_encoder: builders; None for a text encoder whose architecture is not known offline.
        frames, height, width: of the videos.
        length, object_length: tokens of the global and of an object's prompt.
        objects: most objects of a video.
        text_trained: the text encoder is trained along with the denoiser.
        optimizer, train: how it is trained, for the estimate of memory.
    """

    name: str
    denoiser: Builder
    vae: Builder
    text_encoder: Builder | None
    frames: int
    height: int
    width: int
    length: int
    object_length: int
    objects: int = len(PALETTE)
    text_trained: bool = True
    optimizer: OptimizerSettings = field(default_factory=OptimizerSettings)
    train: TrainSettings = field(default_factory=TrainSettings)


def subjects(source: str | Path, overrides: Sequence[str] = ()) -> list[Subject]:
    """The stages of a folder of weights or of a pipeline, or the one of a configuration.

    Args:
        source: a folder, the name of a configuration, or a `.toml` file.
        overrides: "section.key=value" for a configuration.

    Raises:
        ConfigError: no such configuration, one without a denoiser, or overrides for a folder.
        WeightsError: a folder without pipelines, or one whose configuration files cannot be read.
    """
    folder = Path(source)
    if not folder.is_dir():
        return [_of_settings(configurations.load(source, overrides))]
    if overrides:
        raise ConfigError("a folder of weights is what it is", "overrides belong to a configuration")
    places = [folder] if (folder / "model_index.json").exists() else sorted(_pipelines(folder))
    if not places:
        raise WeightsError(
            f"{str(folder)!r} holds no pipeline", "give a folder with model_index.json, stage1 or stage2"
        )
    return [_of_folder(place, folder) for place in places]


def _pipelines(folder: Path) -> list[Path]:
    return [path.parent for pattern in ("*", "variants/*") for path in folder.glob(f"{pattern}/model_index.json")]


def _of_settings(chosen: Settings) -> Subject:
    text, data = chosen.text, chosen.data
    if chosen.train.stage == "vae":
        raise ConfigError("this configuration trains an autoencoder alone", "describe the one of a stage that uses it")
    name = "ti2v" if data.trajectory == "none" and chosen.train.stage == "video" else chosen.train.stage
    return Subject(
        name=name,
        denoiser=lambda: t.cast(nn.Module, skeleton(chosen)),
        vae=_vae(chosen),
        text_encoder=_text_encoder(chosen),
        frames=data.frames,
        height=data.height,
        width=data.width,
        length=text.length,
        object_length=text.object_length,
        objects=data.max_objects,
        text_trained=text.kind == "tiny",
        optimizer=chosen.optimizer,
        train=chosen.train,
    )


def _vae(chosen: Settings) -> Builder:
    kind, place = VAES[chosen.vae.kind], _beside(chosen.vae.name, "vae")
    if place is not None and not chosen.vae.config:
        return _component(place, kind.__name__)
    return lambda: _made(kind, "vae.config", ConfigError, lambda: kind(**chosen.vae.config))


def _text_encoder(chosen: Settings) -> Builder | None:
    text = chosen.text
    if text.kind == "tiny":
        return lambda: tiny_encoder(text.vocabulary, text.dim, text.layers, text.heads)
    place = _beside(text.name, "text_encoder")
    if place is not None:
        return _component(place, AutoConfig.from_pretrained(place).architectures[0])
    return next((build for prefix, build in _KNOWN.items() if text.name.startswith(prefix)), None)


def _beside(name: str, part: str) -> Path | None:
    """The folder of a component in a local pipeline's folder, or of the component itself."""
    for place in (Path(name) / part, Path(name)):
        if name and (place / "config.json").exists():
            return place
    return None


def _umt5_xxl() -> nn.Module:
    """Wan 2.1's text encoder."""
    config = UMT5Config(
        vocab_size=256384,
        d_model=4096,
        d_kv=64,
        d_ff=10240,
        num_layers=24,
        num_heads=64,
        feed_forward_proj="gated-gelu",
    )
    return t.cast(nn.Module, UMT5EncoderModel(config))


def _clip_large() -> nn.Module:
    """Stable Diffusion 1.5's text encoder, CLIP ViT-L/14."""
    config = CLIPTextConfig(hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12)
    return t.cast(nn.Module, CLIPTextModel(config))


_KNOWN: dict[str, Builder] = {"Wan-AI/Wan2.1": _umt5_xxl, "stable-diffusion-v1-5/": _clip_large}


def _of_folder(place: Path, root: Path) -> Subject:
    index = _json(place / "model_index.json")
    stage = STAGES.get(str(index.get("_class_name")))
    if stage is None:
        raise WeightsError(f"{str(place)!r} is a {index.get('_class_name')}", f"known are {', '.join(STAGES)}")
    parts = {}
    for name in ("denoiser", "vae", "text_encoder"):
        entry = index.get(name)
        found = next((p for p in (place, root / "stage2", root) if (p / name / "config.json").exists()), None)
        if not isinstance(entry, list) or len(entry) != 2 or found is None:
            raise WeightsError(
                f"{str(place)!r} has no {name}", "it is looked for there, in stage2 and beside the stages"
            )
        parts[name] = _component(found / name, str(entry[1]))
    numbers = {}
    for key in ("num_frames", "height", "width", "max_length", "object_length"):
        if type(index.get(key)) is not int or index[key] < 1:
            raise WeightsError(f"{str(place / 'model_index.json')!r} says {key} = {index.get(key)!r}", "a whole number")
        numbers[key] = index[key]
    return Subject(
        name=f"{stage} ({place.name})" if place.parent.name == "variants" else stage,
        denoiser=parts["denoiser"],
        vae=parts["vae"],
        text_encoder=parts["text_encoder"],
        frames=numbers["num_frames"],
        height=numbers["height"],
        width=numbers["width"],
        length=numbers["max_length"],
        object_length=numbers["object_length"],
    )


def _component(folder: Path, class_name: str) -> Builder:
    """A builder of the class that a folder's `config.json` configures."""
    if class_name not in MODELS:
        raise WeightsError(f"{str(folder)!r} is a {class_name}", f"known are {', '.join(sorted(MODELS))}")
    kind, values = MODELS[class_name], _json(folder / "config.json")
    made = kind.from_config if issubclass(kind, ConfigMixin) else lambda v: kind(kind.config_class.from_dict(v))
    return lambda: _made(kind, repr(str(folder / "config.json")), WeightsError, lambda: made(values))


def _made(kind: type, what: str, error_class: type[MotionBenchError], make: Callable[[], t.Any]) -> nn.Module:
    """The network that `make` makes; what its constructor cannot use is an error of the user's."""
    try:
        return t.cast(nn.Module, make())
    except (TypeError, ValueError, RuntimeError, AttributeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise error_class(
            f"{what} makes no {kind.__name__}: {reason}", "see the arguments of its constructor"
        ) from error


def _json(path: Path) -> dict[str, t.Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WeightsError(f"{str(path)!r} cannot be read: {error}", "restore the file") from error
    if not isinstance(content, dict):
        raise WeightsError(f"{str(path)!r} holds no JSON object", "restore the file")
    return content
