"""The values of an entry's cases, read once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from motionbench.leaderboard.entries import Entry
from motionbench.leaderboard.parts import CaseParts, case_parts, first_of
from motionbench.types import Row

LARGEST = 1e300  # what is beyond is no score, and may be an integer that no float holds


@dataclass(frozen=True, slots=True)
class EntryScores:
    """What the page and the tables need of an entry's rows.

    Attributes:
        values: by metric, then by case id; metrics without a value for any case are absent.
        subsets: by case id.
        parts: of each case's objects, by case id; cases that say nothing of theirs are absent.
    """

    values: Mapping[str, Mapping[str, float]]
    subsets: Mapping[str, str]
    parts: Mapping[str, CaseParts]

    def of_subset(self, subset: str) -> dict[str, dict[str, float]]:
        """Return the values of the cases of "single" or "multi", or of all for "all"."""
        return {
            metric: {case: value for case, value in found.items() if subset in ("all", self.subsets[case])}
            for metric, found in self.values.items()
        }


class Gathering:
    """Scores in the making, row by row."""

    def __init__(self) -> None:
        """Start without a row."""
        self._values: dict[str, dict[str, float]] = {}
        self._subsets: dict[str, str] = {}
        self._parts: dict[str, dict[str, CaseParts]] = {}

    def take(self, row: Row) -> None:
        """Take a row in."""
        self._subsets[row.case_id] = row.subset
        value = row.values.get("value")
        if row.status == "ok" and isinstance(value, (int, float)) and abs(value) <= LARGEST:
            self._values.setdefault(row.metric, {})[row.case_id] = float(value)
        if (found := case_parts(row)) is not None:
            self._parts.setdefault(row.case_id, {})[row.metric] = found

    def scores(self) -> EntryScores:
        """Return what the rows so far make."""
        chosen = {case: first_of(by_metric) for case, by_metric in self._parts.items()}
        parts = {case: one for case, one in chosen.items() if one is not None}
        return EntryScores(self._values, self._subsets, parts)


def read_scores(entry: Entry) -> EntryScores:
    """Read an entry's rows.

    Raises:
        DataError: cases.jsonl is missing.
        SchemaError: cases.jsonl has another hash, or a line that breaks the schema.
    """
    found = Gathering()
    for row in entry.run.rows():
        found.take(row)
    return found.scores()
