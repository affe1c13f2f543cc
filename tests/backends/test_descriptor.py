"""The weight-free video descriptor: shapes, bits, closed forms, and what it must and must not react to."""

from __future__ import annotations

import itertools

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from motionbench.backends.classical.dis import pair_flow
from motionbench.backends.classical.opencv import luma
from motionbench.backends.descriptor import DESCRIPTOR, DIMENSIONS, FAMILIES, MIN_FRAMES, describe
from motionbench.backends.descriptor.content import content
from motionbench.backends.descriptor.motion import SPEED_FLOOR, motion
from motionbench.backends.descriptor.order import CHANGE_FLOOR, order
from motionbench.backends.descriptor.planes import cells, planes, working_size
from motionbench.datasets.synth import render
from motionbench.errors import VideoError
from motionbench.types import Case, Clip, InputMatch, Inputs, Video

Frames = NDArray[np.uint8]
RATE = 8.0


def flow_of(frames: Frames) -> NDArray[np.float32]:
    greys = [luma(frame) for frame in frames]
    return np.stack([pair_flow(a, b) for a, b in itertools.pairwise(greys)])


def seconds(count: int, rate: float = RATE) -> NDArray[np.float64]:
    return np.arange(count) / rate


def described(frames: Frames, times: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
    frames = np.ascontiguousarray(frames)
    return describe(frames, seconds(len(frames)) if times is None else times, flow_of(frames)).astype(np.float64)


@pytest.fixture(scope="module")
def scene() -> Frames:
    return render(5, split="train").video.frames


def random_video(count: int, height: int, width: int, seed: int) -> tuple[Frames, NDArray[np.float32]]:
    rng = np.random.default_rng(seed)
    frames = rng.integers(0, 256, (count, height, width, 3), dtype=np.uint8)
    return frames, rng.normal(0, 20, (count - 1, height, width, 2)).astype(np.float32)


@settings(max_examples=25, deadline=None)
@given(st.integers(MIN_FRAMES, 20), st.integers(2, 90), st.integers(2, 90), st.floats(1, 60), st.integers(0, 99))
def test_any_size_length_and_rate_gives_bounded_finite_numbers(
    count: int, height: int, width: int, rate: float, seed: int
) -> None:
    frames, uv = random_video(count, height, width, seed)
    found = describe(frames, seconds(count, rate), uv)
    assert found.shape == (DIMENSIONS,) and found.dtype == np.float32
    assert np.isfinite(found).all() and np.abs(found).max() < 7.1


@pytest.mark.parametrize("shape", [(128, 40, 64), (16, 480, 32), (5, 2, 300), (16, 256, 256)])
def test_long_narrow_and_tiny_videos(shape: tuple[int, int, int]) -> None:
    frames, uv = random_video(*shape, seed=1)
    assert np.isfinite(describe(frames, seconds(shape[0]), uv)).all()


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_uniform_still_video_is_finite(level: int) -> None:
    frames = np.full((16, 64, 48, 3), level, np.uint8)
    assert np.isfinite(describe(frames, seconds(16), np.zeros((15, 64, 48, 2), np.float32))).all()


def test_irregular_times_and_huge_flow_are_finite(scene: Frames) -> None:
    times = np.cumsum(np.r_[0, np.random.default_rng(0).uniform(0.001, 3, 15)])
    assert np.isfinite(describe(scene, times, np.full((15, 128, 128, 2), 1e4, np.float32))).all()


def test_too_few_frames_is_one_line(scene: Frames) -> None:
    with pytest.raises(VideoError, match="at least 5 frames, the video has 4"):
        described(scene[:4])


def test_the_same_bits_again_and_for_any_number_of_threads(scene: Frames) -> None:
    uv, before, found = flow_of(scene), cv2.getNumThreads(), []
    try:
        for threads in (1, 2, 4):
            cv2.setNumThreads(threads)
            found.append(describe(scene, seconds(16), uv).tobytes())
            assert cv2.getNumThreads() == threads
    finally:
        cv2.setNumThreads(before)
    assert len(set(found)) == 1


def test_the_families_are_those_that_are_measured(scene: Frames) -> None:
    pictures = planes(scene)
    found = {**content(pictures), **order(pictures, seconds(16)), **motion(flow_of(scene), seconds(16))}
    assert {name: value.shape for name, value in found.items()} == {n: (f.size,) for n, f in FAMILIES.items()}
    for family in FAMILIES.values():
        assert np.size(family.centre) in (1, family.size) and np.size(family.scale) in (1, family.size)


def test_the_backend_serves_the_role_video(scene: Frames) -> None:
    clip = Clip(Video(scene, seconds(16)), (128, 128), (0, 0, 128, 128), 1, RATE)
    case = Case("a", "single", "", "", "", "", (), first_frame=None)  # type: ignore[arg-type]
    ones, ids = np.ones((128, 128), bool), np.zeros(0, np.int64)
    inputs = Inputs(case, clip, scene[0], ones, None, ids, InputMatch(1.0, 0.0, 0.0, 1.0))
    uv = flow_of(scene)
    assert (DESCRIPTOR.role, DESCRIPTOR.requires, DESCRIPTOR.min_frames) == ("video", ("flow",), MIN_FRAMES)
    assert np.array_equal(
        DESCRIPTOR.load()(inputs, {"flow": {"uv": uv}})["embedding"], describe(scene, seconds(16), uv)
    )


# Closed forms


def test_cells_are_means_over_near_equal_parts() -> None:
    values = np.arange(30, dtype=np.float32).reshape(5, 6)
    assert np.allclose(
        cells(values, 2),
        [[values[:2, :3].mean(), values[:2, 3:].mean()], [values[2:, :3].mean(), values[2:, 3:].mean()]],
    )


def test_working_pictures_keep_the_aspect() -> None:
    assert working_size(256, 256, 64) == (64, 64)
    assert working_size(100, 400, 64) == (32, 128)
    assert working_size(1, 4000, 64)[0] == 8


def test_a_linear_change_of_grey_has_a_linear_structure_function() -> None:
    step = 12
    frames = np.broadcast_to((step * np.arange(17, dtype=np.uint8))[:, None, None, None], (17, 64, 64, 3))
    found = order(planes(np.ascontiguousarray(frames)), seconds(17))

    def s(lag: float) -> float:
        return float(np.log(lag * RATE * step / 255 + CHANGE_FLOOR))

    assert found["change"] == pytest.approx([s(0.25)], abs=1e-5)
    assert found["growth"] == pytest.approx([s(0.25) - s(0.125), s(0.5) - s(0.25), s(1) - s(0.5)], abs=1e-5)
    assert found["from_first"] == pytest.approx([s(0.5) - s(2), s(1) - s(2), s(1.5) - s(2)], abs=1e-5)
    assert found["from_last"] == pytest.approx(found["from_first"], abs=1e-5)
    assert found["rough"] == pytest.approx(np.zeros(4), abs=1e-5)
    assert found["steps"] == pytest.approx(np.zeros(3), abs=1e-4)
    assert found["bursts"] == pytest.approx(np.zeros(2), abs=1e-4)
    assert found["sorted"] > 0.98 and found["sorted_near"] > 0.95


def test_held_frames_are_rough_and_uneven() -> None:
    frames = np.broadcast_to((12 * (np.arange(16) // 2 * 2)).astype(np.uint8)[:, None, None, None], (16, 64, 64, 3))
    found = order(planes(np.ascontiguousarray(frames)), seconds(16))
    jump = 24 / 255
    mean = jump * 7 / 15  # 7 of the 15 steps are jumps, and each of the 14 triples spans one
    assert found["rough"][0] == pytest.approx(jump / (2 * mean + CHANGE_FLOOR), abs=1e-5)
    assert found["steps"][0] == pytest.approx(np.log(CHANGE_FLOOR / 2) - np.log(mean + CHANGE_FLOOR / 2), abs=1e-4)


@pytest.mark.parametrize(("u", "v"), [(3.0, 0.0), (0.0, -2.0)])
def test_a_uniform_translation_is_straight_even_and_has_one_direction(u: float, v: float) -> None:
    uv = np.broadcast_to(np.array([u, v], np.float32), (15, 120, 160, 2))
    found = motion(np.ascontiguousarray(uv), seconds(16))
    speed = np.hypot(u, v) * RATE / 200
    assert found["speed"] == pytest.approx(np.full(4, np.log(speed + SPEED_FLOOR)), abs=1e-4)
    assert found["camera"][:2] == pytest.approx(np.log([speed + SPEED_FLOOR, SPEED_FLOOR]), abs=1e-3)
    assert found["straightness"][0] == pytest.approx(0, abs=1e-4)
    assert found["jolt"] == pytest.approx([0, 0, *[speed**2 / (speed**2 + 25e-6)] * 2], abs=1e-4)
    assert found["directions"] == pytest.approx(
        np.sqrt([max(s, 0) / (speed + 0.05) * RATE / 200 for s in (u, -u, v, -v)]), abs=1e-4
    )
    assert (found["speeds"] ** 2).sum() == pytest.approx(1)


def test_trends_turn_their_sign_under_reversal(scene: Frames) -> None:
    faded = (scene * np.linspace(1, 0.4, 16)[:, None, None, None]).astype(np.uint8)
    there, back = (order(planes(np.ascontiguousarray(f)), seconds(16)) for f in (faded, faded[::-1]))
    for name in ("change_trend", "detail_trend"):
        assert there[name] == pytest.approx(-back[name], abs=1e-6)
    assert there["detail_trend"][0] < -0.2
    assert there["from_first"] == pytest.approx(back["from_last"], abs=1e-6)


# What it reacts to. Distances are in units of the median distance of two clean scenes.

SCENES = range(5)


def shuffled(frames: Frames, window: int) -> Frames:
    rng, index = np.random.default_rng(0), np.arange(len(frames))
    for start in range(0, len(index), window):
        index[start : start + window] = np.roll(rng.permutation(index[start : start + window]), 1)
    return frames[index]


def shaken(frames: Frames, sigma: float) -> Frames:
    by = np.random.default_rng(0).normal(0, sigma, (len(frames), 2))
    size = frames.shape[2], frames.shape[1]
    moved = [
        cv2.warpAffine(f, np.array([[1, 0, x], [0, 1, y]]), size, borderMode=cv2.BORDER_REFLECT)
        for f, (x, y) in zip(frames, by, strict=True)
    ]
    return np.stack(moved)


def frozen(frames: Frames, share: float) -> Frames:
    return frames[np.minimum(np.arange(16), round((1 - share) * 15))]


def tinted(frames: Frames, levels: int) -> Frames:
    ramp = np.linspace(0, 1, 16)[:, None, None, None] * np.array([levels, -levels, levels / 2])
    return np.clip(frames + ramp, 0, 255).astype(np.uint8)


def noisy(frames: Frames, sigma: float) -> Frames:
    return np.clip(frames + np.random.default_rng(0).normal(0, sigma, frames.shape), 0, 255).astype(np.uint8)


CHANGES = {
    "reversal": lambda f: f[::-1],
    "shuffle 2": lambda f: f[np.arange(16) ^ 1],
    "shuffle 4": lambda f: shuffled(f, 4),
    "shuffle 16": lambda f: shuffled(f, 16),
    "hold 2": lambda f: f[np.arange(16) // 2 * 2],
    "hold 4": lambda f: f[np.arange(16) // 4 * 4],
    "freeze 0.25": lambda f: frozen(f, 0.25),
    "freeze 0.5": lambda f: frozen(f, 0.5),
    "freeze 1": lambda f: frozen(f, 1),
    "shake 0.5": lambda f: shaken(f, 0.5),
    "shake 2": lambda f: shaken(f, 2),
    "tint 10": lambda f: tinted(f, 10),
    "tint 40": lambda f: tinted(f, 40),
    "noise 6": lambda f: noisy(f, 6),
    "noise 20": lambda f: noisy(f, 20),
    "blur 2": lambda f: np.stack([cv2.GaussianBlur(x, (0, 0), 2) for x in f]),
    "gamma 0.9": lambda f: np.round(255 * (f / 255.0) ** 0.9).astype(np.uint8),
    "gamma 1.1": lambda f: np.round(255 * (f / 255.0) ** 1.1).astype(np.uint8),
    "shift 0.5": lambda f: np.stack(
        [cv2.warpAffine(x, np.array([[1, 0, 0.5], [0, 1, 0.5]]), (128, 128), borderMode=cv2.BORDER_REFLECT) for x in f]
    ),
    "size 2": lambda f: np.stack([cv2.resize(x, (256, 256), interpolation=cv2.INTER_CUBIC) for x in f]),
}
BENIGN = ("gamma 0.9", "gamma 1.1", "shift 0.5", "size 2")


@pytest.fixture(scope="module")
def moves() -> dict[str, float]:
    """How far each change moves a scene, over the median distance of two scenes; the mean over scenes."""
    scenes = [render(index, split="train").video.frames for index in SCENES]
    clean = np.stack([described(frames) for frames in scenes])
    typical = np.median([np.linalg.norm(a - b) for a, b in itertools.combinations(clean, 2)])
    return {
        name: float(
            np.mean([np.linalg.norm(described(change(f)) - c) for f, c in zip(scenes, clean, strict=True)]) / typical
        )
        for name, change in CHANGES.items()
    }


def test_every_corruption_moves_a_video_further_than_all_that_should_not_matter(moves: dict[str, float]) -> None:
    mildest = min(move for name, move in moves.items() if name not in BENIGN)
    assert max(moves[name] for name in BENIGN) < 0.6 * mildest


@pytest.mark.parametrize(
    "ladder",
    [
        ("hold 2", "hold 4"),
        ("freeze 0.25", "freeze 0.5", "freeze 1"),
        ("shuffle 4", "shuffle 16"),
        ("shake 0.5", "shake 2"),
        ("tint 10", "tint 40"),
        ("noise 6", "noise 20"),
    ],
)
def test_worse_is_further(moves: dict[str, float], ladder: tuple[str, ...]) -> None:
    assert all(moves[a] < moves[b] for a, b in itertools.pairwise(ladder))


def test_order_counts_as_much_as_another_scene(moves: dict[str, float]) -> None:
    assert all(moves[name] > 0.8 for name in ("shuffle 2", "shuffle 16", "hold 2", "freeze 1"))


def test_speed_is_per_second_and_content_is_not(scene: Frames) -> None:
    fast, slow = (order(planes(scene), seconds(16, rate)) for rate in (16.0, 4.0))
    assert fast["change"][0] > slow["change"][0] + 0.2
    uv = flow_of(scene)
    assert (motion(uv, seconds(16, 16.0))["speed"] > motion(uv, seconds(16, 4.0))["speed"]).all()
    # The same motion shown at twice the rate keeps its speed.
    even = motion(flow_of(np.ascontiguousarray(scene[::2])), seconds(8, RATE / 2))
    assert even["speed"] == pytest.approx(motion(uv, seconds(16))["speed"], abs=0.25)
