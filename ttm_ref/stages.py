"""From a folder of weights to pipelines.

    DIR/manifest.json                 every file with its sha256
    DIR/stage1/model_index.json       what `ImageToMotionPipeline.save_pretrained` writes, and its components
    DIR/stage2/                       the same of `MotionToVideoPipeline`
    DIR/variants/NAME/                another stage 2: ti2v (a `TextImageToVideoPipeline`), no_mask, cross, self
    DIR/vae/, DIR/text_encoder/, ...  components that several stages share

A component that a stage's folder lacks is taken from `stage2/` (for a variant), then from DIR itself; one that two
stages share is loaded once. Classes come from the table below and weights from safetensors: nothing in a folder runs.
"""

from __future__ import annotations

import inspect
import json
import typing as t
from pathlib import Path

import torch
from diffusers import AutoencoderKL, AutoencoderKLWan, DDIMScheduler, FlowMatchEulerDiscreteScheduler
from safetensors import SafetensorError
from transformers import AutoTokenizer, CLIPTextModel, T5EncoderModel, UMT5EncoderModel

from motionbench.errors import ConfigError, WeightsError
from ttm_ref.manifest import Manifest
from ttm_ref.pipelines import ImageToMotionPipeline, MotionToVideoPipeline, TextImageToVideoPipeline
from ttm_ref.pipelines.base import align
from ttm_ref.unet import MaskedUNetMotion
from ttm_ref.vae import PatchAutoencoder
from ttm_ref.wan import MaskedWanTransformer

VARIANTS = ("ttm", "ti2v", "no_mask", "cross", "self")
STAGES = ("stage1", "stage2", *(f"variants/{name}" for name in VARIANTS[1:]))
COMPONENTS = ("vae", "text_encoder", "tokenizer", "denoiser", "scheduler")
MODELS: dict[str, t.Any] = {
    kind.__name__: kind
    for kind in (
        AutoencoderKL,
        AutoencoderKLWan,
        PatchAutoencoder,
        MaskedUNetMotion,
        MaskedWanTransformer,
        CLIPTextModel,
        T5EncoderModel,
        UMT5EncoderModel,
    )
}
SCHEDULERS: dict[str, t.Any] = {kind.__name__: kind for kind in (DDIMScheduler, FlowMatchEulerDiscreteScheduler)}
WHOLE = ("num_frames", "height", "width", "num_inference_steps", "max_length", "object_length")
HINT = "weights and configuration must come from one training"
Pipeline = t.TypeVar("Pipeline", ImageToMotionPipeline, MotionToVideoPipeline, TextImageToVideoPipeline)


