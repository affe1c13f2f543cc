"""A metric that reads the reference twice: the second time half a pixel aside, and at no second decode."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from motionbench import plan
from motionbench.cache import Cache
from motionbench.datasets import load_dataset
from motionbench.measure import known, measure
from motionbench.plan import Plan
from motionbench.profiles import load_profile
from motionbench.stats import reduce_mean
from motionbench.subject import Clock, Subject, Workbench
from motionbench.types import Backend, Metric, Need
from motionbench.video import aside


def sums(inputs, features):
    frames = inputs.clip.video.frames
    return {"sum": frames.sum(axis=(1, 2, 3), dtype=np.int64), "shift": np.array([inputs.match.dx, inputs.match.dy])}


BACKEND = Backend("frame-sums", "sums", 1, lambda: sums)
NEEDS = (Need("sums"), Need("sums", "reference", optional=True, again=True))


def read(view):
    once, twice = view.reference, view.reference.again
    assert view.generated.again is None
    assert twice.again is None
    return {
        "value": float(np.abs(twice.roles["sums"]["sum"] - once.roles["sums"]["sum"]).max()),
        "moved": (twice.roles["sums"]["shift"] - once.roles["sums"]["shift"]).tolist(),
        "second": twice.roles["sums"]["sum"].tolist(),
    }


METRIC = Metric("twice", 1, NEEDS, read, reduce_mean, "", "none", "read twice")


@pytest.fixture
def case(squares):
    return load_dataset(squares).cases[0]


def subjects(case, cache, metric=METRIC, backend=BACKEND):
    bench = Workbench(Plan((metric,), {"sums": backend}, load_profile("lite").protocol), cache, Clock())
    masks = case.masks.digest()
    return [Subject(bench, case, case.reference, case.first_frame.digest(), masks) for _ in range(2)]


def test_it_is_the_same_clip_half_a_pixel_aside_and_registered_as_any_video_is(case, tmp_path):
    generated, reference = subjects(case, Cache(tmp_path))
    found = measure(METRIC, generated, reference)
    clip = reference.inputs().clip
    frames, gain = aside(clip).video.frames, clip.to_native()[0]
    assert found["second"] == frames.sum(axis=(1, 2, 3), dtype=np.int64).tolist()
    assert found["value"] > 0
    assert found["moved"] == pytest.approx([0.3 * gain, -0.4 * gain], abs=0.03)


def test_the_video_is_decoded_once_and_never_with_a_warm_cache(case, tmp_path):
    generated, reference = subjects(case, Cache(tmp_path))
    first = measure(METRIC, generated, reference)
    assert generated.bench.clock.decoded == 2
    generated, reference = subjects(case, Cache(tmp_path))
    assert known(METRIC, generated, reference)
    assert measure(METRIC, generated, reference) == first
    newer = dataclasses.replace(METRIC, version=2)  # its values are unknown, the features are not
    generated, reference = subjects(case, Cache(tmp_path), newer)
    assert measure(newer, generated, reference) == first
    assert generated.bench.clock.decoded == 0


def test_what_is_at_hand_needs_no_frames(case, tmp_path):
    generated, reference = subjects(case, Cache(tmp_path), backend=dataclasses.replace(BACKEND, stored=False))
    reference.prepare(METRIC.needs_of("reference"))
    reference.release(keep={"sums"})
    generated.bench.clock.decoded = 0
    measure(METRIC, generated, reference)
    assert generated.bench.clock.decoded == 1  # the generated one


def test_its_recipe_is_part_of_every_key_that_depends_on_it(case, tmp_path, monkeypatch):
    generated, reference = subjects(case, Cache(tmp_path))
    once = dataclasses.replace(METRIC, needs=(NEEDS[0], dataclasses.replace(NEEDS[1], again=False)))

    def keys(metric):
        return plan.measure_key(metric, case, generated.keys, reference.keys), reference.keys.features("sums")

    before = keys(METRIC), keys(once)
    assert before[0][0] != before[1][0]
    monkeypatch.setattr(plan, "AGAIN_RECIPE", 99)
    after = keys(METRIC), keys(once)
    assert after[0][0] != before[0][0]
    assert after[1] == before[1]
    assert after[0][1] == before[0][1]
