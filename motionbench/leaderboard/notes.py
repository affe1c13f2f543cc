"""What a reader of a measured table must know: one sentence each, the same in every format."""

from __future__ import annotations

from collections.abc import Sequence

from motionbench.leaderboard.columns import FVD_CASES, Column
from motionbench.leaderboard.tables import HEADLINES, Table


def table_notes(table: Table) -> list[str]:
    """Return what a reader of a table must know, one sentence each."""
    identity, protocol = table.identity, table.identity.protocol
    shown = table.shown
    notes = []
    for index, column in enumerate(table.columns):
        if index in shown and column.metric == "fvd" and column.unranked:
            notes.append(
                f"{column.label} is not ranked: it rests on {column.cases} videos, and below {FVD_CASES} its bias "
                f"depends on the number of videos and on the system{_floor(table, index)}"
            )
    notes += _nobody_ranked([table.columns[i] for i in shown if table.columns[i].metric != "fvd"])
    if free := [table.columns[i].label for i in shown if table.columns[i].direction == "none"]:
        notes.append(f"Neither more nor less is better, near the real videos is: {', '.join(free)}")
    empty: dict[str, list[str]] = {}
    for index, column in enumerate(table.columns):
        if index not in shown:
            empty.setdefault(table.lines[0].cells[index].estimate.reason, []).append(column.label)
    notes += [f"Not applicable: {', '.join(labels)} ({reason})" for reason, labels in empty.items()]
    if table.columns[0].metric in HEADLINES:
        rank = "" if table.columns[0].unranked else ", and the rank is theirs in it"
        notes.insert(0, f"Systems are sorted by {table.columns[0].label}{rank}; there is no overall score")
    notes += _uncovered(table)
    versions = ", ".join(f"{column.label} {column.version}" for column in table.columns)
    return [
        *notes,
        f"Protocol: at most {protocol.frames} frames at {protocol.fps:g} fps, {protocol.fit} side {protocol.size} px, "
        f"letterbox {protocol.letterbox}; dataset manifest {identity.dataset.manifest_sha256[:12]}",
        f"Metric versions: {versions}",
    ]


def _nobody_ranked(columns: Sequence[Column]) -> list[str]:
    """Why nobody is ranked in some metrics, one sentence a reason."""
    notes = []
    for why in dict.fromkeys(column.unranked for column in columns if column.direction != "none" and column.unranked):
        some = [column.label for column in columns if column.unranked == why]
        every = len(some) == sum(column.direction != "none" for column in columns)
        where = "" if every else f" in {', '.join(some)}"
        notes.append(f"Nobody is ranked{where}: {why}")
    return notes


def _floor(table: Table, index: int) -> str:
    """What the real videos' own halves are apart, where the runs know and agree."""
    found = {
        (floor, line.cells[index].estimate.details.get("floor_n"))
        for line in table.lines
        if (floor := line.cells[index].estimate.details.get("floor")) is not None
    }
    if len(found) != 1:
        return ""
    floor, count = found.pop()
    return f"; halves of the real videos, {count} a side, are {floor:.3g} apart"


def _uncovered(table: Table) -> list[str]:
    """Why a number does not rest on every case, system by system; columns without any number are left out."""
    notes = []
    for line in table.lines:
        reasons: dict[str, list[str]] = {}
        for index in table.shown:
            cell = line.cells[index]
            if cell.estimate.n < table.columns[index].cases:
                reasons.setdefault(cell.estimate.reason, []).append(table.columns[index].label)
        notes += [
            f"Cases are lacking for {line.label} in {', '.join(labels)}: {why}" for why, labels in reasons.items()
        ]
    return notes
