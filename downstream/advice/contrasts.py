"""Differences between trials and their intervals by the multi-reader analysis: seeds are readers, patients are cases.

Metrics are measured in two halves of the patients, and a difference is the mean of both, so that in each half it may be
that of a candidate which the other half has chosen. The jackknife leaves patients out within their half.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from vqecg.downstream.advice.estimates import HALVES, Estimate, InHalves
from vqecg.downstream.comparison.tables import LEAST_PATIENTS
from vqecg.evaluation.statistics.jackknife import jackknife_metric
from vqecg.evaluation.statistics.multi_reader import ReaderDesign, spread_of_mean, t_interval


@dataclass(frozen=True, eq=False)
class Cases:
    """The records that trials are judged on, their patients in two halves."""

    labels: np.ndarray  # (records, classes) 0/1
    patients: np.ndarray  # (records,) names
    half: np.ndarray  # (records,) 0/1, the same for all records of a patient

    @cached_property
    def patient_of(self) -> InHalves:
        """The number of each record's patient within its half: (records of the half,) int64."""
        first, second = (np.unique(self.patients[self.half == half], return_inverse=True)[1] for half in HALVES)
        return first, second

    @cached_property
    def judged(self) -> np.ndarray:
        """True for classes that enough patients of both halves have, and lack: (classes,) bool."""
        counts = []
        for half in HALVES:
            labels, patient_of = self.labels[self.half == half] > 0.5, self.patient_of[half]
            for present in (labels, ~labels):
                counts.append([len(set(patient_of[column])) for column in present.T])
        return np.min(counts, axis=0) >= LEAST_PATIENTS

    def measure(self, scores: np.ndarray, metric: str) -> InHalves:
        """A metric of each class, (1 + patients of the half, classes), of `scores` (records, classes).

        NaN where a class is undefined.
        """
        first, second = (self._measure(scores, metric, half) for half in HALVES)
        return first, second

    def _measure(self, scores: np.ndarray, metric: str, half: int) -> np.ndarray:
        inside = self.half == half
        measured = jackknife_metric(metric, self.labels[inside], scores[None, inside], self.patient_of[half])
        return np.concatenate([measured.values, measured.left_out[:, 0]])


def estimate(differences: Sequence[InHalves], confidence: float, independent: float = 1.0) -> Estimate:
    """The mean difference over seeds and its interval from that of each seed, (1 + patients of the half,) per half.

    `independent` is the share of the seeds that are independent of each other. Raises ValueError for fewer than two
    seeds: of chance in training nothing is known then.
    """
    if len(differences) < 2:
        raise ValueError(f"got the differences of {len(differences)} seeds; expected at least 2")
    whole = np.array([(first[0] + second[0]) / 2 for first, second in differences])
    sizes = [len(half) - 1 for half in differences[0]]
    left_out = [
        whole + np.stack([(of_seed[half][1:] - of_seed[half][0]) / 2 for of_seed in differences], axis=1)
        for half in HALVES
    ]
    design = ReaderDesign(np.arange(sum(sizes)), np.repeat(HALVES, sizes), np.zeros(len(whole), np.int64))
    spread = spread_of_mean(whole, np.concatenate(left_out), design)
    error = math.sqrt(spread.of_patients + spread.of_readers / independent)
    degrees = max(1.0, spread.degrees_of_freedom * independent)
    low, high, _ = t_interval(float(whole.mean()), error, degrees, confidence)
    return Estimate(float(whole.mean()), low, high, error, degrees, len(whole), confidence)
