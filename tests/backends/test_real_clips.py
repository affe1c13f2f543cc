"""Every backend by itself on a real video with masks: few frames, small, networks at their real size but random.

What it builds on comes from backends without weights. Not here: `i3d-torchscript`, a program that is run only under its
listed sha256 (test_i3d_torchscript.py), and `sam-h`, which is `sam` with a larger encoder.
"""

from __future__ import annotations

import typing as t
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from motionbench import load_dataset, registry, weights
from motionbench.backends import cotracker
from motionbench.cache import Cache
from motionbench.device import Device
from motionbench.engine import one_thread
from motionbench.plan import Plan
from motionbench.subject import Clock, Subject, Workbench
from motionbench.types import Backend, Protocol
from motionbench.weights.random import make_random

pytestmark = pytest.mark.slow

NAMES = sorted(set(registry.names("backends")) - {"i3d-torchscript", "sam-h"})
WITHOUT = {"flow": "dis", "tracks": "lk", "masks": "carried"}
FRAMES = {"video": 9, "windows": 6, "video_text": 8}
"""The fewest that a role takes of this video, whose ten frames a second make six of half a second; 2 for all others."""
SHAPES: dict[str, dict[str, tuple[str, str]]] = {
    "flow": {"uv": ("float32", "PHW2"), "uv_back": ("float32", "PHW2")},
    "tracks": {"xy": ("float32", "NT2"), "visible": ("bool", "NT"), "object_ids": ("int64", "N")},
    "windows": {
        "xy": ("float32", "NL2"),
        "visible": ("bool", "NL"),
        "object_ids": ("int64", "N"),
        "start": ("int64", "N"),
    },
    "masks": {"values": ("bool", "KTHW"), "object_ids": ("int64", "K")},
    "video": {"embedding": ("float32", "D")},
    "clip_image": {"frames": ("float32", "TD")},
    "clip_objects": {"crops": ("float32", "KTD"), "visible": ("bool", "KT"), "object_ids": ("int64", "K")},
    "clip_text": {"caption": ("float32", "D"), "objects": ("float32", "KD")},
    "subject": {"frames": ("float32", "TD")},
}
"""Dtype and axes of each feature: T frames, P pairs of them, K objects, N points, L steps, D as the network likes."""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of random weights that the tests fill as they go."""
    return tmp_path_factory.mktemp("weights")


@pytest.fixture
def kept() -> Iterator[None]:
    """What this process chose before is chosen again afterwards."""
    before = weights._chosen, dict(weights._checked)
    yield
    weights._chosen = before[0]
    weights._checked.clear()
    weights._checked.update(before[1])


def chosen(backend: Backend, root: Path) -> dict[str, str]:
    """The sha256 of a backend's weights, made at random where they are not yet."""
    store = weights.Store(root)
    absent = [name for name in backend.weights if store.state(name, weights.find(name)).known == "absent"]
    if make_random(root, absent, code_from=weights.default_folder()):
        pytest.skip(f"the code is not there: {weights.fetch_command(cotracker.CODE)}")
    found = weights.require(backend.weights, root)
    weights.use(root, found)
    return found


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize("name", NAMES)
def test_a_backend_alone(name: str, root: Path, shared_data: Path, tmp_path: Path) -> None:
    backend = t.cast(Backend, registry.load("backends", name))
    case = next(c for c in load_dataset(str(shared_data / "real_clips")).cases if c.id == "backpack")
    assert case.reference is not None and case.masks is not None
    protocol = Protocol(frames=FRAMES.get(backend.role, 2), fps=8.0, size=64, fit="short")
    backends = {role: registry.load("backends", other) for role, other in WITHOUT.items()} | {backend.role: backend}
    plan = Plan((), backends, protocol, chosen(backend, root), Device())
    bench = Workbench(plan, Cache(tmp_path), Clock())
    subject = Subject(bench, case, case.reference, case.first_frame.digest(), case.masks.digest())
    with one_thread():
        found = subject.features(backend.role)
    height, width = subject.geometry().size
    sizes = {"T": protocol.frames, "P": protocol.frames - 1, "H": height, "W": width, "K": len(case.objects), "2": 2}
    for key, array in found.items():
        assert np.isfinite(array).all(), key
    for key, (dtype, axes) in SHAPES.get(backend.role, {}).items():
        array = found[key]
        assert array.dtype == dtype and array.size > 0, key
        assert len(axes) == array.ndim, key
        assert tuple(sizes.get(axis, real) for axis, real in zip(axes, array.shape, strict=True)) == array.shape, key
    if backend.role in ("clip_image", "clip_text"):
        for array in found.values():
            np.testing.assert_allclose(np.linalg.norm(array, axis=-1), 1.0, atol=1e-4)
