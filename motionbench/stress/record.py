"""The written shape of a stress run: `stress.json`, canonical JSON without times, hosts or paths.

`pairs.jsonl` beside it holds the numbers behind it: one line for each metric on each ladder of one case.
"""

from __future__ import annotations

import typing as t
from pathlib import Path

import pydantic

from motionbench.canonical import Count, Json, Record, Sha256, dump, parse_record, read_bytes, show, write_atomic

SCHEMA = "motionbench.stress/1"
FILE, PAIRS, TIMING = "stress.json", "pairs.jsonl", "timing.json"


class MetricRecord(Record):
    """What was measured, and its spread over the clean clips (None for distances between sets)."""

    version: int
    title: str
    unit: str
    direction: t.Literal["higher", "lower", "none"]
    backend: str
    recipes: dict[str, int]
    weights_sha256: Sha256 | None
    kind: t.Literal["case", "set"]
    clean_n: Count
    clean_mean: float | None
    clean_sd: float | None
    clean_low: float | None
    clean_high: float | None
    note: str


class Done(Record):
    """A case that was corrupted, and the object (None where no single one was)."""

    case_id: str
    object_id: int | None


class Refused(Record):
    """A case that was not, and why."""

    case_id: str
    reason: str


class CorruptionRecord(Record):
    """What was done, to which case and object, and why not to others."""

    title: str
    levels: list[str]
    per_object: bool
    benign: bool
    clips: list[Done]
    refused: list[Refused]


class Reaction(Record):
    """One metric under one corruption.

    Attributes:
        of: "object" where the corrupted object's own value is compared, "clip" for the clip's, "set" for sets.
        n: cases with a value at every severity.
        curve: mean value at severity 0 (clean) to the highest; empty where n is 0.
        change: mean of (top severity - clean), paired; with standard error and 95 % interval.
        drop: `change` in the direction that counts as worse (positive = seen as worse); None for metrics without one.
        z: change / se; None where se is 0 or not known.
        rho: Spearman correlation of the curve with severity; None for one level or a flat curve.
        effect: change / standard deviation of the clean clips (for sets: change / the floor of the distance).
        control: the same paired change of the other objects of the same clips, which were not touched.
        share: for benign changes, change as a share of the range from 0 to clean (for sets: from clean to the full
            shuffle), with its 95 % interval.
        reason: why n is 0, or smaller than the number of clips.
    """

    metric: str
    corruption: str
    of: t.Literal["object", "clip", "set"]
    n: Count
    curve: list[float]
    change: float | None
    se: float | None
    low: float | None
    high: float | None
    drop: float | None
    z: float | None
    rho: float | None
    effect: float | None
    control: float | None
    control_se: float | None
    share: float | None
    share_low: float | None
    share_high: float | None
    reason: str


class Stress(Record):
    """A finished stress run."""

    schema_: t.Literal["motionbench.stress/1"] = pydantic.Field(alias="schema")
    version: str
    dataset: dict[str, Json]
    profile: dict[str, Json]
    protocol: dict[str, Json]
    seed: int
    recipe: int
    cases: list[str]
    per_corruption: Count
    metrics: dict[str, MetricRecord]
    corruptions: dict[str, CorruptionRecord]
    reactions: list[Reaction]

    def ordered(self, *, benign: bool) -> list[str]:
        """Names of the corruptions (or of the benign changes) in the order in which they were done."""
        names = dict.fromkeys(r.corruption for r in self.reactions)
        return [name for name in names if self.corruptions[name].benign == benign]

    def find(self, metric: str, corruption: str) -> Reaction | None:
        """The reaction of a metric to a corruption."""
        return next((r for r in self.reactions if (r.metric, r.corruption) == (metric, corruption)), None)


def write(stress: Stress, pairs: list[Json], folder: Path) -> Path:
    """Write both files; the same run gives the same bytes."""
    write_atomic(folder / PAIRS, [dump(pair, indent=None) for pair in pairs])
    path = folder / FILE
    write_atomic(path, [dump(stress.model_dump(mode="json", by_alias=True))])
    return path


def read(path: Path) -> Stress:
    """Read a stress.json, or that of a folder.

    Raises:
        DataError, SchemaError: there is none, or it breaks the schema.
    """
    path = path / FILE if path.is_dir() else path
    return parse_record(Stress, read_bytes(path), SCHEMA, show(path))
