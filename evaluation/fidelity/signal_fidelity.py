"""Signals against signals, lead by lead: amplitudes, mean power spectra and inter-lead correlations.

Each table has the synthetic records and, where given, other real ones (`reference`) beside the real records.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import signal as dsp

from vqecg.evaluation.waves.physiology import correlations
from vqecg.records.leads import INDEPENDENT_LEADS, LEADS, twelve_leads

AMPLITUDES = {"sd": "mV", "peak_to_peak": "mV", "slew": "mV/s"}
SPECTRUM = (0.5, 40.0)  # Hz compared: below lies the baseline, above little but noise
BATCH = 256  # records worked on at a time


@dataclass(frozen=True, eq=False)
class SignalSummary:
    """A summary of many records: 144 bytes per record, and two means."""

    amplitudes: np.ndarray  # (records, 12, 3) float32: AMPLITUDES per lead of LEADS
    frequencies: np.ndarray  # (bins,) Hz, within SPECTRUM
    power: np.ndarray  # (12, bins) mV^2/Hz, mean over records
    correlation: np.ndarray  # (8, 8) of the independent leads, mean over records in which both leads move

    @property
    def records(self) -> int:
        """The number of records."""
        return len(self.amplitudes)


def summarise(signals: Iterable[np.ndarray], sampling_rate: int) -> SignalSummary:
    """One pass over chunks (n, 8, samples) float32 mV, the independent leads, of one length of at least 2 s.

    Raises ValueError for no record, another shape, fewer than 2 s, or NaN.
    """
    amplitudes: list[np.ndarray] = []
    frequencies, power, correlation, pairs = np.empty(0), np.zeros(()), np.zeros(()), np.zeros(())
    samples = None
    for chunk in signals:
        if chunk.ndim != 3 or chunk.shape[1] != len(INDEPENDENT_LEADS) or chunk.shape[2] < 2 * sampling_rate:
            raise ValueError(f"signals of shape {chunk.shape}; expected chunks (n, 8, samples) of at least 2 s")
        samples = chunk.shape[2] if samples is None else samples
        if chunk.shape[2] != samples:
            raise ValueError(f"records of {samples} and of {chunk.shape[2]} samples; expected one length: crop them")
        if not np.isfinite(chunk).all():
            raise ValueError("a signal holds NaN or infinite samples: leave the record out")
        for start in range(0, len(chunk), BATCH):
            eight = chunk[start : start + BATCH].astype(np.float64)
            twelve = twelve_leads(eight)
            amplitudes.append(_amplitudes(twelve, sampling_rate))
            frequencies, each = dsp.welch(twelve, sampling_rate, nperseg=min(4 * sampling_rate, eight.shape[2]), axis=2)
            power = power + each.sum(axis=0)
            pearson = correlations(eight)
            correlation, pairs = correlation + np.nansum(pearson, axis=0), pairs + np.isfinite(pearson).sum(axis=0)
    if not amplitudes:
        raise ValueError("got no signals; expected at least one record")
    inside = (frequencies >= SPECTRUM[0]) & (frequencies <= min(SPECTRUM[1], 0.45 * sampling_rate))
    rows = np.concatenate(amplitudes)
    mean = np.divide(correlation, pairs, out=np.full(correlation.shape, np.nan), where=pairs > 0)
    return SignalSummary(rows, frequencies[inside], power[:, inside] / len(rows), mean)


def amplitude_table(
    real: SignalSummary, synthetic: SignalSummary, reference: SignalSummary | None = None
) -> pd.DataFrame:
    """Medians over records, one row per measure of AMPLITUDES and lead of LEADS.

    Columns: measure, unit, lead, real, synthetic, ratio (synthetic over real), reference, reference_ratio (reference
    over real). Without a reference its columns are NaN, as is a ratio to a lead that is flat in real records.
    """
    amplitudes = {"real": real.amplitudes, "synthetic": synthetic.amplitudes}
    amplitudes["reference"] = (
        np.full((1, len(LEADS), len(AMPLITUDES)), np.nan) if reference is None else reference.amplitudes
    )
    medians = {name: np.median(values, axis=0).T.ravel().astype(np.float64) for name, values in amplitudes.items()}
    table = pd.DataFrame(
        {
            "measure": np.repeat(list(AMPLITUDES), len(LEADS)),
            "unit": np.repeat(list(AMPLITUDES.values()), len(LEADS)),
            "lead": list(LEADS) * len(AMPLITUDES),
            **medians,
        }
    )
    moving = table["real"].where(table["real"] > 0)
    return table.assign(ratio=table["synthetic"] / moving, reference_ratio=table["reference"] / moving)


def spectrum_table(
    real: SignalSummary, synthetic: SignalSummary, reference: SignalSummary | None = None
) -> pd.DataFrame:
    """Log-spectral distance of the mean power spectra within SPECTRUM, one row per lead of LEADS.

    Columns: lead, distance and reference_distance to the real spectrum: root mean square over frequencies of the
    difference in dB. Raises ValueError for summaries of other frequencies, or a lead without power.
    """
    distances = {"distance": _log_spectral_distance(real, synthetic)}
    other = np.full(len(LEADS), np.nan) if reference is None else _log_spectral_distance(real, reference)
    return pd.DataFrame({"lead": list(LEADS), **distances, "reference_distance": other})


def correlation_distance(real: SignalSummary, other: SignalSummary) -> float:
    """Root mean square difference of the mean inter-lead correlations over the 28 pairs of independent leads."""
    rows, columns = np.triu_indices(len(INDEPENDENT_LEADS), k=1)
    return float(np.sqrt(np.mean((real.correlation - other.correlation)[rows, columns] ** 2)))


def _amplitudes(twelve: np.ndarray, sampling_rate: int) -> np.ndarray:
    """(n, 12, 3) float32, in the order of AMPLITUDES."""
    slew = np.abs(np.diff(twelve, axis=2)).max(axis=2) * sampling_rate
    return np.stack([twelve.std(axis=2), np.ptp(twelve, axis=2), slew], axis=2).astype(np.float32)


def _log_spectral_distance(real: SignalSummary, other: SignalSummary) -> np.ndarray:
    """(12,) dB."""
    if real.power.shape != other.power.shape or not np.array_equal(real.frequencies, other.frequencies):
        raise ValueError(
            f"spectra of shape {real.power.shape} and {other.power.shape}; expected the same frequencies: "
            "summarise signals of one length and sampling rate"
        )
    if not ((real.power > 0).all() and (other.power > 0).all()):
        raise ValueError("a lead is flat in every record and has no spectrum; expected power at every frequency")
    return np.sqrt(np.mean((10 * np.log10(other.power / real.power)) ** 2, axis=1))
