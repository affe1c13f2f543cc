"""The main job: any image-to-video system in, trustworthy numbers out.

`Case -> Video -> features -> Row -> Estimate -> run.json`. Everything that takes long is in the cache as soon as it is
known, so a run that was stopped goes on where it was when the same command is given again.
"""

from __future__ import annotations

import dataclasses
import re
import tempfile
import time
import typing as t
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import platformdirs

from motionbench import datasets, engine, provenance, report, results, samples, weights
from motionbench.cache import Cache
from motionbench.device import Device
from motionbench.errors import ConfigError, DataError, ModelError, VideoError
from motionbench.estimates import drop_arrays, estimate
from motionbench.job import Outcome, Setup
from motionbench.plan import make_plan
from motionbench.profiles import load_profile
from motionbench.report.media import write_index
from motionbench.sources import FolderSource, Listing, is_folder, open_source
from motionbench.types import Case, Dataset, I2VModel, Run


@dataclasses.dataclass(frozen=True, slots=True)
class Listener:
    """Where a run reports to while it goes on; by default nobody listens.

    Attributes:
        progress: called with (cases done, cases in all).
        warn: called with one line that the user should see.
    """

    progress: Callable[[int, int], None] = lambda done, total: None
    warn: Callable[[str], None] = lambda message: None


def evaluate(
    videos_or_model: str | Path | I2VModel,
    dataset: str | Path | Dataset = "synth",
    profile: str | Path = "lite",
    out: str | Path | None = None,
    *,
    name: str | None = None,
    options: Mapping[str, t.Any] | None = None,
    metrics: Sequence[str] | None = None,
    subset: t.Literal["all", "single", "multi"] = "all",
    limit: int | None = None,
    seed: int = 0,
    cache: str | Path | None = None,
    weights_dir: str | Path | None = None,
    device: str | None = None,
    precision: t.Literal["float32", "bfloat16", "float16"] = "float32",
    workers: int = 1,
    allow_missing: bool = False,
    offline: bool = False,
    listener: Listener | None = None,
) -> Run:
    """Score a folder of videos or a model, and write the run.

    Args:
        videos_or_model: a folder with `<case id>.<ext>` files (a string counts as a folder if it is one), the name of
            a model (see `motionbench ls models`), or a model object.
        dataset: "synth", a folder with a cases.json, or a `Dataset`.
        profile: a shipped profile's name or a .toml file.
        out: folder of the run; by default `runs/<name>`.
        name: the system's name in tables; by default the folder's or the model's.
        options: keyword arguments for the model.
        metrics: metric ids; by default the profile's.
        subset, limit: score fewer cases; the run is then not official.
        seed: the run's seed.
        cache: folder of the artefact store; by default the user's cache folder.
        weights_dir: folder of trained weights, for backends that load some; by default MOTIONBENCH_WEIGHTS_DIR or a
            folder of the user's data.
        device: where networks run, those of the backends and of models that have a choice: cpu, cuda, cuda:1, mps.
        precision: what the backends' networks compute in (autocast below float32).
        workers: processes; more than 1 needs the caller's main module to be importable (`if __name__ == "__main__"`).
        allow_missing: say beforehand that videos may be missing; the run is then not official.
        offline: forbid downloads.
        listener: hears of progress and warnings.

    Returns:
        The run; its files are under `out`.

    Raises:
        ConfigError, DataError, WeightsError, PluginError, MissingDependency: before anything is scored.
    """
    started = time.perf_counter()
    listener = listener or Listener()
    chosen = load_profile(profile)
    data = dataset if isinstance(dataset, Dataset) else datasets.load_dataset(dataset)
    cases = select(data, subset, limit)
    place = Device(device or "cpu", precision)
    plan = make_plan(chosen, metrics or chosen.metrics, device=place)
    trained = Path(weights_dir) if weights_dir is not None else weights.default_folder()
    plan = dataclasses.replace(plan, weights_sha256=weights.require(plan.weights, trained))
    folder = Path(out) if out is not None else Path("runs") / folder_name(name or default_name(videos_or_model))
    source = open_source(
        videos_or_model, options=options, seed=seed, out=folder, name=name, device=device, offline=offline
    )
    listing = source.check(dataclasses.replace(data, cases=cases))
    _tell(listing, len(cases), listener)
    several: Mapping[str, Sequence[str]] = {}
    if isinstance(source, FolderSource):
        source = source.settle(cases)
        several = source.samples
        if odd := samples.unequal(several):
            listener.warn(odd)
    _prepare(folder)
    store = Path(cache) if cache is not None else Path(platformdirs.user_cache_dir("motionbench"))
    ids = tuple(m.id for m in plan.metrics)
    setup = Setup(chosen, ids, source, data.name, store, folder / "media", trained, plan.weights_sha256, place)
    outcomes = samples.merge(_score(setup, samples.expand(cases, several), workers, listener), cases, several)
    rows = [row for o in outcomes for row in o.rows]
    outcomes = [dataclasses.replace(o, rows=()) for o in outcomes]
    reducing = time.perf_counter()
    with engine.one_thread():
        estimates = estimate(plan, cases, rows, seed)
    reducing = time.perf_counter() - reducing
    rows = list(drop_arrays(rows))
    run = Run(
        identity=provenance.identity(source, data, cases, chosen, plan, seed),
        estimates=estimates,
        rows=tuple(rows),
        status="partial" if any(r.status in ("failed", "missing") for r in rows) else "complete",
        official=not (reasons := provenance.unofficial(chosen, plan, data, cases, allow_missing, trained)),
        reasons=tuple(reasons),
    )
    results.write_run(run, folder)
    reporting = time.perf_counter()
    write_index(folder, cases, outcomes)
    if workers == 1:
        report.write_html(folder)
    else:  # the page of a thousand cases takes more memory than all the rest of this process
        engine.apart(report.write_html, folder)
    now = time.perf_counter()
    whole = {"statistics": reducing, "report": now - reporting, "total": now - started}
    results.write_timing(provenance.timing(outcomes, store, whole), folder)
    return run


