"""Signs of a rhythm beside its rate: beats of another kind, early beats, pairs, pauses, spikes, flutter waves.

They need the R peaks alone, no network, and are what label adherence asks of ectopy, pacing and flutter. Thresholds of
the rules are in adherence_rules.py; here are the measures.
"""

from functools import cache

import numpy as np
from scipy import signal as dsp

from vqecg.records.beats.unlike import unlike_beats
from vqecg.records.leads import INDEPENDENT_LEADS

RHYTHM_SIGN_UNITS = {
    "unlike_beats": "beats unlike the median one",
    "early_unlike_beats": "of these, beats that come early",
    "early_alike_beats": "early beats like the median one",
    "rr_after_one": "autocorrelation of RR over one beat",
    "rr_after_three": "autocorrelation of RR over three beats",
    "longest_rr": "longest RR over the median RR",
    "spike": "mV, how far a sharp point before QRS stands out",
    "flutter": "share of power at 3.5-6.5 Hz of what is left without QRS complexes",
}
EARLY = 0.85  # of the median RR about it, an interval that is shorter ends in an early beat
NEIGHBOURS = 4  # intervals on either side that make that median
FEWEST_BEATS = 4  # without which there is no usual beat
SPIKE_REACH = (0.18, 0.04)  # s before the R peak, where the spike of a pacemaker would be
SPIKE_WIDTH = 0.01  # s on either side, within which a spike has come and gone
QRS_REACH = (0.07, 0.09)  # s before and after the R peak, that flutter waves are looked for without
FLUTTER_BAND, ATRIAL_BAND = (3.5, 6.5), (3.0, 12.0)  # Hz: 210 to 390 waves a minute; and what else atria do
WINDOW = 5.12  # s, of a spectrum
FLUTTER_WIDTH = 0.4  # Hz on either side of the highest peak
ATRIAL_LEADS = ("II", "V1")  # that show the atria best


def rhythm_signs(signal: np.ndarray, peaks: np.ndarray, sampling_rate: int) -> np.ndarray:
    """RHYTHM_SIGN_UNITS of one record, in their order, float64; NaN with fewer than FEWEST_BEATS.

    `signal` is (8, samples) mV, the independent leads; `peaks` are its R peaks, samples.
    """
    if len(peaks) < FEWEST_BEATS:
        return np.full(len(RHYTHM_SIGN_UNITS), np.nan)
    rr = np.diff(peaks) / sampling_rate
    early = np.append(False, rr < EARLY * local_median(rr))  # of each beat; before the first nothing is known
    unlike, seen = unlike_beats(signal, peaks, sampling_rate)
    values = {
        "unlike_beats": unlike.sum(),
        "early_unlike_beats": (unlike & early).sum(),
        "early_alike_beats": (seen & early & ~unlike).sum(),
        "rr_after_one": autocorrelation(rr, 1),
        "rr_after_three": autocorrelation(rr, 3),
        "longest_rr": (rr / np.median(rr)).max(),
        "spike": spike(signal, peaks, sampling_rate),
        "flutter": flutter(signal, peaks, sampling_rate),
    }
    return np.array([values[name] for name in RHYTHM_SIGN_UNITS], np.float64)


def local_median(intervals: np.ndarray) -> np.ndarray:
    """The median of each interval and its NEIGHBOURS on either side: (intervals,)."""
    around = (intervals[max(0, n - NEIGHBOURS) : n + NEIGHBOURS + 1] for n in range(len(intervals)))
    return np.array([np.median(part) for part in around])


def autocorrelation(intervals: np.ndarray, lag: int) -> float:
    """Of RR intervals over `lag` beats, -1 to 1; 0 where they do not vary, NaN with fewer than lag + 3 of them."""
    if len(intervals) < lag + 3:
        return float("nan")
    apart = intervals - intervals.mean()
    power = float((apart**2).mean())
    return float((apart[lag:] * apart[:-lag]).mean() / power) if power > 0 else 0.0


def spike(signal: np.ndarray, peaks: np.ndarray, sampling_rate: int) -> float:
    """Height of the sharpest point before QRS above those 10 ms beside it, mV: mean over leads, median over beats.

    What is left at 100 Hz of a pacemaker's spike of 0.5 ms. NaN where no beat is far enough from the start.
    """
    first, last = (round(seconds * sampling_rate) for seconds in SPIKE_REACH)
    beside = max(1, round(SPIKE_WIDTH * sampling_rate))
    inside = peaks[peaks >= first + beside]
    if not len(inside):
        return float("nan")
    part = signal[:, inside[:, None] + np.arange(-first - beside, -last + beside + 1)].transpose(1, 0, 2)
    middle = part[..., beside:-beside]
    rise, fall = middle - part[..., : -2 * beside], middle - part[..., 2 * beside :]
    stands_out = np.where(rise * fall > 0, np.minimum(np.abs(rise), np.abs(fall)), 0.0)
    return float(np.median(stands_out.max(2).mean(1)))


def flutter(signal: np.ndarray, peaks: np.ndarray, sampling_rate: int) -> float:
    """The share of atrial power that lies about one frequency of FLUTTER_BAND, 0 to 1: the larger of ATRIAL_LEADS.

    QRS complexes are replaced by straight lines; T waves and P waves of a usual rate are slower or have no one
    frequency. NaN where QRS complexes leave nothing, or there is no power.
    """
    leads = [INDEPENDENT_LEADS.index(name) for name in ATRIAL_LEADS]
    before, after = (round(seconds * sampling_rate) for seconds in QRS_REACH)
    samples = np.arange(signal.shape[1])
    away = np.ones(len(samples), bool)
    for peak in peaks:
        away[max(0, peak - before) : peak + after] = False
    if not away.any():
        return float("nan")
    bridged = np.stack([np.interp(samples, samples[away], signal[lead, away].astype(np.float64)) for lead in leads])
    atrial = dsp.sosfiltfilt(atrial_filter(sampling_rate), bridged, axis=1)
    window = min(round(WINDOW * sampling_rate), len(samples))
    frequencies, power = dsp.welch(atrial, sampling_rate, nperseg=window, axis=1)
    band = (frequencies >= FLUTTER_BAND[0]) & (frequencies <= FLUTTER_BAND[1])
    whole = (frequencies >= ATRIAL_BAND[0]) & (frequencies <= ATRIAL_BAND[1])
    highest = frequencies[band][power[:, band].argmax(1)]
    about = np.abs(frequencies - highest[:, None]) <= FLUTTER_WIDTH
    total = power[:, whole].sum(1)
    shares = (power * about).sum(1)[total > 0] / total[total > 0]
    return float(shares.max()) if len(shares) else float("nan")


@cache
def atrial_filter(sampling_rate: int) -> np.ndarray:
    """A band pass of ATRIAL_BAND in second-order sections."""
    return dsp.butter(2, ATRIAL_BAND, "bandpass", fs=sampling_rate, output="sos")
