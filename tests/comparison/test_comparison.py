"""`compare`: what may be compared, what is tested against what, and what is only shown."""

from __future__ import annotations

import numpy as np
import pytest

import motionbench
from motionbench import comparison
from motionbench.errors import ConfigError, DataError
from motionbench.stats import holm, mean_interval, paired_difference, rank_sets

from .conftest import CASES, subset_of

STRATA = [subset_of(case) for case in CASES]


def block(found, metric, subset="all"):
    return next(m for m in found.metrics if (m.metric, m.subset) == (metric, subset))


def test_numbers_are_those_of_the_statistics(make, noise):
    a, b, c = noise(0), noise(0.1), noise(0.02)
    runs = [make(name, {"survival": v}) for name, v in (("a", a), ("b", b), ("c", c))]
    found = motionbench.compare(runs, metrics=["survival"], seed=4)
    assert motionbench.compare(runs, metrics=["survival"], seed=4) == found
    survival = block(found, "survival")
    assert (found.systems, found.baseline, survival.cases) == (("a", "b", "c"), "a", 32)
    own = mean_interval(b, 4, strata=STRATA)
    standing = survival.standings[1]
    assert (standing.value, standing.low, standing.high, standing.se) == (own.value, own.low, own.high, own.se)
    tests = [paired_difference(v, a, 4, higher_is_better=True, strata=STRATA) for v in (b, c)]
    assert [s.difference for s in survival.standings] == [None, *tests]
    assert [s.adjusted_p for s in survival.standings] == [None, *holm([t.p for t in tests])]
    sets = rank_sets(np.stack([a, b, c], axis=1), 4, higher_is_better=True, strata=STRATA)
    assert [s.ranks for s in survival.standings] == sets
    assert survival.standings[1].ranks.first and not survival.standings[0].ranks.first


def test_the_family_is_all_tests_of_a_subset(make, noise):
    runs = [make(n, {"survival": noise(0.01 * i), "warp_error": noise(0)}) for i, n in enumerate("abc")]
    found = comparison.compare(runs, subsets=("all", "multi"))
    assert found.family == {"all": 4, "multi": 4}
    for subset in ("all", "multi"):
        standings = [s for m in found.metrics if m.subset == subset for s in m.standings if s.difference]
        assert [s.adjusted_p for s in standings] == holm([s.difference.p for s in standings])
    assert block(found, "survival", "multi").cases == 16
    assert comparison.compare(runs, metrics=["survival"]).family == {"all": 2}


def test_lower_is_better_where_the_metric_says_so(make, noise):
    runs = [make("a", {"warp_error": noise(0)}), make("b", {"warp_error": noise(0.2)})]
    worse = block(comparison.compare(runs), "warp_error").standings[1]
    assert worse.difference.value > 0 and worse.difference.improvement < 0.1 and worse.ranks.best == 2


def test_sets_are_shown_and_not_ranked(make):
    found = comparison.compare([make("a", {}), make("b", {})])
    fvd = block(found, "fvd")
    assert not fvd.ranked and fvd.cases == 32
    for standing in fvd.standings:
        assert (standing.value, standing.se, standing.floor, standing.floor_n) == (30.0, 4.0, 12.5, 16)
        assert standing.ranks is standing.difference is standing.adjusted_p is None
    ad = block(found, "ad")
    assert not ad.ranked and ad.standings[0].value == 0.5 and ad.standings[1].difference is None


def test_a_run_with_gaps_is_compared_on_its_own_cases_and_not_ranked(make, noise):
    a, b, c = noise(0), noise(0.3), list(noise(0.1))
    c[3] = c[10] = None
    found = comparison.compare([make(n, {"survival": v}) for n, v in (("a", a), ("b", b), ("c", c))])
    first, second, third = block(found, "survival").standings
    assert (first.ranks.best, second.ranks.best, third.ranks) == (2, 1, None)
    assert third.n == third.difference.n == 30 and "30 of 32 cases" in third.note
    kept = [i for i in range(32) if i not in (3, 10)]
    assert third.difference.value == pytest.approx(np.mean(np.array(c, float)[kept] - a[kept]))


