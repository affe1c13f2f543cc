"""Bytes to frames and back: decoding, the protocol, black bars, the input match, encoding.

Everything that a file says about its picture is honoured here and nowhere else: rotation, pixel shape, colour matrix
and range, transparency, frame times.
"""

from __future__ import annotations

from motionbench.video.aside import aside
from motionbench.video.carry import carry_image, carry_masks
from motionbench.video.encode import encode, encode_preview, save_video
from motionbench.video.images import read_image, read_labels
from motionbench.video.letterbox import find_letterbox
from motionbench.video.load import Probe, load_frame0, load_video, probe, source_files
from motionbench.video.match import match_input
from motionbench.video.protocol import conform

__all__ = [
    "Probe",
    "aside",
    "carry_image",
    "carry_masks",
    "conform",
    "encode",
    "encode_preview",
    "find_letterbox",
    "load_frame0",
    "load_video",
    "match_input",
    "probe",
    "read_image",
    "read_labels",
    "save_video",
    "source_files",
]
