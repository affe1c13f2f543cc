"""The shipped list of weights, and what a list may not say."""

from __future__ import annotations

import importlib

import pydantic
import pytest

from motionbench.errors import PluginError
from motionbench.weights import entries

ENTRIES = entries.shipped()
HEAD = """
schema = "motionbench.weights/1"
[weights.a]
title = "A"
kind = "{kind}"
license = "MIT"
license_url = "https://example.org"
paper = "https://example.org"
backends = []
provenance = "made up"
{more}
[[weights.a.files]]
path = "{path}"
sources = ["{source}"]
"""


def written(kind="state_dict", more="", path="a.pt", source="https://example.org/a.pt"):
    return HEAD.format(kind=kind, more=more, path=path, source=source)


def test_the_paper_profile_is_covered():
    assert set(ENTRIES) >= {
        "i3d", "i3d-torchscript", "clip-vit-b32", "clip-vit-l14", "viclip", "raft-large", "raft-small", "cotracker3",
        "cotracker3-code", "sam-vit-b", "sam-vit-h", "sam2-large", "sam2-tiny", "dino-vit-b16",
    }  # fmt: skip


@pytest.mark.parametrize("name", sorted(ENTRIES))
def test_an_entry_is_whole(name):
    entry = ENTRIES[name]
    assert entry.size > 0
    assert entry.license_url.startswith("https://")
    assert entry.provenance
    assert entry.non_commercial == ("NC" in entry.license)
    paths = [file.path for file in entry.files]
    assert len(set(paths)) == len(paths)
    for file in entry.files:
        assert len(set(file.sources)) == len(file.sources)


@pytest.mark.parametrize("name", ["raft-large", "raft-small"])
def test_a_prefix_in_torchvisions_file_name_is_that_of_the_hash(name):
    (file,) = ENTRIES[name].files
    assert file.sha256[:8] == file.path.rpartition("-")[2].removesuffix(".pth")


@pytest.mark.parametrize("size", ["large", "small"])
def test_raft_is_the_file_of_torchvisions_default(size):
    flow = importlib.import_module("torchvision.models.optical_flow")
    enum = getattr(flow, f"Raft_{size.title()}_Weights")
    assert enum.DEFAULT.url == ENTRIES[f"raft-{size}"].files[0].sources[0]


@pytest.mark.parametrize("name", sorted(n for n, e in ENTRIES.items() if e.random))
def test_a_maker_exists(name):
    module, _, function = ENTRIES[name].random.partition(":")
    assert callable(getattr(importlib.import_module(module), function))


def test_a_list_is_read():
    assert entries.parse(written())["a"].files[0].sha256 is None


@pytest.mark.parametrize(
    "change",
    [
        {"path": "../a.pt"},
        {"path": "/a.pt"},
        {"path": "b\\\\a.pt"},
        {"source": "http://example.org/a.pt"},
        {"source": "file:///a.pt"},
        {"source": "https.evil"},
        {"kind": "torchscript"},
        {"kind": "code"},
        {"kind": "pickle"},
        {"more": 'tree = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"'},
        {"more": 'tree = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"', "kind": "code"},
        {"more": 'keep = ["a"]'},
        {"more": 'unheard = "of"'},
    ],
)
def test_what_cannot_be_trusted_is_no_list(change):
    with pytest.raises(pydantic.ValidationError):
        entries.parse(written(**change))


def test_an_unknown_name_is_a_plugins_fault():
    with pytest.raises(PluginError, match="no weights called 'none'"):
        entries.find("none")
