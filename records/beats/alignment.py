"""Align two recordings beat by beat, so that mixing them (as signals or in latent space) makes no ghost beats.

Mixing two regular ECGs of different rates puts the beats of one between those of the other: two records of three get
more than a quarter of extra deflections. Here parent B's beats are first moved onto parent A's R times; only then may
the two be mixed. The warp acts on the signal and not on codes: a code frame (80 ms) is as long as a QRS complex.
"""

from dataclasses import dataclass

import numpy as np

from vqecg.records.beats.r_peaks import find_r_peaks

MIN_BEATS = 3
STITCH = 0.62  # of each RR: between the end of T and the next P
CROSS_FADE = 0.06  # s, over which one beat's baseline passes into the next one's
OUTSIDE = 0.10  # s, how far beyond the record's ends the R of a supposed beat lies at least


@dataclass(frozen=True)
class AlignedParent:
    """Parent B in parent A's rhythm."""

    signal: np.ndarray  # (8, n) float32 mV, n as in parent A
    r_peaks: np.ndarray  # (beats,) int64, parent A's R peaks, where B's now are too
    source_beats: np.ndarray  # (beats,) int64, which of parent B's R peaks each one is


def align_beats(signal_a: np.ndarray, signal_b: np.ndarray, sampling_rate: float) -> AlignedParent:
    """Move parent B's beats onto parent A's R times.

    Each beat has the landmarks R - min(0.25 s, 0.40 RR before), R and R + min(0.42 sqrt(RR), 0.60 RR); time is mapped
    piecewise linearly between A's and B's landmarks, so that P, QRS and T keep their shape (T follows the rate as QT
    does) and the T-P segment takes up the difference. A's k-th beat gets B's k-th whole beat, and B starts over when it
    has fewer. Beats are stitched at 62 % of each RR with a short cross-fade. Before A's first and after its last beat
    beats are supposed at the same RR but outside the record, so that its edges hold what they would.

    Args:
        signal_a, signal_b: (leads, n) and (leads, m) mV, the same leads at the same sampling rate (Hz).

    Raises:
        ValueError: different leads, or fewer than three beats in either record.
    """
    if signal_a.ndim != 2 or signal_b.ndim != 2 or signal_a.shape[0] != signal_b.shape[0]:
        raise ValueError(
            f"signals of shape {signal_a.shape} and {signal_b.shape}; expected (leads, samples), same leads"
        )
    peaks_a, peaks_b = find_r_peaks(signal_a, sampling_rate), find_r_peaks(signal_b, sampling_rate)
    for parent, peaks in (("first", peaks_a), ("second", peaks_b)):
        if len(peaks) < MIN_BEATS:
            raise ValueError(
                f"{len(peaks)} beats found in the {parent} record, alignment needs {MIN_BEATS}: take another parent, "
                "or check that the signal is in mV and its sampling rate right"
            )
    samples = signal_a.shape[1]
    landmarks = _Landmarks.around(peaks_a, sampling_rate, samples)
    other = _Landmarks.around(peaks_b, sampling_rate, signal_b.shape[1])
    usable = other.whole_beats(signal_b.shape[1])
    peaks = landmarks.peak
    stitches = peaks + STITCH * np.diff(peaks, append=2 * peaks[-1] - peaks[-2])
    half = CROSS_FADE / 2 * sampling_rate
    mixed, weights = np.zeros(signal_a.shape), np.zeros(samples)
    sources = usable[(np.arange(len(peaks)) - landmarks.first) % len(usable)]
    for beat, source in enumerate(sources):
        start = stitches[beat - 1] if beat > 0 else -float(samples)
        end = stitches[beat] if beat < len(sources) - 1 else 2.0 * samples
        index = np.arange(max(0, int(np.ceil(start - half))), min(samples, int(np.floor(end + half)) + 1))
        weight = np.clip(np.minimum(index - start + half, end + half - index) / (2 * half), 0, 1)
        times = np.interp(index, *_extended(landmarks.knots(beat), other.knots(int(source))))
        mixed[:, index] += weight * sample_at(signal_b, times)
        weights[index] += weight
    inside = slice(landmarks.first, landmarks.first + len(peaks_a))
    return AlignedParent(
        signal=(mixed / weights).astype(np.float32), r_peaks=peaks_a, source_beats=sources[inside] - other.first
    )