def select(data: Dataset, subset: str, limit: int | None) -> tuple[Case, ...]:
    """The cases to score, sorted by id; `limit` takes the first ones of each subset in turn."""
    if subset not in ("all", "single", "multi"):
        raise ConfigError(f"there is no subset {subset!r}", "subsets are all, single and multi")
    if limit is not None and limit < 1:
        raise ConfigError(f"--limit {limit} leaves nothing to score", "give a number from 1 on")
    cases = sorted((c for c in data.cases if subset in ("all", c.subset)), key=lambda c: c.id)
    if not cases:
        raise DataError(f"the dataset {data.name} has no cases" + ("" if subset == "all" else f" in subset {subset}"))
    if limit is not None:
        single = [c for c in cases if c.subset == "single"]
        multi = [c for c in cases if c.subset == "multi"]
        longest = max(len(single), len(multi))
        mixed = [c for k in range(longest) for c in (*single[k : k + 1], *multi[k : k + 1])]
        cases = sorted(mixed[:limit], key=lambda c: c.id)
    return tuple(cases)


def folder_name(name: str) -> str:
    """A system's name as the name of a folder."""
    return re.sub(r"[^\w.+-]+", "_", name).strip("._")[:80] or "run"


def default_name(videos_or_model: str | Path | I2VModel) -> str:
    """What a system is called when the user gives it no name: its folder's or its model's name."""
    if not isinstance(videos_or_model, str | Path):
        return videos_or_model.name
    return Path(videos_or_model).resolve().name if is_folder(videos_or_model) else str(videos_or_model)


def _prepare(folder: Path) -> None:
    """Find out now, not after an hour's work, whether the run can be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ConfigError(
            f"{folder} cannot be written: {error.strerror}", "choose another folder with --out"
        ) from error


def _tell(listing: Listing, expected: int, listener: Listener) -> None:
    """Say what does not fit before anything takes time; with nothing at all to score, stop."""
    if not listing.found and not listing.duplicates:
        raise DataError(
            f"none of the {expected} cases has a video",
            f"videos are named <case id>.mp4, for example {listing.missing[0]}.mp4",
        )
    for what, some in (
        ("missing", listing.missing),
        ("not in the dataset, left aside", listing.extra),
        ("more than one file for one case", listing.duplicates),
    ):
        if some:
            more = f" and {len(some) - 5} more" if len(some) > 5 else ""
            listener.warn(f"{len(some)} {what}: {', '.join(repr(str(s)) for s in list(some)[:5])}{more}")


def _score(setup: Setup, cases: Sequence[Case], workers: int, listener: Listener) -> list[Outcome]:
    Cache(setup.cache).sweep()
    outcomes: list[Outcome] = []
    trouble: set[str] = set()
    listener.progress(0, len(cases))
    for outcome in engine.run_local(setup, cases, workers):
        outcomes.append(outcome)
        for message in outcome.trouble:
            if message not in trouble:
                trouble.add(message)
                listener.warn(f"{message}; going on without")
        listener.progress(len(outcomes), len(cases))
    return sorted(outcomes, key=lambda o: o.case_id)


def generate(
    model: str | I2VModel,
    dataset: str | Path | Dataset = "synth",
    profile: str | Path = "lite",
    out: str | Path | None = None,
    *,
    options: Mapping[str, t.Any] | None = None,
    subset: t.Literal["all", "single", "multi"] = "all",
    limit: int | None = None,
    seed: int = 0,
    device: str | None = None,
    offline: bool = False,
    listener: Listener | None = None,
) -> int:
    """Make a model's videos under `out`/videos without scoring them; what is there already is kept.

    Returns:
        How many cases the model failed on; each was reported to the listener.
    """
    listener = listener or Listener()
    data = dataset if isinstance(dataset, Dataset) else datasets.load_dataset(dataset)
    cases = select(data, subset, limit)
    folder = Path(out) if out is not None else Path("runs") / folder_name(default_name(model))
    source = open_source(model, options=options, seed=seed, out=folder, device=device, offline=offline)
    protocol = load_profile(profile).protocol
    failed = 0
    listener.progress(0, len(cases))
    for done, case in enumerate(cases, start=1):
        try:
            source.footage(case, protocol)
        except (ModelError, VideoError) as error:
            failed += 1
            listener.warn(f"{case.id}: {error.message}")
        listener.progress(done, len(cases))
    return failed
