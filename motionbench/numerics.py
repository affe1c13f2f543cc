"""Does this machine compute what another one did? Each backend on two built-in clips, beside stored values.

The clips are scenes of MotionBench-Synth at 64 x 64 pixels and 16 frames. Of each array that a backend returns, the
stored file (`data/numerics.json`, written by `tests/bench/numerics.py`) has shape, dtype, sha256, mean, root mean
square and eight of its values. Equal hashes are equal bits. Otherwise the numbers must agree to `RTOL` of the array's
root mean square: other builds of OpenCV, of the BLAS and of PyTorch round differently, and that much does not matter to
a score.

Values of a backend with trained weights belong to these weights, so they are stored under the backend's name and the
digest of its weights; with other weights the backend is run, and told to have no stored values.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import tempfile
import typing as t
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from motionbench import weights
from motionbench.cache import Cache, digest
from motionbench.datasets import synth
from motionbench.datasets.synth.assets import sha256
from motionbench.engine import one_thread
from motionbench.errors import MotionBenchError
from motionbench.plan import Plan, make_plan
from motionbench.profiles import Profile
from motionbench.registry import foreign
from motionbench.subject import Clock, Subject, Workbench
from motionbench.types import Array, Backend, Case, Clip, Features, Masks, Protocol
from motionbench.video import conform

RTOL = 1e-3
SCENES = (0, 1)  # indices in the test split
SIZE = 64
_SAMPLES = 8
_SCHEMA = "motionbench.numerics/1"

Verdict = t.Literal["equal", "close", "differs", "not stored", "not available"]


@dataclass(frozen=True, slots=True)
class _Rendered:
    """First frame, video and masks of a scene, small."""

    scene: synth.Scene

    def digest(self) -> str:
        return sha256(self.scene.video.frames)


class _Picture(_Rendered):
    def load(self) -> NDArray[np.uint8]:
        frame: NDArray[np.uint8] = self.scene.video.frames[0]
        return frame


class _Footage(_Rendered):
    def load(self, protocol: Protocol) -> Clip:
        return conform(self.scene.video, protocol)


class _Masks(_Rendered):
    def load(self) -> Masks:
        return self.scene.masks


@dataclass(frozen=True, slots=True)
class Finding:
    """How one backend compares: the verdict, the largest difference relative to RTOL's scale, and a note."""

    backend: str
    verdict: Verdict
    difference: float | None = None
    note: str = ""


def check(profile: Profile, root: Path) -> list[Finding]:
    """Run every backend of a profile that can run, and compare.

    Args:
        profile: its default metrics say which roles are wanted; its protocol is used at 64 pixels.
        root: the folder of weights.
    """
    stored = _stored()
    return [
        Finding(name, "not available", note=result.message)
        if isinstance(result, MotionBenchError)
        else compare(name, result, find(name, result, stored))
        for name, result in measure(profile, root)
    ]


def measure(profile: Profile, root: Path) -> Iterator[tuple[str, dict[str, t.Any] | MotionBenchError]]:
    """Name of each backend, with its recipe, weights and the summaries of its arrays, or with why it cannot run."""
    plan = make_plan(profile, profile.metrics)
    broken: dict[str, MotionBenchError] = {}
    known: dict[str, str] = {}
    for role, backend in plan.backends.items():
        try:
            known |= weights.require(backend.weights, root)
        except MotionBenchError as error:
            broken[role] = error
    weights.use(root, known)
    protocol = dataclasses.replace(plan.protocol, size=SIZE)
    plan = dataclasses.replace(plan, protocol=protocol, weights_sha256=known)
    with one_thread(), tempfile.TemporaryDirectory() as scratch:
        bench = Workbench(plan, Cache(Path(scratch)), Clock())
        subjects = [_subject(bench, index) for index in SCENES]
        for role, backend in plan.backends.items():
            blocked = next((broken[r] for r in plan.upstream(role) if r in broken), None)
            if blocked is None:
                try:
                    with foreign(MotionBenchError, f"{backend.name} cannot run"):
                        clips = {s.case.id: summary(s.features(role)) for s in subjects}
                    yield backend.name, _result(plan, backend, clips)
                    continue
                except MotionBenchError as error:
                    broken[role] = blocked = error
            yield backend.name, blocked


def _result(plan: Plan, backend: Backend, clips: Mapping[str, t.Any]) -> dict[str, t.Any]:
    names = {name for role in plan.upstream(backend.role) for name in plan.backends[role].weights}
    used = {name: plan.weights_sha256[name] for name in sorted(names)}
    recipes = {plan.backends[role].name: plan.backends[role].recipe for role in plan.upstream(backend.role)}
    return {"recipes": recipes, "weights_sha256": digest(used) if used else None, "clips": clips}


