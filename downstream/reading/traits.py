"""Readers of the sketch: the traits that a generator draws before all else, and how regular the beats are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vqecg.downstream.reading.fitting import Boosted, Logistic
from vqecg.downstream.reading.registry import READERS, Reader
from vqecg.prior.sketch.traits import measure_all
from vqecg.records.labels import LabelTask
from vqecg.records.store.selection import RecordSelection

if TYPE_CHECKING:
    from vqecg.prior.generator import ECGGenerator


def rhythm_measures(peaks: list[np.ndarray], sampling_rate: int) -> np.ndarray:
    """Of R peaks (beats,) in samples, one array per record: (records, 6) float32, NaN where there are too few beats.

    Beats; mean, standard deviation, least and greatest R-R interval, and the root mean square of their successive
    differences, in s.
    """
    rows = np.full((len(peaks), 6), np.nan, np.float32)
    for row, places in zip(rows, peaks, strict=True):
        intervals = np.diff(places) / sampling_rate
        row[0] = len(places)
        if len(intervals):
            row[1:5] = intervals.mean(), intervals.std(), intervals.min(), intervals.max()
        if len(intervals) > 1:
            row[5] = np.sqrt(np.square(np.diff(intervals)).mean())
    return rows


def traits_of(generator: ECGGenerator, signal: np.ndarray) -> np.ndarray:
    """Traits of the generator's basis and the rhythm of recordings (records, 8, samples) mV: (records, traits + 6).

    float32, NaN where there are too few beats.
    """
    model = generator.prior.sketch
    measured = measure_all(signal, model.sampling_rate, model.other_components > 0)
    traits = model.basis.traits(measured.measures)
    return np.hstack([traits, rhythm_measures(measured.peaks, model.sampling_rate)])


class Traits(Reader):
    """Measures the traits of the generator's basis, and the rhythm. Age and sex stay out: the networks know neither."""

    measured = "traits"

    def measure(self, generator: ECGGenerator, records: RecordSelection, task: LabelTask) -> np.ndarray:
        """(records, traits + 6) float32."""
        generator.tokenizer.check_sampling_rate(records.store.spec.sampling_rate)
        return np.concatenate([traits_of(generator, signal) for signal in records.chunks()])


@READERS.register("boosted traits", rank=0)
class BoostedTraits(Boosted, Traits):
    """Gradient boosting on traits and rhythm."""

    help = "gradient boosting on the traits of the sketch"


@READERS.register("logistic traits", rank=1)
class LogisticTraits(Logistic, Traits):
    """Logistic regression on traits and rhythm."""

    help = "logistic regression on the traits of the sketch"
