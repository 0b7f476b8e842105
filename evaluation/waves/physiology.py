"""Measures of an ECG without a network that learned labels: one row per record, units in UNITS and SIGN_UNITS.

The measures of UNITS are also a feature space for `fidelity/distributions.py`: `physiology_features`, then a
`Standardiser`. Those of SIGN_UNITS are what label adherence asks of ectopy, pacing, flutter, voltages and ST.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Self

import numpy as np
import pandas as pd
from scipy import signal as dsp

from vqecg.evaluation.waves.lead_signs import LEAD_SIGN_UNITS, lead_signs
from vqecg.evaluation.waves.rhythm_signs import RHYTHM_SIGN_UNITS, rhythm_signs
from vqecg.records.beats.r_peaks import find_r_peaks
from vqecg.records.leads import INDEPENDENT_LEADS

if TYPE_CHECKING:
    from vqecg.evaluation.waves.segmenter import WaveSegmenter

RHYTHM_UNITS = {"heart_rate": "1/min", "rr_variation": "% (SD over mean of RR)", "rmssd": "ms"}
INTERVAL_UNITS = RHYTHM_UNITS | {
    "pr": "ms",
    "qrs": "ms",
    "qt": "ms",
    "qtc": "ms (Fridericia)",
    "axis": "degrees (frontal QRS)",
    "p_share": "share of beats, 0-1",
}
BANDS = {"low": (0.5, 5.0), "middle": (5.0, 15.0), "high": (15.0, 40.0)}  # Hz: waves and baseline, QRS, its edges
PAIRS = tuple(combinations(INDEPENDENT_LEADS, 2))
BEAT_UNITS = {f"{wave}_amplitude_{lead}": "mV" for wave in ("r", "t") for lead in INDEPENDENT_LEADS}
SHAPE_UNITS = (
    {f"sd_{lead}": "mV" for lead in INDEPENDENT_LEADS}
    | {f"slew_{lead}": "mV/s" for lead in INDEPENDENT_LEADS}
    | {f"{band}_rms_{lead}": f"mV ({low:g}-{high:g} Hz)" for band, (low, high) in BANDS.items()
       for lead in INDEPENDENT_LEADS}
    | {f"correlation_{one}_{other}": "1" for one, other in PAIRS}
)  # fmt: skip
UNITS: dict[str, str] = INTERVAL_UNITS | BEAT_UNITS | SHAPE_UNITS
SIGN_UNITS: dict[str, str] = RHYTHM_SIGN_UNITS | LEAD_SIGN_UNITS

BASELINE = (0.12, 0.06)  # s before the R peak, between which lies the level that amplitudes are measured from
QRS_REACH = 0.06  # s about the R peak of the beat, within which a lead's own R wave is looked for
T_START = 0.16  # s after the R peak, when a wide QRS complex has ended
FLAT = 1e-6  # mV, a lead of no larger SD has no correlation
FARTHEST = 5.0  # robust SDs features are cut to, 0.9 % of real ones: at 10, KID between real halves varies 3-fold more


def physiology(
    signals: Iterable[np.ndarray], sampling_rate: int, segmenter: WaveSegmenter | None = None
) -> pd.DataFrame:
    """The measures of UNITS and SIGN_UNITS for each record, float64, NaN where a record does not show them.

    Args:
        signals: chunks (n, 8, samples) float32 mV, the independent leads; one chunk is in memory at a time.
        sampling_rate: Hz, at least 100.
        segmenter: measures INTERVAL_UNITS (`delineation.beat_intervals`) and LEAD_SIGN_UNITS (`lead_signs`); without it
            there is RHYTHM_UNITS from the R peaks: rate from the median RR, variation and RMSSD from all.

    r_amplitude is the highest point within 60 ms of the R peak, t_amplitude the point farthest from the level between
    0.16 s and the end of T, both of the median beat and against the level 60-120 ms before R; NaN with fewer than two
    whole beats. slew is the largest step, rms the root mean square in a band (Welch, 4 s), correlation Pearson's.

    Raises ValueError for no record, another shape, a sampling rate below 100 Hz, and NaN in a signal.
    """
    tables: list[pd.DataFrame] = []
    for chunk in signals:
        _check(chunk, sampling_rate, sum(map(len, tables)))
        if not len(chunk):
            continue
        rows = [_beats(signal, sampling_rate) for signal in chunk]
        table = pd.DataFrame(rows, columns=[*RHYTHM_UNITS, *BEAT_UNITS, *RHYTHM_SIGN_UNITS], dtype=np.float64)
        parts = [table, _shapes(chunk, sampling_rate)]
        if segmenter is not None:
            parts = [table.drop(columns=list(RHYTHM_UNITS)), parts[1], _segmented(chunk, sampling_rate, segmenter)]
        together = pd.concat(parts, axis=1)
        tables.append(together[[name for name in (*UNITS, *SIGN_UNITS) if name in together]])
    if not tables:
        raise ValueError("got no signals; expected at least one record")
    return pd.concat(tables, ignore_index=True)


def physiology_features(table: pd.DataFrame) -> np.ndarray:
    """Columns of UNITS as features (records, d) float64 in its order; NaN stays.

    The axis becomes its cosine and sine, since 180 and -180 degrees are one. The intervals may be missing all together.
    Raises ValueError when another measure, or some of the intervals only, is missing.
    """
    wanted = set(UNITS) if set(table.columns) & (set(INTERVAL_UNITS) - set(RHYTHM_UNITS)) else (
        set(UNITS) - set(INTERVAL_UNITS) | set(RHYTHM_UNITS)
    )  # fmt: skip
    missing = sorted(wanted - set(table.columns))
    if missing:
        raise ValueError(f"the table lacks the measures {missing[:8]}; expected the columns of physiology()")
    columns = []
    for name in UNITS:
        if name == "axis" and name in wanted:
            angle = np.deg2rad(table[name].to_numpy(np.float64))
            columns += [np.cos(angle), np.sin(angle)]
        elif name in wanted:
            columns.append(table[name].to_numpy(np.float64))
    return np.stack(columns, axis=1)


@dataclass(frozen=True, eq=False)
class Standardiser:
    """Puts features of different units on one scale, that of real training records; never fit it on synthetic ones.

    Median and interquartile range, as one paced or noisy record would move mean and SD. A missing value becomes the
    median, and whether it was missing becomes a feature of its own, so that records without a P wave stay apart.
    """

    median: np.ndarray  # (d,) in the units of the features
    scale: np.ndarray  # (d,) interquartile range / 1.349: the SD where the feature is normal
    may_miss: np.ndarray  # (d,) bool: missing in some of the records it was fitted on

    @classmethod
    def fit(cls, features: np.ndarray) -> Self:
        """Measures (records, d). Raises ValueError for another shape, or a feature that no record has."""
        features = np.asarray(features, np.float64)
        if features.ndim != 2 or not features.size:
            raise ValueError(f"features of shape {features.shape}; expected (records, d), at least one of each")
        known = np.isfinite(features)
        if not known.any(axis=0).all():
            empty = np.flatnonzero(~known.any(axis=0)).tolist()
            raise ValueError(f"the features in columns {empty} are missing in every record: leave them out")
        values = np.where(known, features, np.nan)
        low, median, high = np.nanpercentile(values, (25, 50, 75), axis=0)
        scale = (high - low) / 1.349
        # more than half of the records may agree on a share of 1: then the SD must do, and 1 for a constant
        scale = np.where(scale > 0, scale, np.nanstd(values, axis=0))
        return cls(median, np.where(scale > 0, scale, 1.0), ~known.all(axis=0))

    def transform(self, features: np.ndarray) -> np.ndarray:
        """(records, d) as (records, d + features that may miss) float64, cut to FARTHEST, 0 at the real median.

        A value missing where no real one was counts as FARTHEST: nothing lies farther off. ValueError: another d.
        """
        features = np.asarray(features, np.float64)
        if features.ndim != 2 or features.shape[1] != len(self.median):
            raise ValueError(f"features of shape {features.shape}; expected (records, {len(self.median)})")
        missing = ~np.isfinite(features)
        scaled = np.clip((np.where(missing, self.median, features) - self.median) / self.scale, -FARTHEST, FARTHEST)
        scaled[missing & ~self.may_miss] = FARTHEST
        return np.concatenate([scaled, missing[:, self.may_miss].astype(np.float64)], axis=1)


def _check(chunk: np.ndarray, sampling_rate: int, first: int) -> None:
    if chunk.ndim != 3 or chunk.shape[1] != len(INDEPENDENT_LEADS) or sampling_rate < 100:
        raise ValueError(
            f"signals of shape {chunk.shape} at {sampling_rate} Hz; expected chunks (n, 8, samples) at 100 Hz or more"
        )
    finite = np.isfinite(chunk).all(axis=(1, 2))
    if not finite.all():
        raise ValueError(f"record {first + int(np.argmin(finite))} holds NaN or infinite samples: leave it out")


def _segmented(chunk: np.ndarray, sampling_rate: int, segmenter: WaveSegmenter) -> pd.DataFrame:
    """INTERVAL_UNITS and LEAD_SIGN_UNITS of each record of a chunk (n, 8, samples)."""
    # here, as it needs torch
    from vqecg.evaluation.waves.delineation import beat_intervals, segmented_beats

    rate = segmenter.config.sampling_rate
    rows = [
        beat_intervals(signal, beats, rate) | lead_signs(signal, beats, rate)
        for signal, beats in segmented_beats(segmenter, chunk, sampling_rate)
    ]
    return pd.DataFrame(rows, columns=[*INTERVAL_UNITS, *LEAD_SIGN_UNITS], dtype=np.float64)


def _beats(signal: np.ndarray, sampling_rate: int) -> np.ndarray:
    """RHYTHM_UNITS, BEAT_UNITS and RHYTHM_SIGN_UNITS of one record (8, samples)."""
    peaks = find_r_peaks(signal, sampling_rate)
    intervals = np.diff(peaks) / sampling_rate
    rhythm = np.full(len(RHYTHM_UNITS), np.nan)
    amplitudes = np.full(len(BEAT_UNITS), np.nan)
    if len(intervals):
        rhythm[0] = 60 / np.median(intervals)
        amplitudes = _amplitudes(signal, peaks, float(np.median(intervals)), sampling_rate)
    if len(intervals) > 1:
        rhythm[1] = 100 * intervals.std() / intervals.mean()
        rhythm[2] = 1000 * np.sqrt(np.mean(np.diff(intervals) ** 2))
    return np.concatenate([rhythm, amplitudes, rhythm_signs(signal, peaks, sampling_rate)])


def _amplitudes(signal: np.ndarray, peaks: np.ndarray, rr: float, sampling_rate: int) -> np.ndarray:
    """R, then T amplitude of the eight leads, mV; `rr` in s."""
    t_end = min(0.42 * np.sqrt(rr), 0.60 * rr)  # s after R, as where beats are warped for interpolation
    before, after = round(BASELINE[0] * sampling_rate), round(t_end * sampling_rate)
    whole = peaks[(peaks >= before) & (peaks + after < signal.shape[1])]
    if len(whole) < 2:
        return np.full(len(BEAT_UNITS), np.nan)
    beat = np.median(signal[:, whole[:, None] + np.arange(-before, after + 1)], axis=1)
    beat = beat - np.median(beat[:, : before - round(BASELINE[1] * sampling_rate) + 1], axis=1, keepdims=True)
    reach = round(QRS_REACH * sampling_rate)
    recovery = beat[:, before + round(min(T_START, 0.7 * t_end) * sampling_rate) :]
    farthest = np.argmax(np.abs(recovery), axis=1)
    t_wave = recovery[np.arange(len(beat)), farthest]
    return np.concatenate([beat[:, before - reach : before + reach + 1].max(axis=1), t_wave])


def _shapes(chunk: np.ndarray, sampling_rate: int) -> pd.DataFrame:
    """SHAPE_UNITS of each record of a chunk (n, 8, samples)."""
    wide = chunk.astype(np.float64)
    deviation = wide.std(axis=2)
    slew = np.abs(np.diff(wide, axis=2)).max(axis=2) * sampling_rate
    length = min(4 * sampling_rate, wide.shape[2])
    frequencies, power = dsp.welch(chunk, sampling_rate, nperseg=length, axis=2)
    bands = [
        np.sqrt(power[..., (frequencies >= low) & (frequencies < high)].sum(axis=2) * frequencies[1])
        for low, high in BANDS.values()
    ]
    rows, columns = np.triu_indices(len(INDEPENDENT_LEADS), k=1)
    correlation = correlations(wide)[:, rows, columns]
    return pd.DataFrame(np.concatenate([deviation, slew, *bands, correlation], axis=1), columns=list(SHAPE_UNITS))


def correlations(eight: np.ndarray) -> np.ndarray:
    """Pearson correlations of the leads of each record, (n, 8, 8), NaN with a flat lead."""
    deviation = eight.std(axis=2, keepdims=True)
    unit = (eight - eight.mean(axis=2, keepdims=True)) / np.where(deviation > FLAT, deviation, np.nan)
    return unit @ unit.transpose(0, 2, 1) / eight.shape[2]
