"""WARP_ERROR, FLICKER and FIRST_FRAME."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motionbench.errors import NotApplicable, VideoError
from motionbench.metrics.coherence import FLICKER, WARP_ERROR, sample_bilinear, warp_error
from motionbench.metrics.faithfulness import FIRST_FRAME
from motionbench.types import InputMatch

from .views import view

RNG = np.random.default_rng(0)
BIG = RNG.integers(0, 256, (64, 80, 3), dtype=np.uint8)


def panned(shifts, size=(32, 40)):
    """A window that slides over noise: frame t shows BIG from corner + t-th shift on (x, y)."""
    frames = [BIG[8 + y : 8 + y + size[0], 10 + x : 10 + x + size[1]] for x, y in shifts]
    steps = -np.diff(np.asarray(shifts, np.float32), axis=0)
    uv = np.ones((len(steps), *size, 1), np.float32) * steps[:, None, None]
    return np.stack(frames), uv, -uv


def scalar_warp_error(frames, forward, backward):
    """The definition, pixel by pixel."""
    errors = []
    height, width = frames.shape[1:3]
    for t in range(len(frames) - 1):
        f, total, count = forward[t].astype(np.float64), 0.0, 0
        for y in range(height):
            for x in range(width):
                u, v = f[y, x]
                px, py = x + u, y + v
                right = f[y, x + 1] - f[y, x] if x + 1 < width else np.zeros(2)
                down = f[y + 1, x] - f[y, x] if y + 1 < height else np.zeros(2)
                if (right**2).sum() + (down**2).sum() > 0.01 * (u * u + v * v) + 0.002:
                    continue
                if not (0 <= px <= width - 1 and 0 <= py <= height - 1):
                    continue
                x0, y0 = min(int(px), width - 2), min(int(py), height - 2)
                a, b = px - x0, py - y0

                def at(image, x0=x0, y0=y0, a=a, b=b):
                    upper = image[y0, x0] * (1 - a) + image[y0, x0 + 1] * a
                    return upper * (1 - b) + (image[y0 + 1, x0] * (1 - a) + image[y0 + 1, x0 + 1] * a) * b

                w = at(backward[t].astype(np.float64))
                if ((w + f[y, x]) ** 2).sum() > 0.01 * ((w**2).sum() + u * u + v * v) + 0.5:
                    continue
                difference = (at(frames[t + 1].astype(np.float64)) - frames[t, y, x]) / 255
                total += (difference**2).mean()
                count += 1
        if count:
            errors.append(total / count)
    return np.mean(errors)


def test_definition_pixel_by_pixel():
    rng = np.random.default_rng(4)
    frames = rng.integers(0, 256, (3, 12, 15, 3), dtype=np.uint8)
    smooth = np.cumsum(rng.normal(0, 0.03, (2, 12, 15, 2)), axis=2) + 1.3
    smooth[1, :, 7:] += 4  # a motion boundary
    back = -smooth + rng.normal(0, 0.5, smooth.shape)
    forward, backward = smooth.astype(np.float32), back.astype(np.float32)
    value, visible = warp_error(frames, forward, backward)
    assert value == pytest.approx(scalar_warp_error(frames, forward, backward), rel=1e-5)
    assert 0.1 < visible < 0.9


def test_true_flow_of_a_pan_has_no_error():
    value, visible = warp_error(*panned([(0, 0), (2, 1), (5, 3), (4, 5)]))
    assert value == 0.0
    inside = [(40 - 2) * (32 - 1), (40 - 3) * (32 - 2), (40 - 1) * (32 - 2)]
    assert visible == pytest.approx(np.mean(inside) / (32 * 40))


def test_a_still_video_is_exactly_perfect():
    frames = np.repeat(BIG[None], 5, axis=0)
    zero = np.zeros((4, 64, 80, 2), np.float32)
    assert warp_error(frames, zero, zero) == (0.0, 1.0)
    change = np.zeros(4, np.float32)
    assert FLICKER.measure(view({"photometric": {"change": change}}, np.arange(5)))["value"] == 1.0


def test_a_brightness_step_by_hand():
    frames = np.stack([np.full((8, 9, 3), v, np.uint8) for v in (100, 151, 100)])
    frames[1, ..., 2] = 100  # one channel of three stays
    zero = np.zeros((2, 8, 9, 2), np.float32)
    assert warp_error(frames, zero, zero)[0] == pytest.approx(0.2**2 * 2 / 3, rel=1e-6)


def test_occluded_pixels_are_left_out():
    frames = np.zeros((2, 20, 20, 3), np.uint8)
    frames[1, :, 10:] = 255
    forward = np.zeros((1, 20, 20, 2), np.float32)
    backward = forward.copy()
    backward[0, :, 10:, 0] = 2.0  # what is bright came from elsewhere
    value, visible = warp_error(frames, forward, backward)
    assert (value, visible) == (0.0, 0.5)


def test_pairs_without_a_pixel_are_skipped_and_an_incoherent_video_has_no_value():
    frames, forward, backward = panned([(0, 0), (1, 0), (2, 0)])
    frames = frames.copy()
    frames[2] = 255 - frames[2]
    broken = backward.copy()
    broken[1] += 50
    value, visible = warp_error(frames, forward, broken)
    assert value == 0.0 and visible == pytest.approx(39 / 40 / 2)
    with pytest.raises(NotApplicable, match="no pixel"):
        warp_error(frames, forward, backward + 50)


def test_warp_error_as_a_metric():
    frames, forward, backward = panned([(0, 0), (2, 1)])
    roles = {"frames": {"frames": frames}, "flow": {"uv": forward, "uv_back": backward}}
    assert WARP_ERROR.measure(view(roles, [0, 1]))["value"] == 0.0
    roles = {"frames": {"frames": frames[:1]}, "flow": {"uv": forward[:0], "uv_back": backward[:0]}}
    with pytest.raises(VideoError, match="1 frame"):
        WARP_ERROR.measure(view(roles, [0]))


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1), (2, 2)])
def test_tiny_frames(size):
    frames = np.zeros((2, *size, 3), np.uint8)
    zero = np.zeros((1, *size, 2), np.float32)
    assert warp_error(frames, zero, zero) == (0.0, 1.0)


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 2**31))
def test_bilinear_sampling(height, width, seed):
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    ramp = np.stack([3 * x + 2 * y, x * y])
    px = rng.uniform(-1, width, 20).astype(np.float32)
    py = rng.uniform(-1, height, 20).astype(np.float32)
    values, inside = sample_bilinear(ramp, px, py)
    cx, cy = px.clip(0, width - 1), py.clip(0, height - 1)
    np.testing.assert_allclose(values, np.stack([3 * cx + 2 * cy, cx * cy]), atol=1e-4)
    np.testing.assert_array_equal(inside, (cx == px) & (cy == py))
    exact, _ = sample_bilinear(ramp, x.ravel(), y.ravel())
    np.testing.assert_array_equal(exact, ramp.reshape(2, -1))


def test_flicker_by_hand():
    change = np.array([0.0, 51.0, 102.0], np.float32)
    assert FLICKER.measure(view({"photometric": {"change": change}}, np.arange(4)))["value"] == pytest.approx(0.8)
    with pytest.raises(VideoError, match="1 frame"):
        FLICKER.measure(view({"photometric": {"change": change[:0]}}, [0]))


def test_first_frame():
    roles = {"photometric": {"ssim": np.array([0.75, 0.1], np.float32)}}
    values = FIRST_FRAME.measure(view(roles, [0, 1], match=InputMatch(0.56, 10.0, -2.0, 0.9)))
    assert values == {"value": 0.75, "scale": 0.56, "dx": 10.0, "dy": -2.0, "ncc": 0.9}
    with pytest.raises(NotApplicable):
        FIRST_FRAME.measure(view({"photometric": {"ssim": np.array([np.nan], np.float32)}}, [0]))
