from __future__ import annotations

import numpy as np
import pytest

from motionbench.stress import summary
from motionbench.stress.samples import Measured, Sample
from motionbench.stress.table import rewards, sees
from motionbench.types import Metric, Summary


def _metric(direction: str) -> Metric:
    return Metric("m", 1, (), lambda view: {}, lambda rows, seed: Summary(None), "", direction, "")  # type: ignore[arg-type]


def _sample(case: str, severity: int, value: float | None, object_id: int | None = None, other: float = 0.5) -> Sample:
    objects = [{"object_id": 1, "m": value}, {"object_id": 2, "m": other}] if object_id else []
    mean = None if value is None else (value + other) / 2 if objects else value
    measured = Measured({"value": mean, "objects": objects}) if mean is not None else Measured(None, "too short")
    return Sample(case, "single", "c" if severity else "", severity, object_id if severity else None, {"m": measured})


def _clips(object_id: int | None) -> list[Sample]:
    """Drops of 0.1, 0.2 and 0.3 at the top, in three cases that start apart."""
    samples = []
    for k, case in enumerate("abc"):
        clean = _sample(case, 0, 0.9 - 0.1 * k, 1 if object_id else None)
        samples += [clean, *(_sample(case, s, 0.9 - 0.1 * k - 0.1 * (k + 1) * s / 5, object_id) for s in range(1, 6))]
    return samples


@pytest.mark.parametrize(("object_id", "whose"), [(None, "clip"), (1, "object")])
def test_paired_drop_error_and_rank_correlation(object_id: int | None, whose: str) -> None:
    pairs = summary.pairs("m", summary.ladders(_clips(object_id), "c"), 5)
    found = summary.react(_metric("higher"), "c", pairs, 0.1, benign=False)
    assert (found.of, found.n, found.rho) == (whose, 3, -1.0)
    assert found.change == pytest.approx(-0.2) and found.drop == pytest.approx(0.2)
    assert found.se == pytest.approx(0.1 / np.sqrt(3)) and found.effect == pytest.approx(-2.0)
    assert found.low == pytest.approx(-0.2 - 4.302652729 * 0.1 / np.sqrt(3))
    assert found.curve == pytest.approx([0.8, 0.76, 0.72, 0.68, 0.64, 0.6])
    assert found.control == (0.0 if object_id else None)
    assert sees(found) and not rewards(found)
    lower = summary.react(_metric("lower"), "c", pairs, 0.1, benign=True)
    assert rewards(lower) and lower.share == pytest.approx(-0.25)


def test_a_ladder_with_a_missing_step_is_left_out_with_the_reason() -> None:
    samples = [s if (s.case_id, s.severity) != ("b", 3) else _sample("b", 3, None) for s in _clips(None)]
    found = summary.react(_metric("higher"), "c", summary.pairs("m", summary.ladders(samples, "c"), 5), 0.1, False)
    assert found.n == 2 and found.se is None and found.z is None and found.reason == "1 without: too short"
    assert not sees(found)


def test_a_change_without_any_spread_is_seen() -> None:
    clips = [_sample(case, severity, 1.0 - severity / 5) for case in "abc" for severity in range(6)]
    found = summary.react(_metric("higher"), "c", summary.pairs("m", summary.ladders(clips, "c"), 5), None, False)
    assert found.change == -1.0 and found.z is None and sees(found) and not rewards(found)
    assert rewards(found.model_copy(update={"drop": -1.0})) and not sees(found.model_copy(update={"change": 0.0}))


def test_nothing_at_all_is_said_plainly() -> None:
    found = summary.react(_metric("higher"), "c", summary.pairs("m", [], 5), None, False)
    assert found.n == 0 and found.curve == [] and found.change is None


def test_sets_are_reduced_once_for_each_severity() -> None:
    def reduce(rows: object, seed: int) -> Summary:
        values = [float(row.values["x"][0]) for row in rows]  # type: ignore[attr-defined]
        return Summary(float(np.mean(values)), se=0.5, details={"floor": 2.0})

    metric = Metric("m", 1, (), lambda view: {}, reduce, "", "lower", "")
    samples = [
        Sample(case, "single", "c" if s else "", s, None, {"m": Measured({"value": None, "x": np.array([s + k])})})
        for k, case in enumerate("ab")
        for s in range(3)
    ]
    assert summary.is_set([s.metrics["m"] for s in samples])
    found = summary.react_as_set(metric, "c", summary.ladders(samples, "c"), 2, 0)
    assert found.curve == [0.5, 1.5, 2.5] and found.z == 4.0 and found.effect == 1.0 and sees(found)


def test_a_flat_or_short_curve_has_no_rank_correlation() -> None:
    assert summary.rank_correlation(np.ones(6)) is None
    assert summary.rank_correlation(np.array([1.0, 0.0])) is None
    assert summary.rank_correlation(np.array([1.0, 0.5, 0.7, 0.2])) == pytest.approx(-0.8)
