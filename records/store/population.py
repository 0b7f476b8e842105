"""The voltages of a data set as a whole: a unit or a normalisation that no single record gives away."""

import numpy as np

from vqecg.records.store.signal_spec import MICROVOLTS

# mV, median over leads of the peak to peak. Medians of real sets: PTB-XL 1.57, CPSC2018 1.72, Challenge 2020 1.31, 2021
# 1.49. Single records of PTB-XL: 0.47 to 6.5.
PLAUSIBLE_MEDIAN = (0.5, 4.0)
PLAUSIBLE_RECORD = (0.4, 8.0)
STRANGE_SHARE = 0.01  # of the records, beyond PLAUSIBLE_RECORD; none in PTB-XL
ENOUGH_RECORDS = 20  # to judge a spread by
LEAST_SPREAD = 0.06  # interquartile range over median, of every size of a record; 0.38 is the least in PTB-XL
QUARTILES = (0.25, 0.5, 0.75)
SIZES = ("peak to peak", "largest voltage", "standard deviation", "standard deviation of a lead")


def record_sizes(signals: np.ndarray) -> np.ndarray:
    """Four sizes of every record, in the order of SIZES: (records, 8, samples) int16 microvolt -> (records, 4) mV."""
    sizes = np.empty((len(signals), len(SIZES)))
    for row, signal in enumerate(signals):
        millivolts = signal.astype(np.float32) / MICROVOLTS
        sizes[row] = (
            np.median(np.ptp(millivolts, axis=1)),
            np.abs(millivolts).max(),
            millivolts.std(),
            np.median(millivolts.std(axis=1)),
        )
    return sizes


def relative_spreads(sizes: np.ndarray) -> np.ndarray:
    """Interquartile range over median of each size: (records, 4) mV -> (4,)."""
    low_quarter, middle, high_quarter = np.quantile(sizes, QUARTILES, axis=0)
    return np.asarray((high_quarter - low_quarter) / np.maximum(middle, np.finfo(float).tiny))


def implausible_voltages(sizes: np.ndarray) -> list[str]:
    """Warnings, one sentence each, of what the records' sizes (records, 4) mV say of their unit; none if plausible.

    Each says what was measured, what is expected, and what it may come from: another unit than mV throughout, records
    of several units, or records or leads scaled to one size each. A warning is no proof: a set of infants or of one
    device may be special.
    """
    peaks, warnings = sizes[:, 0], []
    median, (low, high) = float(np.median(peaks)), PLAUSIBLE_MEDIAN
    if not low <= median <= high:
        cause = (
            "smaller than mV (0.1 mV taken for mV), or z-scores" if median > high else "larger than mV, or normalised"
        )
        warnings.append(
            f"the median lead of the median record is {median:.3g} mV from peak to peak, expected {low:g} to {high:g} "
            f"mV: the unit may be {cause}; check the gain of the files"
        )
    else:
        strange = int(((peaks < PLAUSIBLE_RECORD[0]) | (peaks > PLAUSIBLE_RECORD[1])).sum())
        if strange > max(1.0, STRANGE_SHARE * len(peaks)):
            warnings.append(
                f"{strange:,} of {len(peaks):,} records are below {PLAUSIBLE_RECORD[0]:g} or above "
                f"{PLAUSIBLE_RECORD[1]:g} mV from peak to peak (the median is {median:.3g} mV): files of several units "
                "may be mixed; check their gains"
            )
    if len(sizes) >= ENOUGH_RECORDS:
        low_quarter, _, high_quarter = np.quantile(sizes, QUARTILES, axis=0)
        spreads = relative_spreads(sizes)
        narrowest = int(np.argmin(spreads))
        if spreads[narrowest] < LEAST_SPREAD:
            warnings.append(
                f"the {SIZES[narrowest]} is nearly the same in all records ({low_quarter[narrowest]:.3g} to "
                f"{high_quarter[narrowest]:.3g} for the middle half): the signals seem to be normalised one by one, "
                "expected mV; give the recordings as they were made"
            )
    return warnings
