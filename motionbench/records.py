"""The schemas of `run.json`, `cases.jsonl` and `timing.json`.

Strict, because files travel: an unknown, missing or repeated field, or one of another type, is an error.
"""

from __future__ import annotations

import typing as t

import pydantic

from motionbench.canonical import Count, Record, Sha256


class System(Record):
    """What was scored: `name` as it stands in tables, `source` what it is ("static", "shuffle"; "" for videos).

    `options` are the model's `-o key=value` settings.
    """

    name: str
    kind: t.Literal["model", "videos", "reference"]
    source: str
    options: dict[str, pydantic.JsonValue]


class DatasetId(Record):
    """Which cases were asked for. `cases` is their number, `subsets` the number in each subset."""

    name: str
    version: str
    manifest_sha256: Sha256
    cases: Count
    subsets: dict[t.Literal["single", "multi"], Count]


class ProfileId(Record):
    """Which backends and protocol were chosen."""

    name: str
    sha256: Sha256


class ProtocolId(Record):
    """The fields of `types.Protocol`."""

    frames: Count
    fps: float
    size: Count
    fit: t.Literal["long", "short"]
    multiple: Count
    letterbox: t.Literal["crop", "keep"]


class MetricId(Record):
    """What a metric's number depends on. `weights_sha256` and `device` are null where no weights are involved.

    `recipes` are the versions of the backends, also of those that the metric's own build on.
    """

    version: int
    backend: str
    recipes: dict[str, int]
    weights_sha256: Sha256 | None
    device: str | None = None


class Identity(Record):
    """All that makes one run's numbers comparable with another's."""

    system: System
    dataset: DatasetId
    profile: ProfileId
    protocol: ProtocolId
    metrics: dict[str, MetricId]
    seed: int
    versions: dict[str, str]


class EstimateRecord(Record):
    """The fields of `types.Estimate`."""

    metric: str
    backend: str
    subset: t.Literal["all", "single", "multi"]
    value: float | None
    unit: str
    direction: t.Literal["higher", "lower", "none"]
    n: Count
    expected: Count
    low: float | None
    high: float | None
    se: float | None
    method: str
    status: t.Literal["ok", "not_applicable", "incomplete"]
    reason: str
    details: dict[str, float | int | None]


class RunRecord(Record):
    """`run.json`."""

    schema_: t.Literal["motionbench.run/1"] = pydantic.Field(alias="schema")
    status: t.Literal["complete", "partial"]
    official: bool
    reasons: list[str]
    identity: Identity
    estimates: list[EstimateRecord]
    cases_sha256: Sha256


class RowRecord(Record):
    """One line of `cases.jsonl`. `values` holds "value", components, and "objects" with an "object_id" each."""

    case_id: str
    subset: t.Literal["single", "multi"]
    metric: str
    status: t.Literal["ok", "missing", "failed", "not_applicable"]
    values: dict[str, pydantic.JsonValue]
    note: str


class Seconds(Record):
    """Where the time went, in seconds of wall clock summed over workers; `total` is the run's own wall clock."""

    decode: float
    generate: float
    backends: dict[str, float]
    metrics: float
    statistics: float
    report: float
    total: float


class CacheCounts(Record):
    """Artefacts found in, and added to, the cache."""

    hits: Count
    misses: Count


class Timing(Record):
    """`timing.json`: the only file that may differ between two equal runs. `host` may also hold paths."""

    created: str
    seconds: Seconds
    decoded_videos: Count
    cache: CacheCounts
    host: dict[str, pydantic.JsonValue]
