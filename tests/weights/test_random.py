"""Random stand-ins: the official format, marked, and never mistaken for the real ones."""

from __future__ import annotations

import json

import pytest
import torch

from motionbench import weights
from motionbench.errors import ConfigError, PluginError, WeightsError
from motionbench.weights import load_state_dict
from motionbench.weights.random import make_random


def test_raft_is_in_torchvisions_format(tmp_path):
    from torchvision.models.optical_flow import raft_small

    assert make_random(tmp_path / "r", ["raft-small"]) == []
    weights.use(tmp_path / "r", {})
    path = weights.path("raft-small")
    assert path.name == "raft_small_C_T_V2-01064c6d.pth"
    weights.fill(raft_small(weights=None), load_state_dict(path), path)


def test_the_seed_decides(tmp_path):
    torch.manual_seed(1)
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        make_random(tmp_path / name, ["raft-small"], seed=seed)
    assert torch.initial_seed() == 1
    first, second, third = (weights.Store(tmp_path / name).journal.random.files for name in "abc")
    assert first == second != third


def test_the_folder_is_marked(tmp_path):
    root = tmp_path / "r"
    make_random(root, ["raft-small"])
    entry, store = weights.find("raft-small"), weights.Store(root)
    assert weights.is_random(root)
    assert not weights.is_random(tmp_path)
    assert store.made("raft-small", entry)
    found = weights.require(["raft-small"], root)
    assert found["raft-small"] != entry.files[0].sha256
    assert store.state("raft-small", entry).known == "present"
    with pytest.raises(WeightsError, match="random weights"):
        weights.fetch(["raft-large"], root, accept=lambda name, entry: True)


def test_a_changed_random_file_is_wrong_too(tmp_path):
    make_random(tmp_path / "r", ["raft-small"])
    path = weights.Store(tmp_path / "r").place("raft-small", weights.find("raft-small"))
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.raises(WeightsError) as caught:
        weights.require(["raft-small"], tmp_path / "r")
    assert ", expected " in caught.value.details[0]


def test_without_the_mark_they_are_wrong(tmp_path):
    make_random(tmp_path / "r", ["raft-small"])
    (tmp_path / "r" / "random.json").unlink()
    with pytest.raises(WeightsError):
        weights.require(["raft-small"], tmp_path / "r")


def test_a_folder_of_other_files_is_left_alone(tmp_path):
    (tmp_path / "weights.bin").write_bytes(b"mine")
    with pytest.raises(ConfigError, match="something else"):
        make_random(tmp_path, ["raft-small"])
    assert [p.name for p in tmp_path.iterdir()] == ["weights.bin"]


def test_what_has_no_maker_is_left_out_and_said(tmp_path):
    assert make_random(tmp_path / "r", ["i3d-torchscript", "cotracker3-code"]) == ["i3d-torchscript", "cotracker3-code"]
    with pytest.raises(PluginError):
        make_random(tmp_path / "r", ["none"])


@pytest.mark.filterwarnings("ignore:.*torch.jit:FutureWarning")
def test_a_random_program_is_never_run(tmp_path):
    root = tmp_path / "r"
    make_random(root, ["raft-small"])
    (root / "i3d-torchscript").mkdir()
    torch.jit.script(torch.nn.Linear(2, 2)).save(str(root / "i3d-torchscript" / "i3d_torchscript.pt"))
    weights.use(root, {})
    with pytest.raises(WeightsError, match="is not run"):
        weights.load_torchscript("i3d-torchscript")


def test_a_folder_entry_and_safetensors(tmp_path, listed, monkeypatch):
    from motionbench.weights import entries, makers

    files = [entries.File(path=p, sources=["https://example.org"]) for p in ("config.json", "model.safetensors")]
    listed("repo", ["https://example.org"], kind="folder", files=files, random="motionbench.weights.makers:repo")
    made = {"config.json": b"{}", "model.safetensors": {"w": torch.ones(2, 3).T}}
    monkeypatch.setattr(makers, "repo", lambda root: made, raising=False)
    make_random(tmp_path / "r", ["repo"])
    assert json.loads((tmp_path / "r" / "repo" / "config.json").read_text()) == {}
    assert load_state_dict(tmp_path / "r" / "repo" / "model.safetensors")["w"].shape == (3, 2)
    monkeypatch.setattr(makers, "repo", lambda root: {"config.json": b"{}"}, raising=False)
    with pytest.raises(PluginError, match="gives"):
        make_random(tmp_path / "r", ["repo"])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["raft-large", "sam-vit-b"])
def test_the_larger_ones(tmp_path, name):
    make_random(tmp_path / "r", [name])
    weights.use(tmp_path / "r", {})
    state = load_state_dict(weights.path(name))
    if name == "sam-vit-b":
        from segment_anything import sam_model_registry as registry

        net = registry["vit_b"](checkpoint=None)
    else:
        from torchvision.models.optical_flow import raft_large

        net = raft_large(weights=None)
    weights.fill(net, state, weights.path(name))
