"""A difference with its interval, and the arrays that it is made from."""

from dataclasses import dataclass

import numpy as np

from vqecg.evaluation.statistics.significance import smallest_detectable

HALVES = (0, 1)
# a metric, or a difference of two, in each half: (1 + patients of the half, ...), on all of them and without each
InHalves = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Estimate:
    """A difference with its interval."""

    estimate: float  # mean over seeds
    low: float  # ends of the interval
    high: float
    standard_error: float
    degrees_of_freedom: float  # of the t distribution behind the interval
    seeds: int  # classifiers behind each side of it
    confidence: float

    @property
    def smallest(self) -> float:
        """The true difference that four in five such trials would find."""
        return smallest_detectable(self.standard_error, self.confidence, degrees_of_freedom=self.degrees_of_freedom)
