"""Randomly initialised networks in the format of the official weights, for tests only.

A function here (or in a backend's own module: `random = "module:function"` in weights.toml names it) gets the folder of
random weights and returns a state dict, or for an entry of several files a mapping from their paths to a state dict or
to bytes; None if it lacks code that is not at hand.
"""

from __future__ import annotations

import typing as t
from collections.abc import Mapping
from pathlib import Path

from motionbench.errors import MissingDependency

if t.TYPE_CHECKING:
    import torch

    StateDict = Mapping[str, torch.Tensor]


def raft_large(root: Path) -> StateDict:
    """torchvision's RAFT large, as it is initialised for training."""
    from torchvision.models.optical_flow import raft_large as build

    state: StateDict = build(weights=None).state_dict()
    return state


def raft_small(root: Path) -> StateDict:
    """torchvision's RAFT small, as it is initialised for training."""
    from torchvision.models.optical_flow import raft_small as build

    state: StateDict = build(weights=None).state_dict()
    return state


def sam_vit_b(root: Path) -> StateDict:
    """segment-anything's ViT-B, as it is initialised for training."""
    try:
        from segment_anything import sam_model_registry
    except ImportError as error:
        raise MissingDependency("segment-anything is not installed", "pip install 'motionbench[sam]'") from error
    state: StateDict = sam_model_registry["vit_b"](checkpoint=None).state_dict()
    return state