def _subject(bench: Workbench, index: int) -> Subject:
    scene = synth.render(index, size=SIZE)
    footage = _Footage(scene)
    case: Case = dataclasses.replace(scene.case, first_frame=_Picture(scene), reference=footage, masks=_Masks(scene))
    return Subject(bench, case, footage, footage.digest(), footage.digest())


def summary(features: Features) -> dict[str, dict[str, t.Any]]:
    """What is stored of each array of a backend's features."""
    return {name: _summary(array) for name, array in sorted(features.items())}


def _summary(array: Array) -> dict[str, t.Any]:
    flat = array.astype(np.float64).ravel()
    picks = np.linspace(0, flat.size - 1, _SAMPLES if flat.size else 0).round().astype(int)
    head = f"{array.dtype} {array.shape} ".encode()
    return {
        "dtype": str(array.dtype),
        "shape": list(array.shape),
        "sha256": hashlib.sha256(head + np.ascontiguousarray(array).tobytes()).hexdigest(),
        "mean": _digits(flat.mean() if flat.size else 0.0),
        "rms": _digits(np.sqrt(np.mean(flat**2)) if flat.size else 0.0),
        "samples": [_digits(flat[k]) for k in picks],
    }


def _digits(value: float) -> float:
    return float(f"{float(value):.9g}")


def key(name: str, result: Mapping[str, t.Any]) -> str:
    """What a backend's values are stored under: its name, and the first 12 digits of its weights' digest if any."""
    digest_of = result["weights_sha256"]
    return name if digest_of is None else f"{name}@{digest_of[:12]}"


def find(name: str, result: Mapping[str, t.Any], stored: Mapping[str, t.Any]) -> Mapping[str, t.Any] | None:
    """The stored values for a backend and its weights; else those for other weights; else None."""
    others = [value for entry, value in stored.items() if entry.partition("@")[0] == name]
    found: Mapping[str, t.Any] | None = stored.get(key(name, result), others[0] if others else None)
    return found


def compare(name: str, found: Mapping[str, t.Any], stored: Mapping[str, t.Any] | None) -> Finding:
    """Compare a backend's summaries with the stored ones.

    Returns:
        "equal" for equal bits, "close" within RTOL, "differs", or "not stored" where there is nothing to compare with:
        another recipe or other weights are another backend.
    """
    if stored is None:
        return Finding(name, "not stored")
    if stored["recipes"] != found["recipes"]:
        note = f"the stored values have the recipes {stored['recipes']}, here {found['recipes']}"
        return Finding(name, "not stored", note=note)
    if stored["weights_sha256"] != found["weights_sha256"]:
        return Finding(name, "not stored", note="the stored values are those of other weights")
    worst, place, equal = 0.0, "", True
    for clip, arrays in stored["clips"].items():
        for key in sorted({*arrays, *found["clips"][clip]}):
            old, new = arrays.get(key), found["clips"][clip].get(key)
            if old is None or new is None or (old["dtype"], old["shape"]) != (new["dtype"], new["shape"]):
                return Finding(name, "differs", None, f"{key} of {clip}: another dtype or shape")
            equal &= old["sha256"] == new["sha256"]
            difference = _difference(old, new)
            if difference > worst:
                worst, place = difference, f"{key} of {clip}"
    if equal:
        return Finding(name, "equal", 0.0)
    return Finding(name, "close" if worst <= RTOL else "differs", worst, place)


def _difference(old: Mapping[str, t.Any], new: Mapping[str, t.Any]) -> float:
    """The largest difference of mean, rms and samples, relative to the stored rms."""
    left = np.array([old["mean"], old["rms"], *old["samples"]])
    right = np.array([new["mean"], new["rms"], *new["samples"]])
    scale = max(float(old["rms"]), 1e-12)
    return float(np.max(np.abs(left - right))) / scale


def _stored() -> Mapping[str, t.Any]:
    content = json.loads((resources.files("motionbench") / "data" / "numerics.json").read_text(encoding="utf-8"))
    assert content["schema"] == _SCHEMA
    backends: Mapping[str, t.Any] = content["backends"]
    return backends


def document(backends: Mapping[str, t.Any], versions: Mapping[str, str]) -> dict[str, t.Any]:
    """The content of `data/numerics.json`, with the versions of the libraries that computed it."""
    return {"schema": _SCHEMA, "versions": dict(versions), "backends": dict(backends)}
