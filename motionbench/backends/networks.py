"""What all backends with a network share: how it is loaded, where it runs, how much goes through it at once."""

from __future__ import annotations

import typing as t
import weakref
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from motionbench import device, weights
from motionbench.errors import ConfigError

BUDGET = 256 * 2**20
"""Bytes that the inputs and the activations of one chunk may take, roughly."""

Module = t.TypeVar("Module", bound=nn.Module)
_loaded: weakref.WeakValueDictionary[Hashable, nn.Module] = weakref.WeakValueDictionary()
"""Networks that a backend of this process holds. Weak: what the last backend lets go of leaves the memory."""


def shared(make: Callable[[], Module], *names: str) -> Module:
    """One network for all backends of this process that run the same one: CLIP alone serves three roles.

    Args:
        make: builds, fills and places it; called only where no backend holds it yet. Backends that share must pass one
            that builds the same.
        names: of its weights, and of its code if that is fetched. Their digests, the device and the precision tell
            networks apart.

    Raises:
        WeightsError, ConfigError: as `load`.
    """
    place = device.chosen()
    key = (tuple((name, weights.digest(name)) for name in names), place.name, place.precision)
    found = _loaded.get(key)
    if found is None:
        _loaded[key] = found = make()
    return t.cast(Module, found)


def load(network: Module, name: str, under: str = "") -> Module:
    """Fill a network with the checked weights of that name and put it where it is to run.

    Raises:
        WeightsError: they are missing, wrong, or of another network.
        ConfigError: the device is not there.
    """
    path = weights.path(name)
    weights.fill(network, weights.load_state_dict(path, under), path)
    return ready(network)


def ready(network: Module) -> Module:
    """A network for inference on the chosen device.

    Raises:
        ConfigError: the device is not there.
    """
    for parameter in network.parameters():  # a TorchScript module refuses network.requires_grad_
        parameter.requires_grad_(False)
    try:
        return network.eval().to(device.chosen().name)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(f"the device {device.chosen().name} cannot be used: {reason}", "use --device cpu") from error


@contextmanager
def inference() -> Iterator[None]:
    """No gradients; autocast where a precision below float32 is chosen."""
    place = device.chosen()
    dtype = getattr(torch, place.precision)
    kind = place.name.partition(":")[0]
    with torch.inference_mode(), torch.autocast(kind, dtype, enabled=place.precision != "float32"):
        yield


def in_chunks(function: Callable[[Tensor], Tensor], items: Tensor, bytes_each: int) -> NDArray[np.float32]:
    """Apply a network to items [N, ...] a few at a time.

    Args:
        function: takes some of the items, returns as many results.
        items: on the CPU.
        bytes_each: what one item takes inside the network, roughly.

    Returns:
        float32 [N, ...] of all results.
    """
    place = device.chosen()
    size = place.chunk or max(1, BUDGET // max(1, bytes_each))
    parts = [function(moved(part)).float().cpu() for part in torch.split(items, size)]
    return t.cast(NDArray[np.float32], torch.cat(parts).numpy())


def moved(part: Tensor) -> Tensor:
    """A tensor where networks run; through pinned memory, so that a card copies while the CPU goes on."""
    place = device.chosen()
    return part.pin_memory().to(place.name, non_blocking=True) if place.apart else part.to(place.name)


def pictures(frames: NDArray[np.uint8]) -> Tensor:
    """uint8 [T, H, W, 3] as a tensor uint8 [T, 3, H, W]."""
    # A copy: frames are read-only, and torch has no read-only tensors.
    return torch.from_numpy(np.array(frames)).permute(0, 3, 1, 2)
