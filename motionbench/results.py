"""A run as files: `run.json`, `cases.jsonl` and `timing.json`; their schemas are in `motionbench.records`.

The first two are deterministic: UTF-8, sorted keys, floats by repr, estimates and rows in a fixed order, no NaN.
`run.json` holds the sha256 of `cases.jsonl`, so a table and the rows behind it cannot drift apart. Times, host and
paths live in `timing.json` alone. Files replace each other atomically; a reader sees the old or the new one.

Reading is strict, because files travel: unknown, missing or repeated fields, NaN, broken JSON, another schema and
a wrong hash are each a `SchemaError` of one line.
"""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import typing as t
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from motionbench import types
from motionbench.canonical import dump, parse_record, plain, read_bytes, show, write_atomic
from motionbench.errors import DataError, SchemaError
from motionbench.records import Identity, RowRecord, RunRecord, Timing

SCHEMA = "motionbench.run/1"
SUBSETS = ("all", "single", "multi")
RUN_FILE, CASES_FILE, TIMING_FILE = "run.json", "cases.jsonl", "timing.json"


@dataclass(frozen=True, slots=True)
class RunFile:
    """A run as read from disk; the rows stay there until asked for.

    Attributes:
        folder: where run.json lies.
        status: "complete", or "partial" where cases are missing or failed.
        official: True if nothing was left out and nothing limited; `reasons` says why not.
        identity: what was measured.
        estimates: the numbers, sorted by metric, then subset (all, single, multi).
        cases_sha256: the hash that cases.jsonl must have.
    """

    folder: Path
    status: t.Literal["complete", "partial"]
    official: bool
    reasons: tuple[str, ...]
    identity: Identity
    estimates: tuple[types.Estimate, ...]
    cases_sha256: str

    def rows(self) -> Iterator[types.Row]:
        """Yield the rows, sorted by (case_id, metric), one at a time.

        Raises:
            DataError: cases.jsonl is missing or unreadable.
            SchemaError: it is not the file that run.json speaks of, or a line breaks the schema.
        """
        path = self.folder / CASES_FILE
        try:
            with path.open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != self.cases_sha256:
                    raise SchemaError(
                        f"{show(path)} is not the file that {RUN_FILE} was written with: its sha256 differs",
                        "run the same `motionbench evaluate` again; finished work is taken from the cache",
                    )
                file.seek(0)
                yield from _parse_rows(file, path)
        except OSError as error:
            raise DataError(f"cannot read {show(path)}: {error.strerror}") from error


def write_run(run: types.Run, out: Path) -> None:
    """Write `cases.jsonl` and then `run.json` into the folder `out`, which is made if need be.

    Arrays in `Row.values` are dropped and NumPy scalars become numbers.

    Raises:
        ConfigError: the folder cannot be written.
        ValueError: a NaN or infinity (the caller owes null and a reason), or two rows of one case and metric.
        pydantic.ValidationError: the identity or an estimate does not fit the schema.
    """
    rows = sorted(run.rows, key=lambda row: (plain(row.case_id, CASES_FILE), row.metric))
    for before, after in itertools.pairwise(rows):
        if (before.case_id, before.metric) == (after.case_id, after.metric):
            raise ValueError(f"two rows for case {after.case_id!r} and metric {after.metric!r}")
    digest = write_atomic(out / CASES_FILE, (_row_line(row) for row in rows))
    estimates = sorted(run.estimates, key=lambda e: (e.metric, SUBSETS.index(e.subset), e.backend))
    record = {
        "schema": SCHEMA,
        "status": run.status,
        "official": run.official,
        "reasons": list(run.reasons),
        "identity": run.identity,
        "estimates": [
            {field.name: getattr(estimate, field.name) for field in dataclasses.fields(estimate)}
            for estimate in estimates
        ],
        "cases_sha256": digest,
    }
    data = plain(record, RUN_FILE)
    RunRecord.model_validate(data)
    write_atomic(out / RUN_FILE, [dump(data)])


def write_timing(timing: Mapping[str, t.Any], out: Path) -> None:
    """Write `timing.json` into the folder `out`; `timing` has the fields of `Timing`.

    Raises:
        ConfigError: the folder cannot be written.
        pydantic.ValidationError: a field is missing, unknown or of the wrong type.
    """
    data = plain(timing, TIMING_FILE)
    Timing.model_validate(data)
    write_atomic(out / TIMING_FILE, [dump(data)])


def read_run(path: Path) -> RunFile:
    """Read a run from its folder or its `run.json`. `cases.jsonl` is not opened before `RunFile.rows` is used.

    Raises:
        DataError: there is no such file.
        SchemaError: it is no run.json of a schema that this version reads.
    """
    path = Path(path)
    path = path / RUN_FILE if path.is_dir() else path
    record = parse_record(RunRecord, read_bytes(path), SCHEMA, show(path))
    estimates = tuple(types.Estimate(**dict(estimate)) for estimate in record.estimates)
    return RunFile(
        folder=path.parent,
        status=record.status,
        official=record.official,
        reasons=tuple(record.reasons),
        identity=record.identity,
        estimates=estimates,
        cases_sha256=record.cases_sha256,
    )


def read_timing(folder: Path) -> Timing:
    """Read `timing.json` of a run's folder.

    Raises:
        DataError: there is no such file.
        SchemaError: it breaks the schema.
    """
    path = Path(folder) / TIMING_FILE
    return parse_record(Timing, read_bytes(path), None, show(path))


def _row_line(row: types.Row) -> bytes:
    where = f"{CASES_FILE}: case {row.case_id!r}, metric {row.metric!r}"
    data = plain({field.name: getattr(row, field.name) for field in dataclasses.fields(row)}, where)
    RowRecord.model_validate(data)
    return dump(data, indent=None)


def _parse_rows(lines: Iterable[bytes], path: Path) -> Iterator[types.Row]:
    before: tuple[str, str] | None = None
    for number, line in enumerate(lines, start=1):
        where = f"{show(path)} line {number}"
        record = parse_record(RowRecord, line, None, where)
        key = (record.case_id, record.metric)
        if before is not None and key <= before:
            raise SchemaError(f"{where}: the rows are not sorted by case and metric, or one comes twice")
        before = key
        yield types.Row(**dict(record))
