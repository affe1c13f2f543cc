"""Which cases come first."""

from hypothesis import given
from hypothesis import strategies as st

from motionbench.report import ranking
from motionbench.types import Row

values = st.dictionaries(st.text("abc", max_size=3), st.integers(0, 4).map(float), min_size=1)


def test_places_by_hand():
    found = {"a": 0.1, "b": 0.5, "c": 0.5, "d": 0.9}
    assert ranking.places(found, "higher") == {"a": 1, "b": 3, "c": 3, "d": 4}
    assert ranking.places(found, "lower") == {"d": 1, "b": 3, "c": 3, "a": 4}
    assert ranking.places(found, "none") == {}


@given(values)
def test_place_counts_the_cases_that_are_not_better(found):
    for case, place in ranking.places(found, "higher").items():
        assert place == sum(other <= found[case] for other in found.values())


def test_equal_values_say_nothing():
    assert set(ranking.places({"a": 0.0, "b": 0.0, "c": 0.0}, "lower").values()) == {3}


def test_the_worst_of_each_metric_comes_first():
    one = {"a": 1, "b": 2, "c": 3, "d": 4}
    two = {"d": 1, "c": 2, "b": 3, "a": 4}
    # a and d are each worst once and best once; b and c are second once; ties end by id.
    assert ranking.worst_first("dcbae", [one, two]) == ["a", "d", "b", "c", "e"]


def test_bad_twice_comes_before_bad_once():
    assert ranking.worst_first("ab", [{"a": 1, "b": 1}, {"a": 4, "b": 2}]) == ["b", "a"]


def test_only_numbers_of_good_rows_count():
    rows = [
        Row("a", "single", "m", "ok", {"value": 2}),
        Row("b", "single", "m", "ok", {"value": None}),
        Row("c", "single", "m", "failed", {"value": 1.0}),
        Row("d", "single", "set", "ok", {}),
    ]
    assert ranking.case_values(rows) == {"m": {"a": 2.0}}
