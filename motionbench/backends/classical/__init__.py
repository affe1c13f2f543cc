"""Backends without downloads: DIS flow, Lucas–Kanade tracks, and masks carried by both (OpenCV)."""

from motionbench.backends.classical.dis import DIS, dense_flow
from motionbench.backends.classical.lk import LK_TRACKS, track_points
from motionbench.backends.classical.masks import CARRIED_MASKS
from motionbench.backends.classical.windows import LK_WINDOWS

__all__ = ["CARRIED_MASKS", "DIS", "LK_TRACKS", "LK_WINDOWS", "dense_flow", "track_points"]
