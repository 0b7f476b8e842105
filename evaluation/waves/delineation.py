"""From the classes of samples to waves of each lead, beats of all leads together, and the intervals of a record.

An onset is the lower quartile over the leads, an offset of QRS the upper one: near the earliest and the latest lead, as
intervals are measured by hand (Kligfield et al. 2007), but one or two bad leads of eight do not decide. P and T waves
count when enough leads show them at about the same time.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from vqecg.evaluation.waves.segmenter import CLASSES, Segmenter
from vqecg.records.datasets.ludb import POINTS, WAVE_COLUMNS, WAVES
from vqecg.records.leads import INDEPENDENT_LEADS

INTERVAL_COLUMNS = ("heart_rate", "rr_variation", "rmssd", "pr", "qrs", "qt", "qtc", "axis", "p_share")
SHORTEST = {"P": 0.03, "QRS": 0.03, "T": 0.05}  # s; a shorter run of samples is no wave
GAP = 0.03  # s; two runs of a wave no farther apart are one
VOTES = 0.375  # share of the leads that must show a wave: three of eight
AGREEMENT = 0.10  # s, greatest distance of the middle of a lead's P or T from that of the median lead
EARLIEST_P = 0.5  # s before QRS; a P wave before that belongs to no beat
FEWEST_BEATS = 2  # beats with an interval, below which it is not measured


@dataclass(frozen=True, eq=False)
class Beats:
    """The beats of one record, pooled over its leads: times in s, (beats,) float64 each, NaN where there is no wave."""

    r_peak: np.ndarray  # largest vector magnitude over the leads
    p_onset: np.ndarray
    qrs_onset: np.ndarray
    qrs_offset: np.ndarray
    t_offset: np.ndarray


def wave_runs(classes: np.ndarray, wave: str, sampling_rate: float) -> np.ndarray:
    """First and last sample of each wave of a kind in one lead: (samples,) classes -> (waves, 2) int64."""
    inside = np.zeros(len(classes) + 2, np.int8)
    inside[1:-1] = classes == CLASSES.index(wave)
    edges = np.flatnonzero(np.diff(inside))
    if not len(edges):
        return np.empty((0, 2), np.int64)
    first, last = edges[::2], edges[1::2] - 1
    apart = first[1:] - last[:-1] > GAP * sampling_rate
    first, last = first[np.append(True, apart)], last[np.append(apart, True)]
    long = last - first + 1 >= SHORTEST[wave] * sampling_rate
    return np.stack([first[long], last[long]], axis=1)


def lead_waves(
    signal: np.ndarray, classes: np.ndarray, sampling_rate: float, leads: Sequence[str] = INDEPENDENT_LEADS
) -> pd.DataFrame:
    """Every wave of every lead: columns lead, wave, onset, peak, offset, the last three in s.

    `signal` (leads, samples) mV and `classes` of the same shape are at `sampling_rate`. The peak is where the signal is
    farthest from the straight line between onset and offset.
    """
    rows = []
    for lead, voltage, lead_classes in zip(leads, signal, classes, strict=True):
        for wave in WAVES:
            for first, last in wave_runs(lead_classes, wave, sampling_rate):
                part = voltage[first : last + 1]
                peak = first + int(np.argmax(np.abs(part - np.linspace(part[0], part[-1], len(part)))))
                rows.append((lead, wave, first / sampling_rate, peak / sampling_rate, last / sampling_rate))
    table = pd.DataFrame(rows, columns=list(WAVE_COLUMNS))
    return table.astype(dict.fromkeys(POINTS, "float64"))


def pooled(values: np.ndarray, quantile: float, fewest: int) -> np.ndarray:
    """The quantile of each row of (beats, leads) over the leads that have a value, NaN where fewer than `fewest` do."""
    ordered, count = np.sort(values, axis=1), np.isfinite(values).sum(axis=1)
    place = quantile * np.maximum(count - 1, 0)
    low, rows = np.floor(place).astype(np.int64), np.arange(len(values))
    high = np.minimum(low + 1, np.maximum(count - 1, 0))
    result = ordered[rows, low] + (place - low) * (ordered[rows, high] - ordered[rows, low])
    return np.where(count >= fewest, result, np.nan)


def agreeing(spans: np.ndarray, fewest: int, sampling_rate: float) -> np.ndarray:
    """Spans (beats, leads, 2) with those set to NaN whose middle is far from the median lead's."""
    middle = spans.mean(axis=2)
    median = pooled(middle, 0.5, fewest)
    near = np.abs(middle - median[:, None]) <= AGREEMENT * sampling_rate
    return np.where(near[..., None], spans, np.nan)


