"""VBench's numbers against VBench's own functions (tests/golden/make_vbench.py)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from motionbench.errors import VideoError
from motionbench.metrics.vbench import (
    VBENCH_DYNAMIC_DEGREE,
    VBENCH_FLICKER,
    VBENCH_SUBJECT_CONSISTENCY,
    reduce_frames,
)
from motionbench.types import Row

from ..golden import make_vbench as make
from .views import flow_view, view

GOLDEN = Path(__file__).parents[1] / "golden"
WANTED = json.loads((GOLDEN / "vbench.json").read_text())


def measured(number):
    frames = make.video(number)
    times, size = np.arange(len(frames)) / 8.0, frames.shape[1:3]
    return {
        "flicker": VBENCH_FLICKER.measure(view({"frames": {"frames": frames}}, times, size)),
        "dynamic_degree": VBENCH_DYNAMIC_DEGREE.measure(flow_view(make.flow(number))),
        "subject_consistency": VBENCH_SUBJECT_CONSISTENCY.measure(
            view({"subject": {"frames": make.vectors(number)}}, times, size)
        ),
    }


@pytest.mark.parametrize("number", range(3))
def test_values_are_those_of_vbench(number):
    for name, values in measured(number).items():
        assert values["value"] == pytest.approx(WANTED[name][number], abs=1e-6), name


def test_the_dataset_value_weighs_frames():
    rows = [Row(str(n), "single", "m", "ok", measured(n)["subject_consistency"]) for n in range(3)]
    found = reduce_frames(rows, seed=0)
    assert found.value == pytest.approx(WANTED["dataset_subject_consistency"], abs=1e-6)
    assert found.low is None and found.reason


def test_both_answers_of_dynamic_degree_occur():
    assert {WANTED["dynamic_degree"][n] for n in range(3)} == {0.0, 1.0}


def test_a_frozen_video_is_perfect_for_vbench():
    frames = np.repeat(make.video(0)[:1], 4, axis=0)
    assert VBENCH_FLICKER.measure(view({"frames": {"frames": frames}}, range(4)))["value"] == 1.0
    still = {"subject": {"frames": np.repeat(make.vectors(0)[:1], 4, axis=0)}}
    assert VBENCH_SUBJECT_CONSISTENCY.measure(view(still, range(4)))["value"] == pytest.approx(1.0)


def test_one_frame_is_an_error():
    with pytest.raises(VideoError):
        VBENCH_FLICKER.measure(view({"frames": {"frames": make.video(0)[:1]}}, [0.0]))
