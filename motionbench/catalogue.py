"""What there is to choose from: models, metrics, backends, profiles, datasets and weights, each with one line."""

from __future__ import annotations

import typing as t

from motionbench import registry, weights
from motionbench.errors import MotionBenchError
from motionbench.profiles import load_profile, shipped_profiles
from motionbench.types import Backend, Metric

_ARROWS = {"higher": "higher is better", "lower": "lower is better", "none": "neither direction is better"}
_OTHER_MODELS = (
    ("reference", "the dataset's own videos (where it has any)"),
    ("shuffle", "the dataset's own videos, their frames in random order after the first"),
    ("diffusers:REPO_OR_DIR", "any diffusers image-to-video pipeline"),
    ("command:'prog {image} {prompt} {out}'", "any program that writes an mp4"),
    ("package.module:attribute", "any Python object or function that makes a video"),
)


def listing(kind: str) -> list[dict[str, t.Any]]:
    """Entries with "name" and "about", and what else is known of the kind; a broken plug-in says what is wrong."""
    if kind == "profiles":
        return [_profile(name) for name in shipped_profiles()]
    if kind == "datasets":
        return [
            {"name": "synth", "about": "MotionBench-Synth 1.0: 128 procedural scenes with exact ground truth"},
            {"name": "motionbench", "about": "SA-V-128: 128 videos of SA-V, which you download (also sa-v-128)"},
            {"name": "DIR", "about": "a folder with a cases.json, or SA-V videos with a captions.csv"},
            {"name": "LIST", "about": "a .csv, .json, .jsonl or .parquet list of videos in --data-root"},
        ]
    if kind == "weights":
        return [_weights(name, entry) for name, entry in sorted(weights.shipped().items())]
    entries = [_entry(kind, name) for name in registry.names(kind)]  # type: ignore[arg-type]
    if kind == "models":
        entries += [{"name": name, "about": about} for name, about in _OTHER_MODELS]
    return entries


def _profile(name: str) -> dict[str, t.Any]:
    profile = load_profile(name)
    return {
        "name": name,
        "about": profile.title,
        "backends": dict(profile.backends),
        "metrics": list(profile.metrics),
        "sha256": profile.sha256,
    }


def _weights(name: str, entry: weights.Entry) -> dict[str, t.Any]:
    about = f"{entry.title} ({weights.size(entry)}, {entry.license})"
    return {"name": name, "about": about, "license": entry.license, "paper": entry.paper, "backends": entry.backends}


def _entry(kind: str, name: str) -> dict[str, t.Any]:
    try:
        value = registry.load(kind, name)  # type: ignore[arg-type]
    except MotionBenchError as error:
        return {"name": name, "about": f"broken: {error.message}"}
    if isinstance(value, Metric):
        needs = [f"{need.role} of {need.of}" for need in value.needs]
        about = f"{value.title} ({value.unit or 'no unit'}; {_ARROWS[value.direction]})"
        return {"name": name, "about": about, "version": value.version, "needs": needs, "direction": value.direction}
    if isinstance(value, Backend):
        about = f"serves {value.role}" + (f", builds on {', '.join(value.requires)}" if value.requires else "")
        return {"name": name, "about": about, "role": value.role, "recipe": value.recipe, "domain": value.domain}
    return {"name": name, "about": (value.__doc__ or "").strip().split("\n")[0]}
