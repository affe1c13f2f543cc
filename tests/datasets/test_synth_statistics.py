"""The promises about the test split as a whole: see docs/datasets/synth.md."""

from __future__ import annotations

import itertools

import pytest

from motionbench.datasets.synth import motion

from ..bench import prompt_ceiling, synth_statistics


@pytest.fixture(scope="module")
def found():
    return synth_statistics.statistics()


def test_speed_of_moving_objects(found):
    assert 1.0 <= found["speeds"][2] <= 3.0
    assert found["speeds"][0] > 0.5 and found["speeds"][4] < 5.0


def test_share_of_occluded_tracks(found):
    assert found["occluded"] >= 0.15


def test_everything_occurs(found):
    kinds = {row["kind"] for row in found["objects"]}
    assert kinds >= {"glide", "spin", "resize", "bounce", "hit", "struck", "meet", "circle", "orbit", "still"}
    assert kinds >= {"exit", "enter", "walk", "wave", "follow", "turn", "hop", "roll", "tumble"}
    assert {"puppet", "dog", "fish", "caterpillar"} <= {row["noun"] for row in found["objects"]}
    assert min(found["cameras"][kind] for kind in ("still", "pan", "zoom")) >= 20
    assert found["twins"] >= 10
    assert found["sizes"][1] == 64 and all(found["sizes"][count] >= 10 for count in (2, 3, 4))


def test_the_prompt_determines_the_motion():
    mean, _, _ = prompt_ceiling.ceiling(range(0, 128, 5), 1)
    redrawn, static, error, static_error = mean
    assert redrawn >= 0.6 and static <= 0.35
    assert error <= static_error / 3


@pytest.mark.parametrize("words", [motion.SPEEDS, motion.SPINS])
def test_words_of_pace_do_not_overlap(words):
    ranges = [words[word] for word in ("slowly", "steadily", "quickly")]
    for (low, high), (higher, _) in itertools.pairwise(ranges):
        # A reader can tell the words apart, and one word leaves at most a fifth of the pace open.
        assert low < high <= 1.2 * low and higher > 1.25 * high
