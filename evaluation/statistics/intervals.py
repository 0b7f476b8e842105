"""Intervals: one convention for every bootstrap of the program, and Wilson's for shares.

The interval of a bootstrap is made of order statistics: its ends are the k-th smallest and the k-th largest draw
(percentile interval: Efron and Tibshirani 1993, ch. 13). Interval and p-value are then the same statement, because both
count the same draws: the p-value is at most alpha exactly when the (1 - alpha) interval is clear of 0. Quantiles
interpolated between two draws (`np.quantile`) would break this near the border. One is added to the count of the
p-value, so that none is 0 (Davison and Hinkley 1997, ch. 4).

Quartiles that describe records are no intervals, and the published protocols of others prescribe their own
(`downstream/classifiers/published_metrics.py`).
"""

import math

import numpy as np

ROUNDING = 1e-9  # 1 - 0.95 is a little more than 0.05 in binary
Z = 1.959964  # standard normal quantile of a 95 % interval


def percentile_interval(draws: np.ndarray, confidence: float) -> tuple[float, float]:
    """Lower and upper end: the k-th smallest and k-th largest of `draws` (replicates,), k = (replicates + 1) alpha / 2.

    Draws that are not finite are left out; NaN twice without any. With too few draws for the confidence (k below 1) it
    is the smallest and the largest, and `two_sided_p` is above alpha.
    """
    known = np.sort(draws[np.isfinite(draws)])
    if not len(known):
        return math.nan, math.nan
    rank = max(1, math.floor((len(known) + 1) * (1 - confidence) / 2 + ROUNDING))
    return float(known[rank - 1]), float(known[-rank])


def two_sided_p(draws: np.ndarray) -> float:
    """Two-sided bootstrap p-value of "no difference" from `draws` (replicates,) of a difference.

    Twice the share of draws on the smaller side of 0 (a draw of 0 is on both), one added above and below, at most 1.
    So it is never less than 2 / (replicates + 1). Draws that are not finite are left out; NaN without any.
    """
    known = draws[np.isfinite(draws)]
    if not len(known):
        return math.nan
    smaller = min(int((known <= 0).sum()), int((known >= 0).sum()))
    return min(1.0, 2 * (smaller + 1) / (len(known) + 1))


def wilson_interval(successes: int, records: int) -> tuple[float, float]:
    """95 % interval of a share (Wilson 1927), (0, 1) for no record. Raises ValueError for impossible counts."""
    if not 0 <= successes <= records:
        raise ValueError(f"{successes} of {records}; expected counts with 0 <= successes <= records")
    if records == 0:
        return 0.0, 1.0
    share, weight = successes / records, Z**2 / records
    middle = (share + weight / 2) / (1 + weight)
    half = Z / (1 + weight) * math.sqrt(share * (1 - share) / records + Z**2 / (4 * records**2))
    return max(0.0, middle - half), min(1.0, middle + half)
