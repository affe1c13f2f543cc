"""ttm_ref: the reference model of motionbench, after "Through-The-Mask" (arXiv 2501.03059).

The public names are imported when they are first used, so that `import ttm_ref` stays light.
"""

from __future__ import annotations

import importlib
import typing as t

_PUBLIC = {
    "ImageToMotionPipeline": "ttm_ref.pipelines",
    "MaskedUNetMotion": "ttm_ref.unet",
    "MaskedWanTransformer": "ttm_ref.wan",
    "MotionToVideoPipeline": "ttm_ref.pipelines",
    "PatchAutoencoder": "ttm_ref.vae",
    "TTMRef": "ttm_ref.model",
    "TextImageToVideoPipeline": "ttm_ref.pipelines",
    "ThroughTheMaskPipeline": "ttm_ref.pipelines",
    "masked_attention": "ttm_ref.attention",
    "membership_attention": "ttm_ref.attention",
}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str) -> t.Any:
    if name in _PUBLIC:
        return getattr(importlib.import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'ttm_ref' has no attribute {name!r}")
