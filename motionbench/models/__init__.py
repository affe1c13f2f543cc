"""Image-to-video systems: two baselines, any command, any diffusers pipeline, and any Python object or function.

`resolve_model` turns a name into a `ModelSpec`, a recipe that each worker process builds a model from; `generate`
asks a model for a video and checks what comes back.
"""

from motionbench.models.check import generate
from motionbench.models.options import Scalar, parse_options
from motionbench.models.spec import ModelSpec, resolve_model

__all__ = ["ModelSpec", "Scalar", "generate", "parse_options", "resolve_model"]
