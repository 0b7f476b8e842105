"""Stretches in which a lead has no signal: zeros that fill up a file, the gaps of a printout, a lost electrode."""

import numpy as np
import scipy  # its parts load when they are first used

CONSTANT_SECONDS = 1.0  # of exactly one value; but for a lost electrode 0.58 s is the longest in 4,117 real records
STILL_SECONDS = 2.0  # within STILL_RANGE
STILL_RANGE = 0.02  # mV; 0.05 mV is the least range that a lead has within 2 s there


def missing_stretch(signal: np.ndarray, sampling_rate: float) -> tuple[int, float, float] | None:
    """The longest stretch in which a lead holds still: its row, begin and end in s; None where none does.

    Args:
        signal: (leads, samples) mV as recorded, finite: the resampling filter smooths the edges of a gap.
        sampling_rate: Hz.

    A lead holds still where it has one value for at least CONSTANT_SECONDS, or stays within STILL_RANGE for at least
    STILL_SECONDS, as one does whose converter still flickers.
    """
    stretches = []
    for row, lead in enumerate(signal):
        for (start, stop), least in (
            (constant_stretch(lead), CONSTANT_SECONDS),
            (_still(lead, round(STILL_SECONDS * sampling_rate)), STILL_SECONDS),
        ):
            if stop - start >= least * sampling_rate:
                stretches.append((stop - start, row, start, stop))
    if not stretches:
        return None
    _, row, start, stop = max(stretches)
    return row, start / sampling_rate, stop / sampling_rate


def constant_stretch(lead: np.ndarray) -> tuple[int, int]:
    """Start and stop of the longest stretch of one value in a lead (samples,), in samples."""
    edges = np.concatenate([[0], np.flatnonzero(np.diff(lead)) + 1, [len(lead)]])
    longest = int(np.argmax(np.diff(edges)))
    return int(edges[longest]), int(edges[longest + 1])


def window_ranges(lead: np.ndarray, length: int) -> np.ndarray:
    """Peak to peak of every window of `length` samples, 1 to all of them: (samples,) mV -> (samples - length + 1,)."""
    inner = slice(length // 2, length // 2 + len(lead) - length + 1)  # the filters' windows are centred
    ranges = scipy.ndimage.maximum_filter1d(lead, length)[inner] - scipy.ndimage.minimum_filter1d(lead, length)[inner]
    return np.asarray(ranges)


def _still(lead: np.ndarray, length: int) -> tuple[int, int]:
    """Start and stop of the longest stretch whose windows of `length` samples stay within STILL_RANGE; or (0, 0)."""
    if not 0 < length <= len(lead):
        return 0, 0
    still = window_ranges(lead, length) <= STILL_RANGE
    edges = np.flatnonzero(np.diff(np.concatenate([[False], still, [False]]).astype(np.int8)))
    if not len(edges):
        return 0, 0
    starts, stops = edges[::2], edges[1::2]
    longest = int(np.argmax(stops - starts))
    return int(starts[longest]), int(stops[longest]) - 1 + length
