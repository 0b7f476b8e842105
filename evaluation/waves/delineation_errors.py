"""Errors of detected waves against the waves that cardiologists marked in LUDB."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from vqecg.evaluation.waves.delineation import lead_waves
from vqecg.evaluation.waves.segmenter import Segmenter
from vqecg.records.datasets.ludb import POINTS, UNKNOWN_WAVE, WAVES, LUDBRecord
from vqecg.records.record import ECGRecord
from vqecg.records.store.preprocessing import resample

NO_WAVES = np.empty((0, len(POINTS)))
TOLERANCE = 0.15  # s, within which a point counts as detected (ANSI/AAMI EC57; Martinez et al. 2004 and later)


@dataclass(frozen=True, eq=False)
class PointErrors:
    """One point of one kind of wave, over all leads of a record."""

    marks: int  # times that it is marked
    errors: np.ndarray  # (marks that were detected,) s, detected minus marked
    false: int  # detections that are near no mark, where all is marked


def delineation_errors(
    segmenter: Segmenter, records: Sequence[LUDBRecord], sampling_rate: int | None = None
) -> pd.DataFrame:
    """Sensitivity, positive predictive value and error of every point of every wave, over all leads of `records`.

    The records go to the segmenter at `sampling_rate` (Hz; that of the record if None). One row per wave and point:
    references (marks), sensitivity and ppv (within 150 ms, 0-1), mean and sd (ms, detected minus marked). A detection
    outside the stretch of a lead that was marked, or at a wave of unknown kind, is neither right nor wrong.
    Raises ValueError for no records.
    """
    return wave_errors(records, [segmented_waves(segmenter, record.record, sampling_rate) for record in records])


def wave_errors(
    records: Sequence[LUDBRecord], detected: Sequence[pd.DataFrame], tolerance: float = TOLERANCE
) -> pd.DataFrame:
    """The table of `delineation_errors` for waves that anything detected, within `tolerance` (s) of the marks.

    `detected` has a table of waves for each record, as `lead_waves` makes them: columns lead, wave, onset, peak and
    offset, the last three in s, NaN for a point that was not found. A lead without rows counts as missed.
    Raises ValueError for no records, or another number of tables.
    """
    if not records:
        raise ValueError("no records to measure errors on; expected at least one")
    if len(detected) != len(records):
        raise ValueError(f"{len(detected)} tables of waves for {len(records)} records; expected one for each")
    parts = [point_errors(record, waves, tolerance) for record, waves in zip(records, detected, strict=True)]
    return pd.DataFrame([summary(key, [part[key] for part in parts]) for key in parts[0]])


def segmented_waves(segmenter: Segmenter, ecg: ECGRecord, sampling_rate: int | None = None) -> pd.DataFrame:
    """The waves that a segmenter finds in a record that goes to it at `sampling_rate` (Hz; its own rate if None)."""
    network_rate = segmenter.config.sampling_rate
    rate = ecg.sampling_rate if sampling_rate is None else sampling_rate
    signal = segmenter.resampled(resample(ecg.signal, ecg.sampling_rate, rate), rate)
    return lead_waves(signal, segmenter.segment(signal[None], network_rate)[0], network_rate, ecg.leads)


def point_errors(
    record: LUDBRecord, detected: pd.DataFrame, tolerance: float = TOLERANCE
) -> dict[tuple[str, str], PointErrors]:
    """The errors of every (wave, point) of one record; arguments as those of `wave_errors`."""
    errors: dict[tuple[str, str], list[np.ndarray]] = {(wave, point): [] for wave in WAVES for point in POINTS}
    false, marks = dict.fromkeys(errors, 0), dict.fromkeys(errors, 0)
    references, detections = by_lead_and_wave(record.waves), by_lead_and_wave(detected)
    for lead in record.record.leads:
        judged = judged_times(record, lead)
        for wave, point in errors:
            marked = references.get((lead, wave), NO_WAVES)[:, POINTS.index(point)] / record.record.sampling_rate
            marked = marked[np.isfinite(marked)]
            times = detections.get((lead, wave), NO_WAVES)[:, POINTS.index(point)]
            times = times[np.isfinite(times)]
            pairs = matched(marked, times, tolerance)
            errors[wave, point].append(times[pairs[:, 1]] - marked[pairs[:, 0]])
            marks[wave, point] += len(marked)
            false[wave, point] += int(inside(np.delete(times, pairs[:, 1]), judged).sum())
    return {key: PointErrors(marks[key], np.concatenate(errors[key]), false[key]) for key in errors}


def by_lead_and_wave(waves: pd.DataFrame) -> dict[tuple[str, str], np.ndarray]:
    """(waves, 3) onset, peak and offset of each (lead, wave) that occurs."""
    return {
        (str(lead), str(wave)): rows[list(POINTS)].to_numpy() for (lead, wave), rows in waves.groupby(["lead", "wave"])
    }


def summary(key: tuple[str, str], parts: Sequence[PointErrors]) -> dict[str, str | float]:
    """One row of the table from the errors of each record."""
    errors = np.concatenate([part.errors for part in parts])
    marks, false, detected = sum(part.marks for part in parts), sum(part.false for part in parts), len(errors)
    return {
        "wave": key[0],
        "point": key[1],
        "references": marks,
        "sensitivity": detected / marks if marks else float("nan"),
        "ppv": detected / (detected + false) if detected + false else float("nan"),
        "mean": 1000 * float(errors.mean()) if detected else float("nan"),
        "sd": 1000 * float(errors.std()) if detected else float("nan"),
    }


def matched(marked: np.ndarray, times: np.ndarray, tolerance: float = TOLERANCE) -> np.ndarray:
    """Pairs (index of a mark, index of a time) that are each other's nearest and near enough: (pairs, 2) int64."""
    if not len(marked) or not len(times):
        return np.empty((0, 2), np.int64)
    distance = np.abs(marked[:, None] - times[None])
    nearest = distance.argmin(axis=1)
    rows = np.arange(len(marked))
    mutual = (distance.argmin(axis=0)[nearest] == rows) & (distance[rows, nearest] <= tolerance)
    return np.stack([rows[mutual], nearest[mutual]], axis=1)


def judged_times(record: LUDBRecord, lead: str) -> list[tuple[float, float]]:
    """The stretches of a lead, in s, in which every wave is marked with its kind."""
    rate = record.record.sampling_rate
    first, last = record.labelled_stretch(lead)
    waves = record.waves[(record.waves["lead"] == lead) & (record.waves["wave"] == UNKNOWN_WAVE)]
    stretches, start = [], first / rate
    for onset, offset in zip(waves["onset"] / rate, waves["offset"] / rate, strict=True):
        stretches.append((start, onset - TOLERANCE))
        start = offset + TOLERANCE
    return [*stretches, (start, last / rate)]


def inside(times: np.ndarray, stretches: list[tuple[float, float]]) -> np.ndarray:
    """True for times in one of the stretches: (times,) bool."""
    return np.array([any(start <= time <= end for start, end in stretches) for time in times], bool)
