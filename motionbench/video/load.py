"""Videos on disk: what they are, and their frames."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from motionbench.errors import VideoError
from motionbench.types import Clip, Protocol, Video
from motionbench.video.container import VideoFile
from motionbench.video.frame_folder import RATE_FILE, FrameFolder, frame_files
from motionbench.video.protocol import fit_frames, stride_for


@dataclass(frozen=True, slots=True)
class Probe:
    """What a video says about itself; one frame is decoded for it.

    Attributes:
        container, codec: FFmpeg's short names; "folder" and "images" for a folder of frames.
        size: (height, width) as shown: after rotation, with square pixels.
        rotation: clockwise turn in degrees from stored to shown: 0, 90, 180 or 270.
        mirrored: True if the picture is also mirrored, before the turn.
        pixel_aspect: width of a stored pixel divided by its height.
        times: float64 [T] seconds of the frames in order, the first one 0.
        fps: from the median interval; 0.0 for a single frame.
        duration: seconds, the last frame shown for one median interval; 0.0 for a single frame.
        cut_off: the file is shorter than its container says.
    """

    container: str
    codec: str
    size: tuple[int, int]
    rotation: int
    mirrored: bool
    pixel_aspect: float
    times: NDArray[np.float64]
    fps: float
    duration: float
    cut_off: bool


def probe(path: str | Path) -> Probe:
    """Describe a video file or a folder of frames without decoding all of it.

    Raises:
        VideoError: it is missing, empty, damaged, or no video.
    """
    source = _scan(path, Protocol().fps)
    if isinstance(source, FrameFolder):
        frames, _ = source.read(1, 1)
        times = np.arange(len(source.files)) / source.fps
        fps = source.fps if len(times) > 1 else 0.0
        end = float(times[-1]) + source.interval
        return Probe("folder", "images", _size(frames[0]), 0, False, 1.0, times, fps, end, False)
    frame, orientation = source.first()
    times = source.listed - source.listed[0] if len(source.listed) else np.zeros(1)
    return Probe(
        source.container,
        source.codec,
        _size(frame),
        orientation.degrees,
        orientation.mirrored,
        float(source.pixel_aspect),
        times,
        source.fps,
        float(times[-1]) + source.interval,
        source.cut_off,
    )


@t.overload
def load_video(path: str | Path) -> Video: ...
@t.overload
def load_video(path: str | Path, protocol: Protocol) -> Clip: ...
def load_video(path: str | Path, protocol: Protocol | None = None) -> Video | Clip:
    """Decode a video file (mp4, mov, mkv, webm, avi, gif) or a folder of frames (png, jpg, webp).

    Frames are RGB as a player shows them: rotation applied, pixels made square, colours by the file's own matrix and
    range, transparency on black. A folder of frames takes its rate from `fps.txt` (one number) in it, else the
    protocol's (8 without one).

    Args:
        path: the file or folder. It is opened as a plain local file, whatever its name looks like.
        protocol: how to thin, crop and resize. Decoding stops once it has its frames.

    Returns:
        Without a protocol the whole `Video` (all frames in memory: T x H x W x 3 bytes). With one a `Clip`, for which
        at most `protocol.frames` frames of native size are held at a time.

    Raises:
        VideoError: missing, empty, damaged, cut off before the last frame that is needed, or no video.

    Example:
        >>> clip = load_video("orange.mp4", Protocol(frames=16))  # doctest: +SKIP
        >>> clip.video.frames.shape  # doctest: +SKIP
        (16, 144, 256, 3)
    """
    source = _scan(path, (protocol or Protocol()).fps)
    if protocol is not None:
        stride = stride_for(1 / source.interval if source.interval else 0.0, protocol)
        frames, times = source.read(stride, protocol.frames)
        return fit_frames(frames, times, stride, protocol)
    frames, times = source.read(1, None)
    whole = np.empty((len(frames), *frames[0].shape), dtype=np.uint8)
    for index in range(len(frames)):
        whole[index], frames[index] = frames[index], whole[:0]  # never two copies of the whole video
    return Video(whole, times)


def load_frame0(path: str | Path) -> NDArray[np.uint8]:
    """Decode frame 0 of a video file or a folder of frames.

    Returns:
        uint8 [H, W, 3] RGB at native size, as `load_video` gives it without a protocol.

    Raises:
        VideoError: see `load_video`.
    """
    source = _scan(path, Protocol().fps)
    return source.read(1, 1)[0][0]


def source_files(folder: Path) -> list[Path]:
    """The files of a folder of frames that decide what `load_video` returns: its pictures, and fps.txt if it is there.

    Raises:
        VideoError: the folder cannot be read.
    """
    rate = folder / RATE_FILE
    return [*frame_files(folder), *([rate] if rate.is_file() else [])]


def _scan(path: str | Path, fps: float) -> VideoFile | FrameFolder:
    path = Path(path)
    if "\0" in str(path):
        raise VideoError("a path cannot hold a zero byte")
    return FrameFolder.scan(path, fps) if path.is_dir() else VideoFile.scan(path)


def _size(frame: NDArray[np.uint8]) -> tuple[int, int]:
    return frame.shape[0], frame.shape[1]
