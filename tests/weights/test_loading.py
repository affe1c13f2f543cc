"""A weight file is data: whatever else it is gets one line, and nothing of it runs."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import struct
import zipfile

import pytest
import torch
from safetensors.torch import save_file

from motionbench.errors import WeightsError
from motionbench.weights import fill, load_state_dict
from motionbench.weights.loading import load_torchscript

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*torch.jit:FutureWarning"),
    pytest.mark.filterwarnings("ignore:Detected pickle protocol:UserWarning"),
]


@pytest.fixture
def net():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4))


class Poison:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def refused(path, match, **more):
    with pytest.raises(WeightsError, match=match) as caught:
        load_state_dict(path, **more)
    assert "\n" not in caught.value.message
    assert len(caught.value.message) < 500
    assert "weights_only" not in caught.value.message


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".safetensors"])
def test_tensors_come_back(net, tmp_path, suffix):
    path = tmp_path / f"net{suffix}"
    save = save_file if suffix == ".safetensors" else torch.save
    save(dict(net.state_dict()), path)
    state = load_state_dict(path)
    assert set(state) == set(net.state_dict())
    other = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4))
    fill(other, state, path)
    assert all(torch.equal(a, b) for a, b in zip(net.state_dict().values(), other.state_dict().values(), strict=True))


def test_tensors_under_a_key(net, tmp_path):
    torch.save({"model": net.state_dict(), "step": 3}, tmp_path / "a.pt")
    assert set(load_state_dict(tmp_path / "a.pt", under="model")) == set(net.state_dict())
    refused(tmp_path / "a.pt", "tensors by name")
    refused(tmp_path / "a.pt", "nothing under 'ema'", under="ema")


@pytest.mark.parametrize("form", ["zip", "plain", "stream"])
def test_a_pickle_with_code_runs_nothing(net, tmp_path, form):
    path, trace = tmp_path / "poison.pt", tmp_path / "executed"
    content = {"weight": torch.zeros(2), "extra": Poison(trace)}
    if form == "plain":
        path.write_bytes(pickle.dumps(content["extra"], protocol=2))
    else:
        torch.save(content, path, _use_new_zipfile_serialization=form == "zip")
    refused(path, "refused, it holds more than tensors: .*mkdir")
    assert not trace.exists()
    pickle.loads(pickle.dumps(content["extra"]))  # the poison is one: loaded carelessly, it acts
    assert trace.exists()


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99])
def test_a_truncated_file_is_one_line(net, tmp_path, suffix, share):
    path = tmp_path / f"net{suffix}"
    (save_file if suffix == ".safetensors" else torch.save)(dict(net.state_dict()), path)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    refused(path, "cannot be read as weights|refused")


@pytest.mark.parametrize("content", [b"", b"<html>", b"\x80\x02.", b"PK\x03\x04", bytes(2000), os.urandom(2000)])
def test_no_weights_at_all(tmp_path, content):
    for suffix in (".pt", ".safetensors"):
        path = tmp_path / f"net{suffix}"
        path.write_bytes(content)
        refused(path, "cannot be read as weights|refused")


@pytest.mark.parametrize("content", [[1, 2], torch.zeros(3), {}, {"a": 1}, {1: torch.zeros(1)}])
def test_something_else_than_tensors_by_name(tmp_path, content):
    torch.save(content, tmp_path / "a.pt")
    refused(tmp_path / "a.pt", "tensors by name")


def test_an_absent_file(tmp_path):
    refused(tmp_path / "none.pt", "cannot be read")


def test_another_network_is_one_line_and_changes_nothing(net, tmp_path):
    before = {k: v.clone() for k, v in net.state_dict().items()}
    other = torch.nn.Sequential(torch.nn.Linear(5, 4), torch.nn.Conv2d(1, 1, 1))
    with pytest.raises(WeightsError) as caught:
        fill(net, other.state_dict(), tmp_path / "other.pt")
    message = caught.value.message
    assert "of another network than Sequential" in message
    assert "lacks (3): 1.num_batches_tracked, 1.running_mean, 1.running_var" in message
    assert "has other shapes (3): 0.weight, 1.bias, 1.weight" in message
    assert "\n" not in message
    assert all(torch.equal(before[k], v) for k, v in net.state_dict().items())


def test_torchscript_runs_only_under_its_listed_hash(net, tmp_path):
    path = tmp_path / "net.pt"
    torch.jit.trace(net.eval(), torch.zeros(2, 3)).save(str(path))
    refused(path, "is a TorchScript program, not tensors")
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    x = torch.ones(2, 3)
    assert torch.equal(load_torchscript(path, sha256)(x), net(x))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("net/extra/more", b"x")
    with pytest.raises(WeightsError, match=f"is not run: its sha256 is [0-9a-f]{{64}}, expected {sha256}"):
        load_torchscript(path, sha256)


@pytest.mark.filterwarnings("ignore::UserWarning")  # torch's, on tensors that nobody is to use
@pytest.mark.parametrize("kind", ["meta", "sparse", "quantised"])
def test_tensors_that_cannot_be_copied_are_refused_before_any_is(net, tmp_path, kind):
    weight = net[0].weight.detach()
    odd = {
        "meta": lambda: weight.to("meta"),
        "sparse": weight.to_sparse,
        "quantised": lambda: torch.quantize_per_tensor(weight, 0.1, 0, torch.qint8),
    }[kind]()
    torch.save({**net.state_dict(), "0.weight": odd}, tmp_path / "a.pt")
    refused(tmp_path / "a.pt", "holds 0.weight without plain numbers")


@pytest.mark.parametrize("dtype", [torch.complex64, torch.int32, torch.bool])
def test_numbers_of_another_kind_are_another_network(net, tmp_path, dtype):
    state = net.state_dict()
    with pytest.raises(WeightsError, match=r"has other kinds of numbers \(1\): 0.weight"):
        fill(net, {**state, "0.weight": state["0.weight"].to(dtype)}, tmp_path / "a.pt")
    fill(net, {**state, "0.weight": state["0.weight"].half()}, tmp_path / "a.pt")


def test_names_of_any_length_and_content_stay_one_short_line(net, tmp_path):
    name = "\x1b[31mred\n" + "x" * 100_000
    for path in (tmp_path / "a.pt", tmp_path / "a.safetensors"):
        (torch.save if path.suffix == ".pt" else save_file)({name: torch.zeros(1)}, path)
        with pytest.raises(WeightsError) as caught:
            fill(net, load_state_dict(path), path)
        assert len(caught.value.message) < 500 and caught.value.message.isprintable()
    for content in ({name: 1}, {tuple(range(10_000)): 1}):
        torch.save(content, tmp_path / "b.pt")
        refused(tmp_path / "b.pt", "tensors by name")


def test_a_small_file_that_unpacks_to_a_large_one(tmp_path):
    torch.save({"weight": torch.zeros(1_000_000)}, tmp_path / "a.pt")
    with zipfile.ZipFile(tmp_path / "a.pt") as plain, zipfile.ZipFile(tmp_path / "b.pt", "w") as packed:
        for entry in plain.infolist():
            packed.writestr(entry.filename, plain.read(entry), compress_type=zipfile.ZIP_DEFLATED)
    assert (tmp_path / "b.pt").stat().st_size < 10_000
    refused(tmp_path / "b.pt", "holds compressed records")


@pytest.mark.parametrize(
    ("length", "shape", "end"), [(None, [2**38], 2**40), (2**40, [1], 4), (None, [2**32, 2**32], 0)]
)
def test_a_header_that_claims_a_terabyte(tmp_path, length, shape, end):
    header = json.dumps({"weight": {"dtype": "F32", "shape": shape, "data_offsets": [0, end]}}).encode()
    (tmp_path / "a.safetensors").write_bytes(struct.pack("<Q", length or len(header)) + header + bytes(4))
    refused(tmp_path / "a.safetensors", "cannot be read as weights")


def test_a_pickle_that_claims_a_terabyte(tmp_path):
    for name, new in (("zip.pt", True), ("plain.pt", False)):
        path = tmp_path / name
        torch.save({"weight": torch.zeros(12)}, path, _use_new_zipfile_serialization=new)
        count, claim = b"K\x0c", b"\x8a\x06" + struct.pack("<Q", 2**40)[:6]
        if new:
            with zipfile.ZipFile(path) as archive:
                records = {entry: archive.read(entry) for entry in archive.namelist()}
            with zipfile.ZipFile(path, "w") as archive:
                for entry, content in records.items():
                    archive.writestr(entry, content.replace(count, claim) if entry.endswith(".pkl") else content)
        else:
            path.write_bytes(path.read_bytes().replace(count, claim))
        refused(path, "cannot be read as weights")
