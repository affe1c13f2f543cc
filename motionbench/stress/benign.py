"""Changes that must not matter: what happens to a video on its way, and what leaves its content as it is."""

from __future__ import annotations

import dataclasses
import io
import tempfile
from collections.abc import Callable
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from motionbench import video
from motionbench.backends.classical.opencv import single_thread
from motionbench.errors import VideoError
from motionbench.stress.layers import shift, to_bytes
from motionbench.stress.material import Material
from motionbench.stress.picture import warped
from motionbench.stress.prompts import mirrored
from motionbench.types import Protocol
from motionbench.video.encode import REPEATABLE

Apply = Callable[[Material, int, int, int | None], Material]

GAMMA = 0.1
HALF = 0.5
SMALLER = 0.75
_RATE = 8


def recoded(crf: int) -> Apply:
    """Through H.264 (4:2:0, x264 "medium" without its macroblock tree) at a constant rate factor, and read again."""

    def apply(material: Material, severity: int, seed: int, object_id: int | None) -> Material:
        height, width = material.frames.shape[1:3]
        even = np.pad(material.frames, ((0, 0), (0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "clip.mp4"
            path.write_bytes(_encode(even, crf))
            rule = Protocol(len(even), _RATE, max(even.shape[1:3]), "long", 1, "keep")
            read = video.load_video(path, rule).video.frames
        if len(read) != len(even):
            raise VideoError(f"{len(even)} frames were encoded, {len(read)} came back")
        return material.with_frames(read[:, :height, :width])

    return apply


def _encode(frames: NDArray[np.uint8], crf: int) -> bytes:
    target = io.BytesIO()
    with av.open(target, "w", format="mp4", container_options={"fflags": "+bitexact"}) as container:
        options = {"crf": str(crf), "preset": "medium", **REPEATABLE}
        stream = container.add_stream("libx264", rate=_RATE, options=options)
        stream.height, stream.width, stream.pix_fmt = frames.shape[1], frames.shape[2], "yuv420p"
        context = stream.codec_context
        context.thread_count = 1  # x264 splits its work by thread, which may change bytes
        context.colorspace = context.color_primaries = context.color_trc = context.color_range = 1  # BT.709, limited
        scaler = av.video.reformatter.VideoReformatter()
        for frame in frames:
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
            container.mux(
                stream.encode(
                    scaler.reformat(picture, format="yuv420p", dst_colorspace=1, dst_color_range=1, threads=1)
                )
            )
        container.mux(stream.encode(None))
    return target.getvalue()


def gamma(exponent: float) -> Apply:
    """255 (v / 255)^exponent."""
    table = to_bytes(255 * (np.arange(256) / 255) ** exponent)

    def apply(material: Material, severity: int, seed: int, object_id: int | None) -> Material:
        return material.with_frames(table[material.frames])

    return apply


def half_pixel(material: Material, severity: int, seed: int, object_id: int | None) -> Material:
    """The whole clip moved by half a pixel in x and y."""
    with single_thread():
        return material.with_frames(np.stack([warped(frame, shift(HALF, HALF)) for frame in material.frames]))


def resized(material: Material, severity: int, seed: int, object_id: int | None) -> Material:
    """Down to 0.75 of the size and up again."""
    height, width = material.frames.shape[1:3]
    small = (max(1, round(width * SMALLER)), max(1, round(height * SMALLER)))
    with single_thread():
        frames = [
            cv2.resize(
                cv2.resize(f, small, interpolation=cv2.INTER_AREA), (width, height), interpolation=cv2.INTER_CUBIC
            )
            for f in material.frames
        ]
    return material.with_frames(np.stack(frames))


def one_later(material: Material, severity: int, seed: int, object_id: int | None) -> Material:
    """The clip and its case begin one frame later."""
    times = material.times[1:] - material.times[1]
    later = material.with_frames(material.frames[1:], material.masks[:, 1:], times)
    return dataclasses.replace(later, image=material.frames[1])


def mirror(material: Material, severity: int, seed: int, object_id: int | None) -> Material:
    """Clip, case and masks as seen in a mirror, and left and right exchanged in all texts."""
    seen = material.with_frames(material.frames[:, :, ::-1].copy(), material.masks[..., ::-1].copy())
    return dataclasses.replace(seen, image=seen.frames[0], texts=mirrored(material.texts))
