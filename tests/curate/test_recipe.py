"""The recipe as pure functions: rounds, balance, and a draw that depends on the seed alone."""

from __future__ import annotations

import dataclasses
import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motionbench.curate.recipe import CATEGORIES, Recipe, Scored, choose_pool, draw
from motionbench.errors import ConfigError, DataError


def scored(name: str, category: str = "Animal", total: float = 1.0, objects: int = 1) -> Scored:
    return Scored(name, f"{name} moves.", name, category, total - 0.25, 0.25, objects)


def many(count: int = 600) -> list[Scored]:
    """Categories of very different sizes and scores, objects from 0 to 3."""
    rng = random.Random(5)
    weights = [2**k for k in range(len(CATEGORIES))]
    return [
        scored(f"v{n:04d}", rng.choices(CATEGORIES, weights)[0], rng.uniform(1, 9), rng.randrange(4))
        for n in range(count)
    ]


def test_the_pool_goes_round_and_takes_the_best() -> None:
    given_ = [
        scored("a", "Animal", 1.0),
        scored("b", "Animal", 3.0),
        scored("c", "Animal", 3.0),
        scored("d", "Food", 9.0),
        scored("e", "Other", 2.0),
        scored("f", "Food", 8.0),
    ]
    assert [item.id for item in choose_pool(given_, 10)] == ["b", "d", "e", "c", "f", "a"]
    assert [item.id for item in choose_pool(reversed(given_), 4)] == ["b", "d", "e", "c"]


def test_aesthetic_and_motion_count_alike() -> None:
    one, two = scored("a"), scored("b")
    one, two = dataclasses.replace(one, aesthetic=5.0, motion=1.0), dataclasses.replace(two, aesthetic=1.0, motion=6.0)
    assert [item.id for item in choose_pool([one, two], 2)] == ["b", "a"]


def test_the_pool_is_balanced_as_far_as_there_are_videos() -> None:
    candidates, size = many(), 200
    there = Counter(item.category for item in candidates)
    taken = Counter(item.category for item in choose_pool(candidates, size))
    assert sum(taken.values()) == size
    short = [category for category in there if taken[category] == there[category]]
    full = [taken[category] for category in there if category not in short]
    assert max(full) - min(full) <= 1
    assert all(there[category] <= max(full) for category in short)
    for category in there:
        ranked = sorted(-i.aesthetic - i.motion for i in candidates if i.category == category)
        kept = [-i.aesthetic - i.motion for i in choose_pool(candidates, size) if i.category == category]
        assert kept == ranked[: len(kept)]


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32), order=st.randoms())
def test_the_draw_is_balanced_and_does_not_depend_on_the_order(seed: int, order: random.Random) -> None:
    pool = [scored(f"{category}{k}", category, 1.0, 1 + k % 2) for category in CATEGORIES for k in range(12)]
    recipe = Recipe(single=34, multi=17, seed=seed)
    chosen = draw(pool, recipe)
    assert Counter(item.subset for item in chosen) == {"single": 34, "multi": 17}
    for subset, least in (("single", 3), ("multi", 1)):
        counts = Counter(item.category for item in chosen if item.subset == subset)
        assert {counts[category] for category in CATEGORIES} == {least, least + 1}
    shuffled = list(pool)
    order.shuffle(shuffled)
    assert draw(shuffled, recipe) == chosen


def test_the_draw_is_random() -> None:
    pool = [scored(f"{n:03d}", "Other", n, 1) for n in range(100)]
    draws = [{item.id for item in draw(pool, Recipe(single=50, multi=0, seed=seed))} for seed in range(200)]
    assert len({frozenset(d) for d in draws}) == 200
    share = [sum(f"{n:03d}" in d for d in draws) / 200 for n in range(100)]
    assert min(share) > 0.3 and max(share) < 0.7  # each has the chance 1/2: five standard deviations are 0.18
    best = sum(share[50:]) / 50
    assert abs(best - 0.5) < 0.02, "the score must not count any more"


def test_videos_without_a_moving_object_are_never_drawn() -> None:
    pool = [scored("a", objects=0), scored("b", objects=1), scored("c", objects=5)]
    assert [item.id for item in draw(pool, Recipe(single=1, multi=1))] == ["b", "c"]
    with pytest.raises(DataError, match=r"pool of 3 videos has 1 with one object .* 2 are wanted") as caught:
        draw(pool, Recipe(single=2, multi=1))
    assert "--single 1" in caught.value.hint


@pytest.mark.parametrize("fields", [{"pool": -1}, {"single": -1}, {"single": 0, "multi": 0}])
def test_recipes_that_choose_nothing(fields: dict[str, int]) -> None:
    with pytest.raises(ConfigError):
        Recipe(**fields)