def test_clusters_of_cases(make, noise, tmp_path):
    runs = [make("a", {"survival": noise(0)}), make("b", {"survival": noise(0.02)})]
    path = tmp_path / "clusters.csv"
    path.write_text(
        "case_id,cluster\n" + "".join(f"{case},v{i // 4}\n" for i, case in enumerate(CASES)), encoding="utf-8"
    )
    found = comparison.compare(runs, metrics=["survival"], clusters=comparison.read_clusters(path))
    assert "8 clusters" in block(found, "survival").standings[1].difference.method
    assert "32" not in block(comparison.compare(runs), "survival").standings[1].difference.method


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("case,cluster\n", "does not start"),
        ("case_id,cluster\na,b,c\n", "line 2"),
        ("case_id,cluster\na,b\n\na,c\n", "line 4.*twice"),
        ('case_id,cluster\n"a,b\n', "no CSV"),
    ],
)
def test_bad_clusters(tmp_path, text, fault):
    (tmp_path / "c.csv").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=fault):
        comparison.read_clusters(tmp_path / "c.csv")


EDITS = {
    "dataset.version": lambda i: i["dataset"].update(version="1.1"),
    "dataset.manifest_sha256": lambda i: i["dataset"].update(manifest_sha256="00" * 32),
    "profile.sha256": lambda i: i["profile"].update(sha256="00" * 32),
    "protocol.fps": lambda i: i["protocol"].update(fps=12.0),
    "metrics.survival.version": lambda i: i["metrics"]["survival"].update(version=2),
    "metrics.survival.backend": lambda i: i["metrics"]["survival"].update(backend="cotracker"),
    "metrics.survival.recipes": lambda i: i["metrics"]["survival"].update(recipes={"lk": 2}),
    "metrics.survival.weights_sha256": lambda i: i["metrics"]["survival"].update(weights_sha256="00" * 32),
}


@pytest.mark.parametrize("place", EDITS)
def test_unlike_runs_are_refused_in_one_line(make, place):
    with pytest.raises(ConfigError) as caught:
        comparison.compare([make("a", {}), make("b", {}, edit=EDITS[place])])
    assert f"a and b cannot be compared: {place} is " in caught.value.message and "\n" not in caught.value.message


def test_a_metric_that_is_not_asked_for_may_differ(make):
    runs = [make("a", {}), make("b", {}, edit=EDITS["metrics.survival.version"])]
    assert comparison.compare(runs, metrics=["warp_error"]).family == {"all": 1}


def test_what_cannot_be_asked(make):
    runs = [make("a", {}), make("b", {}, edit=lambda i: i["metrics"].pop("survival"))]
    with pytest.raises(ConfigError, match="b did not measure 'survival'"):
        comparison.compare(runs, metrics=["survival"])
    with pytest.raises(ConfigError, match="none of the systems"):
        comparison.compare(runs, baseline="c")
    with pytest.raises(ConfigError, match="at least two"):
        comparison.compare(runs[:1])
    with pytest.raises(ConfigError, match="no subset"):
        comparison.compare(runs, subsets=("some",))
    with pytest.raises(DataError):
        comparison.compare([runs[0], runs[0] / "nowhere"])


def test_equal_names_are_told_apart(make):
    runs = [make("a", {}), make("a", {}, edit=lambda i: i.update(seed=1)), make("b", {})]
    assert comparison.compare(runs).systems == ("a (seed 0)", "a (seed 1)", "b")
    same = [make("a", {}), make("a", {})]
    assert comparison.compare(same).systems == tuple(f"a ({run.name})" for run in same)
    assert len(set(comparison.compare([same[0], same[0]]).systems)) == 2
    assert comparison.compare(runs, baseline="b").baseline == "b"
    with pytest.raises(ConfigError, match="several"):
        comparison.compare(same, baseline="a")


def test_a_still_picture_on_top_is_a_warning(make, noise):
    v = noise(0)
    still = make("frozen", {"survival": [1.0] * 32, "warp_error": [0.0] * 32}, source="static", kind="model")
    runs = [make("a", {"survival": v, "warp_error": v}), still]
    real = make("reference", {"survival": [1.5] * 32}, source="reference", kind="reference")
    assert comparison.compare(runs).warnings == (
        "static tops fvd[d], survival[lk], warp_error[dis]: what a still picture wins says nothing of motion",
    )
    assert "survival" in comparison.compare([*runs, real], metrics=["survival"]).warnings[0]
    better = make("b", {"survival": [1.1] * 32})
    assert comparison.compare([*runs, better], metrics=["survival"]).warnings == ()
    assert comparison.compare([runs[0], make("b", {}, status="partial")]).warnings == ("b is a partial run",)
