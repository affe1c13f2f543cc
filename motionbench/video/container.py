"""Video files to RGB frames with their true times, through PyAV (FFmpeg).

A file is scanned once without decoding (times of all packets, structure), then decoded once from its start, on one
thread, until enough frames are there. FFmpeg sees bytes only: no name, no other file, no network, and only the
containers listed in `_CONTAINERS`, so that a playlist renamed to .mp4 opens nothing.
"""

from __future__ import annotations

import typing as t
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from motionbench.errors import VideoError
from motionbench.video import timing
from motionbench.video.integrity import is_cut_off
from motionbench.video.orientation import Orientation
from motionbench.video.painter import Painter

_CONTAINERS = "mov,mp4,matroska,webm,avi,gif,apng,ogg,flv,mpegts,mpeg,asf,yuv4mpegpipe"
_ALPHA_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}  # FFmpeg's own decoders leave the alpha layer out
_MAX_PIXEL_ASPECT = 8
# A title in another encoding must not stop a video from being read; from version 19 on PyAV sees to that itself.
_LENIENT: dict[str, t.Any] = {"metadata_errors": "replace"} if int(av.__version__.split(".")[0]) < 19 else {}


class _Bytes:
    """A file without a name, so that FFmpeg cannot read a meaning into it."""

    def __init__(self, file: t.BinaryIO) -> None:
        self.read = file.read
        self.seek = file.seek
        self.tell = file.tell


def _refuse(url: str, flags: int, options: dict[str, str]) -> t.NoReturn:
    raise PermissionError(f"a video must not open another file: {url}")


def _open(file: t.BinaryIO, name: str) -> av.container.InputContainer:
    file.seek(0)
    try:
        return av.open(
            _Bytes(file),
            io_open=_refuse,
            container_options={"format_whitelist": _CONTAINERS, "protocol_whitelist": "none"},
            **_LENIENT,
        )
    except (av.FFmpegError, PermissionError) as error:
        raise VideoError(
            f"{name!r} is no video, or its index is missing (a cut-off mp4 has none)",
            "readable are mp4, mov, mkv, webm, avi and gif files, and folders of png, jpg or webp frames",
        ) from error


def _picture_stream(container: av.container.InputContainer, name: str) -> av.VideoStream:
    for stream in container.streams.video:
        if not stream.disposition & av.stream.Disposition.attached_pic:  # cover art of a song
            if stream.codec_context is None:
                raise VideoError(f"{name!r} uses a codec that cannot be decoded here", "write it again as H.264")
            return stream
    has = ", ".join(sorted({s.type for s in container.streams})) or "nothing"
    raise VideoError(f"{name!r} has no video stream (it has: {has})")


