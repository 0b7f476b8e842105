"""Traits: what is measured of a record, and the basis that makes a few numbers of it."""

import numpy as np
import pytest
from numpy.random import default_rng

from vqecg.prior.sketch.layout import LEAD_TRAITS, P_TRAIT, PLAIN, beat_samples
from vqecg.prior.sketch.p_wave import EARLIEST, LATEST
from vqecg.prior.sketch.traits import TraitBasis, measure, scaled

RATE = 100


def beats(peaks: list[int], height: float = 1.0, samples: int = 1000) -> np.ndarray:
    """A triangle of 5 samples at each peak, in eight leads of rising size: (8, samples) mV."""
    signal = np.zeros((8, samples), np.float32)
    for peak in peaks:
        for offset, part in ((-1, 0.5), (0, 1.0), (1, 0.5)):
            if 0 <= peak + offset < samples:
                signal[:, peak + offset] = height * part * np.arange(1, 9)
    return signal


def test_a_record_of_equal_beats_is_its_beat_its_rate_and_no_noise():
    peaks = list(range(50, 1000, 80))
    found = measure(beats(peaks), np.array(peaks), RATE)
    assert found.shape == (PLAIN + 8 * beat_samples(RATE),) and found.dtype == np.float32
    assert found[0] == pytest.approx(np.log(0.8)) and found[1] == pytest.approx(np.log(0.01))
    assert np.log(LATEST) <= found[P_TRAIT] <= np.log(EARLIEST)
    np.testing.assert_allclose(found[LEAD_TRAITS:PLAIN], np.log(0.001), rtol=1e-5)
    beat = found[PLAIN:].reshape(8, -1)
    np.testing.assert_allclose(beat[:, 35], np.arange(1, 9))  # the R peak, 0.35 s after the beginning
    assert np.count_nonzero(beat[0]) == 3


def test_one_odd_beat_does_not_change_the_representative_one():
    peaks = list(range(50, 1000, 80))
    odd = beats(peaks) + beats([peaks[4]], height=-5)
    np.testing.assert_allclose(
        measure(odd, np.array(peaks), RATE)[PLAIN:], measure(beats(peaks), np.array(peaks), RATE)[PLAIN:]
    )


def test_wander_and_noise_are_told_apart():
    peaks = np.arange(50, 950, 80)
    baseline = np.interp(np.arange(1000), np.arange(0, 1000, 100), default_rng(0).normal(0, 0.2, 10))
    drift = measure(beats(list(peaks)) + baseline, peaks, RATE)
    noisy = measure(beats(list(peaks)) + default_rng(1).normal(0, 0.05, (8, 1000)), peaks, RATE)
    wander, noise = slice(LEAD_TRAITS, LEAD_TRAITS + 8), slice(LEAD_TRAITS + 8, PLAIN)
    assert (drift[wander] > noisy[wander]).all() and (noisy[noise] > drift[noise]).all()


@pytest.mark.parametrize("peaks", [[], [500], [3], [3, 998]])
def test_few_beats_or_none_leave_what_is_unknown_open(peaks: list[int]):
    found = measure(beats(peaks), np.array(peaks, np.int64), RATE)
    assert np.isfinite(found[LEAD_TRAITS:]).all()
    assert np.isfinite(found[P_TRAIT]) == bool(peaks)
    assert np.isnan(found[0]) == (len(peaks) < 2) and np.isnan(found[1])
    if peaks:
        assert found[PLAIN:].max() == pytest.approx(8)


def test_scaled_measures_are_those_of_the_scaled_record():
    peaks, generator = np.arange(50, 950, 80), default_rng(0)
    signal = (beats(list(peaks)) + generator.normal(0, 0.5, (8, 1000))).astype(np.float32)
    found = scaled(measure(signal, peaks, RATE)[None], np.array([1.3], np.float32))[0]
    np.testing.assert_allclose(
        found, measure(1.3 * signal, peaks, RATE), rtol=1e-3, atol=0.02
    )  # the least noise is not scaled


def test_traits_of_the_training_records_are_standardised_and_the_beats_are_not_lost():
    generator = default_rng(0)
    measures = generator.normal(0, 0.5, (300, PLAIN + 40)).astype(np.float32)
    measures[:, PLAIN:] = generator.normal(0, 1, (300, 3)) @ generator.normal(0, 1, (3, 40))
    basis = TraitBasis.fit(measures, components=3)
    found = basis.traits(measures)
    assert found.shape == (300, PLAIN + 3) == (300, basis.count) and basis.components == 3
    np.testing.assert_allclose(found.std(0), 1, rtol=0.02)
    np.testing.assert_allclose(found.mean(0), 0, atol=0.02)
    beat = measures[:, PLAIN:] - measures[:, PLAIN:].mean(0)
    rebuilt = found[:, PLAIN:] @ np.linalg.lstsq(found[:, PLAIN:], beat, rcond=None)[0]
    np.testing.assert_allclose(rebuilt, beat, atol=0.02)


def test_what_is_unknown_counts_as_the_mean_and_what_is_far_out_as_eight_deviations():
    measures = default_rng(0).normal(0, 1, (50, PLAIN + 20)).astype(np.float32)
    basis = TraitBasis.fit(measures, components=4)
    odd = measures[:1].copy()
    odd[0, 0], odd[0, 1] = np.nan, 1e6
    assert basis.traits(odd)[0, :2].tolist() == [0, 8]


def test_few_records_have_few_components_and_one_has_none():
    measures = default_rng(0).normal(0, 1, (5, PLAIN + 20)).astype(np.float32)
    assert TraitBasis.fit(measures, components=48).components == 4
    with pytest.raises(ValueError, match="got 1 records to measure traits on; expected at least two"):
        TraitBasis.fit(measures[:1], components=48)


def test_a_measure_that_never_changes_is_not_blown_up():
    measures = np.ones((20, PLAIN + 20), np.float32)
    basis = TraitBasis.fit(measures, components=4)
    assert np.isfinite(basis.projection).all() and (basis.traits(measures) == 0).all()


def test_limits_hold_nearly_all_training_records():
    measures = default_rng(0).normal(0, 1, (1000, PLAIN + 20)).astype(np.float32)
    basis = TraitBasis.fit(measures, components=4)
    found = basis.traits(measures)
    assert basis.limits.shape == (2, PLAIN + 4)
    outside = (found < basis.limits[0]) | (found > basis.limits[1])
    assert 0 < outside.mean() <= 0.011
