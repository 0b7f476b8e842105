"""Errors of a codec in what a reader of ECGs measures: R amplitude, ST level, and what a classifier still tells.

Beats, their QRS limits and the sample of each lead's largest deflection come from the original alone; the decoded
signal is read at the same samples, so a peak that is blunted or late counts as an error. Run alone it does nothing;
compression.py uses it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from vqecg.downstream.classifiers.metrics import classification_metrics
from vqecg.downstream.classifiers.models.registry import CLASSIFIERS
from vqecg.downstream.classifiers.training import predict
from vqecg.records.beats.r_peaks import find_r_peaks
from vqecg.records.leads import twelve_leads
from vqecg.training.checkpoint import read_config

QRS_REACH = 0.12  # s from the R peak within which QRS begins and ends
QRS_SLOPE = 0.2  # of a beat's steepest slope over all leads: what is steeper belongs to its QRS complex
BASELINE = 0.03  # s before QRS, the PR segment, whose mean is the level that amplitudes are measured from
ST_DELAY = 0.06  # s from the end of QRS (J)
SMALL_WAVE = 0.1  # mV; a percentage of a smaller deflection says nothing


@dataclass(frozen=True)
class BeatSamples:
    """The samples at which one record is measured."""

    baseline: np.ndarray  # (beats, samples of the PR segment)
    peak: np.ndarray  # (beats, 12) the largest deflection of QRS, in each lead
    st: np.ndarray  # (beats,)


@dataclass(frozen=True)
class DiagnosticError:
    """Medians over records of each record's median over beats and leads."""

    r_amplitude: float  # mV
    r_percent: float  # % of the amplitude
    r_bias: float  # %, negative = blunted
    st_level: float  # microvolt
    st_bias: float  # microvolt, median over (record, lead) of the error of the ST level's median over beats, unsigned
    st_worst: float  # microvolt, 95th percentile over (record, lead) of the ST level's median over beats
    records: int  # with at least one whole beat


def beat_samples(signal: np.ndarray, sampling_rate: int) -> BeatSamples:
    """The samples at which to measure a record (8, samples) mV; beats too near to its ends are left out."""
    twelve = twelve_leads(signal)
    slope = np.sqrt(np.square(np.gradient(twelve, axis=1)).sum(0))
    reach, segment = round(QRS_REACH * sampling_rate), max(1, round(BASELINE * sampling_rate))
    margin = reach + max(segment, round(ST_DELAY * sampling_rate)) + 1
    peaks = find_r_peaks(signal, sampling_rate)
    beats = peaks[(peaks >= margin) & (peaks < signal.shape[1] - margin)]
    around = slope[beats[:, None] + np.arange(-reach, reach + 1)]
    steep = around > QRS_SLOPE * around.max(1, keepdims=True)
    onset = beats - reach + steep.argmax(1)
    end = beats + reach - steep[:, ::-1].argmax(1)
    baseline = onset[:, None] - np.arange(1, segment + 1)
    level = twelve[:, baseline].mean(-1).T
    window = beats[:, None] + np.arange(-reach, reach + 1)
    inside = (window >= onset[:, None]) & (window <= end[:, None])
    height = np.abs(twelve[:, window].transpose(1, 0, 2) - level[..., None]) * inside[:, None]
    return BeatSamples(baseline, beats[:, None] - reach + height.argmax(2), end + round(ST_DELAY * sampling_rate))


def amplitudes(signal: np.ndarray, samples: BeatSamples) -> tuple[np.ndarray, np.ndarray]:
    """R amplitude and ST level above the PR segment of a record (8, samples) mV: (beats, 12) mV each."""
    twelve = twelve_leads(signal)
    level = twelve[:, samples.baseline].mean(-1).T
    return twelve[np.arange(12), samples.peak] - level, twelve[:, samples.st].T - level


def diagnostic_error(signals: np.ndarray, decoded: np.ndarray, places: Sequence[BeatSamples]) -> DiagnosticError:
    """Errors of decoded records against the originals, (records, 8, samples) mV twice, at the samples of each record.

    Raises ValueError when no record has a whole beat.
    """
    rows: list[tuple[float, ...]] = []
    levels: list[np.ndarray] = []
    for signal, changed, samples in zip(signals, decoded, places, strict=True):
        if not len(samples.st):
            continue
        (r, st), (r_decoded, st_decoded) = amplitudes(signal, samples), amplitudes(changed, samples)
        tall = np.abs(r) >= SMALL_WAVE
        gain = 100 * (r_decoded / np.where(tall, r, np.nan) - 1)
        rows.append(
            (
                np.median(np.abs(r_decoded - r)),
                np.median(np.abs(gain[tall])) if tall.any() else np.nan,
                np.median(gain[tall]) if tall.any() else np.nan,
                1000 * np.median(np.abs(st_decoded - st)),
            )
        )
        levels.append(1000 * np.abs(np.median(st_decoded, axis=0) - np.median(st, axis=0)))
    if not rows:
        raise ValueError(
            f"no whole beat in {len(signals)} records; check that they are in mV and the sampling rate is theirs"
        )
    r_amplitude, r_percent, r_bias, st_level = (float(value) for value in np.nanmedian(np.array(rows), axis=0))
    st_bias, st_worst = (float(value) for value in np.percentile(np.concatenate(levels), [50, 95]))
    return DiagnosticError(r_amplitude, r_percent, r_bias, st_level, st_bias, st_worst, len(rows))


def load_classifier(folder: Path) -> nn.Module:
    """A trained classifier of any kind. Raises ValueError for a folder that holds something else."""
    kinds = {kind.__name__: kind for _, kind in CLASSIFIERS}
    name = read_config(folder).get("class")
    if name not in kinds:
        raise ValueError(f"{folder} holds a {name}; expected one of {', '.join(sorted(kinds))}")
    kind: Any = kinds[name]
    return kind.from_pretrained(folder)


def macro_auroc(models: Sequence[nn.Module], signals: np.ndarray, labels: np.ndarray) -> float:
    """Macro AUROC on signals (records, 8, samples) mV with labels (records, classes), mean over the classifiers.

    Raises ValueError when the labels are not those that a classifier tells.
    """
    names = [str(column) for column in range(labels.shape[1])]
    values = [
        classification_metrics(labels, predict(model, signals), 0.5, names, "fixed 0.5").macro["auroc"]
        for model in models
    ]
    return float(np.mean(values))
