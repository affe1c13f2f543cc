"""Corruptions of known severity for the descriptor's benchmark, and changes that should not matter.

Each takes the clean sample, a severity and a generator, and returns frames and times. A sample also holds other
footage (for splices and blends) and object masks (for object-level faults), where there are any.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass

import av
import cv2
import numpy as np
from numpy.typing import NDArray

Frames = NDArray[np.uint8]


@dataclass(frozen=True)
class Sample:
    """frames uint8 [T, H, W, 3]; times [T]; other uint8 [T, H, W, 3] of another video; masks bool [K, T, H, W]."""

    frames: Frames
    times: NDArray[np.float64]
    other: Frames
    masks: NDArray[np.bool_] | None

    @property
    def size(self) -> tuple[int, int]:
        """(width, height), as OpenCV wants it."""
        return self.frames.shape[2], self.frames.shape[1]


Result = tuple[Frames, NDArray[np.float64]]
Corrupt = Callable[[Sample, float, np.random.Generator], Result]


def quantised(values: NDArray[np.floating]) -> Frames:
    return np.clip(np.round(values), 0, 255).astype(np.uint8)


def reordered(sample: Sample, index: NDArray[np.integer]) -> Result:
    return sample.frames[index], sample.times


def each(sample: Sample, change: Callable[[Frames], NDArray[np.floating] | Frames]) -> Result:
    return np.stack([quantised(np.asarray(change(frame), np.float32)) for frame in sample.frames]), sample.times


def moved(frame: Frames, matrix: NDArray[np.floating]) -> Frames:
    size = frame.shape[1], frame.shape[0]
    warped = cv2.warpAffine(frame, np.float32(matrix), size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    return np.asarray(warped)


def reverse(sample: Sample, _: float, rng: np.random.Generator) -> Result:
    return reordered(sample, np.arange(len(sample.frames))[::-1])


def shuffle(sample: Sample, window: float, rng: np.random.Generator) -> Result:
    index = np.arange(len(sample.frames))
    for start in range(0, len(index), int(window)):
        part = index[start : start + int(window)]
        new = rng.permutation(part)
        while len(part) > 1 and np.array_equal(new, part):
            new = rng.permutation(part)
        index[start : start + int(window)] = new
    return reordered(sample, index)


def hold(sample: Sample, frames: float, rng: np.random.Generator) -> Result:
    step = int(frames)
    return reordered(sample, np.arange(len(sample.frames)) // step * step)


def drop(sample: Sample, rate: float, rng: np.random.Generator) -> Result:
    kept = rng.random(len(sample.frames)) >= rate
    kept[0] = True
    return reordered(sample, np.maximum.accumulate(np.where(kept, np.arange(len(kept)), 0)))


def freeze(sample: Sample, share: float, rng: np.random.Generator) -> Result:
    last = len(sample.frames) - 1
    return reordered(sample, np.minimum(np.arange(last + 1), round((1 - share) * last)))


def boomerang(sample: Sample, share: float, rng: np.random.Generator) -> Result:
    last = len(sample.frames) - 1
    turn = round((1 - share) * last)
    return reordered(sample, turn - np.abs(np.arange(last + 1) - turn))


def slower(sample: Sample, factor: float, rng: np.random.Generator) -> Result:
    return sample.frames, sample.times * factor


def faster(sample: Sample, factor: float, rng: np.random.Generator) -> Result:
    return sample.frames, sample.times / factor


def shake(sample: Sample, sigma: float, rng: np.random.Generator) -> Result:
    by = rng.normal(0, sigma, (len(sample.frames), 2))
    by[0] = 0
    pairs = zip(sample.frames, by, strict=True)
    return np.stack([moved(f, np.array([[1, 0, x], [0, 1, y]])) for f, (x, y) in pairs]), sample.times


def still_zoom(sample: Sample, gain: float, rng: np.random.Generator) -> Result:
    centre = np.array(sample.size) * rng.uniform(0.2, 0.8, 2)
    zooms = 1 + gain * np.linspace(0, 1, len(sample.frames))
    matrices = [np.column_stack([np.eye(2) * z, centre * (1 - z)]) for z in zooms]
    return np.stack([moved(sample.frames[0], m) for m in matrices]), sample.times


def wobble(sample: Sample, sigma: float, rng: np.random.Generator) -> Result:
    width, height = sample.size
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    out = []
    for frame in sample.frames:
        x, y = (
            cv2.resize(rng.normal(0, sigma, (6, 6)).astype(np.float32), sample.size, interpolation=cv2.INTER_CUBIC)
            for _ in range(2)
        )
        out.append(cv2.remap(frame, columns + x, rows + y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT))
    return np.stack(out), sample.times


def colour_drift(sample: Sample, levels: float, rng: np.random.Generator) -> Result:
    direction = rng.standard_normal(3)
    direction *= levels * np.sqrt(3) / np.linalg.norm(direction)
    ramp = np.linspace(0, 1, len(sample.frames))[:, None, None, None]
    return quantised(sample.frames + ramp * direction), sample.times


def flicker(sample: Sample, gain: float, rng: np.random.Generator) -> Result:
    gains = 1 + rng.uniform(-gain, gain, (len(sample.frames), 1, 1, 1))
    return quantised(sample.frames * gains), sample.times


def splice(sample: Sample, share: float, rng: np.random.Generator) -> Result:
    cut = len(sample.frames) - round(share * len(sample.frames))
    return np.concatenate([sample.frames[:cut], sample.other[cut:]]), sample.times


def blend(sample: Sample, share: float, rng: np.random.Generator) -> Result:
    mixed = (1 - share) * sample.frames.astype(np.float32) + share * sample.other
    return quantised(mixed), sample.times


def blur(sample: Sample, sigma: float, rng: np.random.Generator) -> Result:
    return each(sample, lambda f: cv2.GaussianBlur(f, (0, 0), sigma))


def noise(sample: Sample, sigma: float, rng: np.random.Generator) -> Result:
    return each(sample, lambda f: f + rng.normal(0, sigma, f.shape))


def mosaic(sample: Sample, side: float, rng: np.random.Generator) -> Result:
    small = tuple(max(1, round(n / side)) for n in sample.size)
    nearest = cv2.INTER_NEAREST
    return each(
        sample,
        lambda f: cv2.resize(cv2.resize(f, small, interpolation=cv2.INTER_AREA), sample.size, interpolation=nearest),
    )


def jpeg(sample: Sample, quality: float, rng: np.random.Generator) -> Result:
    options = [cv2.IMWRITE_JPEG_QUALITY, int(quality)]
    return each(sample, lambda f: cv2.imdecode(cv2.imencode(".jpg", f, options)[1], cv2.IMREAD_COLOR))


def _largest(sample: Sample) -> NDArray[np.uint8]:
    """uint8 [T, H, W]: the object that is largest in frame 0, with a rim."""
    assert sample.masks is not None
    plane = sample.masks[int(sample.masks[:, 0].sum((1, 2)).argmax())].astype(np.uint8)
    return np.stack([cv2.dilate(m, np.ones((9, 9), np.uint8)) for m in plane])


def vanish(sample: Sample, share: float, rng: np.random.Generator) -> Result:
    masks, since = _largest(sample), round((1 - share) * len(sample.frames))
    erased = [cv2.inpaint(f, m, 5, cv2.INPAINT_TELEA) for f, m in zip(sample.frames, masks, strict=True)]
    return np.concatenate([sample.frames[:since], np.stack(erased)[since:]]), sample.times


def teleport(sample: Sample, sizes: float, rng: np.random.Generator) -> Result:
    masks, middle = _largest(sample), len(sample.frames) // 2
    angle = rng.uniform(0, 2 * np.pi)
    by = sizes * np.sqrt(float(masks[0].sum())) * np.array([np.cos(angle), np.sin(angle)])
    shift = np.column_stack([np.eye(2), by])
    out = list(sample.frames[:middle])
    for frame, mask in zip(sample.frames[middle:], masks[middle:], strict=True):
        alpha = moved(cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 1), shift)[..., None]
        erased = cv2.inpaint(frame, mask, 5, cv2.INPAINT_TELEA)
        out.append(quantised(erased * (1 - alpha) + moved(frame, shift) * alpha))
    return np.stack(out), sample.times


def h264(sample: Sample, crf: float, rng: np.random.Generator) -> Result:
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as target:
        stream = target.add_stream("libx264", rate=8, options={"crf": str(int(crf)), "threads": "1"})
        stream.width, stream.height = sample.size
        stream.pix_fmt = "yuv420p"
        for frame in sample.frames:
            target.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        target.mux(stream.encode())
    file.seek(0)
    with av.open(file) as source:
        return np.stack([f.to_ndarray(format="rgb24") for f in source.decode(video=0)]), sample.times


def gamma(sample: Sample, exponent: float, rng: np.random.Generator) -> Result:
    return each(sample, lambda f: 255 * (f / 255) ** exponent)


def shift(sample: Sample, pixels: float, rng: np.random.Generator) -> Result:
    return each(sample, lambda f: moved(f, np.array([[1, 0, pixels], [0, 1, pixels]])))


def rescale(sample: Sample, factor: float, rng: np.random.Generator) -> Result:
    small = tuple(round(n * factor) for n in sample.size)
    return each(sample, lambda f: cv2.resize(cv2.resize(f, small, interpolation=cv2.INTER_AREA), sample.size))


def shorter(sample: Sample, frames: float, rng: np.random.Generator) -> Result:
    return sample.frames[: int(frames)], sample.times[: int(frames)]


def thinner(sample: Sample, step: float, rng: np.random.Generator) -> Result:
    return sample.frames[:: int(step)], sample.times[:: int(step)]


@dataclass(frozen=True)
class Ladder:
    """A corruption, its severities from mild to strong (where they are `ordered`), and what it breaks."""

    name: str
    group: str
    corrupt: Corrupt
    severities: tuple[float, ...]
    masks: bool = False  # it needs object masks
    ordered: bool = True


LADDERS = (
    Ladder("local shuffle, window of frames", "order", shuffle, (2, 4, 8, 16)),
    Ladder("hold, frames", "order", hold, (2, 3, 4, 8)),
    Ladder("drop, rate", "order", drop, (0.1, 0.2, 0.4)),
    Ladder("freeze, share of the end", "order", freeze, (0.25, 0.5, 0.75, 1)),
    Ladder("boomerang, share of the end", "order", boomerang, (0.25, 0.5)),
    Ladder("reversal", "order", reverse, (1,)),
    Ladder("slower, times", "motion", slower, (1.33, 2, 3)),
    Ladder("faster, times", "motion", faster, (1.5, 2, 3)),
    Ladder("camera shake, px", "motion", shake, (0.5, 1, 2, 4)),
    Ladder("wobble, px", "motion", wobble, (0.5, 1, 2, 4)),
    Ladder("zoom into a still, gain", "motion", still_zoom, (0.3, 0.15, 0.075), ordered=False),
    Ladder("colour drift, levels", "content", colour_drift, (5, 10, 20, 40)),
    Ladder("flicker, gain", "content", flicker, (0.05, 0.1, 0.2)),
    Ladder("splice, share of the end", "content", splice, (0.25, 0.5)),
    Ladder("blend, share", "content", blend, (0.2, 0.5)),
    Ladder("blur, px", "content", blur, (1, 2, 4)),
    Ladder("noise, levels", "content", noise, (5, 10, 20)),
    Ladder("mosaic, px", "content", mosaic, (4, 8, 16)),
    Ladder("jpeg, quality", "content", jpeg, (30, 15, 7)),
    Ladder("object vanishes, share of the end", "object", vanish, (0.25, 0.5, 0.75), masks=True),
    Ladder("object jumps, sizes", "object", teleport, (0.5, 1, 2), masks=True),
    Ladder("first frames only", "sampling", shorter, (12, 8, 6)),
    Ladder("every n-th frame", "sampling", thinner, (2, 3)),
    Ladder("h264, crf", "benign", h264, (18, 23, 28)),
    Ladder("gamma", "benign", gamma, (0.9, 1.1), ordered=False),
    Ladder("shift, px", "benign", shift, (0.5,)),
    Ladder("resize and back, factor", "benign", rescale, (0.75,)),
)
