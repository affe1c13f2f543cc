"""From settings to a task that the loop can train."""

from __future__ import annotations

import dataclasses
import json
import typing as t
from pathlib import Path

import torch
from diffusers import AutoencoderKL, AutoencoderKLWan, FlowMatchEulerDiscreteScheduler
from torch import nn
from transformers import AutoTokenizer, CLIPTextModel, PreTrainedTokenizerBase, UMT5EncoderModel

from motionbench.errors import ConfigError, WeightsError
from ttm_ref import backbones, codec
from ttm_ref.footage import listing
from ttm_ref.objective import zero_snr_scheduler
from ttm_ref.pipelines import ImageToMotionPipeline, MotionToVideoPipeline, TextImageToVideoPipeline
from ttm_ref.pipelines.sampling import Scheduler
from ttm_ref.samples import Samples, vae_digest
from ttm_ref.settings import Settings, VaeSettings
from ttm_ref.stages import load
from ttm_ref.text import tiny_encoder, tiny_tokenizer
from ttm_ref.train.autoencoder import AutoencoderTask
from ttm_ref.train.denoiser import DenoiserTask
from ttm_ref.train.loop import Task
from ttm_ref.train.preview import Preview
from ttm_ref.vae import PatchAutoencoder

VAES: dict[str, t.Any] = {"patch": PatchAutoencoder, "kl": AutoencoderKL, "wan": AutoencoderKLWan}
Stage = ImageToMotionPipeline | MotionToVideoPipeline | TextImageToVideoPipeline


def task(settings: Settings) -> Task:
    """The task of `train.stage`, with fresh weights that depend on `train.seed` alone.

    Raises:
        ConfigError: settings and data that do not fit each other.
        DataError: training data that cannot be read.
        WeightsError: a pretrained part that cannot be loaded.
    """
    torch.manual_seed(settings.train.seed)
    if settings.train.stage == "vae":
        if settings.vae.kind != "patch":
            raise ConfigError("only the tiny autoencoder is trained here", "set vae.kind=patch")
        return AutoencoderTask(PatchAutoencoder(**settings.vae.config), listing(settings.data.folders), settings.data)
    vae = autoencoder(settings.vae)
    samples = Samples(settings.data.folders, settings.data.limit)
    _check(settings, samples, vae)
    tokenizer, text_encoder = _text(settings, samples)
    denoiser = backbones.denoiser(settings)
    if settings.train.start_from:
        tokenizer, text_encoder, denoiser = _earlier(Path(settings.train.start_from), denoiser)
    if settings.train.gradient_checkpointing:
        denoiser.enable_gradient_checkpointing()
    made = pipeline(settings, vae, text_encoder, tokenizer, denoiser)
    made.check_components()
    return DenoiserTask(denoiser, text_encoder, tokenizer, samples, settings, Preview(made, samples, settings))


def autoencoder(settings: VaeSettings) -> codec.Autoencoder:
    """The frozen autoencoder that `vae` names.

    Raises:
        WeightsError: it cannot be loaded.
    """
    folder, subfolder = _place(settings.name, "vae")
    try:
        vae = VAES[settings.kind].from_pretrained(folder, **subfolder, use_safetensors=True)
    except (OSError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise WeightsError(f"the autoencoder {settings.name!r} cannot be loaded: {reason}", "set vae.name") from error
    return t.cast(codec.Autoencoder, vae.eval().requires_grad_(False))


def pipeline(
    settings: Settings,
    vae: codec.Autoencoder,
    text_encoder: nn.Module,
    tokenizer: PreTrainedTokenizerBase,
    denoiser: backbones.Denoiser,
) -> Stage:
    """The pipeline of the stage that is trained, around the given modules."""
    kind: type[Stage] = ImageToMotionPipeline
    if settings.train.stage == "video":
        kind = TextImageToVideoPipeline if settings.data.trajectory == "none" else MotionToVideoPipeline
    data, sampling, text = settings.data, settings.sampling, settings.text
    scheduler: Scheduler = FlowMatchEulerDiscreteScheduler(shift=1.0)
    if settings.objective.kind == "v_prediction":
        scheduler = zero_snr_scheduler()
    return kind(
        vae=vae,
        text_encoder=text_encoder,
        tokenizer=tokenizer,
        denoiser=denoiser,
        scheduler=scheduler,
        schedule=sampling.schedule,
        num_frames=data.frames,
        height=data.height,
        width=data.width,
        fps=data.fps,
        num_inference_steps=sampling.steps,
        image_guidance=sampling.image_guidance,
        text_guidance=sampling.text_guidance,
        initial_noise=sampling.initial_noise,
        max_length=text.length,
        object_length=text.object_length,
        trajectory="flow" if data.trajectory == "flow" else "masks",
    )


def identity(settings: Settings, made: Task) -> dict[str, t.Any]:
    """What a checkpoint must agree with: all settings that decide the numbers, and the data."""
    content = dataclasses.asdict(settings)
    for section, keys in {"train": ("workers", "save_every", "validate_every"), "data": ("folders",)}.items():
        for key in keys:
            del content[section][key]
    # Through JSON once, so that tuples compare equal to what is read back.
    return {**t.cast(dict[str, t.Any], _plain(content)), "data_sha256": made.data_digest()}


def _plain(value: t.Any) -> t.Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple | list) else value


