"""Beats much smaller than those around them: ventricular ones beside the tall complexes of hypertrophy, for one.

Such a beat is no taller than a T wave. But a T wave is where it is after every beat: what rises above the usual course
of the time since the last beat, in most leads, is a beat of its own. Artefacts are seldom in most leads.
"""

import numpy as np
import scipy  # its parts load when they are first used

FEWEST_BEATS = 4  # without which there is no usual course
RISES = 0.1  # of a lead's usual beat, by which its slope must be above the usual course, in the median lead
AWAY = 0.28  # s from other beats
EDGE = 0.2  # s from either end of the record, where half a beat may begin or end
JITTER = 0.06  # s, by which a T wave may come earlier or later than usual
SHARE = 3  # a time since the last beat is usual that one in so many beats, three at least, is followed by
BEYOND = 0.1  # s, of the last usual course, which stands for all later times


def small_beats(courses: np.ndarray, beats: np.ndarray, candidates: np.ndarray, sampling_rate: float) -> np.ndarray:
    """Those of the candidates that are beats: (beats,) int64 samples, ascending.

    `courses` (leads, n) are root mean square slopes, `beats` the samples of the beats that are known, `candidates` of
    other maxima. A candidate before the first beat is left alone, as it may be the T wave of one before the record.
    """
    if len(beats) < FEWEST_BEATS:
        return np.empty(0, np.int64)
    relative = courses / np.median(courses[:, beats], axis=1, keepdims=True).clip(1e-9)
    usual = usual_course(relative, beats, sampling_rate)
    edge, away = EDGE * sampling_rate, AWAY * sampling_rate
    small = []
    for place in candidates[(candidates >= edge) & (candidates < courses.shape[1] - edge)]:
        before = np.searchsorted(beats, place) - 1
        if before < 0 or np.abs(beats - place).min() < away:
            continue
        since = min(place - beats[before], usual.shape[1] - 1)
        if np.median(relative[:, place] - usual[:, since]) > RISES:
            small.append(place)
    return np.array(small, np.int64)


def usual_course(relative: np.ndarray, beats: np.ndarray, sampling_rate: float) -> np.ndarray:
    """The median course of each lead by the time since the last beat: (leads, samples), as long as the longest RR."""
    gaps = np.diff(beats)
    aligned = np.full((len(gaps), len(relative), gaps.max()), np.nan)
    for row, (beat, gap) in enumerate(zip(beats[:-1], gaps, strict=True)):
        aligned[row, :, :gap] = relative[:, beat : beat + gap]
    reached = np.sort(gaps)[-max(3, len(beats) // SHARE) :].min()  # samples that enough beats are followed by
    usual = np.zeros(aligned.shape[1:])
    usual[:, :reached] = np.nanmedian(aligned[..., :reached], axis=0)
    last = usual[:, max(0, reached - max(1, round(BEYOND * sampling_rate))) : reached]
    usual[:, reached:] = np.median(last, axis=1, keepdims=True)
    return np.asarray(scipy.ndimage.maximum_filter1d(usual, 2 * round(JITTER * sampling_rate) + 1, axis=1))
