"""Checkpoints that load completely or not at all.

diffusers only logs weights that are missing or left over, fills the missing ones with noise, and loads a folder of
another class if the two share a configuration. A masked branch lost that way leaves a model that runs and is wrong, so
here every such case is an error that names the weights.
"""

from __future__ import annotations

import contextlib
import os
import typing as t
from collections.abc import Iterator
from pathlib import Path

import transformers
from diffusers.configuration_utils import FrozenDict
from diffusers.utils import logging
from safetensors import SafetensorError

from motionbench.errors import WeightsError

_HUB = ("cache_dir", "force_download", "proxies", "local_files_only", "token", "revision", "subfolder")
_HINT = "weights and config.json must come from one training and be loaded by the class that saved them"


class StrictLoading:
    """Put before `ModelMixin` among the bases: `from_pretrained` then refuses whatever does not fit exactly."""

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: str | os.PathLike[str], **kwargs: t.Any) -> t.Any:
        """The model of a folder or a repository of the Hugging Face hub, from safetensors only.

        Args:
            pretrained_model_name_or_path: what `save_pretrained` wrote.
            kwargs: as for `ModelMixin.from_pretrained`.

        Raises:
            WeightsError: no weights, a corrupt file, a model of another class, or weights that are missing, left over
                or of another shape.
        """
        source, name = pretrained_model_name_or_path, str(pretrained_model_name_or_path)
        if Path(source).is_absolute() and not Path(source).exists():
            raise WeightsError(f"there is no folder {name!r}", "give the folder that `save_pretrained` wrote")
        wants_info = kwargs.pop("output_loading_info", False)
        try:
            with _errors_only():
                saved = cls.load_config(source, **{k: v for k, v in kwargs.items() if k in _HUB})["_class_name"]  # type: ignore[attr-defined]
                if saved != cls.__name__:
                    raise WeightsError(f"{name!r} holds a {saved}, not a {cls.__name__}", _HINT)
                model, info = super().from_pretrained(  # type: ignore[misc]
                    source, **{**kwargs, "use_safetensors": True, "output_loading_info": True}
                )
        except KeyError as error:
            raise WeightsError(f"config.json of {name!r} does not say {error}", _HINT) from error
        except (OSError, ValueError, TypeError, RuntimeError, NotImplementedError, SafetensorError) as error:
            # diffusers goes on with advice to ignore what does not fit.
            reason = " ".join(str(error).split()).split(". ")[0][:300]
            raise WeightsError(f"{name!r} cannot be loaded as {cls.__name__}: {reason}", _HINT) from error
        for what in ("missing", "unexpected", "mismatched"):
            if keys := sorted(str(key) for key in info[f"{what}_keys"]):
                shown = ", ".join(keys[:4]) + (", ..." if len(keys) > 4 else "")
                raise WeightsError(f"{name!r} has {len(keys)} {what} weights for {cls.__name__}: {shown}", _HINT)
        # diffusers notes the folder in the configuration, and the next config.json would differ by it.
        model._internal_dict = FrozenDict({k: v for k, v in model.config.items() if k != "_name_or_path"})
        return (model, info) if wants_info else model


def quiet() -> None:
    """No bars and no asides of others: progress is the command line's business, and what fails is an error here."""
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()


@contextlib.contextmanager
def _errors_only() -> Iterator[None]:
    """Inside, diffusers logs errors only: its warnings about weights list hundreds of names and become errors here."""
    level = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(level)
