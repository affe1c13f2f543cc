"""From settings to a denoiser: its class, its constructor arguments, fresh or on top of pretrained weights."""

from __future__ import annotations

import inspect
import typing as t

import torch
from diffusers import MotionAdapter, UNet2DConditionModel, UNetMotionModel, WanTransformer3DModel
from safetensors import SafetensorError

from motionbench.errors import ConfigError, WeightsError
from ttm_ref.settings import ModelSettings, Settings
from ttm_ref.tables import nearest
from ttm_ref.unet import MaskedUNetMotion
from ttm_ref.wan import MaskedWanTransformer

Denoiser = MaskedWanTransformer | MaskedUNetMotion
CLASSES: dict[str, t.Any] = {"wan": MaskedWanTransformer, "unet": MaskedUNetMotion}
OWN = (
    *("num_masked_layers", "mask_self", "mask_cross", "prediction_type"),
    *("coordinates", "coverage", "residual", "gate"),
)
"""Arguments that the masked classes add to those of their bases."""


def skeleton(settings: Settings) -> Denoiser:
    """The denoiser that the settings describe, with fresh weights on the default device, "meta" too.

    Raises:
        ConfigError: a constructor argument that its class does not have, or values that make no model.
    """
    kind = CLASSES[settings.model.backbone]
    known = set(inspect.signature(kind.__init__).parameters) - {"self"}
    for name in settings.model.config:
        if name not in known:
            raise ConfigError(f"unknown key 'model.config.{name}'", nearest(name, known))
    arguments = {name: _plain(value) for name, value in settings.model.config.items()}
    try:
        return t.cast(Denoiser, kind(**{**arguments, "prediction_type": settings.objective.prediction_type}))
    except (TypeError, ValueError, RuntimeError, ZeroDivisionError, IndexError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ConfigError(f"model.config makes no {kind.__name__}: {reason}", "its docstring explains them") from error


def denoiser(settings: Settings) -> Denoiser:
    """The denoiser to train: `skeleton`, or pretrained weights with new branches and inputs that start at zero.

    Raises:
        ConfigError: as `skeleton`, or a base of another size than `model.config` says.
        WeightsError: the base cannot be loaded.
    """
    if not settings.model.base:
        return skeleton(settings)
    with torch.device("meta"):
        wanted = skeleton(settings).config
    base = _base(settings.model)
    own = {name: wanted[name] for name in OWN if name in wanted}
    kind = CLASSES[settings.model.backbone]
    model: Denoiser = kind.from_base(base, extra_in=wanted["in_channels"] - base.config["in_channels"], **own)
    for name, value in wanted.items():
        # `sample_size` is a note of the base's, which no layer reads.
        if name.startswith("_") or name == "sample_size" or _plain(model.config[name]) == _plain(value):
            continue
        raise ConfigError(
            f"{settings.model.base!r} has {name} = {model.config[name]}, the settings say {value}",
            f"set model.config.{name}",
        )
    return model


def _base(model: ModelSettings) -> UNetMotionModel | WanTransformer3DModel:
    """The plain text-to-video model that `base` (and `adapter`) name; `base` is a diffusers pipeline's."""
    try:
        if model.backbone == "wan":
            return WanTransformer3DModel.from_pretrained(model.base, subfolder="transformer", use_safetensors=True)
        if not model.adapter:
            return UNetMotionModel.from_pretrained(model.base, subfolder="unet", use_safetensors=True)
        adapter = MotionAdapter.from_pretrained(model.adapter, use_safetensors=True)
        unet = UNet2DConditionModel.from_pretrained(model.base, subfolder="unet", use_safetensors=True)
        return UNetMotionModel.from_unet2d(unet, adapter)
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        reason = " ".join(str(error).split()).split(". ")[0][:300]
        raise WeightsError(
            f"the base {model.base!r} cannot be loaded: {reason}", "name a downloaded folder, or leave model.base empty"
        ) from error


def _plain(value: t.Any) -> t.Any:
    """Lists as tuples, all the way down, so that TOML, JSON and Python compare equal."""
    return tuple(_plain(item) for item in value) if isinstance(value, list | tuple) else value
