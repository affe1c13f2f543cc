"""The references as systems, as they are and shuffled."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motionbench.errors import ConfigError, VideoError
from motionbench.sources import case_seed, open_source
from motionbench.sources.reference import shuffled
from motionbench.types import Protocol

from .conftest import case_of, dataset_of

SIXTEEN = Protocol(size=48)


@pytest.mark.parametrize("name", ["reference", "shuffle"])
def test_they_need_references(tmp_path, name) -> None:
    source = open_source(name, seed=0, out=tmp_path)
    with pytest.raises(ConfigError, match=f"the source {name} needs reference videos, and memory has none"):
        source.check(dataset_of([case_of("a"), case_of("b")]))
    listing = source.check(dataset_of([case_of("a"), case_of("b", reference=4)]))
    assert (listing.found, listing.missing) == (("b",), ("a",))
    assert source.footage(case_of("a"), SIXTEEN) is None
    assert source.identity() == {"name": name, "kind": "reference", "source": name, "options": {}}
    with pytest.raises(ConfigError, match="takes no options"):
        open_source(name, options={"x": "1"}, seed=0, out=tmp_path)


def test_the_reference_is_the_reference(tmp_path) -> None:
    case = case_of("a", reference=5)
    assert open_source("reference", seed=0, out=tmp_path).footage(case, SIXTEEN) is case.reference


def levels(clip) -> list[int]:
    return clip.video.frames[:, 0, 0, 0].tolist()


def test_shuffle_keeps_frame_0_the_times_and_every_frame(tmp_path) -> None:
    case = case_of("a", reference=20)
    source = pickle.loads(pickle.dumps(open_source("shuffle", seed=3, out=tmp_path)))
    plain, mixed = case.reference.load(SIXTEEN), source.footage(case, SIXTEEN).load(SIXTEEN)
    assert levels(mixed)[0] == levels(plain)[0]
    assert levels(mixed) != levels(plain) and sorted(levels(mixed)) == levels(plain)
    assert len(levels(mixed)) == 16  # the same frames as the reference under the protocol, in another order
    assert np.array_equal(mixed.video.times, plain.video.times) and mixed.fps == plain.fps


def test_shuffle_follows_the_runs_seed_and_the_case(tmp_path) -> None:
    def order(seed, name):
        case = case_of(name, reference=16)
        footage = open_source("shuffle", seed=seed, out=tmp_path).footage(case, SIXTEEN)
        return tuple(levels(footage.load(SIXTEEN))), footage.digest()

    assert order(0, "a") == order(0, "a")
    assert len({order(0, "a"), order(1, "a"), order(0, "b")}) == 3
    assert len({digest for _, digest in (order(0, "a"), order(1, "a"), order(0, "b"))}) == 3


@pytest.mark.parametrize("count", [1, 2])
def test_too_few_frames_to_shuffle_are_the_cases_error(tmp_path, count) -> None:
    footage = open_source("shuffle", seed=0, out=tmp_path).footage(case_of("a", reference=count), SIXTEEN)
    with pytest.raises(VideoError, match=f"has {count} frames"):
        footage.load(SIXTEEN)


@given(st.integers(3, 40), st.integers(0, 2**63 - 1))
def test_an_order_is_a_permutation_but_not_the_natural_one(count, seed) -> None:
    order = shuffled(count, seed)
    assert order[0] == 0 and sorted(order) == list(range(count)) and order != sorted(order)


def test_all_orders_of_three_rest_frames_come_up_equally_often() -> None:
    counts: dict[tuple[int, ...], int] = {}
    for seed in range(3000):
        order = tuple(shuffled(4, seed))
        counts[order] = counts.get(order, 0) + 1
    assert len(counts) == 5 and min(counts.values()) > 500


def test_case_seeds_are_fixed_63_bit_and_apart() -> None:
    # sha256("0\0a") begins with these bytes; a change here would change every generated video.
    assert case_seed(0, "a") == int.from_bytes(bytes.fromhex("5f1aa0c8dad9dc73"), "big") >> 1
    seeds = {case_seed(run, f"case {k}") for run in range(20) for k in range(200)}
    assert len(seeds) == 4000 and all(0 <= s < 2**63 for s in seeds)
    assert case_seed(1, "1 a") != case_seed(11, " a") and case_seed(1, "0") != case_seed(10, "")
    case_seed(0, "\udcff")  # an undecodable file name
