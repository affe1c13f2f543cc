"""Checkpoints that load completely or not at all.

diffusers only logs weights that are missing or left over, and fills the missing ones with noise. A masked branch lost
that way leaves a model that runs and is wrong, so here every such case is an error that names the weights.
"""

from __future__ import annotations

import os
import typing as t

from safetensors import SafetensorError

from motionbench.errors import WeightsError


class StrictLoading:
    """Put before `ModelMixin` among the bases: `from_pretrained` then refuses whatever does not fit exactly."""

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: str | os.PathLike[str], **kwargs: t.Any) -> t.Any:
        """The model of a folder or a repository of the Hugging Face hub, from safetensors only.

        Args:
            pretrained_model_name_or_path: what `save_pretrained` wrote.
            kwargs: as for `ModelMixin.from_pretrained`.

        Raises:
            WeightsError: no weights, a corrupt file, or weights that are missing, left over or of another shape.
        """
        source = f"{str(pretrained_model_name_or_path)!r}"
        wants_info = kwargs.pop("output_loading_info", False)
        try:
            model, info = super().from_pretrained(  # type: ignore[misc]
                pretrained_model_name_or_path, **{**kwargs, "use_safetensors": True}, output_loading_info=True
            )
        except (OSError, ValueError, RuntimeError, NotImplementedError, SafetensorError) as error:
            reason = " ".join(str(error).split())[:300]
            raise WeightsError(f"{source} cannot be loaded as {cls.__name__}: {reason}", _HINT) from error
        for what in ("missing", "unexpected", "mismatched"):
            if names := sorted(str(name) for name in info[f"{what}_keys"]):
                shown = ", ".join(names[:4]) + (", ..." if len(names) > 4 else "")
                raise WeightsError(f"{source} has {len(names)} {what} weights for {cls.__name__}: {shown}", _HINT)
        return (model, info) if wants_info else model


_HINT = "the weights and config.json must come from the same training and be loaded by the class that saved them"
