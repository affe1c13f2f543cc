"""Builders of what a metric sees."""

from __future__ import annotations

import numpy as np

from motionbench.types import Case, CaseView, InputMatch, View

CASE = Case("case", "single", "", "", "", "", (), None)  # type: ignore[arg-type]


def view(roles, times, size=(32, 32), match=None):
    """The generated side alone."""
    match = match or InputMatch(1.0, 0.0, 0.0, 1.0)
    return CaseView(CASE, View(roles, np.asarray(times, np.float64), size, match))


def flow_view(uv, fps=8.0, times=None):
    uv = np.asarray(uv, np.float32)
    times = np.arange(len(uv) + 1) / fps if times is None else times
    return view({"flow": {"uv": uv, "uv_back": -uv}}, times, uv.shape[1:3])


def windows_of(parts):
    """Features of `windows` from (xy [N, L, 2], visible [N, L], object id, start) tuples."""
    xy, visible, ids, start = [], [], [], []
    for points, seen, owner, begin in parts:
        xy.append(np.asarray(points, np.float32))
        visible.append(np.asarray(seen, bool))
        ids.append(np.full(len(points), owner, np.int64))
        start.append(np.full(len(points), begin, np.int64))
    found = [np.concatenate(a) for a in (xy, visible, ids, start)]
    return dict(zip(("xy", "visible", "object_ids", "start"), found, strict=True))


def still(positions, length):
    """Tracks [N, L, 2] that stay where they are."""
    return np.repeat(np.asarray(positions, np.float32)[:, None], length, axis=1)
