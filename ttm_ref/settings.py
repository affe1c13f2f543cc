"""Settings of a training run: TOML in, frozen dataclasses out, nothing guessed.

A file may say `extends = "NAME"`: it then holds only what differs from that configuration. The order of what wins is
override (`train.steps=10`) > file > the file it extends > the defaults below. A key that does not exist is an error
that names the nearest one; so is a value of the wrong type or out of range.
"""

from __future__ import annotations

import math
import typing as t
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from motionbench.errors import ConfigError
from ttm_ref.tables import Table, build, read, write

FOLDER = Path(__file__).parent / "configs"


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """The denoiser. `config` holds constructor arguments of its class, checked where the class is built.

    `base` (and for the U-Net `adapter`, its motion modules) name pretrained weights to start from; empty: from scratch.
    """

    backbone: t.Literal["wan", "unet"] = "wan"
    base: str = ""
    adapter: str = ""
    config: Table = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TextSettings:
    """The text encoder. "tiny": from scratch, trained along; "pretrained": frozen, the folder or repository `name`.

    vocabulary: words of a tiny encoder in descriptions; a training counts those of its samples.
    length, object_length: tokens of a global and of an object's prompt.
    """

    kind: t.Literal["tiny", "pretrained"] = "tiny"
    name: str = ""
    dim: int = 128
    layers: int = 2
    heads: int = 4
    vocabulary: int = 1024
    length: int = 64
    object_length: int = 32


@dataclass(frozen=True, slots=True)
class VaeSettings:
    """The autoencoder, always frozen here. "patch": the tiny one; "kl", "wan": pretrained ones of diffusers.

    `name` is a folder or a repository; `config` holds constructor arguments, for descriptions without weights.
    """

    kind: t.Literal["patch", "kl", "wan"] = "patch"
    name: str = ""
    config: Table = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DataSettings:
    """What a sample is. `folders` are prepared shards; `trajectory` says what is concatenated besides E(x0).

    trajectory: "masks", "flow" (Table 4's ablation), or "none" (TI2V: the same channels, zero).
    limit: the first so many samples are used; 0: all.
    held_out: the last so many samples are not trained on; validation shows what the networks make of them.
    mask_noise: largest standard deviation of the noise added to E(masks), drawn uniformly from [0, mask_noise].
    """

    folders: tuple[str, ...] = ()
    limit: int = 0
    held_out: int = 16
    frames: int = 16
    fps: float = 8.0
    height: int = 128
    width: int = 128
    max_objects: int = 12
    trajectory: t.Literal["masks", "flow", "none"] = "masks"
    mask_noise: float = 0.0


@dataclass(frozen=True, slots=True)
class ObjectiveSettings:
    """What is learned. `prediction_type` is what the network's output means; it must equal the model's own.

    noise_share: share of samples at pure noise; for "flow" the other sigmas are sigmoid(N(time_mean, time_std)), where
    0 is the clean video, and for "v_prediction" the other steps are uniform over the 1000.
    weight_floor: for prediction_type "sample" the squared error is divided by max(sigma, weight_floor).
    by_variance: the squared error of a channel weighs by the channel's variance in the training data (mean weight 1):
        what is where then counts for more than edges and texture.
    """

    kind: t.Literal["flow", "v_prediction"] = "flow"
    prediction_type: t.Literal["flow", "sample", "v_prediction"] = "flow"
    text_drop: float = 0.1
    visual_drop: float = 0.1
    time_mean: float = 0.0
    time_std: float = 1.0
    noise_share: float = 0.0
    weight_floor: float = 0.3
    by_variance: bool = False


@dataclass(frozen=True, slots=True)
class OptimizerSettings:
    """AdamW for everything, or Muon (`muon_lr`) for the matrices of the blocks and AdamW (`lr`) for the rest."""

    name: t.Literal["adamw", "muon"] = "adamw"
    lr: float = 2e-5
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: float = 0.01
    muon_lr: float = 0.02


@dataclass(frozen=True, slots=True)
class TrainSettings:
    """The loop. `batch` counts the samples of one step over all processes.

    warmup: steps of linear warm-up. decay_share: the rate is constant until it falls linearly to 0 over this last share
    of the steps; 0: it never falls, as in the paper.
    ema: decay of the averaged weights. clip: largest norm of the gradient.
    start_from: a trained pipeline (`OUT/model` of an earlier run of the same stage and model) to go on from with fresh
        optimizers, its vocabulary included; empty: from scratch.
    workers: processes that load data. validate_every: steps between validation strips; 0 writes none.
    """

    stage: t.Literal["vae", "motion", "video"] = "video"
    steps: int = 50_000
    batch: int = 32
    warmup: int = 2_000
    decay_share: float = 0.0
    ema: float = 0.9999
    mixed_precision: t.Literal["no", "bf16", "fp16"] = "no"
    gradient_checkpointing: bool = False
    clip: float = 1.0
    seed: int = 0
    start_from: str = ""
    workers: int = 0
    save_every: int = 1_000
    validate_every: int = 1_000


