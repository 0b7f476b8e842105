"""R peaks from all eight leads together."""

from functools import cache
from itertools import pairwise

import numpy as np
import scipy  # its parts load when they are first used: scipy.signal takes a second

from vqecg.records.beats.small_beats import small_beats

REFRACTORY = 0.25  # s, no second QRS complex within it
_SMOOTHING = 0.09  # s, about one QRS complex: the slopes within it count as one event


def find_r_peaks(signal: np.ndarray, sampling_rate: float) -> np.ndarray:
    """Sample indices (int64, ascending) of the R peaks of one recording.

    Args:
        signal: (leads, n) mV, at least one lead; the eight independent leads are what it is measured on.
        sampling_rate: Hz, at least 50.

    The slope (5-25 Hz, root mean square over a QRS complex's length) summed over the leads rises once a beat: Pan and
    Tompkins 1985 (IEEE Trans Biomed Eng 32:230) for several leads. Its maxima at least REFRACTORY apart are beats when
    they reach a fraction of their neighbourhood's median and are no T waves; long gaps are searched again with a lower
    threshold, and small beats are looked for between tall ones (small_beats.py). The index returned is the largest
    vector magnitude over the leads near such a maximum.

    Raises ValueError for another shape, less than one second, NaN, or a sampling rate below 50 Hz.
    """
    if signal.ndim != 2 or signal.shape[1] < sampling_rate or sampling_rate < 50:
        raise ValueError(
            f"signal of shape {signal.shape} at {sampling_rate:g} Hz; expected (leads, samples), at least one second "
            "and at least 50 Hz: transpose or resample it"
        )
    if not np.isfinite(signal).all():
        raise ValueError("signal holds NaN or infinite samples; drop the record or fill the gap before")
    wide = signal.astype(np.float64)
    courses = _slope_courses(wide, sampling_rate)
    slope = _slope_envelope(courses)
    candidates, _ = scipy.signal.find_peaks(slope, distance=max(1, round(REFRACTORY * sampling_rate)))
    if len(candidates) == 0 or slope.max() < 1e-6:
        return np.empty(0, dtype=np.int64)
    beats = _accept(candidates, slope[candidates], sampling_rate)
    small = small_beats(courses, beats, np.setdiff1d(candidates, beats), sampling_rate)
    return _refine(wide, np.union1d(beats, small), sampling_rate)


@cache
def _filter(order: int, hertz: float | tuple[float, float], kind: str, sampling_rate: float) -> np.ndarray:
    """A Butterworth filter in second-order sections; designing one takes as long as using it."""
    return scipy.signal.butter(order, hertz, kind, fs=sampling_rate, output="sos")


def _slope_courses(wide: np.ndarray, sampling_rate: float) -> np.ndarray:
    """Root mean square slope about each sample, (leads, n) in mV/s."""
    band = _filter(2, (5.0, min(25.0, 0.45 * sampling_rate)), "bandpass", sampling_rate)
    padding = min(wide.shape[1] - 1, round(sampling_rate))
    slopes = np.gradient(scipy.signal.sosfiltfilt(band, wide, axis=1, padlen=padding), 1 / sampling_rate, axis=1)
    energy = slopes**2
    energy = np.minimum(energy, 3 * np.percentile(energy, 98, axis=1, keepdims=True))  # pacemaker spikes reach more
    return np.sqrt(scipy.ndimage.gaussian_filter1d(energy, _SMOOTHING / 2.5 * sampling_rate, axis=1, mode="nearest"))


def _slope_envelope(courses: np.ndarray) -> np.ndarray:
    """The courses summed over the leads, (n,) in mV/s; no lead counts without limit."""
    level = np.median(np.percentile(courses, 97, axis=1))  # about a QRS complex in the median lead
    return np.minimum(courses, 2 * level).sum(0)  # a loose electrode's lead reaches more


def _accept(candidates: np.ndarray, heights: np.ndarray, sampling_rate: float) -> np.ndarray:
    """The candidates that are beats: tall for their neighbourhood, no T waves, and a second look into long gaps."""
    times = candidates / sampling_rate
    # the tallest in every stretch of 1.5 s is a beat in all but a pause; their median sets the scale
    scale = np.median([heights[(times >= start) & (times < start + 1.5)].max(initial=0.0)
                       for start in np.arange(0, times[-1] + 1e-9, 1.5)])  # fmt: skip
    local = np.array([np.median(np.append(_tallest(heights[np.abs(times - time) < 3.0]), scale)) for time in times])
    accepted = heights > 0.38 * np.minimum(local, 2 * scale)
    for index in np.flatnonzero(accepted):  # a T wave: soon after a beat and much slower
        before = np.flatnonzero(accepted[:index])
        if len(before) and times[index] - times[before[-1]] < 0.36 and heights[index] < 0.55 * heights[before[-1]]:
            accepted[index] = False
    accepted |= _missed(accepted, times, heights, 0.25 * scale)
    return candidates[accepted]


def _missed(accepted: np.ndarray, times: np.ndarray, heights: np.ndarray, enough: float) -> np.ndarray:
    """In gaps of more than 1.66 usual intervals the tallest candidate of at least `enough`: search-back, (n,) bool."""
    missed = np.zeros_like(accepted)
    chosen = np.flatnonzero(accepted)
    if len(chosen) < 3:
        return missed
    usual = np.median(np.diff(times[chosen]))
    for left, right in pairwise(chosen):
        if times[right] - times[left] > 1.66 * usual:
            free = (times > times[left] + 0.36) & (times < times[right] - 0.30)
            best = int(np.argmax(np.where(free, heights, 0.0)))
            missed[best] = free[best] and heights[best] > enough
    return missed


def _tallest(heights: np.ndarray) -> np.ndarray:
    """The upper half of the heights, which in 6 s of ECG are beats and not T waves."""
    return np.sort(heights)[-max(1, len(heights) // 2) :]


def _refine(wide: np.ndarray, beats: np.ndarray, sampling_rate: float) -> np.ndarray:
    """Move each beat to the largest vector magnitude within 0.08 s, baseline removed."""
    high = _filter(1, 2.0, "highpass", sampling_rate)
    padding = min(wide.shape[1] - 1, round(sampling_rate))
    magnitude = (scipy.signal.sosfiltfilt(high, wide, axis=1, padlen=padding) ** 2).sum(0)
    reach = round(0.08 * sampling_rate)
    starts = np.maximum(0, beats - reach)
    peaks = [start + np.argmax(magnitude[start : beat + reach + 1]) for start, beat in zip(starts, beats, strict=True)]
    return np.unique(np.array(peaks, dtype=np.int64))
