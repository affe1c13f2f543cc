"""One case, from its videos to its rows: what a worker does."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from motionbench import device, weights
from motionbench.cache import Cache
from motionbench.device import Device
from motionbench.errors import ModelError, NotApplicable, VideoError
from motionbench.measure import known, measure
from motionbench.plan import Plan, make_plan
from motionbench.profiles import Profile
from motionbench.sources import Source
from motionbench.subject import Clock, Subject, Workbench
from motionbench.types import Case, InputMatch, Metric, Row, Side, Values


@dataclass(frozen=True, slots=True)
class Setup:
    """All that a worker process needs to be told once; it resolves names to code by itself.

    Attributes:
        profile, metrics: the profile and the ids of the metrics.
        source: where the generated videos come from.
        dataset: the dataset's name, by which a backend's domain is judged.
        cache: folder of the artefact store.
        media: folder for previews and overlays, or None for a run without a report.
        weights, weights_sha256: the folder of weights, and the checked hashes of those that the backends load.
        device: where the backends' networks run.
    """

    profile: Profile
    metrics: tuple[str, ...]
    source: Source
    dataset: str
    cache: Path
    media: Path | None
    weights: Path
    weights_sha256: Mapping[str, str]
    device: Device = field(default_factory=Device)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a worker sends back for one case: its rows, what the report shows, and what it took.

    Attributes:
        match: input match of the generated video, or None.
        media: names of the preview and overlay files by side.
        seconds: by what they were spent on.
        trouble: warnings that are no case's fault, such as an unwritable cache.
    """

    case_id: str
    rows: tuple[Row, ...]
    match: InputMatch | None
    media: Mapping[Side, Mapping[str, str]]
    seconds: Mapping[str, float]
    decoded: int
    hits: int
    misses: int
    trouble: tuple[str, ...] = ()


