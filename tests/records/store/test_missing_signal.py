"""Leads without a signal for a while: refused, wherever in the part that is used."""

import numpy as np
import pytest

from vqecg.records.leads import LEADS, twelve_leads
from vqecg.records.record import ECGRecord
from vqecg.records.store.missing_signal import missing_stretch
from vqecg.records.store.quality import Examination, examine
from vqecg.records.store.signal_spec import SignalSpec

RATE = 250


def wander(seconds: float = 10.0) -> np.ndarray:
    """(8, samples) mV that changes all the time, and by more than 0.02 mV in 2 s."""
    noise = np.random.default_rng(0).normal(size=(8, round(seconds * RATE))) / 50
    return np.rint(1000 * (noise + np.sin(7 * np.arange(noise.shape[1]) / RATE))) / 1000


def examined(signal8: np.ndarray) -> Examination:
    return examine(ECGRecord(twelve_leads(signal8.astype(np.float32)), RATE, LEADS, "1"), SignalSpec())


def silent(
    rows: slice | int, start: float, stop: float, value: float | None = 0.05, seconds: float = 10.0
) -> np.ndarray:
    """A signal with leads that hold a value (their own last one for None) between two times in s."""
    signal = wander(seconds)
    first, last = round(start * RATE), round(stop * RATE)
    signal[rows, first:last] = signal[rows, first, None] if value is None else value
    return signal


def printout() -> np.ndarray:
    """Three rows of four: each lead for 2.5 s, nothing else."""
    signal, quarter = wander(), round(2.5 * RATE)
    for rows, column in ((slice(0, 2), 0), (slice(2, 5), 2), (slice(5, 8), 3)):
        kept = signal[rows, column * quarter : (column + 1) * quarter].copy()
        signal[rows] = 0.0
        signal[rows, column * quarter : (column + 1) * quarter] = kept
    return signal


def flickering(step: float) -> np.ndarray:
    """A lead of which the converter's last digit is left from the fourth second on."""
    signal = silent(4, 4.0, 10.0)
    signal[4, 4 * RATE :] += step * np.random.default_rng(1).integers(-1, 2, 6 * RATE)
    return signal


SILENCES = {
    "zeros at the end": silent(slice(None), 7.0, 10.0),
    "zeros at the beginning": silent(slice(None), 0.0, 2.0),
    "4 s filled up to 10": silent(slice(None), 4.0, 10.0),
    "a gap in the middle": silent(slice(None), 4.0, 5.5),
    "one lead lost in the middle": silent(5, 6.0, 10.0, None),
    "one lead lost for a second": silent(2, 3.0, 4.0, None),
    "a chest lead that begins late": silent(7, 0.0, 3.0),
    "last value held": silent(slice(None), 8.0, 10.0, None),
    "three by four printout": printout(),
    "flicker of a microvolt": flickering(0.001),
    "flicker of 5 microvolt": flickering(0.005),
}


@pytest.mark.bad_input("missing signal")
@pytest.mark.parametrize("silence", SILENCES)
def test_a_lead_that_holds_still_is_missing(silence: str) -> None:
    result = examined(SILENCES[silence])
    assert result.reason == "missing signal" and result.signal is None
    stretch = missing_stretch(SILENCES[silence], RATE)
    assert stretch is not None and stretch[2] - stretch[1] >= 1.0 - 1e-9


@pytest.mark.bad_input("missing signal")
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_gap_that_is_marked_as_unknown_is_named_so(value: float) -> None:
    assert examined(silent(5, 3.0, 6.0, value)).reason == "nan"


def test_the_detail_says_which_lead_and_when() -> None:
    assert examined(silent(4, 2.0, 4.5)).detail == (
        "V3 holds still for 2.50 s, from 2.00 s to 4.50 s of the 10.00 s used; expected less than 1 s"
    )


def test_short_pauses_and_a_coarse_converter_are_no_gap() -> None:
    assert examined(silent(slice(None), 4.0, 4.8)).reason is None
    stairs = np.repeat(wander()[:, :: RATE // 2], RATE // 2, axis=1)  # a new value every half second
    assert missing_stretch(stairs, RATE) is None


def test_only_the_part_that_is_used_counts() -> None:
    assert examined(silent(slice(None), 0.0, 9.0, seconds=30.0)).reason is None
    assert examined(silent(slice(None), 14.0, 16.0, seconds=30.0)).reason == "missing signal"
    saturated = wander(30.0)
    saturated[3, : 9 * RATE] = 30.0
    assert examined(saturated).reason is None
