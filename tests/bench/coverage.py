"""How often the statistics are right, on numbers whose truth is known.

    python tests/bench/coverage.py [--trials 1000] [--out docs/benchmarks/coverage.md]

Intervals, the permutation test, rank sets, the minimum detectable effect and the split-corrected Fréchet distance, all
at n = 64 cases unless the table says otherwise. Every draw has a seed: the same command prints the same numbers.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import stats as scipy_stats

from motionbench.markup import markdown_grid
from motionbench.metrics.distribution import frechet_distance, split_frechet_distance
from motionbench.stats import mean_interval, paired_difference, rank_sets, sign_flip_p
from motionbench.stats.intervals import t_halfwidth
from motionbench.stats.units import units

Floats = NDArray[np.float64]
Sampler = Callable[[np.random.Generator, int], Floats]
N, LEVEL = 64, 0.95
FEW = (8, 12, 18, 29)
SEED = 0  # of bootstrap draws, the same for all trials: 10,000 are many, and so they are drawn once


def zero_inflated(zeros: float, a: float, b: float) -> Sampler:
    """Beta(a, b) with probability 1 - zeros, else 0."""
    return lambda rng, n: rng.beta(a, b, n) * (rng.random(n) >= zeros)


DISTRIBUTIONS: dict[str, tuple[Sampler, float]] = {
    "Beta(1/2, 1/2)": (lambda rng, n: rng.beta(0.5, 0.5, n), 0.5),
    "Beta(5, 2)": (lambda rng, n: rng.beta(5, 2, n), 5 / 7),
    "30 % zeros, else Beta(2, 2)": (zero_inflated(0.3, 2, 2), 0.35),
    "50 % zeros, else Beta(2, 5)": (zero_inflated(0.5, 2, 5), 1 / 7),
    "70 % zeros, else Beta(2, 2)": (zero_inflated(0.7, 2, 2), 0.15),
    "80 % zeros, else Beta(2, 5)": (zero_inflated(0.8, 2, 5), 0.4 / 7),
    "exponential": (lambda rng, n: rng.exponential(size=n), 1.0),
    "normal": (lambda rng, n: rng.normal(size=n), 0.0),
}
METHODS = ("t", "percentile", "BCa", "bootstrap-t")


def others(data: Floats, counts: Floats) -> dict[str, tuple[float, float]]:
    """The intervals that were not chosen, on shared draws `counts` [B, n]."""
    n = len(data)
    mean, se = float(data.mean()), float(data.std(ddof=1)) / math.sqrt(n)
    half = float(scipy_stats.t.ppf(0.5 + LEVEL / 2, n - 1)) * se
    deviations = data - mean
    draws = counts @ deviations / n
    spread = np.sqrt(np.maximum(counts @ deviations**2 / n - draws**2, 1e-300) / (n - 1))
    ends = np.array([0.5 - LEVEL / 2, 0.5 + LEVEL / 2])
    bias = scipy_stats.norm.ppf(((draws < 0).mean() + (draws <= 0).mean()) / 2)
    skew = float((deviations**3).sum()) / (6 * float((deviations**2).sum()) ** 1.5)
    z = bias + scipy_stats.norm.ppf(ends)
    bca = scipy_stats.norm.cdf(bias + z / (1 - skew * z))
    studentised = np.quantile(draws / spread, ends[::-1])
    found = {
        "t": (mean - half, mean + half),
        "percentile": mean + np.quantile(draws, ends),
        "BCa": mean + np.quantile(draws, bca),
        "bootstrap-t": mean - studentised * se,
    }
    return {name: (float(low), float(high)) for name, (low, high) in found.items()}


def percent(share: float) -> str:
    """A share as percent with one decimal."""
    return f"{100 * share:.1f}"


def intervals(trials: int) -> Iterator[list[str]]:
    """Coverage of the shipped interval, its misses below and above, and coverage of the others."""
    counts = np.concatenate(list(units(N).draws(4000, 0)))
    for number, (name, (sample, truth)) in enumerate(DISTRIBUTIONS.items()):
        rng = np.random.default_rng([1, number])
        below = above = 0
        hits = dict.fromkeys(METHODS, 0)
        for _ in range(trials):
            data = sample(rng, N)
            found = mean_interval(data, SEED)
            assert found.low is not None and found.high is not None
            below += found.high < truth
            above += found.low > truth
            for method, (low, high) in others(data, counts).items():
                hits[method] += low <= truth <= high
        shipped = percent(1 - (below + above) / trials)
        yield [
            name,
            f"**{shipped}**",
            percent(below / trials),
            percent(above / trials),
            *(percent(h / trials) for h in hits.values()),
        ]


def few(trials: int) -> Iterator[list[str]]:
    """Coverage of the shipped interval and of Student's t for few cases, where the values are not all equal."""
    for number, (name, (sample, truth)) in enumerate(DISTRIBUTIONS.items()):
        rng = np.random.default_rng([5, number])
        cells = []
        for n in FEW:
            hits, held, known = 0, 0, 0
            for _ in range(trials):
                data = sample(rng, n)
                found = mean_interval(data, SEED)
                assert found.value is not None and found.low is not None and found.high is not None
                if not found.se:
                    continue
                half = t_halfwidth(found.se, n - 1, LEVEL)
                hits += found.low <= truth <= found.high
                held += found.value - half <= truth <= found.value + half
                known += 1
            cells += [f"**{percent(hits / known)}**", percent(held / known)]
        yield [name, *cells]


