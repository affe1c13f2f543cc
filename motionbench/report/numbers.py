"""Numbers for people: never finer than their uncertainty."""

from __future__ import annotations

import math
import re

from motionbench.types import Estimate

_SIGNIFICANT = 3  # digits of a number whose uncertainty is not known
_MOST = 4  # digits of any number: 0.99999999 with a tiny interval is 1.000 to a reader
_ROUND_OFF = 1e-12  # what is smaller came from rounding, not from a video

_POWER = re.compile(r"(?<=\d)e(-?\d+)")
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def places(half: float) -> int:
    """Return how many decimals show two significant digits of `half`; negative where even whole units are too fine.

    Args:
        half: an uncertainty, positive.
    """
    return 1 - math.floor(math.log10(half))


def rounded(value: float, decimals: int, exponent: int = 0) -> str:
    """Return `value` with that many decimals; in units of 10**exponent where that is not 0 ("3.5e-5")."""
    decimals += exponent
    scaled = value / 10.0**exponent
    text = f"{scaled:.{decimals}f}" if decimals > 0 else f"{round(scaled, decimals):.0f}"
    text = text.removeprefix("-") if float(text) == 0 else text
    return f"{text}e{exponent}" if exponent else text


def exponent(largest: float) -> int:
    """Return the power of ten to write numbers of up to this size in: 0 unless they are very small or very large."""
    return 0 if largest == 0 or 1e-4 <= largest < 1e7 else math.floor(math.log10(largest))


def plain(value: float | int) -> str:
    """Return a number of unknown uncertainty with three significant digits; its whole part is always in full."""
    value = 0 if abs(value) < _ROUND_OFF else value
    if value == int(value) and abs(value) < 1e7:
        return str(int(value))
    decimals = _SIGNIFICANT - 1 - math.floor(math.log10(abs(value)))
    power = exponent(abs(value))
    return rounded(value, decimals, power) if power else rounded(value, max(0, decimals))


def decimals(estimate: Estimate) -> int | None:
    """Return the decimals that an estimate's interval or standard error allows; None where it has neither."""
    if estimate.low is not None and estimate.high is not None and estimate.high > estimate.low:
        half = (estimate.high - estimate.low) / 2
    else:
        half = estimate.se or 0.0
    if half < _ROUND_OFF:
        return None
    largest = max(abs(estimate.value or 0.0), half)
    return min(places(half), _MOST - 1 - math.floor(math.log10(largest)))


def split(estimate: Estimate) -> tuple[str, str]:
    """Return an estimate's value and its uncertainty as text: ("0.72", "[0.69, 0.75]") or ("0.72", "± 0.02").

    The uncertainty is empty where there is none, the value where there is no value.
    """
    if estimate.value is None:
        return "", ""
    digits, power = decimals(estimate), _exponent(estimate)
    if digits is None:
        return plain(estimate.value), ""
    value = rounded(estimate.value, digits, power)
    if estimate.low is not None and estimate.high is not None:
        return value, f"[{rounded(estimate.low, digits, power)}, {rounded(estimate.high, digits, power)}]"
    return value, f"± {rounded(estimate.se or 0.0, digits, power)}"


def anchor(estimate: Estimate) -> str:
    """Return what the real videos score, as fine as the estimate itself; empty where it is not known."""
    reference = estimate.details.get("reference")
    if reference is None:
        return ""
    digits = decimals(estimate)
    return plain(reference) if digits is None else rounded(reference, digits, _exponent(estimate))


def typeset(text: str) -> str:
    """Return a number as print shows it: a true minus sign, powers of ten raised."""
    text = _POWER.sub(lambda found: "×10" + found[1].translate(_RAISED), text)
    return text.replace("-", "\N{MINUS SIGN}")


def _exponent(estimate: Estimate) -> int:
    return exponent(max(abs(value) for value in (estimate.value, estimate.low, estimate.high) if value is not None))
