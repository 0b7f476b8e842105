import pickle
from pathlib import Path

import numpy as np
import pytest

from vqecg.records.datasets.registry import read_record, read_table
from vqecg.records.leads import LEADS, twelve_leads
from vqecg.records.record import ECGRecord
from vqecg.records.store.preprocessing import UnusableRecordError
from vqecg.records.store.quality import REASONS, check_quality, examine
from vqecg.records.store.signal_spec import SignalSpec

SPEC = SignalSpec()


def wander(samples: int = 1000) -> np.ndarray:
    return np.random.default_rng(1).normal(size=(8, samples)).cumsum(axis=1).astype(np.float32) / 50


def reason_of(signal8: np.ndarray) -> str | None:
    return check_quality(ECGRecord(twelve_leads(signal8), 100.0, LEADS, "1"), SPEC)


def test_a_good_record_passes_and_comes_back_prepared() -> None:
    examined = examine(ECGRecord(twelve_leads(wander()), 100.0, LEADS, "1"), SPEC)
    assert examined.reason is None and examined.signal is not None
    np.testing.assert_array_equal(examined.signal, wander())


def test_each_fault_is_named() -> None:
    unknown, short, flat, clipped, steep = wander(), wander(400), wander(), wander(), wander()
    unknown[0, 0] = np.nan
    flat[4] = 0.3
    flat[4, ::2] += 0.005
    clipped[5] = np.clip(clipped[5], *np.quantile(clipped[5], (0.0, 0.9)))
    steep[6, 400] = 33.0
    found = [reason_of(signal) for signal in (unknown, short, wander() * 1000, flat, clipped, steep)]
    assert found == ["nan", "too short", "wrong unit", "flat lead", "clipped", "clipped"]
    assert check_quality(ECGRecord(wander(), 100.0, LEADS[:8], "1"), SPEC) == "missing lead"
    others = {"sampling rate", "missing lead", "missing signal", "leads disagree", "duplicate signal"}
    others |= {"unreadable", "not what its header describes"}
    assert {*found, *others} == set(REASONS)


def test_a_record_of_zeros_is_flat() -> None:
    assert reason_of(np.zeros((8, 1000), np.float32)) == "flat lead"


def test_the_first_fault_in_the_documented_order_counts() -> None:
    signal = wander(400)
    signal[0, 0] = np.nan
    signal[1] = 0
    assert reason_of(signal) == "nan"


def test_artefacts_that_clinical_records_have_are_no_reason() -> None:
    seconds = np.arange(1000) / 100
    assert reason_of(wander() + 3 * np.sin(2 * np.pi * 0.3 * seconds).astype(np.float32)) is None
    assert reason_of(wander() + 0.2 * np.sin(2 * np.pi * 49 * seconds).astype(np.float32)) is None
    spike = wander()
    spike[2, 100:113] = 28.0
    assert reason_of(spike) is None


def test_the_exception_keeps_its_reason_through_a_process_pool() -> None:
    error = pickle.loads(pickle.dumps(UnusableRecordError("nan", "3 of 8")))
    assert (error.reason, error.detail, str(error)) == ("nan", "3 of 8", "nan: 3 of 8")


@pytest.mark.real
@pytest.mark.parametrize("name", ["ptb-xl", "cpsc2018", "challenge-2020", "challenge-2021"])
def test_no_real_record_is_lost(real_data: Path, name: str) -> None:
    records = read_table(real_data / name).records.iloc[:200]
    assert [check_quality(read_record(row), SPEC) for row in records.itertuples()] == [None] * len(records)


@pytest.mark.parametrize("rate", [1e-9, 1.0, 25.0, 49.99, 32_001.0, 1e9])
@pytest.mark.bad_input("sampling rates")
def test_a_rate_at_which_no_ecg_is_recorded_is_refused(rate: float) -> None:
    assert check_quality(ECGRecord(twelve_leads(wander()), rate, LEADS, "1"), SPEC) == "sampling rate"


@pytest.mark.parametrize("rate", [float("nan"), float("inf"), 0.0, -500.0])
@pytest.mark.bad_input("sampling rates")
def test_a_rate_that_is_none_makes_no_record(rate: float) -> None:
    with pytest.raises(ValueError, match="sampling rate"):
        ECGRecord(twelve_leads(wander()), rate, LEADS, "1")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.bad_input("values that are not finite")
def test_a_sample_that_is_not_finite_is_refused(value: float) -> None:
    signal = wander()
    signal[5, 17] = value
    assert reason_of(signal) == "nan"
