"""Profiles: the shipped one is whole, and a user's file is checked field by field."""

from __future__ import annotations

import dataclasses

import pytest

from motionbench import registry
from motionbench.errors import ConfigError
from motionbench.profiles import load_profile, shipped_profiles
from motionbench.types import Protocol

GOOD = """
name = "mine"
[protocol]
frames = 8
fps = 4
[backends]
flow = "dis"
[metrics]
default = ["ad"]
"""


def test_every_shipped_profile_names_backends_and_metrics_that_exist():
    for name in shipped_profiles():
        profile = load_profile(name)
        assert profile.shipped
        for role, backend in profile.backends.items():
            assert registry.load("backends", backend).role == role
        for metric in profile.metrics:
            assert registry.load("metrics", metric).id == metric


def test_a_file_is_read_and_its_digest_follows_its_content(tmp_path):
    path = tmp_path / "p.toml"
    path.write_text(GOOD)
    profile = load_profile(path)
    assert (profile.name, profile.shipped) == ("mine", False)
    assert profile.protocol == dataclasses.replace(Protocol(), frames=8, fps=4.0)
    path.write_text(GOOD.replace("frames = 8", "frames = 9"))
    assert load_profile(path).sha256 != profile.sha256
    path.write_text(GOOD + "\n# a remark\n")
    assert load_profile(path).sha256 == profile.sha256


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("frames = 8", "frames = 0"), "whole numbers"),
        (("frames = 8", 'frames = "8"'), "whole numbers"),
        (("fps = 4", "fps = -1"), "fps"),
        (("fps = 4", "speed = 4"), "unknown fields: speed"),
        (("fps = 4", 'fit = "wide"'), "fit"),
        (('flow = "dis"', "flow = 3"), "backends"),
        (('default = ["ad"]', "default = []"), "metrics"),
        (('name = "mine"', 'nom = "mine"'), "unknown fields: nom"),
        (("[protocol]", "[protocol"), "not valid TOML"),
    ],
)
def test_a_wrong_file_is_one_line(tmp_path, change, message):
    path = tmp_path / "p.toml"
    path.write_text(GOOD.replace(*change))
    with pytest.raises(ConfigError, match=message) as caught:
        load_profile(path)
    assert "\n" not in caught.value.message


def test_an_unknown_name_says_what_there_is():
    with pytest.raises(ConfigError, match="no profile named") as caught:
        load_profile("nothing")
    assert "lite" in caught.value.hint