def find_beats(signal: np.ndarray, classes: np.ndarray, sampling_rate: float) -> Beats:
    """The beats of one record: (leads, samples) mV and classes at `sampling_rate`, at least one lead.

    A QRS complex that the record cuts at its start or end is no beat, and a T wave that it cuts has no offset.
    """
    leads, samples = classes.shape
    fewest = max(1, round(VOTES * leads))
    vote = (classes == CLASSES.index("QRS")).sum(axis=0) >= fewest
    together = wave_runs(np.where(vote, CLASSES.index("QRS"), 0), "QRS", sampling_rate)
    together = together[(together[:, 0] > 0) & (together[:, 1] < samples - 1)]
    beats = len(together)
    spans = {wave: np.full((beats, leads, 2), np.nan) for wave in WAVES}
    ends = np.append(together[1:, 0], samples)  # where the next beat begins
    starts = np.append(-1, together[:-1, 1])  # where the beat before ended
    for lead in range(leads if beats else 0):
        runs = {wave: wave_runs(classes[lead], wave, sampling_rate) for wave in WAVES}
        # the first QRS that ends within the beat or after it; the last P that begins before QRS, the first T that ends
        # after it
        place(spans["QRS"][:, lead], runs["QRS"], np.searchsorted(runs["QRS"][:, 1], together[:, 0]), together)
        window = np.stack([np.maximum(starts + 1, together[:, 0] - EARLIEST_P * sampling_rate), together[:, 1]], axis=1)
        place(spans["P"][:, lead], runs["P"], np.searchsorted(runs["P"][:, 0], together[:, 0]) - 1, window)
        window = np.stack([together[:, 0], ends - 1], axis=1)
        place(spans["T"][:, lead], runs["T"], np.searchsorted(runs["T"][:, 1], together[:, 1], "right"), window)
    spans["T"][spans["T"][..., 1] >= samples - 1] = np.nan
    p, t = agreeing(spans["P"], fewest, sampling_rate), agreeing(spans["T"], fewest, sampling_rate)
    qrs_onset, qrs_offset = pooled(spans["QRS"][..., 0], 0.25, 1), pooled(spans["QRS"][..., 1], 0.75, 1)
    return Beats(
        r_peak=magnitude_peaks(signal, together) / sampling_rate,
        p_onset=pooled(p[..., 0], 0.25, fewest) / sampling_rate,
        qrs_onset=qrs_onset / sampling_rate,
        qrs_offset=qrs_offset / sampling_rate,
        t_offset=pooled(t[..., 1], 0.5, fewest) / sampling_rate,
    )


def place(spans: np.ndarray, runs: np.ndarray, chosen: np.ndarray, window: np.ndarray) -> None:
    """Writes run number `chosen` of each beat into `spans` (beats, 2) where there is one that overlaps its window."""
    there = (chosen >= 0) & (chosen < len(runs))
    candidates = runs[chosen[there]]
    overlaps = (candidates[:, 1] >= window[there, 0]) & (candidates[:, 0] <= window[there, 1])
    spans[np.flatnonzero(there)[overlaps]] = candidates[overlaps]


def magnitude_peaks(signal: np.ndarray, spans: np.ndarray) -> np.ndarray:
    """Samples of the largest vector magnitude over the leads, within each of the (beats, 2) spans: (beats,)."""
    peaks = np.empty(len(spans))
    for beat, (first, last) in enumerate(spans):
        part = signal[:, first - 1 : last + 2]
        size = ((part - np.linspace(part[:, 0], part[:, -1], part.shape[1], axis=1)) ** 2).sum(axis=0)
        top = int(np.argmax(size[1:-1])) + 1
        before, at, after = size[top - 1 : top + 2]
        bend = before - 2 * at + after
        peaks[beat] = first - 1 + top + (0.5 * (before - after) / bend if bend < 0 else 0.0)
    return peaks


