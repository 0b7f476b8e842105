"""The learning curve of real records alone, and the labels that would bring as much as an arm does.

The error of a ranking, 1 - metric, is taken to fall as a power of the number of labelled records (Figueroa et al. 2012,
with an asymptote of no error, since three points cannot show another): a line on logarithmic axes, weighted by seeds.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from vqecg.downstream.advice.estimates import HALVES, InHalves
from vqecg.evaluation.statistics.intervals import percentile_interval

DRAWS = 4000
GROWTH = (0.25, 0.5, 1.0)  # shares of further labels that are spoken of
FARTHEST = 9.0  # times the labelled records; a number beyond that is not said


@dataclass(frozen=True)
class Point:
    """A number of labelled records with the metric there."""

    records: int
    value: float  # mean over seeds
    seeds: int


@dataclass(frozen=True)
class Range:
    """A value with its interval; None stands for more than can be said."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class LearningCurve:
    """Points and what they foretell."""

    points: tuple[Point, ...]  # from few records to all
    exponent: Range  # of the power law: 0 means that labels bring nothing
    more: Mapping[str, Range]  # further labelled records -> gain that they would bring
    needed: Mapping[str, Range]  # gain -> further labelled records that would bring it


def fit_curve(
    records: Sequence[int],
    measured: Sequence[Sequence[InHalves]],
    gains: Mapping[str, float],
    confidence: float,
    seed: int = 0,
) -> LearningCurve:
    """The curve through points of `records` each, ascending; the last is all that are labelled.

    `measured` holds for each point and seed the macro average of both halves, (1 + patients of the half,) as `Cases`
    gives. `gains` are those, by name, whose labels are asked for. Raises ValueError for fewer than two points.
    """
    if len(records) < 2 or len(records) != len(measured):
        raise ValueError(f"got {len(records)} points of a learning curve; expected at least 2, with scores for each")
    means = np.array([np.mean([(one[0] + other[0]) / 2 for one, other in seeds]) for seeds in measured])
    counts = np.array([len(seeds) for seeds in measured], float)
    generator = np.random.default_rng(seed)
    drawn = generator.multivariate_normal(means, _covariance(measured), DRAWS, method="cholesky")
    fits = np.vstack([means, np.clip(drawn, None, 1 - 1e-4)])
    slope, level = _lines(np.log(np.asarray(records, float)), np.log(np.maximum(1 - fits, 1e-4)), counts)
    error = np.exp(level + slope * math.log(records[-1]))
    whole = records[-1]
    more = {f"{round(share * whole)}": error * (1 - (1 + share) ** slope) for share in GROWTH}
    return LearningCurve(
        tuple(map(Point, map(int, records), map(float, means), map(int, counts))),
        _range(-slope, confidence),
        {name: _range(values, confidence) for name, values in more.items()},
        {
            name: _range(_needed(gain, error, slope, whole), confidence, FARTHEST * whole)
            for name, gain in gains.items()
        },
    )


def _covariance(measured: Sequence[Sequence[InHalves]]) -> np.ndarray:
    """Of the points' means: patients by the jackknife, common to all points, and seeds, with one variance for all."""
    size = len(measured)
    covariance = np.zeros((size, size))
    for half in HALVES:
        moved = np.stack([np.mean([of_seed[half][1:] for of_seed in seeds], axis=0) for seeds in measured]) / 2
        moved = moved - moved.mean(axis=1, keepdims=True)
        covariance += (moved.shape[1] - 1) / moved.shape[1] * moved @ moved.T
    values = [np.array([(one[0] + other[0]) / 2 for one, other in seeds]) for seeds in measured]
    freedom = sum(len(one) - 1 for one in values)
    variance = sum(float(((one - one.mean()) ** 2).sum()) for one in values) / max(freedom, 1)
    return covariance + np.diag([variance / len(one) for one in values]) + 1e-12 * np.eye(size)


def _lines(x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> InHalves:
    """Slope and level of the weighted line through each row of `y` (draws, points): (draws,) each."""
    weights = weights / weights.sum()
    middle = x @ weights
    slope = (y - (y @ weights)[:, None]) @ (weights * (x - middle)) / (weights @ (x - middle) ** 2)
    return slope, y @ weights - slope * middle


def _needed(gain: float, error: np.ndarray, slope: np.ndarray, records: int) -> np.ndarray:
    """Further records until the error is smaller by the gain; infinite where it never is: (draws,)."""
    reachable = (slope < 0) & (error > gain)
    ratio = np.where(reachable, error / np.where(reachable, error - gain, 1.0), 1.0)
    with np.errstate(over="ignore"):
        factor = ratio ** (-1 / np.where(reachable, slope, -1.0))
    return np.where(reachable, records * (factor - 1), math.inf)


def _range(values: np.ndarray, confidence: float, most: float = math.inf) -> Range:
    """The value (the first entry) and the interval of the draws after it; None for what is beyond `most`."""
    draws = np.minimum(values[1:], 1e12)  # order statistics of what is finite
    ends = (float(values[0]), *percentile_interval(draws, confidence))
    value, low, high = (end if end <= min(most, 1e11) else None for end in ends)
    return Range(value, low, high)
