"""Amplitudes, spectra and correlations of signals, on sines with known values."""

import numpy as np
import pytest

from vqecg.evaluation.fidelity.signal_fidelity import amplitude_table, correlation_distance, spectrum_table, summarise
from vqecg.records.leads import LEADS


def noise(records: int, seed: int, scale: float = 1.0) -> np.ndarray:
    return (scale * np.random.default_rng(seed).normal(size=(records, 8, 1000))).astype(np.float32)


def sines(amplitude: float) -> np.ndarray:
    """Sines of 1 Hz, the same in the eight leads: (3, 8, 1000) mV at 100 Hz."""
    return np.tile(amplitude * np.sin(2 * np.pi * np.arange(1000) / 100), (3, 8, 1)).astype(np.float32)


def test_amplitudes_of_a_sine_are_those_of_the_textbook_and_half_is_half():
    real, half = summarise([sines(1.0)], 100), summarise([sines(0.5)], 100)
    table = amplitude_table(real, half).set_index(["measure", "lead"])
    assert table.loc[("sd", "V1"), "real"] == pytest.approx(1 / np.sqrt(2), rel=1e-4)
    assert table.loc[("peak_to_peak", "aVL"), "real"] == pytest.approx(1, rel=1e-3), "aVL = I - II / 2"
    assert table.loc[("slew", "V6"), "real"] == pytest.approx(2 * np.pi, rel=1e-2)
    moving = table.drop(index="III", level="lead")
    np.testing.assert_allclose(moving["ratio"], 0.5, rtol=1e-5)
    assert table.loc[("sd", "III"), ["ratio", "reference"]].isna().all(), "III = II - I is flat here"
    assert list(table.xs("sd").index) == list(LEADS)


def test_chunks_of_any_size_give_the_same_summary():
    signals = noise(40, 0)
    whole, parts = summarise([signals], 100), summarise([signals[:7], signals[7:30], signals[30:]], 100)
    assert whole.records == parts.records == 40
    np.testing.assert_array_equal(whole.amplitudes, parts.amplitudes)
    np.testing.assert_allclose(whole.power, parts.power)
    np.testing.assert_allclose(whole.correlation, parts.correlation, atol=1e-12)


def test_twice_the_amplitude_is_six_decibels():
    real = summarise([noise(20, 0)], 100)
    table = spectrum_table(real, summarise([noise(20, 0, 2.0)], 100), summarise([noise(20, 1)], 100))
    np.testing.assert_allclose(table["distance"], 20 * np.log10(2), rtol=1e-5)
    assert (table["reference_distance"] < 1).all() and table["lead"].tolist() == list(LEADS)
    assert real.frequencies.min() >= 0.5 and real.frequencies.max() <= 40


def test_correlation_distance_is_zero_for_the_same_and_one_for_uncorrelated_against_equal_leads():
    apart = summarise([noise(50, 0)], 100)
    assert correlation_distance(apart, apart) == 0
    assert correlation_distance(apart, summarise([sines(1.0)], 100)) == pytest.approx(1, abs=0.02)


def test_a_lead_that_is_flat_in_some_records_does_not_spoil_the_mean():
    signals = noise(10, 0)
    signals[:3, 4] = 0
    assert np.isfinite(summarise([signals], 100).correlation).all()


def test_signals_that_cannot_be_summarised_are_refused():
    for signals, told in (
        ([], "no signals"),
        ([np.zeros((1, 12, 1000))], "expected chunks"),
        ([np.zeros((1, 8, 100))], "at least 2 s"),
        ([np.full((1, 8, 1000), np.nan)], "NaN"),
        ([noise(1, 0), noise(1, 0)[..., :500]], "one length"),
    ):
        with pytest.raises(ValueError, match=told):
            summarise(signals, 100)
    flat = summarise([np.zeros((1, 8, 1000))], 100)
    with pytest.raises(ValueError, match="flat in every record"):
        spectrum_table(flat, flat)
    with pytest.raises(ValueError, match="the same frequencies"):
        spectrum_table(summarise([noise(2, 0)], 100), summarise([noise(2, 0)[..., :300]], 100))
