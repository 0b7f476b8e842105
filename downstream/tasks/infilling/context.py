"""What is known of a recording beside a missing stretch: its R peaks, its usual beat, its wander and noise."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vqecg.prior.sketch.layout import AFTER, BEFORE, LEAD_TRAITS, PLAIN
from vqecg.prior.sketch.traits import LEAST_IRREGULARITY, LEAST_NOISE, measure, windows
from vqecg.records.beats.r_peaks import find_r_peaks
from vqecg.records.beats.unlike import unlike_beats

FEWEST_BEATS = 3  # whole ones beside the gap, without which there is no usual beat


@dataclass(frozen=True, eq=False)
class Context:
    """A window of a recording with one stretch to fill, and what is measured beside it."""

    signal: np.ndarray  # (8, samples) float32 mV, straight lines where it is unknown
    unknown: np.ndarray  # (samples,) bool, of this gap and any other in the window
    start: int  # first sample of the gap
    stop: int  # the one after its last
    sampling_rate: int  # Hz
    peaks: np.ndarray  # (beats,) int64, R peaks in samples, where the recording is known
    intervals: np.ndarray  # (n,) float, samples from one of them to the next, with nothing unknown in between
    beat: np.ndarray  # (8, samples of a beat) float32 mV, the median of the usual beats
    wander: np.ndarray  # (8,) mV
    noise: np.ndarray  # (8,) mV a sample
    measures: np.ndarray  # (measures,) float32, those of `measure` in prior/sketch/traits.py
    seed: Sequence[int]  # of all that is drawn for it

    @property
    def known_beats(self) -> list[np.ndarray]:
        """The R peaks before the gap, and those after it."""
        return [self.peaks[self.peaks < self.start], self.peaks[self.peaks >= self.stop]]


def context_of(
    signal: np.ndarray, unknown: np.ndarray, start: int, stop: int, sampling_rate: int, seed: Sequence[int]
) -> Context:
    """Of a window (8, samples) float32 mV with straight lines where it is `unknown` (samples,) bool.

    Raises ValueError where fewer than FEWEST_BEATS whole beats are seen beside the gap.
    """
    before, after = round(BEFORE * sampling_rate), round(AFTER * sampling_rate)
    peaks = find_r_peaks(signal, sampling_rate)
    peaks = peaks[~unknown[peaks]]
    seen = np.concatenate([[0], np.cumsum(unknown)])  # unknown samples before each
    first, last = (peaks - before).clip(0), (peaks + after).clip(max=len(unknown))
    whole = (seen[last] == seen[first]) & (peaks >= before) & (peaks + after <= len(unknown))
    apart = np.diff(peaks)[seen[peaks[1:]] == seen[peaks[:-1]]] if len(peaks) else np.zeros(0)
    if whole.sum() < FEWEST_BEATS or not len(apart):
        what = f"{whole.sum()} whole beats" if len(apart) else "no interval from one beat to the next"
        raise ValueError(
            f"{what} seen beside the gap, expected {FEWEST_BEATS} whole beats or more, and an interval: give a longer "
            "recording, or a shorter gap"
        )
    unlike, _ = unlike_beats(signal, peaks[whole], sampling_rate)
    usual = peaks[whole] if unlike.all() else peaks[whole][~unlike]
    measures = measure(signal, usual, sampling_rate)
    measures[0] = np.log(np.median(apart) / sampling_rate)  # gaps lie between the beats that were measured
    measures[1] = np.log(apart.std() / apart.mean() + LEAST_IRREGULARITY) if len(apart) > 1 else np.nan
    wander, noise = np.split(np.exp(measures[LEAD_TRAITS:PLAIN]) - LEAST_NOISE, 2)
    beat = np.median(windows(signal, usual, before, after), axis=0).astype(np.float32)
    of_gap = (start, stop, sampling_rate, peaks, apart.astype(float), beat, wander, noise, measures, seed)
    return Context(signal, unknown, *of_gap)