class Stages:
    """The stages of one folder.

    Args:
        folder: see the module's docstring.
        dtype: of the networks.

    Raises:
        WeightsError: there is no such folder, or it has no manifest.
    """

    def __init__(self, folder: Path, dtype: torch.dtype) -> None:
        self.manifest, self.dtype = Manifest(folder), dtype
        self._loaded: dict[tuple[str, str], t.Any] = {}

    def motion(self) -> ImageToMotionPipeline:
        """Stage 1. Raises WeightsError or ConfigError if it is missing, corrupt, or does not fit together."""
        return self._pipeline(ImageToMotionPipeline, "stage1")

    def video(self, variant: str = "ttm") -> MotionToVideoPipeline:
        """Stage 2, or another one in its place ("no_mask", "cross", "self"). Raises as `motion`."""
        return self._pipeline(MotionToVideoPipeline, "stage2" if variant == "ttm" else f"variants/{variant}")

    def baseline(self) -> TextImageToVideoPipeline:
        """TI2V. Raises as `motion`."""
        return self._pipeline(TextImageToVideoPipeline, "variants/ti2v")

    def _pipeline(self, kind: type[Pipeline], stage: str) -> Pipeline:
        index = self._index(stage, kind.__name__)
        values = {key: value for key, value in index.items() if key not in COMPONENTS and not key.startswith("_")}
        unknown = set(values) - set(inspect.signature(kind.__init__).parameters)
        if unknown:
            raise WeightsError(f"{stage}/model_index.json has unknown keys: {', '.join(sorted(unknown))}", HINT)
        for key in set(values) & {*WHOLE, "fps"}:
            allowed = (int, float) if key == "fps" else (int,)
            if isinstance(values[key], bool) or not isinstance(values[key], allowed) or not values[key] > 0:
                raise WeightsError(f"{stage}/model_index.json says {key}={values[key]!r}", "it is a number above 0")
        pipeline = kind(**{name: self._component(stage, name, index.get(name)) for name in COMPONENTS}, **values)
        try:
            pipeline.check_components()
        except ConfigError as error:
            raise ConfigError(f"{stage}: {error.message}", error.hint) from error
        return pipeline

    def _index(self, stage: str, expected: str) -> dict[str, t.Any]:
        name = f"{stage}/model_index.json"
        if not self.manifest.has(name):
            there = [name for name in STAGES if self.manifest.has(name)]
            raise WeightsError(f"{str(self.manifest.folder)!r} has no {stage}", f"it has {', '.join(there) or 'none'}")
        try:
            index = json.loads(self.manifest.checked(name).read_text(encoding="utf-8"))
        except ValueError as error:
            raise WeightsError(f"{name} is no JSON: {error}", HINT) from error
        if not isinstance(index, dict) or index.get("_class_name") != expected:
            raise WeightsError(f"{name} is not that of a {expected}", HINT)
        return index

    def _component(self, stage: str, name: str, entry: t.Any) -> t.Any:
        """A component of a stage, loaded once for all stages that share it."""
        if not isinstance(entry, list) or len(entry) != 2:
            raise WeightsError(f"{stage}/model_index.json does not say what the {name} is", HINT)
        where = places(stage, name)
        place = next((path for path in where if self.manifest.has(path)), None)
        if place is None:
            raise WeightsError(f"{stage} has no {name}", f"it is looked for in {', '.join(where)}")
        key = (place, str(entry[1]))
        if key not in self._loaded:
            self._loaded[key] = load(self.manifest.checked(place), name, key[1], self.dtype)
        return self._loaded[key]


def places(stage: str, component: str) -> tuple[str, ...]:
    """Where a stage's component may lie, the first place first."""
    other = (f"stage2/{component}",) if stage.startswith("variants/") else ()
    return (f"{stage}/{component}", *other, component)


def load(folder: Path, component: str, class_name: str, dtype: torch.dtype) -> t.Any:
    """One component from its folder, whole or not at all.

    Raises:
        WeightsError: an unknown class, a file that cannot be read, or weights that do not fit the configuration.
    """
    label = f"{component} ({class_name})"
    if component not in ("tokenizer", "scheduler") and class_name not in MODELS:
        raise WeightsError(f"{label}: no such class", f"known are {', '.join(sorted(MODELS))}")
    if component == "scheduler" and class_name not in SCHEDULERS:
        raise WeightsError(f"{label}: no such class", f"known are {', '.join(sorted(SCHEDULERS))}")
    try:
        if component == "tokenizer":
            return AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
        if component == "scheduler":
            return SCHEDULERS[class_name].from_pretrained(str(folder), local_files_only=True)
        keyword = "dtype" if component == "text_encoder" else "torch_dtype"
        model, report = MODELS[class_name].from_pretrained(
            str(folder), use_safetensors=True, local_files_only=True, output_loading_info=True, **{keyword: dtype}
        )
    except (OSError, ValueError, TypeError, KeyError, RuntimeError, SafetensorError) as error:
        reason = " ".join(str(error).split())[:300]
        raise WeightsError(f"{label} cannot be loaded: {reason}", HINT) from error
    for what in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        if report[what]:
            shown = ", ".join(sorted(map(str, report[what]))[:4])
            raise WeightsError(f"{label} has {len(report[what])} {what.replace('_', ' ')}: {shown}", HINT)
    align(model)
    return model.eval()
