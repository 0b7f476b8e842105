import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vqecg.records.leads import LEADS, twelve_leads
from vqecg.records.record import ECGRecord
from vqecg.records.store.preprocessing import UnusableRecordError, prepare, resample
from vqecg.records.store.signal_spec import SignalSpec

RATES = (100, 250, 257, 360, 400, 500, 1000)


def sine(frequency: float, rate: float, seconds: float = 10.0) -> np.ndarray:
    """A sine of 1 mV, (1, samples)."""
    return np.sin(2 * np.pi * frequency * np.arange(round(rate * seconds)) / rate)[None]


def record_of(signal8: np.ndarray, rate: float = 100.0) -> ECGRecord:
    return ECGRecord(twelve_leads(signal8), rate, LEADS, "1")


def noise(samples: int = 1000, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(8, samples)).cumsum(axis=1).astype(np.float32) / 50


@pytest.mark.parametrize(("from_rate", "to_rate"), list(itertools.permutations(RATES, 2)))
def test_a_12_hz_sine_keeps_amplitude_and_phase_between_all_rates(from_rate: int, to_rate: int) -> None:
    result = resample(sine(12, from_rate), from_rate, to_rate)
    expected = sine(12, to_rate)
    assert result.shape == expected.shape and result.dtype == np.float32
    inner = slice(to_rate // 2, -to_rate // 2)
    np.testing.assert_allclose(result[0, inner], expected[0, inner], atol=2e-3)
    sampled = np.arange(result.shape[1]) / to_rate <= (from_rate * 10 - 1) / from_rate
    assert np.abs(result - expected)[0, sampled].max() < 0.1  # the ends, beyond which nothing is known


@pytest.mark.parametrize("frequency", [50, 60, 70, 120, 240])
def test_content_above_half_the_new_rate_is_gone(frequency: float) -> None:
    result = resample(sine(frequency, 500), 500, 100)
    assert np.abs(result[:, 50:-50]).max() < 0.01


@pytest.mark.parametrize(("from_rate", "to_rate"), [(500, 100), (257, 100), (100, 500), (1000, 257)])
def test_an_offset_and_a_slope_do_not_ring_at_the_ends(from_rate: int, to_rate: int) -> None:
    seconds, wanted = np.arange(from_rate * 10) / from_rate, np.arange(to_rate * 10) / to_rate
    result = resample(np.stack([np.full_like(seconds, 5.0), 2 - seconds]), from_rate, to_rate)
    np.testing.assert_allclose(result, np.stack([np.full_like(wanted, 5.0), 2 - wanted]), atol=5e-3)


@settings(deadline=None, max_examples=20)
@given(st.integers(1, 3000), st.sampled_from(RATES), st.sampled_from(RATES))
def test_resampled_length_is_the_number_of_new_samples_within_the_signal(
    samples: int, from_rate: int, to_rate: int
) -> None:
    assert resample(np.zeros((1, samples)), from_rate, to_rate).shape == (1, -(-samples * to_rate // from_rate))


def test_the_same_rate_changes_nothing_and_shares_nothing() -> None:
    signal = noise()
    result = resample(signal, 100.0, 100)
    np.testing.assert_array_equal(result, signal)
    assert not np.shares_memory(result, signal)


def test_a_broken_rate_is_followed() -> None:
    result = resample(sine(5, 499.76), 499.76, 100)
    np.testing.assert_allclose(result[0, 50:950], sine(5, 100)[0, 50:950], atol=2e-3)


@pytest.mark.parametrize("rates", [(0, 100), (100, -1), (float("nan"), 100), (1e-5, 100)])
def test_rates_that_are_not_positive_are_refused(rates: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="expected"):
        resample(sine(1, 100), *rates)
    with pytest.raises(ValueError, match="no samples"):
        resample(np.zeros((1, 0)), 100, 500)


def test_spec_counts_samples_and_refuses_a_broken_number() -> None:
    assert SignalSpec(sampling_rate=100, seconds=2.56).samples == 256
    with pytest.raises(ValueError, match="whole number"):
        SignalSpec(sampling_rate=100, seconds=0.333)


@pytest.mark.bad_input("settings that cannot be")
@pytest.mark.parametrize("rate", [0, -100, 1, 49, 32_001, 10**9, 10**300, 99.5, float("nan"), "100", True, None])
def test_a_rate_that_no_store_has_is_refused(rate: object) -> None:
    with pytest.raises(ValueError, match="sampling_rate is") as caught:
        SignalSpec(sampling_rate=rate)
    assert "\n" not in str(caught.value)


@pytest.mark.bad_input("settings that cannot be")
@pytest.mark.parametrize("seconds", [0.0, -10.0, 1e9, 1e300, 86_400.0, float("nan"), float("inf"), "10", 1e-9, None])
def test_a_length_that_no_store_has_is_refused(seconds: object) -> None:
    with pytest.raises(ValueError, match=r"seconds is|samples; expected") as caught:
        SignalSpec(sampling_rate=100, seconds=seconds)
    assert "\n" not in str(caught.value)


def test_a_record_at_the_right_rate_and_length_is_taken_as_it_is() -> None:
    signal = noise()
    np.testing.assert_array_equal(prepare(record_of(signal), SignalSpec()), signal)


def test_of_a_long_record_the_centre_is_kept() -> None:
    signal = noise(1501)
    np.testing.assert_array_equal(prepare(record_of(signal), SignalSpec()), signal[:, 250:1250])


def test_a_short_record_is_continued_by_its_ends() -> None:
    signal = noise(701)
    result = prepare(record_of(signal), SignalSpec())
    np.testing.assert_array_equal(result[:, 149:850], signal)
    assert (result[:, :149] == signal[:, :1]).all() and (result[:, 850:] == signal[:, -1:]).all()


@pytest.mark.bad_input("missing signal")
@pytest.mark.parametrize(("seconds", "needed"), [(20.0, 10), (60.0, 30), (10.0, 5), (8.0, 5)])
def test_a_record_of_less_than_half_the_length_is_refused(seconds: float, needed: int) -> None:
    with pytest.raises(UnusableRecordError, match=rf"too short: .* s, expected at least {needed} s"):
        prepare(record_of(noise(100 * needed - 1)), SignalSpec(seconds=seconds))
    assert prepare(record_of(noise(100 * needed)), SignalSpec(seconds=seconds)).shape == (8, round(100 * seconds))


def test_a_record_below_the_minimum_is_refused_and_one_at_it_is_not() -> None:
    with pytest.raises(UnusableRecordError, match=r"too short: 4\.99 s, expected at least 5 s") as caught:
        prepare(record_of(noise(499)), SignalSpec())
    assert caught.value.reason == "too short"
    assert prepare(record_of(noise(500)), SignalSpec()).shape == (8, 1000)
    assert prepare(record_of(noise(250)), SignalSpec(seconds=2.5)).shape == (8, 250)
    assert prepare(record_of(noise(250)), SignalSpec(), min_seconds=2.0).shape == (8, 1000)


def test_microvolt_and_volt_are_caught_and_one_artefact_is_not() -> None:
    signal = noise()
    for factor in (1000, 0.001):
        with pytest.raises(UnusableRecordError, match="wrong unit"):
            prepare(record_of(signal * factor), SignalSpec())
    signal[3, 500] = 30.0
    assert prepare(record_of(signal), SignalSpec()).max() == 30.0


def test_unknown_samples_and_missing_leads_are_refused() -> None:
    signal = noise()
    signal[2, 10] = np.nan
    with pytest.raises(UnusableRecordError, match="nan: 1 of 8000 samples"):
        prepare(record_of(signal), SignalSpec())
    with pytest.raises(UnusableRecordError, match="missing lead"):
        prepare(ECGRecord(noise()[:2], 100.0, ("I", "II"), "1"), SignalSpec())


def test_a_nan_in_a_derived_lead_does_no_harm() -> None:
    twelve = twelve_leads(noise())
    twelve[LEADS.index("aVR")] = np.nan
    np.testing.assert_array_equal(prepare(ECGRecord(twelve, 100.0, LEADS, "1"), SignalSpec()), noise())
