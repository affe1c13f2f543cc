"""Where the videos to score come from: a folder, a model, or the dataset's own references.

A `Source` is small and picklable. The main process opens it and asks it to `check` the dataset before anything takes
time; each worker asks it for the `footage` of one case after another.
"""

from __future__ import annotations

import typing as t
from collections.abc import Mapping
from pathlib import Path

from motionbench import registry
from motionbench.models import Scalar, parse_options, resolve_model
from motionbench.models.spec import PREFIXES
from motionbench.sources.base import Listing, Source
from motionbench.sources.folder import FolderSource, scan
from motionbench.sources.generated import ModelSource, ObjectRecipe
from motionbench.sources.reference import ReferenceSource, ShuffledFootage, ShuffleSource
from motionbench.sources.request import case_seed, first_masks, make_request
from motionbench.types import I2VModel

__all__ = [
    "FolderSource",
    "Listing",
    "ModelSource",
    "ReferenceSource",
    "ShuffleSource",
    "ShuffledFootage",
    "Source",
    "case_seed",
    "first_masks",
    "is_folder",
    "make_request",
    "open_source",
    "scan",
]


def open_source(
    videos_or_model: str | Path | I2VModel,
    *,
    options: Mapping[str, t.Any] | None = None,
    seed: int,
    out: Path,
    name: str | None = None,
    device: str | None = None,
    offline: bool = False,
) -> Source:
    """Open a folder of videos, a model, or the references.

    Args:
        videos_or_model: a folder (see `is_folder`); "reference" or "shuffle"; the name of a model (see
            `motionbench.models.spec`); or a model object.
        options: the model's options.
        seed: the run's seed.
        out: folder of the run; a model's videos are kept in its subfolder `videos`.
        name: the system's name in tables, instead of the folder's or the model's.
        device: for models that have such a parameter, unless the options set it.
        offline: True forbids downloads to models that have such a parameter.

    Raises:
        ConfigError: no such model or option, or options without a model.
        DataError: there is no such folder.
        PluginError: the code behind a model's name does not fit.
    """
    given = parse_options(options or {})
    if not isinstance(videos_or_model, str | Path):
        return ModelSource(ObjectRecipe.of(videos_or_model, given), seed, out / "videos", name)
    text = str(videos_or_model)
    if is_folder(videos_or_model):
        return FolderSource.open(Path(videos_or_model), given, name)
    if text == "reference":
        return ReferenceSource.open(given, name)
    if text == "shuffle":
        return ShuffleSource.open(given, name, seed)
    surroundings: dict[str, Scalar] = {"offline": True} if offline else {}
    if device is not None:
        surroundings["device"] = device
    return ModelSource(resolve_model(text, given, surroundings), seed, out / "videos", name)


def is_folder(videos_or_model: str | Path) -> bool:
    """True if a folder of videos is meant: a `Path` always, a string if it is a folder and no model has that name."""
    if isinstance(videos_or_model, Path):
        return True
    if videos_or_model in ("reference", "shuffle", *registry.names("models")):
        return False
    return not videos_or_model.startswith(tuple(PREFIXES)) and Path(videos_or_model).is_dir()
