"""The bars of tests/bench/ground_truth.py, looser, on a few scenes."""

from __future__ import annotations

import numpy as np
import pytest

from ...bench import ground_truth as bench

SCENES = (1, 6, 42)


@pytest.fixture(scope="module")
def rows() -> list[dict[str, float]]:
    return [bench.measure(index) for index in SCENES]


def test_flow_tracks_and_masks_agree_with_the_truth(rows) -> None:
    mean = {name: np.nanmean([row[name] for row in rows]) for name in rows[0]}
    assert mean["flow end-point error (px)"] < 0.4
    assert mean["AJ"] > 0.7 and mean["δ_avg"] > 0.75 and mean["OA"] > 0.85
    assert mean["carried masks, IoU"] > 0.7


def test_the_reference_survives_better_than_a_shuffle_of_it(rows) -> None:
    assert all(row["survival, reference"] > row["survival, shuffled"] + 0.1 for row in rows)


def test_the_bench_counts_by_hand() -> None:
    truth = np.zeros((1, 3, 8, 8), np.bool_)
    truth[:, :, :4] = True
    found = truth.copy()
    found[0, 1, :, 4:] = False  # half of the object
    found[0, 2, 4:] = True  # twice the object
    assert bench.mask_iou(found, truth) == pytest.approx(0.5)
    assert bench.displacement(np.full((1, 2, 2, 2), [3.0, 4.0], np.float32)) == pytest.approx(5)
    assert bench.standard_errors(np.array([1.0, 2.0, 3.0, np.nan])) == pytest.approx(2 / (1 / 3**0.5))
