"""The values of an entry's cases, read once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from motionbench.leaderboard.entries import Entry


@dataclass(frozen=True, slots=True)
class EntryScores:
    """values: by metric, then by case id; metrics without a value for any case are absent; subsets: by case id."""

    values: Mapping[str, Mapping[str, float]]
    subsets: Mapping[str, str]

    def of_subset(self, subset: str) -> dict[str, dict[str, float]]:
        """Return the values of the cases of "single" or "multi", or of all for "all"."""
        return {
            metric: {case: value for case, value in found.items() if subset in ("all", self.subsets[case])}
            for metric, found in self.values.items()
        }


def read_scores(entry: Entry) -> EntryScores:
    """Read an entry's rows.

    Raises:
        DataError: cases.jsonl is missing.
        SchemaError: cases.jsonl has another hash, or a line that breaks the schema.
    """
    values: dict[str, dict[str, float]] = {}
    subsets: dict[str, str] = {}
    for row in entry.run.rows():
        subsets[row.case_id] = row.subset
        value = row.values.get("value")
        if row.status == "ok" and isinstance(value, (int, float)):
            values.setdefault(row.metric, {})[row.case_id] = float(value)
    return EntryScores(values, subsets)
