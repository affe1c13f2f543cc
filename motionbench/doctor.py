"""What works on this machine: versions, devices, the decoder, the cache, the weights, and what profiles can run."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import tempfile
import typing as t
from pathlib import Path

import numpy as np

from motionbench import __version__, video
from motionbench.errors import MotionBenchError
from motionbench.plan import make_plan
from motionbench.profiles import load_profile, shipped_profiles
from motionbench.registry import first_line, foreign
from motionbench.types import Protocol, Video
from motionbench.weights import Store, find

LIBRARIES = (
    "numpy", "scipy", "opencv-python-headless", "av", "torch", "torchvision", "safetensors", "diffusers",
    "transformers", "open-clip-torch", "segment-anything", "torchmetrics",
)  # fmt: skip


def report(weights_dir: Path, cache: Path) -> dict[str, t.Any]:
    """All findings as plain values; "ok" says whether the profile lite can run.

    Args:
        weights_dir: the folder of weights.
        cache: the artefact store.
    """
    decoder = check_decoder()
    profiles = {name: _profile(name, weights_dir, decoder["ok"]) for name in shipped_profiles()}
    return {
        "motionbench": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "versions": versions(),
        "devices": _devices(),
        "decoder": decoder,
        "cache": _cache(cache),
        "weights_dir": str(weights_dir),
        "profiles": profiles,
        "ok": profiles["lite"]["ok"],
    }


def versions() -> dict[str, str | None]:
    """Versions of the libraries that compute; None for one that is not installed."""
    found: dict[str, str | None] = {}
    for name in LIBRARIES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = None
    return found


def _devices() -> dict[str, t.Any]:
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    devices: dict[str, t.Any] = {"cpu_threads": usable, "cuda": [], "note": ""}
    try:
        import torch

        for index in range(torch.cuda.device_count()):
            about = torch.cuda.get_device_properties(index)
            devices["cuda"].append({"name": about.name, "bytes": about.total_memory})
    except (ImportError, OSError, RuntimeError) as error:  # a broken driver must not hide all the rest
        devices["note"] = first_line(error)
    return devices


def check_decoder() -> dict[str, t.Any]:
    """Write eight frames of a moving ramp, read them again, and compare."""
    import av

    found: dict[str, t.Any] = {"ok": False, "pyav": av.__version__, "note": ""}
    found["libraries"] = {k: ".".join(map(str, v)) for k, v in sorted(av.library_versions.items())}
    found["ffmpeg"] = str(getattr(av, "ffmpeg_version_info", ""))
    ramp = np.linspace(40, 200, 64).astype(np.uint8)
    frames = np.stack([np.broadcast_to(np.roll(ramp, 2 * k)[None, :, None], (64, 64, 3)) for k in range(8)])
    original = Video(np.ascontiguousarray(frames), np.arange(8) / 8.0)
    try:
        with tempfile.TemporaryDirectory() as folder, foreign(MotionBenchError, "video cannot be written and read"):
            path = Path(folder) / "probe.mp4"
            video.save_video(original, path)
            back = video.load_video(path, Protocol(frames=8, fps=8.0, size=64)).video
        error = float(np.abs(back.frames.astype(int) - original.frames).mean()) if len(back.frames) == 8 else np.inf
        found["mean_error"] = round(error, 3) if np.isfinite(error) else None
        found["ok"] = error < 4 and bool(np.allclose(back.times, original.times, atol=1e-3))
        if not found["ok"]:
            found["note"] = f"{len(back.frames)} of 8 frames came back, mean error {error:.1f} of 255"
    except MotionBenchError as problem:
        found["note"] = problem.message
    return found


def _cache(root: Path) -> dict[str, t.Any]:
    """Whether the cache can be written, and what it holds."""
    files = size = 0
    for folder, _, names in os.walk(root):
        for name in names:
            try:
                size += (Path(folder) / name).stat().st_size
                files += 1
            except OSError:
                continue  # a run beside this one has just removed it
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=root):
            note = ""
    except OSError as error:
        note = error.strerror or str(error)
    return {"path": str(root), "writable": not note, "bytes": size, "files": files, "note": note}


def _profile(name: str, weights_dir: Path, decoder: bool) -> dict[str, t.Any]:
    """Whether a profile can run, and if not, why."""
    problems = [] if decoder else ["videos cannot be decoded"]
    try:
        profile = load_profile(name)
        plan = make_plan(profile, profile.metrics)
        store = Store(weights_dir)
        for weight in plan.weights:
            state = store.state(weight, find(weight))
            if state.known in ("absent", "wrong"):
                problems.append(f"the weights {weight} are {state.known}")
        for backend in plan.backends.values():
            if not backend.weights:  # loading those with weights takes gigabytes; `--numerics` runs them
                with foreign(MotionBenchError, f"{backend.name} cannot be loaded"):
                    backend.load()
    except MotionBenchError as error:
        problems.append(error.message)
    return {"ok": not problems, "problems": problems}
