"""The values of an entry's cases, read once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from motionbench.leaderboard.entries import Entry
from motionbench.leaderboard.parts import CaseParts, case_parts, first_of


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


def read_scores(entry: Entry) -> EntryScores:
    """Read an entry's rows.

    Raises:
        DataError: cases.jsonl is missing.
        SchemaError: cases.jsonl has another hash, or a line that breaks the schema.
    """
    values: dict[str, dict[str, float]] = {}
    subsets: dict[str, str] = {}
    parts: dict[str, dict[str, CaseParts]] = {}
    for row in entry.run.rows():
        subsets[row.case_id] = row.subset
        value = row.values.get("value")
        if row.status == "ok" and isinstance(value, (int, float)):
            values.setdefault(row.metric, {})[row.case_id] = float(value)
        if (found := case_parts(row)) is not None:
            parts.setdefault(row.case_id, {})[row.metric] = found
    chosen = {case: first_of(by_metric) for case, by_metric in parts.items()}
    return EntryScores(values, subsets, {case: one for case, one in chosen.items() if one is not None})
