"""A record in a few numbers: its rate and irregularity, its noise, its representative beat.

The representative beat is what an electrocardiograph measures intervals and axes on: the median of all beats, aligned
by their R peaks. Most of what a diagnosis rests on is in it, and its principal components are few, once its P wave has
been put where all P waves are put (p_wave.py). They are drawn before the codes (trait_model.py), so that
the transformer need not find a diagnosis in frames of 80 ms.

A median holds no ectopic beat. A sketch may have a second beat, that of the beats that are unlike the usual one
(records/beats/unlike.py), with principal components of its own; a record without such beats has none of them.

Traits are linear in the raw measures: one matrix, kept with the prior, makes those of any record.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import torch

from vqecg.prior.sketch.layout import AFTER, BEFORE, LEAD_TRAITS, P_TRAIT, PLAIN
from vqecg.prior.sketch.p_wave import PLACE, find_p, move_p
from vqecg.records.beats.r_peaks import find_r_peaks
from vqecg.records.beats.unlike import unlike_beats

LEAST_IRREGULARITY, LEAST_NOISE = 0.01, 0.001  # of the mean interval; mV. What is below counts as that
LEAST_SPREAD = 0.05  # of a logarithm over the training records, so that a constant is not blown up
FARTHEST = 8.0  # standard deviations; a trait further out counts as that
FEWEST_OTHERS = 8  # training records with beats unlike the usual one, without which a basis has none
LIMITS = 0.5, 99.5  # percentiles of the training records, beyond which no trait is drawn


@dataclass(frozen=True, eq=False)
class TraitBasis:
    """The linear map from raw measures to traits."""

    offset: np.ndarray  # (measures,) float32, the mean of the training records
    projection: np.ndarray  # (measures, traits) float32, to a standard deviation of 1 in the training records
    loadings: np.ndarray  # (components, samples of a beat) float32 mV, what one deviation of each adds to the mean beat
    limits: np.ndarray  # (2, traits) float32, the LIMITS percentiles of the training records
    # (other components, samples of a beat) float32 mV, likewise of beats unlike the usual one; none: no such beats
    other_loadings: np.ndarray

    @classmethod
    def fit(cls, measures: np.ndarray, components: int, other_components: int = 0) -> Self:
        """The basis of the training records' `measures` (records, measures), with that many components of the beat.

        With `other_components`, as many of the beat unlike it: `measures` must be those of `measure_all` with `others`.

        Principal components, each sample of the beat divided by the root of its standard deviation first: P waves are
        small beside QRS complexes, and no less telling. Fewer components than asked for where there are fewer records;
        no second beat where fewer than FEWEST_OTHERS have one. Raises ValueError for fewer than two records.
        """
        if len(measures) < 2:
            raise ValueError(f"got {len(measures)} records to measure traits on; expected at least two")
        end = (measures.shape[1] + PLAIN) // 2 if other_components else measures.shape[1]  # of the usual beat
        offset = np.nanmean(measures[:, :end], axis=0)
        centred = np.nan_to_num(measures[:, :end] - offset)
        spread = centred[:, :PLAIN].std(0)
        beat = BeatComponents.fit(centred[:, PLAIN:], components)
        projection = np.zeros((end, PLAIN + len(beat.loadings)), np.float32)
        projection[range(PLAIN), range(PLAIN)] = 1 / spread.clip(LEAST_SPREAD)
        projection[PLAIN:, PLAIN:] = beat.projection
        limits = limits_of(centred @ projection)
        having = np.isfinite(measures[:, end:]).all(axis=1)
        others = np.zeros((0, end - PLAIN))
        if other_components and having.sum() >= FEWEST_OTHERS:
            mean = measures[having, end:].mean(axis=0)
            of_others = measures[having, end:] - mean
            other = BeatComponents.fit(of_others, other_components)
            offset, others = np.concatenate([offset, mean]), other.loadings
            projection = block_diagonal(projection, other.projection)
            limits = np.concatenate([limits, limits_of(of_others @ other.projection)], axis=1)
        return cls(*(part.astype(np.float32) for part in (offset, projection, beat.loadings, limits, others)))

    @property
    def count(self) -> int:
        """The number of traits."""
        return self.projection.shape[1]

    @property
    def components(self) -> int:
        """The number of them that are components of the usual beat."""
        return len(self.loadings)

    @property
    def other_components(self) -> int:
        """The number of them that are components of the beat unlike it: the last ones."""
        return len(self.other_loadings)

    def traits(self, measures: np.ndarray) -> np.ndarray:
        """(records, measures), NaN where unknown -> (records, traits) float32, 0 where unknown."""
        traits = np.nan_to_num(measures - self.offset).astype(np.float32) @ self.projection
        return traits.clip(-FARTHEST, FARTHEST)


@dataclass(frozen=True, eq=False)
class BeatComponents:
    """Principal components of beats."""

    projection: np.ndarray  # (samples, components), from a beat less the mean to components of standard deviation 1
    loadings: np.ndarray  # (components, samples) mV, the way back

    @classmethod
    def fit(cls, centred: np.ndarray, components: int) -> Self:
        """Of beats (records, samples) mV, less their mean; fewer where there are fewer records."""
        weight = 1 / np.sqrt(centred.std(0).clip(1e-3))  # mV: a sample that never changes says nothing
        beat = centred * weight
        directions = np.linalg.svd(beat, full_matrices=False)[2][: min(components, len(centred) - 1)]
        size = (beat @ directions.T).std(0).clip(1e-3)
        return cls((weight * directions / size[:, None]).T, size[:, None] * directions / weight)


def limits_of(traits: np.ndarray) -> np.ndarray:
    """The LIMITS percentiles of traits (records, traits): (2, traits)."""
    return np.percentile(traits.clip(-FARTHEST, FARTHEST), LIMITS, axis=0)


def block_diagonal(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Both matrices on the diagonal of a larger one."""
    joined = np.zeros((len(one) + len(other), one.shape[1] + other.shape[1]), np.float32)
    joined[: len(one), : one.shape[1]], joined[len(one) :, one.shape[1] :] = one, other
    return joined


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
    whole = peaks[(peaks >= before) & (peaks + after <= signal.shape[1])]
    beats = windows(signal, whole if len(whole) else peaks, before, after)
    if not len(beats):
        beats = np.zeros((1, len(signal), before + after), signal.dtype)
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