def clustered(trials: int) -> Iterator[list[str]]:
    """32 source videos with 2 cases each that share half of their variance, with and without naming the clusters."""
    names = [str(i // 2) for i in range(N)]
    strata = ["single" if i < N // 2 else "multi" for i in range(N)]
    rng = np.random.default_rng(2)
    hits = np.zeros(3)
    for _ in range(trials):
        data = (
            np.repeat(rng.normal(size=N // 2), 2) + rng.normal(size=N) + 3.0 * np.array([s == "multi" for s in strata])
        )
        ways = ({"strata": strata, "clusters": names}, {"strata": strata}, {})
        for k, labels in enumerate(ways):
            found = mean_interval(data, SEED, **labels)
            assert found.low is not None and found.high is not None
            hits[k] += found.low <= 1.5 <= found.high
    for name, h in zip(("clusters and strata", "strata alone", "neither"), hits, strict=True):
        yield [name, percent(h / trials)]


NULLS: dict[str, Sampler] = {
    "normal": lambda rng, n: rng.normal(size=n) - rng.normal(size=n),
    "Beta(1/2, 1/2)": lambda rng, n: rng.beta(0.5, 0.5, n) - rng.beta(0.5, 0.5, n),
    "70 % zeros, else Beta(2, 2)": lambda rng, n: zero_inflated(0.7, 2, 2)(rng, n) - zero_inflated(0.7, 2, 2)(rng, n),
    "exponential": lambda rng, n: rng.exponential(size=n) - rng.exponential(size=n),
    "Student t, 3 degrees": lambda rng, n: rng.standard_t(3, n) - rng.standard_t(3, n),
    "unlike: exponential - Beta": lambda rng, n: rng.exponential(size=n) * 0.5 - rng.beta(2, 2, n),
}


def permutation(trials: int) -> Iterator[list[str]]:
    """Type-I error at 5 % and at 1 %, at n = 64 (random sign patterns) and n = 12 (all of them)."""
    for number, (name, sample) in enumerate(NULLS.items()):
        cells = [name]
        for n in (N, 12):
            rng = np.random.default_rng([3, number, n])
            p = np.array([sign_flip_p(sample(rng, n), trial) for trial in range(trials)])
            cells += [percent(float((p <= 0.05).mean())), percent(float((p <= 0.01).mean()))]
        yield cells


def power(trials: int) -> Iterator[list[str]]:
    """How often the test finds an effect of the size that `minimum_detectable_effect` names: 80 % is right."""
    for n in (16, N, 128):
        rng = np.random.default_rng([4, n])
        effects, hits = [], 0
        true = (scipy_stats.t.ppf(0.975, n - 1) + scipy_stats.t.ppf(0.8, n - 1)) * math.sqrt(2 / n)
        for _ in range(trials):
            a, b = rng.normal(size=(2, n))
            found = paired_difference(a + true, b, SEED, higher_is_better=True)
            hits += found.p <= 0.05
            effects.append(found.detectable or 0.0)
        yield [str(n), percent(hits / trials), f"{np.mean(effects) / true:.3f}"]


MEANS = {
    "3 systems, all equal": (0.0, 0.0, 0.0),
    "5 systems, 0.2 apart": (0.0, 0.2, 0.4, 0.6, 0.8),
    "8 systems, two groups": (0.0,) * 4 + (0.5,) * 4,
    "10 systems, 0.1 apart": tuple(0.1 * i for i in range(10)),
}


def ranks(trials: int) -> Iterator[list[str]]:
    """How often all true ranks lie in their sets, and how wide the sets are. Cases are hard or easy for all systems."""
    shapes: dict[str, Sampler] = {
        "normal": lambda rng, n: rng.normal(size=n),
        "exponential": lambda rng, n: rng.exponential(size=n) - 1,
        "70 % zeros": lambda rng, n: (zero_inflated(0.7, 2, 2)(rng, n) - 0.15) / 0.26,
    }
    for number, (name, means) in enumerate(MEANS.items()):
        cells = [name]
        for shape, (_, sample) in enumerate(shapes.items()):
            rng = np.random.default_rng([5, number, shape])
            hits, widths = 0, []
            for _ in range(trials):
                table = np.stack([sample(rng, N) for _ in means], axis=1) + rng.normal(size=(N, 1)) + means
                sets = rank_sets(table, SEED, higher_is_better=True)
                assert sets is not None
                hits += all(right(found, means, i) for i, found in enumerate(sets))
                widths.append(np.mean([found.worst - found.best + 1 for found in sets]))
            cells += [percent(hits / trials), f"{np.mean(widths):.1f}"]
        yield cells


def right(found: object, means: tuple[float, ...], i: int) -> bool:
    """True if the set holds every rank that system i can be said to have."""
    best = 1 + sum(m > means[i] for m in means)
    worst = len(means) - sum(m < means[i] for m in means)
    return found.best <= best and worst <= found.worst  # type: ignore[attr-defined]


def spectrum(d: int, power_: float) -> Floats:
    """Standard deviations i^-power_, scaled to a total variance of d."""
    deviations = np.arange(1.0, d + 1) ** -power_
    return np.asarray(deviations * math.sqrt(d / float((deviations**2).sum())))


def distances(trials: int) -> Iterator[list[str]]:
    """Fréchet distances between N(0, S) and a shifted, stretched copy, truly 20."""
    for d in (400, 115):
        for label, exponent in (("flat", 0.0), ("i^-1/2", 0.5), ("i^-1", 1.0)):
            deviations = spectrum(d, exponent)
            for share in (1.0, 0.5, 0.0):  # of the distance that is due to the mean; the rest is due to the variances
                shift, stretch = math.sqrt(20 * share / d), 1 + math.sqrt(20 * (1 - share) / d)
                rng = np.random.default_rng([6, d, int(2 * exponent), int(2 * share)])
                plain, values, errors = [], [], []
                for trial in range(trials):
                    x = rng.normal(size=(N, d)) * deviations
                    y = shift + stretch * deviations * rng.normal(size=(N, d))
                    found = split_frechet_distance(x, y, trial)
                    plain.append(frechet_distance(x, y))
                    values.append(found.value)
                    errors.append(found.se)
                near = np.abs(np.array(values) - 20) <= 2 * np.array(errors)
                yield [
                    f"d = {d}, {label}, {share:.0%} mean",
                    f"{np.mean(plain):.0f}",
                    f"{np.mean(values):.1f} ± {np.std(values):.1f}",
                    f"{np.mean(errors):.1f}",
                    percent(float(near.mean())),
                ]


SECTIONS: list[tuple[str, str, list[str], Callable[[int], Iterator[list[str]]], float]] = [
    (
        "Intervals of a mean",
        "Coverage in percent, nominal 95. `shipped` is BCa at a level widened by the t quantile; `low` and `high` are "
        "the trials in which it lay below and above the truth. The others are what was not chosen: t and percentile "
        "intervals lean to one side on skewed numbers, BCa as it is falls short by up to one percent, and bootstrap-t "
        "has no bound where a draw has no spread, as with zeros.",
        ["distribution", "shipped", "low", "high", *METHODS],
        intervals,
        1.0,
    ),
    (
        "Few cases",
        "Coverage in percent of the shipped interval and, beside it, of Student's t, where not all values are equal. "
        "On normal numbers t is better by one or two points at n = 8 and 12; on shares, whose tail is on one side, it "
        "is worse by up to seven, and its ends can lie outside 0 to 1, which those of a bootstrap cannot.",
        ["distribution", *(head for n in FEW for head in (f"n = {n}", "t"))],
        few,
        0.4,
    ),
    (
        "Clusters and strata",
        "32 source videos of two cases each that share half of their variance; the two subsets differ by 3 standard "
        "deviations in mean. Coverage in percent: what ignores the clusters is too sure.",
        ["`mean_interval` is told of", "coverage"],
        clustered,
        1.0,
    ),
    (
        "Permutation test",
        "Findings in percent where there is no difference, at a level of 5 % and of 1 %. In the last row the means are "
        "equal and the shapes are not, so that the test is only approximate. With 12 cases p has steps of 1/2048.",
        ["differences of", "n = 64, 5 %", "1 %", "n = 12, 5 %", "1 %"],
        permutation,
        6.0,
    ),
    (
        "Minimum detectable effect",
        "Findings in percent at 5 % where the true difference is the effect that should be found in 80 %; and the mean "
        "of the printed effect over it.",
        ["n", "found", "printed / true"],
        power,
        1.0,
    ),
    (
        "Rank sets",
        "Trials in percent in which the sets of all systems hold their true ranks, nominal 95 (where systems are "
        "equal, all ranks that they share), and the mean width of a set. Unit standard deviation, and a case effect "
        "of the same size that all systems share.",
        ["systems", "normal", "width", "exponential", "width", "70 % zeros", "width"],
        ranks,
        1.0,
    ),
    (
        "Fréchet distance with 64 + 64 videos",
        "The truth is 20, total variance d. `share` of it is due to the mean, the rest to proportional covariances, "
        "for which the correction is only partial (see `motionbench.metrics.frechet`). `within` is the share of trials "
        "in percent whose `fvd_split` lies within two of its own standard errors of 20.",
        ["spectrum", "plain", "split-corrected", "its se", "within"],
        distances,
        0.05,
    ),
]


def main() -> None:
    """Print the page, or write it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    error = 100 * math.sqrt(0.0475 / arguments.trials)
    parts = [
        "# How often the statistics are right\n",
        f"    python tests/bench/coverage.py --trials {arguments.trials} --out docs/benchmarks/coverage.md\n",
        f"Simulated data of known truth, n = {N} unless said otherwise, 10,000 draws each. With "
        f"{arguments.trials} trials a coverage of 95 % has a standard error of {error:.1f} points.\n",
    ]
    for title, text, header, rows, share in SECTIONS:
        count = max(20, int(arguments.trials * share))
        parts += [f"## {title}\n", f"{text} ({count} trials)\n", markdown_grid(header, list(rows(count)))]
    page = "\n".join(parts)
    if arguments.out:
        arguments.out.write_text(page, encoding="utf-8")
    else:
        print(page)


if __name__ == "__main__":
    main()
