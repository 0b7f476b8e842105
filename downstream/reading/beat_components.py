"""The control of the sketch: plain principal components of the median beat in mV, with neither tokenizer nor prior."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from vqecg.downstream.reading.fitting import Boosted, Logistic
from vqecg.downstream.reading.registry import READERS, FittedReader, Reader, ReadRecords
from vqecg.downstream.reading.traits import rhythm_measures
from vqecg.prior.sketch.layout import AFTER, BEFORE
from vqecg.records.beats.r_peaks import find_r_peaks
from vqecg.records.labels import LabelTask
from vqecg.records.store.selection import RecordSelection

if TYPE_CHECKING:
    from vqecg.prior.generator import ECGGenerator

COMPONENTS = 32  # of the beat
RHYTHM = 6  # measures of the rhythm, which come first


def median_beat(signal: np.ndarray, peaks: np.ndarray, sampling_rate: float) -> np.ndarray:
    """The median of all beats of (leads, samples) mV: (leads, samples of a beat) about the R peak, 0 without beats."""
    before, after = round(BEFORE * sampling_rate), round(AFTER * sampling_rate)
    padded = np.pad(signal, ((0, 0), (before, after)), mode="edge")
    beats = [padded[:, peak : peak + before + after] for peak in peaks]
    return np.median(beats, axis=0) if beats else np.zeros((len(signal), before + after), signal.dtype)


class BeatComponents(Reader):
    """Measures the rhythm and the median beat."""

    measured = "median beat"

    def measure(self, generator: ECGGenerator, records: RecordSelection, task: LabelTask) -> np.ndarray:
        """(records, 6 + leads * samples of a beat) float32; the generator is not asked."""
        rate, rows = records.store.spec.sampling_rate, []
        for signal in records.chunks():
            peaks = [find_r_peaks(record, rate) for record in signal]
            beats = [median_beat(record, places, rate).ravel() for record, places in zip(signal, peaks, strict=True)]
            rows.append(np.hstack([rhythm_measures(peaks, rate), np.array(beats)]))
        return np.concatenate(rows).astype(np.float32)


def fit_components(known: ReadRecords, fit: Callable[[ReadRecords], FittedReader]) -> FittedReader:
    """`fit` on the rhythm and the components of the beats, which are those of the training records."""
    beats = known.measures[:, RHYTHM:]
    mean = beats.mean(0)
    directions = np.linalg.svd(beats - mean, full_matrices=False)[2][:COMPONENTS]

    def components(measures: np.ndarray) -> np.ndarray:
        return np.hstack([measures[:, :RHYTHM], (measures[:, RHYTHM:] - mean) @ directions.T])

    fitted = fit(replace(known, measures=components(known.measures)))
    return FittedReader(lambda measures: fitted.scores(components(measures)), fitted.constant)


@READERS.register("boosted beat PCA", rank=10)
class BoostedBeats(BeatComponents, Boosted):
    """Gradient boosting on rhythm and components."""

    help = "gradient boosting on principal components of the median beat, without a generator"

    def fit(self, known: ReadRecords, seed: int) -> FittedReader:
        """Learns the classes from rhythm and components."""
        return fit_components(known, partial(super().fit, seed=seed))


@READERS.register("logistic beat PCA", rank=11)
class LogisticBeats(BeatComponents, Logistic):
    """Logistic regression on rhythm and components."""

    help = "logistic regression on principal components of the median beat, without a generator"

    def fit(self, known: ReadRecords, seed: int) -> FittedReader:
        """Learns the classes from rhythm and components."""
        return fit_components(known, partial(super().fit, seed=seed))
