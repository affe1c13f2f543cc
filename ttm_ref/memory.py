"""How much memory a network needs, found by running it on tensors that have shapes but no storage.

torch's fake tensors pass through the real code, operator by operator, without computing or allocating anything. A
dispatch mode adds up the bytes of every storage that an operator makes and takes them off when the storage dies; the
highest sum is the peak of the activations. That counts what the code keeps alive, with gradient checkpointing or
without, not what a formula for transformers would predict. It does not count the allocator's rounding and fragments,
nor workspaces inside kernels.
"""

from __future__ import annotations

import typing as t
import warnings
import weakref
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

Shapes = Mapping[str, tuple[int, ...]]
LOW = torch.bfloat16


def inference_peak(build: Callable[[], nn.Module], run: Callable[[nn.Module, t.Any], object], shapes: Shapes) -> int:
    """Most bytes alive at once beside the weights and inputs in one run without gradients, in bfloat16.

    Args:
        build: makes the module; called where tensors are fake.
        run: what is done with the module and its inputs, such as `lambda vae, x: codec.decode(vae, x["latents"])`.
        shapes: of the inputs, by name.
    """
    default = torch.get_default_dtype()
    try:
        torch.set_default_dtype(LOW)
        with FakeTensorMode(), torch.no_grad():
            module = build().eval()
            inputs = {name: torch.zeros(shape) for name, shape in shapes.items()}
            with _Live() as live:
                run(module, inputs)
    finally:
        torch.set_default_dtype(default)
    return int(live.peak)


def training_peak(build: Callable[[], nn.Module], shapes: Shapes, checkpointing: bool, mixed: bool) -> int:
    """Most bytes of activations alive at once in one forward and backward pass of a denoiser.

    Gradients of parameters are dropped as soon as they are whole, so that they are not in the sum: they have a line of
    their own. The bfloat16 copies that autocast makes of float32 weights are in it.

    Args:
        build: makes the denoiser, in float32.
        shapes: of the arguments of its forward.
        checkpointing: recompute blocks in the backward pass.
        mixed: bfloat16 autocast.
    """
    with FakeTensorMode():
        module = build().train()
        if checkpointing:
            module.enable_gradient_checkpointing()  # type: ignore[operator]
        for parameter in module.parameters():
            parameter.register_post_accumulate_grad_hook(_drop)  # type: ignore[no-untyped-call]
        inputs = {name: torch.zeros(shape) for name, shape in shapes.items()}
        with _Live() as live, warnings.catch_warnings():
            # Some layers warn that a fused kernel cannot be used; no kernel is used here at all.
            warnings.simplefilter("ignore")
            with torch.autocast("cpu", dtype=LOW, enabled=mixed):
                sample = module(**inputs).sample
            sample.float().square().mean().backward()
    return int(live.peak)


def _drop(parameter: Tensor) -> None:
    parameter.grad = None


class _Live(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Bytes of the storages that operators have made inside and that are still alive, and their maximum."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.now = self.peak = 0
        self._known: weakref.WeakSet[torch.UntypedStorage] = weakref.WeakSet()

    def __torch_dispatch__(
        self, func: t.Any, types: t.Any, args: tuple[t.Any, ...] = (), kwargs: dict[str, t.Any] | None = None
    ) -> t.Any:
        before = {id(x.untyped_storage()) for x in tree_leaves((args, kwargs)) if isinstance(x, Tensor)}
        result = func(*args, **(kwargs or {}))
        for x in tree_leaves(result):
            if isinstance(x, Tensor):
                storage = x.untyped_storage()
                if id(storage) not in before and storage not in self._known:
                    self._add(storage)
        return result

    def _add(self, storage: torch.UntypedStorage) -> None:
        size = storage.nbytes()
        self._known.add(storage)
        self.now += size
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self._remove, size)

    def _remove(self, size: int) -> None:
        self.now -= size
