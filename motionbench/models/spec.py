"""From a model's name to a recipe that can travel to a worker process, and from the recipe to the model.

A name is one of
    NAME                          an entry point of the group `motionbench.models`
    package.module:attribute      a model, a class or factory of models, or a plain function Request -> Video
    diffusers:REPO_OR_DIR         a diffusers pipeline that takes an image
    command:"prog {image} {out}"  a program that writes a video file
"""

from __future__ import annotations

import importlib
import inspect
import operator
import sys
import typing as t
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from motionbench import registry
from motionbench.errors import ConfigError, PluginError
from motionbench.models.options import Scalar, parse_options, without_folders
from motionbench.types import I2VModel, Request, Video

Kind = t.Literal["entry point", "module", "diffusers", "command"]
PREFIXES: Mapping[str, Kind] = {"diffusers:": "diffusers", "command:": "command"}


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """How to build a model; small, picklable, hashable.

    Attributes:
        name: the name as it was given.
        kind: how the name is read.
        target: the name without its prefix.
        options: what the user set, sorted by key.
        surroundings: what the run sets (device, offline) for models that have such a parameter. No part of the
            model's identity.
    """

    name: str
    kind: Kind
    target: str
    options: tuple[tuple[str, Scalar], ...] = ()
    surroundings: tuple[tuple[str, Scalar], ...] = ()

    def build(self) -> I2VModel:
        """Build the model; may load weights.

        Raises:
            ConfigError: there is no such model, or it has no such option.
            PluginError: the code behind the name raises, or gives no model.
        """
        target = self._target()
        if not _is_factory(target, dict(self.options)):
            return _ready(target, self.name, dict(self.options))
        with registry.foreign(PluginError, f"the model {self.name} cannot be built"):
            model = target(**self._arguments(target))
        if not callable(getattr(model, "generate", None)):
            raise PluginError(
                f"the model {self.name} was built as a {type(model).__name__}, which has no generate(request)"
            )
        return t.cast(I2VModel, model)

    def check(self) -> None:
        """Import the code and check the options' names, without building the model. Raises like `build`."""
        target = self._target()
        if _is_factory(target, dict(self.options)):
            self._arguments(target)
        else:
            _ready(target, self.name, dict(self.options))
        if self.kind == "command":
            self.build()  # costs nothing, and finds a missing program before anything else starts
        if self.kind == "diffusers" and self.target.startswith(("/", ".", "~")) and not Path(self.target).is_dir():
            raise ConfigError(f"there is no folder {self.target!r}", "a name on the hub is OWNER/NAME")

    def identity(self) -> dict[str, t.Any]:
        """`{name, kind, options}` for a results file, without the folders of this machine."""
        name = self.name
        if self.kind == "diffusers" and Path(self.target).is_dir():
            name = f"diffusers:{Path(self.target).resolve().name}"
        options = {key: without_folders(value) if isinstance(value, str) else value for key, value in self.options}
        return {"name": without_folders(name), "kind": "model", "options": options}

    def _target(self) -> t.Any:
        """A model, a factory or a function."""
        if self.kind == "entry point":
            return registry.load("models", self.target)
        if self.kind == "module":
            return _attribute(self.target)
        if self.kind == "command":
            from motionbench.models.command import CommandModel

            return _Bound(CommandModel, self.target)
        from motionbench.models.pipeline import DiffusersModel

        return _Bound(DiffusersModel, self.target)

    def _arguments(self, factory: Callable[..., t.Any]) -> dict[str, Scalar]:
        """The keyword arguments for the factory, after a check of their names."""
        options = dict(self.options)
        signature = _signature(factory)
        if signature is None:
            return options
        known = {p.name for p in signature.parameters.values() if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
        anything = any(p.kind is p.VAR_KEYWORD for p in signature.parameters.values())
        for key in options:
            if key not in known and not anything:
                hint = registry.nearest(key, known, "options") if known else "it takes no options"
                raise ConfigError(f"the model {self.name} has no option {key!r}", hint)
        options |= {key: value for key, value in self.surroundings if key in known and key not in options}
        missing = [
            p.name
            for p in signature.parameters.values()
            if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD) and p.name not in options
        ]
        if missing:
            needs = ", ".join(missing)
            raise ConfigError(f"the model {self.name} needs the option {needs}", f"add -o {missing[0]}=VALUE")
        return options


