"""Small video files made on the spot."""

from __future__ import annotations

import typing as t
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

Writer = t.Callable[..., Path]


def scene(count: int = 10, height: int = 48, width: int = 64) -> NDArray[np.uint8]:
    """uint8 [T, H, W, 3]: a smooth background, and a bright square that steps 3 pixels a frame."""
    y, x = np.mgrid[:height, :width]
    frames = np.empty((count, height, width, 3), dtype=np.uint8)
    for index in range(count):
        frames[index] = np.stack([40 + x * 150 / width, 60 + y * 150 / height, np.full_like(x, 90.0)], axis=-1)
        frames[index, height // 4 : height // 2, 3 * index : 3 * index + 10] = (250, 240, 20)
    return frames


@pytest.fixture(name="scene")
def scene_fixture() -> t.Callable[..., NDArray[np.uint8]]:
    return scene


@pytest.fixture
def write(tmp_path: Path) -> Writer:
    """write(name, frames, codec, pixels, ...) -> path of a video file in the test's own folder."""

    def write_file(
        name: str,
        frames: NDArray[np.uint8],
        codec: str = "libx264",
        pixels: str = "yuv420p",
        rate: int = 8,
        stamps: t.Sequence[int] | None = None,
        aspect: Fraction | None = None,
        options: dict[str, str] | None = None,
        source: str = "rgb24",
        colour: tuple[int, int] | None = None,
        container: dict[str, str] | None = None,
        prepare: t.Callable[[av.VideoFrame], av.VideoFrame] | None = None,
    ) -> Path:
        path = tmp_path / name
        with av.open(str(path), "w", container_options=container or {}) as output:
            stream = output.add_stream(codec, rate=rate, options=options or {})
            stream.height, stream.width = frames.shape[1:3]
            stream.pix_fmt = pixels
            stream.codec_context.thread_count = 1
            if colour is not None:
                stream.codec_context.colorspace, stream.codec_context.color_range = colour
            if stamps is not None:
                stream.codec_context.time_base = Fraction(1, 1000)
            if aspect is not None:
                stream.codec_context.sample_aspect_ratio = aspect
            for index, frame in enumerate(frames):
                picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format=source)
                if stamps is not None:
                    picture.pts, picture.time_base = stamps[index], Fraction(1, 1000)
                for packet in stream.encode(prepare(picture) if prepare else picture):
                    output.mux(packet)
            for packet in stream.encode(None):
                output.mux(packet)
        return path

    return write_file
