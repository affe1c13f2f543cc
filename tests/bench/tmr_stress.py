"""What tmr makes of the corruptions that it must see and of the changes that it must not.

    python tests/bench/tmr_stress.py synth | DATASET_FOLDER [--cases 16] [--per-corruption 8] [--seed 0] [--out FOLDER]
    python tests/bench/tmr_stress.py --read STRESS_FOLDER

A corruption passes if Spearman of the mean curve is at most -0.9 and the paired drop of the corrupted objects at top
severity is at least 3 standard errors; Ken-Burns if it ends at 0.25 or lower; a benign change if it moves the score by
at most 5 % (synth) or 10 % (other datasets) of the range from 0 to clean.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from motionbench.stress.harness import stress
from motionbench.stress.record import Reaction, Stress, read

SEEN = (
    "freeze",
    "partial_freeze",
    "hold",
    "drop",
    "local_shuffle",
    "full_shuffle",
    "object_jitter",
    "teleport",
    "identity_swap",
    "fade",
    "vanish",
    "merge",
    "elastic_inconsistent",
)
FURTHER = ("texture_swap", "part_swap")
BENIGN = ("crf18", "crf23", "crf28", "gamma_up", "gamma_down", "shift", "resize", "offset", "mirror")
MOST_RHO, LEAST_Z, KEN_BURNS = -0.9, 3.0, 0.25


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _line(found: Reaction, passed: bool) -> str:
    curve = " ".join(f"{value:.2f}" for value in found.curve)
    cells = [
        found.corruption,
        str(found.n),
        curve,
        _number(found.rho),
        _number(None if found.change is None else -found.change),
    ]
    cells += [_number(found.se), _number(found.z), "yes" if passed else "no"]
    return f"| {' | '.join(cells)} |"


def passes(found: Reaction, bar: float) -> bool:
    """Does a reaction hold what is asked of it? `bar`: how much a benign change may move."""
    if found.n == 0 or found.change is None:
        return False
    if found.corruption == "ken_burns":
        return found.curve[-1] <= KEN_BURNS
    if found.corruption in BENIGN:
        return found.share is not None and abs(found.share) <= bar
    sure = found.se == 0 or (found.se is not None and -found.change >= LEAST_Z * found.se)
    return found.rho is not None and found.rho <= MOST_RHO and found.change < 0 and sure


def table(made: Stress, bar: float) -> list[str]:
    """Markdown lines, and how many corruptions passed."""
    reactions = {r.corruption: r for r in made.reactions if r.metric == "tmr"}
    rows = [reactions[name] for name in (*SEEN, *FURTHER, "ken_burns", *BENIGN) if name in reactions]
    lines = [
        "| change | n | clean and severities | rho | drop | se | z | passes |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [_line(row, passes(row, bar)) for row in rows]
    passed = sum(passes(row, bar) for row in rows if row.corruption in SEEN)
    return [*lines, "", f"{passed} of {len(SEEN)} corruptions pass."]


def main() -> None:
    """Run or read, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", nargs="?", default="synth")
    parser.add_argument("--cases", type=int, default=16)
    parser.add_argument("--per-corruption", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=None)
    parser.add_argument("--read", type=Path, default=None)
    options = parser.parse_args()
    if options.read is not None:
        made = read(options.read)
    else:
        made = stress(
            options.dataset,
            "lite",
            options.out,
            metrics=["tmr", "tmr_worst"],
            corruptions=[*SEEN, *FURTHER, "ken_burns", *BENIGN],
            cases=options.cases,
            per_corruption=options.per_corruption,
            seed=options.seed,
        )
    bar = 0.05 if str(made.dataset.get("name")) == "synth" else 0.1
    print("\n".join(table(made, bar)))


if __name__ == "__main__":
    main()
