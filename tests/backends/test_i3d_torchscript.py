"""StyleGAN-V's TorchScript file: how it is called, and that no other file is ever run."""

from __future__ import annotations

import hashlib
import typing as t
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from motionbench import weights
from motionbench.backends.i3d.torchscript import I3D_TORCHSCRIPT
from motionbench.errors import WeightsError
from motionbench.types import Case, Clip, InputMatch, Inputs, Video
from motionbench.weights import entries

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit:FutureWarning")
NAME = "i3d-torchscript"


class StandIn(nn.Module):
    """Called as StyleGAN-V calls its detector; tells what it was given instead of logits."""

    def forward(self, x: Tensor, rescale: bool = False, resize: bool = False, return_features: bool = False) -> Tensor:
        if not (rescale and resize and return_features):
            raise ValueError("other switches")
        shape = torch.tensor(x.shape)
        return torch.cat([shape.to(x.dtype), x[0, :, 0, 0, 1], x[0, 0, :, 2, 0], torch.zeros(400).to(x.dtype)])[None]


def inputs() -> Inputs:
    frames = np.random.default_rng(0).integers(0, 256, (9, 6, 10, 3), dtype=np.uint8)
    case = Case("c", "single", "", "", "", "", (), None)  # type: ignore[arg-type]
    clip = Clip(Video(frames, np.arange(9) / 8.0), (6, 10), (0, 0, 6, 10), 1, 8.0)
    return Inputs(case, clip, frames[0], np.ones((6, 10), bool), None, np.array([], int), InputMatch(1, 0, 0, 1))


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The stand-in where the file is looked for; its hash is the listed one for this test."""
    path = tmp_path / NAME / "i3d_torchscript.pt"
    path.parent.mkdir()
    torch.jit.script(StandIn()).save(str(path))
    listed, data = entries.find(NAME), path.read_bytes()
    made = listed.files[0].model_copy(update={"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)})
    known = {**entries.shipped(), NAME: listed.model_copy(update={"files": [made]})}
    monkeypatch.setattr(entries, "shipped", lambda: known)
    monkeypatch.setattr(weights, "_chosen", tmp_path)
    monkeypatch.setattr(weights, "_checked", {})
    return path


@pytest.mark.usefixtures("file")
def test_frames_go_in_as_they_are_and_the_file_does_the_rest() -> None:
    given = inputs()
    found = I3D_TORCHSCRIPT.load()(given, {})["embedding"]
    frames = given.clip.video.frames
    assert found.dtype == np.float32
    assert found[:5].tolist() == [1, 3, 9, 6, 10]
    assert found[5:8].tolist() == frames[0, 0, 1].tolist()
    assert found[8:17].tolist() == frames[:, 2, 0, 0].tolist()


def test_another_file_is_not_run(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.jit, "load", lambda *args, **kwargs: pytest.fail("the program was loaded"))
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    with pytest.raises(WeightsError, match=r"is a program and is not run: its sha256 is .*, expected ") as caught:
        I3D_TORCHSCRIPT.load()
    assert "\n" not in caught.value.message
    file.unlink()
    with pytest.raises(WeightsError, match="cannot be read"):
        I3D_TORCHSCRIPT.load()


def test_the_listed_hash_is_the_published_one() -> None:
    wanted: t.Any = entries.find(NAME).files[0]
    assert wanted.sha256 == "bec6519f66ea534e953026b4ae2c65553c17bf105611c746d904657e5860a5e2"
    assert wanted.bytes == 51_235_320
    assert (I3D_TORCHSCRIPT.role, I3D_TORCHSCRIPT.weights, I3D_TORCHSCRIPT.min_frames) == ("video", (NAME,), 9)