@dataclass(frozen=True, slots=True)
class SamplingSettings:
    """What the trained pipeline does where its caller says nothing; see `pipelines.sampling` and `.guidance`."""

    schedule: t.Literal["power", "linear_quadratic"] = "linear_quadratic"
    steps: int = 50
    image_guidance: float = 1.0
    text_guidance: float = 1.0
    initial_noise: float = 1.0


@dataclass(frozen=True, slots=True)
class Settings:
    """All sections of one configuration."""

    model: ModelSettings = field(default_factory=ModelSettings)
    text: TextSettings = field(default_factory=TextSettings)
    vae: VaeSettings = field(default_factory=VaeSettings)
    data: DataSettings = field(default_factory=DataSettings)
    objective: ObjectiveSettings = field(default_factory=ObjectiveSettings)
    optimizer: OptimizerSettings = field(default_factory=OptimizerSettings)
    train: TrainSettings = field(default_factory=TrainSettings)
    sampling: SamplingSettings = field(default_factory=SamplingSettings)

    def __post_init__(self) -> None:
        _check_ranges(self)


def names() -> tuple[str, ...]:
    """Names of the configurations that come with the package, sorted."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))


def load(source: str | Path, overrides: Sequence[str] = ()) -> Settings:
    """The settings of a named configuration or a TOML file, with `section.key=value` overrides.

    Args:
        source: a name of `names()`, or a path that ends in `.toml`.
        overrides: such as "train.steps=10", "optimizer.name=muon" or "model.config.mask_self=false". Values are TOML;
            the quotes of a string may be left out.

    Raises:
        ConfigError: no such configuration, no TOML, an unknown key, or a value of the wrong type or range.
    """
    table = read(source, FOLDER)
    for override in overrides:
        write(table, override)
    return parse(table)


def parse(table: Mapping[str, t.Any]) -> Settings:
    """The settings that a nested mapping holds; what it leaves out keeps its default.

    Raises:
        ConfigError: an unknown key, or a value of the wrong type or range.
    """
    return t.cast(Settings, build(Settings, table))


def _check_ranges(settings: Settings) -> None:
    """Refuse what no run can use, before any model is built."""
    for paths, fits, rule in (
        (_SHARES, lambda x: 0 <= x <= 1, "a share lies between 0 and 1"),
        (_POSITIVE, lambda x: 0 < x < math.inf, "it must be above 0"),
        (_NOT_NEGATIVE, lambda x: 0 <= x < math.inf, "it must not be below 0"),
        (_DECAYS, lambda x: 0 <= x < 1, "a decay lies in [0, 1)"),
    ):
        for section, key in (path.split(".") for path in paths.split()):
            value = getattr(getattr(settings, section), key)
            if not all(map(fits, value if isinstance(value, tuple) else (value,))):
                raise ConfigError(f"{section}.{key} = {value}", rule)
    goal = settings.objective
    own = settings.model.config.get("prediction_type", goal.prediction_type)
    if own != goal.prediction_type:
        raise ConfigError(
            f"model.config.prediction_type = {own!r}, but objective.prediction_type = {goal.prediction_type!r}",
            "the network's output has one meaning: leave the first out, or make them equal",
        )
    if (goal.kind == "v_prediction") != (goal.prediction_type == "v_prediction"):
        raise ConfigError(
            f"objective.kind = {goal.kind!r} cannot train {goal.prediction_type!r}",
            'kind "flow" takes "flow" or "sample"; kind "v_prediction" takes "v_prediction"',
        )


_SHARES = "objective.text_drop objective.visual_drop objective.noise_share train.decay_share"
_POSITIVE = (
    "data.frames data.fps data.height data.width objective.time_std objective.weight_floor optimizer.lr "
    "optimizer.muon_lr train.steps train.batch train.clip train.save_every text.dim text.layers text.heads "
    "text.vocabulary text.length text.object_length data.held_out sampling.steps"
)
_NOT_NEGATIVE = (
    "data.limit data.max_objects data.mask_noise optimizer.weight_decay sampling.image_guidance sampling.text_guidance "
    "sampling.initial_noise train.warmup train.seed train.workers train.validate_every"
)
_DECAYS = "optimizer.betas train.ema"
