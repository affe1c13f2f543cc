"""motionbench: trustworthy numbers for image-to-video generation.

The public functions are imported when they are first used, so that `import motionbench` stays light.
"""

from __future__ import annotations

import importlib
import typing as t

__version__ = "0.1.0"

_PUBLIC = {
    "compare": "motionbench.comparison",
    "evaluate": "motionbench.run",
    "load_dataset": "motionbench.datasets",
    "load_video": "motionbench.video",
}

__all__ = ["__version__", "compare", "evaluate", "load_dataset", "load_video"]


def __getattr__(name: str) -> t.Any:
    if name in _PUBLIC:
        return getattr(importlib.import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'motionbench' has no attribute {name!r}")
