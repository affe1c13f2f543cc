"""The training loop: any task, on one process or on many through accelerate's launcher.

    accelerate launch -m ttm_ref.cli train ...      several GPUs or machines (data parallel)

Order of the data, noise and learning rate are functions of the step, so a run that was killed goes on from its last
checkpoint exactly as if nothing had happened. Checkpoints and logs hold no code.
"""

from __future__ import annotations

import abc
import contextlib
import csv
import io
import time
import typing as t
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from accelerate import Accelerator
from accelerate.utils import DistributedType
from torch import Tensor, nn

from motionbench.errors import ConfigError
from ttm_ref.settings import OptimizerSettings, TrainSettings
from ttm_ref.train import checkpoint
from ttm_ref.train.muon import Muon
from ttm_ref.train.schedule import batch_indices, generator, rate

Batch = dict[str, t.Any]
MUON_MOMENTUM = 0.95


class Task(nn.Module, abc.ABC):
    """What is trained: modules as attributes, data by number, a loss. Parameters with gradients are trained."""

    @abc.abstractmethod
    def samples(self) -> int:
        """How many samples there are."""

    @abc.abstractmethod
    def data_digest(self) -> str:
        """sha256 that changes with the data."""

    @abc.abstractmethod
    def batch(self, indices: list[int], generator: torch.Generator) -> Batch:
        """The samples as tensors; draws (crops, dropped conditions) come from the generator alone."""

    @abc.abstractmethod
    def forward(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """Scalars by name; "loss" is minimised, the others are logged."""

    @abc.abstractmethod
    def save(self, folder: Path) -> None:
        """Write the modules as they are now, as the pipelines load them."""

    @abc.abstractmethod
    def validate(self, folder: Path, step: int) -> dict[str, float]:
        """Write pictures of what the modules do now and return numbers for the log."""


@dataclass(frozen=True, slots=True)
class Run:
    """Where and how: the settings of the loop, the output folder, what a checkpoint must agree with."""

    train: TrainSettings
    optimizer: OptimizerSettings
    out: Path
    identity: dict[str, t.Any]
    on_step: Callable[[int, int, dict[str, float]], None] | None = None
    stop_at: int | None = None


def train(task: Task, run: Run) -> int:
    """Train from the last checkpoint, or from the start, to the last step; returns the step that was reached.

    Writes `OUT/checkpoint/`, `OUT/log.csv`, `OUT/validation/` and, at the end, `OUT/model/` with the averaged weights.

    Raises:
        ConfigError: settings that do not fit together, or a checkpoint of another run.
        WeightsError: a checkpoint that cannot be read.
    """
    accelerator = Accelerator(mixed_precision=run.train.mixed_precision)
    _check(accelerator, run.train)
    parameters = [p for p in task.parameters() if p.requires_grad]
    optimizers = _optimizers(task, run.optimizer)
    average = [p.detach().clone() for p in parameters]
    state = checkpoint.load(run.out, run.identity)
    start = 0
    if state is not None:
        task.load_state_dict(state.weights)
        checkpoint.restore(optimizers, state.optimizer)
        for mine, stored in zip(average, state.average, strict=True):
            mine.copy_(stored)
        start = state.step
    prepared = accelerator.prepare(task, *optimizers)
    model, optimizers = prepared[0], list(prepared[1:])
    average = [a.to(accelerator.device) for a in average]
    log = _Log(run.out / "log.csv", start) if accelerator.is_main_process else None
    end = min(run.train.steps, run.stop_at or run.train.steps)
    for step, batch in _batches(task, run.train, accelerator, start, end):
        values = _step(accelerator, model, optimizers, parameters, batch, run, step)
        _follow(average, parameters, min(run.train.ema, (1 + step) / (10 + step)))
        if log is not None:
            log.write(step, values)
        if run.on_step is not None:
            run.on_step(step + 1, run.train.steps, values)
        if accelerator.is_main_process and ((step + 1) % run.train.save_every == 0 or step + 1 == end):
            bare = [getattr(o, "optimizer", o) for o in optimizers]
            checkpoint.save(run.out, step + 1, run.identity, task.state_dict(), average, bare)
        if accelerator.is_main_process and run.train.validate_every and (step + 1) % run.train.validate_every == 0:
            with averaged(parameters, average):
                numbers = task.validate(run.out / "validation", step + 1)
            if log is not None:
                log.note(step, numbers)
    if accelerator.is_main_process and end == run.train.steps:
        with averaged(parameters, average):
            task.save(run.out / "model")
    accelerator.wait_for_everyone()
    return end


@contextlib.contextmanager
def averaged(parameters: list[nn.Parameter], average: list[Tensor]) -> Iterator[None]:
    """Inside, the parameters hold their moving average."""
    kept = [p.detach().clone() for p in parameters]
    try:
        _copy(parameters, average)
        yield
    finally:
        _copy(parameters, kept)


def _step(
    accelerator: Accelerator,
    model: nn.Module,
    optimizers: list[torch.optim.Optimizer],
    parameters: list[nn.Parameter],
    batch: Batch,
    run: Run,
    step: int,
) -> dict[str, float]:
    factor = rate(step, run.train.steps, run.train.warmup, run.train.decay_share)
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = group["base_lr"] * factor
    began = time.perf_counter()
    with accelerator.autocast():
        losses = model(batch, generator(run.train.seed, "noise", step, accelerator.process_index))
    accelerator.backward(losses["loss"])
    norm = accelerator.clip_grad_norm_(parameters, run.train.clip)
    for optimizer in optimizers:
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    values = {name: float(accelerator.reduce(value.detach(), "mean")) for name, value in losses.items()}
    if not torch.isfinite(torch.tensor(values["loss"])):
        raise ConfigError(f"the loss is {values['loss']} at step {step}", "lower optimizer.lr or raise train.warmup")
    return values | {"grad_norm": float(norm), "rate": factor, "seconds": time.perf_counter() - began}


def _batches(
    task: Task, train: TrainSettings, accelerator: Accelerator, start: int, end: int
) -> Iterator[tuple[int, Batch]]:
    """This process's share of each batch, loaded ahead by `train.workers` processes."""
    dataset = _Shares(task, train, accelerator.process_index, accelerator.num_processes)
    sampler = range(start, end)
    loader = torch.utils.data.DataLoader(
        dataset,
        batch_size=None,
        sampler=sampler,
        num_workers=train.workers,
        pin_memory=accelerator.device.type == "cuda",
    )
    for step, batch in zip(sampler, loader, strict=True):
        yield step, {k: v.to(accelerator.device) if isinstance(v, Tensor) else v for k, v in batch.items()}


class _Shares(torch.utils.data.Dataset[Batch]):
    """Item n is what one process needs for step n."""

    def __init__(self, task: Task, train: TrainSettings, process: int, processes: int) -> None:
        self.task, self.train, self.process, self.share = task, train, process, train.batch // processes

    def __len__(self) -> int:
        return self.train.steps

    def __getitem__(self, step: int) -> Batch:
        indices = batch_indices(step, self.task.samples(), self.train.batch, self.train.seed)
        mine = indices[self.process * self.share : (self.process + 1) * self.share]
        return self.task.batch(mine, generator(self.train.seed, "data", step, self.process))


def _optimizers(task: nn.Module, settings: OptimizerSettings) -> list[torch.optim.Optimizer]:
    """AdamW, or Muon on the hidden weight matrices (Jordan et al. 2024) and AdamW on all others."""
    named = [(name, p) for name, p in task.named_parameters() if p.requires_grad]
    matrices = [p for name, p in named if settings.name == "muon" and p.ndim == 2 and _hidden(name)]
    chosen = {id(p) for p in matrices}
    others = [p for _, p in named if id(p) not in chosen]
    decay = settings.weight_decay
    optimizers: list[torch.optim.Optimizer] = [
        torch.optim.AdamW(others, lr=settings.lr, betas=settings.betas, weight_decay=decay)
    ]
    if matrices:
        optimizers.append(Muon(matrices, lr=settings.muon_lr, momentum=MUON_MOMENTUM, weight_decay=decay))
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["base_lr"] = group["lr"]
    return optimizers


def _hidden(name: str) -> bool:
    """Matrices between hidden states; embeddings and the first and last projections are none."""
    return ".blocks." in f".{name}" or ".block." in f".{name}"


def _check(accelerator: Accelerator, train: TrainSettings) -> None:
    if accelerator.distributed_type in (DistributedType.FSDP, DistributedType.DEEPSPEED):
        raise ConfigError("training with sharded parameters is not supported", "use plain data parallelism")
    if train.batch % accelerator.num_processes:
        raise ConfigError(f"a batch of {train.batch} cannot be shared by {accelerator.num_processes} processes")


@torch.no_grad()
def _follow(average: list[Tensor], parameters: list[nn.Parameter], decay: float) -> None:
    torch._foreach_lerp_(average, [p.detach() for p in parameters], 1.0 - decay)


@torch.no_grad()
def _copy(parameters: list[nn.Parameter], values: list[Tensor]) -> None:
    for parameter, value in zip(parameters, values, strict=True):
        parameter.copy_(value)


class _Log:
    """`log.csv`: one row a step. Rows of steps that a resumed run repeats are dropped first."""

    def __init__(self, path: Path, start: int) -> None:
        self._path, self._fields = path, list[str]()
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            rows = list(csv.reader(path.read_text().splitlines()))
            kept = [row for row in rows[1:] if int(row[0]) <= start]
            if rows:
                self._fields = rows[0]
                path.write_text(_lines([rows[0], *kept]))

    def write(self, step: int, values: dict[str, float]) -> None:
        """Append the numbers of a step."""
        if not self._fields:
            self._fields = ["step", *values]
            self._path.write_text(_lines([self._fields]))
        with self._path.open("a") as file:
            file.write(_lines([[step + 1, *(f"{values[name]:.6g}" for name in self._fields[1:])]]))

    def note(self, step: int, numbers: dict[str, float]) -> None:
        """Append the numbers of a validation to `validation.csv` beside the log."""
        path = self._path.with_name("validation.csv")
        new = not path.exists()
        with path.open("a") as file:
            if new:
                file.write(_lines([["step", *numbers]]))
            file.write(_lines([[step + 1, *(f"{value:.6g}" for value in numbers.values())]]))


def _lines(rows: list[list[t.Any]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