class Worker:
    """Turns cases into outcomes, one after another."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        weights.use(setup.weights, setup.weights_sha256)
        device.use(setup.device)
        self.plan: Plan = make_plan(setup.profile, setup.metrics, setup.weights_sha256, setup.device)
        self.cache = Cache(setup.cache)
        self.bench = Workbench(self.plan, self.cache, Clock())

    def __call__(self, case: Case, following: Case | None = None) -> Outcome:
        """Score one case. Whatever is wrong with its videos becomes a row's note; bugs are raised.

        Args:
            case: the case.
            following: the case after it, if that is known: its video may be decoded meanwhile.
        """
        self.bench.clock = clock = Clock()
        hits, misses = self.cache.hits, self.cache.misses
        job = _CaseJob(self, case)
        rows = job.rows(following)
        return Outcome(
            case.id,
            rows,
            job.match,
            job.media,
            dict(clock.seconds),
            clock.decoded,
            self.cache.hits - hits,
            self.cache.misses - misses,
            tuple(filter(None, (self.cache.trouble, job.trouble))),
        )

    def failed(self, case: Case, note: str) -> Outcome:
        """The outcome of a case that could not be scored at all."""
        rows = tuple(Row(case.id, case.subset, m.id, "failed", {}, note) for m in self.plan.metrics)
        return Outcome(case.id, rows, None, {}, {}, 0, 0, 0)


class _CaseJob:
    def __init__(self, worker: Worker, case: Case) -> None:
        self.worker = worker
        self.case = case
        self.match: InputMatch | None = None
        self.media: dict[Side, Mapping[str, str]] = {}
        self.trouble = ""

    def rows(self, following: Case | None) -> tuple[Row, ...]:
        case, bench, plan = self.case, self.worker.bench, self.worker.plan
        try:
            with bench.clock.on("generate"):
                footage = self.worker.setup.source.footage(case, plan.protocol)
            if footage is None:
                return self._all("missing", "there is no video for this case")
            image = case.first_frame.digest()
            masks = case.masks.digest() if case.masks else None
            generated = Subject(bench, case, footage, image, masks)
            self.match = generated.geometry().match
        except (ModelError, VideoError) as error:
            return self._all("failed", error.message)
        reference = self._reference(image, masks)
        if isinstance(reference, Subject):
            reference.begin()
        self._begin(following)
        found: dict[str, Row] = {}
        paired = [m for m in plan.metrics if (m.needs_reference if case.reference is None else m.paired)]
        alone = [m for m in plan.metrics if m not in paired]
        for metric in alone:
            found[metric.id] = self._row(metric, generated, None)
        if isinstance(reference, VideoError):
            found.update({m.id: self._make(m, "failed", note=f"reference: {reference.message}") for m in paired})
            reference, paired = None, []
        open_ones = [m for m in paired if reference is not None and not known(m, generated, reference)]
        self._finish(generated, "generated", open_ones)
        if reference is not None:
            for metric in alone:
                self._anchor(metric, reference, found[metric.id])
            self._finish(reference, "reference", open_ones)
            for metric in paired:
                found[metric.id] = self._row(metric, generated, reference)
        for metric in paired:
            if metric.id not in found:
                found[metric.id] = self._make(metric, "not_applicable", note="the case has no reference video")
        return tuple(found[m.id] for m in plan.metrics)

    def _reference(self, image: str, masks: str | None) -> Subject | VideoError | None:
        """The case's reference video; what is wrong with it; None where there is none."""
        if self.case.reference is None:
            return None
        try:
            return Subject(self.worker.bench, self.case, self.case.reference, image, masks)
        except VideoError as error:
            return error

    def _begin(self, following: Case | None) -> None:
        """Have the next case's video decoded meanwhile; one that a model has yet to make is left to its turn."""
        setup, bench = self.worker.setup, self.worker.bench
        if following is None or setup.source.kind == "model" or not setup.device.apart:
            return
        with contextlib.suppress(ModelError, VideoError):  # its own turn comes, and tells
            footage = setup.source.footage(following, bench.plan.protocol)
            if footage is not None:
                Subject(bench, following, footage, following.first_frame.digest(), None).begin()

    def _finish(self, subject: Subject, side: Side, paired: list[Metric]) -> None:
        """Take what the paired metrics and the report need of a video, and let go of the rest."""
        needs = [need for metric in paired for need in metric.needs_of(side)]
        subject.prepare(needs)
        folder = self.worker.setup.media
        if folder is not None:
            with contextlib.suppress(VideoError):  # a video that cannot be decoded has no preview; its rows say why
                preview = subject.media()
                try:
                    self.media[side] = preview.write(folder, self.case.id, side)
                except OSError as error:  # the scores do not need it
                    self.trouble = f"the report's pictures cannot be written to {folder} ({error.strerror})"
        subject.release(keep={need.role for need in needs})

    def _anchor(self, metric: Metric, reference: Subject, row: Row) -> None:
        """Set beside a value what the real video scores."""
        if row.status != "ok":
            return
        try:
            row.values["reference"] = measure(metric, reference, None).get("value")
        except (NotApplicable, VideoError):
            row.values["reference"] = None

    def _row(self, metric: Metric, generated: Subject, reference: Subject | None) -> Row:
        if metric.masks and self.case.masks is None:
            return self._make(metric, "not_applicable", note="the case has no masks")
        if self.worker.plan.domain(metric) == "synth" and self.worker.setup.dataset != "synth":
            return self._make(metric, "not_applicable", note="its backend has a meaning on synthetic scenes only")
        try:
            return self._make(metric, "ok", measure(metric, generated, reference))
        except NotApplicable as error:
            return self._make(metric, "not_applicable", note=error.message)
        except VideoError as error:
            return self._make(metric, "failed", note=error.message)

    def _all(self, status: str, note: str) -> tuple[Row, ...]:
        return tuple(self._make(m, status, note=note) for m in self.worker.plan.metrics)

    def _make(self, metric: Metric, status: str, values: Values | None = None, note: str = "") -> Row:
        return Row(self.case.id, self.case.subset, metric.id, status, dict(values or {}), note)  # type: ignore[arg-type]
