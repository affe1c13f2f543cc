"""Distances against values that other projects' code returned for the same arrays (tests/golden/frechet.json)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from motionbench.metrics.distribution import frechet_distance, kernel_distance

GOLDEN = Path(__file__).parents[1] / "golden"
FACTS = json.loads((GOLDEN / "frechet.json").read_text(encoding="utf-8"))["cases"]
CASES = ["small_d32", "i3dlike_d400_n64", "shift_only_d32", "const_collapsed_d32"]
FULL_RANK = ["small_d32", "shift_only_d32", "const_collapsed_d32"]
# Peers that compute the same thing in float64: covariance over n - 1, nothing added to it.
PEERS = [
    "common_metrics/styleganv frechet_distance (np.cov ddof=1, sqrtm)",
    "fvd-comparison our_fvd.compute_fvd (ddof=1, sqrtm)",
    "cd-fvd third_party.i3d.utils.frechet_distance fp64 (ddof=1, double SVD)",
    "common_metrics/videogpt frechet_distance fp64",
    "torch-fidelity fid (ddof=1, eigvals) fp64 feats",
    "clean-fid fid_from_feats (ddof=1, sqrtm)",
    "torchmetrics 1.9.0 _compute_fid fp64 (eigvals)",
]
KID_PEERS = [
    "torch-fidelity KID one full subset (m=min n, rng 2020, unbiased)",
    "clean-fid kernel_distance(x[:m],y[:m], num_subsets=1) == full unbiased MMD^2",
    "torchmetrics poly_mmd(x[:m],y[:m]) fp64",
]


def arrays(case: str) -> tuple[np.ndarray, np.ndarray]:
    with np.load(GOLDEN / "frechet.npz", allow_pickle=False) as data:
        return data[f"{case}_x"], data[f"{case}_y"]


@pytest.mark.parametrize("case", CASES)
def test_exact_value(case):
    assert frechet_distance(*arrays(case)) == pytest.approx(FACTS[case]["nuclear_ddof1[own,ref]"], rel=1e-12)


def test_forty_digit_value_on_a_singular_covariance():
    exact = FACTS["i3dlike_d400_n64"]["mpmath 40-digit reference (ddof=1)"]
    assert frechet_distance(*arrays("i3dlike_d400_n64")) == pytest.approx(exact, rel=1e-10)


@pytest.mark.parametrize("peer", PEERS)
@pytest.mark.parametrize("case", FULL_RANK)
def test_peers_at_full_rank(case, peer):
    assert frechet_distance(*arrays(case)) == pytest.approx(FACTS[case][peer], rel=1e-8)


@pytest.mark.parametrize("peer", PEERS)
def test_peers_at_n_below_d(peer):
    assert frechet_distance(*arrays("i3dlike_d400_n64")) == pytest.approx(FACTS["i3dlike_d400_n64"][peer], rel=2e-6)


def test_equal_sets_are_at_distance_zero_where_peers_are_not():
    x, _ = arrays("i3dlike_d400_n64")
    assert abs(frechet_distance(x, x)) < 1e-11
    assert FACTS["i3dlike_d400_n64_same"][PEERS[0]] < -1e-6


@pytest.mark.parametrize("case", CASES)
def test_unbiased_kernel_distance(case):
    x, y = arrays(case)
    facts = FACTS[case]["MMD"]
    least = min(len(x), len(y))
    for peer in KID_PEERS:
        if case == "i3dlike_d400_n64" and "fp64" not in peer:
            continue  # on float32 arrays these peers compute in float32
        assert kernel_distance(x[:least], y[:least]) == pytest.approx(facts[peer], rel=1e-9, abs=1e-9)
    own = facts["own: unbiased U-stat MMD^2 poly deg3 coef1 gamma1/d (n1!=n2 ok)"]
    assert kernel_distance(x, y) == pytest.approx(own, rel=1e-9, abs=1e-12)
    jedi = facts["own: unbiased U-stat MMD^2 poly deg2 coef0 gamma1/d (x100, JEDi kernel unbiased)"]
    assert 100 * kernel_distance(x, y, degree=2, coef0=0.0) == pytest.approx(jedi, rel=1e-9, abs=1e-12)
