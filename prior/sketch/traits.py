"""A record in a few numbers: its rate and irregularity, its noise, its representative beat.

The representative beat is what an electrocardiograph measures intervals and axes on: the median of all beats, aligned
by their R peaks. Most of what a diagnosis rests on is in it, and its principal components are few, once its P wave has
been put where all P waves are put (p_wave.py). They are drawn before the codes (trait_model.py), so that
the transformer need not find a diagnosis in frames of 80 ms.

Traits are linear in the raw measures: one matrix, kept with the prior, makes those of any record.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import torch

from vqecg.prior.sketch.layout import AFTER, BEFORE, LEAD_TRAITS, P_TRAIT, PLAIN
from vqecg.prior.sketch.p_wave import PLACE, find_p, move_p
from vqecg.records.beats.r_peaks import find_r_peaks

LEAST_IRREGULARITY, LEAST_NOISE = 0.01, 0.001  # of the mean interval; mV. What is below counts as that
LEAST_SPREAD = 0.05  # of a logarithm over the training records, so that a constant is not blown up
FARTHEST = 8.0  # standard deviations; a trait further out counts as that
LIMITS = 0.5, 99.5  # percentiles of the training records, beyond which no trait is drawn


@dataclass(frozen=True, eq=False)
class TraitBasis:
    """The linear map from raw measures to traits."""

    offset: np.ndarray  # (measures,) float32, the mean of the training records
    projection: np.ndarray  # (measures, traits) float32, to a standard deviation of 1 in the training records
    loadings: np.ndarray  # (components, samples of a beat) float32 mV, what one deviation of each adds to the mean beat
    limits: np.ndarray  # (2, traits) float32, the LIMITS percentiles of the training records

    @classmethod
    def fit(cls, measures: np.ndarray, components: int) -> Self:
        """The basis of the training records' `measures` (records, measures), with that many components of the beat.

        Principal components, each sample of the beat divided by the root of its standard deviation first: P waves are
        small beside QRS complexes, and no less telling. Fewer than `components` where there are fewer records.
        Raises ValueError for fewer than two records.
        """
        if len(measures) < 2:
            raise ValueError(f"got {len(measures)} records to measure traits on; expected at least two")
        offset = np.nanmean(measures, axis=0)
        centred = np.nan_to_num(measures - offset)
        spread = centred.std(0)
        weight = 1 / np.sqrt(spread[PLAIN:].clip(1e-3))  # mV: a sample that never changes says nothing
        beat = centred[:, PLAIN:] * weight
        directions = np.linalg.svd(beat, full_matrices=False)[2][: min(components, len(measures) - 1)]
        size = (beat @ directions.T).std(0).clip(1e-3)
        projection = np.zeros((len(offset), PLAIN + len(directions)), np.float32)
        projection[range(PLAIN), range(PLAIN)] = 1 / spread[:PLAIN].clip(LEAST_SPREAD)
        projection[PLAIN:, PLAIN:] = (weight * directions / size[:, None]).T
        loadings = size[:, None] * directions / weight
        limits = np.percentile((centred @ projection).clip(-FARTHEST, FARTHEST), LIMITS, axis=0)
        return cls(*(part.astype(np.float32) for part in (offset, projection, loadings, limits)))

    @property
    def count(self) -> int:
        """The number of traits."""
        return self.projection.shape[1]

    @property
    def components(self) -> int:
        """The number of them that are components of the beat."""
        return self.count - PLAIN

    def traits(self, measures: np.ndarray) -> np.ndarray:
        """(records, measures), NaN where unknown -> (records, traits) float32, 0 where unknown."""
        traits = np.nan_to_num(measures - self.offset).astype(np.float32) @ self.projection
        return traits.clip(-FARTHEST, FARTHEST)


def measure(signal: np.ndarray, peaks: np.ndarray, sampling_rate: float) -> np.ndarray:
    """Raw measures of one record: (8, samples) mV and its R peaks in samples -> (measures,) float32.

    The logarithms of the median RR interval (s), of its relative standard deviation, and of how long before the R peak
    the P wave is (s), NaN with too few beats; of each lead's wander (how far a beat lies from the representative one as
    a whole, mV) and noise (how far their slopes do, mV a sample); then the representative beat with its P wave at its
    PLACE, lead after lead, in mV, all zero in a record without beats.
    """
    before, after = round(BEFORE * sampling_rate), round(AFTER * sampling_rate)
    measures = np.full(PLAIN + len(signal) * (before + after), np.nan, np.float32)
    intervals = np.diff(peaks) / sampling_rate
    if len(intervals):
        measures[0] = np.log(np.median(intervals))
    if len(intervals) > 1:
        measures[1] = np.log(intervals.std() / intervals.mean() + LEAST_IRREGULARITY)
    padded = np.pad(signal, ((0, 0), (before, after)), mode="edge")  # a beat at the record's edge counts too
    whole = peaks[(peaks >= before) & (peaks + after <= signal.shape[1])]
    beats = np.stack(
        [padded[:, peak : peak + before + after] for peak in (whole if len(whole) else peaks)]
        or [np.zeros((len(signal), before + after), signal.dtype)]
    )
    representative = np.median(beats, axis=0)
    rest = beats - representative
    wander = np.median(np.abs(rest.mean(-1)), axis=0)
    noise = np.median(np.abs(np.diff(rest, axis=-1)), axis=(0, 2))
    measures[LEAD_TRAITS:PLAIN] = np.log(np.concatenate([wander, noise]) + LEAST_NOISE)
    if len(peaks):
        advance = find_p(representative, before, sampling_rate)
        measures[P_TRAIT] = np.log(advance)
        beat = torch.from_numpy(representative[None]).float()
        representative = move_p(beat, before, torch.tensor([advance]), torch.tensor([PLACE]), sampling_rate)[0].numpy()
    measures[PLAIN:] = representative.ravel()
    return measures


@dataclass(frozen=True, eq=False)
class Measured:
    """R peaks and raw measures of some records; row n of each field belongs together."""

    peaks: list[np.ndarray]  # (beats,) int64 each, R peaks in samples
    measures: np.ndarray  # (records, measures) float32, see `measure`


def measure_all(signal: np.ndarray, sampling_rate: int) -> Measured:
    """R peaks and raw measures of recordings (records, 8, samples) float32 mV at `sampling_rate` Hz."""
    peaks = [find_r_peaks(record, sampling_rate) for record in signal]
    rows = [measure(record, found_peaks, sampling_rate) for record, found_peaks in zip(signal, peaks, strict=True)]
    return Measured(peaks, np.stack(rows))


def scaled(measures: np.ndarray, gains: np.ndarray) -> np.ndarray:
    """The measures (records, measures) of records that were multiplied by `gains` (records,)."""
    moved = measures.copy()
    moved[:, LEAD_TRAITS:PLAIN] += np.log(gains)[:, None]
    moved[:, PLAIN:] *= gains[:, None]
    return moved