def beat_edges(r_peaks: np.ndarray, samples: int) -> np.ndarray:
    """The borders between the stretches of one beat and the next: (beats + 1,) samples, 0 first and `samples` last.

    Between two R peaks that is at 62 % of the way, after T and before the next P. Without a beat the record is one
    stretch.
    """
    between = r_peaks[:-1] + STITCH * np.diff(r_peaks)
    return np.concatenate([[0], np.rint(between).astype(np.int64), [samples]])


@dataclass(frozen=True)
class _Landmarks:
    """Landmarks of a record's beats in samples, with two supposed beats beyond each end."""

    before: np.ndarray  # (beats,) P's side
    peak: np.ndarray  # (beats,) R
    after: np.ndarray  # (beats,) T's side
    first: int  # index of the first beat that was detected, not supposed

    @classmethod
    def around(cls, peaks: np.ndarray, sampling_rate: float, samples: int) -> "_Landmarks":
        rr = np.diff(peaks)
        # a beat that was not detected is not in the record: the supposed ones start outside it
        start = min(peaks[0] - float(rr[0]), -OUTSIDE * sampling_rate)
        end = max(peaks[-1] + float(rr[-1]), samples + OUTSIDE * sampling_rate)
        peak = np.concatenate([[start - rr[0], start], peaks, [end, end + rr[-1]]])
        rr = np.diff(peak) / sampling_rate
        rr_before, rr_after = np.append(rr[:1], rr), np.append(rr, rr[-1:])
        before = peak - sampling_rate * np.minimum(0.25, 0.40 * rr_before)
        after = peak + sampling_rate * np.minimum(0.42 * np.sqrt(rr_after), 0.60 * rr_after)
        return cls(before=before, peak=peak, after=after, first=2)

    def whole_beats(self, samples: int) -> np.ndarray:
        """Beats whose landmarks all lie in the record; at least MIN_BEATS - 2 of them, the inner beats, always do."""
        return np.flatnonzero((self.before >= 0) & (self.after <= samples - 1))

    def knots(self, beat: int) -> np.ndarray:
        """(5,) the end of T before, P's side, R, T's side, the next P's side, ascending; in samples."""
        period_before = self.peak[beat] - self.peak[beat - 1] if beat > 0 else self.peak[1] - self.peak[0]
        end_before = self.after[beat - 1] if beat > 0 else self.after[0] - period_before
        last = beat == len(self.peak) - 1
        period_after = self.peak[beat] - self.peak[beat - 1] if last else self.peak[beat + 1] - self.peak[beat]
        next_start = self.before[-1] + period_after if last else self.before[beat + 1]
        return np.array([end_before, self.before[beat], self.peak[beat], self.after[beat], next_start])


def _extended(knots: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The knots with one more at each end, far out, where time runs at the same pace in both records."""
    far = 1e6
    knots, other = np.maximum.accumulate(knots + 1e-6 * np.arange(5)), np.maximum.accumulate(other)
    return (
        np.concatenate([[knots[0] - far], knots, [knots[-1] + far]]),
        np.concatenate([[other[0] - far], other, [other[-1] + far]]),
    )


def sample_at(signal: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """The signal (leads, n) between its samples, at `positions` in samples: (leads, positions).

    Cubic convolution (Keys 1981, IEEE Trans Acoust 29:1153): linear interpolation would cut R peaks at 100 Hz. Beyond
    the ends the first and last value hold.
    """
    positions = np.clip(positions, 0, signal.shape[1] - 1)
    base = np.floor(positions).astype(np.int64)
    t = positions - base
    weights = 0.5 * np.stack([-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, -(t**2) + t**3])
    neighbours = np.clip(base + np.arange(-1, 3)[:, None], 0, signal.shape[1] - 1)
    return (signal[:, neighbours] * weights).sum(1)
