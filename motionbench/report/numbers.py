"""Numbers for people: never finer than their uncertainty."""

from __future__ import annotations

import math

from motionbench.types import Estimate

_SIGNIFICANT = 3  # digits of a number whose uncertainty is not known


def places(half: float) -> int:
    """Return how many decimals show two significant digits of `half`; negative where even whole units are too fine.

    Args:
        half: an uncertainty, positive.
    """
    return 1 - math.floor(math.log10(half))


def rounded(value: float, decimals: int) -> str:
    """Return `value` with that many decimals; very small and very large ones in powers of ten."""
    if decimals > 6 or abs(value) >= 1e7:
        return f"{value:.{_SIGNIFICANT - 1}e}"
    text = f"{value:.{decimals}f}" if decimals > 0 else f"{round(value, decimals):.0f}"
    return text.removeprefix("-") if float(text) == 0 else text


def plain(value: float | int) -> str:
    """Return a number of unknown uncertainty with three significant digits; its whole part is always in full."""
    if value == int(value) and abs(value) < 1e7:
        return str(int(value))
    return rounded(value, max(0, _SIGNIFICANT - 1 - math.floor(math.log10(abs(value)))))


def decimals(estimate: Estimate) -> int | None:
    """Return the decimals that an estimate's interval or standard error allows; None where it has neither."""
    if estimate.low is not None and estimate.high is not None and estimate.high > estimate.low:
        return places((estimate.high - estimate.low) / 2)
    return places(estimate.se) if estimate.se else None


def split(estimate: Estimate) -> tuple[str, str]:
    """Return an estimate's value and its uncertainty as text: ("0.72", "[0.69, 0.75]") or ("0.72", "± 0.02").

    The uncertainty is empty where there is none, the value where there is no value.
    """
    if estimate.value is None:
        return "", ""
    digits = decimals(estimate)
    if digits is None:
        return plain(estimate.value), ""
    if estimate.low is not None and estimate.high is not None:
        return rounded(estimate.value, digits), f"[{rounded(estimate.low, digits)}, {rounded(estimate.high, digits)}]"
    return rounded(estimate.value, digits), f"± {rounded(estimate.se or 0.0, digits)}"


def anchor(estimate: Estimate) -> str:
    """Return what the real videos score, as fine as the estimate itself; empty where it is not known."""
    reference = estimate.details.get("reference")
    if reference is None:
        return ""
    digits = decimals(estimate)
    return plain(reference) if digits is None else rounded(reference, digits)
