"""From a name to a model: every form of name, its options, and what is said when it does not fit."""

from __future__ import annotations

import pickle
import sys
import textwrap

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motionbench.errors import ConfigError, PluginError
from motionbench.models import generate, parse_options, resolve_model
from motionbench.models.fingerprint import fingerprint
from motionbench.models.options import without_folders
from motionbench.models.spec import ModelSpec
from motionbench.models.warp import WarpModel

MODULE = """
    import numpy as np

    class Klass:
        name = "klass"
        def __init__(self, level: int = 1, device: str = "none"):
            if level < 0:
                raise ValueError("level is below 0\\nand that is bad")
            self.level, self.device = level, device
        def generate(self, request):
            return np.full((request.frames, 16, 16, 3), self.level, np.uint8)

    class Needy(Klass):
        def __init__(self, weights):
            super().__init__(len(weights))

    def factory(level=2):
        return Klass(level)

    def anything(**options):
        return Klass(len(options))

    def wrong(level=1):
        return level

    def function(request):
        return np.full((request.frames, 16, 16, 3), 9, np.uint8)

    def tuned(request, level=3, *, dark=False):
        return np.full((request.frames, 16, 16, 3), 0 if dark else level, np.uint8)

    built = Klass(5)

    class Space:
        inner = Klass

    NUMBER = 3
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    """A module in the working directory, which is not on the path."""
    (tmp_path / "mb_user_models.py").write_text(textwrap.dedent(MODULE))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [p for p in sys.path if p])
    yield "mb_user_models"
    sys.modules.pop("mb_user_models", None)


def level(spec, make_request) -> int:
    """What the model paints, after a trip to another process."""
    model = pickle.loads(pickle.dumps(spec)).build()
    return int(generate(model, make_request()).frames[0, 0, 0, 0])


@pytest.mark.parametrize(
    ("attribute", "options", "painted"),
    [
        ("Klass", {}, 1),
        ("Klass", {"level": "7"}, 7),
        ("Needy", {"weights": "abc"}, 3),
        ("factory", {}, 2),
        ("factory", {"level": 4}, 4),
        ("anything", {"a": "1", "b": "2"}, 2),
        ("function", {}, 9),
        ("tuned", {}, 3),
        ("tuned", {"level": "8"}, 8),
        ("tuned", {"dark": "true"}, 0),
        ("built", {}, 5),
        ("Space.inner", {"level": "6"}, 6),
    ],
)
def test_a_module_gives_models_in_every_form(module, make_request, attribute, options, painted) -> None:
    spec = resolve_model(f"{module}:{attribute}", options)
    assert level(spec, make_request) == painted


@pytest.mark.parametrize(
    ("attribute", "options", "error", "reason"),
    [
        ("Klass", {"levle": "1"}, ConfigError, "no option 'levle'"),
        ("Needy", {}, ConfigError, "needs the option weights"),
        ("function", {"level": "1"}, ConfigError, "does not take these options: got an unexpected keyword"),
        ("built", {"level": "1"}, ConfigError, "already built and takes no options"),
        ("absent", {}, ConfigError, "has no attribute 'absent'"),
        ("NUMBER", {}, PluginError, "is a int, expected a model"),
    ],
)
def test_what_does_not_fit_is_said_before_anything_is_built(module, attribute, options, error, reason) -> None:
    with pytest.raises(error, match=reason) as caught:
        resolve_model(f"{module}:{attribute}", options)
    assert "\n" not in caught.value.message


def test_hints_name_what_there_is(module) -> None:
    with pytest.raises(ConfigError) as caught:
        resolve_model(f"{module}:Klass", {"levle": "1"})
    assert caught.value.hint == "did you mean level?"
    with pytest.raises(ConfigError) as caught:
        resolve_model(f"{module}:Klas")
    assert "Klass" in caught.value.hint


def test_a_factory_that_raises_or_gives_no_model_is_a_plugin_error(module) -> None:
    with pytest.raises(PluginError, match=r"cannot be built: ValueError: level is below 0$"):
        resolve_model(f"{module}:Klass", {"level": "-1"}).build()
    with pytest.raises(PluginError, match="was built as a int, which has no generate"):
        resolve_model(f"{module}:wrong").build()


def test_a_module_that_is_not_there_and_one_that_breaks(module, tmp_path) -> None:
    with pytest.raises(ConfigError, match="no module 'mb_absent'"):
        resolve_model("mb_absent.sub:Model")
    (tmp_path / "mb_needs.py").write_text("import mb_other_absent")
    with pytest.raises(PluginError, match=r"'mb_needs' cannot be imported: ModuleNotFoundError: .*mb_other_absent"):
        resolve_model("mb_needs:Model")
    (tmp_path / "mb_syntax.py").write_text("def broken(:\n")
    with pytest.raises(PluginError, match="'mb_syntax' cannot be imported: SyntaxError"):
        resolve_model("mb_syntax:Model")


@pytest.mark.parametrize(
    "name", ["", "nothing", "a:", ":b", "static:", "Static", "../x", "command:", "diffusers:/no/dir"]
)
def test_odd_names_are_configuration_errors(name) -> None:
    with pytest.raises(ConfigError) as caught:
        resolve_model(name)
    assert "\n" not in caught.value.message


def test_surroundings_go_only_to_those_who_ask(module) -> None:
    around = {"device": "cuda:1", "offline": True}
    spec = resolve_model(f"{module}:Klass", {}, around)
    assert spec.build().device == "cuda:1"
    assert spec.identity()["options"] == {}
    assert resolve_model(f"{module}:Klass", {"device": "cpu"}, around).build().device == "cpu"
    resolve_model(f"{module}:factory", {}, around).build()
    resolve_model("static", {}, around).build()


def test_entry_points_take_options() -> None:
    spec = resolve_model("warp", {"strength": "0.5"})
    assert isinstance(spec.build(), WarpModel) and spec.build().strength == 0.5
    with pytest.raises(ConfigError, match="the model static has no option 'x'") as caught:
        resolve_model("static", {"x": "1"})
    assert caught.value.hint == "it takes no options"
    assert hash(spec) == hash(pickle.loads(pickle.dumps(spec)))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3), ("-2.5e1", -25.0), ("true", True), ("null", None), ('"3"', "3"), ("cat", "cat"), ("", ""),
        ("True", "True"), ("NaN", "NaN"), ("Infinity", "Infinity"), ("[1, 2]", "[1, 2]"), ('{"a": 1}', '{"a": 1}'),
        ("a=b", "a=b"), ("007", "007"), (" 3 ", 3), ("1e999", "1e999"),
    ],
)  # fmt: skip
def test_option_values_are_json_scalars_or_text(text, value) -> None:
    parsed = parse_options({"key": text})["key"]
    assert parsed == value and type(parsed) is type(value)


@given(st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False)))
def test_values_that_are_no_text_stay(value) -> None:
    assert parse_options({"key": value}) == {"key": value}


@pytest.mark.parametrize("value", [[1], {"a": 1}, object(), float("nan"), float("inf"), np.zeros(2)])
def test_other_values_are_refused(value) -> None:
    with pytest.raises(ConfigError, match="option 'key' is"):
        parse_options({"key": value})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("command:/opt/bin/prog --weights=/data/w.safetensors {image}", "command:prog --weights=w.safetensors {image}"),
        ("command:python '/home/me/my model.py' {out}", "command:python 'my model.py' {out}"),
        ("diffusers:owner/name", "diffusers:owner/name"),
        ("diffusers:/models/svd", "diffusers:svd"),
        ("command:prog -r 24000/1001 {out}", "command:prog -r 24000/1001 {out}"),
        ("command:prog ~/models/w.bin {out}", "command:prog w.bin {out}"),
        ("package.module:Klass", "package.module:Klass"),
        ("/data/", "data/"),
        ('command:"/home/my dir/prog" {out}', 'command:"prog" {out}'),
        ("a / b", "a / b"),
        ("https://host/path", "https://host/path"),
    ],
)
def test_a_results_file_says_nothing_about_folders(text, expected) -> None:
    assert without_folders(text) == expected


def test_the_fingerprint_follows_name_options_and_code(module, tmp_path) -> None:
    def of(name, options=None):
        return fingerprint(resolve_model(name, options or {}))

    first = of(f"{module}:Klass")
    assert first == of(f"{module}:Klass")
    assert len({first, of(f"{module}:factory"), of(f"{module}:Klass", {"level": "2"}), of("static"), of("warp")}) == 5
    assert of("warp", {"strength": "1"}) != of("warp", {"strength": "1.5"})
    with (tmp_path / "mb_user_models.py").open("a") as file:
        file.write("# edited\n")
    assert of(f"{module}:Klass") != first


def test_the_fingerprint_of_a_command_follows_its_files(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    script = tmp_path / "make.py"
    script.write_text("print(1)")
    name = f"command:{sys.executable} make.py --config=make.py {{out}}"
    first = fingerprint(resolve_model(name))
    assert first == fingerprint(resolve_model(name))
    assert first != fingerprint(resolve_model(name, {"timeout": "5"}))
    script.write_text("print(2)")
    assert first != fingerprint(resolve_model(name))


def test_other_weights_in_a_folder_that_an_option_names_are_another_model(tmp_path):
    folder = tmp_path / "weights"
    folder.mkdir()
    (folder / "a.safetensors").write_bytes(b"one")
    spec = ModelSpec("static", "entry point", "static", (("weights", str(folder)), ("long", "x" * 9000)))
    before = fingerprint(spec)
    assert fingerprint(spec) == before
    (folder / "a.safetensors").write_bytes(b"two")
    assert fingerprint(spec) != before