def windows(signal: np.ndarray, peaks: np.ndarray, before: int, after: int) -> np.ndarray:
    """The beats of a record (leads, samples) at these peaks, from `before` to `after` samples about them, the record's
    ends held: (beats, leads, before + after)."""
    padded = np.pad(signal, ((0, 0), (before, after)), mode="edge")  # a beat at the record's edge counts too
    return padded[:, peaks[:, None] + np.arange(before + after)].transpose(1, 0, 2)


def measure_other(signal: np.ndarray, peaks: np.ndarray, unlike: np.ndarray, sampling_rate: float) -> np.ndarray:
    """The median of the beats of a record that are `unlike` (beats,) the usual one, lead after lead, in mV.

    (8 * samples of a beat,) float32, NaN in a record without such beats.
    """
    before, after = round(BEFORE * sampling_rate), round(AFTER * sampling_rate)
    if not unlike.any():
        return np.full(len(signal) * (before + after), np.nan, np.float32)
    return np.median(windows(signal, peaks[unlike], before, after), axis=0).ravel().astype(np.float32)


@dataclass(frozen=True, eq=False)
class Measured:
    """R peaks and raw measures of some records; row n of each field belongs together."""

    peaks: list[np.ndarray]  # (beats,) int64 each, R peaks in samples
    measures: np.ndarray  # (records, measures) float32, see `measure`, then `measure_other` where asked for
    unlike: list[np.ndarray]  # (beats,) bool each: beats of another kind; all False where not asked for


def measure_all(signal: np.ndarray, sampling_rate: int, others: bool = False) -> Measured:
    """R peaks and raw measures of recordings (records, 8, samples) float32 mV at `sampling_rate` Hz.

    With `others`, the beats unlike the usual one too.
    """
    peaks = [find_r_peaks(record, sampling_rate) for record in signal]
    rows = [measure(record, found_peaks, sampling_rate) for record, found_peaks in zip(signal, peaks, strict=True)]
    if not others:
        return Measured(peaks, np.stack(rows), [np.zeros(len(one), bool) for one in peaks])
    unlike = [
        unlike_beats(record, found_peaks, sampling_rate)[0] for record, found_peaks in zip(signal, peaks, strict=True)
    ]
    beats = map(measure_other, signal, peaks, unlike, [sampling_rate] * len(signal))
    return Measured(peaks, np.concatenate([np.stack(rows), np.stack(list(beats))], axis=1), unlike)


def scaled(measures: np.ndarray, gains: np.ndarray) -> np.ndarray:
    """The measures (records, measures) of records that were multiplied by `gains` (records,)."""
    moved = measures.copy()
    moved[:, LEAD_TRAITS:PLAIN] += np.log(gains)[:, None]
    moved[:, PLAIN:] *= gains[:, None]
    return moved