@dataclass(frozen=True, slots=True)
class VideoFile:
    """What a scan without decoding says about a video file.

    Attributes:
        path: the file.
        container, codec: FFmpeg's short names.
        listed: float64 [P] sorted distinct seconds of the packets.
        interval: median time between frames in seconds; 0.0 for a single frame.
        pixel_aspect: width of a stored pixel divided by its height.
        promised: frames that the index names, or None where the container has no index.
        cut_off: the file is shorter than its container says, or has incomplete packets.
    """

    path: Path
    container: str
    codec: str
    listed: NDArray[np.float64]
    interval: float
    pixel_aspect: Fraction
    promised: int | None
    cut_off: bool

    @classmethod
    def scan(cls, path: Path) -> VideoFile:
        """Read the structure and all packet times.

        Raises:
            VideoError: missing, empty, unreadable, not a video, or without a video stream.
        """
        name = path.name
        with _opened(path) as file:
            size = file.seek(0, 2)
            if size == 0:
                raise VideoError(f"{name!r} is empty (0 bytes)")
            with _open(file, name) as container:
                stream = _picture_stream(container, name)
                stamps, packets, whole = _packet_times(container, stream)
                index = len(stream.index_entries) if "mov" in container.format.name else 0
                found = (container.format.name, stream.codec_context.name or "unknown")
                rate = float(stream.average_rate or 0)
                ratio = stream.sample_aspect_ratio
                promised = index or stream.frames or None
            missing = packets < index or (not packets and bool(promised))
            cut_off = missing or not whole or is_cut_off(file, size)
        aspect = Fraction(ratio.numerator, ratio.denominator) if ratio else Fraction(1)
        if not 1 / _MAX_PIXEL_ASPECT <= aspect <= _MAX_PIXEL_ASPECT:
            raise VideoError(f"{name!r} has pixels of {aspect.numerator}:{aspect.denominator}, which cannot be meant")
        listed = np.unique(np.array([s for s in stamps if s is not None], dtype=np.float64))
        interval = timing.median_interval(listed)
        if interval == 0 and len(stamps) > 1:
            interval = 1 / rate if rate else 0.0
        return cls(path, found[0], found[1], listed, interval, aspect, promised, cut_off)

    @property
    def fps(self) -> float:
        """Frames per second from the median interval; 0.0 for a single frame."""
        return 1 / self.interval if self.interval else 0.0

    def read(self, stride: int, limit: int | None) -> tuple[list[NDArray[np.uint8]], NDArray[np.float64]]:
        """Decode from the start; keep every `stride`-th frame, at most `limit` of them.

        A frame with the same time as the one before it is left out, since no player shows both.

        Returns:
            uint8 [H, W, 3] RGB frames after rotation, with square pixels; float64 seconds, the first one 0.

        Raises:
            VideoError: a frame is damaged, or the file ends before the frames that its container promises; only
                if that happens before `limit` frames are kept.
        """
        painter = Painter(self.path.name, self.pixel_aspect)
        kept: list[NDArray[np.uint8]] = []
        stamps: list[float | None] = []
        with _opened(self.path) as file, _open(file, self.path.name) as container:
            base = _picture_stream(container, self.path.name).time_base
            for frame in self._decode(container):
                stamp = _seconds(frame.pts, frame.time_base or base)
                if stamp is not None and stamps and stamp == stamps[-1]:
                    continue
                if len(stamps) % stride == 0:
                    kept.append(painter.paint(frame))
                stamps.append(stamp)
                if len(kept) == limit:
                    break
            else:
                if self.cut_off or not stamps:
                    raise self._ending(len(stamps))
        times = timing.settle(stamps, self.listed, self.interval, self.path.name)
        return kept, np.array(times[::stride], dtype=np.float64)

    def first(self) -> tuple[NDArray[np.uint8], Orientation]:
        """Decode frame 0: uint8 [H, W, 3] as shown, and how it was stored."""
        with _opened(self.path) as file, _open(file, self.path.name) as container:
            for frame in self._decode(container):
                return Painter(self.path.name, self.pixel_aspect).paint(frame), Orientation.of(frame)
        raise self._ending(0)

    def _decode(self, container: av.container.InputContainer) -> Iterator[av.VideoFrame]:
        """Frames in the order of display; what the decoder still holds comes out before an error is raised."""
        stream = _picture_stream(container, self.path.name)
        decoder = _decoder(stream)
        packets = container.demux(stream)
        count = 0
        fault: av.FFmpegError | None = None
        while fault is None:
            try:
                packet = next(packets, None)
                if packet is None:
                    return
                if packet.is_corrupt:
                    raise av.InvalidDataError(0, "the packet is incomplete")
                frames = decoder.decode(packet)
            except av.FFmpegError as error:
                fault, frames = error, _drain(decoder)
            for frame in frames:
                if frame.is_corrupt:
                    raise VideoError(f"frame {count} of {self.path.name!r} is damaged", _COPY_AGAIN)
                yield frame
                count += 1
        raise self._ending(count) from fault

    def _ending(self, decoded: int) -> VideoError:
        of = f" of {self.promised}" if self.promised and self.promised >= decoded else ""
        return VideoError(f"{self.path.name!r} is cut off or damaged: {decoded}{of} frames can be decoded", _COPY_AGAIN)


_COPY_AGAIN = "copy or write the file again"


def _opened(path: Path) -> t.BinaryIO:
    if path.exists() and not path.is_file():  # a pipe would block for ever
        raise VideoError(f"{path.name!r} is not a file")
    try:
        return path.open("rb")
    except FileNotFoundError as error:
        raise VideoError(f"there is no video {path.name!r} in {str(path.parent)!r}") from error
    except OSError as error:
        raise VideoError(f"{path.name!r} cannot be read: {error.strerror}") from error


def _seconds(pts: int | None, base: Fraction | None) -> float | None:
    return None if pts is None or base is None else float(pts * base)


def _packet_times(
    container: av.container.InputContainer, stream: av.VideoStream
) -> tuple[list[float | None], int, bool]:
    """Seconds of each packet that is shown, the number of all packets, and whether all of them are complete."""
    stamps: list[float | None] = []
    count, whole = 0, True
    try:
        for packet in container.demux(stream):
            count += packet.size > 0
            whole &= not packet.is_corrupt
            if packet.size and not packet.is_discard:
                stamps.append(_seconds(packet.dts if packet.pts is None else packet.pts, packet.time_base))
    except av.FFmpegError:
        whole = False  # what was read so far may be all that is needed; decoding says so
    return stamps, count, whole


def _decoder(stream: av.VideoStream) -> av.VideoCodecContext:
    name = stream.codec_context.name
    if stream.metadata.get("alpha_mode", stream.metadata.get("ALPHA_MODE")) == "1" and name in _ALPHA_DECODERS:
        decoder = t.cast("av.VideoCodecContext", av.CodecContext.create(_ALPHA_DECODERS[name], "r"))
        decoder.extradata = stream.codec_context.extradata
    else:
        decoder = stream.codec_context
    decoder.thread_count = 1  # cases run in parallel, frames need not; and no result may depend on threads
    return decoder


def _drain(decoder: av.VideoCodecContext) -> list[av.VideoFrame]:
    try:
        return list(decoder.decode(None))
    except av.FFmpegError:
        return []  # the caller raises the error that came first
