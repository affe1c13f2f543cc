"""One case of a stress run: its clean clip, then each corrupted one, all metrics on each."""

from __future__ import annotations

import dataclasses
import typing as t
from collections.abc import Callable, Iterator

import numpy as np

from motionbench import cache, weights
from motionbench.cache import Cache
from motionbench.errors import NotApplicable, VideoError
from motionbench.measure import measure
from motionbench.plan import make_plan
from motionbench.stress import clips
from motionbench.stress.choice import Task, choose_objects, read_donor
from motionbench.stress.corruptions import BENIGN, CORRUPTIONS, RECIPE, Corruption
from motionbench.stress.material import Material, of_case, stress_seed
from motionbench.stress.samples import Measured, Outcome, Refusal, Sample, Setup
from motionbench.subject import Clock, Subject, Workbench
from motionbench.types import Case, Features, Metric, Object, Values


class ValueCache(Cache):
    """The artefact store, without the features of clips that will never be asked for again (their values are kept)."""

    features = True

    def put(self, key: str, arrays: Features, value: t.Any = None) -> None:
        """Store values, and features where `features` says so."""
        if self.features or value is not None:
            super().put(key, arrays, value)


class Worker:
    """Turns tasks into outcomes, one after another."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        weights.use(setup.weights, setup.weights_sha256)
        self.plan = make_plan(setup.profile, setup.metrics, setup.weights_sha256)
        self.cache = ValueCache(setup.cache)
        self.bench = Workbench(self.plan, self.cache, Clock())

    def __call__(self, task: Task) -> Outcome:
        """Measure one case. What is wrong with its media becomes a refusal; bugs are raised."""
        self.bench.clock = clock = Clock()
        job = _Job(self, task)
        samples: list[Sample] = []
        try:
            samples.extend(job.samples())
        except (VideoError, NotApplicable) as error:
            samples = []
            job.refusals = [Refusal(task.case.id, name, error.message) for name in ("", *task.corruptions)]
        return Outcome(task.case.id, tuple(samples), tuple(job.refusals), dict(clock.seconds), dict(clock.calls))

    def failed(self, task: Task, note: str) -> Outcome:
        """The outcome of a case that could not be measured at all."""
        refusals = tuple(Refusal(task.case.id, name, note) for name in ("", *task.corruptions))
        return Outcome(task.case.id, (), refusals, {}, {})


class _Subject(Subject):
    """A video whose features may be taken from another subject that shows the same frames."""

    def adopt(self, other: Subject) -> None:
        """Take over the features that do not depend on what differs between the two cases (their texts)."""
        for role, features in other._features.items():
            if self.keys.features(role) == other.keys.features(role):
                self._features[role] = features


class _Job:
    def __init__(self, worker: Worker, task: Task) -> None:
        self.worker, self.task, self.bench = worker, task, worker.bench
        self.case = task.case
        self.protocol = worker.plan.protocol
        self.refusals: list[Refusal] = []
        self.made: dict[tuple[str, int, int | None], Material] = {}
        self.material = clips.Lazy(self._material)
        self.clean_sha = clips.clean_digest(self.case, self.protocol)
        self.donor_sha = "" if task.donor is None else self._donor_sha(task.donor)
        masked = self.case.masks is not None
        self.clean_case = clips.case_of(self.case, self.material, self.clean_sha, masked)
        self.clean = self._subject(self.clean_case)

    def _material(self) -> Material:
        with self.bench.clock.on("material"):
            made = of_case(self.case, self.protocol)
            donor = None if self.task.donor is None else read_donor(self.task.donor)
        return dataclasses.replace(made, donor=donor)

    @staticmethod
    def _donor_sha(donor: Case) -> str:
        texts = [donor.caption, donor.short_caption, donor.motion_prompt, *(o.prompt for o in donor.objects)]
        masks = None if donor.masks is None else donor.masks.digest()
        return cache.digest({"image": donor.first_frame.digest(), "masks": masks, "texts": texts})

    def _subject(self, case: Case) -> _Subject:
        assert case.reference is not None
        masks = None if case.masks is None else case.masks.digest()
        return _Subject(self.bench, case, case.reference, case.first_frame.digest(), masks)

    def samples(self) -> Iterator[Sample]:
        """The clean clip first, then every corrupted one. Texts come next, while the clean clip's features are held."""
        self.worker.cache.features = True
        yield self._sample("", 0, None, self.clean, self.clean)
        named = [CORRUPTIONS.get(name) or BENIGN[name] for name in self.task.corruptions]
        for corruption in (c for c in named if c.text):
            yield from self._ladder(corruption, None)
        self.clean.release(keep={n.role for m in self.worker.plan.metrics for n in m.needs_of("reference")})
        self.worker.cache.features = False
        objects, why = self._remembered("objects", self._objects)
        for corruption in (c for c in named if not c.text):
            if corruption.per_object:
                yield from self._of_objects(corruption, objects, why)
            else:
                yield from self._ladder(corruption, None)

    def _objects(self) -> tuple[list[int], str]:
        return choose_objects(self.material()) if self.case.masks is not None else ([], "the case has no masks")

    def _of_objects(self, corruption: Corruption, objects: list[int], why: str) -> Iterator[Sample]:
        """The ladder on the first object for which it can be climbed."""
        reasons = []
        for object_id in objects:
            reason = self._refused(corruption, object_id)
            if not reason:
                yield from self._ladder(corruption, object_id)
                return
            reasons.append(reason)
        self.refusals.append(Refusal(self.case.id, corruption.name, "; ".join(reasons) or why))

    def _ladder(self, corruption: Corruption, object_id: int | None) -> Iterator[Sample]:
        if reason := self._refused(corruption, object_id):
            self.refusals.append(Refusal(self.case.id, corruption.name, reason))
            return
        for severity in range(1, len(corruption.levels) + 1):
            yield self._corrupted(corruption, severity, object_id)
        self.made.clear()

    def _refused(self, corruption: Corruption, object_id: int | None) -> str:
        """Why a corruption cannot be done at any one severity, or ""; what was made on the way is kept."""

        def attempt() -> str:
            try:
                for severity in range(len(corruption.levels), 0, -1):
                    self._apply(corruption, severity, object_id)
            except (NotApplicable, VideoError) as error:
                self.made.clear()
                return error.message
            return ""

        return t.cast(str, self._remembered(f"{corruption.name} {object_id}", attempt))

    def _remembered(self, what: str, find: Callable[[], t.Any]) -> t.Any:
        """What is known of this case from an earlier run, or found now; plain JSON values."""
        seed = self.worker.setup.seed
        key = cache.digest(
            {"what": what, "recipe": RECIPE, "clean": self.clean_sha, "donor": self.donor_sha, "seed": seed}
        )
        entry = self.worker.cache.get(key)
        if entry is None:
            found = find()
            self.worker.cache.put(key, {}, [found])
            return found
        return entry[1][0]

    def _apply(self, corruption: Corruption, severity: int, object_id: int | None) -> Material:
        key = (corruption.name, severity, object_id)
        if key not in self.made:
            material = self.material()
            seed = stress_seed(self.worker.setup.seed, self.case.id, corruption.name)
            with self.bench.clock.on("corrupt"):
                self.made[key] = corruption.apply(material, severity, seed, object_id)
        return self.made[key]

    def _corrupted(self, corruption: Corruption, severity: int, object_id: int | None) -> Sample:
        sha = clips.corrupted_digest(
            self.clean_sha, self.case, corruption, severity, self.worker.setup.seed, object_id, self.donor_sha
        )
        made = clips.Lazy(lambda: self._apply(corruption, severity, object_id))
        case, reference = self._with_texts(corruption, made), self.clean
        if corruption.moves_case:
            case = clips.case_of(case, made, sha, case.masks is not None)
        elif not corruption.text:
            case = dataclasses.replace(case, reference=clips.MemoryFootage(made, sha))
        subject = self._subject(case)
        if corruption.text:
            subject.adopt(self.clean)
        if corruption.moves_case and corruption.name in BENIGN:
            reference = subject
        return self._sample(corruption.name, severity, object_id, subject, reference)

    def _with_texts(self, corruption: Corruption, made: clips.Lazy) -> Case:
        """The clean case under the corruption's texts."""
        if not corruption.texts:
            return self.clean_case

        def find() -> list[t.Any]:
            texts = made().texts
            objects = [[o.id, o.name, o.prompt] for o in texts.objects]
            return [texts.caption, texts.short_caption, texts.motion_prompt, objects]

        caption, short_caption, motion_prompt, objects = self._remembered(f"{corruption.name} texts", find)
        return dataclasses.replace(
            self.clean_case,
            caption=caption,
            short_caption=short_caption,
            motion_prompt=motion_prompt,
            objects=tuple(Object(*entry) for entry in objects),
        )

    def _sample(self, name: str, severity: int, object_id: int | None, subject: Subject, reference: Subject) -> Sample:
        found = {m.id: self._measured(m, subject, reference) for m in self.worker.plan.metrics}
        return Sample(self.case.id, self.case.subset, name, severity, object_id, found)

    def _measured(self, metric: Metric, subject: Subject, reference: Subject) -> Measured:
        if metric.masks and self.case.masks is None:
            return Measured(None, "the case has no masks")
        if self.worker.plan.domain(metric) == "synth" and self.worker.setup.dataset != "synth":
            return Measured(None, "its backend has a meaning on synthetic scenes only")
        try:
            return Measured(_lean(measure(metric, subject, reference if metric.paired else None)))
        except (NotApplicable, VideoError) as error:
            return Measured(None, error.message)


def _lean(values: Values) -> Values:
    """What the summary reads: the value, the objects' values, and the arrays of set metrics."""
    return {n: v for n, v in values.items() if n in ("value", "objects") or isinstance(v, np.ndarray)}