def frontal_axis(signal: np.ndarray, beats: Beats, sampling_rate: float) -> float:
    """Direction of the mean QRS area in the frontal plane, degrees (0 to the left, 90 down), from I and aVF.

    `signal` is (8, samples) mV. aVF counts 2 / sqrt(3), as it is augmented. NaN without beats.
    """
    known = np.isfinite(beats.qrs_onset)  # a beat that leads find at different places has no onset
    if not known.any():
        return float("nan")
    areas = []
    for onset, offset in zip(beats.qrs_onset[known], beats.qrs_offset[known], strict=True):
        limbs = signal[:2, round(onset * sampling_rate) : round(offset * sampling_rate) + 1]
        areas.append((limbs - np.linspace(limbs[:, 0], limbs[:, -1], limbs.shape[1], axis=1)).sum(axis=1))
    one, two = np.median(areas, axis=0)
    return float(np.degrees(np.arctan2((two - one / 2) * 2 / np.sqrt(3), one)))


def record_intervals(signal: np.ndarray, classes: np.ndarray, sampling_rate: float) -> dict[str, float]:
    """The intervals of one record by name (INTERVAL_COLUMNS): (8, samples) mV and classes at `sampling_rate`."""
    return beat_intervals(signal, find_beats(signal, classes, sampling_rate), sampling_rate)


def beat_intervals(signal: np.ndarray, beats: Beats, sampling_rate: float) -> dict[str, float]:
    """INTERVAL_COLUMNS of one record by name, from its beats: (8, samples) mV at `sampling_rate`."""
    rr = np.diff(beats.r_peak)
    row = dict.fromkeys(INTERVAL_COLUMNS, float("nan"))
    if len(rr):
        row["heart_rate"] = 60 / float(np.median(rr))
    if len(rr) > 1:
        row["rr_variation"] = 100 * float(rr.std() / rr.mean())
        row["rmssd"] = 1000 * float(np.sqrt(np.mean(np.diff(rr) ** 2)))
    row["pr"] = typical(beats.qrs_onset - beats.p_onset)
    row["qrs"] = typical(beats.qrs_offset - beats.qrs_onset)
    row["qt"] = typical(beats.t_offset - beats.qrs_onset)
    row["qtc"] = row["qt"] / np.cbrt(60 / row["heart_rate"])
    row["axis"] = frontal_axis(signal, beats, sampling_rate)
    whole = beats.qrs_onset > EARLIEST_P  # the record shows where their P wave would be
    if whole.any():
        row["p_share"] = float(np.isfinite(beats.p_onset[whole]).mean())
    return row


def typical(seconds: np.ndarray) -> float:
    """Median over the beats that have the interval, in ms; NaN when too few have it."""
    known = seconds[np.isfinite(seconds)]
    return 1000 * float(np.median(known)) if len(known) >= FEWEST_BEATS else float("nan")


def interval_table(segmenter: Segmenter, signals: Iterable[np.ndarray], sampling_rate: int) -> pd.DataFrame:
    """Rate, rhythm, intervals and axis of many records, one row per record, float64, NaN where not measurable.

    `signals` are chunks (n, 8, samples) mV at `sampling_rate`. Columns: heart_rate (1/min), rr_variation (SD over mean,
    %), rmssd (ms), pr, qrs, qt (ms), qtc (ms, Fridericia), axis (degrees, frontal QRS), p_share (share of beats with a
    P wave before, 0-1). pr is over the beats that have a P wave. Raises ValueError for another number of leads.
    """
    rate = segmenter.config.sampling_rate
    records = (record for chunk in signals for record in segmented_beats(segmenter, chunk, sampling_rate))
    rows = [beat_intervals(signal, beats, rate) for signal, beats in records]
    return pd.DataFrame(rows, columns=list(INTERVAL_COLUMNS), dtype=np.float64)


def segmented_beats(segmenter: Segmenter, chunk: np.ndarray, sampling_rate: int) -> Iterator[tuple[np.ndarray, Beats]]:
    """Each record of a chunk (n, 8, samples) mV, as the segmenter resamples it, with its beats.

    Raises ValueError for another number of leads.
    """
    if chunk.ndim != 3 or chunk.shape[1] != len(INDEPENDENT_LEADS):
        raise ValueError(f"got signals of shape {chunk.shape}; expected (n, 8, samples): {INDEPENDENT_LEADS}")
    rate = segmenter.config.sampling_rate
    resampled = segmenter.resampled(chunk, sampling_rate)
    for signal, classes in zip(resampled, segmenter.segment(resampled, rate), strict=True):
        yield signal, find_beats(signal, classes, rate)
