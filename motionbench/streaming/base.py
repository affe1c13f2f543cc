"""What the streaming metrics share: one metric of a profile, and one row for each case, gathered over processes.

Rows and not sums are gathered: a Fréchet distance from sums loses digits where there are fewer videos than features,
and only rows can tell that two processes had the same case. Samplers that repeat cases until all processes have equally
many (torch's DistributedSampler) therefore do no harm where ids are given.
"""

from __future__ import annotations

import hashlib
import math
import typing as t
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torchmetrics
from numpy.typing import NDArray

from motionbench import device, engine, measure, subject, weights
from motionbench.cache import Cache
from motionbench.device import Device
from motionbench.errors import ConfigError
from motionbench.plan import make_plan
from motionbench.profiles import load_profile
from motionbench.streaming.memory import Footage
from motionbench.types import Array, Case, Features, Values, Video

ANONYMOUS = -1.0  # the key of a case without an id


class Forgetful(Cache):
    """A store that keeps nothing: a model in training never makes the same video twice."""

    def get(self, key: str) -> tuple[dict[str, Array], t.Any] | None:
        """Nothing."""
        return None

    def has(self, key: str) -> bool:
        """Nothing is there."""
        return False

    def put(self, key: str, arrays: Features, value: t.Any = None) -> None:
        """Nothing is kept."""


class Streaming(torchmetrics.Metric):  # type: ignore[misc]  # torchmetrics is untyped here
    """Base of the streaming metrics; see `motionbench.streaming.FVD` for the arguments.

    The state `rows` is flat, float64: for each case its key and what the metric keeps of it, `width` numbers in all.
    Flat, because a process that has seen no video does not know the width.
    """

    metric_id: t.ClassVar[str]
    is_differentiable = False
    full_state_update = False
    rows: list[torch.Tensor] | torch.Tensor
    width: torch.Tensor

    def __init__(
        self,
        fps: float = 8.0,
        profile: str | Path = "lite",
        *,
        run_on: str = "cpu",
        weights_dir: str | Path | None = None,
        cache: str | Path | None = None,
        **kwargs: t.Any,
    ) -> None:
        super().__init__(**kwargs)
        if not (math.isfinite(fps) and fps > 0):
            raise ConfigError(f"fps is {fps}", "give the frames per second of the videos, above 0")
        self.fps = fps
        self._profile = load_profile(profile)
        self._place = Device(run_on)
        self._folder = Path(weights_dir) if weights_dir is not None else weights.default_folder()
        self._store = Path(cache) if cache is not None else None
        plan = make_plan(self._profile, [self.metric_id], device=self._place)
        self._checked = weights.require(plan.weights, self._folder)
        self.label = f"{self.metric_id}[{plan.backend_name(plan.metrics[0])}]"
        self._bench: subject.Workbench | None = None
        self.add_state("rows", default=[], dist_reduce_fx="cat")
        self.add_state("width", default=torch.zeros((), dtype=torch.float64), dist_reduce_fx="max")

    def __getstate__(self) -> dict[str, t.Any]:
        # Loaded networks do not travel: a copy loads its own when it needs them.
        state: dict[str, t.Any] = super().__getstate__()
        return state | {"_bench": None}

    def sync(self, *args: t.Any, **kwargs: t.Any) -> None:
        """Gather the rows of all processes; `compute` calls it."""
        if (
            isinstance(self.rows, list) and not self.rows
        ):  # what a process without videos sends must be of the same type
            self.rows.append(torch.zeros(0, dtype=torch.float64, device=self.device))
        super().sync(*args, **kwargs)

    def measure(self, case: Case, generated: Video) -> Values:
        """The metric's values for one case.

        Raises:
            NotApplicable, VideoError: see the metric.
        """
        if self._bench is None:
            plan = make_plan(self._profile, [self.metric_id], self._checked, self._place)
            store = Cache(self._store) if self._store is not None else Forgetful(Path())
            self._bench = subject.Workbench(plan, store, subject.Clock())
        weights.use(self._folder, self._checked)  # of the process, and another metric may have chosen otherwise
        device.use(self._place)
        image, masks = case.first_frame.digest(), None if case.masks is None else case.masks.digest()
        with engine.one_thread():  # as in a run, down to the last bits
            made = subject.Subject(self._bench, case, Footage(generated), image, masks)
            real = None if case.reference is None else subject.Subject(self._bench, case, case.reference, image, masks)
            return measure.measure(self._bench.plan.metrics[0], made, real)

    def keys(self, ids: Sequence[str] | None, count: int) -> list[float]:
        """A number for each case, equal for equal ids: the first 52 bits of a sha256, which a float64 holds exactly."""
        if ids is None:
            return [ANONYMOUS] * count
        if isinstance(ids, str):
            raise ConfigError("ids is one text", "give a list of texts, one for each case")
        found = (hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest() for name in ids)
        return [float(int.from_bytes(digest[:8], "big") >> 12) for digest in found]

    def keep(self, key: float, numbers: NDArray[np.floating[t.Any]]) -> None:
        """Add the row of one case."""
        row = np.concatenate([[key], numbers.astype(np.float64)])
        assert isinstance(self.rows, list)  # torchmetrics refuses an update between sync and unsync
        self.rows.append(torch.from_numpy(row).to(self.device))
        self.width = torch.full_like(self.width, float(len(row)))

    def table(self) -> NDArray[np.float64]:
        """float64 [n, width - 1]: each id once, in the order of their keys, then the cases without one."""
        width = int(self.width.item())
        if not width:
            return np.zeros((0, 0))
        parts = [self.rows] if isinstance(self.rows, torch.Tensor) else self.rows
        rows = torch.cat([part.reshape(-1) for part in parts]).cpu().numpy().reshape(-1, width)
        named = np.flatnonzero(rows[:, 0] != ANONYMOUS)
        _, first = np.unique(rows[named, 0], return_index=True)
        order = np.concatenate([named[first], np.flatnonzero(rows[:, 0] == ANONYMOUS)])
        return np.asarray(rows[order, 1:], dtype=np.float64)

    def scalar(self, value: float) -> torch.Tensor:
        """float64, on the metric's device."""
        return torch.tensor(value, dtype=torch.float64, device=self.device)