@dataclass(slots=True)
class FunctionModel:
    """A plain function Request -> Video (or frames) as a model; the options become its keyword arguments."""

    name: str
    function: Callable[..., t.Any]
    options: Mapping[str, Scalar]

    def generate(self, request: Request) -> Video:
        """Call the function."""
        return t.cast(Video, self.function(request, **self.options))


class _Bound:
    """A factory with its first argument filled in. Unlike functools.partial it hides that argument."""

    def __init__(self, factory: Callable[..., t.Any], first: str) -> None:
        self.factory, self.first = factory, first
        signature = inspect.signature(factory)
        self.__signature__ = signature.replace(parameters=list(signature.parameters.values())[1:])

    def __call__(self, **options: Scalar) -> t.Any:
        return self.factory(self.first, **options)


def resolve_model(
    name: str, options: Mapping[str, Scalar] | None = None, surroundings: Mapping[str, Scalar] | None = None
) -> ModelSpec:
    """Find out what a model's name means, and check that it exists and has these options.

    Args:
        name: see the module's docstring.
        options: values as given on a command line; see `parse_options`.
        surroundings: values for parameters that the model may or may not have, such as `device` and `offline`.

    Raises:
        ConfigError: no such model or option, or a value that is no scalar; the hint names what there is.
        PluginError: the code behind the name cannot be imported, or is no model.
    """
    parsed = tuple(sorted(parse_options(options or {}).items()))
    around = tuple(sorted((surroundings or {}).items()))
    for prefix, kind in PREFIXES.items():
        if name.startswith(prefix):
            spec = ModelSpec(name, kind, name[len(prefix) :].strip(), parsed, around)
            break
    else:
        is_module = name not in registry.names("models") and ":" in name
        spec = ModelSpec(name, "module" if is_module else "entry point", name, parsed, around)
    spec.check()
    return spec


def _attribute(target: str) -> t.Any:
    """Import `package.module:attribute`. The working directory is on the path, as it is for `python -m`."""
    module, _, attribute = target.partition(":")
    if not module or not attribute:
        raise ConfigError(f"the model {target!r} is neither known nor of the form package.module:attribute")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        with registry.foreign(PluginError, f"the module {module!r} cannot be imported"):
            loaded = importlib.import_module(module)
    except PluginError as error:
        absent = error.__cause__
        if isinstance(absent, ModuleNotFoundError) and f"{module}.".startswith(f"{absent.name}."):
            raise ConfigError(
                f"there is no module {absent.name!r} (model {target!r})", "run from its folder, or set PYTHONPATH"
            ) from error
        raise
    try:
        return operator.attrgetter(attribute)(loaded)
    except AttributeError as error:
        public = [name for name in vars(loaded) if not name.startswith("_")]
        hint = registry.nearest(attribute, public, f"names in {module}")
        raise ConfigError(f"the module {module!r} has no attribute {attribute!r}", hint) from error


def _signature(function: Callable[..., t.Any]) -> inspect.Signature | None:
    try:
        return inspect.signature(function)
    except (ValueError, TypeError):  # some callables written in C have none
        return None


def _is_factory(target: t.Any, options: Mapping[str, Scalar]) -> bool:
    """True for a class, and for a function that needs nothing but options; a plain model function needs a request."""
    if inspect.isclass(target) or isinstance(target, _Bound):
        return True
    if callable(getattr(target, "generate", None)) or not callable(target):
        return False
    signature = _signature(target)
    if signature is None:
        return True
    positional = [
        p
        for p in signature.parameters.values()
        if p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) and p.name not in options
    ]
    return len(positional) != 1


def _ready(target: t.Any, name: str, options: dict[str, Scalar]) -> I2VModel:
    """A model from a model instance or a plain function."""
    if callable(getattr(target, "generate", None)):
        if options:
            raise ConfigError(f"the model {name} is already built and takes no options", "name its class instead")
        return t.cast(I2VModel, target)
    if not callable(target):
        raise PluginError(
            f"{name} is a {type(target).__name__}, expected a model, a factory or a function of a request"
        )
    signature = _signature(target)
    if signature is not None:
        try:
            signature.bind(None, **options)
        except TypeError as error:
            raise ConfigError(f"the model function {name} does not take these options: {error}") from error
    return FunctionModel(name, target, options)
