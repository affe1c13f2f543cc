"""JSON Schemas of a board's files, made from the records that read them."""

from __future__ import annotations

from motionbench.canonical import Record, dump
from motionbench.leaderboard.anchors import Anchors
from motionbench.leaderboard.declare import Declaration
from motionbench.leaderboard.entries import EntryRecord, Videos
from motionbench.leaderboard.reported import Reported
from motionbench.leaderboard.words import Words
from motionbench.records import RowRecord, RunRecord

FOLDER = "schema"
_RECORDS: dict[str, type[Record]] = {
    "declaration": Declaration,
    "entry": EntryRecord,
    "run": RunRecord,
    "case": RowRecord,
    "videos": Videos,
    "words": Words,
    "reported": Reported,
    "anchors": Anchors,
}


def schema_files() -> dict[str, bytes]:
    """Return each schema's file by name."""
    return {
        f"{name}.schema.json": dump(
            {"$schema": "https://json-schema.org/draft/2020-12/schema"} | record.model_json_schema(by_alias=True)
        )
        for name, record in _RECORDS.items()
    }
