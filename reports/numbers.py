"""Numbers as readers write them: a true minus sign, a dash for what is unknown, units that fit."""

import math
from typing import Any

MISSING = "–"


def number(value: Any, digits: int = 3, signed: bool = False) -> str:
    """A number with that many decimals and a true minus sign; a dash for NaN.

    With `signed`, what rounds to zero keeps its sign, so that an interval shows on which side of zero it ends.
    """
    if not math.isfinite(value):
        return MISSING
    return f"{value:{'+' if signed else 'z'}.{digits}f}".replace("-", "−")


def count(value: Any) -> str:
    """A whole number with thousands separated; a dash for NaN."""
    return f"{value:,.0f}" if math.isfinite(value) else MISSING


def significant(value: Any, digits: int = 3) -> str:
    """A number with that many significant digits, never in powers of ten between 0.0001 and a million."""
    if not math.isfinite(value):
        return MISSING
    if value == 0 or not 1e-4 <= abs(value) < 1e6:
        return f"{value:.{digits}g}".replace("-", "−")
    return number(value, max(0, digits - 1 - math.floor(math.log10(abs(value)))))


def interval(low: float, high: float, digits: int = 3) -> str:
    """ "−0.006 to +0.010" """
    return f"{number(low, digits, signed=True)} to {number(high, digits, signed=True)}"


def duration(seconds: Any) -> str:
    """Seconds in the unit that a reader would choose."""
    if not math.isfinite(seconds):
        return MISSING
    if seconds < 90:
        return f"{significant(seconds, 2)} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
