"""The arithmetic under synth: hashed draws, turns, affine maps and signed distances."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motionbench.datasets.synth.cast import Link
from motionbench.datasets.synth.geometry import apply, compose, cos_sin, invert, similarity
from motionbench.datasets.synth.hashing import Stream, key, lattice, mix
from motionbench.datasets.synth.shapes import SHAPES, reach

angles = st.floats(-5.0, 5.0)


def test_mix_is_splitmix64():
    # The first three outputs of the reference SplitMix64 for seed 0.
    golden = 0x9E3779B97F4A7C15
    outputs = [mix(golden * k & (1 << 64) - 1) for k in (1, 2, 3)]
    assert outputs == [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]


def test_draws_are_pinned():
    # A change here changes every scene: the manifest and the dataset's version have to change with it.
    stream = Stream(key("pin", 1))
    assert [stream.below(1000) for _ in range(5)] == [656, 759, 58, 437, 401]
    assert lattice(7, np.array([-1, 0]), np.array([3]))[:, 0].tolist() == [0.6887644677477078, 0.15737173430947493]


def test_lattice_is_a_function_of_the_cell():
    wide = lattice(3, np.arange(-4, 9), np.arange(-2, 6))
    assert np.array_equal(wide[5:7, 2:4], lattice(3, np.arange(1, 3), np.arange(0, 2)))
    assert wide.min() >= 0.0 and wide.max() < 1.0
    assert abs(lattice(5, np.arange(100), np.arange(100)).mean() - 0.5) < 0.01


def test_streams_by_name_are_independent():
    stream = Stream(1)
    before = stream.child("a").bits()
    stream.bits()
    assert stream.child("a").bits() == before != stream.child("b").bits()
    assert sorted(stream.shuffled(range(20))) == list(range(20))


@given(angles)
def test_cos_sin(turns):
    c, s = cos_sin(turns)
    assert abs(c - math.cos(2 * math.pi * turns)) < 1e-11
    assert abs(s - math.sin(2 * math.pi * turns)) < 1e-11
    assert abs(c * c + s * s - 1.0) < 1e-15


@given(st.floats(-50, 50), st.floats(-50, 50), angles, st.floats(0.3, 3.0), st.sampled_from([1.0, -1.0]))
def test_maps_invert_and_compose(x, y, turn, scale, flip):
    a = similarity(*(np.array([v]) for v in (x, y, turn, scale)), flip)
    b = similarity(*(np.array([v]) for v in (y, x, -turn, 1.0)))
    identity = compose(invert(a), a)
    assert np.allclose(identity, [[1, 0, 0], [0, 1, 0]], atol=1e-12)
    px, py = np.array([1.5]), np.array([-2.0])
    assert np.allclose(apply(compose(a, b), px, py), apply(a, *apply(b, px, py)), atol=1e-12)


LINKS = [Link(name, 10.0) for name in SHAPES] + [
    Link("capsule", 8.0, 2.0),
    Link("box", 12.0, 6.0),
    Link("lens", 16.0, 8.6),
]


@pytest.mark.parametrize("link", LINKS, ids=lambda link: link.outline)
def test_distances_never_exceed_the_true_distance(link):
    # Supersampling trusts this: a pixel farther from the edge than its half diagonal is not cut by it.
    axis = np.linspace(-22.0, 22.0, 221)
    x, y = np.meshgrid(axis, axis)
    d = link.distance(x, y)
    step = axis[1] - axis[0]
    for along in (0, 1):
        assert np.abs(np.diff(d, axis=along)).max() <= step * (1 + 1e-9)
    left, top, right, bottom = link.extent()
    inside = d <= 0
    assert inside.any()
    assert x[inside].min() >= left - 1e-9 and x[inside].max() <= right + 1e-9
    assert y[inside].min() >= top - 1e-9 and y[inside].max() <= bottom + 1e-9


def test_distance_of_simple_shapes():
    x, y = np.array([0.0, 3.0, 0.0]), np.array([0.0, 4.0, -7.0])
    assert np.allclose(Link("ball", 5.0).distance(x, y), [-5.0, 0.0, 2.0])
    assert np.allclose(Link("capsule", 10.0, 2.0).distance(x, y), [-2.0, 1.0, 5.0])


def test_reach_of_a_turned_bar():
    assert reach("bar", 0.0, 0.0) == pytest.approx(1.0, abs=0.03)
    assert reach("bar", 0.25, 0.0) == pytest.approx(0.3, abs=0.03)
    assert reach("ball", 0.1, 0.37) == pytest.approx(1.0, abs=0.03)
