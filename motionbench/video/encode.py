"""Videos to H.264 in MP4: without loss for what is scored again, small for what a browser shows."""

from __future__ import annotations

import io
import os
import tempfile
import typing as t
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import Interpolation, VideoReformatter
from numpy.typing import NDArray

from motionbench.errors import VideoError
from motionbench.types import Video
from motionbench.video.timing import median_interval

Codec = t.Literal["lossless", "browser"]

_TICKS = 90_000  # per second: whole numbers for 24, 25, 30, 60 and 30000/1001 frames per second
_SCALING = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.BITEXACT | Interpolation.FULL_CHR_H_INP


@dataclass(frozen=True, slots=True)
class _Recipe:
    encoder: str
    pixels: str
    options: t.Mapping[str, str]


# x264's macroblock tree, in its AVX-512 code, reads memory that nobody wrote: the same frames then give other bytes,
# and other pixels, from one call to the next.
REPEATABLE: t.Mapping[str, str] = {"mbtree": "0"}

_RECIPES: t.Mapping[str, _Recipe] = {
    "lossless": _Recipe("libx264rgb", "rgb24", {"qp": "0", "preset": "veryfast"}),
    "browser": _Recipe("libx264", "yuv420p", {"crf": "20", "preset": "veryfast", "profile": "high", **REPEATABLE}),
}


def encode(video: Video, codec: Codec = "lossless") -> bytes:
    """Encode a video as an MP4 file in memory. The same video gives the same bytes.

    The index lies at the front, so that a browser can start at once, and frames carry the video's own times to
    within 1/180000 s; the last one is shown for one median interval (1 s if it is the only one).

    Args:
        video: uint8 [T, H, W, 3] RGB, T >= 1.
        codec: "lossless" (libx264rgb: `load_video` returns the same pixels) or "browser" (BT.709 4:2:0, CRF 20; an
            odd side grows by one repeated row or column).

    Raises:
        VideoError: no frames, a side of 0, or frames closer than 1/90000 s.
    """
    recipe = _RECIPES[codec]
    frames = video.frames if codec == "lossless" else _even(video.frames)
    count, height, width = frames.shape[:3]
    if not count or not height or not width:
        raise VideoError(f"there is nothing to encode: {count} frames of {width}x{height}")
    ticks = np.rint((video.times - video.times[0]) * _TICKS).astype(np.int64)
    if np.any(np.diff(ticks) < 1):
        raise VideoError(f"frames closer than 1/{_TICKS} s cannot be encoded")
    last = max(1, round((median_interval(video.times) or 1.0) * _TICKS))
    durations = np.append(np.diff(ticks), last)
    target = io.BytesIO()
    # Reserving room for the index at the front gives what "faststart" gives, without a second pass over a file.
    index = {"moov_size": str(8192 + 64 * count), "fflags": "+bitexact"}
    with av.open(target, "w", format="mp4", container_options=index) as container:
        stream = _stream(container, recipe, width, height)
        shown = {int(tick): int(length) for tick, length in zip(ticks, durations, strict=True)}
        for picture, tick in zip(_pictures(frames, recipe), ticks, strict=True):
            picture.pts, picture.time_base = int(tick), Fraction(1, _TICKS)
            _mux(container, stream.encode(picture), shown)
        _mux(container, stream.encode(None), shown)
    return target.getvalue()


def encode_preview(video: Video) -> bytes:
    """`encode(video, "browser")`: an MP4 for a web page, with true times, so that two of them stay in step."""
    return encode(video, "browser")


def save_video(video: Video, path: str | Path, codec: Codec = "lossless") -> None:
    """Encode and write a file; it appears whole or not at all.

    Args:
        video: see `encode`.
        path: the .mp4 to write or replace; its folder exists.
        codec: see `encode`.

    Raises:
        VideoError: see `encode`.
        OSError: the file cannot be written (a full disk, no permission).
    """
    path = Path(path)
    content = encode(video, codec)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".writing-", suffix=".mp4")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(temporary).chmod(0o666 & ~_umask())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _even(frames: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = frames.shape[1:3]
    if height % 2 == 0 and width % 2 == 0:
        return frames
    return np.pad(frames, ((0, 0), (0, height % 2), (0, width % 2), (0, 0)), mode="edge")


def _stream(container: av.container.OutputContainer, recipe: _Recipe, width: int, height: int) -> av.VideoStream:
    stream = t.cast("av.VideoStream", container.add_stream(recipe.encoder, options=dict(recipe.options)))
    stream.width, stream.height = width, height
    stream.pix_fmt = recipe.pixels
    context = stream.codec_context
    context.time_base = Fraction(1, _TICKS)
    context.thread_count = 1  # x264 splits its work by thread, which may change bytes
    if recipe.pixels == "yuv420p":
        context.colorspace = context.color_primaries = context.color_trc = 1  # BT.709, and said so
        context.color_range = 1
    return stream


def _pictures(frames: NDArray[np.uint8], recipe: _Recipe) -> t.Iterator[av.VideoFrame]:
    scaler = VideoReformatter()
    for frame in frames:
        picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
        if recipe.pixels != "rgb24":
            picture = scaler.reformat(
                picture,
                format=recipe.pixels,
                dst_colorspace=1,
                dst_color_range=1,
                dst_color_trc=1,
                dst_color_primaries=1,
                interpolation=_SCALING,
                threads=1,
            )
        yield picture


def _mux(container: av.container.OutputContainer, packets: list[av.Packet], shown: t.Mapping[int, int]) -> None:
    for packet in packets:
        packet.duration = shown[t.cast(int, packet.pts)]
        container.mux(packet)
