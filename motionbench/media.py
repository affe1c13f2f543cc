"""What the report shows of a video: a small browser-playable preview, and its masks and tracks to draw over it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from motionbench.cache import write_atomically
from motionbench.report.media import media_name, overlay
from motionbench.types import Features, Side, Video
from motionbench.video import encode_preview


@dataclass(frozen=True, slots=True)
class Preview:
    """mp4: H.264 bytes; overlay: JSON bytes (the format is documented in `motionbench.report.media`)."""

    mp4: bytes
    overlay: bytes

    def to_arrays(self) -> Features:
        """The form in which the cache keeps it."""
        return {"mp4": np.frombuffer(self.mp4, np.uint8), "overlay": np.frombuffer(self.overlay, np.uint8)}

    @classmethod
    def from_arrays(cls, arrays: Features) -> Preview:
        """The inverse of `to_arrays`."""
        return cls(arrays["mp4"].tobytes(), arrays["overlay"].tobytes())

    def write(self, folder: Path, case_id: str, side: Side) -> dict[str, str]:
        """Write both files into `folder`; returns their names."""
        base = f"{media_name(case_id)}-{side[0]}"
        write_atomically(folder / f"{base}.mp4", self.mp4)
        write_atomically(folder / f"{base}.json", self.overlay)
        return {"video": f"{base}.mp4", "overlay": f"{base}.json"}


def make_preview(video: Video, drawn: Mapping[str, Features]) -> Preview:
    """Encode the frames, and pack masks and tracks (either may be absent) for drawing.

    Args:
        video: the clip's frames.
        drawn: features of the roles "masks" and "tracks".
    """
    masks, tracks = drawn.get("masks"), drawn.get("tracks")
    packed = overlay(
        size=(video.frames.shape[1], video.frames.shape[2]),
        times=video.times,
        masks=None if masks is None else masks["values"],
        object_ids=None if masks is None else masks["object_ids"],
        tracks_xy=None if tracks is None else tracks["xy"],
        tracks_visible=None if tracks is None else tracks["visible"],
        tracks_object_ids=None if tracks is None else tracks["object_ids"],
    )
    text = json.dumps(packed, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return Preview(encode_preview(video), text.encode())