def _text(settings: Settings, samples: Samples) -> tuple[PreTrainedTokenizerBase, nn.Module]:
    text = settings.text
    if text.kind == "tiny":
        tokenizer = tiny_tokenizer(samples.texts())
        return tokenizer, tiny_encoder(len(tokenizer), text.dim, text.layers, text.heads)
    kind = UMT5EncoderModel if settings.model.backbone == "wan" else CLIPTextModel
    folder, encoder_at = _place(text.name, "text_encoder")
    _, tokenizer_at = _place(text.name, "tokenizer")
    try:
        encoder = kind.from_pretrained(folder, **encoder_at, use_safetensors=True)
        tokenizer = AutoTokenizer.from_pretrained(folder, **tokenizer_at)
    except (OSError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise WeightsError(f"the text encoder {text.name!r} cannot be loaded: {reason}", "set text.name") from error
    return tokenizer, encoder.eval().requires_grad_(False)


def _earlier(folder: Path, fresh: backbones.Denoiser) -> tuple[PreTrainedTokenizerBase, nn.Module, backbones.Denoiser]:
    """Tokenizer, text encoder and denoiser of a trained pipeline; the denoiser must be of the same configuration."""
    try:
        index = json.loads((folder / "model_index.json").read_text(encoding="utf-8"))
        classes = {name: str(index[name][1]) for name in ("tokenizer", "text_encoder", "denoiser")}
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise WeightsError(f"{str(folder)!r} is no trained pipeline", "give the folder `model` of a run") from error
    parts = {name: load(folder / name, name, kind, torch.float32) for name, kind in classes.items()}
    mine, theirs = ({k: _plain(v) for k, v in d.config.items() if k[0] != "_"} for d in (fresh, parts["denoiser"]))
    other = sorted(name for name in mine.keys() | theirs.keys() if mine.get(name) != theirs.get(name))
    if other:
        raise ConfigError(f"{str(folder)!r} was trained with another {other[0]}", f"set model.config.{other[0]}")
    return parts["tokenizer"], parts["text_encoder"], parts["denoiser"]


def _place(name: str, part: str) -> tuple[str, dict[str, str]]:
    """A folder of one part itself, or a pipeline (folder or repository) that has it in a subfolder."""
    own = Path(name) / "config.json"
    return (name, {}) if own.is_file() or (Path(name) / "tokenizer.json").is_file() else (name, {"subfolder": part})


def _check(settings: Settings, samples: Samples, vae: codec.Autoencoder) -> None:
    data, found = settings.data, samples.shape
    if (found["frames"], *found["size"]) != (data.frames, data.height, data.width):
        raise ConfigError(
            f"the samples have {found['frames']} frames of {found['size'][1]} x {found['size'][0]}, "
            f"the settings say {data.frames} of {data.width} x {data.height}"
        )
    if found["vae_sha256"] != vae_digest(vae):
        raise ConfigError("the samples were prepared with another autoencoder", "prepare them again, or set vae.name")
    if data.trajectory == "flow" and "flow" not in samples.shape:
        raise ConfigError("the samples hold no optical flow", "prepare them with --flow dis, or raft")
    if len(samples) <= data.held_out:
        raise ConfigError(f"{len(samples)} samples, of which {data.held_out} are held out", "add samples")
