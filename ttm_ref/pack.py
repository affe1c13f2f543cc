"""Trained pipelines to one folder of weights, in the layout that `stages` reads."""

from __future__ import annotations

import hashlib
import json
import shutil
import typing as t
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import nn

from motionbench.errors import ConfigError, WeightsError
from ttm_ref import manifest
from ttm_ref.pipelines import ImageToMotionPipeline, MotionToVideoPipeline, TextImageToVideoPipeline
from ttm_ref.pipelines.base import BasePipeline
from ttm_ref.stages import COMPONENTS, STAGES, load, places

PIPELINES: dict[str, type[BasePipeline]] = {
    kind.__name__: kind for kind in (ImageToMotionPipeline, MotionToVideoPipeline, TextImageToVideoPipeline)
}
TRACE = "_name_or_path"  # diffusers notes where a component was loaded from, which is nobody else's business


def pack(folder: Path, pipelines: Mapping[str, BasePipeline], about: Mapping[str, t.Any]) -> None:
    """Write a folder of weights: each component once, and a manifest.

    Args:
        folder: made anew; it must not exist yet, or be empty.
        pipelines: the stages by their place: "stage1", "stage2", "variants/ti2v", "variants/no_mask", ... Tensors are
            written in the dtype that they have.
        about: JSON values that say how the weights were made; they become part of the manifest.

    Raises:
        ConfigError: an unknown place, or a folder that is not empty.
    """
    unknown = sorted(set(pipelines) - set(STAGES))
    if unknown:
        raise ConfigError(f"there is no stage {unknown[0]!r}", f"stages are {', '.join(STAGES)}")
    if folder.exists() and any(folder.iterdir()):
        raise ConfigError(f"{str(folder)!r} is not empty", "name a new folder")
    for place, pipeline in pipelines.items():
        pipeline.save_pretrained(folder / place)
    for path in sorted(folder.rglob("*.json")):
        _forget(path)
    for name in COMPONENTS:
        one, two = folder / "stage1" / name, folder / "stage2" / name
        if one.is_dir() and two.is_dir() and _digest(one) == _digest(two):
            shutil.copytree(one, folder / name)
        for place in (place for place in STAGES if place in pipelines):
            own, *others = (folder / where for where in places(place, name))
            other = next((path for path in others if path.is_dir()), None)
            if other is not None and _digest(own) == _digest(other):
                shutil.rmtree(own)
    manifest.write(folder, about)


def pack_folders(stages: Mapping[str, Path], folder: Path, about: Path | None = None) -> None:
    """`pack` for pipelines on disk, such as the `model` folders of trainings, with the networks in float16.

    Args:
        stages: folders with a model_index.json by the place that they take.
        folder: as in `pack`.
        about: a JSON file with an object.

    Raises:
        WeightsError: a folder holds no pipeline of ours, or something in it cannot be read.
        ConfigError: as `pack`, or `about` is no JSON object.
    """
    notes: t.Any = {}
    if about is not None:
        try:
            notes = json.loads(about.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ConfigError(f"{str(about)!r} cannot be read as JSON: {error}") from error
        if not isinstance(notes, dict):
            raise ConfigError(f"{str(about)!r} holds no JSON object")
    pack(folder, {place: _pipeline(path) for place, path in stages.items()}, notes)


def _pipeline(folder: Path) -> BasePipeline:
    """The pipeline of a folder, in float16."""
    try:
        index = json.loads((folder / "model_index.json").read_text(encoding="utf-8"))
        kind = PIPELINES[index["_class_name"]]
        classes = {name: index[name][1] for name in COMPONENTS}
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise WeightsError(
            f"{str(folder)!r} holds no trained stage", "name the `model` folder of a training"
        ) from error
    parts = {name: load(folder / name, name, kind_of, torch.float16) for name, kind_of in classes.items()}
    for part in parts.values():
        if isinstance(part, nn.Module):
            # Classes that keep some layers in float32 do so when they are loaded; in the file they are half as large.
            part.to(torch.float16)
    values = {key: value for key, value in index.items() if key not in COMPONENTS and not key.startswith("_")}
    return kind(**parts, **values)


def _digest(folder: Path) -> str:
    """sha256 over the names and contents of the files directly in a folder."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.iterdir() if path.is_file()):
        content = path.read_bytes()
        digest.update(f"{path.name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def _forget(path: Path) -> None:
    content = json.loads(path.read_text(encoding="utf-8"))
    if isinstance(content, dict) and content.pop(TRACE, None) is not None:
        path.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n", encoding="utf-8")
