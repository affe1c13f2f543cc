"""Entry points: listed without imports, loaded with checks, refused in one line."""

from __future__ import annotations

import sys

import pytest

from motionbench import registry
from motionbench.errors import ConfigError, MotionBenchError, PluginError, WeightsError

ONE_METRIC = """
    from motionbench.types import Metric
    PLUG = Metric("plug", 1, (), lambda view: {}, lambda rows, seed: None, "", "none", "a metric")
"""


def test_our_own_names_are_there() -> None:
    assert {"static", "warp"} <= set(registry.names("models"))
    assert {"fvd", "survival", "warp_error"} <= set(registry.names("metrics"))
    assert {"dis", "photometric"} <= set(registry.names("backends"))


@pytest.mark.parametrize("kind", ["models", "metrics", "backends"])
def test_everything_we_ship_loads(kind: registry.Kind) -> None:
    ours = {entry.name for entry in registry.entries(kind) if entry.distribution == "motionbench"}
    assert {name: why for name, why in registry.problems(kind).items() if name in ours} == {}


def test_listing_imports_nothing(install) -> None:
    install("plug-a", {"models": {"a": "plug_a:A"}}, "raise RuntimeError('imported')")
    assert "a" in registry.names("models")
    entry = registry.find("models", "a")
    assert (entry.distribution, entry.version, entry.target) == ("plug-a", "1.0", "plug_a:A")
    assert "plug_a" not in sys.modules


def test_a_metric_from_elsewhere_loads(install) -> None:
    install("plug-a", {"metrics": {"plug": "plug_a:PLUG"}}, ONE_METRIC)
    assert registry.load("metrics", "plug").id == "plug"


def test_an_unknown_name_gets_the_nearest_ones() -> None:
    with pytest.raises(ConfigError, match="no model called 'wrap'") as caught:
        registry.load("models", "wrap")
    assert "warp" in caught.value.hint
    with pytest.raises(ConfigError) as caught:
        registry.load("metrics", "zzzzzzz")
    assert "known metrics" in caught.value.hint and "fvd" in caught.value.hint


def test_two_distributions_with_one_name_are_both_named(install) -> None:
    install("plug-a", {"metrics": {"plug": "plug_a:PLUG"}}, ONE_METRIC)
    install("plug-b", {"metrics": {"plug": "plug_b:PLUG", "other": "plug_b:OTHER"}}, ONE_METRIC)
    assert registry.names("metrics").count("plug") == 1
    with pytest.raises(PluginError, match=r"declared twice: by plug-a .*and plug-b"):
        registry.load("metrics", "plug")
    assert "plug" in registry.problems("metrics")
    assert registry.load("metrics", "fvd").id == "fvd"  # the others still work


def test_a_plugin_cannot_take_a_name_of_ours(install) -> None:
    install("plug-a", {"models": {"static": "plug_a:X"}}, "X = dict")
    with pytest.raises(PluginError, match=r"motionbench .*and plug-a"):
        registry.load("models", "static")


@pytest.mark.parametrize(
    ("kind", "code", "reason"),
    [
        ("metrics", "import no_such_module_at_all", "cannot be imported: ModuleNotFoundError: No module named"),
        ("metrics", "raise ValueError('first\\nsecond')", "cannot be imported: ValueError: first"),
        ("metrics", "import sys; sys.exit(3)", "sys.exit"),
        ("metrics", "OTHER = 1", "cannot be imported: AttributeError"),
        ("metrics", "PLUG = 7", r"is a int, expected a motionbench.types.Metric"),
        ("backends", "PLUG = {}", r"is a dict, expected a motionbench.types.Backend"),
        ("models", "PLUG = 'text'", "is a str, expected a class or a function"),
        ("metrics", ONE_METRIC.replace('"plug"', '"fvd"'), "calls itself 'fvd'"),
    ],
)
def test_a_broken_plugin_is_one_line_that_names_its_distribution(install, kind, code, reason) -> None:
    install("plug-a", {kind: {"plug": "plug_a:PLUG"}}, code)
    assert "plug" in registry.names(kind)
    with pytest.raises(PluginError, match=reason) as caught:
        registry.load(kind, "plug")
    assert "plug-a" in caught.value.message and "\n" not in caught.value.message
    assert registry.problems(kind)["plug"] == caught.value.message


def test_our_own_errors_pass_through_a_plugins_import(install) -> None:
    code = "from motionbench.errors import WeightsError\nraise WeightsError('no weights', 'fetch them')"
    install("plug-a", {"backends": {"plug": "plug_a:PLUG"}}, code)
    with pytest.raises(WeightsError) as caught:
        registry.load("backends", "plug")
    assert caught.value.hint == "fetch them"


def test_the_same_declaration_twice_is_no_conflict(install) -> None:
    site = install("plug-a", {"metrics": {"plug": "plug_a:PLUG"}}, ONE_METRIC)
    sys.path.append(str(site))  # an editable install beside a regular one looks like this
    assert registry.load("metrics", "plug").id == "plug"


def test_names_on_a_new_path_are_seen(install) -> None:
    before = registry.names("models")
    install("plug-a", {"models": {"late": "plug_a:A"}})
    assert set(registry.names("models")) == {*before, "late"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\x1b[31mred\x1b[0m alert", "red alert"),
        ("at 0x7f3a12bc9e40>", "at 0x...>"),
        ("a\tb\x00c\u2028d", "a b c d"),
        ("x" * 400, "x" * 297 + "..."),
    ],
)
def test_one_line_is_fit_for_a_note(text: str, expected: str) -> None:
    assert registry.one_line(text) == expected


def test_foreign_errors_become_ours_and_keep_their_cause() -> None:
    with (
        pytest.raises(PluginError, match="it broke: KeyError: 'k'") as caught,
        registry.foreign(PluginError, "it broke"),
    ):
        {}["k"]
    assert isinstance(caught.value.__cause__, KeyError)
    for passing in (KeyboardInterrupt, MemoryError, MotionBenchError("m")):
        with pytest.raises((KeyboardInterrupt, MemoryError, MotionBenchError)), registry.foreign(PluginError, "x"):
            raise passing
    with pytest.raises(SystemExit), registry.foreign(PluginError, "x"):
        raise SystemExit(143)
